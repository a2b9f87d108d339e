"""群言 (qunyan): making sense of Chinese open-ended feedback, offline."""

from __future__ import annotations

from pipeline.errors import QunyanError
from pipeline.records import Statement

__all__ = ["QunyanError", "Statement"]
__version__ = "0.1.0"
