"""What is depended on is bounded, locked with hashes, and its licence listed."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version


def declared(root: Path) -> list[Requirement]:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [Requirement(line) for line in (*project["dependencies"], *project["optional-dependencies"]["dev"])]


def test_the_lock_has_a_hashed_version_within_the_bounds_of_everything(root: Path) -> None:
    lock = (root / "requirements-dev.lock").read_text(encoding="utf-8")
    locked: dict[str, list[str]] = {}
    for entry in re.split(r"\n(?=[a-z])", lock):
        if match := re.match(r"([a-z0-9._-]+)==([^\s;\\]+)", entry):
            assert "--hash=sha256:" in entry, match[1]
            locked.setdefault(match[1], []).append(match[2])
    for requirement in declared(root):
        versions = locked.get(requirement.name.lower(), [])
        assert versions, f"{requirement.name} is not locked: make the lock again, see CONTRIBUTING.md"
        assert all(Version(version) in requirement.specifier for version in versions), requirement


def test_every_dependency_has_a_lower_bound_and_a_listed_licence(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = (root / "docs" / "依赖与许可.md").read_text(encoding="utf-8")
    for requirement in map(Requirement, project["dependencies"]):
        assert any(bound.operator == ">=" for bound in requirement.specifier), requirement
        assert re.search(rf"^\| {requirement.name} \| [^|]*\w[^|]* \| 是 \|$", listed, re.MULTILINE), requirement.name
