"""Codes on a Spark cluster: the readers read here, executors code chunks, their parts come back and are stored here.

A chunk is what it is on one machine, and a part's bytes are made by the same function, so the run folder is the same.
Spark retries what an executor's death has cost; a group of chunks that fails all its retries is tried chunk by chunk,
so that the one to blame is known. Executors need the same release of qunyan and its libraries as this machine.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import sys
import tempfile
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import astuple, dataclass, fields, replace
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from pipeline.coder import CoderSpec, build
from pipeline.errors import EnvironmentFault, InputRefused
from pipeline.records import Record, Reject, Response, UnitCoder
from pipeline.run import Chunk, Coded, Engine, code_chunk, crashed, cut_up, packed, unit_table, write_part

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_AHEAD = 2
"""Groups of chunks under way: the next ones start while the last of a group is still coded."""

_SENT = "at int, unit string, records binary"
_CODED = pa.schema(
    [
        ("at", pa.int32()),
        ("coder", pa.string()),
        ("classified", pa.int32()),
        ("units", pa.int32()),
        ("rejects", pa.binary()),
        ("part", pa.binary()),
    ]
)
_RETURNED = "at int, coder string, classified int, units int, rejects binary, part binary"

_OTHER = "执行器上的 qunyan 或它的词表、模型与本机不同：请装上相同的版本，再运行同一条命令。"


@dataclass(frozen=True, slots=True)
class _Group:
    """Chunks that are coded at a time: those whose part is there already are not sent."""

    chunks: list[Chunk]
    sent: list[Chunk]
    rows: Future[list[Any]]


@dataclass(frozen=True, slots=True)
class Cluster:
    """An open Spark session, and what is kept on this machine as long as it is open."""

    session: SparkSession
    kept: ExitStack

    def fetch(self, inputs: Sequence[str | Path]) -> list[str | Path]:
        """Copy what lies on the cluster's storage (hdfs://, s3a:// …) to this machine, for as long as it is needed.

        Parameters
        ----------
        inputs : sequence of str or Path
            As the user gave them; only those with an address are copied.

        Raises
        ------
        InputRefused
            If an address has no file.
        """
        return [self._fetched(one) if "://" in str(one) else one for one in inputs]

    def _folder(self) -> Path:
        return Path(self.kept.enter_context(tempfile.TemporaryDirectory(prefix="qunyan-")))

    def _fetched(self, address: str | Path) -> Path:
        folder = self._folder()
        hadoop: Any = self.session._jvm.org.apache.hadoop.fs
        path = hadoop.Path(str(address))
        with _told(f"读不了 {address}"):
            system = path.getFileSystem(self.session._jsc.hadoopConfiguration())
            for found in system.globStatus(path) or ():
                system.copyToLocalFile(False, found.getPath(), hadoop.Path(str(folder)), True)
        copies = list(folder.iterdir())
        if not copies:
            raise InputRefused(f"{address} 上没有文件：请检查地址。")
        return copies[0] if len(copies) == 1 else folder

    def engine(self, spec: CoderSpec, coder: UnitCoder) -> Engine:
        """Return the engine that codes on this cluster.

        Parameters
        ----------
        spec : CoderSpec
            Describes the coder; its files go to every executor once.
        coder : UnitCoder
            The same coder, built here: the executors' must be equal.

        Raises
        ------
        EnvironmentFault
            If the executors cannot build the coder, or build another one.
        """
        code = partial(code_sent, spec=self._shipped(spec))
        with _told("执行器上无法编码：每个执行器都要有与本机相同版本的 qunyan（见 docs/大规模运行.md）"):
            rows = self._sent([("sentence", b"[]")] * self.width).mapInArrow(code, _RETURNED).collect()
        if {row.coder for row in rows} != {coder.fingerprint}:
            raise EnvironmentFault(_OTHER)
        return partial(spread, self, code, coder)

    @property
    def width(self) -> int:
        """How many chunks the cluster codes at a time."""
        return max(int(self.session.sparkContext.defaultParallelism), 1)

    def _shipped(self, spec: CoderSpec) -> CoderSpec:
        """Send the coder's own files to the executors; return the spec with their names there."""
        names: dict[str, Path] = {}
        folder = self._folder()  # executors fetch the files when they first need them
        for field in fields(spec):
            if given := getattr(spec, field.name):
                copy = folder / f"qunyan_{field.name}{given.suffix}"
                (shutil.copytree if given.is_dir() else shutil.copyfile)(given, copy)
                self.session.sparkContext.addFile(str(copy), recursive=copy.is_dir())
                names[field.name] = Path(copy.name)
        return replace(spec, **names)

    def _sent(self, work: Sequence[tuple[str, bytes]]) -> DataFrame:
        rows = [(at, unit, bytearray(records)) for at, (unit, records) in enumerate(work)]
        return self.session.createDataFrame(rows, _SENT)  # not more rows than partitions: a task each

    def code(self, code: Any, chunks: Sequence[Chunk]) -> list[Any]:
        """Code chunks, a task each; return a row each, in order."""
        if not chunks:
            return []
        work = [(chunk.unit, _written(chunk.records)) for chunk in chunks]
        return sorted(self._sent(work).mapInArrow(code, _RETURNED).collect(), key=lambda row: row.at)

    def check(self) -> None:
        """Raise `EnvironmentFault` if the cluster is gone."""
        if self.session._jsc.sc().isStopped():
            raise EnvironmentFault("与 Spark 集群的连接断了：请检查集群。再运行同一条命令会接着做。")


