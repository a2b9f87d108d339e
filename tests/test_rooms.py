"""The order of the rooms: each imports only from rooms above it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import pipeline

PACKAGE = Path(pipeline.__file__).parent
IN_ORDER = """
    errors folder workbooks records resources normalise split batch bookfile codebook read segment identifiers people
    redact fields scope statements cues cuecoder features
    semantic shares model modelfolder learnt marks exchange labels labelsheet calibration recipes fitting train evaluate
    figures curve grade
    card suspects teach coder tables workers deidentify run spark query masked stats breakdown keywords quotes tabulate audit
    prevalence explore chart
    report result waves present review agree job english terminal door books learning cli
"""
ROOMS = IN_ORDER.split()
FILES = sorted(
    path for path in PACKAGE.rglob("*.py") if path != PACKAGE / "__init__.py" and "_shipped" not in path.parts
)


def room_of(path: Path) -> str:
    return path.relative_to(PACKAGE).with_suffix("").parts[0]


def imported(path: Path) -> Iterator[str]:
    """Yield the rooms that a file imports, within functions and for type checking too."""
    package = ("pipeline", *path.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[1] for name in node.names if name.name.startswith("pipeline."))
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            parts = (*base, *(node.module or "").split(".")) if node.module else base
            if parts[:1] == ("pipeline",):
                inner = [parts[1]] if len(parts) > 1 else [name.name for name in node.names]
                yield from (name for name in inner if not name.startswith("__"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_a_room_imports_only_from_rooms_above_it(path: Path) -> None:
    room = room_of(path)
    assert room in ROOMS, f"{room} is missing in the list of rooms"
    above = {room, *ROOMS[: ROOMS.index(room)]}
    assert set(imported(path)) <= above


def test_imports_are_seen_however_they_are_written() -> None:
    path = PACKAGE / "read" / "rows.py"
    assert "records" in set(imported(path))
    assert "folder" in set(imported(PACKAGE / "job.py"))
    assert "codebook" in set(imported(PACKAGE / "coder.py"))


def test_the_public_names() -> None:
    assert pipeline.__all__ == ["Coder", "QunyanError", "Run", "Statement", "classify", "compare", "verify"]
    assert pipeline.__all__ == sorted(pipeline.__all__)
    assert all(getattr(pipeline, name) for name in pipeline.__all__)
    assert set(pipeline.__all__) <= set(dir(pipeline))
    with pytest.raises(AttributeError, match="pipeline"):
        _ = pipeline.nothing
