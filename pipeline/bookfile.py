"""The sheet a codebook stands in: rows of a .csv (UTF-8 or GB18030) or .xlsx file, read and written."""

from __future__ import annotations

import csv
import io
import warnings
from collections.abc import Iterator
from pathlib import Path

from pipeline.errors import CodebookRefused
from pipeline.folder import whole_file
from pipeline.normalise import normalise
from pipeline.workbooks import new_workbook

_MAX_ROWS, _MAX_COLUMNS, _MAX_BYTES = 5000, 60, 20_000_000


def read_rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield row numbers as Excel counts them, with the cells as normalised text without spaces around.

    Raises
    ------
    CodebookRefused
        If there is no such file, or it is too large, damaged, or of another format or encoding.
    """
    if not path.is_file():
        raise CodebookRefused(f"找不到编码手册 {path}；请检查文件名和所在的文件夹。")
    if path.stat().st_size > _MAX_BYTES:
        raise CodebookRefused(f"{path.name} 超过 {_MAX_BYTES // 1_000_000} MB，不像是编码手册；请检查是否选错了文件。")
    readers = {".csv": _csv_rows, ".xlsx": _xlsx_rows}
    if path.suffix.lower() not in readers:
        raise CodebookRefused(f"{path.name}：编码手册须是 .csv 或 .xlsx；请在 Excel 里另存为其中一种。")
    for line, cells in enumerate(readers[path.suffix.lower()](path), start=1):
        yield line, [normalise(cell).strip() for cell in cells]


def write_rows(path: Path, rows: list[list[str]]) -> None:
    """Write rows as `.csv` (UTF-8 with BOM) or `.xlsx`, by the name's ending.

    Raises
    ------
    CodebookRefused
        If the name ends otherwise.
    """
    writers = {".csv": _write_csv, ".xlsx": _write_xlsx}
    if path.suffix.lower() not in writers:
        raise CodebookRefused(f"{path.name}：编码手册只能写成 .csv 或 .xlsx，请改文件名的后缀。")
    writers[path.suffix.lower()](path, rows)


def _csv_rows(path: Path) -> Iterator[list[str]]:
    data = path.read_bytes()
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        break
    else:
        raise CodebookRefused(f"{path.name} 的编码认不出来；请在 Excel 里另存为“CSV UTF-8”。")
    try:
        yield from csv.reader(io.StringIO(text, newline=""))
    except csv.Error as error:
        raise CodebookRefused(f"{path.name} 读到一半坏了（{error}）；请在 Excel 里另存为“CSV UTF-8”。") from error


def _xlsx_rows(path: Path) -> Iterator[list[str]]:
    from openpyxl import load_workbook

    try:
        with warnings.catch_warnings(action="ignore"):  # of styles and the like, nothing that a reader could act on
            book = load_workbook(path, read_only=True, data_only=True)
            rows = book.worksheets[0].iter_rows(max_row=_MAX_ROWS, max_col=_MAX_COLUMNS, values_only=True)
            table = [["" if value is None else str(value) for value in row] for row in rows]
            book.close()
    except Exception as error:  # openpyxl raises whatever its parts raise on a damaged file
        raise CodebookRefused(f"{path.name} 打不开，可能已损坏或加了密码；请在 Excel 里重新另存为 .xlsx。") from error
    yield from table


def _write_csv(path: Path, rows: list[list[str]]) -> None:
    with whole_file(path, mode=0o666) as unfinished, unfinished.open("w", encoding="utf-8-sig", newline="") as file:
        csv.writer(file).writerows(rows)


def _write_xlsx(path: Path, rows: list[list[str]]) -> None:
    with new_workbook(path, mode=0o666) as book:
        sheet = book.add_worksheet("编码手册")
        wrap = book.add_format({"text_wrap": True, "valign": "top"})
        sheet.set_column(0, 1, 16, wrap)
        sheet.set_column(2, max(map(len, rows)) - 1, 48, wrap)
        for number, row in enumerate(rows):
            for column, value in enumerate(row):
                sheet.write_string(number, column, value)
