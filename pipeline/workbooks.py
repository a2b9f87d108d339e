"""Workbooks to write: whole or not at all, nothing in them is live, equal content gives equal bytes."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

from pipeline.folder import whole_file

_DEAD = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
_CREATED = datetime(2000, 1, 1)
"""The creation time that every workbook states."""


@contextmanager
def new_workbook(path: Path, *, title: str = "", mode: int = 0o600, **options: Any) -> Iterator[Any]:
    """Yield a workbook of xlsxwriter, which takes the place of `path` at the end, or not at all.

    Parameters
    ----------
    path : Path
        Where to write.
    title : str
        What the workbook's properties name it.
    mode : int, default 0o600
        Who may read it, as far as the user's umask allows.
    **options
        Further options of `xlsxwriter.Workbook`.

    Raises
    ------
    EnvironmentFault
        If the disk or the permissions do not allow it.
    """
    import xlsxwriter

    with whole_file(path, mode=mode) as unfinished, tempfile.TemporaryDirectory(prefix="qunyan-") as private:
        try:
            with xlsxwriter.Workbook(str(unfinished), _DEAD | {"tmpdir": private} | options) as book:
                book.use_zip64()
                book.set_properties({"created": _CREATED} | ({"title": title} if title else {}))
                yield book
        except xlsxwriter.exceptions.FileCreateError as error:
            raise (error.args[0] if isinstance(error.args[0], OSError) else OSError(str(error))) from error
