"""Reads files of every format into responses, and says why what it cannot read was rejected."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from ..errors import InputRefused
from ..records import Reject, Response
from .kinds import kind_of
from .source import STDIN, Notes, ReadOptions, Source, UnreadableError, discover

__all__ = ["ReadOptions", "Reading", "Source", "discover", "read"]

Reader = Callable[[Source, ReadOptions, Notes], Iterator[Response | Reject]]


class Reading:
    """The records of one file: iterate once, then look at what was noted on the way.

    Parameters
    ----------
    source : Source
        The file.
    options : ReadOptions
        What the user named.

    Attributes
    ----------
    encoding : str
        The encoding chosen, or the kind of container.
    containers : dict of str to int
        How many records (or paragraphs, cues, pages) each container gave.
    columns : dict of str to list of str
        The headings chosen in a table: `text`, `id`, `respondent`, `date`.
    warnings : list of str
        Sentences for the summary.
    """

    def __init__(self, source: Source, options: ReadOptions) -> None:
        self.source = source
        self.options = options
        self._notes = Notes()

    @property
    def encoding(self) -> str:
        """The encoding chosen, or the kind of container."""
        return self._notes.encoding

    @property
    def containers(self) -> dict[str, int]:
        """How many records each container gave."""
        return dict(self._notes.containers)

    @property
    def columns(self) -> dict[str, list[str]]:
        """The headings chosen in a table."""
        return self._notes.columns

    @property
    def warnings(self) -> list[str]:
        """Sentences for the summary."""
        return [f"{self.source.name}：{sentence}" for sentence in self._notes.warnings]

    def __iter__(self) -> Iterator[Response | Reject]:
        """Give the records; what a library cannot bear becomes a reject.

        Raises
        ------
        InputRefused
            If it is not certain which column holds the answers, or an option does not fit the file.
        """
        name, given = self.source.name, 0
        try:
            for record in self._records():
                given += 1
                yield record
        except InputRefused:
            raise
        except UnreadableError as trouble:
            yield self._reject(trouble.reason, f"{name} {trouble}")
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            raise
        except BaseException as error:  # noqa: BLE001 -- a parser's panic (pyo3) is no Exception
            yield self._broken(error, given)
        else:
            if not given:
                yield self._reject("empty", f"{name} 里没有读到任何内容：请确认给对了文件。")

    def _records(self) -> Iterator[Response | Reject]:
        if self.source.path == STDIN:
            from .text import read_stdin

            return read_stdin(self.source, self.options, self._notes)
        kind = kind_of(self.source.path)
        if kind.warning:
            self._notes.warn(kind.warning)
        return _reader(kind.reader)(self.source, self.options, self._notes)

    def _reject(self, reason: str, message: str, place: str = "全文") -> Reject:
        return Reject(self.source.name, place, reason, message)

    def _broken(self, error: BaseException, given: int) -> Reject:
        name, place = self.source.name, f"第{given}条之后" if given else "全文"
        if isinstance(error, PermissionError | FileNotFoundError | IsADirectoryError):
            return self._reject(
                "unreadable", f"{name} 打不开（{error.strerror}）：请检查权限，关闭占用它的程序。", place
            )
        if isinstance(error, MemoryError):
            return self._reject("too_large", f"{name} 太大，内存装不下：请拆成几个文件。", place)
        after = f"从第{given}条之后" if given else ""
        cure = "请用原来的软件打开，另存后再试。"
        return self._reject(
            "damaged", f"{name} {after}读不下去，文件可能已损坏（{type(error).__name__}）：{cure}", place
        )


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


def read(source: Source, options: ReadOptions | None = None) -> Reading:
    r"""Prepare to read one file.

    Parameters
    ----------
    source : Source
        From `discover`.
    options : ReadOptions, optional
        Which columns, encoding, sheet; found by themselves where not named.

    Returns
    -------
    Reading
        Iterate it once for `Response` and `Reject`.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.txt")
    ...     _ = path.write_text("问：办证方便吗？\n答：跑了四趟。", encoding="utf-8")
    ...     [(record.role, record.text, record.question) for record in read(Source(path, "a.txt"))]
    [('interviewer', '办证方便吗？', ''), ('respondent', '跑了四趟。', '办证方便吗？')]
    """
    return Reading(source, options or ReadOptions())
