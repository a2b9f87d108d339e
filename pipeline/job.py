"""The main job: files in, a run folder out, and what can be asked of a run afterwards."""

from __future__ import annotations

import csv
import hashlib
import io
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from functools import cached_property, partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline import codebook as codebooks
from pipeline.coder import CoderSpec, build
from pipeline.errors import EnvironmentFault, InputRefused, QunyanError
from pipeline.folder import (
    abandon,
    begin,
    clear,
    finish,
    hash_outputs,
    hold,
    is_finished,
    key_of,
    read_manifest,
    sha256,
    whole_file,
)
from pipeline.normalise import INVISIBLE
from pipeline.read import ReadOptions, Source, discover, read
from pipeline.records import Reject
from pipeline.run import UNITS, Chunk, Record, Tally, align, chunks, code_all

if TYPE_CHECKING:
    import pandas as pd

FORMAT = 1
"""Of the run folder; a later version that stores otherwise says so here."""

_LIBRARIES = ("qunyan", "pyarrow", "duckdb", "pandas", "jieba", "rjieba", "ahocorasick-rs", "scikit-learn")
_TABLES = {".csv", ".tsv", ".xlsx", ".xls", ".jsonl", ".parquet"}
_LIVE = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")
REJECT_COLUMNS = ("file", "location", "reason", "message", "snippet")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is; handed to the `progress` function."""

    stage: str
    """`code`, `tables`, or `unchanged` where the same run was there already."""
    file: str = ""
    files_done: int = 0
    files: int = 0
    units: int = 0


@dataclass(frozen=True, slots=True)
class Fault:
    """What `verify` found wrong: the file, a short kind, a sentence."""

    file: str
    kind: str
    sentence: str


Report = Callable[[Progress], None]


@dataclass(frozen=True)
class Run:
    """A finished run, opened from its folder.

    Parameters
    ----------
    folder : Path
        The output folder of `classify`.

    Raises
    ------
    InputRefused
        By its attributes, if the folder holds no finished run.
    """

    folder: Path

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What was read, with what, and what came out: the content of `manifest.json`."""
        manifest = read_manifest(self.folder)
        if manifest is None:
            raise InputRefused(f"{self.folder} 里没有完整的运行结果：请先运行 qunyan classify 输入 -o {self.folder}")
        return manifest

    def units(self, columns: Sequence[str] | None = None) -> pd.DataFrame:
        """Return the coded units, a row each, in the order of the files.

        Parameters
        ----------
        columns : sequence of str, optional
            Only these; all when not given.
        """
        import pyarrow.parquet as pq

        _ = self.manifest
        frame: pd.DataFrame = pq.read_table(self.folder / "units", columns=columns and list(columns)).to_pandas()
        return frame

    @property
    def tables(self) -> tuple[str, ...]:
        """The names of the tables."""
        paths = [Path(name) for name in self.manifest["outputs"]]
        return tuple(path.stem for path in paths if path.parts[0] == "tables" and path.suffix == ".parquet")

    def table(self, name: str) -> pd.DataFrame:
        """Return a table by its name, with English column names.

        Raises
        ------
        KeyError
            If there is no such table; the message names those there are.
        """
        import pyarrow.parquet as pq

        if name not in self.tables:
            raise KeyError(f"没有名为“{name}”的表；有：{'、'.join(self.tables)}")
        frame: pd.DataFrame = pq.read_table(self.folder / "tables" / f"{name}.parquet").to_pandas()
        return frame

    @property
    def rejects(self) -> pd.DataFrame:
        """The records that were not classified, with place and reason."""
        import pandas as pd

        _ = self.manifest
        return pd.read_csv(self.folder / "rejects.csv", dtype=str, keep_default_na=False, encoding="utf-8-sig")

    def __repr__(self) -> str:
        total = self.manifest["totals"]
        return (
            f"群言的结果 {self.folder}：{total['files']} 个文件，{total['respondents']} 位受访者，{total['units']} 句，"
            f"{total['rejected']} 条没有分类\n表：{'、'.join(self.tables)}"
        )


