"""Gives a respondent's own Word file back, with the codings as comments beside the words."""

from __future__ import annotations

import copy
import zipfile
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import InputRefused
from pipeline.folder import whole_file
from pipeline.read.archive import open_archive
from pipeline.read.source import UnreadableError
from pipeline.records import Statement
from pipeline.report.word import packed
from pipeline.tables import visible

if TYPE_CHECKING:
    import pandas as pd
    from docx.document import Document
    from lxml import etree

AUTHOR, INITIALS = "群言", "群"

MOST_BYTES = 512 << 20
"""What a file may unpack to."""

_W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_SPACE = "{http://www.w3.org/XML/1998/namespace}space"
_BREAKS = {"br": "\n", "cr": "\n", "tab": "\t", "ptab": "\t", "noBreakHyphen": "-"}
_UNSEEN = {"del", "moveFrom", "Fallback"}


@dataclass(frozen=True, slots=True)
class _Body:
    """The text of a document's body, and the runs that hold it: where each starts."""

    text: str
    starts: list[int]
    runs: list[Any]


def write_comments(source: Path, path: Path, units: pd.DataFrame, codebook_names: Mapping[str, str]) -> int:
    """Write a copy of a Word file in which each coded unit has a comment: statement, categories, deciding words.

    Neutral units without a category and the interviewer's turns have none. Text, layout and comments that are there
    stay as they are.

    Parameters
    ----------
    source : Path
        The .docx that was classified.
    path : Path
        Where to write; complete or not there.
    units : pandas.DataFrame
        The run's units of this file, in their order.
    codebook_names : mapping of str to str
        Category id to Chinese name.

    Returns
    -------
    int
        How many coded units stand outside the body (headers, notes) and have no comment.

    Raises
    ------
    InputRefused
        If the source cannot be opened as a Word file.
    EnvironmentFault
        If the copy cannot be written.
    """
    document = _opened(source)
    body = _read(document.element.body)
    places, lost = _placed(body.text, units)
    noted = []
    for row, start, end in sorted(places, key=lambda place: -place[1]):
        noted.append((row, *_cut_out(body, start, end)))
    for row, first, last in reversed(noted):
        _comment(document, first, last, _note(row, codebook_names))
    with whole_file(path) as unfinished:
        unfinished.write_bytes(packed(document))
    return lost


def _opened(source: Path) -> Document:
    import docx
    from docx.opc.exceptions import PackageNotFoundError
    from lxml import etree

    try:
        open_archive(source, MOST_BYTES).close()
        return docx.Document(str(source))
    except UnreadableError as error:
        raise InputRefused(f"{source}：{error}") from error
    except (PackageNotFoundError, zipfile.BadZipFile, etree.XMLSyntaxError, OSError, KeyError, ValueError) as error:
        raise InputRefused(f"{source} 不能作为 Word 文件打开：请用 Word 打开后另存为 .docx，再试一次。") from error


def _read(body: Any) -> _Body:
    """Return the text of all paragraphs, one a line, as the reader of Word files sees it."""
    pieces: list[str] = []
    starts: list[int] = []
    runs: list[Any] = []
    at = 0
    for paragraph in body.iter(f"{_W}p"):
        for run in _own_runs(paragraph):
            text = "".join(map(_shown, run))
            if text:
                starts.append(at)
                runs.append(run)
                pieces.append(text)
                at += len(text)
        pieces.append("\n")
        at += 1
    return _Body("".join(pieces), starts, runs)


def _own_runs(paragraph: Any) -> Iterator[Any]:
    """Yield the runs that a reader sees in a paragraph, without those of text boxes anchored in it."""
    for run in paragraph.iter(f"{_W}r"):
        for above in run.iterancestors():
            if _tag(above) in _UNSEEN:
                break
            if _tag(above) == "p":
                if above is paragraph and not any(_tag(far) in _UNSEEN for far in above.iterancestors()):
                    yield run
                break


def _tag(element: Any) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def _shown(child: etree._Element) -> str:
    tag = _tag(child)
    return (child.text or "") if tag == "t" else _BREAKS.get(tag, "")


def _placed(text: str, units: pd.DataFrame) -> tuple[list[tuple[dict[str, Any], int, int]], int]:
    """Find the units one after the other; return those to comment on with their places, and how many are not there."""
    found: list[tuple[dict[str, Any], int, int]] = []
    taken: set[int] = set()
    lost = cursor = 0
    for row in units[["text", "role", "statement", "categories", "evidence", "review"]].to_dict("records"):
        start = _find(text, row["text"], cursor, taken)
        worth = row["role"] != "interviewer" and (len(row["categories"]) or row["statement"] != "neutral")
        if start < 0:
            lost += bool(worth)
            continue
        taken.add(start)
        cursor = max(cursor, start + len(row["text"]))
        if worth:
            found.append(({str(name): value for name, value in row.items()}, start, start + len(row["text"])))
    return found, lost


def _find(text: str, unit: str, cursor: int, taken: set[int]) -> int:
    """Return where a unit stands: behind the last one, or else (tables and boxes are read later) anywhere still free."""
    for begin in (cursor, 0):
        start = text.find(unit, begin)
        while start in taken:
            start = text.find(unit, start + 1)
        if start >= 0:
            return start
    return -1


def _cut_out(body: _Body, start: int, end: int) -> tuple[Any, Any]:
    """Return the first and last run of a stretch of text, cut so that they hold nothing else; go from the end on."""
    first, last = bisect_right(body.starts, start) - 1, bisect_right(body.starts, end - 1) - 1
    _cut(body.runs[last], end - body.starts[last])
    tail = _cut(body.runs[first], start - body.starts[first])
    return tail, (tail if first == last else body.runs[last])


def _cut(run: Any, place: int) -> Any:
    """Cut a run in two; return what begins at the place: the new second run, or the run itself."""
    length = sum(len(_shown(child)) for child in run)
    if place in (0, length):
        return run
    tail = copy.deepcopy(run)
    run.addnext(tail)
    at = 0
    for child, twin in zip(list(run), list(tail), strict=True):
        before, at = at, at + len(_shown(child))
        if _tag(child) == "rPr":
            continue
        if before < place < at:
            child.text, twin.text = child.text[: place - before], twin.text[place - before :]
            child.set(_SPACE, "preserve")
            twin.set(_SPACE, "preserve")
        else:
            (tail if at <= place else run).remove(twin if at <= place else child)
    return tail


def _note(row: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """Return the comment's text."""
    categories = [names.get(category, category) for category in row["categories"]]
    deciding = {*row["categories"], row["statement"]}
    words = dict.fromkeys(item["term"] for item in row["evidence"] if item["category"] in deciding)
    lines = [
        "｜".join(filter(None, [Statement(row["statement"]).zh, "、".join(categories)])),
        f"依据：{'、'.join(words)}" if words else "",
        "把握不大，建议复核" if row["review"] else "",
    ]
    return visible("\n".join(filter(None, lines)))


def _comment(document: Document, first: Any, last: Any, text: str) -> None:
    from docx.text.run import Run

    runs = [Run(run, document._body) for run in (first, last)]
    comment = document.add_comment(runs, text, AUTHOR, INITIALS)
    comment._comment_elm.attrib.pop(f"{_W}date")  # equal runs give equal bytes
