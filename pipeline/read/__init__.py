"""Reads files of every format into responses, and says why what it cannot read was rejected."""

from __future__ import annotations

from collections.abc import Callable, Generator

from ..records import Reject, Response
from .apart import read_apart, readers
from .here import BUG, read_here
from .lexicon import fingerprint
from .source import Notes, ReadOptions, Source, discover

__all__ = ["BUG", "ReadOptions", "Reading", "Source", "discover", "fingerprint", "read", "readers"]


Give = Callable[[Source, ReadOptions, Notes], Generator[Response | Reject]]


class Reading:
    """The records of one file: iterate once, then look at what was noted on the way.

    Parameters
    ----------
    source : Source
        The file.
    options : ReadOptions
        What the user named.
    give : callable
        Gives the records and keeps the notes.

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

    def __init__(self, source: Source, options: ReadOptions, give: Give) -> None:
        self.source = source
        self._options = options
        self._give = give
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

    def __iter__(self) -> Generator[Response | Reject]:
        """Give the records; what a parser cannot bear becomes a reject.

        Raises
        ------
        InputRefused
            If it is not certain which column holds the answers, or an option does not fit the file.
        """
        return self._give(self.source, self._options, self._notes)


def read(source: Source, options: ReadOptions | None = None, *, apart: bool = False) -> Reading:
    r"""Prepare to read one file.

    Parameters
    ----------
    source : Source
        From `discover`.
    options : ReadOptions, optional
        Which columns, encoding, sheet; found by themselves where not named.
    apart : bool, default False
        Whether to read in another process, which can be killed: a parser that hangs or crashes costs this file only.

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
    return Reading(source, options or ReadOptions(), read_apart if apart else read_here)
