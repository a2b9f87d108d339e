"""The audit of a run: what people said of units that were drawn at random from it, kept in the run's folder.

The units are those that `qunyan sample` marks as drawn at random; the ones drawn because the model is unsure of them say
nothing about the whole.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.codebook import Category, Codebook
from pipeline.errors import LabelsRefused
from pipeline.folder import sha256, whole_file
from pipeline.labels import AUDIT, WHOLE, LabelOptions, Labels, read_labels
from pipeline.labelsheet import unit_key
from pipeline.query import unit_parts

if TYPE_CHECKING:
    import pandas as pd

NAME = "audit.parquet"

_PLACE = ["file", "location", "unit"]
_KEY = ["file", "response", "unit", "text"]


def read_audit(
    folder: Path, names: Mapping[str, str], paths: Sequence[Path], label: str | None = None
) -> tuple[pd.DataFrame, list[str]]:
    """Read the audit slice of labelled sheets.

    Parameters
    ----------
    folder : Path
        The run from which they were sampled.
    names : mapping of str to str
        Category id to Chinese name, as the run has them.
    paths : sequence of Path
        Sheets of `qunyan sample`, filled in; several where several people share the work.
    label : str, optional
        The column of the one label a row, where the run's model gives one.

    Returns
    -------
    DataFrame
        A row a checked unit: `file, location, unit`, `true_statement` (empty where not labelled), `true_categories`,
        `whole` (whether all units of its respondent were drawn).
    list of str
        What was left out.

    Raises
    ------
    LabelsRefused
        If no unit was drawn at random, one is not of this run, or the sheets mix both ways of drawing.
    """
    book = Codebook(tuple(Category(id=category, name=name) for category, name in names.items()))
    labels = read_labels(paths, None if label else book, LabelOptions(label=label))
    rows = [row for row, why in enumerate(labels.drawn) if why in (AUDIT, WHOLE)]
    ways = {labels.drawn[row] for row in rows}
    if len(ways) != 1:
        raise LabelsRefused(
            "抽查表里既有按句抽的，又有按人抽的，不能混在一起推算：请分开使用。"
            if ways
            else f"{paths[0]} 里没有“{AUDIT}”而且标好了的句子：校正占比只能用随机抽的句子；"
            "请用 qunyan sample 结果 -o 抽查.xlsx --audit units 抽取，标好再试。"
        )
    frame, repeated = _frame(labels.take(rows), whole=ways == {WHOLE})
    found = frame.merge(_units(folder), on="key")
    if missing := len(frame) - found["key"].nunique():
        raise LabelsRefused(
            f"抽查表里有 {missing} 句不在 {folder} 里：抽查的句子须是从这次结果里抽的（qunyan sample {folder}）。"
        )
    unknown = sorted({name for some in found["true_categories"] for name in some} - set(names))
    if unknown:
        raise LabelsRefused(f"抽查表里的标签（{'、'.join(unknown[:10])}）不是这次运行的类别：请检查标签列。")
    columns = [*_PLACE, "true_statement", "true_categories", "whole"]
    return found.sort_values(_PLACE)[columns].reset_index(drop=True), [*labels.warnings, *repeated]


def _frame(labels: Labels, *, whole: bool) -> tuple[pd.DataFrame, list[str]]:
    """Return the checked units, each once: where several people labelled one, the first counts."""
    import pandas as pd

    columns = {"key": labels.ids, "true_statement": labels.statements, "true_categories": map(list, labels.categories)}
    frame = pd.DataFrame({name: list(values) for name, values in columns.items()}).assign(whole=whole)
    said = frame.assign(said=frame["true_categories"].map(tuple)).groupby("key")[["true_statement", "said"]].nunique()
    torn = int((said > 1).any(axis=1).sum())
    told = [f"{torn} 句几个人标得不同，用了先给出的表：请用 qunyan agree 商定后再校正。"] if torn else []
    return frame.drop_duplicates("key"), told


def _units(folder: Path) -> pd.DataFrame:
    """Return the places of the run's units by their keys."""
    import pyarrow.parquet as pq

    frame = pq.read_table(unit_parts(folder), columns=[*_PLACE, "response", "text"]).to_pandas()
    keys = [unit_key(*row) for row in frame[_KEY].itertuples(index=False, name=None)]
    places: pd.DataFrame = frame[_PLACE].assign(key=keys).drop_duplicates("key")
    return places


def take_audit(folder: Path, names: Mapping[str, str], paths: Sequence[Path], label: str | None) -> dict[str, Any]:
    """Read an audit and keep it in the run's folder, so that every later report has it; see `read_audit`.

    Returns
    -------
    dict
        What the manifest says of it: the sheets' hashes, how many units, what was left out.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    frame, warnings = read_audit(folder, names, paths, label)
    with whole_file(folder / NAME) as path:
        pq.write_table(pa.Table.from_pandas(frame, preserve_index=False).replace_schema_metadata(), path)
    return {"sheets": [sha256(path) for path in paths], "units": len(frame), "warnings": warnings}


def load_audit(folder: Path) -> pd.DataFrame | None:
    """Return the audit that the run's folder keeps; None where there is none."""
    import pyarrow.parquet as pq

    path = folder / NAME
    if not path.exists():
        return None
    frame: pd.DataFrame = pq.read_table(path).to_pandas()
    return frame
