"""What the labelled sample holds and how varied it is; how much more of it would help.

    python benchmarks/sample.py [--curve]

Counts, shares of units without a textbook keyword, nearest-neighbour similarity, distinct n-grams; with `--curve` the
learning curve on the test set by another hand.
"""

import csv
import sys
from collections import Counter
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.model_selection import train_test_split

from pipeline import evaluate
from pipeline.codebook import load
from pipeline.evaluate import Codes
from pipeline.records import STATEMENTS

ROOT = Path(__file__).resolve().parent.parent
BOOK = load()
TEXTBOOK = [
    "形式主义",
    "走过场",
    "流于形式",
    "摆样子",
    "文山会海",
    "痕迹管理",
    "重形式",
    "官僚主义",
    "推诿",
    "扯皮",
    "层层加压",
    "高高在上",
    "踢皮球",
    "享乐主义",
    "贪图安逸",
    "怕吃苦",
    "得过且过",
    "不思进取",
    "动力不足",
    "奢靡",
    "铺张",
    "浪费",
    "大吃大喝",
    "公款",
    "讲排场",
    "豪华",
    "吃拿卡要",
    "优亲厚友",
    "以权谋私",
    "收礼",
    "截留",
    "克扣",
    "宗旨意识",
    "群众观念",
    "群众工作",
    "联系不密切",
    "脱离群众",
    "办事难",
    "程序复杂",
    "多跑路",
    "态度差",
    "便民",
    "能力不足",
    "本领",
    "学习不够",
    "理论水平",
    "经验不足",
    "制度",
    "机制",
    "考核",
    "问责",
    "激励",
    "人手",
    "经费",
    "设备",
    "任务重",
    "沟通",
    "渠道",
    "公开",
    "监督",
    "信访",
    "答复",
    "不理解",
    "等靠要",
    "收入",
    "就业",
    "道路",
    "住房",
    "看病",
    "养老",
    "低保",
    "停车",
    "噪音",
]
"""Words that the codebook itself uses for its categories."""


def read():
    rows = []
    for path in sorted((ROOT / "data" / "labelled").glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows += [row | {"hand": path.stem} for row in csv.DictReader(file)]
    return [row | {"set": [c for c in row["categories"].split(";") if c in BOOK.ids]} for row in rows]


def counts(rows):
    coded = [row for row in rows if row["set"]]
    print(f"units {len(rows)}, without a category {len(rows) - len(coded)}")
    print("statements", dict(Counter(row["statement"] for row in rows)))
    print("registers", dict(Counter(row["register"] for row in rows)))
    print("settings", len({(row["hand"], row["setting"]) for row in rows}))
    print(f"several categories {sum(len(row['set']) > 1 for row in coded) / len(coded):.1%} of those with one")
    plain = sum(not any(word in row["text"] for word in TEXTBOOK) for row in coded) / len(coded)
    print(f"without any textbook word of any category {plain:.1%} of those with a category")
    lengths = [len(row["text"]) for row in rows]
    print(f"characters: median {np.median(lengths):.0f}, {min(lengths)} to {max(lengths)}")
    for category in BOOK.ids:
        found = Counter(row["statement"] for row in rows if category in row["set"])
        print(f"  {category:16s} {sum(found.values()):5d} " + " ".join(f"{kind}={found[kind]}" for kind in STATEMENTS))


def variety(rows):
    texts = [row["text"] for row in rows]
    matrix = TfidfVectorizer(analyzer="char", ngram_range=(2, 2)).fit_transform(texts)
    nearest = []
    for start in range(0, len(texts), 1000):
        near = (matrix[start : start + 1000] @ matrix.T).tolil()
        near[np.arange(near.shape[0]), np.arange(start, start + near.shape[0])] = 0
        nearest.append(near.tocsr().max(axis=1).toarray().ravel())
    similarity = np.concatenate(nearest)
    shares = ", ".join(f"above {cut}: {np.mean(similarity > cut):.2%}" for cut in (0.5, 0.7, 0.9))
    print(f"nearest neighbour, cosine of character pairs: median {np.median(similarity):.2f}; {shares}")
    for n in (2, 3, 4):
        grams = [text[i : i + n] for text in texts for i in range(len(text) - n + 1)]
        print(
            f"distinct {n}-grams of characters {len(set(grams))} of {len(grams)} ({len(set(grams)) / len(grams):.1%})"
        )


def curve(rows):
    import pandas as pd

    from pipeline.coder import CoderSpec, build
    from pipeline.labels import from_frame
    from pipeline.learnt import LearntCoder
    from pipeline.train import train

    with (ROOT / "data" / "test" / "unseen.csv").open(encoding="utf-8-sig", newline="") as file:
        test = list(csv.DictReader(file))
    gold = codes([(row["statement"], row["categories"].split(";")) for row in test])
    parts = {
        kind: [i for i, row in enumerate(test) if row["register"] == kind] for kind in ("spoken", "official", "message")
    }
    frame = pd.DataFrame(rows)[["text", "statement", "categories", "setting"]]
    for size in (2000, 4000, 8000, 12000, 16000, len(frame)):
        part = frame if size >= len(frame) else train_test_split(frame, train_size=size, random_state=0)[0]
        shipped = build(CoderSpec())
        coder = LearntCoder(train(from_frame(part, BOOK), BOOK), shipped._finder, shipped._segmenter)
        said = coder.code_units([row["text"] for row in test]).to_pylist()
        coded = codes([(row["statement"], row["categories"]) for row in said])
        figures = [
            f"{kind}: macro-F1 {evaluate.macro_f1(gold[places], coded[places]):.3f}"
            f" statements {evaluate.statement_accuracy(gold[places], coded[places]):.3f}"
            for kind, places in parts.items()
        ]
        print(len(part), " | ".join(figures), flush=True)


def codes(rows):
    sets = np.asarray([[category in found for category in BOOK.ids] for _, found in rows], dtype=bool)
    return Codes(sets, np.asarray([STATEMENTS.index(kind) for kind, _ in rows]))


if __name__ == "__main__":
    sample = read()
    counts(sample)
    variety(sample)
    if "--curve" in sys.argv:
        curve(sample)
