"""Cuts units into words: exactly as jieba cuts them, at the speed of jieba-rs, with the domain dictionary.

jieba-rs (`rjieba`) uses jieba's dictionary and algorithm but treats runs of ASCII characters and rare Han differently;
`Segmenter` repairs both, so that its words are jieba's. Where rjieba is not installed, jieba itself is used, with the same
result. Parity is held by tests on a corpus; ties of the hidden Markov model on repeated rare characters remain.
"""

from __future__ import annotations

import csv
import logging
import os
import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

from pipeline.errors import InputRefused
from pipeline.resources import shipped

_ASCII_TROUBLE = re.compile(r"[A-Za-z0-9][+#&._%\-][A-Za-z0-9+#&._%\-]|[A-Za-z0-9+#&._%\-][+#&._%\-][A-Za-z0-9]")
_ASCII_TOKEN = re.compile(r"[A-Za-z0-9+#&._%\-]+")
_FINALSEG_SKIP = re.compile(r"([a-zA-Z0-9]+(?:\.\d+)?%?)")  # jieba/finalseg/__init__.py, re_skip
_CONTENT_WORD = re.compile(r"(?!\d+(?:\.\d+)?%?$)\w")
_RARE_HAN = re.compile("([\u3400-\u4dbf\u9fd6-\u9fff\uf900-\ufaff\U00020000-\U0002a6df])")
_REPAIRED = re.compile(f"{_ASCII_TROUBLE.pattern}|{_RARE_HAN.pattern}")
_DICTIONARY_ASCII = frozenset({"AT&T", "c#", "C#", "c++", "C++"})


@dataclass(frozen=True, slots=True)
class UserWord:
    """A line of a jieba user dictionary: the word, its frequency (None: suggested by the text), its tag."""

    word: str
    freq: int | None = None
    tag: str | None = None


@dataclass(frozen=True, slots=True)
class IgnoredLine:
    """A line of a user dictionary that was not understood, and why."""

    line: int
    text: str
    reason: str


class _Cutter(Protocol):
    def __call__(self, text: str) -> list[str]: ...


