"""The main job: files in, a run folder out."""

from __future__ import annotations

import hashlib
import io
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.breakdown import SMALL
from pipeline.coder import CoderSpec, build, codebook_of
from pipeline.deidentify import Deidentifier
from pipeline.errors import EnvironmentFault, InputRefused, QunyanError
from pipeline.folder import (
    abandon,
    begin,
    hold,
    is_finished,
    is_run,
    key_of,
    read_manifest,
    runs_within,
    sha256,
)
from pipeline.present import present
from pipeline.read import ReadOptions, Source, discover, fingerprint, read, readers
from pipeline.records import Reject, UnitCoder
from pipeline.report import quality_of
from pipeline.resources import shipped
from pipeline.result import Run
from pipeline.run import UNITS, Engine, Task, code_files, local

if TYPE_CHECKING:
    from pipeline.spark import Cluster

ENGINES = ("local", "spark")

FORMAT = 1
"""Of the run folder; a later version that stores otherwise says so here."""

_LIBRARIES = ("qunyan", "pyarrow", "duckdb", "pandas", "jieba", "rjieba", "ahocorasick-rs", "scikit-learn")
_BYTES_A_WORKER = 2 << 20
"""Starting a worker takes as long as coding about this much."""
_MOST_WORKERS = 4
_SHEETS = {".csv", ".tsv", ".xlsx", ".xls", ".jsonl", ".parquet"}


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is; handed to the `progress` function."""

    stage: str
    """`code`, `tables`, or `unchanged` where the same run was there already."""
    file: str = ""
    files_done: int = 0
    files: int = 0
    units: int = 0


Report = Callable[[Progress], None]


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
    jobs: int | None = None,
    engine: str = "local",
    scheduler: str | None = None,
    interviewer: bool = False,
    redact: bool | None = None,
    min_group: int = SMALL,
    force: bool = False,
    progress: Report | None = None,
) -> Run:
    r"""Read files, code every sentence, and write units, tables, a workbook and reports into a folder.

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
    jobs : int, optional
        Worker processes; as many as input and machine are worth when not given. The result is the same for any number.
    engine : {"local", "spark"}
        Where units are coded: on this machine, or on a Spark cluster. The result is the same.
    scheduler : str, optional
        Spark's master (`local[4]`, `spark://…`, `yarn`, `k8s://…`); what spark-submit says when not given.
    interviewer : bool
        Whether the interviewer's turns count in the tables.
    redact : bool, optional
        Whether personal data is replaced by placeholders (去标识化, no 匿名化): True in all that is written, the units too;
        False nowhere; when not given in tables and reports, while the units stay as they were said.
    min_group : int
        Groups of fewer respondents are not shown in break-downs.
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
    ...     _ = path.write_text("问：办证方便吗？\n答：办个证跑了四趟。建议搞一网通办。", encoding="utf-8")
    ...     run = classify(path, out=Path(folder, "结果"))
    ...     run.units(["text", "role", "statement"])
    ...     run.manifest["files"]["访谈.txt"]["read"]
               text         role   statement
    0        办证方便吗？  interviewer     neutral
    1      办个证跑了四趟。   respondent     problem
    2      建议搞一网通办。   respondent  suggestion
    2
    """
    if unit not in UNITS or min(1 if jobs is None else jobs, min_group) < 1:
        got = f"收到 unit={unit!r}，jobs={jobs!r}，min_group={min_group!r}"
        raise ValueError(f"unit 须是 {'、'.join(UNITS)} 之一，jobs 和 min_group 须是正整数；{got}")
    if engine not in ENGINES:
        raise ValueError(f"engine 须是 {'、'.join(ENGINES)} 之一；收到 {engine!r}")
    if scheduler and engine != "spark":
        raise InputRefused("--scheduler 只和 --engine spark 一起用。")
    given = [inputs] if isinstance(inputs, (str, Path)) else inputs
    reading = ReadOptions(tuple(text), id, respondent, tuple(by), date, encoding, sheet)
    spec = CoderSpec(*(Path(path) if path else None for path in (model, codebook, words)))
    with ExitStack() as open_until_done, _standard_input_kept(), readers():
        cluster = open_until_done.enter_context(_opened(scheduler)) if engine == "spark" else None
        given = cluster.fetch(given) if cluster else given
        sources, refused = _find(given, Path(out))
        hide = Deidentifier() if redact else None
        if hide:
            sources, refused = hide.sources(sources), hide.refused(refused)
        coder = build(spec)
        plan = _plan(sources, refused, reading, spec, coder, unit, redact=bool(redact))
        task = Task(sources, reading, unit, Path(out), key_of(plan), hide)
        chosen = cluster.engine(spec, coder) if cluster else _here(spec, coder, jobs or _workers(sources))
        shown: dict[str, Any] = {"by": list(by), "date": date, "interviewer": interviewer}
        shown |= {"redact": redact is not False, "min_group": min_group}
        with hold(task.out):
            if not force and is_finished(task.out, task.key) and (read_manifest(task.out) or {})["tables"] == shown:
                _tell(progress, Progress("unchanged"))
                return Run(task.out)
            _peek(sources, reading)
            begin(task.out, task.key, force=force)
            with _taken_back_if_refused(task.out):
                files = _coded(task, refused, chosen, progress)
                plan["files"] = {name: plan["files"][name] | files[name] for name in plan["files"]}
                _tell(progress, Progress("tables", files=len(sources), files_done=len(sources)))
                manifest = {"key": task.key} | plan | {"tables": shown}
                manifest["quality"] = quality_of(spec.model or shipped("models/builtin"), coder.categories)
                present(task.out, manifest)
    return Run(task.out)


def _tell(progress: Report | None, state: Progress) -> None:
    if progress:
        progress(state)


@contextmanager
def _standard_input_kept() -> Iterator[None]:
    """Let standard input be read twice, once for its hash; it is taken in only when it is asked for."""
    original = sys.stdin
    try:
        yield
    finally:
        sys.stdin = original


def _find(inputs: Sequence[str | Path], out: Path) -> tuple[list[Source], list[Reject]]:
    """Find the input files; the result of an earlier run that lies among them is none of them."""
    given = [Path(name) for name in inputs if not is_run(Path(name))]
    if inputs and not given:
        raise InputRefused(f"{inputs[0]} 是 qunyan 的结果，不能再作输入：请给出原来的文件或文件夹。")
    sources, rejects = discover(given)
    folders = [path.resolve() for path in given if path.is_dir()]
    runs = {out.resolve(), *(run for folder in folders for run in runs_within(folder))}
    sources = [source for source in sources if runs.isdisjoint(source.path.resolve().parents)]
    within = [run.relative_to(folder) for folder in folders for run in sorted(runs) if run.is_relative_to(folder)]
    rejects = [reject for reject in rejects if not any(Path(reject.file).is_relative_to(path) for path in within)]
    if not sources:
        raise InputRefused(rejects[0].message if rejects else "没有找到可读的文件：文件夹是空的，请检查路径。")
    return sources, rejects


def _opened(scheduler: str | None) -> AbstractContextManager[Cluster]:
    from pipeline.spark import cluster

    return cluster(scheduler)


def _here(spec: CoderSpec, coder: UnitCoder, jobs: int) -> Engine:
    return local(partial(build, spec) if jobs > 1 else lambda: coder, jobs)


def _workers(sources: Sequence[Source]) -> int:
    """Return how many workers the input is worth on this machine."""
    from joblib import cpu_count

    size = sum(source.path.stat().st_size for source in sources if source.path.is_file())
    return max(1, min(int(cpu_count()), _MOST_WORKERS, size // _BYTES_A_WORKER))


def _plan(
    sources: Sequence[Source],
    refused: Sequence[Reject],
    reading: ReadOptions,
    spec: CoderSpec,
    coder: UnitCoder,
    unit: str,
    *,
    redact: bool,
) -> dict[str, Any]:
    """Return what the result depends on; its hash is the run's key."""
    book = codebook_of(spec)
    return {
        "format": FORMAT,
        "versions": {"python": ".".join(map(str, sys.version_info[:2]))} | dict(_versions()),
        "options": asdict(reading) | {"unit": unit, "redact": redact},
        "reading": fingerprint(),
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
        if source.path.suffix.lower() in _SHEETS:
            with closing(iter(read(source, options, apart=True))) as records:
                next(records, None)


@contextmanager
def _taken_back_if_refused(out: Path) -> Iterator[None]:
    """Leave nothing of a run that is refused on its way; what the machine has stopped stays, to go on with."""
    try:
        yield
    except EnvironmentFault:
        raise
    except QunyanError:
        abandon(out)
        raise


def _coded(task: Task, refused: Sequence[Reject], engine: Engine, progress: Report | None) -> dict[str, dict[str, Any]]:
    order = {source.name: number for number, source in enumerate(task.sources)}

    def tell(file: str, units: int) -> None:
        _tell(progress, Progress("code", file, order[file], len(order), units))

    return code_files(task, refused, engine, tell)
