"""How well the built-in coder understands people, beside a plain dictionary and a plain TF-IDF pipeline.

    python benchmarks/quality.py [--json FILE]

On the two test sets by other hands and the challenge set (`data/test/`, synthetic), and, where `../shared/data` is there, on
real citizens' messages. All coders see the same units; the learnt ones are trained on `data/labelled` only. With
`qunyan[semantic]` installed, the built-in coder's recipe with sentence embeddings stands beside it.
"""

import csv
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from pipeline import evaluate, semantic
from pipeline.codebook import load
from pipeline.coder import CoderSpec, build
from pipeline.evaluate import Codes
from pipeline.normalise import normalise
from pipeline.records import STATEMENTS
from pipeline.segment import Segmenter

ROOT = Path(__file__).resolve().parent.parent
REAL = ROOT.parent / "shared" / "data" / "message_units.jsonl"
BOOK = load()


def rows_of(path):
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    return [row | {"categories": [c for c in row["categories"].split(";") if c in BOOK.ids]} for row in rows]


def real_rows():
    rows = [json.loads(line) for line in REAL.read_text("utf-8").splitlines()]
    return [row | {"register": "real messages"} for row in rows]


def codes(rows):
    categories = np.asarray([[c in row["categories"] for c in BOOK.ids] for row in rows], dtype=bool)
    return Codes(
        categories.reshape(len(rows), len(BOOK.ids)), np.asarray([STATEMENTS.index(r["statement"]) for r in rows])
    )


def built_in(texts):
    table = build(CoderSpec()).code_units([normalise(text) for text in texts]).select(["statement", "categories"])
    return codes(table.to_pylist())


def with_embeddings(texts):
    """The built-in coder's recipe with sentence embeddings beside the other features: what `[semantic]` would bring."""
    from pipeline.cues import CueFinder
    from pipeline.fitting import fit
    from pipeline.labels import normalised, read_labels
    from pipeline.learnt import LearntCoder
    from pipeline.recipes import Recipe
    from pipeline.semantic import embed_many
    from pipeline.train import task_of

    labels = read_labels(sorted((ROOT / "data" / "labelled").glob("*.csv")), BOOK)
    task = replace(task_of(labels, BOOK), embeddings=embed_many(normalised(labels)))
    coder = LearntCoder(fit(task, {}, Recipe(semantic=0.5)), CueFinder(BOOK), Segmenter())
    table = coder.code_units([normalise(text) for text in texts]).select(["statement", "categories"])
    return codes(table.to_pylist())


def dictionary(texts):
    """Terms anywhere in the text, statement types by a few cue words: what a spreadsheet formula does."""

    def kind(text):
        if any(cue in text for cue in ("建议", "希望", "应该", "应当", "要")):
            return "suggestion"
        if any(cue in text for cue in ("满意", "不错", "方便", "感谢", "好评")):
            return "praise"
        return "problem" if any(cue in text for cue in "不没难差少缺乱慢") else "neutral"

    terms = [(category.id, category.terms) for category in BOOK.categories]
    return codes(
        [
            {"statement": kind(text), "categories": [c for c, words in terms if any(word in text for word in words)]}
            for text in texts
        ]
    )


def plain_pipeline(texts):
    """Words by jieba, TF-IDF, logistic regression: what a notebook does."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    sample = [row for path in sorted((ROOT / "data" / "labelled").glob("*.csv")) for row in rows_of(path)]
    gold = codes(sample)
    vectorizer = TfidfVectorizer(tokenizer=Segmenter().cut, token_pattern=None)
    matrix, new = vectorizer.fit_transform([row["text"] for row in sample]), vectorizer.transform(texts)
    categories = (
        OneVsRestClassifier(LogisticRegression(max_iter=1000)).fit(matrix, gold.categories.astype(int)).predict(new)
    )
    statements = LogisticRegression(max_iter=1000).fit(matrix, gold.statements).predict(new)
    return Codes(categories.astype(bool), statements)


def main():
    unseen = rows_of(ROOT / "data" / "test" / "unseen.csv")
    second = rows_of(ROOT / "data" / "test" / "unseen_2.csv")
    second = [row | {"register": f"{row['register']} (2nd set)"} for row in second]
    challenge = rows_of(ROOT / "data" / "test" / "challenge.csv")
    real = real_rows() if REAL.exists() else []
    rows = unseen + second + challenge + real
    gold, texts = codes(rows), [row["text"] for row in rows]
    parts = {}
    for i, row in enumerate(rows):
        parts.setdefault(row.get("construction") or row["register"], []).append(i)
    results = {}
    coders = {"built-in": built_in, "with embeddings": with_embeddings, "dictionary": dictionary}
    coders["plain TF-IDF"] = plain_pipeline
    for name, coder in coders.items():
        if name == "with embeddings" and not semantic.available():
            continue
        said = coder(texts)
        for part, places in parts.items():
            measured = {key: measure(gold[places], said[places]) for key, measure in evaluate.MEASURES.items()}
            results.setdefault(part, {})[name] = measured | {"units": len(places)}
            print(f"{part:20s} {name:15s} n={len(places):4d} " + " ".join(f"{k}={v:.3f}" for k, v in measured.items()))
    if "--json" in sys.argv:
        Path(sys.argv[sys.argv.index("--json") + 1]).write_text(
            json.dumps(results, ensure_ascii=False, indent=1), "utf-8"
        )


if __name__ == "__main__":
    main()
