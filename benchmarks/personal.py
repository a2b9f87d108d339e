"""How much personal data is found, and how often something else is taken for it.

    python benchmarks/personal.py [--half repair] [--misses]

`data/test/personal.csv`: made-up sentences, half of them looked at while the finders were repaired (`repair`), half not
(`published`). A value is found if no character of it stays; a finding is right if it touches a value. Intervals are
Wilson's, at 95 %.
"""

import csv
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from pipeline.redact import Found, find
from pipeline.stats import wilson

ROOT = Path(__file__).resolve().parent.parent


class Sentence(NamedTuple):
    """A sentence and where its personal data stands."""

    text: str
    planted: list[Found]


def sentences(half: str) -> list[Sentence]:
    """Read one half of the test set."""
    with (ROOT / "data/test/personal.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["half"] == half]
    return [Sentence(row["text"], list(_planted(row["text"], row["personal"]))) for row in rows]


def _planted(text: str, marked: str) -> Iterator[Found]:
    behind = 0
    for piece in filter(None, marked.split("；")):
        kind, _, value = piece.partition("=")
        start = text.index(value, behind)
        behind = start + len(value)
        yield Found(kind, start, behind)


def covered(value: Found, found: list[Found]) -> bool:
    """Tell whether no character of a value stays."""
    places = {place for one in found for place in range(one.start, one.end)}
    return places.issuperset(range(value.start, value.end))


def touches(one: Found, planted: list[Found]) -> bool:
    """Tell whether a finding touches a value."""
    return any(one.start < value.end and value.start < one.end for value in planted)


def share(hits: int, base: int) -> str:
    """Return a share with its interval."""
    low, high = wilson([hits], [base])
    return f"{hits}/{base} = {hits / max(base, 1):.3f} [{low[0]:.3f}, {high[0]:.3f}]"


def main(half: str, misses: bool) -> None:
    """Print recall and precision of each kind, and the share of clean sentences that are touched."""
    planted, hit, said, right = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    clean = touched = 0
    for text, values in sentences(half):
        found = find(text)
        planted.update(value.kind for value in values)
        hit.update(value.kind for value in values if covered(value, found))
        said.update(one.kind for one in found)
        right.update(one.kind for one in found if touches(one, values))
        clean += not values
        touched += bool(found) and not values
        if misses:
            _show(text, values, found)
    print(f"{half}: {planted.total()} values, {clean} clean sentences")
    for kind in planted:
        print(f"{kind}: recall {share(hit[kind], planted[kind])}, precision {share(right[kind], said[kind])}")
    print(f"all: recall {share(hit.total(), planted.total())}, precision {share(right.total(), said.total())}")
    print(f"clean sentences touched: {share(touched, clean)}")


def _show(text: str, values: list[Found], found: list[Found]) -> None:
    for value in values:
        if not covered(value, found):
            print(f"- {value.kind} {text[value.start : value.end]} ｜ {text}")
    for one in found:
        if not touches(one, values):
            print(f"+ {one.kind} {text[one.start : one.end]} ｜ {text}")


if __name__ == "__main__":
    main("repair" if "repair" in sys.argv else "published", "--misses" in sys.argv)
