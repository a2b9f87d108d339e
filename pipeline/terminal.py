"""What the command prints: in the user's language, with nothing live in what people wrote, and how far a run is."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pipeline.job import Progress
    from pipeline.tables import Table

LANGUAGES = ("zh", "en")
_language = "zh"

_HOW = {
    "term": "词语",
    "negated": "被否定",
    "avoided": "要避免",
    "hypothetical": "假设",
    "asked": "询问",
    "improved": "已改善",
    "cue": "句式",
    "learnt": "模型",
}
_SHOWN_ROWS = 20
_LINE_EVERY = 2.0
"""Seconds between two lines of progress where there is no terminal."""


def choose_language(arguments: Sequence[str], environment: Mapping[str, str]) -> list[str]:
    """Set the language by `--lang` or the locale, and return the arguments without it.

    A locale that says nothing (none, `C`, `POSIX`) means Chinese.

    Examples
    --------
    >>> choose_language(["explain", "--lang", "zh", "难"], {"LANG": "en_US.UTF-8"})
    ['explain', '难']
    """
    global _language
    rest = list(arguments)
    locale = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "C")
    plain = locale.split(".")[0]
    _language = "zh" if plain in ("C", "POSIX") or plain.startswith("zh") else "en"
    for at, word in enumerate(rest):
        if word == "--":
            break
        name, _, value = word.partition("=")
        given = value or (rest[at + 1] if at + 1 < len(rest) else "")
        if name == "--lang" and given in LANGUAGES:
            _language = given
            del rest[at : at + (1 if value else 2)]
            break
    return rest


def say(sentence: str, **values: object) -> str:
    """Return one of the command's sentences in the user's language, with its values made safe."""
    if _language == "en":
        from pipeline.english import ENGLISH

        sentence = ENGLISH[sentence]
    return sentence.format_map({name: safe(str(value)) for name, value in values.items()}) if values else sentence


def safe(text: str) -> str:
    r"""Return text without characters that move the cursor, change colours or turn the direction of writing.

    Examples
    --------
    >>> safe("办\x1b[31m证\u202e难")
    '办 [31m证 难'
    """
    return "".join(char if char.isprintable() or char == "\n" else " " for char in text)


def tell(text: str) -> None:
    """Print a line about the work (standard error)."""
    print(safe(text), file=sys.stderr, flush=True)  # noqa: T201 -- the command's door


def show(text: str) -> None:
    """Print a line of the result (standard output)."""
    print(safe(text), flush=True)  # noqa: T201 -- the command's door


@contextmanager
def progress_shown() -> Iterator[Callable[[Progress], None]]:
    """Yield a function that shows a `Progress`: a bar on a terminal, a line now and then elsewhere."""
    if sys.stderr.isatty() and os.environ.get("TERM") != "dumb":
        with _bar() as report:
            yield report
    else:
        yield _lines()


def _lines() -> Callable[[Progress], None]:
    last = 0.0

    def report(state: Progress) -> None:
        nonlocal last
        now = time.monotonic()
        if state.stage == "tables":
            tell(say("正在生成表格、工作簿和报告……"))
        elif state.stage == "code" and now - last >= _LINE_EVERY:
            last = now
            sentence = "第 {done}/{files} 个文件 {file}：已编码 {units} 句"
            tell(say(sentence, done=state.files_done + 1, files=state.files, file=state.file, units=state.units))

    return report


@contextmanager
def _bar() -> Iterator[Callable[[Progress], None]]:
    from rich.console import Console
    from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bar

    text = TextColumn("{task.description}", markup=False)
    counts = TextColumn("{task.fields[counts]}", markup=False)
    console = Console(stderr=True, highlight=False, markup=False, emoji=False)
    began = time.monotonic()
    with Bar(SpinnerColumn(), text, BarColumn(), counts, TimeElapsedColumn(), console=console, transient=True) as bar:
        task = bar.add_task(say("编码"), total=None, counts="")

        def report(state: Progress) -> None:
            rate = int(state.units / max(time.monotonic() - began, 0.001))
            counts = say("{units} 句，每秒 {rate} 句", units=state.units, rate=rate) if state.stage == "code" else ""
            name = safe(state.file)[-40:] if state.stage == "code" else say("正在生成表格、工作簿和报告……")
            bar.update(task, description=name, total=state.files, completed=state.files_done, counts=counts)

        yield report


def explained(units: Iterable[Mapping[str, Any]], names: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines that explain coded units.

    Parameters
    ----------
    units : iterable of mapping
        Rows of `Coder.table`.
    names : mapping
        Category ids and their Chinese names.
    """
    from pipeline.records import Statement

    labels = dict(names) | {statement.value: say(statement.zh) for statement in Statement}
    for number, unit in enumerate(units, 1):
        yield f"{number}. {marked(unit['text'], unit['evidence'])}"
        pairs = zip(unit["categories"], unit["confidences"], strict=True)
        found = "、".join(f"{labels.get(name, name)}{_share(share)}" for name, share in pairs)
        statement = labels[unit["statement"]] + _share(unit["statement_confidence"])
        yield f"   {statement} ｜ {found or say('没有类别')}"
        if evidence := "；".join(_reasons(unit["evidence"], labels)):
            yield "   " + say("依据：{evidence}", evidence=evidence)


