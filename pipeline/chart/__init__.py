"""Draws the tables: one function a picture, for notebooks and reports alike.

Altair describes the pictures and vl-convert renders them in the process, without a browser or a network. Chinese always
shows: the package ships a font (`_fonts/README.md`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from pipeline.chart.render import Picture, save_png, save_svg
from pipeline.chart.shares import comparison, cooccurrence, frequencies, trend
from pipeline.chart.trust import prevalence, reliability
from pipeline.chart.waves import waves
from pipeline.chart.words import cloud, keyness

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "DRAWN",
    "Picture",
    "cloud",
    "comparison",
    "cooccurrence",
    "draw",
    "frequencies",
    "keyness",
    "prevalence",
    "reliability",
    "save_png",
    "save_svg",
    "trend",
    "waves",
]

DRAWN = ("frequencies", "prevalence", "trend", "cooccurrence", "keywords", "words")
"""The tables that have a picture, beside every `by_<column>` and `keywords_by_<column>`."""


def draw(name: str, table: Callable[[str], pd.DataFrame]) -> Picture | None:
    """Draw a table of a run by its name.

    Parameters
    ----------
    name : str
        One of `DRAWN`, `by_<column>` or `keywords_by_<column>`.
    table : callable
        Gives a table by its name, as `Run.table` does.

    Returns
    -------
    altair chart or None
        None where there is nothing to draw.

    Raises
    ------
    KeyError
        If that table has no picture.
    """
    if name == "cooccurrence":
        return cooccurrence(table(name), table("frequencies"))
    if name.startswith("by_"):
        return comparison(table(name))
    if name.startswith("keywords_by_"):
        groups = table(name)
        return keyness(groups.assign(category=groups["group"], name=groups["group"]), "各组明显多用的词")
    pictures = {
        "frequencies": frequencies,
        "prevalence": prevalence,
        "trend": trend,
        "keywords": keyness,
        "words": cloud,
    }
    if name not in pictures:
        raise KeyError(f"“{name}”没有图；有图的是：{'、'.join(DRAWN)} 和各个 by_…")
    return pictures[name](table(name))
