"""What a labeller's cells mean: statement types, lists of categories, ticks, a main category."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pipeline.codebook import Codebook
from pipeline.normalise import normalise
from pipeline.records import Statement

NO_CATEGORY = frozenset({"无", "无类别", "没有", "none"})
"""What a labeller writes for `no category`; an empty cell means `not labelled`."""

STATEMENT_HEADS = ("statement", "表述类型", "表述", "类型")
CATEGORY_HEADS = ("categories", "类别", "问题类别", "category")
MAIN_HEADS = ("主类别", "main_category")

TICK = "✓"
_YES = frozenset({"1", "✓", "✔", "√", "☑", "是", "对", "有", "y", "yes", "true", "t"})
_NO = frozenset({"", "0", "否", "无", "n", "no", "false", "f", "□", "☐", "-", "—"})
_SEPARATOR = re.compile(r"[;；、,，\n|]")
_SPACE = re.compile(r"\s+")


def tidy(text: str) -> str:
    """Return a cell as labels are compared: one width, no space around, single spaces within.

    Examples
    --------
    >>> tidy(" ＡＰＰ　问题 ")
    'APP 问题'
    """
    return _SPACE.sub(" ", normalise(text)).strip()


@dataclass(frozen=True, slots=True)
class Fault:
    """A cell that was not understood: its column and a sentence without the place."""

    column: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Heads:
    """Which columns of a sheet hold labels for a codebook."""

    statement: str | None
    categories: str | None
    main: str | None
    ticks: Mapping[str, str] = field(default_factory=dict)
    """Column to category id."""

    @classmethod
    def of(cls, columns: Sequence[str], codebook: Codebook) -> Heads:
        """Find the label columns by their headings.

        Examples
        --------
        >>> from pipeline.codebook import load
        >>> Heads.of(["表述类型", "主类别", "形式主义"], load()).ticks
        {'形式主义': 'formalism'}
        """
        plain = {bare(column).lower(): column for column in reversed(columns)}
        named = {_lookup(codebook, name): column for name, column in reversed(plain.items())}
        ticks = {column: category for category, column in named.items() if category}
        ticks = {column: ticks[column] for column in columns if column in ticks}
        statement, categories, main = (_first(plain, heads) for heads in (STATEMENT_HEADS, CATEGORY_HEADS, MAIN_HEADS))
        return cls(statement, categories, main, ticks)

    @property
    def any_category(self) -> bool:
        """Whether a column holds categories."""
        return bool(self.categories or self.main or self.ticks)


def bare(column: str) -> str:
    """Return a column's own heading; reading puts `原表_` before names that the units table uses itself."""
    return tidy(column).removeprefix("原表_")


@dataclass(frozen=True, slots=True)
class Mark:
    """What one row's cells say; `categories` is None where nobody labelled them, `statement` is then empty."""

    statement: str
    categories: tuple[str, ...] | None
    faults: tuple[Fault, ...] = ()


def read_mark(cells: Mapping[str, str], heads: Heads, codebook: Codebook) -> Mark:
    """Return what the cells of a row say.

    Parameters
    ----------
    cells : mapping of str to str
        Column to cell.
    heads : Heads
        Which columns hold labels.
    codebook : Codebook
        Names the categories.

    Examples
    --------
    >>> from pipeline.codebook import load
    >>> heads = Heads.of(["类型", "类别"], load())
    >>> read_mark({"类型": "问题 ", "类别": "形式主义；保障不足"}, heads, load())
    Mark(statement='problem', categories=('formalism', 'resources'), faults=())
    """
    faults: list[Fault] = []
    statement = _statement(cells, heads, faults)
    named = [*_listed(cells, heads, codebook, faults), *_ticked(cells, heads, faults)]
    written = any(tidy(cells.get(column, "")) for column in (heads.categories, heads.main) if column)
    done = bool(named) or written or bool(heads.ticks and not heads.categories and statement)
    found = tuple(category for category in codebook.ids if category in named)
    return Mark(statement, found if done else None, tuple(faults))


def _statement(cells: Mapping[str, str], heads: Heads, faults: list[Fault]) -> str:
    cell = tidy(cells.get(heads.statement or "", ""))
    if not heads.statement or not cell:
        return ""
    try:
        return Statement.of(cell).value
    except ValueError:
        faults.append(Fault(heads.statement, f"不认识的表述类型“{cell[:30]}”，应是 问题、建议、肯定、陈述 之一"))
        return ""


def _listed(cells: Mapping[str, str], heads: Heads, codebook: Codebook, faults: list[Fault]) -> Iterator[str]:
    for column in filter(None, (heads.categories, heads.main)):
        for part in filter(None, map(tidy, _SEPARATOR.split(cells.get(column, "")))):
            category = _lookup(codebook, part)
            if category:
                yield category
            elif part.lower() not in NO_CATEGORY:
                faults.append(Fault(column, f"编码手册里没有类别“{part[:30]}”，请改成手册里的名称或编号"))


def _ticked(cells: Mapping[str, str], heads: Heads, faults: list[Fault]) -> Iterator[str]:
    for column, category in heads.ticks.items():
        cell = tidy(cells.get(column, "")).lower().removesuffix(".0")
        if cell in _YES:
            yield category
        elif cell not in _NO:
            faults.append(Fault(column, f"“{cell[:30]}”看不出是选了还是没选，请写 ✓ 或留空"))


def _lookup(codebook: Codebook, name: str) -> str | None:
    try:
        return codebook.id_of(name)
    except KeyError:
        return None


def _first(plain: Mapping[str, str], heads: Sequence[str]) -> str | None:
    return next((plain[head] for head in heads if head in plain), None)
