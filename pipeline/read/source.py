"""What is read: inputs found in files and folders, the user's options, and the notes kept while reading."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import InputRefused
from ..records import Reject

ENDINGS = (".txt", ".md", ".docx", ".xlsx", ".xls", ".csv", ".tsv", ".jsonl", ".parquet", ".srt", ".vtt", ".pdf")
"""The file name endings that are read."""

STDIN = Path("-")
_LEFT_OUT = {"__MACOSX", "Thumbs.db", "desktop.ini"}
_CONTROL = dict.fromkeys([*range(0x20), 0x7F], "_")


@dataclass(frozen=True, slots=True)
class ReadOptions:
    """Which columns, which encoding, which sheet; what is left empty is found by the usual headings."""

    text: tuple[str, ...] = ()
    id: str | None = None
    respondent: str | None = None
    by: tuple[str, ...] = ()
    date: str | None = None
    encoding: str | None = None
    sheet: str | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """One input file."""

    path: Path
    """Where it is; `-` is standard input."""
    name: str
    """Its POSIX path relative to the folder given (or its own name); unique within a run."""


class UnreadableError(ValueError):
    """The whole file is rejected: `reason` is the reject's code, the message a sentence without the file's name."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(slots=True)
class Notes:
    """What a reader writes down while it reads."""

    encoding: str = ""
    containers: Counter[str] = field(default_factory=Counter)
    """How many records each container gave: `Sheet1`, `正文`, `表格`, `脚注` …"""
    columns: dict[str, list[str]] = field(default_factory=dict)
    """The headings chosen: `text`, `id`, `respondent`, `date`."""
    warnings: list[str] = field(default_factory=list)

    def warn(self, sentence: str) -> None:
        """Keep a sentence for the summary, once."""
        if sentence not in self.warnings:
            self.warnings.append(sentence)


@dataclass(frozen=True, slots=True)
class _Found:
    path: Path
    relative: str
    folder: str


def discover(inputs: Sequence[str | Path]) -> tuple[list[Source], list[Reject]]:
    """Find the files to read, in the order of their names.

    Hidden files, Office lock files (`~$…`) and what operating systems leave in folders are left out; links and special
    files inside a folder, and files of another kind, are rejected. A file reached twice is read once.

    Parameters
    ----------
    inputs : sequence of str or Path
        Files, folders (searched to the bottom), or `-` for standard input.

    Returns
    -------
    tuple of list of Source, list of Reject
        The files, their names unique, and what cannot be read.

    Raises
    ------
    InputRefused
        If an input does not exist.

    Examples
    --------
    >>> discover(["-"])
    ([Source(path=PosixPath('-'), name='标准输入')], [])
    """
    found: list[_Found] = []
    rejects: list[Reject] = []
    for given in inputs:
        for item in _walk(Path(given)):
            if isinstance(item, Reject):
                rejects.append(item)
            else:
                found.append(item)
    return _named(found), sorted(rejects, key=lambda reject: reject.file)


def _walk(given: Path) -> Iterator[_Found | Reject]:
    if given == STDIN:
        yield _Found(STDIN, "标准输入", "")
        return
    try:
        mode = given.stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        raise InputRefused(
            f"找不到 {shown(str(given))}：请检查路径和文件名（在终端里可以把文件拖进窗口得到路径）。"
        ) from None
    except OSError as error:
        raise InputRefused(f"打不开 {shown(str(given))}（{error.strerror}）：请检查路径和权限。") from None
    if stat.S_ISDIR(mode):
        yield from _folder(given, given)
    else:
        yield _file(given, shown(given.name), given.absolute().parent.name)


def _folder(folder: Path, root: Path) -> Iterator[_Found | Reject]:
    relative = shown(folder.relative_to(root).as_posix())
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield Reject(relative, "文件夹", "unreadable", f"文件夹 {relative} 打不开（{error.strerror}）：请检查权限。")
        return
    for entry in entries:
        if entry.name.startswith((".", "~$")) or entry.name in _LEFT_OUT:
            continue
        path = folder / entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from _folder(path, root)
        else:
            yield _file(path, shown(path.relative_to(root).as_posix()), shown(root.absolute().name), entry.is_symlink())


def _file(path: Path, relative: str, folder: str, link: bool = False) -> _Found | Reject:
    if link:
        return Reject(relative, "文件", "link", f"{relative} 是链接，不跟随：请直接给出它指向的文件。")
    try:
        mode = path.stat().st_mode
    except OSError as error:
        return Reject(relative, "文件", "unreadable", f"{relative} 打不开（{error.strerror}）：请检查权限。")
    if not stat.S_ISREG(mode):
        return Reject(relative, "文件", "unsupported", f"{relative} 不是普通文件（管道或设备），没有读取。")
    if path.suffix.lower() not in ENDINGS:
        kinds = " ".join(ENDINGS)
        return Reject(relative, "文件", "unsupported", f"{relative} 的类型不在可读之列（{kinds}）：请另存为其中一种。")
    return _Found(path, relative, folder)


def _named(found: list[_Found]) -> list[Source]:
    """Give every file one unique name: the folder's name is put before equal ones, then a number."""
    once: dict[str, _Found] = {}
    for item in found:
        key = os.path.realpath(item.path)
        if key not in once or len(item.relative) > len(once[key].relative):
            once[key] = item
    items = [once[key] for key in sorted(once)]
    clash = Counter(item.relative for item in items)
    names = [item.relative if clash[item.relative] == 1 else f"{item.folder}/{item.relative}" for item in items]
    taken: Counter[str] = Counter()
    sources = []
    for item, name in zip(items, names, strict=True):
        taken[name] += 1
        sources.append(Source(item.path, name if taken[name] == 1 else f"{name}（{taken[name]}）"))
    return sorted(sources, key=lambda source: source.name)


def shown(name: str) -> str:
    r"""Return a file name that can be printed and stored: bytes that are not UTF-8 are read as GB18030 or replaced.

    Examples
    --------
    >>> shown("访谈\udcff.txt")
    '访谈\ufffd.txt'
    """
    raw = os.fsencode(name)
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding).translate(_CONTROL)
        except UnicodeDecodeError:
            continue
    return raw.decode("utf-8", "replace").translate(_CONTROL)