def read_words(path: Path) -> tuple[list[UserWord], list[IgnoredLine]]:
    """Read a jieba user dictionary, tolerantly: BOM, GBK, CRLF, tabs, a missing frequency or tag.

    Parameters
    ----------
    path : Path
        One `word [freq] [tag]` a line; `#` starts a comment line.

    Returns
    -------
    words : list of UserWord
        In the file's order.
    ignored : list of IgnoredLine
        Every line that is not blank, not a comment, and not understood.

    Raises
    ------
    InputRefused
        If the file cannot be read, or is neither UTF-8 nor GB18030.
    """
    words: list[UserWord] = []
    ignored: list[IgnoredLine] = []
    seen: set[str] = set()
    for number, line in enumerate(_decoded(path).splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        entry = _entry(line)
        if isinstance(entry, str):
            ignored.append(IgnoredLine(number, line.strip()[:40], entry))
        elif entry.word in seen:
            ignored.append(IgnoredLine(number, line.strip()[:40], "与前面的词重复"))
        else:
            seen.add(entry.word)
            words.append(entry)
    return words, ignored


def _decoded(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputRefused(f"读不了词典文件 {path}：{error.strerror}。请检查路径和权限。") from error
    for encoding in ("utf-16",) if data[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise InputRefused(f"词典文件 {path} 既不是 UTF-8 也不是 GBK 编码，请另存为 UTF-8 后再试。")


def _entry(line: str) -> UserWord | str:
    """Return the entry of a line, or the reason why it is none."""
    word, *rest = line.split()
    if len(rest) > 2:
        return "一行应是「词 词频 词性」，这里多于三项"
    freq = rest[0] if rest and re.fullmatch(r"\d{1,9}", rest[0]) else None
    tags = rest[1:] if freq else rest
    if len(tags) > 1 or (tags and not re.fullmatch(r"[A-Za-z]{1,8}", tags[0])):
        return "词频应是整数，词性应是字母"
    if freq and int(freq) == 0:
        return "词频为 0 会使词典删除这个词，已忽略"
    return UserWord(word, int(freq) if freq else None, tags[0] if tags else None)


class Segmenter:
    """Cuts text into words as jieba does, with the domain dictionary and the user's words.

    Parameters
    ----------
    words : iterable of UserWord, optional
        Added after the domain dictionary, in order.
    engine : {"rjieba", "jieba"}, optional
        Default: rjieba where it is installed.

    Examples
    --------
    >>> Segmenter().cut("网格员不作为，接诉即办没落实")
    ['网格员', '不作为', '，', '接诉即办', '没', '落实']
    """

    def __init__(self, words: Iterable[UserWord] = (), engine: str | None = None) -> None:
        entries = [*domain_words(), *words]
        self.engine = engine or ("rjieba" if _has_rjieba() else "jieba")
        self._kept = _DICTIONARY_ASCII | {w.word for w in entries if _ASCII_TOKEN.fullmatch(w.word)}
        self._cut: _Cutter = _rjieba(entries) if self.engine == "rjieba" else _jieba(entries)

    def cut(self, text: str) -> list[str]:
        """Return the words of `text`, in order; joined they are `text`."""
        if self.engine != "rjieba":
            return self._cut(text)
        if _RARE_HAN.search(text):
            return [word for part in _RARE_HAN.split(text) if part for word in self._repaired(part)]
        return self._repaired(text)

    def cut_all(self, texts: Sequence[str]) -> list[str]:
        r"""Return the words of many texts, each followed by a line end, in one list; faster than one text at a time.

        Examples
        --------
        >>> Segmenter().cut_all(["网格员", "窗口"])
        ['网格员', '\n', '窗口', '\n']
        """
        words: list[str] = []
        for alone, run in groupby(texts, self._stands_alone):
            if alone:
                words += [word for text in run for word in (*self.cut(text), "\n")]
            else:
                words += self._cut("\n".join([*run, ""]))
        return words

    def _stands_alone(self, text: str) -> bool:
        """Tell whether a text needs a repair, or the engine has none for many texts."""
        return self.engine != "rjieba" or bool(_REPAIRED.search(text)) or text.endswith("\r")

    def _repaired(self, text: str) -> list[str]:
        words = self._cut(text)
        return _repair(words, self._kept) if _ASCII_TROUBLE.search(text) else words


def _repair(words: Sequence[str], kept: frozenset[str]) -> list[str]:
    """Join each run of ASCII words and split it again as jieba's finalseg does."""
    out: list[str] = []
    run = ""
    for word in words:
        if word not in kept and _ASCII_TOKEN.fullmatch(word):
            run += word
            continue
        out += [piece for piece in _FINALSEG_SKIP.split(run) if piece]
        run = ""
        out.append(word)
    return out + [piece for piece in _FINALSEG_SKIP.split(run) if piece]


@cache
def domain_words() -> tuple[UserWord, ...]:
    """Return the shipped domain dictionary, `lexicons/domain_words.txt`."""
    return tuple(read_words(shipped("lexicons/domain_words.txt"))[0])


@dataclass(frozen=True, slots=True)
class ContentWords:
    """Picks the words that keyword tables count: no stop words, no marks; a negated word is one with its negator.

    Examples
    --------
    >>> ContentWords.shipped().of(["办事", "很", "不", "方便", "，", "没有", "人", "管"])
    ['办事', '不方便']
    """

    stopwords: frozenset[str]
    negators: frozenset[str]

    @classmethod
    @cache
    def shipped(cls) -> ContentWords:
        """Return the rule with the shipped lists, `lexicons/stopwords.txt` and `lexicons/negators.csv`."""
        lines = shipped("lexicons/stopwords.txt").read_text(encoding="utf-8-sig").splitlines()
        stopwords = frozenset(line.strip() for line in lines if line.strip() and not line.startswith("#"))
        with shipped("lexicons/negators.csv").open(encoding="utf-8-sig", newline="") as file:
            rows = [row["cues"].split("；") for row in csv.DictReader(file) if row["kind"] == "negator"]
        return cls(stopwords, frozenset(cue for row in rows for cue in row))

    def of(self, words: Iterable[str]) -> list[str]:
        """Return the content words among `words`, in order."""
        out: list[str] = []
        negator = ""
        for word in words:
            negates, counts = self.role(word)
            out += [negator + word] if counts else []
            negator = word if negates else ""
        return out

    def role(self, word: str) -> tuple[bool, bool]:
        """Tell whether a word denies the next one, and whether it counts itself."""
        if word in self.negators:
            return True, False
        return False, len(word) > 1 and word not in self.stopwords and bool(_CONTENT_WORD.match(word))


def _has_rjieba() -> bool:
    from importlib.util import find_spec

    return find_spec("rjieba") is not None


def _rjieba(entries: Sequence[UserWord]) -> _Cutter:
    import rjieba

    engine = rjieba.Jieba()
    for entry in entries:
        engine.add_word(entry.word, entry.freq, entry.tag)
    return engine.cut  # type: ignore[no-any-return]


def _jieba(entries: Sequence[UserWord]) -> _Cutter:
    tokenizer = _private_tokenizer()
    for entry in entries:
        tokenizer.add_word(entry.word, entry.freq, entry.tag)
    return tokenizer.lcut  # type: ignore[no-any-return]


def _private_tokenizer() -> Any:
    """Return a jieba tokenizer of our own, whose marshal cache lies in a folder that nobody else can write."""
    import jieba

    jieba.setLogLevel(logging.WARNING)
    tokenizer = jieba.Tokenizer()
    with tempfile.TemporaryDirectory(prefix="qunyan-") as folder:
        tokenizer.tmp_dir = folder
        tokenizer.cache_file = os.fspath(Path(folder) / "jieba.cache")
        tokenizer.initialize()
    return tokenizer
