"""Rows of a table into responses: one for every cell of a text column, and a reject for every blank one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from ..normalise import normalise
from ..records import Reject, Response
from .columns import Layout, iso_date
from .source import Notes

Place = Callable[[int, int], str]
"""Where a cell is, for a person, by the row's number (from 1) and the column's position (from 0)."""


class RowReader:
    """Turns the rows of one table, one after the other, into responses and rejects.

    Parameters
    ----------
    file : str
        The input's name.
    table : str
        What tells the table's rows from those of others in the file: the sheet's name, or nothing.
    layout : Layout
        What the columns mean.
    place : callable
        Names a cell for a person.
    notes : Notes
        Where records are counted.
    container : str
        The name they are counted under.
    """

    def __init__(self, file: str, table: str, layout: Layout, place: Place, notes: Notes, container: str) -> None:
        self._file = file
        self._prefix = f"{table}!" if table else ""
        self._layout = layout
        self._place = place
        self._notes = notes
        self._container = container
        self._questions = [layout.names[at] for at in layout.text]
        for twin in layout.twins():
            notes.warn(f"“{twin}”与回答的列同名，没有当作回答，只作为附加的列保留：要读它请用 --text 一一指明。")

    def read(
        self,
        number: int,
        cells: Sequence[str],
        extra: dict[str, str] | None = None,
        covered: Sequence[int] = (),
        valueless: Sequence[int] = (),
    ) -> Iterator[Response | Reject]:
        """Give the records of one row; a row whose every cell is blank has none.

        Parameters
        ----------
        number : int
            The row's number in the file, from 1.
        cells : sequence of str
            As many as the layout has names.
        extra : dict, optional
            Further metadata of this row.
        covered : sequence of int
            Positions of cells that belong to a merged cell: no records of their own.
        valueless : sequence of int
            Positions of cells that hold an error, or a formula without its value.
        """
        layout = self._layout
        if not valueless and not any(map(str.strip, cells)):
            return
        if all(cells[at] == layout.names[at] for at in layout.text) and self._repeats_heading(cells):
            yield self._reject(number, layout.text[0], "heading", "是又一次出现的表头，不是回答。", cells)
            return
        own_id = cells[layout.id].strip() if layout.id is not None else ""
        name = cells[layout.respondent].strip() if layout.respondent is not None else ""
        meta = {name: cells[at] for at, name in layout.meta}
        if layout.date is not None:
            self._add_date(meta, cells[layout.date])
        if extra:
            meta.update(extra)
        for at, question in zip(layout.text, self._questions, strict=True):
            if at in covered:
                continue
            self._notes.containers[self._container] += 1
            text = cells[at]
            normal = normalise(text)
            if not normal.strip():
                yield self._blank(number, at, cells, at in valueless)
                continue
            yield Response(
                file=self._file,
                location=self._place(number, at),
                response=own_id or f"{self._prefix}{number}",
                text=text,
                normal=normal,
                respondent=name or f"{self._file}:{own_id or self._prefix + str(number)}",
                question=question,
                meta=dict(meta),
            )

    def _blank(self, number: int, at: int, cells: Sequence[str], valueless: bool) -> Reject:
        heading = self._layout.names[at]
        if not valueless:
            return self._reject(number, at, "empty", f"“{heading}”是空白，没有可分类的内容。", cells)
        message = f"“{heading}”是错误值，或是没有存下结果的公式：请在 Excel 里打开，改正后保存。"
        return self._reject(number, at, "no_value", message, cells)

    def _repeats_heading(self, cells: Sequence[str]) -> bool:
        """Whether the cells are the headings again, or those of another table below with some of the same."""
        again = [cell == name for cell, name in zip(cells, self._layout.names, strict=False) if cell]
        return all(again) or sum(again) > 1

    def _add_date(self, meta: dict[str, str], value: str) -> None:
        for at, name in self._layout.meta:
            if at == self._layout.date:
                meta[name] = iso_date(value)

    def _reject(self, number: int, at: int, reason: str, message: str, cells: Sequence[str]) -> Reject:
        place = self._place(number, at)
        snippet = " ".join(filter(None, (cell.strip() for cell in cells)))[:40]
        return Reject(self._file, place, reason, f"{place}：{message}", snippet)
