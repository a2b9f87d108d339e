"""Workbooks: every sheet, hidden ones too; headings of two lines, merged cells, formulas' values."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ..errors import InputRefused
from ..records import Reject, Response
from .columns import HEADER_WITHIN, SAMPLE_ROWS, choose, header_row, letters, unique_names
from .rows import RowReader
from .sheetcheck import Valueless, check_workbook
from .source import Notes, ReadOptions, Source, UnreadableError
from .values import cell

_EXACT = 10**15
"""Excel keeps fifteen digits of a number."""


def read_workbook(source: Source, options: ReadOptions, notes: Notes) -> Iterator[Response | Reject]:
    """Read the sheets of a workbook, or the one that the user named."""
    import python_calamine as calamine

    valueless = check_workbook(source.path)
    try:
        with source.path.open("rb") as file:  # by its content: given a path, the library goes by the name's ending
            book = calamine.CalamineWorkbook.from_filelike(file)
    except calamine.PasswordError:
        raise UnreadableError("encrypted", "有密码保护：请用 Excel 打开，去掉密码后另存。") from None
    notes.encoding = "excel"
    names = [meta.name for meta in book.sheets_metadata if meta.typ == calamine.SheetTypeEnum.WorkSheet]
    refusals: list[tuple[str, InputRefused]] = []
    gave = False
    for name in dict.fromkeys(_wanted(names, options.sheet, source.name)):
        notes.containers[name] += 0
        sheet = _Sheet(name, book.get_sheet_by_name(name), valueless.get(name, {}), len(names) > 1)
        try:
            for record in sheet.records(source.name, options, notes):
                gave = True
                yield record
        except InputRefused as error:
            refusals.append((name, error))
    if refusals and not gave:
        raise refusals[0][1]
    for name, count in Counter(names).items():
        if count > 1:
            message = f"有 {count} 张工作表都叫“{name}”，只读了第一张：文件已损坏，请用 Excel 打开修复后另存。"
            yield Reject(source.name, f"工作表“{name}”", "damaged", message)
    for name, refusal in refusals:
        notes.containers[name] += 1
        yield Reject(source.name, f"工作表“{name}”", "no_text_column", str(refusal))


def _wanted(names: list[str], sheet: str | None, file: str) -> list[str]:
    if sheet is None:
        return names
    if sheet in names:
        return [sheet]
    raise InputRefused(f"{file}：没有工作表“{sheet}”（--sheet）。有的是：{'、'.join(names)}。")


@dataclass(frozen=True, slots=True)
class _Sheet:
    name: str
    sheet: Any
    valueless: Valueless
    several: bool
    """Whether the workbook has other sheets."""

    def records(self, file: str, options: ReadOptions, notes: Notes) -> Iterator[Response | Reject]:
        """Return the records of this sheet; none if it is empty."""
        if self.sheet.start is None:
            return
        left = self.sheet.start[1]
        ranges = self.sheet.merged_cell_ranges or []
        merged = _Merged(ranges, left)
        rows = self._rows(notes)
        first = list(itertools.islice(rows, HEADER_WITHIN + SAMPLE_ROWS))
        cells = [row for _, row in first]
        joined = _join_headings(first, _Merged(ranges, left))
        head = header_row([joined.get(at, row) for at, row in enumerate(cells[:HEADER_WITHIN])], options)
        line = joined.get(head, cells[head]) if head is not None else [""] * len(cells[0])
        names = unique_names(line)
        data = 0 if head is None else head + 2 if head in joined else head + 1
        layout = choose(names, cells[data:], options, f"{file} 的工作表“{self.name}”")
        notes.columns = notes.columns or layout.chosen()
        if head and any(map(str.strip, itertools.chain.from_iterable(cells[:head]))):
            notes.warn(f"工作表“{self.name}”第{first[head][0]}行是表头，它上面的行当作标题，没有分类。")
        reader = RowReader(file, self.name if self.several else "", layout, self._place, notes, self.name)
        for number, row in itertools.chain(first[data:], rows):
            covered = merged.fill(number - 1, row, layout.text)
            lost = [at - left for at in self.valueless.get(number - 1, ())]
            yield from reader.read(number, row, covered=covered, valueless=lost)

    def _rows(self, notes: Notes) -> Iterator[tuple[int, list[str]]]:
        """Rows with their numbers as Excel shows them, from the first that is not empty."""
        for number, values in enumerate(self.sheet.iter_rows(), start=1):
            if number > self.sheet.start[0]:
                yield number, [value if type(value) is str else self._cell(value, notes) for value in values]

    def _cell(self, value: Any, notes: Notes) -> str:
        if isinstance(value, float) and abs(value) >= _EXACT:
            notes.warn(f"工作表“{self.name}”里有超过 15 位的数字，Excel 存成数字时末几位已丢失：编号列请设为文本格式。")
        return cell(value)

    def _place(self, number: int, at: int) -> str:
        return f"{self.name}!{letters(self.sheet.start[1] + at)}{number}"


def _join_headings(first: list[tuple[int, list[str]]], merged: _Merged) -> dict[int, list[str]]:
    """Return the first heading that is merged over two lines as one line joined by `/`, and nothing for its second."""
    for at, ((number, line), (_, below)) in enumerate(itertools.pairwise(first[:HEADER_WITHIN])):
        if sum(map(bool, line)) > 1 and merged.two_lines(number - 1):
            top = list(line)
            merged.fill(number - 1, top, range(len(top)))
            pairs = zip(top, below, strict=True)
            names = [f"{a}/{b}" if a and b and a != b else a or b for a, b in pairs]
            return {at: names, at + 1: [""] * len(below)}
    return {}


class _Merged:
    """Merged cells: what a person sees in the rows and columns that one covers.

    Parameters
    ----------
    ranges : list of ((row, column), (row, column))
        First and last cell, from 0.
    left : int
        The sheet's first column.
    """

    def __init__(self, ranges: list[tuple[tuple[int, int], tuple[int, int]]], left: int) -> None:
        self._starts: dict[int, list[tuple[int, int, int]]] = {}
        self._open: dict[int, tuple[int, int, str]] = {}
        for (top, first), (bottom, last) in ranges:
            self._starts.setdefault(top, []).append((first - left, last - left, bottom))

    def two_lines(self, row: int) -> bool:
        """Whether a heading in this row is merged, to the right (over headings of their own) or downwards."""
        return any(last > first or bottom == row + 1 for first, last, bottom in self._starts.get(row, ()))

    def fill(self, row: int, cells: list[str], text: tuple[int, ...] | range) -> list[int]:
        """Write the value into the cells covered (but for the answers of others); return the answers covered."""
        for first, last, bottom in self._starts.get(row, ()):
            for at in range(max(0, first), min(last + 1, len(cells))):
                self._open[at] = (bottom, first, cells[first] if first >= 0 else "")
        if not self._open:
            return []
        covered = []
        for at, (bottom, anchor, value) in list(self._open.items()):
            if row > bottom:
                del self._open[at]
            elif not cells[at] and (at not in text or anchor in text):
                cells[at] = value
                covered.append(at)
        return covered
