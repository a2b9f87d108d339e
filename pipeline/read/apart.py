"""Reads files in a process of its own that can be killed: a parser that hangs, crashes or eats memory costs one file.

The process is started once and reads one file after the other; after a crash another one is started. All formats go
through it, the plain ones too: one way for all, and an expression that some text keeps busy for hours is stopped as well.
It reads ahead while the caller codes, so that it costs no more time than reading here.
"""

from __future__ import annotations

import atexit
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress

from ..errors import EnvironmentFault, InputRefused
from ..records import Record, Reject
from .here import read_here, rejected
from .source import STDIN, Notes, ReadOptions, Source
from .wire import MORE, STOP, answered, request

SECONDS = 120.0
"""The longest that the caller waits for a file, and `SECONDS_PER_MB` more for every million bytes.

A million rows are read in less than a minute; a busy machine may take several times as long.
"""

SECONDS_PER_MB = 10.0

_START = "import sys, json; sys.path[:] = json.loads(sys.argv[1]); from pipeline.read.child import serve; serve()"
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class _Process:
    """A reading process."""

    def __init__(self) -> None:
        quiet = None if os.environ.get("QUNYAN_DEBUG") else subprocess.DEVNULL
        command = [sys.executable, "-P", "-c", _START, json.dumps(sys.path)]
        try:
            self._process = subprocess.Popen(  # noqa: S603 -- our own code in our own interpreter
                command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=quiet, env=os.environ | _ONE_THREAD
            )
        except OSError as error:
            raise EnvironmentFault(f"不能启动读文件的进程（{error.strerror}）：请关掉一些程序后再运行。") from error

    def ask(self, line: bytes) -> None:
        """Send a line; that the process is gone shows when its answer is waited for."""
        if self._process.stdin:
            with suppress(OSError):
                self._process.stdin.write(line)
                self._process.stdin.flush()

    def answer(self, seconds: float) -> bytes:
        """Wait for an answer; empty if the process has ended, or is killed because the time is up."""
        late = threading.Timer(seconds, self._process.kill)
        late.daemon = True
        late.start()
        try:
            line = self._process.stdout.readline() if self._process.stdout else b""
        finally:
            late.cancel()
        return line if line.endswith(b"\n") else b""

    @property
    def lives(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    def kill(self) -> None:
        """End it, whatever it is doing."""
        self._process.kill()
        with suppress(OSError):
            self._process.communicate()


_idle: list[_Process] = []
"""Processes that wait for a file: a reading takes one, and gives it back."""


@contextmanager
def readers() -> Iterator[None]:
    """Start a reading process, which loads its libraries while the caller goes on; end those that idle at the end."""
    if not _idle:
        _idle.append(_Process())
    try:
        yield
    finally:
        _end()


@atexit.register
def _end() -> None:
    while _idle:
        _idle.pop().kill()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_idle.clear)  # the processes belong to whoever started them


def read_apart(source: Source, options: ReadOptions, notes: Notes) -> Generator[Record]:
    """Give the records of a file as `read_here` does, read in another process; standard input is read here.

    Where the process hangs or ends, what it has given stands, and a reject follows: `timeout` or `crashed`.
    """
    if source.path == STDIN:
        yield from read_here(source, options, notes)
        return
    process = _taken()
    left = SECONDS + SECONDS_PER_MB * _megabytes(source)
    given, open_ = 0, True
    process.ask(request(source, options))
    try:
        while open_:
            began = time.monotonic()
            line = process.answer(left)
            left -= time.monotonic() - began
            if not line:
                yield _lost(source, given, late=left <= 0)
                return
            records, end, refused = answered(line, notes)
            open_ = not end
            if refused:
                raise InputRefused(refused)
            if open_:
                process.ask(MORE)
            given += len(records)
            yield from records
    finally:
        _give_back(process, left, open_)


def _taken() -> _Process:
    while _idle:
        process = _idle.pop()
        if process.lives:
            return process
    return _Process()


def _give_back(process: _Process, left: float, open_: bool) -> None:
    """Keep a process for the next file, when it has left this one; end it if it does not."""
    if open_:
        process.ask(STOP)
    while open_ and (line := process.answer(left)):
        open_ = not answered(line, Notes())[1]
    if open_ or left <= 0:
        process.kill()
    else:
        _idle.append(process)


def _megabytes(source: Source) -> float:
    try:
        return source.path.stat().st_size / 1e6
    except OSError:
        return 0.0


def _lost(source: Source, given: int, *, late: bool) -> Reject:
    after = f"从第{given}条之后" if given else ""
    cure = "文件可能已损坏或太大，请用原来的软件打开后另存，或拆成几个文件。"
    if late:
        return rejected(source, "timeout", f"{source.name} {after}读得太久，已停止读取：{cure}", given)
    return rejected(source, "crashed", f"{source.name} {after}读不下去，读取它的程序崩溃了：{cure}", given)
