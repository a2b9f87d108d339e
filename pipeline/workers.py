"""Worker processes: each builds its coder once; results come in order, whatever the number of workers.

A worker that dies (out of memory, a library that aborts) takes the pool of its siblings with it; a task that was under
way is tried once more, alone in a pool of its own: the one that kills its worker is known and costs nothing else.
"""

from __future__ import annotations

import signal
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from typing import Any, Generic, TypeVar

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
        for task, future in waiting:
            yield pool.result(task, future)
    finally:
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
        self._workers.shutdown(kill_workers=True)

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
            workers.shutdown(kill_workers=True)


def _start(make: Make, jobs: int) -> Any:
    from joblib.externals.loky import ProcessPoolExecutor

    return ProcessPoolExecutor(jobs, initializer=_begin, initargs=(make,), env=_ONE_THREAD)


_coder: UnitCoder


def _begin(make: Make) -> None:
    """Build this worker's coder; Ctrl-C is for the parent to handle."""
    global _coder
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _coder = make()


def _do(work: Work[Task, Result], task: Task) -> Result:
    return work(task, _coder)