def classify(
    inputs: str | Path | Sequence[str | Path],
    out: str | Path,
    *,
    text: Sequence[str] = (),
    id: str | None = None,  # noqa: A002 -- the interface's name
    respondent: str | None = None,
    by: Sequence[str] = (),
    date: str | None = None,
    model: str | Path | None = None,
    codebook: str | Path | None = None,
    words: str | Path | None = None,
    unit: str = "sentence",
    encoding: str | None = None,
    sheet: str | None = None,
    jobs: int = 1,
    interviewer: bool = False,
    force: bool = False,
    progress: Report | None = None,
) -> Run:
    """Read files, code every sentence, and write units, tables and a workbook into a folder.

    The same input with the same options into the same folder does nothing again; a run that was stopped goes on.

    Parameters
    ----------
    inputs : str, Path, or sequence of them
        Files, folders, or `-` for standard input.
    out : str or Path
        The output folder; made where it does not exist.
    text : sequence of str
        The columns that hold answers; found by their usual headings where not named.
    id, respondent, date : str, optional
        Columns of sheets.
    by : sequence of str
        Metadata columns to break the tables down by.
    model : str or Path, optional
        A model folder; the built-in one when not given.
    codebook : str or Path, optional
        Categories of one's own (.csv, .xlsx).
    words : str or Path, optional
        A jieba user dictionary.
    unit : {"sentence", "response"}
        What is coded.
    encoding, sheet : str, optional
        Where the files' encoding or the workbook's sheet is not to be found by itself.
    jobs : int
        Worker processes; the result is the same for any number.
    interviewer : bool
        Whether the interviewer's turns count in the tables.
    force : bool
        Whether another run's result in `out` may be replaced.
    progress : callable, optional
        Called with a `Progress` now and then.

    Returns
    -------
    Run
        The finished run.

    Raises
    ------
    InputRefused
        If there is nothing to read, or it is not certain which column holds the answers.
    OutputRefused
        If the folder holds something else.
    CodebookRefused, ModelRefused
        If they cannot be used.
    EnvironmentFault
        If the disk, the permissions or another run in the folder do not allow it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "访谈.txt")
    ...     _ = path.write_text("问：办证方便吗？\\n答：办个证跑了四趟。建议搞一网通办。", encoding="utf-8")
    ...     run = classify(path, out=Path(folder, "结果"))
    ...     run.units(["text", "role", "statement"])
    ...     run.manifest["files"]["访谈.txt"]["read"]
               text         role   statement
    0        办证方便吗？  interviewer     neutral
    1      办个证跑了四趟。   respondent     problem
    2      建议搞一网通办。   respondent  suggestion
    2
    """
    if unit not in UNITS or jobs < 1:
        raise ValueError(f"unit 须是 {'、'.join(UNITS)} 之一，jobs 须是正整数；收到 unit={unit!r}，jobs={jobs!r}")
    out, report = Path(out), progress or _silent
    reading = ReadOptions(tuple(text), id, respondent, tuple(by), date, encoding, sheet)
    spec = CoderSpec(*(Path(given) if given else None for given in (model, codebook, words)))
    with _standard_input_kept():
        sources, refused = _find([inputs] if isinstance(inputs, (str, Path)) else inputs, out)
        plan = _plan(sources, refused, reading, spec, unit)
        key = key_of(plan)
        with hold(out):
            shown = {"by": list(by), "interviewer": interviewer}
            if not force and is_finished(out, key) and (read_manifest(out) or {})["tables"] == shown:
                report(Progress("unchanged"))
                return Run(out)
            _peek(sources, reading)
            begin(out, key, force=force)
            try:
                files = _code(_Coding(sources, reading, out, unit, key), refused, partial(build, spec), jobs, report)
            except EnvironmentFault:
                raise
            except QunyanError:
                abandon(out)
                raise
            plan["files"] = {name: plan["files"][name] | account for name, account in files.items()}
            report(Progress("tables", files=len(sources), files_done=len(sources)))
            _present(out, {"key": key} | plan | {"tables": shown})
    return Run(out)


def report(out: str | Path, *, by: Sequence[str] | None = None, interviewer: bool | None = None) -> Run:
    """Write tables and workbook again from the stored units.

    Parameters
    ----------
    out : str or Path
        A finished run.
    by : sequence of str, optional
        Other metadata columns to break down by; those of the run when not given.
    interviewer : bool, optional
        Whether the interviewer's turns count; as in the run when not given.
    """
    run = Run(Path(out))
    _ = run.manifest
    with hold(run.folder):
        manifest = dict(Run(run.folder).manifest)
        given = {"by": None if by is None else list(by), "interviewer": interviewer}
        manifest["tables"] |= {name: value for name, value in given.items() if value is not None}
        _present(run.folder, manifest)
    return Run(run.folder)