def _reasons(evidence: Iterable[Mapping[str, Any]], labels: Mapping[str, str]) -> Iterator[str]:
    """Yield the words that decided, together for each category and way."""
    terms: dict[tuple[str, str], dict[str, None]] = {}
    for item in evidence:
        terms.setdefault((item["category"], item["how"]), {})[item["term"]] = None
    for (category, how), words in terms.items():
        yield f"{'、'.join(words)} → {labels.get(category, category)}（{_how(how)}）"


def _how(how: str) -> str:
    return say(_HOW[how]) if how in _HOW else how


def _share(confidence: float | None) -> str:
    return "" if confidence is None else f" {confidence:.2f}"


def listed(table: Table) -> Iterator[str]:
    """Yield the lines that show a table: title, notes, headings, the first rows; the left context stands flush right."""
    yield f"{table.title}（{len(table.frame)}）"
    yield from (f"  {note}" for note in table.notes)
    rows = table.zh().head(_SHOWN_ROWS).astype(str).map(lambda cell: " ".join(cell.split()))
    if "left" in table.headings and len(rows):
        rows["上文"] = rows["上文"].str.rjust(rows["上文"].str.len().max(), "\u3000")
    if len(rows):
        yield "  " + " ｜ ".join(rows.columns)
    yield from ("  " + " ｜ ".join(row) for row in rows.itertuples(index=False, name=None))
    if more := len(table.frame) - len(rows):
        yield "  " + say("……还有 {more} 行（--csv 写出全部）。", more=more)


def changed(shares: Table, words: Table) -> Iterator[str]:
    """Yield the lines that show two waves: a category each, the surest change first, then the words."""
    yield shares.title
    yield from (f"  {note}" for note in shares.notes)
    rows = shares.frame[shares.frame["first_hits"] + shares.frame["second_hits"] > 0]
    for row in rows.sort_values("p", kind="stable", na_position="last").to_dict("records"):
        yield say(
            "  {name}：{then} → {now} 人，占 {share} → {later}，差 {gap}（{low}～{high}）百分点　{change}",
            name=row["name"],
            then=row["first_hits"],
            now=row["second_hits"],
            share=f"{row['first_share']:.1%}",
            later=f"{row['second_share']:.1%}",
            **{
                key: f"{100 * row[f'difference{end}']:+.1f}"
                for key, end in (("gap", ""), ("low", "_low"), ("high", "_high"))
            },
            change=row["change"],
        )
    sure = words.frame[words.frame["bic"] > 2]
    for wave, own in sure.groupby("wave_name", sort=False):
        yield say("  {wave}多用的词：{words}", wave=wave, words="、".join(own["word"].head(_SHOWN_ROWS)))


def marked(text: str, evidence: Iterable[Mapping[str, Any]]) -> str:
    """Return a unit with the words that decided in brackets.

    Examples
    --------
    >>> marked("窗口推诿扯皮", [{"start": 2, "end": 4}, {"start": 3, "end": 6}])
    '窗口【推诿扯皮】'
    """
    decided = [False] * (len(text) + 1)
    for item in evidence:
        decided[item["start"] : item["end"]] = [True] * (item["end"] - item["start"])
    decided[len(text) :] = [False]
    out, within = "", False
    for char, now in zip([*text, ""], decided, strict=True):
        out += "【" * (now and not within) + "】" * (within and not now) + char
        within = now
    return out
