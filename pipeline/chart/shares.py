"""Pictures of shares: by category and statement, by group, over time, and together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from pipeline.breakdown import JOINED, MISSING
from pipeline.chart.render import COLOURS, INK, finished, shown
from pipeline.records import Statement
from pipeline.stats import wilson
from pipeline.tables import visible

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.chart.render import Picture

MOST_GROUPS = 12
"""Groups of a heat map: the largest; all are in the table."""

MOST_PANELS = 6
"""Categories of a trend: the most frequent."""

LEAST_BASE = 5
"""Respondents whom a period of a trend, and a line of the network, must stand for."""

MOST_LINES = 24
"""Lines of the network: the surest."""

SURE = 3
"""Standard deviations above chance (adjusted residual) from which a line is drawn: some hundred pairs are looked at."""

_NOT_CATEGORIES = ("(none)", "(total)", "(any)")


def frequencies(frame: pd.DataFrame) -> Picture | None:
    """Draw the share of respondents per category and statement, with 95 % Wilson intervals.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table `frequencies`.

    Returns
    -------
    altair.LayerChart or None
        None where there is nothing to draw.

    Examples
    --------
    >>> import pandas as pd
    >>> rows = [("resources", "保障不足", 12, 3, 0, 14), ("(total)", "合计", 30, 9, 2, 40)]
    >>> columns = ["category", "name", *(f"{kind}_respondents" for kind in ("problem", "suggestion", "praise"))]
    >>> chart = frequencies(pd.DataFrame(rows, columns=[*columns, "respondents"]))
    >>> chart.to_dict()["title"]["text"]
    '各类别的受访者占比'
    """
    import altair as alt

    rows = _by_statement(frame)
    if rows.empty:
        return None
    order = list(dict.fromkeys(rows.sort_values("rank")["name"]))
    colours = alt.Scale(domain=list(COLOURS), range=list(COLOURS.values()))
    base = alt.Chart(rows, width=460, height={"step": 9}).encode(
        y=alt.Y("name:N", sort=order, title=None, axis=alt.Axis(labelLimit=180), scale=alt.Scale(paddingInner=0.25)),
        yOffset=alt.YOffset("statement:N", sort=list(COLOURS)),
        color=alt.Color("statement:N", title=None, sort=list(COLOURS), scale=colours, legend=alt.Legend(orient="top")),
    )
    share = alt.X("share:Q", title="占全部受访者", axis=alt.Axis(format="%"), scale=alt.Scale(zero=True))
    bars = base.mark_bar(height=7, opacity=0.85).encode(x=share)
    whiskers = base.mark_rule(size=1.2).encode(x="low:Q", x2="high:Q", color=alt.value(INK))
    return finished(bars + whiskers, "各类别的受访者占比", "细线为95%区间；一人可提到几个类别")


def comparison(frame: pd.DataFrame) -> Picture | None:
    """Draw a break-down as a heat map: shares as figures, adjusted standardised residuals as colour.

    Parameters
    ----------
    frame : pandas.DataFrame
        A table `by_<column>`.
    """
    import altair as alt

    largest = frame.drop_duplicates("group").nlargest(MOST_GROUPS, "respondents")["group"]
    groups = [group for group in dict.fromkeys(frame["group"]) if group in set(largest)]
    rows = frame[frame["group"].isin(groups) & (frame.groupby("category")["problem_respondents"].transform("sum") > 0)]
    own = [group for group in groups if group != MISSING and not group.startswith(JOINED)]
    if rows.empty or len(own) < 2:
        return None
    rows = shown(rows[["name", "group", "share", "residual"]])
    rows["label"] = [f"{share:.0%}" if share == share else "—" for share in rows["share"]]
    rows["strong"] = rows["residual"].abs() > 3
    base = alt.Chart(rows, width={"step": 64}, height={"step": 24}).encode(
        x=alt.X(
            "group:N", sort=[visible(group) for group in groups], title=None, axis=alt.Axis(labelAngle=_turned(groups))
        ),
        y=alt.Y("name:N", sort=list(dict.fromkeys(rows["name"])), title=None, axis=alt.Axis(labelLimit=180)),
    )
    colour = alt.Color(
        "residual:Q",
        title="残差",
        scale=alt.Scale(scheme="purpleorange", domain=[-4, 4], clamp=True, reverse=True),
        legend=alt.Legend(gradientLength=120, values=[-4, -2, 0, 2, 4]),
    )
    cells = base.mark_rect(stroke="white", invalid=None).encode(
        color=alt.condition("isValid(datum.residual)", colour, alt.value("#EEF0F2"))
    )
    ink = alt.condition("datum.strong", alt.value("white"), alt.value(INK))
    figures = base.mark_text(fontSize=11).encode(text="label:N", color=ink)
    cut = f"；只画人数最多的{MOST_GROUPS}组" if frame["group"].nunique() > len(groups) else ""
    return finished(cells + figures, "各组受访者中提到问题的占比", f"颜色为标准化残差，超过±2为明显偏高或偏低{cut}")


def trend(frame: pd.DataFrame) -> Picture | None:
    """Draw the shares of the most frequent categories over time, with 95 % intervals, a panel each.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table `trend`.
    """
    import altair as alt

    counts = frame[~frame["category"].isin(_NOT_CATEGORIES)].groupby("name", sort=False)["problem_respondents"].sum()
    names = list(counts[counts > 0].nlargest(MOST_PANELS).index)
    rows = frame[frame["name"].isin(names) & (frame["respondents"] >= LEAST_BASE)]
    if rows["period"].nunique() < 2:
        return None
    rows = shown(rows[["name", "period", "share", "low", "high"]])
    periods = sorted(set(rows["period"]))
    ticks = periods[:: max(1, -(-len(periods) // 8))]
    base = alt.Chart(rows, width=210, height=110).encode(
        x=alt.X("period:O", title=None, axis=alt.Axis(values=ticks, labelAngle=-45)),
        y=alt.Y("share:Q", title=None, axis=alt.Axis(format="%", tickCount=4)),
    )
    band = base.mark_area(opacity=0.2, color=COLOURS["建议"]).encode(y="low:Q", y2="high:Q")
    line = base.mark_line(color=COLOURS["建议"], point=alt.OverlayMarkDef(size=14, color=COLOURS["建议"]))
    panels = (band + line).facet(
        facet=alt.Facet("name:N", sort=[visible(name) for name in names], title=None), columns=3
    )
    panels = panels.resolve_scale(y="independent")
    return finished(panels, "提到各类问题的受访者占比随时间的变化", "阴影为95%区间；各图纵轴不同；不足5人的时段不画")


def cooccurrence(frame: pd.DataFrame, counts: pd.DataFrame) -> Picture | None:
    """Draw which problems the same respondents name, more often than chance has it, as a network on a circle.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table `cooccurrence`.
    counts : pandas.DataFrame
        The table `frequencies`: the size of the nodes.
    """
    import altair as alt

    nodes = counts[~counts["category"].isin(_NOT_CATEGORIES) & (counts["problem_respondents"] > 0)]
    strong = _sure(frame, counts.set_index("category")[["problem_respondents", "respondents"]])
    if strong.empty:
        return None
    turn = 2 * np.pi * np.arange(len(nodes)) / len(nodes)
    nodes = nodes[["category", "name", "problem_respondents"]].assign(x=np.sin(turn), y=np.cos(turn))
    place = nodes.set_index("category")[["x", "y"]]
    a, b = (place.loc[strong[f"category_{side}"]].to_numpy() for side in "ab")
    lines = strong[["respondents", "respondents_lift"]].assign(x=a[:, 0], y=a[:, 1], x2=b[:, 0], y2=b[:, 1])
    edges = (
        alt.Chart(lines, width=560, height=420)
        .mark_rule(opacity=0.75, strokeCap="round")
        .encode(
            **_at("x", "y"),
            x2="x2:Q",
            y2="y2:Q",
            size=alt.Size("respondents:Q", legend=None, scale=alt.Scale(range=[1, 9])),
            color=alt.Color(
                "respondents_lift:Q",
                title="提升度",
                scale=alt.Scale(range=["#B4C6D8", "#1D4E80"], zero=False),
                legend=alt.Legend(gradientLength=110, tickCount=4),
            ),
        )
    )
    picture = (edges + _dots(nodes)).resolve_scale(size="independent") + _around(nodes)
    note = f"只画明显多于巧合（超出{SURE}个标准差）且不少于{LEAST_BASE}人的；线的粗细为人数，圆点大小为提到该问题的人数"
    return finished(picture, "常被同一受访者一起提到的问题", note)


def _by_statement(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a row a category and statement, the most frequent problems first; what nobody mentions is left out."""
    import pandas as pd

    total = int(frame.loc[frame["category"] == "(total)", "respondents"].sum())
    counts = frame[~frame["category"].isin(_NOT_CATEGORIES)]
    columns = [f"{kind.value}_respondents" for kind in Statement if kind.zh in COLOURS]
    counts = counts[counts[columns].sum(axis=1) > 0].sort_values("problem_respondents", ascending=False, kind="stable")
    parts = [
        pd.DataFrame({"name": counts["name"], "statement": kind, "hits": counts[column], "rank": range(len(counts))})
        for kind, column in zip(COLOURS, columns, strict=True)
    ]
    rows = pd.concat(parts, ignore_index=True)
    low, high = wilson(rows["hits"], np.full(len(rows), total))
    return shown(rows.assign(share=rows["hits"] / max(total, 1), low=low, high=high))


