"""Tables, workbook and reports of the stored units: at the end of a run, or again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pipeline.folder import begin, clear, finish, hold, writing
from pipeline.masked import privacy, refuse_other_units, told_units
from pipeline.result import Run
from pipeline.tables import Table, write_tables
from pipeline.workers import apart

LARGE = 100_000
"""Units above which tables and reports are made in processes of their own: the libraries of each take 400 MB."""

Done = TypeVar("Done")

_TOTALS = {
    "files": "文件",
    "respondents": "受访者",
    "units": "语句",
    "read": "读到的记录",
    "classified": "分类的记录",
    "rejected": "没有分类的记录",
}


def present(out: Path, manifest: dict[str, Any]) -> None:
    """Write tables, workbook, reports and, last, the manifest of a run whose units are stored.

    Parameters
    ----------
    out : Path
        The run, held by the caller.
    manifest : dict
        Of the run; totals, headings and the hashes of the outputs are entered.
    """
    units = sum(file["units"] for file in manifest["files"].values())
    with told_units(out, manifest) as told:
        _do(_write, units, out, told, manifest, _do(_tabulated, units, out, told, manifest))


def report(
    out: str | Path,
    *,
    by: Sequence[str] | None = None,
    interviewer: bool | None = None,
    redact: bool | None = None,
    min_group: int | None = None,
    audit: Sequence[str | Path] = (),
    label: str | None = None,
    comments: Sequence[str | Path] = (),
    sav: bool = False,
    tell: Callable[[str], None] | None = None,
) -> Run:
    """Write tables, workbook and reports again from the stored units.

    Parameters
    ----------
    out : str or Path
        A finished run.
    by : sequence of str, optional
        Other metadata columns to break down by; those of the run when not given.
    interviewer : bool, optional
        Whether the interviewer's turns count; as in the run when not given.
    redact : bool, optional
        Whether personal data is replaced in tables and reports; as in the run when not given.
    min_group : int, optional
        Groups of fewer respondents are not shown in break-downs; as in the run when not given.
    audit, label
        Sheets of an audit, filled in, and their column of labels; see `pipeline.audit.read_audit`. The run keeps them.
    comments : sequence of str or Path
        The Word files that were coded, or folders: copies with the codings as comments go into `OUT/comments`.
    sav : bool
        Whether to write `OUT/results.sav` for SPSS.
    tell : callable, optional
        Told in a sentence what an audit or the comments leave out.

    Raises
    ------
    InputRefused
        If the units are not as `redact` asks: they were stored with personal data, or without it.
    """
    from pipeline.audit import take_audit
    from pipeline.report.coded import write_on_demand

    run = Run(Path(out))
    refuse_other_units(run.folder, run.manifest, redact)
    with hold(run.folder):
        manifest = dict(Run(run.folder).manifest)
        names = manifest["codebook"]["categories"]
        warnings = write_on_demand(run.folder, names, manifest["files"], comments, sav=sav)
        if audit:
            manifest["audit"] = take_audit(run.folder, names, [Path(path) for path in audit], label)
            warnings += manifest["audit"]["warnings"]
        given = {"by": by and list(by), "interviewer": interviewer, "redact": redact, "min_group": min_group}
        manifest["tables"] |= {name: value for name, value in given.items() if value is not None}
        with told_units(run.folder, manifest) as told:
            units = manifest["totals"]["units"]
            tables = _do(_tabulated, units, run.folder, told, manifest)
            begin(run.folder, manifest["key"])
            _do(_write, units, run.folder, told, manifest, tables)
    for sentence in warnings if tell else ():
        tell(sentence)  # type: ignore[misc]  # there is one
    return Run(run.folder)


def _do(work: Callable[..., Done], units: int, *arguments: Any) -> Done:
    """Do work here, or, for a large run, in a process of its own."""
    return apart(work, *arguments) if units > LARGE else work(*arguments)


def _tabulated(out: Path, told: Path, manifest: dict[str, Any]) -> list[Table]:
    """Return the tables; `told` holds the units that they tell of."""
    from pipeline.prevalence import with_audit
    from pipeline.tabulate import tabulate

    names = manifest["codebook"]["categories"]
    options = {name: value for name, value in manifest["tables"].items() if name != "redact"}
    options["date"] = options["date"] or _only_date(manifest["files"])
    return with_audit(tabulate(told, names, **options), out, names)


def _only_date(files: dict[str, dict[str, Any]]) -> str | None:
    """Return the column of dates that was found, if all files agree on it."""
    found = {heading for file in files.values() for heading in file["columns"].get("date", [])}
    return found.pop() if len(found) == 1 else None


def _write(out: Path, told: Path, manifest: dict[str, Any], tables: list[Table]) -> None:
    from pipeline.report import write_reports

    manifest["totals"] = _totals(out, manifest["files"])
    manifest["headings"] = {table.name: dict(table.headings) for table in tables}
    totals = {_TOTALS[name]: count for name, count in manifest["totals"].items()}
    shown = {name: manifest["tables"][name] for name in ("by", "interviewer")}
    clear(out, "tables/*.csv", "tables/*.parquet")
    with writing(out):
        write_tables(tables, out)
        notes = {"quality": manifest["quality"], "privacy": privacy(manifest)}
        write_reports(out, told, tables, manifest["codebook"]["categories"], totals, **shown, **notes)
    finish(out, manifest)


def _totals(out: Path, files: dict[str, dict[str, Any]]) -> dict[str, int]:
    from pipeline.query import open_units

    question = "SELECT (SELECT count(DISTINCT person) FROM spoken), (SELECT count(*) FROM parts)"
    with open_units(out) as connection:
        respondents, units = connection.execute(question).fetchall()[0]
    counts = {name: sum(file[name] for file in files.values()) for name in ("read", "classified", "rejected")}
    return {"files": len(files), "respondents": respondents, "units": units} | counts
