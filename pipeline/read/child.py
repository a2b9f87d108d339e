"""The process that reads: files are asked for on its standard input, records go out on its standard output.

It may be killed at any time; it ends when the process that asks is gone. Its memory is bounded where the system can.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import closing, suppress
from typing import BinaryIO

from ..errors import InputRefused
from ..records import Record, Response
from .here import read_here
from .source import Notes
from .wire import MORE, STOP, answer, requested

MEMORY = 8 << 30
"""Bytes of memory that reading may take, and never more than half of the machine's."""

_RECORDS = 1000
_CHARACTERS = 500_000
"""An answer holds about so much: what is coded at a time, so that the next is read meanwhile."""


def serve() -> None:
    """Answer until nobody asks any more."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to handle
    threading.Thread(target=_end_with, args=(os.getppid(),), daemon=True).start()
    _bound_memory()
    asks, out = sys.stdin.buffer, _own_output()
    for line in asks:
        if line != STOP:
            _read(line, asks, out)


def _read(line: bytes, asks: BinaryIO, out: BinaryIO) -> None:
    """Give the records of one file, answer by answer, as long as more are asked for."""
    source, options = requested(line)
    notes = Notes()
    refused = ""
    with closing(read_here(source, options, notes)) as records:
        try:
            for batch in _batches(records):
                _send(out, answer(batch, notes))
                if asks.readline() != MORE:
                    break
        except InputRefused as refusal:
            refused = str(refusal)
    _send(out, answer([], notes, end=True, refused=refused))


def _batches(records: Iterable[Record]) -> Iterator[list[Record]]:
    batch: list[Record] = []
    characters = 0
    for record in records:
        batch.append(record)
        characters += len(record.text) if isinstance(record, Response) else 0
        if len(batch) == _RECORDS or characters >= _CHARACTERS:
            yield batch
            batch, characters = [], 0
    if batch:
        yield batch


def _send(out: BinaryIO, line: bytes) -> None:
    out.write(line)
    out.flush()


def _end_with(parent: int) -> None:
    """End when the parent was killed, in the midst of a file too."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _own_output() -> BinaryIO:
    """Keep the way to the parent for answers: what a library prints goes nowhere."""
    out = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return out


def _bound_memory() -> None:
    """Bound the memory of this process, where the system has such a bound; leave no core file of people's words."""
    with suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        installed = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        resource.setrlimit(resource.RLIMIT_AS, (min(MEMORY, installed // 2),) * 2)
