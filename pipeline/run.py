"""The coding step: responses in, coded units out, as Parquet parts that any number of workers can write.

A file is cut into chunks of a fixed number of responses, whatever the number of workers; a chunk becomes one part,
named by its content, that appears whole or not at all. A part that is there already is not coded again: a stopped run
goes on.

Which metadata columns there are is only known when the last record has been read (a JSON line may bring a new one), so
`align` completes the parts' columns at the end; then pandas, DuckDB and Spark read them as one table without an option.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.deidentify import Deidentifier
from pipeline.folder import whole_file
from pipeline.read import ReadOptions, Source, read
from pipeline.records import CODING_SCHEMA, UNIT_SCHEMA, Record, Reject, Response, UnitCoder
from pipeline.redact import stood_in
from pipeline.split import Span, split, whole
from pipeline.tables import defused
from pipeline.workers import Make, spread

CHUNK_RESPONSES = 1000
"""A tenth of a second's to a second's work: long against the cost of handing it over, short enough to share out."""

CHUNK_CHARACTERS = 500_000
"""Bounds a chunk of very long responses; 1,000 citizens' messages have 300,000."""

REJECT_COLUMNS = ("file", "location", "reason", "message", "snippet")

_NOTHING: dict[str, Any] = {"encoding": "", "containers": {}, "columns": {}, "warnings": []}
_CUTS: dict[str, Callable[[str], list[Span]]] = {"sentence": split, "response": whole}
UNITS = tuple(_CUTS)


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some records of one file, in order, and the part that they become."""

    file: str
    part: Path
    unit: str
    records: list[Record]


@dataclass(frozen=True, slots=True)
class Coded:
    """What became of a chunk: responses classified, their units, and the records that were not."""

    classified: int
    units: int
    rejects: list[Reject]


Engine = Callable[[Iterable[Chunk]], Generator[tuple[Chunk, Coded]]]
"""Codes chunks and writes their parts, anywhere; gives them back in their order."""


def local(make: Make, jobs: int) -> Engine:
    """Return the engine that codes in this process (`jobs` 1) or in so many worker processes.

    Parameters
    ----------
    make : callable
        Builds the coder.
    jobs : int
        Worker processes; the result is the same for any number.
    """
    return partial(spread, code_chunk, make=make, jobs=jobs, crashed=crashed)


@dataclass(slots=True)
class Account:
    """What became of one file: read = classified + rejected."""

    read: int = 0
    classified: int = 0
    rejected: int = 0
    units: int = 0
    notes: dict[str, Any] = field(default_factory=dict)

    def enter(self, coded: Coded) -> None:
        """Enter a chunk."""
        self.classified += coded.classified
        self.rejected += sum(reject.records for reject in coded.rejects)
        self.units += coded.units

    def closed(self) -> dict[str, Any]:
        """Return the account for the manifest; that no record is lost is checked here."""
        if self.read != self.classified + self.rejected:
            raise AssertionError(f"read {self.read}, but classified {self.classified} and rejected {self.rejected}")
        counts = {"read": self.read, "classified": self.classified, "rejected": self.rejected, "units": self.units}
        return self.notes | counts


@dataclass(frozen=True, slots=True)
class Task:
    """The coding of all files of a run."""

    sources: Sequence[Source]
    options: ReadOptions
    unit: str
    out: Path
    key: str
    """The run's key: the parts' names depend on it."""
    hide: Deidentifier | None = None
    """Takes the personal data out of what is read, where that is wanted."""


def code_files(
    task: Task, refused: Sequence[Reject], engine: Engine, report: Callable[[str, int], None]
) -> dict[str, dict[str, Any]]:
    """Read and code all files of a run: its parts in `units/`, what was not classified in `rejects.csv`.

    Parameters
    ----------
    task : Task
        What to code, and into which folder.
    refused : sequence of Reject
        Files that were found but are not read.
    engine : callable
        What codes the chunks: `local(…)`, or a cluster.
    report : callable
        Told the file at work and the number of units so far.

    Returns
    -------
    dict
        For each file `encoding`, `containers`, `columns`, `warnings`, `read`, `classified`, `rejected`, `units`.
    """
    accounts: dict[str, Account] = {}
    parts = []
    units = 0
    with whole_file(task.out / "rejects.csv") as path, path.open("w", encoding="utf-8-sig", newline="") as file:
        sheet = csv.writer(file)
        sheet.writerow(REJECT_COLUMNS)
        for reject in refused:
            account = accounts.setdefault(reject.file, Account(notes=dict(_NOTHING)))
            account.read += reject.records
            account.enter(Coded(0, 0, [reject]))
            sheet.writerow(_cells(reject))
        with closing(engine(_all_chunks(task, accounts))) as coded_chunks:
            for chunk, coded in coded_chunks:
                accounts[chunk.file].enter(coded)
                parts += [chunk.part] if coded.units else []
                units += coded.units
                sheet.writerows(map(_cells, coded.rejects))
                report(chunk.file, units)
    align(task.out / "units", parts)
    return {name: account.closed() for name, account in accounts.items()}


def _all_chunks(task: Task, accounts: dict[str, Account]) -> Iterator[Chunk]:
    for number, source in enumerate(task.sources, 1):
        reading = read(source, task.options, apart=True)
        account = accounts.setdefault(source.name, Account())
        stem = task.out / "units" / f"part-{number:05d}"
        records = task.hide.records(reading) if task.hide else reading
        yield from chunks(source.name, _counted(records, account), stem, unit=task.unit, salt=task.key)
        account.notes = {name: getattr(reading, name) for name in _NOTHING}
        if task.hide:
            account.notes |= task.hide.notes(account.notes)


def _counted(records: Iterable[Record], account: Account) -> Iterator[Record]:
    for record in records:
        account.read += record.records if isinstance(record, Reject) else 1
        yield record


def _cells(reject: Reject) -> list[str]:
    return [defused(getattr(reject, name)) for name in REJECT_COLUMNS]


def chunks(file: str, records: Iterable[Record], stem: Path, *, unit: str, salt: str) -> Iterator[Chunk]:
    """Cut the records of a file into chunks.

    Parameters
    ----------
    file : str
        The input's name.
    records : iterable of Response or Reject
        As read, in order.
    stem : Path
        The beginning of the parts' path; number and content hash are appended.
    unit : {"sentence", "response"}
        What is coded.
    salt : str
        What else the parts' content depends on: the run's key.
    """
    batch: list[Record] = []
    characters = number = 0
    for record in records:
        batch.append(record)
        characters += len(record.text) if isinstance(record, Response) else 0
        if len(batch) == CHUNK_RESPONSES or characters >= CHUNK_CHARACTERS:
            yield Chunk(file, _part(stem, number, batch, salt), unit, batch)
            batch, characters, number = [], 0, number + 1
    if batch:
        yield Chunk(file, _part(stem, number, batch, salt), unit, batch)


def _part(stem: Path, number: int, batch: Sequence[Record], salt: str) -> Path:
    digest = hashlib.sha256(salt.encode())
    for record in batch:
        digest.update(repr(record).encode("utf-8", "surrogatepass"))
    return stem.with_name(f"{stem.name}-{number:05d}-{digest.hexdigest()[:12]}.parquet")


def code_chunk(chunk: Chunk, coder: UnitCoder) -> Coded:
    """Code a chunk and write its part, unless the part is there already.

    Parameters
    ----------
    chunk : Chunk
        Records of one file.
    coder : UnitCoder
        What codes their units.

    Returns
    -------
    Coded
        Every record is either classified or among the rejects.

    Raises
    ------
    EnvironmentFault
        If the part cannot be written.
    """
    coded, responses = cut_up(chunk.records, chunk.unit)
    if responses and not chunk.part.exists():
        write_part(packed(unit_table(responses, coder)), chunk.part)
    return coded


def cut_up(records: Sequence[Record], unit: str) -> tuple[Coded, list[tuple[Response, list[Span]]]]:
    """Cut the responses among records into units; one that has none joins the rejects.

    Parameters
    ----------
    records : sequence of Response or Reject
        In order.
    unit : {"sentence", "response"}
        What is coded.

    Returns
    -------
    Coded
        What becomes of the records.
    list of (Response, list of Span)
        What is to be coded, for `unit_table`.
    """
    responses: list[tuple[Response, list[Span]]] = []
    rejects: list[Reject] = []
    for record in records:
        if isinstance(record, Reject):
            rejects.append(record)
        elif spans := _CUTS[unit](record.normal):
            responses.append((record, spans))
        else:
            rejects.append(_without_words(record))
    return Coded(len(responses), sum(len(spans) for _, spans in responses), rejects), responses


def _without_words(response: Response) -> Reject:
    message = f"{response.location}：只有标点或符号，没有可分类的文字。"
    return Reject(response.file, response.location, "no_words", message, response.text[:40].strip())


def unit_table(responses: Sequence[tuple[Response, list[Span]]], coder: UnitCoder) -> pa.Table:
    """Code the units of responses.

    Parameters
    ----------
    responses : sequence of (Response, list of Span)
        Each with the places of its units.
    coder : UnitCoder
        What codes them.

    Returns
    -------
    pyarrow.Table
        A row a unit, in order: the columns of `UNIT_SCHEMA`, then the metadata as strings. `text` holds the source's
        own characters.
    """
    rows = [(response, span) for response, spans in responses for span in spans]
    coding = coder.code_units([response.normal[span.start : span.end] for response, span in rows])
    own: dict[str, Any] = {
        "unit": [number for _, spans in responses for number in range(1, len(spans) + 1)],
        "text": [response.text[span.start : span.end] for response, span in rows],
        "start": [span.start for _, span in rows],
        "end": [span.end for _, span in rows],
        "cut": [span.cut for _, span in rows],
    }
    origin = pa.array([at for at, (_, spans) in enumerate(responses) for _ in spans], pa.int32())
    of_response = _response_table([response for response, _ in responses]).take(origin)
    columns: dict[str, Any] = {name: of_response[name] for name in of_response.column_names} | own
    columns |= {name: coding[name] for name in CODING_SCHEMA.names}
    columns["evidence"] = _told_evidence(rows, coding["evidence"])
    schema = _with_metadata(name for name in of_response.column_names if name not in UNIT_SCHEMA.names)
    return pa.table({name: columns[name] for name in schema.names}, schema=schema)


def _told_evidence(rows: Sequence[tuple[Response, Span]], evidence: pa.ChunkedArray) -> pa.Array | pa.ChunkedArray:
    """Return the evidence without what rests on a placeholder, which the coder has seen as digits."""
    hidden = {
        at: found
        for at, (response, span) in enumerate(rows)
        if (found := stood_in(response.text[span.start : span.end], response.normal[span.start : span.end]))
    }
    if not hidden:
        return evidence
    told = evidence.to_pylist()
    for at, spans in hidden.items():
        told[at] = [
            item for item in told[at] if all(item["end"] <= start or end <= item["start"] for start, end in spans)
        ]
    return pa.array(told, evidence.type)


def _response_table(responses: Sequence[Response]) -> pa.Table:
    fields = ("file", "location", "response", "respondent", "role", "section", "question")
    names = dict.fromkeys(name for response in responses for name in response.meta)
    own: dict[str, Any] = {
        name: pa.array([getattr(response, name) for response in responses], pa.string()) for name in fields
    }
    meta = {name: pa.array([response.meta.get(name) for response in responses], pa.string()) for name in names}
    return pa.table(own | meta)


def _with_metadata(names: Iterable[str]) -> pa.Schema:
    return pa.schema([*UNIT_SCHEMA, *(pa.field(name, pa.string()) for name in names)])


def packed(table: pa.Table) -> bytes:
    """Return the bytes of a part: the same wherever it was coded."""
    part = io.BytesIO()
    pq.write_table(table, part, compression="zstd")
    return part.getvalue()


def write_part(part: bytes, path: Path) -> None:
    """Write a part, whole or not at all."""
    with whole_file(path) as unfinished:
        unfinished.write_bytes(part)


def align(folder: Path, parts: Sequence[Path]) -> None:
    """Give all parts of a run the same columns, and remove what no longer belongs to it.

    Parameters
    ----------
    folder : Path
        Where the parts are.
    parts : sequence of Path
        Those of this run; without any, an empty one is written, so that the folder can be read.
    """
    for stale in sorted(set(folder.glob("part-*.parquet")) - set(parts)):
        stale.unlink()
    if not parts:
        write_part(packed(UNIT_SCHEMA.empty_table()), folder / "part-00000-00000-000000000000.parquet")
    schemas = {part: pq.read_schema(part) for part in parts}
    spelt: dict[str, str] = {}
    for name in (name for schema in schemas.values() for name in schema.names):
        spelt.setdefault(name.lower(), name)  # `Dept` of one file is `dept` of another
    wanted = _with_metadata(name for name in spelt.values() if name not in UNIT_SCHEMA.names)
    for part, schema in schemas.items():
        if schema.names != wanted.names:
            table = pq.read_table(part)
            table = table.rename_columns([spelt[name.lower()] for name in table.column_names])
            write_part(packed(_completed(table, wanted)), part)


def _completed(table: pa.Table, wanted: pa.Schema) -> pa.Table:
    missing = [name for name in wanted.names if name not in table.column_names]
    for name in missing:
        table = table.append_column(name, pa.nulls(table.num_rows, pa.string()))
    return table.select(wanted.names)


def crashed(chunk: Chunk) -> Coded:
    """Reject the responses of a chunk whose worker died twice."""
    return Coded(0, 0, [_lost(record) if isinstance(record, Response) else record for record in chunk.records])


def _lost(response: Response) -> Reject:
    message = f"{response.location}：处理这一批内容的进程两次意外中止（可能是内存不足），这一批没有分类。"
    return Reject(response.file, response.location, "crashed", message, response.text[:40].strip())
