"""Agreement of coders who labelled the same units, a category and for the statement; the disagreements as a sheet.

Krippendorff's alpha by the package of his name, Cohen's kappa (mean over pairs) by scikit-learn, Gwet's AC1 by his formula:
(pa - pe) / (1 - pe), where pe = sum(p_k (1 - p_k)) / (q - 1) over the q values' mean shares. Intervals are percentile
bootstraps over units.

References
----------
Krippendorff (2011). Computing Krippendorff's alpha-reliability. Cohen (1960). A coefficient of agreement for nominal scales.
Gwet (2008). Computing inter-rater reliability and its variance in the presence of high agreement. BJMSP 61, 29-48.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.codebook import Codebook
from pipeline.errors import LabelsRefused
from pipeline.labels import LabelOptions, Labels, read_labels
from pipeline.labelsheet import Item, write_sheet
from pipeline.marks import tidy
from pipeline.records import STATEMENTS, Statement

ROUNDS = 200
RELIABLE, TENTATIVE = 0.8, 0.667
"""Krippendorff's marks: from 0.8 on reliable, from 0.667 on for tentative conclusions."""

Codes = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Agreement:
    """The agreement on one category, or on the statement."""

    label: str
    name: str
    alpha: float
    low: float
    high: float
    kappa: float
    ac1: float
    percent: float
    units: int

    @property
    def reading(self) -> str:
        """What the alpha means, in plain words."""
        if np.isnan(self.alpha):
            return "没人用过，无法判断"
        if self.alpha >= RELIABLE:
            return "可靠"
        return "勉强可用，结论要谨慎" if self.alpha >= TENTATIVE else "不可靠，请统一标准后重标"


@dataclass(frozen=True, slots=True)
class Comparison:
    """What several people said of the units that at least two of them labelled."""

    coders: tuple[str, ...]
    codebook: Codebook
    keys: tuple[str, ...]
    texts: tuple[str, ...]
    marks: tuple[dict[int, tuple[str, tuple[str, ...]]], ...]
    """Of each unit: coder's number to statement and categories."""
    exclusive: bool = False
    warnings: tuple[str, ...] = ()


def compare(paths: Sequence[Path], codebook: Codebook | None, options: LabelOptions | None = None) -> Comparison:
    """Read the sheets of several coders, a sheet each.

    Raises
    ------
    LabelsRefused
        If there is one sheet only, or no unit that two coders labelled.
    """
    if len(paths) < 2:
        raise LabelsRefused("要比较至少两位标注者的表：请给出两个或更多文件。")
    sheets = [read_labels([path], codebook, options) for path in paths]
    with_ids = [_has_ids(sheet) for sheet in sheets]
    own_ids = all(with_ids)
    warnings = [warning for sheet in sheets for warning in sheet.warnings]
    if any(with_ids) and not own_ids:
        lost = "、".join(path.name for path, has in zip(paths, with_ids, strict=True) if not has)
        warnings.append(f"{lost} 的“编号”列丢了或有重复，改按文字配对：文字相同的几句会当成一句。")
    units: dict[str, dict[int, tuple[str, tuple[str, ...]]]] = {}
    texts: dict[str, str] = {}
    for coder, sheet in enumerate(sheets):
        for row, text in enumerate(sheet.texts):
            key = sheet.ids[row] if own_ids else tidy(text)
            units.setdefault(key, {})[coder] = (sheet.statements[row], sheet.categories[row])
            texts.setdefault(key, text)
    keys = [key for key, said in units.items() if len(said) > 1]
    if not keys:
        raise LabelsRefused("这些表里没有一句是两个人都标过的：请确认是同一批句子（文字或编号相同）。")
    book = codebook or _book(sheets)
    marks = tuple(units[key] for key in keys)
    names = tuple(path.stem for path in paths)
    found = tuple(texts[key] for key in keys)
    return Comparison(names, book, tuple(keys), found, marks, codebook is None, tuple(warnings))


def _has_ids(sheet: Labels) -> bool:
    return all(len(key) == 16 and key.startswith("q") for key in sheet.ids) and len(set(sheet.ids)) == len(sheet)


def _book(sheets: Sequence[Labels]) -> Codebook:
    from pipeline.codebook import of_labels

    return of_labels(label for sheet in sheets for row in sheet.categories for label in row)


def agreements(comparison: Comparison, seed: int = 0) -> list[Agreement]:
    """Return the agreement for the statement and each category (or for the label, where there is one a row)."""
    if comparison.exclusive:
        ids = comparison.codebook.ids
        return [_agreement("label", "标签", _codes(comparison, lambda mark: float(ids.index(mark[1][0]))), seed)]
    kinds = _codes(comparison, lambda mark: float(STATEMENTS.index(mark[0])) if mark[0] else np.nan)
    out = [_agreement("statement", "表述类型", kinds, seed)]
    for category, name in comparison.codebook.names.items():
        codes = _codes(comparison, lambda mark, category=category: float(category in mark[1]))
        out.append(_agreement(category, name, codes, seed))
    return out


