"""Categories as data: load a codebook, check it, start a new one.

A codebook is a sheet (.csv or .xlsx) with a row a category and the columns `id`, `name`, `definition`, `include`,
`exclude`, `examples`, `terms`, `topics`, `not_terms` (or their Chinese headings). `terms` name the fault (烂尾, 推诿),
`topics` only its subject (停车位, 公积金): 「没有推诿」 is no problem, 「没有停车位」 is one. Words stand apart
by `；`; rows that begin with `#` are comments.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from pathlib import Path

from pipeline.bookfile import read_rows, write_rows
from pipeline.errors import CodebookRefused, OutputRefused
from pipeline.normalise import normalise
from pipeline.resources import shipped

COLUMNS = {
    "id": "编号",
    "name": "名称",
    "definition": "定义",
    "include": "包括",
    "exclude": "不包括",
    "examples": "例句",
    "terms": "问题词",
    "topics": "话题词",
    "not_terms": "排除词",
}
"""The columns and the Chinese headings that may stand in their place."""

REQUIRED = ("id", "name", "terms")
WORD_COLUMNS = ("terms", "topics", "not_terms")
FATAL = ("missing_column", "no_category", "bad_id", "duplicate_id")
"""Kinds of findings with which a codebook cannot be used; the others are advice."""

_HEADINGS = {zh: name for name, zh in COLUMNS.items()} | {"关键词": "terms", "词语": "terms", "例子": "examples"}
_SEPARATOR = re.compile(r"[；;\r\n]+")
_LIST = re.compile(r"[，。！？,!?]|、.{5,}")
"""Marks that show a list of words written as one; 「脏、乱、差」 is a word."""
_BAD_ID = re.compile(r"[\s；;、,，|/\\:\"'<>]|^[=+\-@#]")
_RESERVED = {"problem", "suggestion", "praise", "neutral", "none", "问题", "建议", "肯定", "陈述", "无"}

_COMMENTS = (
    "# 编码手册：每行一个类别；以 # 开头的行是说明，软件不读。可在 Excel 里修改、增删行，再另存为 .csv 或 .xlsx。",
    "# id 用英文或拼音，不能重复；name 是表格里显示的中文名。definition、include、exclude、examples 写给人看。",
    "# terms：一出现就说明有问题的词语；topics：只点明话题的词语；not_terms：含有上述词语但不算的更长词语。",
    "# 词语之间用“；”隔开。改完运行 qunyan codebook check 文件名，会逐行指出写法上的毛病。",
)


@dataclass(frozen=True, slots=True)
class Category:
    """A category of the codebook."""

    id: str
    name: str
    definition: str = ""
    include: str = ""
    exclude: str = ""
    examples: str = ""
    terms: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    not_terms: tuple[str, ...] = ()


@dataclass(frozen=True)
class Codebook:
    """The categories, in their order.

    Examples
    --------
    >>> book = load()
    >>> book.ids[:2], book.id_of("官僚主义"), book.name_of("formalism")
    (('formalism', 'bureaucratism'), 'bureaucratism', '形式主义')
    """

    categories: tuple[Category, ...]

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids, in the codebook's order."""
        return tuple(category.id for category in self.categories)

    @cached_property
    def names(self) -> dict[str, str]:
        """Id to Chinese name, in order."""
        return {category.id: category.name for category in self.categories}

    @cached_property
    def _lookup(self) -> dict[str, str]:
        return {category.name.lower(): category.id for category in self.categories} | {i.lower(): i for i in self.ids}

    def id_of(self, name: str) -> str:
        """Return the id of an id or Chinese name (spaces around it, case and full-width letters do not matter).

        Raises
        ------
        KeyError
            If the codebook has no such category.
        """
        return self._lookup[_tidy(name).lower()]

    def name_of(self, category: str) -> str:
        """Return the Chinese name of an id."""
        return self.names[category]

    @cached_property
    def fingerprint(self) -> str:
        """Sha256 of the canonical content: equal codebooks in other files or formats have equal fingerprints."""
        content = json.dumps([asdict(category) for category in self.categories], ensure_ascii=False, sort_keys=True)
        return hashlib.sha256(content.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Finding:
    """What `check` found: the row as Excel counts it (0: the whole file), a short kind, a sentence."""

    line: int
    kind: str
    sentence: str


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    cells: dict[str, str]

    def words(self, column: str) -> list[str]:
        """Return the words of a cell as written, but for what reading makes equal."""
        return [word for word in map(_tidy, _SEPARATOR.split(self.cells.get(column, ""))) if word]


def load(path: str | Path | None = None) -> Codebook:
    """Read a codebook; the built-in one when no path is given.

    Parameters
    ----------
    path : str or Path, optional
        A `.csv` (UTF-8 or GB18030) or `.xlsx` file.

    Raises
    ------
    CodebookRefused
        If the file cannot be read or does not hold together; the message names the row and the cure.

    Examples
    --------
    >>> len(load().categories)
    13
    """
    path = Path(path) if path else shipped("lexicons/codebook.csv")
    heads, rows = _read(path)
    for finding in _structure(heads, rows):
        if finding.kind in FATAL:
            raise CodebookRefused(f"编码手册 {path.name}{_place(finding.line)}：{finding.sentence}")
    return Codebook(tuple(_category(row) for row in rows))


def of_labels(labels: Iterable[str]) -> Codebook:
    """Return the codebook that a column of single labels amounts to: a category a label, sorted, without terms.

    Examples
    --------
    >>> of_labels(["环保", "交通", "环保"]).ids
    ('交通', '环保')
    """
    return Codebook(
        tuple(Category(id=label, name=label) for label in sorted({_tidy(label) for label in labels} - {""}))
    )


def new(path: str | Path) -> Path:
    """Write the built-in codebook with comments, to start one's own from.

    Raises
    ------
    OutputRefused
        If the file exists: a codebook somebody has worked on is never overwritten.
    CodebookRefused
        If the name ends neither in `.csv` nor in `.xlsx`.
    """
    path = Path(path)
    if path.exists():
        raise OutputRefused(f"{path} 已存在，为免覆盖您的修改没有写入；请换一个文件名。")
    return save(load(), path, comments=_COMMENTS)


def save(codebook: Codebook, path: str | Path, comments: Iterable[str] = ()) -> Path:
    """Write a codebook as `.csv` (UTF-8 with BOM) or `.xlsx`; `load` reads it back unchanged."""
    path = Path(path)
    rows = [[line] for line in comments] + [list(COLUMNS)] + [_cells(category) for category in codebook.categories]
    write_rows(path, rows)
    return path


def check(path: str | Path) -> list[Finding]:
    """Return what is wrong or doubtful in a codebook file, in the order of its rows.

    Kinds: `missing_column`, `unknown_column`, `no_category`, `bad_id`, `duplicate_id`, `empty_category`,
    `duplicate_term`, `shared_term`, `term_never_matches`, `hidden_term`; those of `FATAL` keep the codebook from
    being used.

    Raises
    ------
    CodebookRefused
        If the file cannot be read at all.
    """
    heads, rows = _read(Path(path))
    return sorted([*_structure(heads, rows), *_terms(rows)], key=lambda finding: finding.line)


def _tidy(text: str) -> str:
    return normalise(text).strip()


def _place(line: int) -> str:
    return f" 第{line}行" if line else ""


def _category(row: _Row) -> Category:
    words = {column: tuple(dict.fromkeys(row.words(column))) for column in WORD_COLUMNS}
    plain = {column: _tidy(row.cells.get(column, "")) for column in COLUMNS if column not in WORD_COLUMNS}
    return Category(**plain, **words)  # type: ignore[arg-type]


def _cells(category: Category) -> list[str]:
    values = (getattr(category, field.name) for field in fields(category))
    return ["；".join(value) if isinstance(value, tuple) else value for value in values]


def _read(path: Path) -> tuple[list[str], list[_Row]]:
    """Return the headings (ids where known) and the rows below them, without comments and empty rows."""
    table = [(line, cells) for line, cells in read_rows(path) if any(cells) and not cells[0].startswith("#")]
    if not table:
        raise CodebookRefused(f"编码手册 {path.name} 是空的；用 qunyan codebook new 文件名 可以得到一份起步的手册。")
    heads = [_heading(cell) for cell in table[0][1]]
    rows = [_Row(line, dict(zip(heads, cells, strict=False))) for line, cells in table[1:]]
    return heads, rows


def _heading(cell: str) -> str:
    return _HEADINGS.get(cell, cell.lower())


# Checking


def _structure(heads: list[str], rows: list[_Row]) -> Iterator[Finding]:
    """Yield what is wrong with columns, ids and names."""
    for column in REQUIRED:
        if column not in heads:
            yield Finding(0, "missing_column", f"缺少“{column}”（{COLUMNS[column]}）一列；请在表头补上这一列。")
    for head in heads:
        if head and head not in COLUMNS:
            yield Finding(
                0, "unknown_column", f"不认识“{head}”一列，软件不读它；若是笔误请改成 {'、'.join(COLUMNS)} 之一。"
            )
    if not rows:
        yield Finding(0, "no_category", "表头下面一个类别也没有；请每行写一个类别。")
    seen: dict[str, int] = {}
    for row in rows:
        yield from _identity(row, seen)
        if not row.words("terms") and not row.words("topics"):
            yield Finding(
                row.line,
                "empty_category",
                f"类别“{row.cells.get('name', '')}”没有词语，只能靠模型识别；可在 terms 里补。",
            )


def _identity(row: _Row, seen: dict[str, int]) -> Iterator[Finding]:
    """Yield what is wrong with the id and the name of a row; `seen` holds the lines of those before it."""
    own = {row.cells.get("id", ""), row.cells.get("name", "")}
    for column, value in (("id", row.cells.get("id", "")), ("name", row.cells.get("name", ""))):
        if not value:
            yield Finding(row.line, "bad_id", f"{column} 是空的；请填上（id 用英文或拼音，name 用中文名）。")
        elif column == "id" and (_BAD_ID.search(value) or len(value) > 40):
            yield Finding(
                row.line,
                "bad_id",
                f"id“{value[:40]}”含有空格、标点或太长；请改成 40 个以内的字母、数字、下划线或汉字。",
            )
        elif value.lower() in _RESERVED:
            yield Finding(row.line, "bad_id", f"“{value}”是表述类型或“无”的名称，不能作类别的 {column}；请换一个。")
    for value in sorted(own - {""}):
        if value.lower() in seen:
            yield Finding(row.line, "duplicate_id", f"“{value}”与第{seen[value.lower()]}行重复；请改名或合并两行。")
        seen.setdefault(value.lower(), row.line)


def _terms(rows: list[_Row]) -> Iterator[Finding]:
    """Yield what is doubtful in the words of all categories."""
    owners: dict[str, list[str]] = {}
    for row in rows:
        for term in dict.fromkeys([*row.words("terms"), *row.words("topics")]):
            owners.setdefault(term, []).append(row.cells.get("name", ""))
    hiders = {word for row in rows for word in row.words("not_terms")}
    for row in rows:
        yield from _row_terms(row, owners, hiders)


def _row_terms(row: _Row, owners: dict[str, list[str]], hiders: set[str]) -> Iterator[Finding]:
    name = row.cells.get("name", "")
    terms = [*row.words("terms"), *row.words("topics")]
    for term, count in Counter(terms).items():
        if count > 1:
            yield Finding(row.line, "duplicate_term", f"“{term}”在“{name}”里写了 {count} 次；留一个即可。")
        others = [owner for owner in owners[term] if owner != name]
        if others:
            yield Finding(
                row.line, "shared_term", f"“{term}”同时属于“{name}”和“{'”“'.join(others)}”；确是两类都编就不用改。"
            )
        if term in hiders:
            yield Finding(row.line, "term_never_matches", f"“{term}”同时写在排除词里，永远不会算数；请去掉一处。")
        elif _LIST.search(term):
            yield Finding(row.line, "term_never_matches", f"“{term}”里有标点，多半不会原样出现；词语之间请用“；”隔开。")
    for word in dict.fromkeys(row.words("not_terms")):
        yield from _hidden(row, word, owners)


def _hidden(row: _Row, word: str, owners: dict[str, list[str]]) -> Iterator[Finding]:
    """Yield the doubts about an excluded word: it hides nothing, or hides other categories' terms."""
    name = row.cells.get("name", "")
    inside = [term for term in owners if term in word]
    if not any(name in owners[term] for term in inside):
        yield Finding(row.line, "hidden_term", f"排除词“{word}”里不含“{name}”的任何词语，不起作用；可以删去。")
    foreign = [term for term in inside if name not in owners[term]]
    if foreign:
        yield Finding(
            row.line, "hidden_term", f"排除词“{word}”会连带挡住别的类别的“{'”“'.join(foreign)}”；若不想挡请改短。"
        )