def verify(folder: str | Path) -> list[Fault]:
    """Check a run against its manifest: every output's hash, and that no record was lost.

    Parameters
    ----------
    folder : str or Path
        A finished run.

    Returns
    -------
    list of Fault
        Empty if all is as it was written.

    Raises
    ------
    InputRefused
        If there is no finished run.
    """
    run = Run(Path(folder))
    wanted, have = run.manifest["outputs"], hash_outputs(run.folder)
    faults = [Fault(name, "missing", f"{name} 不见了。") for name in wanted if name not in have]
    faults += [Fault(name, "added", f"{name} 不是这次运行写的。") for name in have if name not in wanted]
    altered = [name for name in wanted if name in have and have[name] != wanted[name]]
    faults += [Fault(name, "altered", f"{name} 在运行之后被改动过。") for name in altered]
    for name, file in run.manifest["files"].items():
        if file["read"] != file["classified"] + file["rejected"]:
            faults.append(Fault(name, "account", f"{name}：读到的条数不等于分类的加上没有分类的。"))
    return sorted(faults, key=lambda fault: fault.file)


def _silent(_: Progress) -> None:
    pass


@contextmanager
def _standard_input_kept() -> Iterator[None]:
    """Let standard input be read twice, once for its hash; it is taken in only when it is asked for."""
    original = sys.stdin
    try:
        yield
    finally:
        sys.stdin = original


def _find(inputs: Sequence[str | Path], out: Path) -> tuple[list[Source], list[Reject]]:
    """Find the input files; an earlier result that lies among them is none of them."""
    sources, rejects = discover(inputs)
    place = out.resolve()
    sources = [source for source in sources if place not in source.path.resolve().parents]
    within = [
        place.relative_to(given) for given in (Path(name).resolve() for name in inputs) if place.is_relative_to(given)
    ]
    rejects = [reject for reject in rejects if not any(Path(reject.file).is_relative_to(path) for path in within)]
    if not sources:
        raise InputRefused(rejects[0].message if rejects else "没有找到可读的文件：文件夹是空的，请检查路径。")
    return sources, rejects


def _plan(
    sources: Sequence[Source], refused: Sequence[Reject], reading: ReadOptions, spec: CoderSpec, unit: str
) -> dict[str, Any]:
    """Return what the result depends on; its hash is the run's key."""
    book = codebooks.load(spec.codebook)
    coder = build(spec)
    return {
        "format": FORMAT,
        "versions": {"python": ".".join(map(str, sys.version_info[:2]))} | dict(_versions()),
        "options": asdict(reading) | {"unit": unit},
        "coder": coder.fingerprint,
        "codebook": {"fingerprint": book.fingerprint, "categories": book.names},
        "words": sha256(spec.words) if spec.words else None,
        "files": {reject.file: {"sha256": None} for reject in refused}
        | {source.name: {"sha256": _hash(source)} for source in sources},
    }


def _versions() -> Iterator[tuple[str, str]]:
    for name in _LIBRARIES:
        try:
            yield name, version(name)
        except PackageNotFoundError:
            continue


def _hash(source: Source) -> str | None:
    """Return the sha256 of an input; None where it cannot be opened, which reading will say."""
    if source.path == Path("-"):
        data = sys.stdin.buffer.read()
        sys.stdin = io.TextIOWrapper(io.BytesIO(data))
        return hashlib.sha256(data).hexdigest()
    try:
        return sha256(source.path)
    except OSError:
        return None


def _peek(sources: Sequence[Source], options: ReadOptions) -> None:
    """Read the first record of every sheet, so that a column in doubt stops the run before anything is written."""
    for source in sources:
        if source.path.suffix.lower() in _TABLES:
            next(iter(read(source, options)), None)