def _codes(comparison: Comparison, value: Any) -> Codes:
    """Return values, (coders, units), nan where a coder did not label a unit."""
    codes = np.full((len(comparison.coders), len(comparison.keys)), np.nan)
    for unit, said in enumerate(comparison.marks):
        for coder, mark in said.items():
            codes[coder, unit] = value(mark)
    return codes


def _agreement(label: str, name: str, codes: Codes, seed: int) -> Agreement:
    codes = codes[:, (~np.isnan(codes)).sum(axis=0) > 1]
    if not codes.size or len(np.unique(codes[~np.isnan(codes)])) < 2:
        nan = float("nan")
        percent = 1.0 if codes.size else nan
        return Agreement(label, name, nan, nan, nan, nan, nan, percent, codes.shape[1])
    counts = np.stack([(codes == value).sum(axis=0) for value in np.unique(codes[~np.isnan(codes)])], axis=1)
    draw = np.random.default_rng(seed)
    rows = [draw.integers(0, len(counts), len(counts)) for _ in range(ROUNDS)]
    alphas = [alpha(counts[row]) for row in rows]
    low, high = np.nanpercentile(alphas, [2.5, 97.5]) if np.isfinite(alphas).any() else (np.nan, np.nan)
    return Agreement(
        label,
        name,
        alpha(counts),
        float(low),
        float(high),
        kappa(codes),
        ac1(counts),
        percent_agreement(counts),
        len(counts),
    )


def alpha(counts: NDArray[Any]) -> float:
    """Return Krippendorff's alpha, nominal, from how many coders gave each unit each value, (units, values).

    Examples
    --------
    >>> round(alpha(np.array([[2, 0], [0, 2], [1, 1], [2, 0]])), 3)
    0.533
    """
    import krippendorff

    if ((counts > 0).sum(axis=0) > 0).sum() < 2:
        return float("nan")
    return float(krippendorff.alpha(value_counts=counts, level_of_measurement="nominal"))


def kappa(codes: Codes) -> float:
    """Return the mean of Cohen's kappa over the pairs of coders who share units."""
    from sklearn.metrics import cohen_kappa_score

    found = []
    for first, second in itertools.combinations(codes, 2):
        both = ~np.isnan(first) & ~np.isnan(second)
        if both.any() and len(np.unique(np.r_[first[both], second[both]])) > 1:
            found.append(cohen_kappa_score(first[both].astype(int), second[both].astype(int)))
    return float(np.mean(found)) if found else float("nan")


def percent_agreement(counts: NDArray[Any]) -> float:
    """Return the share of pairs of coders who agree, the mean over units."""
    coders = counts.sum(axis=1)
    return float(((counts * (counts - 1)).sum(axis=1) / (coders * (coders - 1))).mean())


def ac1(counts: NDArray[Any]) -> float:
    """Return Gwet's AC1.

    Examples
    --------
    >>> round(ac1(np.array([[2, 0], [0, 2], [1, 1], [2, 0]])), 3)
    0.529
    """
    share = (counts / counts.sum(axis=1, keepdims=True)).mean(axis=0)
    chance = float((share * (1 - share)).sum() / (len(share) - 1))
    return (percent_agreement(counts) - chance) / (1 - chance)


def write_disagreements(comparison: Comparison, path: Path, *, force: bool = False) -> int:
    """Write a workbook to settle: disagreements first, empty, then what was agreed, filled in; it trains as it is.

    Returns
    -------
    int
        How many units are to be settled.
    """
    open_items, settled = [], []
    for key, text, said in zip(comparison.keys, comparison.texts, comparison.marks, strict=True):
        told = {name: _shown(said.get(coder), comparison) for coder, name in enumerate(_heads(comparison))}
        if len(set(said.values())) == 1:
            statement, categories = next(iter(said.values()))
            settled.append(Item(key, text, {"情况": "一致"} | told, {}, statement, categories))
        else:
            open_items.append(Item(key, text, {"情况": "待定"} | told))
    write_sheet(path, [*open_items, *settled], comparison.codebook, exclusive=comparison.exclusive, force=force)
    return len(open_items)


def _heads(comparison: Comparison) -> list[str]:
    return [f"标注者{number}（{name}）" for number, name in enumerate(comparison.coders, 1)]


def _shown(mark: tuple[str, tuple[str, ...]] | None, comparison: Comparison) -> str:
    if mark is None:
        return "（没有标）"
    names = "、".join(map(comparison.codebook.name_of, mark[1])) or "无"
    return f"{Statement(mark[0]).zh}：{names}" if mark[0] else names
