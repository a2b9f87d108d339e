"""Pictures of how far the coder can be trusted: what an audit corrects, and how right it is at each confidence."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.chart.render import COLOURS, FAINT, INK, finished, shown
from pipeline.stats import wilson

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.chart.render import Picture

_MARKS = {"校正后": COLOURS["问题"], "机器编码": "#9AA5B1"}


def prevalence(frame: pd.DataFrame) -> Picture | None:
    """Draw the shares of problems that the coder found, and the corrected ones with their 95 % intervals.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table `prevalence`; of its bases the first is drawn, respondents where there are any.

    Returns
    -------
    altair.LayerChart or None
        None where there is nothing to draw.
    """
    import altair as alt
    import pandas as pd

    rows = frame[(frame["kind"] == "problem") & (frame["base"] == frame["base"].head(1).squeeze())]
    rows = rows[(rows["coded"] > 0) | (rows["share"] > 0)]
    if rows.empty:
        return None
    base_name = rows["base_name"].iloc[0]
    rows = shown(rows.sort_values("share", ascending=False, kind="stable"))
    dots = pd.concat([rows.assign(mark="校正后"), rows.assign(mark="机器编码", share=rows["coded_share"])])
    y = alt.Y("name:N", sort=list(rows["name"]), title=None, axis=alt.Axis(labelLimit=180))
    title = f"占全部{base_name}"
    colours = alt.Scale(domain=list(_MARKS), range=list(_MARKS.values()))
    whiskers = alt.Chart(rows, width=460, height={"step": 22}).mark_rule(size=1.4, color=INK)
    points = alt.Chart(dots).mark_point(filled=True, size=70, opacity=1)
    picture = whiskers.encode(y=y, x=alt.X("low:Q", title=title), x2="high:Q") + points.encode(
        y=y,
        x=alt.X("share:Q", title=title, axis=alt.Axis(format="%"), scale=alt.Scale(zero=True)),
        color=alt.Color("mark:N", title=None, scale=colours, legend=alt.Legend(orient="top")),
        shape=alt.Shape("mark:N", title=None, scale=alt.Scale(domain=list(_MARKS), range=["circle", "diamond"])),
    )
    return finished(picture, f"反映各类问题的{base_name}占比：机器编码与抽查校正", "细线为校正后的95%区间")


def reliability(frame: pd.DataFrame, bins: int = 10) -> Picture | None:
    """Draw how often the coder is right at each confidence; a coder that keeps its word lies on the diagonal.

    Parameters
    ----------
    frame : pandas.DataFrame
        A row a checked decision: `probability` (0 to 1) and `right` (bool).
    bins : int, default 10
        Of equal width.
    """
    import altair as alt
    import pandas as pd

    if frame.empty:
        return None
    place = np.minimum((frame["probability"].to_numpy() * bins).astype(int), bins - 1)
    hits = np.bincount(place, frame["right"].to_numpy(float), bins)
    units = np.bincount(place, minlength=bins)
    said = np.bincount(place, frame["probability"].to_numpy(), bins)
    low, high = wilson(hits, units)
    full = units > 0
    columns = {"confidence": said[full] / units[full], "right": hits[full] / units[full], "units": units[full]}
    rows = pd.DataFrame({**columns, "low": low[full], "high": high[full]})
    unit = alt.Scale(domain=[0, 1])
    base = alt.Chart(rows, width=320, height=320).encode(
        x=alt.X("confidence:Q", scale=unit, title="编码时的置信度", axis=alt.Axis(format="%")),
        y=alt.Y("right:Q", scale=unit, title="核对后正确的比例", axis=alt.Axis(format="%")),
    )
    ends = pd.DataFrame({"confidence": [0, 1], "right": [0, 1]})
    diagonal = alt.Chart(ends).mark_line(strokeDash=[4, 4], color=FAINT).encode(x="confidence:Q", y="right:Q")
    whiskers = base.mark_rule(color=INK).encode(y="low:Q", y2="high:Q")
    dots = base.mark_circle(color=COLOURS["建议"], opacity=1).encode(
        size=alt.Size("units:Q", title="核对数", scale=alt.Scale(range=[30, 300]))
    )
    return finished(diagonal + whiskers + dots, "置信度与实际正确率", "落在虚线上说明置信度可信；竖线为95%区间")
