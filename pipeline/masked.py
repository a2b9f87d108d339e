"""The units as reports show them: personal data replaced, in a temporary folder; the analyst's own units stay as they are.

A response is redacted as a whole, so that a name under `此致 敬礼` is found though it is a unit of its own.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.deidentify import Deidentifier
from pipeline.errors import InputRefused
from pipeline.fields import answer, names_in, personal_columns
from pipeline.normalise import normalise
from pipeline.query import unit_parts
from pipeline.records import UNIT_SCHEMA
from pipeline.redact import Shift, moved, neutral

if TYPE_CHECKING:
    import pyarrow as pa

_LABELS = ("file", "location", "response", "respondent", "question", "section")
_CHANGED = ("text", "evidence", "words")

_READ = (*_LABELS, "start", "end", "text")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Unit:
    """A masked unit, and how its places have moved within its response."""

    text: str
    start: int
    first: int
    hidden: Sequence[tuple[int, int]]
    shifts: Sequence[Shift]


def state(manifest: Mapping[str, Any]) -> str:
    """Return what of a run is de-identified: `all`, `reports` (tables, quotes, reports) or `none`.

    Parameters
    ----------
    manifest : mapping
        The run's.
    """
    if manifest["options"].get("redact"):
        return "all"
    return "reports" if manifest["tables"].get("redact", True) else "none"


@contextmanager
def told_units(out: Path, manifest: Mapping[str, Any]) -> Iterator[Path]:
    """Yield the folder with the units that a run's tables and reports tell of.

    Parameters
    ----------
    out : Path
        The run.
    manifest : mapping
        Its manifest: whether the units are stored without personal data, and whether reports are to hold any.
    """
    if state(manifest) == "reports":
        with masked_units(out, manifest["tables"]["by"]) as told:
            yield told
    else:
        yield out


@contextmanager
def masked_units(folder: Path, by: Sequence[str] = ()) -> Iterator[Path]:
    """Yield a folder with a run's units as reports show them; it is gone at the end of the block.

    Parameters
    ----------
    folder : Path
        The run, OUT.
    by : sequence of str
        The user's columns that are shown; the others are as they were.

    Raises
    ------
    InputRefused
        If the folder holds no run.
    """
    import pyarrow.parquet as pq

    hide = Deidentifier()
    with tempfile.TemporaryDirectory(prefix="qunyan-") as temporary:
        target = Path(temporary, "units")
        target.mkdir(mode=0o700)
        for part in unit_parts(folder):
            pq.write_table(_masked(pq.read_table(part), by, hide), target / part.name)
        yield Path(temporary)


def _masked(units: pa.Table, by: Sequence[str], hide: Deidentifier) -> pa.Table:
    """Return a part's units masked."""
    own = [name for name in units.column_names if name not in UNIT_SCHEMA.names]
    people = personal_columns(own)
    rows = units.select([*_READ, *people]).to_pylist()
    speakers = names_in({_label(row) for row in rows})
    columns: dict[str, list[str | None]] = {name: [] for name in _LABELS}
    changed: dict[int, Row] = {}
    at = 0
    for _, group in groupby(rows, itemgetter("file", "location", "response")):
        response = list(group)
        known = [*speakers, *_known(response[0], people)]
        for name, value in _labels(response[0], hide, known).items():
            columns[name] += [value] * len(response)
        for number, unit in enumerate(_hidden(response, hide, known), at):
            if unit:
                changed[number] = _coded(unit, units, number)
        at += len(response)
    columns |= {name: _cells(units, name, hide) for name in by if name in own}
    return _put(units, columns, changed)


def _label(row: Row) -> str:
    """Return what a speaker is called in a transcript."""
    label = row["respondent"].removeprefix(f"{row['file']}·")
    return label if label != row["respondent"] else ""


def _known(row: Row, people: Sequence[str]) -> list[str]:
    """Return the names that a response's own columns and its respondent give, or that it consists of."""
    named = names_in([row["respondent"], *(row[name] for name in people)])
    return [*named, *answer(row["text"])]


