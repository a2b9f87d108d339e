"""Writes `report.html`: one file that a browser opens anywhere, with pictures, tables, quotes and all units to search.

Nothing is loaded from elsewhere and nothing that a respondent wrote is ever markup: jinja2 escapes it, the script sets
it as text only, and the content-security policy lets no script run but ours, which it knows by hash.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.breakdown import shown_groups
from pipeline.folder import whole_file
from pipeline.query import unit_parts
from pipeline.records import Statement
from pipeline.report.payload import MOST_UNITS, Payload, load_units, pieces
from pipeline.report.pictures import Figure
from pipeline.report.sentences import records
from pipeline.report.typeface import face
from pipeline.tables import Table, visible

if TYPE_CHECKING:
    import pandas as pd

MOST_BYTES = 3_000_000
"""Of the page; where all units do not fit, it holds the quotes only."""

MOST_ROWS = 200
"""Rows of a table on the page; all are in `tables/`."""

KEYWORDS = 10
"""Keywords shown with a category."""

_HEAD = 30_000
"""Bytes of the page's head, style and all, without a font."""

_TEMPLATES = Path(__file__).with_name("templates")
_SHARES = ("share", "low", "high")
_P_VALUES = ("p", "p_adjusted")


def write_page(
    path: Path,
    tables: Sequence[Table],
    figures: Sequence[Figure],
    folder: Path,
    codebook_names: Mapping[str, str],
    totals: Mapping[str, str | int],
    *,
    by: Sequence[str] = (),
    interviewer: bool = False,
    privacy: str = "",
) -> Path:
    """Write the run as a web page.

    Parameters
    ----------
    path : Path
        Where to write; complete or not there.
    tables : sequence of Table
        Of the run.
    figures : sequence of Figure
        Of `pipeline.report.pictures.draw_figures`.
    folder : Path
        OUT, with `units/part-*.parquet`.
    codebook_names : mapping of str to str
        Category id to Chinese name, in order.
    totals : mapping of str to (str or int)
        The numbers at the top, by their Chinese names.
    by : sequence of str
        The columns by which units can be filtered.
    interviewer : bool, default False
        Whether the interviewer's turns count too.
    privacy : str
        What became of personal data.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    InputRefused
        If the folder holds no run.
    EnvironmentFault
        If the file cannot be written.
    """
    named = {table.name: table for table in tables}
    quotes = named["quotes"].frame
    shown = {table.headings["group"]: shown_groups(table) for table in tables if "residual" in table.headings}
    groups = {column: shown[heading] for column in by if (heading := f"分组：{column}") in shown}
    units = load_units(unit_parts(folder), quotes, codebook_names, groups, interviewer=interviewer)
    page = _rendered(tables, figures, units, codebook_names, totals, privacy)
    if len(page) > MOST_BYTES and units.whole:
        page = _rendered(tables, figures, units.only(quotes), codebook_names, totals, privacy)
    with whole_file(path) as unfinished:
        unfinished.write_bytes(page)
    return path


def _rendered(
    tables: Sequence[Table],
    figures: Sequence[Figure],
    units: Payload,
    names: Mapping[str, str],
    totals: Mapping[str, str | int],
    privacy: str,
) -> bytes:
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=lambda value: visible(value) if type(value) is str else value,
    )
    script, style = (_read(name) for name in ("page.js", "page.css"))
    body = environment.get_template("body.html").render(
        script=Markup(script),  # noqa: S704 -- our own file
        figures=[(figure, Markup(figure.svg)) for figure in figures],  # noqa: S704 -- Vega escapes what it draws
        tables=[_shown(table) for table in tables],
        categories=_categories(tables, units, names),
        units=units,
        most_units=MOST_UNITS,
        totals=totals,
        privacy=privacy,
    )
    style += _typeface(body, units)
    html = environment.get_template("page.html").render(
        style=Markup(style),  # noqa: S704 -- our own file
        script_hash=_hash(script),
        style_hash=_hash(style),
        body=Markup(body),  # noqa: S704 -- jinja2 has escaped it
    )
    return html.encode("utf-8", "replace")


def _typeface(body: str, units: Payload) -> str:
    """Return the font of the page's characters, of what stands in it without its units', or none: as much as has room."""
    room = MOST_BYTES - len(body.encode("utf-8", "replace")) - _HEAD
    static = set(body)
    for characters in (static | units.characters, static):
        if len(rule := face(characters)) <= room:
            return rule
    return ""


def _read(name: str) -> str:
    return (_TEMPLATES / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _shown(table: Table) -> dict[str, Any]:
    """Return a table as the page writes it: headings, whether a column is of numbers, rows of texts."""
    frame = table.frame[list(table.headings)].head(MOST_ROWS)
    columns = [_column(frame[name]) for name in table.headings]
    return {
        "name": table.name,
        "title": table.title,
        "notes": table.notes,
        "headings": [(heading, frame[name].dtype.kind in "iuf") for name, heading in table.headings.items()],
        "rows": list(zip(*columns, strict=True)),
        "rows_in_all": len(table.frame),
    }


def _column(values: pd.Series[Any]) -> list[str]:
    name, kind = str(values.name), values.dtype.kind
    if name.endswith(_SHARES):
        form = "{:.1%}"
    elif name in _P_VALUES:
        form = "{:.4f}"
    else:
        form = {"f": "{:.2f}", "i": "{:,}", "u": "{:,}"}.get(kind, "{}")
    return ["" if missing else form.format(value) for value, missing in zip(values, values.isna(), strict=True)]


def _categories(tables: Sequence[Table], units: Payload, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Return the categories that were found, the most frequent problems first, with numbers, keywords and quotes."""
    frames = {table.name: table.frame for table in tables}
    counts = frames["frequencies"]
    found = counts[~counts["category"].str.startswith("(") & (counts["respondents"] > 0)]
    order = {category: number for number, category in enumerate(names)}
    return [
        {
            "number": order.get(row["category"], -1),
            "row": row,
            "keywords": _keywords(frames["keywords"], row["category"]),
            "quotes": _quotes(frames["quotes"], row["category"], units),
        }
        for row in records(found.sort_values("problem_respondents", ascending=False, kind="stable"))
    ]


def _keywords(frame: pd.DataFrame, category: str) -> list[str]:
    """Return the words that tell a category apart for sure, and that more than one response uses."""
    own = frame[(frame["category"] == category) & (frame["bic"] > 2) & (frame["responses"] > 1)]
    return [str(word) for word in own["word"].head(KEYWORDS)]


def _quotes(frame: pd.DataFrame, category: str, units: Payload) -> list[tuple[str, str, list[dict[str, Any]]]]:
    """Return the quotes of a category by statement, with the words that decided set apart."""
    own = frame[frame["category"] == category]
    return [
        (statement.value, statement.zh, [_quote(row, units) for row in records(rows)])
        for statement in Statement
        if len(rows := own[own["statement"] == statement.value])
    ]


def _quote(row: dict[str, Any], units: Payload) -> dict[str, Any]:
    text = visible(row["text"])
    marks = units.marks.get((row["file"], row["location"], row["text"]), [])
    return {"pieces": pieces(text, marks), "source": f"{row['file']} {row['location']}"}
