"""The command `train`: labels in, a model's folder out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pipeline import card
from pipeline.codebook import Codebook, load, save
from pipeline.errors import LabelsRefused, OutputRefused
from pipeline.exchange import read_qdc, write_qdc
from pipeline.grade import BUILTIN, SEEN, against, short_hashes
from pipeline.labels import LabelOptions, Labels, read_labels
from pipeline.segment import Segmenter, read_words
from pipeline.suspects import write_suspects
from pipeline.train import Trained, builtin_sample, learn


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user asked for."""

    columns: LabelOptions = LabelOptions()  # noqa: RUF009 -- frozen
    codebook: Path | None = None
    words: Path | None = None
    builtin: bool | None = None
    """Whether the built-in sample trains along; by default where the categories are its own."""
    baseline: Path | None = None
    semantic: bool | None = None
    seed: int = 0
    force: bool = False


def teach(paths: Sequence[Path], out: Path, wish: Wish) -> dict[str, Any]:
    """Train on labelled files, write the model's folder, return its card.

    Parameters
    ----------
    paths : sequence of Path
        Labelled files.
    out : Path
        The model's folder; a model that is there is replaced only with `wish.force`.
    wish : Wish
        Columns, codebook and the rest.

    Raises
    ------
    LabelsRefused, CodebookRefused, ModelRefused, OutputRefused
        Before anything is written: the old model stays as it was.
    """
    card.may_write(out, force=wish.force)
    book = None if wish.columns.label else open_book(wish.codebook)
    labels = read_labels(paths, book, wish.columns)
    trained = trained_on(labels, book, wish)
    found = card.card_of(trained, wish.seed)
    if wish.baseline:
        found["baseline"] = against(card.judged(trained), trained.labels, trained.codebook, wish.baseline, wish.seed)
    card.save(trained, found, out, force=wish.force)
    found["suspects"] = write_suspects(trained, out)
    return found


def trained_on(labels: Labels, book: Codebook | None, wish: Wish) -> Trained:
    """Train on labels as the user wished; the model keeps short hashes of the texts it has seen."""
    words = Segmenter(read_words(wish.words)[0]) if wish.words else None
    base = _base(book, wish)
    trained = learn(labels, book, base=base, words=words, use_semantic=wish.semantic, seed=wish.seed)
    about = trained.model.about | {SEEN: short_hashes(trained.labels), BUILTIN: base is not None}
    return replace(trained, model=replace(trained.model, about=about))


def open_book(path: Path | None) -> Codebook:
    """Return a codebook of any format: .csv, .xlsx, REFI-QDA; the built-in one when no path is given."""
    return read_qdc(path) if path and path.suffix.lower() == ".qdc" else load(path)


def convert(source: Path | None, target: Path) -> Path:
    """Write a codebook in the format of the target's ending: .csv, .xlsx, .qdc.

    Raises
    ------
    OutputRefused
        If the target exists.
    """
    if target.exists():
        raise OutputRefused(f"{target} 已存在，没有覆盖：请换一个文件名。")
    book = open_book(source)
    return write_qdc(book, target) if target.suffix.lower() == ".qdc" else save(book, target)


def _base(book: Codebook | None, wish: Wish) -> Labels | None:
    """Return the built-in sample where it trains along."""
    if book is None or wish.builtin is False:
        return None
    if book.ids == load().ids:
        return builtin_sample()
    if wish.builtin:
        raise LabelsRefused("自带的样本只有自带编码手册的类别，不能和您的类别一起训练：请去掉 --from builtin。")
    return None
