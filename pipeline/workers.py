"""Worker processes: each builds its coder once; results come in order, whatever the number of workers.

A worker that dies (out of memory, a library that aborts) takes the pool of its siblings with it; a task that was under
way is tried once more, alone in a pool of its own: the one that kills its worker is known and costs nothing else.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

from pipeline.errors import EnvironmentFault
from pipeline.records import UnitCoder

Make = Callable[[], UnitCoder]
"""Builds the coder; picklable, where it goes to other processes."""

Task = TypeVar("Task")
Result = TypeVar("Result")
Work = Callable[[Task, UnitCoder], Result]

_AHEAD = 3
"""Tasks in hand for each worker: none waits, and memory stays flat."""

_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
"""A worker a core: no threads of its own beside them."""


def spread(
    work: Work[Task, Result], tasks: Iterable[Task], make: Make, jobs: int, crashed: Callable[[Task], Result]
) -> Generator[tuple[Task, Result]]:
    """Do the tasks in this process (`jobs` 1) or in worker processes.

    Parameters
    ----------
    work : callable
        A module's function of a task and a coder.
    tasks : iterable
        Taken only as fast as they are done.
    make : callable
        Builds the coder, once in every worker.
    jobs : int
        Number of worker processes.
    crashed : callable
        The result of a task whose worker died twice.

    Yields
    ------
    task, result
        In the order of the tasks.
    """
    if jobs == 1:
        coder = make()
        for task in tasks:
            yield task, work(task, coder)
        return
    waiting: deque[tuple[Task, Future[Result]]] = deque()
    pool = _Pool(work, make, jobs, crashed)
    try:
        for task in tasks:
            waiting.append((task, pool.submit(task)))
            if len(waiting) >= _AHEAD * jobs:
                yield pool.result(*waiting.popleft())
        while waiting:
            yield pool.result(*waiting.popleft())
    finally:
        for _, future in waiting:
            future.cancel()
        pool.stop()


class _Pool(Generic[Task, Result]):
    def __init__(self, work: Work[Task, Result], make: Make, jobs: int, crashed: Callable[[Task], Result]) -> None:
        self._work, self._make, self._jobs, self._crashed = work, make, jobs, crashed
        self._workers = _start(make, jobs)

    def submit(self, task: Task) -> Future[Result]:
        from joblib.externals.loky import BrokenProcessPool

        try:
            return self._send(self._workers, task)
        except BrokenProcessPool:
            self._workers = _start(self._make, self._jobs)
            return self._send(self._workers, task)

    def result(self, task: Task, future: Future[Result]) -> tuple[Task, Result]:
        from joblib.externals.loky import BrokenProcessPool

        try:
            return task, future.result()
        except BrokenProcessPool:
            return task, self._alone(task)

    def stop(self) -> None:
        self._workers.shutdown()  # when the tasks at hand are done: killing workers races with loky's own thread

    def _send(self, workers: Any, task: Task) -> Future[Result]:
        future: Future[Result] = workers.submit(_do, self._work, task)
        return future

    def _alone(self, task: Task) -> Result:
        from joblib.externals.loky import BrokenProcessPool

        workers = _start(self._make, 1)
        try:
            return self._send(workers, task).result()
        except BrokenProcessPool:
            return self._crashed(task)
        finally:
            workers.shutdown()


def apart(work: Callable[..., Result], *arguments: Any) -> Result:
    """Do work in a process of its own: the memory that it takes ends with it.

    Parameters
    ----------
    work : callable
        A module's function.
    *arguments
        Picklable, as its result is; what it raises is raised here.

    Raises
    ------
    EnvironmentFault
        If the process dies.
    """
    from joblib.externals.loky import BrokenProcessPool, ProcessPoolExecutor

    workers = ProcessPoolExecutor(1, initializer=_serve, initargs=(os.getpid(),))
    try:
        result: Result = workers.submit(work, *arguments).result()
    except BrokenProcessPool:
        raise EnvironmentFault("制表的进程意外中止（可能是内存不足）：请关掉别的程序，再运行同一条命令。") from None
    finally:
        workers.shutdown()
    return result


def _start(make: Make, jobs: int) -> Any:
    from joblib.externals.loky import ProcessPoolExecutor

    return ProcessPoolExecutor(jobs, initializer=_begin, initargs=(make, os.getpid()), env=_ONE_THREAD)


_coder: UnitCoder


def _begin(make: Make, parent: int) -> None:
    """Build this worker's coder."""
    global _coder
    _serve(parent)
    _coder = make()


def _serve(parent: int) -> None:
    """End when the parent ends; Ctrl-C is for the parent to handle."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """End this worker when its parent was killed: it would wait for work for ever."""
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _do(work: Work[Task, Result], task: Task) -> Result:
    return work(task, _coder)
