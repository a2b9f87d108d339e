"""Labels that may be wrong, in one sheet: out-of-fold disagreement first, then terms of the codebook against the label."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from pipeline.card import judged
from pipeline.figures import Judged
from pipeline.labelsheet import Item, write_sheet
from pipeline.scope import TERM
from pipeline.train import Trained

SHEET_NAME = "可疑标注.xlsx"
MOST = 200
_UNLIKELY, _DENIED = 0.1, 0.3


def queue(trained: Trained) -> list[tuple[int, str]]:
    """Return the rows to look at again, and why: the most unlikely first.

    A row is suspected where the model, not having seen it, gives a decision of its label less than `_UNLIKELY`, or where a
    term of the codebook asserts a category that the label lacks and the model does not rule out (`_DENIED`).
    """
    said = judged(trained)
    odds = np.where(said.truth, said.probable, 1 - said.probable).min(axis=1)
    rows = {int(row): "模型" for row in np.argsort(odds, kind="stable") if odds[row] < _UNLIKELY}
    rows |= {row: "模型和词语" if row in rows else "词语" for row in _denied(trained, said)}
    return list(rows.items())[:MOST]


def _denied(trained: Trained, said: Judged) -> Iterator[int]:
    for row, place in enumerate(trained.found.rows):
        signals = set(trained.task.cuts[place].signals)
        for column, category in enumerate(trained.codebook.ids):
            named = f"{TERM}:{category}" in signals and not said.truth[row, column]
            if named and said.probable[row, column] > _DENIED:
                yield row
                break


def write_suspects(trained: Trained, folder: Path) -> int:
    """Write the queue as a sheet into a model's folder, labels filled in as they are; return how many rows it has."""
    said = judged(trained)
    items = [_item(trained, said, row, why) for row, why in queue(trained)]
    if items:
        write_sheet(folder / SHEET_NAME, items, trained.codebook, exclusive=said.exclusive, force=True)
    return len(items)


def _item(trained: Trained, said: Any, row: int, why: str) -> Item:
    labels, names = trained.labels, list(trained.codebook.names.values())
    model = "、".join(names[k] for k in np.flatnonzero(said.decided[row])) or "无"
    told = {"缘由": why, "位置": labels.places[row] if labels.places else str(row + 1)}
    guess = {"模型的类别": model, "把握": f"{said.confidence[row]:.2f}"}
    return Item(f"r{row + 1}", labels.texts[row], told, guess, labels.statements[row], labels.categories[row])
