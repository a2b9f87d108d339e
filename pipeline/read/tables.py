"""Text tables: delimiter, quotes, ragged rows; the damage of an unclosed quote stays with its own row."""

from __future__ import annotations

import csv
import itertools
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import InputRefused
from ..records import Reject, Response
from .columns import (
    HEADER_WITHIN,
    SAMPLE_ROWS,
    Layout,
    choose,
    compared,
    header_row,
    named_columns,
    plain,
    unique_names,
)
from .encoding import detect, lines
from .lexicon import known_headings
from .rows import Place, RowReader
from .source import Notes, ReadOptions, Source

LINES_IN_A_CELL = 1000
"""A quoted cell with more lines is taken for an unclosed quote (a cell of Excel holds 32,767 characters)."""

_DELIMITERS = ",\t;|"
_NONE = "\x1f"
_SNIFFED = 200
_AGREEMENT = 0.4
_FIELD_LIMIT = 1 << 30


@dataclass(frozen=True, slots=True)
class Shape:
    """How a text table is written: its delimiter and the usual number of cells in a row."""

    delimiter: str
    width: int


@dataclass(frozen=True, slots=True)
class Broken:
    """A row that cannot be read, and its first line."""

    line: str


def read_csv(source: Source, options: ReadOptions, notes: Notes) -> Iterator[Response | Reject]:
    """Read a text table (`.csv`, `.tsv`) row by row."""
    encoding = detect(source.path, options.encoding)
    notes.encoding = encoding.name
    if encoding.warning:
        notes.warn(encoding.warning)
    text = lines(source.path, encoding)
    first = list(itertools.islice(text, _SNIFFED))
    declared = declared_delimiter(first[0] if first else "")
    skipped = 1 if declared else 0
    named = frozenset(map(plain, named_columns(options)))
    shape = sniff(first[skipped:], declared or _DELIMITERS, known_headings() | named)
    rows = split_rows(itertools.chain(first[skipped:], text), shape)
    yield from table_records(enumerate(rows, start=1 + skipped), source.name, options, notes)


def declared_delimiter(line: str) -> str:
    r"""Return the delimiter that Excel's own first line (`sep=;`) names.

    Examples
    --------
    >>> declared_delimiter("sep=;\n"), declared_delimiter("编号;意见")
    (';', '')
    """
    line = line.strip("\r\n")
    return line[4] if line.lower().startswith("sep=") and len(line) == 5 else ""


def sniff(first: list[str], delimiters: str = _DELIMITERS, headings: frozenset[str] | None = None) -> Shape:
    r"""Find the delimiter under which most of the first rows have the same number of cells, more than one.

    Parameters
    ----------
    first : list of str
        The first lines.
    delimiters : str
        Those to choose from, one character each.
    headings : frozenset of str, optional
        Headings that are usual or that the user named, as `plain` gives them; the usual ones when not given.

    Returns
    -------
    Shape
        Its delimiter is a character that stands nowhere if the table has a single column.

    Examples
    --------
    >>> sniff(["编号;意见\n", "1;办事难,人多\n", "2;好\n"])
    Shape(delimiter=';', width=2)
    """
    headings = known_headings() if headings is None else headings
    scored = [(*_agreement(first, delimiter, headings), delimiter) for delimiter in delimiters]
    share, width, best = max(scored)
    return Shape(best, width) if share else Shape(_NONE, 1)


def _agreement(first: list[str], delimiter: str, headings: frozenset[str]) -> tuple[float, int]:
    """Return how well a delimiter fits, and the number of cells it makes; 0 where rows hardly agree.

    The share of rows with the commonest number of cells, plus the number of known headings in one row.
    """
    try:
        rows = [row for row in csv.reader(first, delimiter=delimiter) if row]
    except csv.Error:
        return 0.0, 1
    widths = Counter(map(len, rows))
    head = next((row for row in rows[:HEADER_WITHIN] if headings & compared(row)), [])
    if len(head) > 1:
        return widths[len(head)] / len(rows) + len(headings & compared(head)), len(head)
    width, agreeing = max(widths.items(), key=lambda item: (item[1], item[0]), default=(1, 0))
    share = agreeing / max(1, len(rows))
    return (share, width) if width > 1 and share >= _AGREEMENT else (0.0, 1)


