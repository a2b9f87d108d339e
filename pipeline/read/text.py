"""Plain text, Markdown and standard input: a paragraph a line."""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from ..records import Reject, Response
from .encoding import detect, lines
from .labels import Paragraph
from .prose import responses
from .source import Notes, ReadOptions, Source

_HEAD = re.compile(r"(#{1,6})\s")


def read_text(source: Source, options: ReadOptions, notes: Notes) -> Iterator[Response | Reject]:
    """Read a text: turns of a transcript, or the paragraphs of one respondent."""
    paragraphs = list(_paragraphs(source.path, options, notes, source.path.suffix.lower() == ".md"))
    notes.containers["正文"] += len(paragraphs)
    yield from responses(source.name, paragraphs, notes)


def _paragraphs(path: Path, options: ReadOptions, notes: Notes, markdown: bool) -> Iterator[Paragraph]:
    encoding = detect(path, options.encoding)
    notes.encoding = encoding.name
    if encoding.warning:
        notes.warn(encoding.warning)
    for number, line in enumerate(lines(path, encoding), start=1):
        text = line.rstrip("\r\n")
        if text.strip():
            head = _HEAD.match(text) if markdown else None
            yield Paragraph(text, f"第{number}行", level=len(head[1]) if head else 0)


def read_stdin(source: Source, options: ReadOptions, notes: Notes) -> Iterator[Response | Reject]:
    """Read standard input: a transcript if it has turns, else every line is an answer of its own respondent."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "stdin.txt")
        with path.open("wb") as file:
            shutil.copyfileobj(sys.stdin.buffer, file)
        paragraphs = list(_paragraphs(path, options, notes, markdown=False))
    notes.containers["标准输入"] += len(paragraphs)
    yield from responses(source.name, paragraphs, notes, lines_apart=True)
