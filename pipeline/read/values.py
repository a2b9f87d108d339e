"""Values of sheets, JSON and Parquet as the text a person sees."""

from __future__ import annotations

import datetime as dt
import json
import math
import re
from typing import Any

_LONE = re.compile("[\ud800-\udfff]")


def cell(value: Any) -> str:
    """Return a cell's value as text: whole numbers without a point, dates as ISO text, nothing as the empty text.

    Examples
    --------
    >>> cell("001"), cell(12.0), cell(0.1), cell(None), cell(True), cell(["a", 1])
    ('001', '12', '0.1', '', 'TRUE', '["a", 1]')
    >>> cell(dt.datetime(2024, 3, 5)), cell(dt.datetime(2024, 3, 5, 9, 30))
    ('2024-03-05', '2024-03-05 09:30:00')
    """
    if isinstance(value, str):
        return value if value.isascii() else _LONE.sub("\ufffd", value)
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).upper()
    if isinstance(value, float):
        return number(value)
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(" ", "seconds")
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace")
    if isinstance(value, (list, dict)):
        return _LONE.sub("\ufffd", json.dumps(value, ensure_ascii=False, default=str))
    return str(value)


def number(value: float) -> str:
    """Return a number without a needless point; no number is the empty text.

    Examples
    --------
    >>> number(12.0), number(-3.5), number(float("nan")), number(1e300)
    ('12', '-3.5', '', '1e+300')
    """
    if math.isnan(value):
        return ""
    return str(int(value)) if value.is_integer() and abs(value) < 1e18 else repr(value)