def _labels(row: Row, hide: Deidentifier, known: Sequence[str]) -> dict[str, str]:
    file = hide.file(row["file"])
    return {
        "file": file,
        "location": hide.place(row["location"]),
        "response": hide.number(row["response"]),
        "respondent": hide.respondent(row["respondent"], row["file"], file),
        "question": hide.text(row["question"], known)[0],
        "section": hide.text(row["section"], known)[0],
    }


def _hidden(response: Sequence[Row], hide: Deidentifier, known: Sequence[str]) -> Iterator[_Unit | None]:
    """Yield the units of a response masked; None for one that holds no personal data."""
    whole = ""
    for row in response:
        whole += "\n" * (row["start"] - len(whole)) + row["text"]
    masked, shifts = hide.text(whole, known)
    for row in response:
        hidden = [(start, end) for start, end, _ in shifts if start < row["end"] and row["start"] < end]
        first, last = moved(row["start"], row["end"], shifts)
        yield _Unit(masked[first:last], row["start"], first, hidden, shifts) if hidden else None


def _coded(unit: _Unit, units: pa.Table, number: int) -> Row:
    """Return a masked unit with what its coding rests on, less what is hidden."""
    evidence = [_evidence(item, unit) for item in units["evidence"][number].as_py() or ()]
    left = normalise(neutral(unit.text))
    words = [word for word in units["words"][number].as_py() or () if word in left]
    return {"text": unit.text, "evidence": [item for item in evidence if item], "words": words}


def _evidence(item: Row, unit: _Unit) -> Row | None:
    start, end = unit.start + item["start"], unit.start + item["end"]
    if any(begin < end and start < stop for begin, stop in unit.hidden):
        return None
    first, last = (place - unit.first for place in moved(start, end, unit.shifts))
    return item | {"start": first, "end": last}


def _cells(units: pa.Table, name: str, hide: Deidentifier) -> list[str | None]:
    """Return a column of the user's with its cells masked; equal cells are looked at once."""
    values = units[name].to_pylist()
    shown = {value: hide.cells({name: value})[name] for value in dict.fromkeys(values) if value}
    return [shown.get(value, value) for value in values]


def _put(units: pa.Table, columns: Mapping[str, list[str | None]], changed: Mapping[int, Row]) -> pa.Table:
    """Return the units with whole columns, and single rows of the coded ones, replaced."""
    import numpy as np
    import pyarrow as pa

    for name, values in columns.items():
        units = units.set_column(units.schema.get_field_index(name), name, pa.array(values, pa.string()))
    take = np.arange(len(units))
    take[list(changed)] = len(units) + np.arange(len(changed))
    for name in _CHANGED if changed else ():
        at, kind = units.schema.get_field_index(name), units.schema.field(name).type
        new = pa.chunked_array([*units[name].chunks, pa.array([row[name] for row in changed.values()], kind)])
        units = units.set_column(at, name, new.take(take))
    return units


def refuse_other_units(out: Path, manifest: Mapping[str, Any], redact: bool | None) -> None:
    """Raise `InputRefused` for what only coding anew can do: take personal data out of the stored units, or bring it back."""
    stored = state(manifest) == "all"
    if redact is True and not stored:
        raise InputRefused(
            f"{out} 的语句是原文：要连语句一起去标识化，请重新运行 qunyan classify，加上 --redact 和 --force；"
            "只要表格和报告去标识化，不写 --redact 就是。"
        )
    if redact is False and stored:
        raise InputRefused(f"{out} 的语句已去标识化，没有存下原文：要用原文请重新运行 qunyan classify。")


def privacy(manifest: Mapping[str, Any]) -> str:
    """Return the sentence of the reports on what became of personal data.

    Parameters
    ----------
    manifest : mapping
        The run's.
    """
    hidden = "能认出的姓名、电话、证件号、地址等个人信息已换成编号（如“[电话1]”）"
    rest = "这是去标识化，不是匿名化：认不出的个人信息仍可能留下，对外提供之前请核对。"
    return {
        "all": f"去标识化：语句、表格和报告里{hidden}。{rest}",
        "reports": f"去标识化：表格、原话和报告里{hidden}；语句（units/ 和 results.xlsx 的语句表）是原文。{rest}",
        "none": "没有去标识化：原话是原文，可能含有个人信息，对外提供之前请核对。",
    }[state(manifest)]