@contextmanager
def cluster(master: str | None) -> Iterator[Cluster]:
    """Open a Spark session, or take the one that is open.

    Parameters
    ----------
    master : str or None
        Spark's master; what spark-submit or the configuration says when not given.

    Raises
    ------
    EnvironmentFault
        If pyspark or Java is missing, or the cluster cannot be reached.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise EnvironmentFault("在 Spark 上运行要先安装：pip install 'qunyan[spark]'（还需要 Java 17）。") from error
    if (master or "local").startswith("local"):
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    opened = SparkSession.getActiveSession()
    builder = SparkSession.builder.appName("qunyan").config("spark.ui.showConsoleProgress", "false")
    with _told("连不上 Spark：请检查 --scheduler 的地址，并确认装了 Java 17"):
        session = (builder.master(master) if master else builder).getOrCreate()
    with ExitStack() as kept:
        if opened is None:
            kept.callback(session.stop)
        yield Cluster(session, kept)


@contextmanager
def _told(sentence: str) -> Iterator[None]:
    """Turn what Spark complains of into a sentence."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (PySparkException, Py4JError) as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        cause = next((line for line in reversed(lines) if "Error" in line and not line.startswith("at ")), "")
        raise EnvironmentFault(f"{sentence}。Spark 报告：{(cause or ' '.join(lines[:1]))[:300]}") from error


def spread(cluster: Cluster, code: Any, coder: UnitCoder, chunks: Iterable[Chunk]) -> Generator[tuple[Chunk, Coded]]:
    """Code chunks on a cluster, group by group.

    Parameters
    ----------
    cluster : Cluster
        Where.
    code : callable
        What executors do with what is sent: `code_sent` with the coder's spec.
    coder : UnitCoder
        The same coder here.
    chunks : iterable of Chunk
        Taken only as fast as they are coded.

    Yields
    ------
    chunk, coded
        In the order of the chunks, when the part is stored.
    """
    waiting: deque[_Group] = deque()
    chunks = iter(chunks)
    with ThreadPoolExecutor(_AHEAD) as threads:
        try:
            while group := list(itertools.islice(chunks, cluster.width)):
                new = [chunk for chunk in group if not chunk.part.exists()]
                waiting.append(_Group(group, new, threads.submit(cluster.code, code, new)))
                if len(waiting) > _AHEAD:
                    yield from _stored(cluster, code, coder, waiting.popleft())
            while waiting:
                yield from _stored(cluster, code, coder, waiting.popleft())
        finally:
            if waiting:
                cluster.session.sparkContext.cancelAllJobs()


def _stored(cluster: Cluster, code: Any, coder: UnitCoder, group: _Group) -> Iterator[tuple[Chunk, Coded]]:
    """Store the parts of a group when they come; give its chunks in order."""
    rows = dict(zip((chunk.part for chunk in group.sent), _rows(cluster, code, group), strict=True))
    for chunk in group.chunks:
        if chunk.part not in rows:
            yield chunk, code_chunk(chunk, coder)  # its part is there: nothing is coded
        elif row := rows[chunk.part]:
            yield chunk, _store(row, chunk, coder)
        else:
            yield chunk, crashed(chunk)


def _store(row: Any, chunk: Chunk, coder: UnitCoder) -> Coded:
    if row.coder != coder.fingerprint:
        raise EnvironmentFault(_OTHER)
    if row.units:
        write_part(bytes(row.part), chunk.part)
    rejects = [Reject(*values) for values in json.loads(bytes(row.rejects))]
    return Coded(row.classified, row.units, rejects)


def _rows(cluster: Cluster, code: Any, group: _Group) -> list[Any]:
    """Return a row a chunk; None for one that no executor survives."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        return group.rows.result()
    except (PySparkException, Py4JError):
        cluster.check()
    rows: list[Any] = []
    for chunk in group.sent:
        try:
            rows += cluster.code(code, [chunk])
        except (PySparkException, Py4JError):
            cluster.check()
            rows.append(None)
    return rows


# On the executors


def code_sent(batches: Iterable[pa.RecordBatch], spec: CoderSpec) -> Iterator[pa.RecordBatch]:
    """Code the chunks that were sent, for `DataFrame.mapInArrow`.

    Parameters
    ----------
    batches : iterable of pyarrow.RecordBatch
        `at, unit, records`: a row a chunk.
    spec : CoderSpec
        Its files under their names among Spark's.

    Yields
    ------
    pyarrow.RecordBatch
        For each chunk: its place, the coder's fingerprint, what became of the records, the bytes of its part.
    """
    coder = _coder(spec)
    for batch in batches:
        for row in batch.to_pylist():
            coded, responses = cut_up(_read(row["records"]), row["unit"])
            part = packed(unit_table(responses, coder)) if responses else b""
            rejects = json.dumps([astuple(reject) for reject in coded.rejects]).encode()
            values = (row["at"], coder.fingerprint, coded.classified, coded.units, rejects, part)
            yield pa.RecordBatch.from_arrays(
                [pa.array([value], kind) for value, kind in zip(values, _CODED.types, strict=True)], schema=_CODED
            )


@cache
def _coder(spec: CoderSpec) -> UnitCoder:
    """Build this worker's coder, once: Spark keeps its workers."""
    from pyspark import SparkFiles

    given = {field.name: getattr(spec, field.name) for field in fields(spec)}
    return build(CoderSpec(**{name: path and Path(SparkFiles.get(str(path))) for name, path in given.items()}))


def _written(records: Sequence[Record]) -> bytes:
    """Return records as JSON: for each whether it is a response, and its values in order."""
    return json.dumps([[isinstance(record, Response), *_values(record)] for record in records]).encode()


def _values(record: Record) -> list[Any]:
    return [getattr(record, field.name) for field in fields(record)]


def _read(data: bytes) -> list[Record]:
    return [(Response if heard else Reject)(*values) for heard, *values in json.loads(data)]
