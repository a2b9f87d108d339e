"""`--redact`: records are de-identified as they are read, before anything is written, handed on or counted.

One `Deidentifier` goes through the records of a run in their order, in the one process that reads: a value has the same
number in the whole run, whatever the number of workers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from pipeline.fields import answer, cell, is_generic, names_in, personal_columns, place
from pipeline.normalise import normalise
from pipeline.read import Source
from pipeline.records import Record, Reject, Response
from pipeline.redact import Redactor, Shift, neutral

SPEAKER = "受访者"
AHEAD = 1000
"""Records that are looked at together for the speakers' names: a name is known before its bearer has spoken."""


class Deidentifier:
    """Replaces personal data in everything that a record holds.

    Examples
    --------
    >>> hide = Deidentifier()
    >>> hide.respondent("访谈.txt·王小明", "访谈.txt"), hide.respondent("访谈.txt·受访者A", "访谈.txt")
    ('访谈.txt·[受访者1]', '访谈.txt·受访者A')
    >>> hide.cells({"姓名": "张伟", "单位": "一科"})
    {'姓名': '[姓名1]', '单位': '一科'}
    """

    def __init__(self) -> None:
        self._redact = Redactor()
        self._files: dict[str, str] = {}

    def text(self, text: str, known: Iterable[str] = ()) -> tuple[str, list[Shift]]:
        """Return a text without personal data, and what was replaced."""
        return self._redact.spans(text, known)

    def place(self, name: str) -> str:
        """Return a file's or sheet's name, or a place within a file."""
        return self._redact.replaced(name, place(name))[0]

    def cells(self, meta: Mapping[str, str], known: Iterable[str] = ()) -> dict[str, str]:
        """Return a row's cells, each redacted as its heading tells."""
        return {name: self._redact.replaced(value, cell(name, value, known))[0] for name, value in meta.items()}

    def notes(self, notes: Mapping[str, Any]) -> dict[str, Any]:
        """Return what was noted while a file was read: its sheets' names, and the warnings."""
        sheets = {self.place(name): count for name, count in notes["containers"].items()}
        return {"containers": sheets, "warnings": [self.text(sentence)[0] for sentence in notes["warnings"]]}

    def number(self, number: str) -> str:
        """Return a row's own number: an ID-card number is no number to show."""
        return self._redact.replaced(number, cell("编号", number))[0]

    def respondent(self, respondent: str, file: str, shown_file: str = "") -> str:
        """Return a respondent's label: a number for whoever may be known by it.

        Parameters
        ----------
        respondent, file : str
            As read.
        shown_file : str
            What the file is called in the result, where that is another name.
        """
        shown_file = shown_file or file
        if respondent == file:
            return shown_file
        for mark in "·:":
            if respondent.startswith(file + mark):
                return shown_file + mark + self._label(respondent[len(file) + 1 :], running=mark == ":")
        return self._label(respondent)

    def _label(self, label: str, *, running: bool = False) -> str:
        if is_generic(label):
            return label
        if running:
            return self.number(label)
        return self._redact.placeholder(SPEAKER, label)

    def record(self, record: Record, known: Sequence[str] = ()) -> Record:
        """Return a record without personal data.

        Parameters
        ----------
        record : Response or Reject
            As read.
        known : sequence of str
            The names of those who speak in the same file.
        """
        if isinstance(record, Reject):
            return self._reject(record, known)
        own = [*known, *own_names(record), *answer(record.text)]
        text, _ = self.text(record.text, own)
        return replace(
            record,
            text=text,
            normal=normalise(neutral(text)),
            location=self.place(record.location),
            response=self.number(record.response),
            respondent=self.respondent(record.respondent, record.file),
            question=self.text(record.question, own)[0],
            section=self.text(record.section, own)[0],
            meta=self.cells(record.meta, own),
        )

    def _reject(self, reject: Reject, known: Sequence[str]) -> Reject:
        """Return a reject without its snippet, which may be a row's cells, cut anywhere."""
        message = reject.message.replace(reject.snippet, "……") if reject.snippet else reject.message
        return replace(reject, location=self.place(reject.location), message=self.text(message, known)[0], snippet="")

    def records(self, records: Iterable[Record]) -> Iterator[Record]:
        """Give the records of a file without personal data."""
        coming = iter(records)
        known: set[str] = set()
        while batch := list(islice(coming, AHEAD)):
            known.update(name for record in batch for name in speakers(record))
            names = sorted(known)
            yield from (self.record(record, names) for record in batch)

    def sources(self, sources: Iterable[Source]) -> list[Source]:
        """Return the inputs under names that tell nobody's name."""
        return [replace(source, name=self.file(source.name)) for source in sources]

    def refused(self, rejects: Iterable[Reject]) -> list[Reject]:
        """Return files that are not read, under such names."""
        shown = ((reject, self.file(reject.file)) for reject in rejects)
        return [replace(one, file=name, message=one.message.replace(one.file, name), snippet="") for one, name in shown]

    def file(self, name: str) -> str:
        """Return what a file is called: different files have different names."""
        if name not in self._files:
            hidden, number = self.place(name), 1
            shown = hidden
            while shown in self._files.values():
                number += 1
                shown = f"{hidden}（{number}）"
            self._files[name] = shown
        return self._files[name]


def own_names(response: Response) -> list[str]:
    """Return the names that a row's own columns give, and its respondent's."""
    cells = [response.meta[name] for name in personal_columns(response.meta)]
    return names_in([*cells, response.respondent])


def speakers(record: Record) -> list[str]:
    """Return the name of who speaks in a transcript, if the label is a name."""
    if isinstance(record, Reject):
        return names_in([record.snippet])
    label = record.respondent.removeprefix(f"{record.file}·")
    return names_in([label]) if label != record.respondent else []
