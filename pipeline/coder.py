"""The coder that people meet: load one, give it texts, get a table with a row a unit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline import codebook as codebooks
from pipeline.codebook import Codebook
from pipeline.errors import ModelRefused
from pipeline.normalise import normalise
from pipeline.records import CODING_SCHEMA, UnitCoder
from pipeline.resources import shipped
from pipeline.split import split

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.train import Trained


@dataclass(frozen=True, slots=True)
class CoderSpec:
    """What a worker needs to build its coder; nothing given means the built-in one."""

    model: Path | None = None
    codebook: Path | None = None
    words: Path | None = None


def build(spec: CoderSpec) -> UnitCoder:
    """Build the coder that a spec describes.

    The learnt coder where the model's categories are the codebook's; a codebook with other categories and no model of its
    own is coded by its terms and the cues alone.

    Raises
    ------
    CodebookRefused, ModelRefused, InputRefused
        If a file it needs cannot be used.
    """
    from pipeline.cuecoder import CueCoder
    from pipeline.cues import CueFinder
    from pipeline.learnt import LearntCoder
    from pipeline.modelfolder import read
    from pipeline.segment import Segmenter, read_words

    model, _ = read(spec.model or shipped("models/builtin"))
    book = codebook_of(spec)
    segmenter = Segmenter(read_words(spec.words)[0] if spec.words else ())
    if model.categories.labels == book.ids:
        return LearntCoder(model, CueFinder(book), segmenter)
    if spec.model:
        raise ModelRefused(
            f"模型 {spec.model} 的类别（{'、'.join(model.categories.labels)}）与编码手册的类别（{'、'.join(book.ids)}）不同。"
            "请用训练它的那份编码手册，或重新训练（qunyan train）。"
        )
    return CueCoder(book, segmenter)


def codebook_of(spec: CoderSpec) -> Codebook:
    """Return the codebook of a coder: the one given, else the model's own, else the built-in one."""
    from pipeline.modelfolder import read_book

    own = read_book(spec.model) if spec.model and not spec.codebook else None
    return own or codebooks.load(spec.codebook)


class Coder:
    """Codes texts: cuts them into units and gives each its statement type, categories, confidence and evidence.

    Examples
    --------
    >>> coder = Coder.load()
    >>> coded = coder.code(["办个证跑了四趟，窗口还说材料不全。建议搞一网通办。"])
    >>> coded["text"].tolist(), coded["statement"].tolist()
    (['办个证跑了四趟，窗口还说材料不全。', '建议搞一网通办。'], ['problem', 'suggestion'])
    """

    def __init__(self, units: UnitCoder, trained: Trained | None = None) -> None:
        self._units = units
        self._trained = trained

    @classmethod
    def load(
        cls, path: str | Path | None = None, codebook: str | Path | None = None, words: str | Path | None = None
    ) -> Coder:
        """Load a coder.

        Parameters
        ----------
        path : str or Path, optional
            A model folder; the built-in one when not given.
        codebook : str or Path, optional
            A codebook of one's own.
        words : str or Path, optional
            A jieba user dictionary.
        """
        model, book, dictionary = (Path(given) if given else None for given in (path, codebook, words))
        return cls(build(CoderSpec(model, book, dictionary)))

    @classmethod
    def train(
        cls,
        labels: pd.DataFrame,
        codebook: str | Path | None = None,
        label: str | None = None,
        *,
        builtin: bool | None = None,
        seed: int = 0,
    ) -> Coder:
        """Train a coder on labels.

        Parameters
        ----------
        labels : pandas.DataFrame
            `text`, and `statement` and `categories` for a codebook, or a column with one label a row; `respondent`
            where it is known.
        codebook : str or Path, optional
            The categories; the built-in ones when not given.
        label : str, optional
            The column with one label a row; no codebook is needed then.
        builtin : bool, optional
            Whether the built-in sample trains along; by default where the categories are its own.
        seed : int
            Of the cross-validation.

        Raises
        ------
        LabelsRefused
            If there is nothing to learn from them.
        """
        from pipeline.cues import CueFinder
        from pipeline.labels import LabelOptions, from_frame
        from pipeline.learnt import LearntCoder
        from pipeline.segment import Segmenter
        from pipeline.teach import Wish, open_book, trained_on

        book = None if label else open_book(Path(codebook) if codebook else None)
        wish = Wish(LabelOptions(label=label), builtin=builtin, seed=seed)
        trained = trained_on(from_frame(labels, book, label), book, wish)
        return cls(LearntCoder(trained.model, CueFinder(trained.codebook), Segmenter()), trained)

    def save(self, path: str | Path, *, force: bool = False) -> dict[str, Any]:
        """Write a trained coder's folder with its card, and return the card.

        Raises
        ------
        OutputRefused
            If another model is there and `force` is not given.
        """
        from pipeline import card

        if self._trained is None:
            raise ValueError("只有用 Coder.train 训练出来的才能保存；已有的模型请直接拷贝它的文件夹。")
        card.may_write(Path(path), force=force)
        found = card.card_of(self._trained)
        card.save(self._trained, found, Path(path), force=force)
        return found

    @property
    def categories(self) -> tuple[str, ...]:
        """The ids of the categories it codes."""
        return self._units.categories

    def code(self, texts: Iterable[str]) -> pd.DataFrame:
        """Code texts.

        Parameters
        ----------
        texts : iterable of str
            Responses, each of any length.

        Returns
        -------
        pandas.DataFrame
            A row a unit: `response` (which text, from 0), `unit` (from 1), `text`, `start`, `end`, then the coding.
        """
        frame: pd.DataFrame = self.table(texts).to_pandas()
        return frame

    def table(self, texts: Iterable[str]) -> pa.Table:
        """Code texts into an Arrow table, with the columns of `code`."""
        sources = list(texts)
        normal = [normalise(text) for text in sources]
        places = [(at, unit, span) for at, text in enumerate(normal) for unit, span in enumerate(split(text), 1)]
        coding = self._units.code_units([normal[at][span.start : span.end] for at, _, span in places])
        own: dict[str, Any] = {
            "response": pa.array([at for at, _, _ in places], pa.int32()),
            "unit": pa.array([unit for _, unit, _ in places], pa.int32()),
            "text": pa.array([sources[at][span.start : span.end] for at, _, span in places], pa.string()),
            "start": pa.array([span.start for _, _, span in places], pa.int32()),
            "end": pa.array([span.end for _, _, span in places], pa.int32()),
        }
        return pa.table(own | {name: coding[name] for name in CODING_SCHEMA.names})
