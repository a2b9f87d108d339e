"""群言 (qunyan): making sense of Chinese open-ended feedback, offline.

Examples
--------
>>> import pipeline
>>> pipeline.Statement.of("建议")
<Statement.SUGGESTION: 'suggestion'>
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pipeline.coder import Coder
    from pipeline.errors import QunyanError
    from pipeline.job import classify
    from pipeline.records import Statement
    from pipeline.result import Run, verify
    from pipeline.waves import compare

__all__ = ["Coder", "QunyanError", "Run", "Statement", "classify", "compare", "verify"]
__version__ = "0.1.0"

_ROOMS = {
    "Coder": "coder",
    "QunyanError": "errors",
    "Run": "result",
    "Statement": "records",
    "classify": "job",
    "compare": "waves",
    "verify": "result",
}


def __getattr__(name: str) -> object:
    """Load a public name when it is first asked for: the command's help must not wait for the libraries."""
    if name not in _ROOMS:
        raise AttributeError(f"module 'pipeline' has no attribute {name!r}")
    return getattr(import_module(f"pipeline.{_ROOMS[name]}"), name)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