def _sure(pairs: pd.DataFrame, counts: pd.DataFrame) -> pd.DataFrame:
    """Return the pairs that clearly more respondents name together than chance has it, the surest first.

    By the adjusted residual of the pair's two-by-two table.
    """
    everyone = max(int(counts["respondents"].get("(total)", 0)), 2)
    a, b = (counts["problem_respondents"].reindex(pairs[f"category_{side}"]).to_numpy(float) for side in "ab")
    spread = np.sqrt(a * b * (everyone - a) * (everyone - b) / (everyone**2 * (everyone - 1)))
    excess = np.divide(pairs["respondents"] - a * b / everyone, spread, out=np.zeros(len(pairs)), where=spread > 0)
    sure: pd.DataFrame = pairs.assign(excess=excess)[(excess > SURE) & (pairs["respondents"] >= LEAST_BASE).to_numpy()]
    return sure.nlargest(MOST_LINES, "excess")


def _turned(groups: list[str]) -> int:
    """Return the angle at which the names of groups have room."""
    return -40 if max(map(len, groups)) > 4 else 0


def _at(x: str, y: str) -> dict[str, Any]:
    """Return where a column of x and one of y stand in the network, which is a circle of radius 1."""
    import altair as alt

    wide, high = alt.Scale(domain=[-1.6, 1.6], nice=False), alt.Scale(domain=[-1.25, 1.25], nice=False)
    return {"x": alt.X(f"{x}:Q", axis=None, scale=wide), "y": alt.Y(f"{y}:Q", axis=None, scale=high)}


def _dots(nodes: pd.DataFrame) -> Any:
    import altair as alt

    size = alt.Size("problem_respondents:Q", legend=None, scale=alt.Scale(range=[60, 900], zero=True))
    return alt.Chart(nodes).mark_circle(color=COLOURS["问题"], opacity=1).encode(**_at("x", "y"), size=size)


def _around(nodes: pd.DataFrame) -> Any:
    """Return the nodes' names, outside the circle, each growing away from it."""
    import altair as alt

    x = nodes["x"]
    nodes = nodes.assign(name=nodes["name"].map(visible), outer_x=1.13 * x, outer_y=1.13 * nodes["y"])
    sides: dict[Literal["left", "right", "center"], Any] = {
        "left": x > 0.2,
        "right": x < -0.2,
        "center": x.abs() <= 0.2,
    }
    return alt.layer(
        *(
            alt.Chart(nodes[side])
            .mark_text(fontSize=13, color=INK, align=align)
            .encode(**_at("outer_x", "outer_y"), text="name:N")
            for align, side in sides.items()
        )
    )
