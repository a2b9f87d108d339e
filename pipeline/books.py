"""The commands `qunyan codebook show / new / check`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from typer import Argument

from pipeline.door import REFUSED, honest
from pipeline.terminal import say, show


def add_commands(codebook_app: typer.Typer) -> None:
    """Add the commands to `qunyan codebook`."""
    codebook_app.command("show", help="列出类别；不写文件就列自带的。")(show_codebook)
    codebook_app.command("new", help="写一份可以修改的编码手册。")(new_codebook)
    codebook_app.command("check", help="检查编码手册，逐行指出毛病。")(check_codebook)


@honest
def show_codebook(
    file: Annotated[Path | None, Argument(help="编码手册文件。", metavar="FILE", show_default=False)] = None,
) -> None:
    """Print the categories of a codebook."""
    from pipeline.codebook import load

    for category in load(file).categories:
        show(f"{category.id}  {category.name}")
        show(f"    {category.definition}")


@honest
def new_codebook(
    file: Annotated[Path, Argument(help="新文件的名字（.csv 或 .xlsx）。", metavar="FILE", show_default=False)],
) -> None:
    """Write a codebook to start from."""
    from pipeline.codebook import new

    show(say("已写好 {path}；改完用 qunyan codebook check {path} 检查。", path=new(file)))


@honest
def check_codebook(file: Annotated[Path, Argument(help="编码手册文件。", metavar="FILE", show_default=False)]) -> int:
    """Print what is wrong in a codebook."""
    from pipeline.codebook import FATAL, check, load

    findings = check(file)
    for finding in findings:
        show((say("第{line}行：", line=finding.line) if finding.line else "") + finding.sentence)
    if not findings:
        show(say("没有发现毛病：{count} 个类别。", count=len(load(file).categories)))
    return REFUSED if any(finding.kind in FATAL for finding in findings) else 0
