"""Opens the units of a run as a database: every table is a query over the stored parts, out of core.

Counts are sums of integers, so they come out the same whatever the number of threads and parts.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import EnvironmentFault, InputRefused
from pipeline.records import UNIT_SCHEMA

if TYPE_CHECKING:
    import duckdb

MEMORY = "512MB"
"""What a query may hold before it goes to disk."""

THREADS = 4
"""At most; more threads need more memory and hardly help queries as small as these."""

_PEOPLE = """
CREATE TABLE people AS
SELECT row_number() OVER () AS person, file, respondent
FROM (SELECT DISTINCT file, respondent FROM spoken)
"""
_CODED = """
CREATE TABLE coded AS
SELECT person, statement, category, count(*) AS n
FROM (
    SELECT person, statement,
           unnest(CASE WHEN len(categories) > 0 THEN list_append(categories, NULL) ELSE ['', NULL] END) AS category
    FROM spoken JOIN people USING (file, respondent)
)
GROUP BY ALL
"""


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
    interviewer's turns), `spoken` (of `heard` only the columns of `UNIT_SCHEMA`), and the tables `people` (`person,
    file, respondent`: equal names in different files are different people) and `coded` (`person, statement, category,
    n`: how many units; category `''` is none, NULL stands for all units).

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

    parts = [_literal(path) for path in unit_parts(folder)]
    with tempfile.TemporaryDirectory(prefix="qunyan-") as spill:
        config: dict[str, Any] = {
            "memory_limit": MEMORY,
            "temp_directory": spill,
            "autoinstall_known_extensions": "false",
        }
        with _told(folder, spill), duckdb.connect(config=config) as connection:
            threads = connection.execute("SELECT current_setting('threads')").fetchall()[0][0]
            connection.execute(f"SET threads = {min(int(threads), THREADS)}")
            connection.read_parquet(parts, union_by_name=True).create_view("parts")
            role = "true" if interviewer else "role IS DISTINCT FROM 'interviewer'"
            connection.table("parts").filter(role).create_view("heard")
            connection.table("heard").project(", ".join(map(quoted, UNIT_SCHEMA.names))).create_view("spoken")
            connection.execute(_PEOPLE)
            connection.execute(_CODED)
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
