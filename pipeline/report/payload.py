"""The units that the web page carries for its search: columns, compressed, as small as a browser can unpack them."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.breakdown import JOINED, MISSING
from pipeline.records import STATEMENTS
from pipeline.tables import visible

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

MOST_UNITS = 30_000
"""Units beyond which a page carries the quotes only."""

MOST_VALUES = 200
"""Values of a column by which one can filter; a column with more is none to choose from."""

Mark = tuple[int, int, int]
"""Start, end, and what for: 0 a category, 1 the statement."""

_COLUMNS = (
    "file", "location", "role", "text", "statement", "statement_confidence", "categories", "confidences", "evidence",
    "review",
)  # fmt: skip
_LINE = "\0"


@dataclass(frozen=True, slots=True)
class Payload:
    """Units for the page."""

    rows: dict[str, list[Any]]
    """Columns of the units: text, file, location, statement, categories, review, sure, and the marks."""
    groups: dict[str, list[str | None]]
    """The user's columns by which one can filter; None where a unit's group is too small to be shown."""
    names: Mapping[str, str]
    whole: bool
    """Whether these are all units."""
    marks: dict[tuple[str, str, str], list[Mark]]
    """The marks of what is quoted, by file, location and text."""

    def only(self, quotes: pd.DataFrame) -> Payload:
        """Return the payload with the quoted units only."""
        wanted = _keys(quotes)
        keys = zip(self.rows["file"], self.rows["location"], self.rows["text"], strict=True)
        keep = [number for number, key in enumerate(keys) if key in wanted]
        rows, groups = (
            {name: [values[i] for i in keep] for name, values in columns.items()}
            for columns in (self.rows, self.groups)
        )
        return replace(self, rows=rows, groups=groups, whole=False)

    def __len__(self) -> int:
        return len(self.rows["text"])

    @property
    def characters(self) -> set[str]:
        """The characters that the page may show of the units."""
        own = (self.rows["text"], self.rows["file"], self.rows["location"], *self.groups.values(), self.groups)
        return {char for texts in own for text in texts if text for char in text} | set("".join(self.names.values()))

    @property
    def texts(self) -> str:
        """The texts, one behind the other, deflated, in base64.

        GB 18030 holds all of Unicode and packs Chinese a tenth smaller than UTF-8; browsers read it (but for ḿ).
        """
        return _packed(_LINE.join(map(visible, self.rows["text"])).encode("gb18030", "replace"))

    @property
    def codes(self) -> str:
        """Everything else as JSON, deflated, in base64."""
        files = list(dict.fromkeys(self.rows["file"]))
        place = {file: number for number, file in enumerate(files)}
        content = {
            "names": list(self.names.values()),
            "files": list(map(visible, files)),
            "file": [place[file] for file in self.rows["file"]],
            "location": list(map(visible, self.rows["location"])),
            **{name: self.rows[name] for name in ("statement", "categories", "review", "sure", "marks")},
            "groups": [_coded(name, values) for name, values in self.groups.items()],
        }
        return _packed(json.dumps(content, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace"))


def load_units(
    parts: Sequence[Path],
    quotes: pd.DataFrame,
    names: Mapping[str, str],
    by: Mapping[str, frozenset[str]],
    *,
    interviewer: bool,
) -> Payload:
    """Load all units of a run, or only those quoted where there are too many.

    Parameters
    ----------
    parts : sequence of Path
        The run's parts, in order.
    quotes : pandas.DataFrame
        The table `quotes`.
    names : mapping of str to str
        Category id to Chinese name, in order.
    by : mapping of str to frozenset of str
        The user's columns that go with them, each with the groups that may be shown; those with more than `MOST_VALUES`
        values stay away.
    interviewer : bool
        Whether the interviewer's turns too.
    """
    units, whole = _read(parts, quotes, list(by), interviewer=interviewer)
    columns = {name: units.column(name).to_pylist() for name in units.column_names if name != "evidence"}
    places = {category: number for number, category in enumerate(names)}
    marks = _marks(units, columns["categories"], columns["statement"])
    keys = list(zip(columns["file"], columns["location"], columns["text"], strict=True))
    wanted = _keys(quotes)
    rows = {
        **{name: columns[name] for name in ("file", "location", "text")},
        "statement": [STATEMENTS.index(name) for name in columns["statement"]],
        "categories": [[places[name] for name in some if name in places] for some in columns["categories"]],
        "review": [int(bool(review)) for review in columns["review"]],
        "sure": list(map(_sure, columns["statement_confidence"], columns["confidences"])),
        "marks": [[number for mark in own for number in mark] for own in marks],
    }
    groups = {
        name: [_group(value, shown) for value in columns[name]]
        for name, shown in by.items()
        if len(set(columns[name])) <= MOST_VALUES
    }
    quoted = {key: own for key, own in zip(keys, marks, strict=True) if key in wanted}
    payload = Payload(rows, groups, names, whole, quoted)
    return payload if whole else payload.only(quotes)


def pieces(text: str, marks: Iterable[Mark]) -> list[tuple[str, str]]:
    """Cut a text at its marks, which do not overlap: pieces with `""`, `category` or `statement`.

    Examples
    --------
    >>> pieces("办证跑了四趟", [(2, 6, 0)])
    [('办证', ''), ('跑了四趟', 'category')]
    """
    cut, at = [], 0
    for start, end, kind in marks:
        cut += [(text[at:start], ""), (text[start:end], ("category", "statement")[kind])]
        at = end
    return [(piece, kind) for piece, kind in [*cut, (text[at:], "")] if piece]


def _read(
    parts: Sequence[Path], quotes: pd.DataFrame, by: Sequence[str], *, interviewer: bool
) -> tuple[pa.Table, bool]:
    """Return the units to carry, and whether they are all."""
    import pyarrow as pa

    columns = [*_COLUMNS, *(name for name in by if name not in _COLUMNS)]
    quoted = None
    found: list[pa.Table] = []
    units = 0
    for part in parts:
        found.append(_of_part(part, columns, quoted, interviewer=interviewer))
        units += len(found[-1])
        if quoted is None and units > MOST_UNITS:
            quoted = pa.table({name: pa.array(quotes[name], pa.string()) for name in ("text", "location")})
            found = [table.filter(_among(table, quoted)) for table in found]
    return pa.concat_tables(found, promote_options="permissive"), quoted is None


def _of_part(part: Path, columns: Sequence[str], quoted: pa.Table | None, *, interviewer: bool) -> pa.Table:
    """Return the units of a part to carry; of most parts of a large run only text and place are read."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    with pq.ParquetFile(part) as file:
        here = [name for name in columns if name in file.schema_arrow.names]
        looked = file.read(["text", "location", "role"])
        keep = pc.or_kleene(interviewer, pc.not_equal(looked["role"], "interviewer"))
        keep = keep if quoted is None else pc.and_(keep, _among(looked, quoted))
        some = bool(pc.any(keep).as_py())
        return file.read(here).filter(keep) if some else file.schema_arrow.empty_table().select(here)


