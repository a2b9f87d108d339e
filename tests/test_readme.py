"""The README's examples run as they stand, in their order, in one folder, and print what it says they print.

`<!-- 可运行 -->` above a code block marks an example (`<!-- 可运行 3 -->`: ends with exit code 3); `<!-- 输出 -->` above
the block after it marks its output.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from pipeline.cli import app

EXAMPLE = re.compile(
    r"<!-- 可运行 ?(?P<code>\d*) -->\n```(?P<language>bash|python)\n(?P<source>.*?)```\n"
    r"(?:\n<!-- 输出 -->\n```text\n(?P<output>.*?)```\n)?",
    re.DOTALL,
)


@pytest.fixture
def folder(tmp_path: Path, root: Path) -> Path:
    """Make a folder with the data, and a command `qunyan` of this tree."""
    shutil.copytree(root / "data", tmp_path / "data")
    command = tmp_path / "bin" / "qunyan"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pipeline.cli "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    return tmp_path


def ran(example: re.Match[str], folder: Path, root: Path) -> subprocess.CompletedProcess[str]:
    shell = ["bash", "-e", "-c"] if example["language"] == "bash" else [sys.executable, "-c"]
    path = f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}"
    chosen = {"PATH": path, "PYTHONPATH": str(root), "PYTHONUTF8": "1", "LC_ALL": "C.UTF-8"}
    return subprocess.run(
        [*shell, example["source"]],
        cwd=folder,
        env=os.environ | chosen,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


@pytest.mark.slow
def test_the_examples_run_and_print_what_the_readme_says(root: Path, folder: Path, update_golden: bool) -> None:
    path = root / "README.md"
    text = path.read_text(encoding="utf-8")
    examples = list(EXAMPLE.finditer(text))
    assert len(examples) == text.count("<!-- 可运行") > 0
    assert sum(example["output"] is not None for example in examples) == text.count("<!-- 输出")
    outputs = []
    for example in examples:
        result = ran(example, folder, root)
        assert result.returncode == int(example["code"] or 0), f"{example['source']}{result.stdout}{result.stderr}"
        outputs.append(result.stdout)
    told = [
        (example, output) for example, output in zip(examples, outputs, strict=True) if example["output"] is not None
    ]
    if update_golden:
        for example, output in reversed(told):
            text = text[: example.start("output")] + output + text[example.end("output") :]
        path.write_text(text, encoding="utf-8", newline="\n")
    else:
        assert [output for _, output in told] == [example["output"] for example, _ in told], (
            "有意改变的，请运行 make golden"
        )


def test_every_command_has_an_example(root: Path) -> None:
    sources = "".join(
        example["source"] for example in EXAMPLE.finditer((root / "README.md").read_text(encoding="utf-8"))
    )
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    names = [name for name in commands if name != "codebook"] + [
        f"codebook {name}" for name in commands["codebook"].commands
    ]
    assert [name for name in names if not re.search(rf"qunyan {name}\b", sources)] == []


def test_every_link_leads_somewhere(root: Path) -> None:
    for page in ("README.md", "CONTRIBUTING.md", "data/README.md", "models/README.md", "docs/输出文件.md"):
        links = re.findall(r"\]\(([^)#:]+)\)", (root / page).read_text(encoding="utf-8"))
        assert [link for link in links if not (root / page).parent.joinpath(link).exists()] == [], page
