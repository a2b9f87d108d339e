"""The word lists of reading (`lexicons/speakers.csv`, `lexicons/headings.csv`), loaded when first needed."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import cache
from types import MappingProxyType

from ..resources import shipped

_LISTS = ("headings", "speakers")


@cache
def word_lists(name: str) -> Mapping[str, tuple[str, ...]]:
    """Return the words of a list by their kind, in the order of the file.

    Parameters
    ----------
    name : str
        `speakers` or `headings`: a file with the columns `kind`, `theme` (for people) and `words`, divided by `；`.

    Examples
    --------
    >>> word_lists("speakers")["answers_short"]
    ('答', 'A')
    """
    found: dict[str, tuple[str, ...]] = {}
    with shipped(f"lexicons/{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            words = tuple(word.strip() for word in row["words"].split("；") if word.strip())
            found[row["kind"]] = found.get(row["kind"], ()) + words
    return MappingProxyType(found)


@cache
def known_headings() -> frozenset[str]:
    """Return all usual headings, without spaces and in lower case.

    Examples
    --------
    >>> "留言详情" in known_headings()
    True
    """
    return frozenset(word for words in word_lists("headings").values() for word in words)


def fingerprint() -> str:
    """Return a hash of the lists: what is read depends on them, so the run's key does too."""
    digest = hashlib.sha256()
    for name in _LISTS:
        digest.update(shipped(f"lexicons/{name}.csv").read_bytes())
    return digest.hexdigest()


def any_of(words: Iterable[str]) -> str:
    """Return a pattern that matches the longest of some words.

    Examples
    --------
    >>> any_of(["答", "回答"])
    '回答|答'
    """
    return "|".join(sorted(map(re.escape, words), key=lambda word: (-len(word), word)))