def _among(table: pa.Table, quoted: pa.Table) -> pa.ChunkedArray:
    """Return which units may be quoted: their text and their place are."""
    import pyarrow.compute as pc

    return pc.and_(*(pc.is_in(table[name], quoted[name].combine_chunks()) for name in quoted.column_names))


def _keys(quotes: pd.DataFrame) -> set[tuple[str, str, str]]:
    return set(zip(quotes["file"], quotes["location"], quotes["text"], strict=True))


def _sure(statement: float | None, categories: Sequence[float | None]) -> int:
    """Return the least of a unit's confidences, in percent."""
    known = [value for value in (statement, *categories) if value is not None and value == value]
    return round(100 * min(known, default=1.0))


def _marks(units: pa.Table, categories: Sequence[Sequence[str]], statements: Sequence[str]) -> list[list[Mark]]:
    """Return each unit's marks: the words for its categories, and the cues of its statement, apart from one another."""
    import pyarrow.compute as pc

    column = units.column("evidence").combine_chunks()
    flat = pc.list_flatten(column)
    names, starts, ends, hows = (
        pc.struct_field(flat, name).to_pylist() for name in ("category", "start", "end", "how")
    )
    lengths = pc.fill_null(pc.list_value_length(column), 0).to_pylist()
    marks, at = [], 0
    for length, own, statement in zip(lengths, categories, statements, strict=True):
        found = [
            (starts[i], ends[i], 0 if names[i] in own else 1)
            for i in range(at, at + length)
            if names[i] in own or (names[i] == statement and hows[i] == "cue")
        ]
        marks.append(_apart(found))
        at += length
    return marks


def _apart(marks: list[Mark]) -> list[Mark]:
    """Return marks that do not overlap, in order; those of categories go first."""
    kept: list[Mark] = []
    for mark in sorted(marks, key=lambda mark: (mark[2], mark[0], -mark[1])):
        if all(mark[1] <= start or end <= mark[0] for start, end, _ in kept):
            kept.append(mark)
    return sorted(kept)


def _group(value: str | None, shown: frozenset[str]) -> str | None:
    """Return the group that a unit may be shown in: its own, or the one that joins the small ones; None for neither."""
    group = (value or "").strip() or MISSING
    if group not in shown:
        return next((name for name in sorted(shown) if name.startswith(JOINED)), None)
    return "" if group == MISSING else value


def _coded(name: str, values: list[str | None]) -> dict[str, Any]:
    """Return a column as its distinct values, sorted, and the place of each row's among them; -1 for none."""
    distinct = sorted({value for value in values if value is not None})
    place = {value: number for number, value in enumerate(distinct)}
    return {
        "name": name,
        "values": list(map(visible, distinct)),
        "of": [-1 if value is None else place[value] for value in values],
    }


def _packed(data: bytes) -> str:
    maker = zlib.compressobj(6, zlib.DEFLATED, -15)
    return base64.b64encode(maker.compress(data) + maker.flush()).decode()
