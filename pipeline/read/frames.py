"""Tables that carry their columns' names: JSON lines and Parquet."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

from ..records import Reject, Response
from .columns import SAMPLE_ROWS, choose, kept_name, unique_names
from .encoding import detect, lines
from .rows import RowReader
from .source import Notes, ReadOptions, Source
from .tables import line_place
from .values import cell

_BATCH = 4096
_RECORDS = "记录"

Record = dict[str, str]


def read_jsonl(source: Source, options: ReadOptions, notes: Notes) -> Iterator[Response | Reject]:
    """Read JSON lines: an object a line, its keys as columns; a line that is none is rejected."""
    encoding = detect(source.path, options.encoding)
    notes.encoding = encoding.name
    if encoding.warning:
        notes.warn(encoding.warning)
    text = enumerate(lines(source.path, encoding), start=1)
    records = ((number, _object(line, number, source.name)) for number, line in text if line.strip())
    first = list(itertools.islice(records, SAMPLE_ROWS))
    objects = [record for _, record in first if isinstance(record, dict)]
    keys = list(dict.fromkeys(key for record in objects for key in record))
    reader = _reader(keys, [[record.get(key, "") for key in keys] for record in objects], source, options, notes)
    for number, record in itertools.chain(first, records):
        if isinstance(record, Reject):
            notes.containers[_RECORDS] += 1
            yield record
        elif reader:
            extra = None if record.keys() <= set(keys) else _later(record, keys, number, notes)
            yield from reader.read(number, [record.get(key, "") for key in keys], extra)


def _reader(
    names: list[str], sample: list[list[str]], source: Source, options: ReadOptions, notes: Notes
) -> RowReader | None:
    """Return what reads the rows under these names; None where there are none."""
    if not names:
        return None
    layout = choose(unique_names(names), sample, options, source.name)
    notes.columns = layout.chosen()
    return RowReader(source.name, "", layout, line_place(layout), notes, _RECORDS)


def _later(record: Record, known: list[str], number: int, notes: Notes) -> Record:
    """Return the metadata under keys that the first records did not have."""
    new = [key for key in record if key not in known]
    notes.warn(f"从第{number}行起有的记录多出字段 {'、'.join(new)}，照样保留。")
    names = unique_names([*known, *new])[len(known) :]
    return {kept_name(name): record[key] for key, name in zip(new, names, strict=True)}


def _object(line: str, number: int, file: str) -> Record | Reject:
    place = f"第{number}行"
    try:
        value = json.loads(line, parse_int=str, parse_float=str, parse_constant=str)
    except (ValueError, RecursionError):
        message = f"{place}不是完整的 JSON：请检查这一行的引号和括号。"
        return Reject(file, place, "json", message, line[:40].strip())
    if not isinstance(value, dict):
        message = f'{place}不是 JSON 对象（要写成 {{"text": "…"}}，一行一条）。'
        return Reject(file, place, "json", message, line[:40].strip())
    return {cell(key): cell(item) for key, item in value.items()}


def _cells(column: Any) -> list[str]:
    """Return a column as text; dates that are too far for Python as the library writes them."""
    try:
        return [cell(value) for value in column.to_pylist()]
    except OverflowError:
        return [value or "" for value in column.cast("string").to_pylist()]


def read_parquet(source: Source, options: ReadOptions, notes: Notes) -> Iterator[Response | Reject]:
    """Read a Parquet file batch by batch; numbers and dates become text."""
    import pyarrow.parquet as pq

    with pq.ParquetFile(source.path) as file:
        names = list(file.schema_arrow.names)
        rows = itertools.chain.from_iterable(
            map(list, zip(*map(_cells, batch.columns), strict=True)) for batch in file.iter_batches(batch_size=_BATCH)
        )
        sample = list(itertools.islice(rows, SAMPLE_ROWS))
        reader = _reader(names, sample, source, options, notes)
        for number, row in enumerate(itertools.chain(sample, rows), start=1):
            if reader:
                yield from reader.read(number, row)