class _Coding:
    """The coding of all files: their chunks in order, and the account of each."""

    def __init__(self, sources: Sequence[Source], options: ReadOptions, out: Path, unit: str, key: str) -> None:
        self.sources, self.options, self.out = sources, options, out
        self.unit, self.key = unit, key
        self.tallies = {source.name: Tally() for source in sources}
        self.notes: dict[str, dict[str, Any]] = {}

    def stream(self) -> Iterator[Chunk]:
        for number, source in enumerate(self.sources, 1):
            reading = read(source, self.options)
            stem = self.out / "units" / f"part-{number:05d}"
            records = self._counted(source.name, reading)
            yield from chunks(source.name, records, stem, unit=self.unit, salt=self.key)
            self.notes[source.name] = {
                "encoding": reading.encoding,
                "containers": reading.containers,
                "columns": reading.columns,
                "warnings": reading.warnings,
            }

    def _counted(self, name: str, records: Iterable[Record]) -> Iterator[Record]:
        for record in records:
            self.tallies[name].read += record.records if isinstance(record, Reject) else 1
            yield record

    def account(self) -> dict[str, dict[str, Any]]:
        """Return what became of each file; that nothing is lost is checked here."""
        accounts = {}
        for name, tally in self.tallies.items():
            if tally.read != tally.classified + tally.rejected:
                raise AssertionError(f"{name}: read {tally.read}, kept {tally.classified} + {tally.rejected}")
            counts = {"read": tally.read, "classified": tally.classified, "rejected": tally.rejected}
            accounts[name] = self.notes[name] | counts | {"units": tally.units}
        return accounts


def _code(
    coding: _Coding, refused: Sequence[Reject], make: Callable[[], Any], jobs: int, report: Report
) -> dict[str, dict[str, Any]]:
    """Code all files into parts, write the rejects, and return the account of each file."""
    numbers = {source.name: number for number, source in enumerate(coding.sources)}
    units = 0
    with whole_file(coding.out / "rejects.csv") as path, path.open("w", encoding="utf-8-sig", newline="") as file:
        write = csv.writer(file).writerow
        write(REJECT_COLUMNS)
        for reject in refused:
            write(_cells(reject))
        with closing(code_all(coding.stream(), make, jobs)) as coded_chunks:
            for chunk, coded in coded_chunks:
                coding.tallies[chunk.file].add(chunk.part, coded)
                for reject in coded.rejects:
                    write(_cells(reject))
                units += coded.units
                report(Progress("code", chunk.file, numbers[chunk.file], len(numbers), units))
    align(coding.out / "units", [part for tally in coding.tallies.values() for part in tally.parts])
    lost = {"encoding": "", "containers": {}, "columns": {}, "warnings": [], "classified": 0, "units": 0}
    names = [reject.file for reject in refused]
    return {
        name: lost | {"read": names.count(name), "rejected": names.count(name)} for name in names
    } | coding.account()


def _cells(reject: Reject) -> list[str]:
    return [_inert(getattr(reject, name)) for name in REJECT_COLUMNS]


def _inert(cell: str) -> str:
    """Return a csv cell that a spreadsheet takes for text, whatever somebody wrote into it.

    Examples
    --------
    >>> _inert("=HYPERLINK(1)"), _inert("办证难")
    ("'=HYPERLINK(1)", '办证难')
    """
    cell = cell.translate(INVISIBLE)
    return f"'{cell}" if cell.lstrip(" ").startswith(_LIVE) else cell


def _present(out: Path, manifest: dict[str, Any]) -> None:
    """Write tables, workbook and, last, the manifest."""
    from pipeline.report.workbook import write_workbook
    from pipeline.tabulate import tabulate

    clear(out, "tables/*.csv", "tables/*.parquet")
    tabulate(out, **manifest["tables"])
    write_workbook(out)
    manifest["totals"] = _totals(out, manifest["files"])
    finish(out, manifest)


def _totals(out: Path, files: dict[str, dict[str, Any]]) -> dict[str, int]:
    import duckdb

    question = "SELECT count(*), count(DISTINCT respondent) FILTER (role = 'respondent') FROM read_parquet(?)"
    units, respondents = duckdb.execute(question, [str(out / "units" / "part-*.parquet")]).fetchall()[0]
    counts = {name: sum(file[name] for file in files.values()) for name in ("read", "classified", "rejected")}
    return {"files": len(files), "respondents": respondents, "units": units} | counts
