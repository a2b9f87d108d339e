"""Reads one file in this process: what a library cannot bear becomes a reject, and so does a bug of ours, under its name."""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Generator, Iterator
from pathlib import Path

from ..errors import InputRefused
from ..records import Record, Reject
from .kinds import kind_of
from .source import STDIN, Notes, ReadOptions, Source, UnreadableError

BUG = "bug"
"""The reason of a file that a bug of ours keeps from being read; the command's exit code is 1 then."""

Reader = Callable[[Source, ReadOptions, Notes], Iterator[Record]]

_PACKAGE = Path(__file__).resolve().parent.parent
_OF_DATA = (OSError, EOFError, MemoryError, RecursionError, UnicodeError)
"""Plain errors that data and machines cause, wherever they are raised."""


def read_here(source: Source, options: ReadOptions, notes: Notes) -> Generator[Record]:
    """Give the records of a file; whatever stops its reading is a reject at the end.

    Parameters
    ----------
    source : Source
        The file.
    options : ReadOptions
        What the user named.
    notes : Notes
        Where encoding, containers, columns and warnings are noted.

    Raises
    ------
    InputRefused
        If it is not certain which column holds the answers, or an option does not fit the file.
    """
    name, given = source.name, 0
    try:
        for record in _records(source, options, notes):
            given += 1
            yield record
    except InputRefused:
        raise
    except UnreadableError as trouble:
        yield rejected(source, trouble.reason, f"{name} {trouble}")
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # noqa: BLE001 -- a parser's panic (pyo3) is no Exception
        yield _broken(error, source, given)
    else:
        if not given:
            yield rejected(source, "empty", f"{name} 里没有读到任何内容：请确认给对了文件。")


def rejected(source: Source, reason: str, message: str, given: int = 0) -> Reject:
    """Return the reject of a file, or of what follows the records already given."""
    return Reject(source.name, f"第{given}条之后" if given else "全文", reason, message)


def _records(source: Source, options: ReadOptions, notes: Notes) -> Iterator[Record]:
    if source.path == STDIN:
        from .text import read_stdin

        return read_stdin(source, options, notes)
    kind = kind_of(source.path)
    if kind.warning:
        notes.warn(kind.warning)
    return _reader(kind.reader)(source, options, notes)


def _reader(kind: str) -> Reader:
    """Return the reader of a kind; libraries are loaded only where they are needed."""
    if kind == "word":
        from .word import read_word as reader
    elif kind == "workbook":
        from .sheets import read_workbook as reader
    elif kind == "csv":
        from .tables import read_csv as reader
    elif kind == "jsonl":
        from .frames import read_jsonl as reader
    elif kind == "parquet":
        from .frames import read_parquet as reader
    elif kind == "web":
        from .web import read_web as reader
    elif kind == "subtitles":
        from .subtitles import read_subtitles as reader
    elif kind == "pdf":
        from .pdf import read_pdf as reader
    else:
        from .text import read_text as reader
    return reader


def _broken(error: BaseException, source: Source, given: int) -> Reject:
    name, after = source.name, f"从第{given}条之后" if given else ""
    if isinstance(error, PermissionError | FileNotFoundError | IsADirectoryError):
        message = f"{name} 打不开（{error.strerror}）：请检查权限，关闭占用它的程序。"
        return rejected(source, "unreadable", message, given)
    if isinstance(error, MemoryError):
        return rejected(source, "too_large", f"{name} 太大，内存装不下：请拆成几个文件。", given)
    if is_ours(error):
        if os.environ.get("QUNYAN_DEBUG"):
            raise error
        return rejected(source, BUG, _bug(error, name, after), given)
    cure = "请用原来的软件打开，另存后再试。"
    message = f"{name} {after}读不下去，文件可能已损坏（{type(error).__name__}）：{cure}"
    return rejected(source, "damaged", message, given)


def is_ours(error: BaseException) -> bool:
    r"""Whether an error is a bug of ours: a plain one, raised by a line of ours, that neither data nor machine causes.

    Libraries raise errors of their own classes, or from lines of their own.

    Examples
    --------
    >>> import zlib
    >>> for wrong in (lambda: {}["a"], lambda: zlib.decompress(b""), lambda: b"\xff".decode()):
    ...     try:
    ...         wrong()
    ...     except Exception as error:
    ...         print(type(error).__name__, is_ours(error))
    KeyError False
    error False
    UnicodeDecodeError False
    """
    if not isinstance(error, Exception) or isinstance(error, _OF_DATA) or type(error).__module__ != "builtins":
        return False
    lines = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]
    return bool(lines) and Path(lines[-1]).is_relative_to(_PACKAGE)


def _bug(error: BaseException, name: str, after: str) -> str:
    line = traceback.extract_tb(error.__traceback__)[-1]
    where = f"{Path(line.filename).name} 第{line.lineno}行，{type(error).__name__}：{str(error)[:100]}"
    return f"{name} {after}没有读完：程序内部出错（{where}）。这是软件的缺陷，不是文件的错，请告诉我们。"
