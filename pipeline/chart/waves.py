"""The picture of two waves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipeline.chart.render import COLOURS, finished, shown

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.chart.render import Picture

_WAVES = {"上期": ("first", "#9AA5B1"), "本期": ("second", COLOURS["问题"])}


def waves(frame: pd.DataFrame) -> Picture | None:
    """Draw the shares of respondents of two waves, with 95 % intervals; those that surely changed carry a mark.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table `waves` of `pipeline.compare`.

    Returns
    -------
    altair.LayerChart or None
        None where there is nothing to draw.
    """
    import altair as alt
    import pandas as pd

    own = frame[~frame["category"].str.startswith("(") & (frame[["first_hits", "second_hits"]].sum(axis=1) > 0)]
    if own.empty:
        return None
    marks = [{"上升": "↑", "下降": "↓", "新出现": "新", "不再出现": "无"}.get(change, "") for change in own["change"]]
    own = shown(own.assign(label=[f"{name} {mark}".strip() for name, mark in zip(own["name"], marks, strict=True)]))
    order = list(own.sort_values("second_share", ascending=False, kind="stable")["label"])
    rows = pd.concat(
        [
            own[["label"]].assign(wave=zh, **{name: own[f"{wave}_{name}"] for name in ("share", "low", "high")})
            for zh, (wave, _) in _WAVES.items()
        ]
    )
    colours = alt.Scale(domain=list(_WAVES), range=[colour for _, colour in _WAVES.values()])
    base = alt.Chart(rows, width=460, height={"step": 12}).encode(
        y=alt.Y("label:N", sort=order, title=None, axis=alt.Axis(labelLimit=200), scale=alt.Scale(paddingInner=0.25)),
        yOffset=alt.YOffset("wave:N", sort=list(_WAVES)),
        color=alt.Color("wave:N", title=None, sort=list(_WAVES), scale=colours, legend=alt.Legend(orient="top")),
    )
    share = alt.X("share:Q", title="占全部受访者", axis=alt.Axis(format="%"), scale=alt.Scale(zero=True))
    dots = base.mark_circle(size=60, opacity=1).encode(x=share)
    whiskers = base.mark_rule(size=1.4).encode(x="low:Q", x2="high:Q")
    note = "细线为95%区间；↑↓为明显上升、下降，新、无为新出现、不再出现（校正后p<0.05）"
    return finished(whiskers + dots, "两期反映各类问题的受访者占比", note)
