"""What is made of a run on demand: the respondents' own Word files with the codings as comments, and a file for SPSS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import InputRefused
from pipeline.folder import sha256
from pipeline.query import unit_parts
from pipeline.read import discover
from pipeline.report.comments import write_comments
from pipeline.report.spss import write_sav

if TYPE_CHECKING:
    import pandas as pd

COMMENTS, SAV = "comments", "results.sav"


def write_on_demand(
    folder: Path,
    names: Mapping[str, str],
    files: Mapping[str, Mapping[str, Any]],
    comments: Sequence[str | Path] = (),
    *,
    sav: bool = False,
) -> list[str]:
    """Write what a user asks for beyond the reports: commented Word files, `results.sav`; return what was left out."""
    if sav:
        write_sav(folder / SAV, _units(folder), names)
    return write_commented(folder, comments, files, names) if comments else []


def write_commented(
    folder: Path, sources: Sequence[str | Path], files: Mapping[str, Mapping[str, Any]], names: Mapping[str, str]
) -> list[str]:
    """Write a run's Word files with a comment on each coded unit, into the run's folder `comments`.

    Parameters
    ----------
    folder : Path
        The run, OUT.
    sources : sequence of str or Path
        The files that were coded, or folders that hold them; they stay as they are.
    files : mapping
        What the manifest says of each file that was coded.
    names : mapping of str to str
        Category id to Chinese name.

    Returns
    -------
    list of str
        Which Word files were left out, and which units have no comment.

    Raises
    ------
    InputRefused
        If none of the sources is a Word file of this run.
    EnvironmentFault
        If a file cannot be written.
    """
    found = [source for source in discover(sources)[0] if source.path.suffix.lower() == ".docx"]
    coded = {file["sha256"]: name for name, file in files.items() if file["sha256"]}
    written, told = 0, []
    for source in found:
        name = coded.get(sha256(source.path))
        if name is None:
            told.append(f"{source.name} 不是这次运行编码的文件（或之后改动过），没有写批注。")
            continue
        path = folder / COMMENTS / _within(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        written += 1
        if lost := write_comments(source.path, path, _units(folder, name), names):
            told.append(f"{name}：有 {lost} 句在页眉、脚注、文本框等处，没有批注。")
    if not written:
        why = "".join(told) or "没有找到 .docx 文件。"
        raise InputRefused(f"没有可以写批注的 Word 文件：{why}请用 --comments 给出当初编码的 .docx 文件或文件夹。")
    return told


def _within(name: str) -> Path:
    """Return a file's name as a path that leads nowhere else, whatever a manifest says.

    Examples
    --------
    >>> _within("一村/访谈.docx").as_posix(), _within("/../../访谈.docx").as_posix()
    ('一村/访谈.docx', '访谈.docx')
    """
    path = Path(name)
    return Path(*(part for part in path.parts if part not in ("..", path.anchor)))


def _units(folder: Path, file: str | None = None) -> pd.DataFrame:
    """Return the units of a run, or of one of its files, in order."""
    import pyarrow.parquet as pq

    chosen = None if file is None else [("file", "=", file)]
    frame: pd.DataFrame = pq.read_table(unit_parts(folder), filters=chosen).to_pandas()
    return frame
