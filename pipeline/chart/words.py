"""Pictures of words: what tells categories apart, and a cloud."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from pipeline.chart.render import COLOURS, finished, shown
from pipeline.stats import Floats

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.chart.render import Picture

MOST_PANELS = 6
"""Categories of a keyword picture."""

MOST_WORDS = 80
"""Words of a cloud."""

LENGTHS = (2, 12)
"""Characters of a word in a cloud."""

SIZES = (12, 46)
"""Pixels of the rarest and the most frequent word of a cloud."""

TURNS = np.linspace(0, 60 * np.pi, 1600)
"""The spiral on which words look for a place."""


def keyness(
    frame: pd.DataFrame,
    title: str = "各类别里明显多用的词",
    *,
    categories: list[str] | None = None,
    words: int = 8,
) -> Picture | None:
    """Draw the words that tell the categories apart, a panel each, by log ratio.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table `keywords`.
    title : str
        The picture's title.
    categories : list of str, optional
        Which; the `MOST_PANELS` with the most frequent ones when not given.
    words : int, default 8
        Words of a panel.
    """
    import altair as alt

    told = frame[(frame["bic"] > 2) & (frame["responses"] > 1)]
    sums = told.groupby("category", sort=False)["frequency"].sum()
    chosen = categories or list(sums.nlargest(MOST_PANELS).index)
    rows = told[told["category"].isin(chosen)].groupby("category", sort=False).head(words)
    if rows.empty:
        return None
    rows = shown(rows[["name", "rank", "word", "frequency", "log_ratio"]])
    panels = alt.Chart(rows, width=150, height={"step": 19}).encode(
        y=alt.Y("word:N", sort=alt.EncodingSortField("rank", op="min"), title=None, axis=alt.Axis(labelLimit=110)),
        x=alt.X("log_ratio:Q", title="对数比", axis=alt.Axis(tickCount=4)),
    )
    stems = panels.mark_rule(color="#B9C4CF").encode(x2=alt.datum(0))
    dots = panels.mark_circle(color=COLOURS["问题"], opacity=1).encode(
        size=alt.Size("frequency:Q", title="次数", scale=alt.Scale(range=[20, 260]), legend=alt.Legend(tickCount=3))
    )
    facet = alt.Facet("name:N", sort=list(dict.fromkeys(rows["name"])), title=None)
    picture = (stems + dots).facet(facet=facet, columns=3).resolve_scale(y="independent")
    return finished(picture, title, "对数比每加1，相对频率翻一番；圆点大小为次数")


def cloud(frame: pd.DataFrame, width: int = 640, height: int = 360) -> Picture | None:
    """Draw the most frequent words as a cloud; negated words (不方便, 没有推诿) come joined and stay so.

    Parameters
    ----------
    frame : pandas.DataFrame
        The table `words`, or any with the columns `word` and `frequency`.
    width, height : int
        Pixels.
    """
    import altair as alt

    rows = frame[frame["word"].str.len().between(*LENGTHS)].head(MOST_WORDS)
    if rows.empty:
        return None
    rows = shown(rows[["word", "frequency"]])
    size = SIZES[0] + (SIZES[1] - SIZES[0]) * np.sqrt((rows["frequency"] / rows["frequency"].max()).to_numpy())
    boxes = np.stack([size * rows["word"].map(_ems).to_numpy() + 6, size + 2], axis=1)
    centres = _packed(boxes)
    reach = float(((2 * np.abs(centres) + boxes) / (width, height)).max())
    x, y = (alt.Scale(domain=[-side / 2, side / 2], nice=False) for side in (width, height))
    centres, size = centres / max(reach, 1), size / max(reach, 1)
    rows = rows.assign(x=centres[:, 0], y=centres[:, 1], size=size)
    picture = (
        alt.Chart(rows, width=width, height=height)
        .mark_text()
        .encode(
            x=alt.X("x:Q", axis=None, scale=x),
            y=alt.Y("y:Q", axis=None, scale=y),
            text="word:N",
            size=alt.Size("size:Q", scale=None, legend=None),
            color=alt.Color("size:Q", legend=None, scale=alt.Scale(range=["#6B8299", "#1D3F66"])),
        )
    )
    return finished(picture, "常用词", "字号为出现次数；带否定的词作为整体，停用词已去掉")


def _packed(boxes: Floats) -> Floats:
    """Return the centres, (n, 2), of boxes (n, 2) that do not overlap: each takes the first free place on a spiral."""
    spiral = np.stack([2.1 * TURNS * np.cos(TURNS), 1.3 * TURNS * np.sin(TURNS)], axis=1)
    free = np.ones((len(boxes), len(spiral)), bool)
    centres = np.empty_like(boxes)
    for number, own in enumerate(free):
        centres[number] = spiral[int(own.argmax()) if own.any() else -1]
        for later in range(number + 1, len(boxes)):
            apart = np.abs(spiral - centres[number]) * 2 >= boxes[number] + boxes[later]
            free[later] &= apart.any(axis=1)
    return centres


def _ems(word: str) -> float:
    """Return a word's width as a multiple of its size: Chinese characters are square, others about half as wide."""
    return sum(1.0 if ord(char) > 0x2E7F else 0.6 for char in word)
