"""Opens the units of a run as a database: every table is a query over the stored parts, out of core.

Counts are sums of integers, so they come out the same whatever the number of threads and parts.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import EnvironmentFault, InputRefused
from pipeline.folder import PRIVATE, SPILL
from pipeline.records import UNIT_SCHEMA

if TYPE_CHECKING:
    import duckdb

MEMORY = "128MB"
"""What a query may hold before it goes to disk; a million messages need no more."""

THREADS = 2
"""At most; each holds its own share of the memory."""

PORTION = 15_000
"""Units that `portions` gives at a time: what is counted within responses fits the processor's cache."""

_FETCHED = 10_000

PERSON = "md5_number(concat_ws(chr(0), file, respondent))"
"""A respondent as a number of 128 bits: equal names in different files are different people; no table of names."""

_CODED = """
CREATE TABLE coded AS
SELECT person, statement, category, count(*) AS n
FROM (
    SELECT person, statement,
           unnest(CASE WHEN len(categories) > 0 THEN list_append(categories, NULL) ELSE ['', NULL] END) AS category
    FROM spoken
)
GROUP BY ALL
"""
_PEOPLE = "CREATE TABLE people AS SELECT DISTINCT person FROM coded"


def unit_parts(folder: Path) -> list[Path]:
    """Return the run's Parquet parts, in order.

    Raises
    ------
    InputRefused
        If the folder holds no run, or one that was damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    parts = sorted((folder / "units").glob("part-*.parquet"))
    if not parts:
        raise InputRefused(f"{folder} 里没有分类结果（units/part-*.parquet）；请先运行 qunyan classify。")
    for part in parts:
        try:
            pq.read_schema(part)
        except (pa.ArrowInvalid, OSError) as error:
            raise _damaged(folder) from error
    return parts


def _damaged(folder: Path) -> InputRefused:
    return InputRefused(
        f"{folder}/units 里的文件已损坏或被改动：可用 qunyan verify {folder} 看是哪些，再用 qunyan classify … --force 重新运行。"
    )


@contextmanager
def open_units(folder: Path, *, interviewer: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open a run for queries.

    The connection has the views `parts` (every unit with the user's metadata), `heard` (the same without the
    interviewer's turns) and `spoken` (of `heard` only the columns of `UNIT_SCHEMA`, and `person`). What it keeps, it
    keeps in a database of its own on disk.

    Parameters
    ----------
    folder : Path
        The run, OUT.
    interviewer : bool, default False
        Whether the interviewer's turns count too.

    Yields
    ------
    duckdb.DuckDBPyConnection
        Closed, and what it put on disk removed, at the end of the block.

    Raises
    ------
    InputRefused
        If the folder holds no run.
    """
    import duckdb

    parts = unit_parts(folder)
    with tempfile.TemporaryDirectory(prefix=SPILL, dir=_place(folder)) as spill:
        config: dict[str, Any] = {
            "memory_limit": MEMORY,
            "temp_directory": spill,
            "threads": min(os.cpu_count() or 1, THREADS),
            "preserve_insertion_order": "false",
            "autoinstall_known_extensions": "false",
        }
        with _told(folder, spill), duckdb.connect(Path(spill, "tables.duckdb"), config=config) as connection:
            _view(connection, parts, interviewer=interviewer)
            yield connection


@contextmanager
def _told(folder: Path, spill: str) -> Iterator[None]:
    """Turn what is no fault of a query into a sentence: damaged parts, no room to sort in."""
    import duckdb

    try:
        yield
    except (duckdb.OutOfMemoryException, duckdb.IOException) as error:
        if isinstance(error, duckdb.IOException) and "units" in str(error):
            raise _damaged(folder) from error
        raise EnvironmentFault(
            f"制表时内存和临时文件夹 {spill} 都不够用：请腾出空间，或用环境变量 TMPDIR 另指一个临时文件夹。"
        ) from error
    except duckdb.InvalidInputException as error:
        raise _damaged(folder) from error


def count_coded(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables `coded` and `people` of a connection of `open_units`.

    `coded`: `person, statement, category, n`, how many units; category `''` is none, NULL stands for all units.
    `people`: every `person`.
    """
    connection.execute(_CODED)
    connection.execute(_PEOPLE)


def portions(connection: duckdb.DuckDBPyConnection, folder: Path, *, interviewer: bool = False) -> Iterator[None]:
    """Let the views stand for a portion of the parts after the other, and at the end for all again.

    All units of a response are in one part, so what is counted within responses is counted portion by portion, in
    memory that does not grow.
    """
    import pyarrow.parquet as pq

    parts = unit_parts(folder)
    portion: list[Path] = []
    units = 0
    for part in parts:
        portion.append(part)
        units += pq.read_metadata(part).num_rows
        if units >= PORTION or part == parts[-1]:
            _view(connection, portion, interviewer=interviewer)
            yield
            portion, units = [], 0
    _view(connection, parts, interviewer=interviewer)


def _view(connection: duckdb.DuckDBPyConnection, parts: list[Path], *, interviewer: bool) -> None:
    role = "true" if interviewer else "role IS DISTINCT FROM 'interviewer'"
    columns = ", ".join(map(quoted, UNIT_SCHEMA.names))
    connection.read_parquet([_literal(path) for path in parts]).create_view("parts", replace=True)
    connection.table("parts").filter(role).create_view("heard", replace=True)
    connection.table("heard").project(f"{columns}, {PERSON} AS person").create_view("spoken", replace=True)


def _place(folder: Path) -> Path | None:
    """Return where queries may spill: within the run, where the disk was chosen for it; else the system's own place."""
    private = folder / PRIVATE
    return private if private.is_dir() and os.access(private, os.W_OK) else None


def streamed(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of the query just executed, a few thousand at a time."""
    while rows := connection.fetchmany(_FETCHED):
        yield from rows


def quoted(column: str) -> str:
    """Return a column's name as SQL writes it.

    Examples
    --------
    >>> quoted('单位"; DROP')
    '"单位""; DROP"'
    """
    return '"' + column.replace('"', '""') + '"'


def _literal(path: Path) -> str:
    """Return a path in which DuckDB sees no wildcards."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in str(path))