def split_rows(text: Iterator[str], shape: Shape) -> Iterator[list[str] | Broken]:
    r"""Split lines into rows of cells; a row with a quote that does not close costs that line only.

    Parameters
    ----------
    text : iterator of str
        Lines with their line ends.
    shape : Shape
        Delimiter and usual number of cells.

    Yields
    ------
    list of str or Broken
        A row (empty for a blank line), or a line that cannot be read.

    Examples
    --------
    >>> list(split_rows(iter(["1,a\n", '2,"b\n', "3,c\n"]), Shape(",", 2)))
    [['1', 'a'], Broken(line='2,"b\n'), ['3', 'c']]
    """
    csv.field_size_limit(_FIELD_LIMIT)
    waiting: deque[str] = deque()
    taken: list[str] = []
    more = True
    while more:
        reader = csv.reader(_feed(text, waiting, taken), delimiter=shape.delimiter, strict=True)
        more = False
        try:
            for row in reader:
                if len(taken) > 1 and len(row) != shape.width:
                    raise csv.Error("a quote swallowed the rows that follow")
                taken.clear()
                yield row
        except csv.Error:
            yield Broken(taken[0])
            waiting.extendleft(reversed(taken[1:]))
            taken.clear()
            more = True


def _feed(text: Iterator[str], waiting: deque[str], taken: list[str]) -> Iterator[str]:
    """Hand out lines, those given back first, and note which were taken for the row being read."""
    while True:
        line = waiting.popleft() if waiting else next(text, None)
        if line is None:
            return
        taken.append(line)
        if len(taken) > LINES_IN_A_CELL:
            raise csv.Error("too many lines in one cell")
        yield line


def table_records(
    rows: Iterator[tuple[int, list[str] | Broken]], file: str, options: ReadOptions, notes: Notes
) -> Iterator[Response | Reject]:
    """Turn numbered rows, the heading among the first of them, into records."""
    first = list(itertools.islice(rows, HEADER_WITHIN + SAMPLE_ROWS))
    table = [row for _, row in first if isinstance(row, list)]
    if not any(map(str.strip, itertools.chain.from_iterable(table))):
        return
    head = header_row(table[:HEADER_WITHIN], options)
    above = _position(first, head) if head is not None else 0
    headings = table[head] if head is not None else [""] * _width(table)
    names = unique_names(_trimmed(headings, _width(table)))
    try:
        layout = choose(names, table[(head or 0) + 1 :], options, file)
    except InputRefused as refusal:
        raise _with_damage(refusal, first) from None
    notes.columns = layout.chosen()
    if above and any(map(str.strip, itertools.chain.from_iterable(table[:head]))):
        notes.warn(f"第{first[above][0]}行是表头，它上面的行当作标题，没有分类。")
    data = first[above + 1 :] if head is not None else first
    reader = RowReader(file, "", layout, line_place(layout), notes, "表格")
    for number, row in itertools.chain(data, rows):
        yield from _record(number, row, reader, file, len(names), notes)


def _with_damage(refusal: InputRefused, first: list[tuple[int, list[str] | Broken]]) -> InputRefused:
    """Say, too, that one of the first rows cannot be read: it may be the heading."""
    broken = next((number for number, row in first[:HEADER_WITHIN] if isinstance(row, Broken)), 0)
    more = f"\n第{broken}行的引号没有成对，读不出；如果那是表头，请先在原表里改正。" if broken else ""
    return InputRefused(f"{refusal}{more}")


def _position(first: list[tuple[int, list[str] | Broken]], head: int) -> int:
    """Where the `head`-th readable row is among all rows."""
    readable = [at for at, (_, row) in enumerate(first) if isinstance(row, list)]
    return readable[head]


def _width(table: list[list[str]]) -> int:
    counts = Counter(len(row) for row in table if row)
    return counts.most_common(1)[0][0] if counts else 1


def _trimmed(headings: list[str], width: int) -> list[str]:
    """Headings without the empty ones beyond the table's width."""
    while len(headings) > width and not headings[-1].strip():
        headings = headings[:-1]
    return headings


def line_place(layout: Layout) -> Place:
    """Name a cell by its row's number, and by its column where several are read."""
    if len(layout.text) == 1:
        return lambda number, _: f"第{number}行"
    return lambda number, at: f"第{number}行“{layout.names[at]}”"


def _record(
    number: int, row: list[str] | Broken, reader: RowReader, file: str, width: int, notes: Notes
) -> Iterator[Response | Reject]:
    if isinstance(row, Broken):
        notes.containers["表格"] += 1
        message = f"第{number}行的引号没有成对，这一行读不出：请在原表里补上或去掉多余的英文引号。"
        yield Reject(file, f"第{number}行", "quote", message, row.line[:40].strip())
        return
    if len(row) != width:
        if not any(map(str.strip, row)):
            return
        if any(map(str.strip, row[width:])) or len(row) < width:
            notes.containers["表格"] += 1
            message = (
                f"第{number}行有 {len(row)} 格，表头有 {width} 格：多半是内容里有分隔符而没有加引号，请在原表里改正。"
            )
            yield Reject(file, f"第{number}行", "row_shape", message, " ".join(row)[:40])
            return
    yield from reader.read(number, row)
