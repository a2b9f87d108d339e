"""What is checked in an xlsx before a library opens it: its size unpacked, sparse sheets, cells without a value."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable
from pathlib import Path

from .archive import open_archive, pieces, relations, xml
from .source import UnreadableError

UNPACKED_BYTES = 4 << 30
"""A workbook of a million long messages unpacks to about one gigabyte."""

PLACES = 20_000_000
"""The library makes room (32 bytes) for every place from the first cell to the last: so many at least are allowed."""

PLACES_PER_BYTE = 4
"""Beyond `PLACES`, so many places for each byte of the sheet: an honest cell takes ten bytes and more."""

_CELL = re.compile(rb'\br\s*=\s*["\']([A-Za-z]{0,3})([0-9]{1,7})["\']')
_VALUELESS = re.compile(
    rb'<c\s[^<>]*?\br="([A-Z]{1,3})([0-9]{1,7})"'
    rb'(?:[^<>]*?\bt="e"|[^<>]*>\s*<f\b(?:[^<>]*/>|[^<>]*>[^<]*</f>)\s*(?:<v\s*/>|<v>\s*</v>)?\s*</c>)'
)
_OVERLAP = 4096
_MOST_VALUELESS = 100_000
_SHEET = "{*}sheet"
_ID = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_ID_STRICT = "{http://purl.oclc.org/ooxml/officeDocument/relationships}id"

Valueless = dict[int, set[int]]
"""Rows and columns (from 0) of cells that hold an error, or a formula whose value was never stored."""


def check_workbook(path: Path) -> dict[str, Valueless]:
    """Look through an xlsx before the library opens it.

    Parameters
    ----------
    path : Path
        The workbook; one that is not an xlsx (but an old xls) is not looked at.

    Returns
    -------
    dict
        For each sheet's name, its cells without a value.

    Raises
    ------
    UnreadableError
        If it unpacks to too much, or a few cells stand so far apart that reading them would fill the memory.
    """
    if not zipfile.is_zipfile(path):
        return {}
    with open_archive(path, UNPACKED_BYTES) as archive:
        return {name: _look(archive, part, name) for name, part in _sheets(archive).items()}


def _sheets(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return the part of each sheet, by the sheet's name."""
    book = next((part for kind, part in relations(archive, "").values() if kind == "officeDocument"), "")
    root = xml(archive, book) if book.endswith(".xml") else None
    if root is None:
        return {}
    parts = relations(archive, book)
    named = ((sheet.get("name", ""), sheet.get(_ID) or sheet.get(_ID_STRICT) or "") for sheet in root.iter(_SHEET))
    known = archive.NameToInfo
    return {name: parts[key][1] for name, key in named if key in parts and parts[key][1] in known}


def _look(archive: zipfile.ZipFile, part: str, name: str) -> Valueless:
    columns: set[bytes] = set()
    rows = [1 << 30, 0]
    valueless: Valueless = {}
    size, tail = 0, b""
    for unpacked in pieces(archive, part):
        size += len(unpacked)
        piece = tail + unpacked
        found = _CELL.findall(piece)
        columns.update(column for column, _ in found)
        if found:
            numbers = [int(row) for _, row in found]
            rows = [min(rows[0], *numbers), max(rows[1], *numbers)]
        _note_valueless(piece, valueless)
        tail = piece[-_OVERLAP:]
    _refuse_sparse(columns - {b""}, rows, size, name)
    return valueless


def _note_valueless(piece: bytes, valueless: Valueless) -> None:
    if b'="e"' not in piece and b"<f" not in piece:
        return
    for column, row in _VALUELESS.findall(piece):
        if len(valueless) < _MOST_VALUELESS:
            valueless.setdefault(int(row) - 1, set()).add(position(column))


def _refuse_sparse(columns: Iterable[bytes], rows: list[int], size: int, name: str) -> None:
    positions = [position(column) for column in columns]
    if not positions:
        return
    places = (rows[1] - rows[0] + 1) * (max(positions) - min(positions) + 1)
    if places > max(PLACES, size * PLACES_PER_BYTE):
        raise UnreadableError(
            "too_large",
            f"工作表“{name}”内容很少却散布在 {rows[1]} 行、{max(positions) + 1} 列之间，读它会耗尽内存："
            "请在 Excel 里删去远处的空行空列再保存。",
        )


def position(column: bytes) -> int:
    """Return a column's position, from 0, by its letters.

    Examples
    --------
    >>> position(b"A"), position(b"AA")
    (0, 26)
    """
    value = 0
    for letter in column.upper():
        value = value * 26 + letter - 64
    return value - 1
