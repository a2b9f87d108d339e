"""A coder made of rules alone: for categories that no model was trained for."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import pyarrow as pa

from pipeline.batch import Batch
from pipeline.codebook import Codebook, load
from pipeline.cues import CueFinder
from pipeline.records import CODING_SCHEMA
from pipeline.resources import shipped
from pipeline.scope import CUE_FILES, Mention
from pipeline.segment import ContentWords, Segmenter

HOW = {"asserted": "term"}
"""Scope to the `how` of evidence; the other scopes go by their own name."""


class CueCoder:
    """Codes units by terms and cues alone (a `pipeline.records.UnitCoder`); confidences are null: rules decide.

    Examples
    --------
    >>> CueCoder(load()).code_units(["不再推诿了", "防止走过场"]).column("statement").to_pylist()
    ['praise', 'suggestion']
    """

    def __init__(self, codebook: Codebook | None = None, segmenter: Segmenter | None = None) -> None:
        self.codebook = codebook or load()
        self.finder = CueFinder(self.codebook)
        self._segmenter = segmenter or Segmenter()
        self._content = ContentWords.shipped()

    @property
    def categories(self) -> tuple[str, ...]:
        """The ids of the categories, in the codebook's order."""
        return self.codebook.ids

    @property
    def fingerprint(self) -> str:
        """A hash of the codebook and the cue lexicons."""
        parts = [self.codebook.fingerprint.encode()]
        parts += [
            shipped(f"lexicons/{name}").read_bytes() for name in (*CUE_FILES, "associations.csv", "no_content.txt")
        ]
        return hashlib.sha256(b"\0".join(parts)).hexdigest()

    def code_units(self, units: Sequence[str]) -> pa.Table:
        """Code normalised units: a table of `CODING_SCHEMA`, a row a unit, in order."""
        cues = self.finder.read(Batch(units))
        rows = [self._code(unit, cues.mentions(at)) for at, unit in enumerate(units)]
        return pa.Table.from_pylist(rows, schema=CODING_SCHEMA)

    def _code(self, unit: str, mentions: list[Mention]) -> dict[str, object]:
        statement, deciding = self.finder.statement(mentions, unit)
        named = {mention.category for mention in mentions if mention.category}
        evidence = [_evidence_row(m, m.category, HOW.get(m.scope, m.scope)) for m in mentions if m.category]
        evidence += [_evidence_row(m, statement, "cue") for m in deciding if not m.category]
        found = [category for category in self.categories if category in named]
        return {
            "statement": statement,
            "statement_confidence": None,
            "categories": found,
            "confidences": [None] * len(found),
            "evidence": evidence,
            "review": False,
            "words": self._content.of(self._segmenter.cut(unit)),
        }


def _evidence_row(mention: Mention, category: str | None, how: str) -> dict[str, object]:
    return {
        "category": category,
        "term": mention.term,
        "start": mention.start,
        "end": mention.end,
        "how": how,
        "weight": None,
    }
