"""Which row of a sheet is its heading, and which column holds the answers, the id, the respondent, the date.

Usual Chinese and English headings are recognised; where that is not certain, the columns are listed and the user asked.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from ..errors import InputRefused
from ..records import UNIT_SCHEMA
from .lexicon import known_headings, word_lists
from .source import ReadOptions

HEADER_WITHIN = 30
"""A heading is looked for among the first rows."""

SAMPLE_ROWS = 100
"""Rows looked at to tell what columns hold."""

_UNITS = frozenset(UNIT_SCHEMA.names)
_SPACE = re.compile(r"[\s\u3000]+")
_ASKS = re.compile(r"[您你请].*(?:[?？]|什么|哪些|如何|怎样|怎么|意见|建议|看法)")
_QUESTION = re.compile(r"[?？]|什么|哪些|如何|怎样|怎么|为何|请说明|请填写|请谈谈|意见|建议|看法")
_NUMBER = re.compile(r"[-+]?[\d.,/:年月日\s%-]+")
_DATE = re.compile(
    r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})日?(?:[T\s]+(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?)?(?:Z|[+-]\d\d:?\d\d)?"
)
_LETTERS = 26
_NUMBERED = re.compile(r"_\d+$")


@dataclass(frozen=True, slots=True)
class Layout:
    """What the columns of a table mean; numbers are positions from 0."""

    names: tuple[str, ...]
    text: tuple[int, ...]
    id: int | None
    respondent: int | None
    date: int | None
    meta: tuple[tuple[int, str], ...]
    """The other columns and the names their values are kept under."""

    def chosen(self) -> dict[str, list[str]]:
        """Return the headings by what they mean, for the manifest."""
        single = {"id": self.id, "respondent": self.respondent, "date": self.date}
        rest = {key: [self.names[at]] for key, at in single.items() if at is not None}
        return {"text": [self.names[at] for at in self.text], **rest}

    def twins(self) -> list[str]:
        """Return the columns with the same heading as one of the answers, which are none themselves."""
        answers = {self.names[at] for at in self.text}
        others = (name for at, name in enumerate(self.names) if at not in self.text)
        return [name for name in others if _NUMBERED.sub("", name) in answers]


def plain(heading: str) -> str:
    r"""Return a heading without white space and letter case, as headings are compared.

    Examples
    --------
    >>> plain(" 留言 详情\n")
    '留言详情'
    """
    return _SPACE.sub("", heading).lower()


def letters(column: int) -> str:
    """Return the letters a spreadsheet gives a column, from 0.

    Examples
    --------
    >>> letters(0), letters(26)
    ('A', 'AA')
    """
    name = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, _LETTERS)
        name = chr(65 + rest) + name
    return name


def compared(row: Sequence[str]) -> set[str]:
    """Return what the cells of a row are compared by: themselves, and the lower line of a heading of two lines."""
    return {plain(part) for cell in row for part in (cell, _lower(cell))}


def _lower(heading: str) -> str:
    return heading.rsplit("/", 1)[-1]


def header_row(rows: Sequence[Sequence[str]], options: ReadOptions) -> int | None:
    """Find the heading among the first rows of a table.

    The row with most headings that the user named or that are usual, else the first row wide enough whose cells are
    all different words; rows above it are titles.

    Parameters
    ----------
    rows : sequence of sequence of str
        The first rows.
    options : ReadOptions
        The columns that the user named.

    Returns
    -------
    int or None
        Its position; None if the table begins with data at once.

    Examples
    --------
    >>> header_row([["调查结果", "", ""], ["编号", "意见", "年龄"], ["1", "办事难", "30"]], ReadOptions())
    1
    """
    named = {plain(name) for name in named_columns(options)}
    hits = [len(named & compared(row)) for row in rows]
    if any(hits):
        return hits.index(max(hits))
    by_shape = _first_wide(rows)
    hits = [len(known_headings() & compared(row)) for row in rows]
    if by_shape is not None and hits[by_shape]:
        return by_shape
    best = hits.index(max(hits)) if any(hits) else None
    if best is not None and (by_shape is None or hits[best] > 1):
        return best
    return by_shape


def _first_wide(rows: Sequence[Sequence[str]]) -> int | None:
    """Return the first row that is no title (as wide as most), if its cells look like headings."""
    counts = [sum(1 for cell in row if cell.strip()) for row in rows]
    width = max(Counter(filter(None, counts)).most_common(1), default=(1, 0))[0]
    for row, count in zip(rows, counts, strict=True):
        if count >= max(1, width * 0.6):
            cells = [cell.strip() for cell in row if cell.strip()]
            return rows.index(row) if _like_headings(cells) else None
    return None


def _like_headings(cells: list[str]) -> bool:
    """Whether cells are different words and no numbers; a single one has to be a usual heading or ask for something."""
    if len(cells) == 1:
        return plain(cells[0]) in known_headings() or bool(_ASKS.search(cells[0][:200]))
    different = len(set(cells)) == len(cells)
    return different and not any(_NUMBER.fullmatch(cell) or cell.endswith(("。", "！")) for cell in cells)


def named_columns(options: ReadOptions) -> list[str]:
    """All columns that the user named."""
    single = [name for name in (options.id, options.respondent, options.date) if name]
    return [*options.text, *single, *options.by]


def unique_names(headings: Sequence[str]) -> tuple[str, ...]:
    """Give every column a name of its own: an empty one by its letters, an equal one with a number.

    Names that differ only by case are equal: databases take them for one.

    Examples
    --------
    >>> unique_names(["意见", "", "意见", "Dept", "dept"])
    ('意见', 'B列', '意见_2', 'Dept', 'dept_2')
    """
    names: list[str] = []
    taken: set[str] = set()
    for at, heading in enumerate(headings):
        base = _SPACE.sub(" ", heading).strip() or f"{letters(at)}列"
        name, number = base, 1
        while name.lower() in taken:
            number += 1
            name = f"{base}_{number}"
        names.append(name)
        taken.add(name.lower())
    return tuple(names)


def kept_name(name: str) -> str:
    """Return the name under which a column of the user's is kept beside those of the units.

    Examples
    --------
    >>> kept_name("单位"), kept_name("Text")
    ('单位', '原表_Text')
    """
    return f"原表_{name}" if name.lower() in _UNITS else name


def choose(names: Sequence[str], sample: Sequence[Sequence[str]], options: ReadOptions, place: str) -> Layout:
    """Decide what the columns mean.

    Parameters
    ----------
    names : sequence of str
        The headings, all different.
    sample : sequence of sequence of str
        Some rows of data.
    options : ReadOptions
        The columns that the user named.
    place : str
        The file (and sheet), for the message.

    Raises
    ------
    InputRefused
        If a named column is not there, or it is not certain which one holds the answers.

    Examples
    --------
    >>> layout = choose(["留言编号", "留言详情", "区"], [["1", "办事难", "A"]], ReadOptions(), "a.xlsx")
    >>> layout.text, layout.id, layout.meta
    ((1,), 0, ((2, '区'),))
    """
    text = tuple(_named(name, names, sample, place, "text") for name in options.text)
    by = {at for at, name in enumerate(names) if plain(name) in {plain(wanted) for wanted in options.by}}
    usual = word_lists("headings")
    single = {
        key: _named(name, names, sample, place, key) if name else _usual(names, usual[key], set(text))
        for key, name in (("id", options.id), ("respondent", options.respondent), ("date", options.date))
    }
    text = text or _find_text(names, sample, place, {at for at in single.values() if at is not None} | by)
    used = {*text, single["id"], single["respondent"]} - by
    kept = [(at, name) for at, name in enumerate(names) if at not in used]
    own = unique_names([kept_name(name) for _, name in kept])
    meta = tuple((at, name) for (at, _), name in zip(kept, own, strict=True))
    return Layout(tuple(names), text, single["id"], single["respondent"], single["date"], meta)


def _named(name: str, names: Sequence[str], sample: Sequence[Sequence[str]], place: str, option: str) -> int:
    """Return the position of a column that the user named, by its whole name or the last line of a two-line heading."""
    wanted = plain(name)
    for key in (plain, lambda heading: plain(_lower(heading))):
        hits = [at for at, heading in enumerate(names) if key(heading) == wanted]
        if hits:
            return hits[0]
    raise InputRefused(f"{place}：没有“{name}”这一列（--{option}）。\n{listing(names, sample)}\n请把列名改对后再运行。")


def _usual(names: Sequence[str], headings: Sequence[str], taken: set[int]) -> int | None:
    """Return the position of the first of the usual headings that is there."""
    positions = {plain(name): at for at, name in reversed(list(enumerate(names)))}
    hits = (positions[heading] for heading in headings if heading in positions)
    return next((at for at in hits if at not in taken), None)


def _find_text(names: Sequence[str], sample: Sequence[Sequence[str]], place: str, taken: set[int]) -> tuple[int, ...]:
    """Return the column with a usual heading, or all columns whose heading asks the reader and whose cells are free text."""
    ends = [plain(_lower(name)) for name in names]
    for kind in ("text", "text_less"):
        hits = [at for at, name in enumerate(ends) if name in word_lists("headings")[kind] and at not in taken]
        if len(hits) == 1:
            return (hits[0],)
        if hits:
            raise _uncertain(names, sample, place, hits)
    if len(names) == 1:
        return (0,)
    likely = [at for at in range(len(names)) if at not in taken and _free_text(names[at], sample, at)]
    asked = tuple(at for at in likely if _ASKS.search(names[at][:200]))
    if asked and len(asked) == len(likely):
        return asked
    raise _uncertain(names, sample, place, likely)


def _free_text(name: str, sample: Sequence[Sequence[str]], at: int) -> bool:
    """Whether a column looks like free answers: a question above it, or long and mostly different cells."""
    cells = [row[at].strip() for row in sample if at < len(row) and row[at].strip()]
    wordy = [cell for cell in cells if not _NUMBER.fullmatch(cell)]
    if not wordy or len(wordy) * 2 < len(cells):
        return False
    mean = sum(map(len, wordy)) / len(wordy)
    return mean >= 12 or (mean >= 6 and bool(_QUESTION.search(name)) and len(set(wordy)) * 2 > len(wordy))


def _uncertain(
    names: Sequence[str], sample: Sequence[Sequence[str]], place: str, likely: Sequence[int]
) -> InputRefused:
    example = " ".join(f"--text {names[at]}" for at in likely) or "--text 列名"
    hint = "像是回答的有：" + "、".join(names[at] for at in likely) + "。" if likely else ""
    return InputRefused(
        f"{place}：不能确定哪一列是要分析的回答。\n{listing(names, sample)}\n{hint}"
        f"请用 --text 指明（可以写几次），例如：{example}"
    )


def listing(names: Sequence[str], sample: Sequence[Sequence[str]], most: int = 40) -> str:
    """Return the columns, a line each, with a value as sample.

    Examples
    --------
    >>> print(listing(["编号", "意见"], [["1", "办事难"]]))
      编号：例如“1”
      意见：例如“办事难”
    """
    lines = []
    for at, name in enumerate(names[:most]):
        values = (_SPACE.sub(" ", row[at]).strip() for row in sample if at < len(row))
        value = next((value for value in values if value), "")
        lines.append(f"  {name}：例如“{value[:20]}{'…' if len(value) > 20 else ''}”" if value else f"  {name}：（空）")
    more = [f"  ……共 {len(names)} 列"] if len(names) > most else []
    return "\n".join(lines + more)


def iso_date(value: str) -> str:
    """Return a date (and time) as ISO text; what is no date stays as it is.

    Examples
    --------
    >>> iso_date("2019/2/28 11:25:05"), iso_date("2024年3月5日"), iso_date("上周")
    ('2019-02-28 11:25:05', '2024-03-05', '上周')
    """
    match = _DATE.fullmatch(value.strip())
    if not match:
        return value
    year, month, day, hour, minute, second = match.groups()
    date = f"{year}-{int(month):02d}-{int(day):02d}"
    return f"{date} {int(hour):02d}:{minute}:{second or '00'}" if hour else date
