"""Results for readers: a workbook, a web page, a Word report."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.tables import Table


def write_reports(
    out: Path,
    told: Path,
    tables: Sequence[Table],
    codebook_names: Mapping[str, str],
    totals: Mapping[str, str | int],
    *,
    by: Sequence[str] = (),
    interviewer: bool = False,
    quality: Sequence[str] = (),
    privacy: str = "",
) -> None:
    """Write `results.xlsx`, `report.html` and `report.docx` of a run.

    Parameters
    ----------
    out : Path
        The run's folder, with its units: the workbook's.
    told : Path
        A folder with the units as the reports show them.
    tables : sequence of Table
        Of `pipeline.tabulate.tabulate`.
    codebook_names : mapping of str to str
        Category id to Chinese name, in order.
    totals : mapping of str to (str or int)
        The run's numbers, by their Chinese names.
    by : sequence of str
        The columns by which units can be filtered.
    interviewer : bool, default False
        Whether the interviewer's turns count too.
    quality : sequence of str
        Sentences on how right the coder is; none where that is unknown.
    privacy : str
        What became of personal data.

    Raises
    ------
    EnvironmentFault
        If a file cannot be written.
    """
    from pipeline.report.page import write_page
    from pipeline.report.pictures import draw_figures
    from pipeline.report.word import write_word
    from pipeline.report.workbook import write_workbook

    write_workbook(out / "results.xlsx", tables, out, codebook_names, {**totals, "个人信息": privacy})
    figures = draw_figures(tables)
    page = partial(write_page, by=by, interviewer=interviewer, privacy=privacy)
    page(out / "report.html", tables, figures, told, codebook_names, totals)
    write_word(out / "report.docx", tables, figures, totals, quality=quality, privacy=privacy)


def quality_of(model: Path, categories: Sequence[str]) -> list[str]:
    """Return what a model's card says on its quality; nothing where it has none, or its cues alone code.

    Parameters
    ----------
    model : Path
        Its folder.
    categories : sequence of str
        The ids of the categories that are coded.
    """
    try:
        card = json.loads((model / "card.json").read_text(encoding="utf-8"))
        return quality_told(card) if list(card["per_category"]) == list(categories) else []
    except (OSError, ValueError, KeyError, TypeError):
        return []


def quality_told(card: Mapping[str, Any]) -> list[str]:
    """Return the sentences on a model's quality for its card's figures; none where the card has no such figures.

    Examples
    --------
    >>> card = {"n": 800, "accuracy": 0.61, "macro_f1": 0.7, "intervals": {"macro_f1": [0.66, 0.74]}}
    >>> quality_told(card)[0]
    '编码所用的模型在800条标注语句上交叉检验：各类别F1的平均值0.70（95%区间0.66—0.74），类别全部判断正确的语句占61.0%。'
    >>> quality_told({})
    []
    """
    try:
        return list(_told(card))
    except (KeyError, TypeError, ValueError):
        return []


def _told(card: Mapping[str, Any]) -> Iterator[str]:
    low, high = card["intervals"]["macro_f1"]
    statements = f"，表述类型判断正确的占{card['statement_accuracy']:.1%}" if "statement_accuracy" in card else ""
    yield (
        f"编码所用的模型在{card['n']}条标注语句上交叉检验：各类别F1的平均值{card['macro_f1']:.2f}"
        f"（95%区间{low:.2f}—{high:.2f}），类别全部判断正确的语句占{card['accuracy']:.1%}{statements}。"
    )
    yield "这是在标注样本上的成绩，本次材料没有与人工编码核对，质量可能不同；"
    yield "引用数字之前，请用 qunyan sample 抽取一部分语句由人核对。"
