"""The pictures of a report: drawn once, for the web page and for Word."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pipeline import chart
from pipeline.tables import Table

if TYPE_CHECKING:
    import pandas as pd

TOLD = 3
"""Categories that a picture's description names."""

_TITLES = {
    "frequencies": "各类别的受访者占比",
    "prevalence": "机器编码与抽查校正的占比",
    "trend": "各类问题的变化",
    "cooccurrence": "一起提到的问题",
    "keywords": "各类别的关键词",
    "words": "常用词",
}
_SIZE = re.compile(r'width="([\d.]+)" height="([\d.]+)"')


@dataclass(frozen=True, slots=True)
class Figure:
    """A picture with its words."""

    table: str
    """The name of the table that it draws."""
    title: str
    description: str
    """What it shows, for those who do not see it."""
    svg: str

    @property
    def size(self) -> tuple[float, float]:
        """Width and height in pixels."""
        found = _SIZE.search(self.svg)
        return (float(found[1]), float(found[2])) if found else (600.0, 400.0)

    def png(self) -> bytes:
        """Return the picture as PNG, twice as fine as its size."""
        return chart.save_png(self.svg)


def draw_figures(tables: Sequence[Table]) -> list[Figure]:
    """Draw what there is to draw in the tables of a run.

    Parameters
    ----------
    tables : sequence of Table
        Of `pipeline.tabulate.tabulate`.

    Returns
    -------
    list of Figure
        Frequencies, break-downs, trend, network, keywords, cloud; those with nothing to show are left out.
    """
    named = {table.name: table for table in tables}
    figures: list[Figure] = []
    for table in tables:
        picture = chart.draw(table.name, lambda name: named[name].frame) if _has_picture(table) else None
        if picture is not None:
            title = _TITLES.get(table.name) or f"{table.title}：提到问题的受访者占比"
            svg = chart.save_svg(picture, name=f"p{len(figures)}")
            figures.append(Figure(table.name, title, _described(table, title), svg))
    return figures


def _has_picture(table: Table) -> bool:
    return table.name in chart.DRAWN or "residual" in table.headings


def _described(table: Table, title: str) -> str:
    """Return what a picture shows, in a sentence; the table holds all of it."""
    most = _most(table.frame) if table.name == "frequencies" else ""
    return f"{title}。{most}数字见表“{table.title}”。"


def _most(counts: pd.DataFrame) -> str:
    named = counts[~counts["category"].str.startswith("(") & (counts["problem_respondents"] > 0)]
    first = named.nlargest(TOLD, "problem_respondents")
    told = (f"{name}{share:.1%}" for name, share in zip(first["name"], first["respondent_share"], strict=True))
    return f"提到最多的问题：{'，'.join(told)}。" if len(first) else ""
