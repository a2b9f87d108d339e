"""A table as readers and programs get it, with Chinese headings or English names; written to files."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline.folder import whole_file

if TYPE_CHECKING:
    import pandas as pd

_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_LIVE = re.compile("^[=+\\-@\t\r\n＝＋－＠]")  # https://owasp.org/www-community/attacks/CSV_Injection
_UNFIT = re.compile(r"[^\w\-]+")


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table of the results."""

    name: str
    """The file's name, without its ending."""
    title: str
    frame: pd.DataFrame
    """Columns under their English names, the ids among them."""
    headings: Mapping[str, str]
    """The Chinese headings, in the order readers see; a column without one is for programs only."""
    notes: tuple[str, ...] = ()
    """What the base is, what the interval means; Chinese sentences."""

    def zh(self) -> pd.DataFrame:
        """Return the table as readers see it: Chinese headings, no ids."""
        return self.frame[list(self.headings)].rename(columns=dict(self.headings))


def file_name(name: str) -> str:
    """Return a name that any file system takes, from a column's heading.

    Examples
    --------
    >>> file_name("by_所在单位/科室 (必填)"), file_name("by_../../x")
    ('by_所在单位_科室_必填_', 'by__x')
    """
    return _UNFIT.sub("_", name)[:60]


def visible(text: str) -> str:
    r"""Return text with the characters that XML and csv readers refuse replaced by U+FFFD.

    Examples
    --------
    >>> visible("a\x00b")
    'a�b'
    """
    return _NOT_XML.sub("\ufffd", text) if _NOT_XML.search(text) else text


def defused(text: str) -> str:
    """Return text that a spreadsheet takes for text: what would be a formula gets a leading `'`.

    Examples
    --------
    >>> defused("=cmd()"), defused("办事难")
    ("'=cmd()", '办事难')
    """
    text = visible(text)
    return "'" + text if _LIVE.match(text) else text


def write_tables(tables: Iterable[Table], folder: Path) -> list[Path]:
    """Write each table as `<name>.csv` (UTF-8 with BOM, Chinese headings) and `<name>.parquet` (English names).

    Equal tables give equal bytes. A file is complete or not there.

    Parameters
    ----------
    tables : iterable of Table
        The tables.
    folder : Path
        OUT; they go into its `tables/`.

    Returns
    -------
    list of Path
        The files, in the tables' order.
    """
    target = folder / "tables"
    paths: list[Path] = []
    for table in tables:
        for write, ending in ((_write_csv, "csv"), (_write_parquet, "parquet")):
            path = target / f"{table.name}.{ending}"
            with whole_file(path) as unfinished:
                write(table, unfinished)
            paths.append(path)
    return paths


def _write_csv(table: Table, path: Path) -> None:
    frame = table.zh()
    texts = frame.select_dtypes(exclude="number").columns
    frame = frame.assign(**{column: frame[column].map(_cell) for column in texts})
    frame.columns = [defused(column) for column in frame.columns]
    frame.to_csv(path, index=False, encoding="utf-8-sig", float_format="%.6g", lineterminator="\r\n")


def _cell(value: object) -> object:
    return defused(value) if isinstance(value, str) else value


def _write_parquet(table: Table, path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pandas(table.frame, preserve_index=False).replace_schema_metadata(), path)
