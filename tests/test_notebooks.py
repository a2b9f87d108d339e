"""The notebooks run as they stand, hold no outputs, and use what is public only."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

import pipeline

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")
FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))
PUBLIC = {"pipeline", "pipeline.chart"}


def read(path: Path) -> Any:
    return nbformat.read(path, as_version=4)


def code(path: Path) -> str:
    return "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "code")


def test_there_are_notebooks() -> None:
    assert [path.name[:2] for path in NOTEBOOKS][:1] == ["01"]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
@pytest.mark.slow
def test_a_notebook_runs(path: Path) -> None:
    executed = nbclient.execute(read(path), cwd=str(FOLDER), timeout=120, kernel_name="python3")
    kinds = {kind for cell in executed.cells for output in cell.get("outputs", []) for kind in output.get("data", {})}
    assert kinds <= {"text/html", "text/plain", "image/png"}, "nothing that loads from the net"
    assert {"text/html", "image/png"} <= kinds, "tables and pictures show themselves"
    assert "cdn.jsdelivr" not in str(executed)
    errors = [o for cell in executed.cells for o in cell.get("outputs", []) if o.get("name") == "stderr"]
    assert errors == [], "and nothing complains"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_stored_without_outputs(path: Path) -> None:
    cells = [cell for cell in read(path).cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in cells)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_uses_what_is_public(path: Path) -> None:
    tree = ast.parse(code(path))
    imported = {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    froms = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    assert {name for name in imported | froms if name.startswith("pipeline")} <= PUBLIC
    used = {
        node.attr
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "pipeline"
    }
    assert used <= set(pipeline.__all__)
