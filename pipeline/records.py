"""The domain types: what a respondent said, the unit that is coded, the coding, and what was refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

import pyarrow as pa


class Statement(StrEnum):
    """What a unit does: it reports a problem, suggests, praises, or none of these.

    Examples
    --------
    >>> Statement("problem").zh
    '问题'
    >>> Statement.of("建议")
    <Statement.SUGGESTION: 'suggestion'>
    """

    PROBLEM = "problem"
    SUGGESTION = "suggestion"
    PRAISE = "praise"
    NEUTRAL = "neutral"

    @property
    def zh(self) -> str:
        """The Chinese name."""
        return _STATEMENT_ZH[self]

    @classmethod
    def of(cls, name: str) -> Statement:
        """Look a statement type up by its id or Chinese name; `ValueError` if there is none."""
        name = name.strip()
        for statement, zh in _STATEMENT_ZH.items():
            if name in (zh, statement.value):
                return statement
        return cls(name.lower())


_STATEMENT_ZH = {
    Statement.PROBLEM: "问题",
    Statement.SUGGESTION: "建议",
    Statement.PRAISE: "肯定",
    Statement.NEUTRAL: "陈述",
}
STATEMENTS: tuple[str, ...] = tuple(statement.value for statement in Statement)


@dataclass(frozen=True, slots=True)
class Response:
    """What one respondent said in one place: a cell, a turn, a message.

    `text` holds the source's own characters; `normal` is the same text after `pipeline.normalise.normalise`, character
    for character as long, so that offsets into one are offsets into the other.
    """

    file: str
    """The input's name, relative to the folder that was given."""
    location: str
    """Where in the file, for a person: `第3行`, `Sheet1!C5`, `第12段`; unique within the file."""
    response: str
    """The id: the user's own where a column holds one, else a running number within the file."""
    text: str
    normal: str
    respondent: str
    role: str = "respondent"
    """`respondent` or `interviewer`."""
    section: str = ""
    """The path of numbered heads above it in official prose, joined by ` / `."""
    question: str = ""
    """The question answered: a sheet's heading, or what the interviewer asked last."""
    meta: dict[str, str] = field(default_factory=dict)
    """The user's other columns, under their own names."""


@dataclass(frozen=True, slots=True)
class Reject:
    """A record (or a whole file) that was not classified, and why."""

    file: str
    location: str
    reason: str
    """A short code: `encoding`, `empty`, `encrypted`, `damaged`, `row_shape` …"""
    message: str
    """A sentence a non-programmer can act on."""
    snippet: str = ""
    records: int = 1
    """How many records of the input this stands for (a whole file that cannot be opened counts as one)."""


Record = Response | Reject

EVIDENCE = pa.struct(
    [
        ("category", pa.string()),  # a category's id, or a statement type where the evidence is for that
        ("term", pa.string()),
        ("start", pa.int32()),  # offsets into the unit's text
        ("end", pa.int32()),
        ("how", pa.string()),  # term, negated, cue, learnt …
        ("weight", pa.float32()),  # contribution to the score; null where a rule decided
    ]
)

CODING_SCHEMA = pa.schema(
    [
        ("statement", pa.string()),
        ("statement_confidence", pa.float32()),
        ("categories", pa.list_(pa.string())),
        ("confidences", pa.list_(pa.float32())),
        ("evidence", pa.list_(EVIDENCE)),
        ("review", pa.bool_()),  # below the stated confidence: a person should look
        ("words", pa.list_(pa.string())),  # content words, negated forms kept whole: what the keyword tables count
    ]
)

UNIT_SCHEMA = pa.schema(
    [
        ("file", pa.string()),
        ("location", pa.string()),
        ("response", pa.string()),
        ("unit", pa.int32()),  # running number within the response, from 1
        ("respondent", pa.string()),
        ("role", pa.string()),
        ("section", pa.string()),
        ("question", pa.string()),
        ("text", pa.string()),
        ("start", pa.int32()),  # response_text[start:end] == text
        ("end", pa.int32()),
        ("cut", pa.bool_()),  # ended by the length limit, not by punctuation
        *CODING_SCHEMA,
    ]
)


class UnitCoder(Protocol):
    """Whatever turns units into codings: cues, a learnt model, a person's sheet. It knows neither files nor tables."""

    @property
    def categories(self) -> tuple[str, ...]:
        """The ids of the categories it codes, in the codebook's order."""

    @property
    def fingerprint(self) -> str:
        """A hash of everything its decisions depend on; it stands in the manifest."""

    def code_units(self, units: Sequence[str]) -> pa.Table:
        """Code normalised units: a table of `CODING_SCHEMA`, a row a unit, in order."""
