"""Makes small runs on disk, as classifying would have stored them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipeline.records import UNIT_SCHEMA

NAMES = {"formalism": "形式主义", "resources": "保障不足", "service_gap": "服务缺位"}
ZH = {"p": "problem", "s": "suggestion", "g": "praise", "n": "neutral"}


def unit(respondent: str, statement: str, categories: str, text: str = "办事难", **other: Any) -> dict[str, Any]:
    """Return a row of the parts; `categories` are ids set apart by spaces, `statement` its first letter."""
    ids = categories.split()
    row = {
        "file": "访谈.docx", "location": f"{respondent}的话", "response": respondent, "unit": 1, "respondent": respondent,
        "role": "respondent", "section": "", "question": "", "text": text, "start": 0, "end": len(text), "cut": False,
        "statement": ZH[statement], "statement_confidence": 0.9, "categories": ids, "confidences": [0.8] * len(ids),
        "evidence": [{"category": i, "term": text[:2], "start": 0, "end": 2, "how": "term", "weight": None} for i in ids],
        "review": False, "words": [text],
    }  # fmt: skip
    return row | other


def store(folder: Path, units: list[dict[str, Any]], parts: int = 1) -> Path:
    """Store units as a run of so many parts; columns beyond the schema are the user's."""
    (folder / "units").mkdir(parents=True, exist_ok=True)
    for number in range(parts):
        rows = units[number::parts] if parts > 1 else units
        own = dict.fromkeys(name for row in rows for name in row if name not in UNIT_SCHEMA.names)
        schema = pa.schema([*UNIT_SCHEMA, *((name, pa.string()) for name in own)])
        pq.write_table(pa.Table.from_pylist(rows, schema), folder / "units" / f"part-{number:05d}.parquet")
    return folder
