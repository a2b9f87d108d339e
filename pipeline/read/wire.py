"""What crosses between the command and the process that reads: lines of JSON, so that nothing that comes back can run."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ..records import Reject, Response
from .source import Notes, ReadOptions, Source

MORE, STOP = b"more\n", b"stop\n"

_RESPONSE = tuple(Response.__slots__)
_REJECT = tuple(Reject.__slots__)
_NOTES = tuple(Notes.__slots__)


def request(source: Source, options: ReadOptions) -> bytes:
    """Return the line that asks for a file."""
    return _line({"path": str(source.path.absolute()), "name": source.name, "options": asdict(options)})


def requested(line: bytes) -> tuple[Source, ReadOptions]:
    r"""Return what a line asks for.

    Examples
    --------
    >>> asked = Source(Path("/a\udcff.csv"), "a.csv"), ReadOptions(text=("意见",))
    >>> requested(request(*asked)) == asked
    True
    """
    asked = _value(line)
    options: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in asked["options"].items()
    }
    return Source(Path(asked["path"]), asked["name"]), ReadOptions(**options)


def answer(records: Sequence[Response | Reject], notes: Notes, *, end: bool = False, refused: str = "") -> bytes:
    """Return the line with some records and the notes so far; the last one says so, or why the input is refused."""
    rows = [
        [getattr(record, name) for name in (_RESPONSE if isinstance(record, Response) else _REJECT)]
        for record in records
    ]
    return _line(
        {"records": rows, "notes": {name: getattr(notes, name) for name in _NOTES}, "end": end, "refused": refused}
    )


def answered(line: bytes, notes: Notes) -> tuple[list[Response | Reject], bool, str]:
    r"""Take an answer: its records, whether it is the last, and why the input is refused; the notes are brought up to date.

    Examples
    --------
    >>> records = [Reject("a.txt", "全文", "empty", "是空文件")]
    >>> answered(answer(records, Notes(encoding="utf-8"), end=True), Notes()) == (records, True, "")
    True
    """
    value = _value(line)
    for name, noted in value["notes"].items():
        setattr(notes, name, Counter(noted) if name == "containers" else noted)
    records = [(Response if len(row) == len(_RESPONSE) else Reject)(*row) for row in value["records"]]
    return records, value["end"], value["refused"]


def _line(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass") + b"\n"


def _value(line: bytes) -> Any:
    return json.loads(line.decode("utf-8", "surrogatepass"))
