"""Writes the units for SPSS: a row a unit, one 0/1 variable a category, everything labelled in Chinese."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import EnvironmentFault
from pipeline.folder import whole_file
from pipeline.records import STATEMENTS, UNIT_SCHEMA, Statement
from pipeline.tables import visible

if TYPE_CHECKING:
    import pandas as pd

MOST_TEXT = 32_767
"""Bytes of an SPSS string; a longer text is cut and ends in `CUT`."""

CUT = "……（已截断）"

_TEXTS = {
    "file": "文件",
    "location": "位置",
    "respondent": "受访者",
    "role": "角色",
    "question": "所答问题",
    "text": "原文",
}
_CREATED = slice(92, 109)
"""Where the file's header has its date and time, which would differ from run to run."""

_PLAIN = re.compile(r"[A-Za-z0-9_]{1,40}")


def write_sav(path: Path, units: pd.DataFrame, codebook_names: Mapping[str, str]) -> Path:
    """Write units as an SPSS file.

    Variables: `file` to `text`, `statement` (1 to 4, labelled), `review` (0/1), `c01_<id>` … (0/1, a category each,
    labelled with its name), then the user's columns as `v01` …, labelled with their headings. Equal units give equal
    bytes.

    Parameters
    ----------
    path : Path
        Where to write; complete or not there.
    units : pandas.DataFrame
        The run's units.
    codebook_names : mapping of str to str
        Category id to Chinese name, in order.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    EnvironmentFault
        If the library for SPSS files is not installed, or the file cannot be written.
    """
    try:
        import pyreadstat
    except ImportError as error:
        raise EnvironmentFault("写 SPSS 文件要用 pyreadstat：请运行 pip install 'qunyan[spss]' 之后再试。") from error
    frame, labels, values = _variables(units, codebook_names)
    with whole_file(path) as unfinished:
        try:
            pyreadstat.write_sav(
                frame,
                str(unfinished),
                file_label="群言分类结果",
                column_labels=[labels[name] for name in frame.columns],
                variable_value_labels=values,
                variable_measure=dict.fromkeys(frame.columns, "nominal"),
                row_compress=True,
            )
        except pyreadstat.ReadstatError as error:
            raise OSError(str(error)) from error
        _without_time(unfinished)
    return path


def _variables(
    units: pd.DataFrame, names: Mapping[str, str]
) -> tuple[pd.DataFrame, dict[str, str], dict[str, dict[float, str]]]:
    """Return the variables, their labels, and the labels of their values."""
    import pandas as pd

    said = [set(categories) for categories in units["categories"]]
    categories = {_variable(number, category): category for number, category in enumerate(names, 1)}
    own = [name for name in units.columns if name not in UNIT_SCHEMA.names]
    columns: dict[str, Any] = {name: units[name].map(_fitted) for name in _TEXTS}
    columns["statement"] = units["statement"].map({name: number for number, name in enumerate(STATEMENTS, 1)})
    columns["review"] = units["review"].fillna(value=False).astype("int8")
    columns |= {name: [int(category in one) for one in said] for name, category in categories.items()}
    columns |= {f"v{number:02d}": units[name].map(_fitted) for number, name in enumerate(own, 1)}
    labels = {**_TEXTS, "statement": "表述类型", "review": "建议复核"}
    labels |= {name: _label(names[category]) for name, category in categories.items()}
    labels |= {f"v{number:02d}": _label(name) for number, name in enumerate(own, 1)}
    yes: dict[str, dict[float, str]] = {name: {0: "否", 1: "是"} for name in ("review", *categories)}
    statements: dict[float, str] = {number: Statement(name).zh for number, name in enumerate(STATEMENTS, 1)}
    return pd.DataFrame(columns, index=units.index), labels, yes | {"statement": statements}


def _variable(number: int, category: str) -> str:
    """Return a name that SPSS takes, different for each category whatever its id.

    Examples
    --------
    >>> _variable(1, "formalism"), _variable(2, "停车 难")
    ('c01_formalism', 'c02')
    """
    return f"c{number:02d}_{category}" if _PLAIN.fullmatch(category) else f"c{number:02d}"


def _label(text: str) -> str:
    return visible(text)[:80]


def _fitted(text: object) -> str:
    """Return text as an SPSS string holds it."""
    fitted = visible(text) if isinstance(text, str) else ""
    data = fitted.encode()
    if len(data) <= MOST_TEXT:
        return fitted
    return data[: MOST_TEXT - len(CUT.encode())].decode(errors="ignore") + CUT


def _without_time(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(_CREATED.start)
        file.write(b"01 Jan 0000:00:00")
