"""Labelled units: read, checked, named."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.codebook import Codebook
from pipeline.errors import LabelsRefused
from pipeline.records import Statement

if TYPE_CHECKING:
    import pandas as pd

NO_CATEGORY = frozenset({"无", "无类别", "none"})
"""What a labeller writes for `no category`; an empty cell means `not labelled`."""

_SEPARATOR = re.compile(r"[;；、]")


@dataclass(frozen=True, slots=True)
class Labels:
    """Labelled units, a text, statement, set of categories and group each.

    Units of one group (a respondent, the setting one author imagined) never stand on both sides of a split.
    """

    texts: tuple[str, ...]
    statements: tuple[str, ...]
    categories: tuple[tuple[str, ...], ...]
    groups: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.texts)


def read_labels(paths: Sequence[Path], codebook: Codebook) -> Labels:
    """Read csv files of labels.

    Parameters
    ----------
    paths : sequence of Path
        UTF-8 csv files with the columns `text`, `statement`, `categories` and, where there is one, `respondent` or
        `setting`.
    codebook : Codebook
        Whose categories the labels name, by id or Chinese name.

    Raises
    ------
    LabelsRefused
        If a column is missing or a label is unknown, with its file and row.
    """
    import pandas as pd

    frames = []
    for path in paths:
        frame = pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        place = [f"{path.name} 第 {row} 行" for row in range(2, len(frame) + 2)]
        frames.append(frame.assign(place=place, group=path.stem + "/" + _grouping(frame)))
    return from_frame(pd.concat(frames, ignore_index=True), codebook)


def from_frame(frame: pd.DataFrame, codebook: Codebook) -> Labels:
    """Take labels from a table with the columns `text`, `statement`, `categories`; see `read_labels`."""
    missing = [name for name in ("text", "statement", "categories") if name not in frame]
    if missing:
        raise LabelsRefused(f"标注表缺少列 {'、'.join(missing)}，现有的列是：{'、'.join(map(str, frame.columns))}。")
    done = frame[(frame["statement"] != "") & (frame["categories"] != "")]
    places = done["place"] if "place" in done else [f"第 {row} 行" for row in done.index + 2]
    names = {name: category for category in codebook.ids for name in (category, codebook.names[category])}
    return Labels(
        tuple(done["text"]),
        tuple(_statement(cell, place) for cell, place in zip(done["statement"], places, strict=True)),
        tuple(_categories(cell, names, place) for cell, place in zip(done["categories"], places, strict=True)),
        tuple(done["group"] if "group" in done else _grouping(done)),
    )


def _grouping(frame: pd.DataFrame) -> pd.Series[str]:
    for name in ("respondent", "setting"):
        if name in frame:
            return frame[name]
    return frame["text"]


def _statement(cell: str, place: str) -> str:
    try:
        return Statement.of(cell).value
    except ValueError as error:
        raise LabelsRefused(f"{place}：不认识的表述类型“{cell}”，应是 问题、建议、肯定、陈述 之一。") from error


def _categories(cell: str, names: dict[str, str], place: str) -> tuple[str, ...]:
    parts = [part.strip() for part in _SEPARATOR.split(cell) if part.strip()]
    unknown: Iterable[str] = (part for part in parts if part not in names and part not in NO_CATEGORY)
    for part in unknown:
        raise LabelsRefused(f"{place}：编码本里没有类别“{part}”，请改成编码本里的名称或编号。")
    return tuple(sorted({names[part] for part in parts if part in names}))
