"""How good models retrained on people's labels are, beside what a notebook does; all figures measured in this run.

    python benchmarks/retraining.py [messages] [shop] [few] [codebook] [active] [--semantic] [--json FILE]

Reads `../shared/data` (nothing is copied); a part without its data is left out.
"""

import json
import sys
import time
import zipfile
from pathlib import Path

import numpy as np

from pipeline import card, grade, review
from pipeline.codebook import load, of_labels
from pipeline.evaluate import Codes, mean_kappa
from pipeline.features import Vocabulary
from pipeline.figures import figures
from pipeline.fitting import FOLDS
from pipeline.labels import LabelOptions, Labels, normalised, read_labels
from pipeline.segment import Segmenter
from pipeline.train import builtin_sample, cuts_of, learn

DATA = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
SEMANTIC = "--semantic" in sys.argv
RESULTS = {}
DRAWS = 3
"""Random draws that figures are averaged over."""

GOAL, MOST_SAMPLED = 0.95, 800
SIZES = (50, 100, 150, 200, 250, 300, 400, 500, 600, 800, 1000, 1300, 1600, 2000)
"""Numbers of labels on the curves of `active`."""


def told(part, **values):
    RESULTS.setdefault(part, []).append(values)
    print(
        f"{part:9s} " + "  ".join(f"{k}={v:.3f}" if isinstance(v, float) else f"{k}={v}" for k, v in values.items()),
        flush=True,
    )


def macro(truth, said):
    from sklearn.metrics import f1_score

    return float(f1_score(truth, said, average="macro"))


def naive(train, truth, test):
    """Words, TF-IDF, naive Bayes or logistic regression: what a notebook does."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.naive_bayes import MultinomialNB

    vectorizer = TfidfVectorizer(tokenizer=Segmenter().cut, token_pattern=None)
    matrix, new = vectorizer.fit_transform(train), vectorizer.transform(test)
    models = {"naive Bayes": MultinomialNB(), "LR": LogisticRegression(max_iter=300)}
    return {name: model.fit(matrix, truth).predict(new) for name, model in models.items()}


def of(texts, names, groups=None):
    return Labels(
        tuple(texts), ("",) * len(texts), tuple((name,) for name in names), tuple(groups or map(str, range(len(texts))))
    )


def tested(part, train, test, **values):
    began, cpu = time.perf_counter(), time.process_time()
    trained = learn(train, use_semantic=SEMANTIC)
    card.card_of(trained)
    seconds, spent = time.perf_counter() - began, time.process_time() - cpu
    judged = grade.judge(trained.model, trained.codebook, test)
    found = figures(judged, trained.codebook.names)
    told(part, **values, rows=len(train), macro_f1=found["macro_f1"], ece=found["ece"], seconds=seconds, cpu=spent)


def messages():
    labels = read_labels([DATA / "citizen_messages_labelled.xlsx"], None, LabelOptions(label="一级分类"))
    texts, truth = normalised(labels), np.asarray([row[0] for row in labels.categories])
    began = time.perf_counter()
    trained = learn(labels, use_semantic=SEMANTIC)
    found = card.card_of(trained)
    told(
        "messages",
        cv_macro_f1=found["macro_f1"],
        ece=found["ece"],
        seconds=time.perf_counter() - began,
        recipe=found["recipe"],
    )
    from sklearn.model_selection import StratifiedKFold

    said = {}
    for rows, test in StratifiedKFold(FOLDS, shuffle=True, random_state=0).split(texts, truth):
        for name, value in naive([texts[i] for i in rows], truth[rows], [texts[i] for i in test]).items():
            said.setdefault(name, np.empty(len(truth), truth.dtype))[test] = value
    for name, value in said.items():
        told("messages", naive=name, macro_f1=macro(truth, value))


def reviews():
    import pandas as pd

    with zipfile.ZipFile(DATA / "online_shopping_10_cats.zip") as archive:
        frame = pd.read_csv(archive.open(archive.namelist()[0])).dropna()
    return frame.sample(frac=1, random_state=0).reset_index(drop=True)


def shop():
    frame = reviews()
    train, test = frame[:15000], frame[15000:23000]
    tested("shop", of(train["review"], train["cat"]), of(test["review"], test["cat"]))
    for name, said in naive(train["review"], train["cat"], test["review"]).items():
        told("shop", naive=name, macro_f1=macro(test["cat"], said))


def few():
    frame = reviews()
    test = frame[15000:19000]
    for seed in range(3):
        train = frame[:15000].groupby("cat").sample(20, random_state=seed)
        tested("few", of(train["review"], train["cat"]), of(test["review"], test["cat"]), seed=seed)
        for name, said in naive(train["review"], train["cat"], test["review"]).items():
            told("few", naive=name, macro_f1=macro(test["cat"], said))


def real():
    rows = [json.loads(line) for line in (DATA / "message_units.jsonl").read_text("utf-8").splitlines()]
    columns = (tuple(row[key] for row in rows) for key in ("text", "statement", "msg"))
    texts, statements, groups = columns
    return Labels(texts, statements, tuple(tuple(row["categories"]) for row in rows), groups)


def codebook():
    """The built-in coder plus 200 of the 1,000 labelled real sentences, on the other 800: random, and chosen by `sample`."""
    labels, book = real(), load()
    model, _ = grade.open_model(None)
    texts = normalised(labels)
    cuts = cuts_of(texts, book)
    scores, kinds = model.scores(cuts, texts)
    certain = model.statements.probabilities(kinds)
    margin, doubted = review.doubts(model, model.categories.probabilities(scores), certain)
    features = Vocabulary.of(cuts).matrix(cuts)
    for seed in range(DRAWS):
        drawn = {"random": np.random.default_rng(seed).permutation(len(labels))[:200]}
        drawn["sample"] = np.asarray([row for row, _ in review.choose(features, margin, 200, seed, kinds=doubted)])
        for how, rows in drawn.items():
            rest = np.setdiff1d(np.arange(len(labels)), rows)
            test = labels.take(rest)
            told("codebook", how=how, seed=seed, coder="built-in", **_quality(grade.judge(model, book, test)))
            began = time.perf_counter()
            trained = learn(labels.take(rows), book, base=builtin_sample())
            seconds = time.perf_counter() - began
            values = _quality(grade.judge(trained.model, book, test))
            told("codebook", how=how, seed=seed, coder="+200", **values, weight=trained.weight, seconds=seconds)


def _quality(judged):
    gold = Codes(judged.truth, judged.statements)
    said = judged.statement_probable.argmax(axis=1)
    kappa = mean_kappa(gold, Codes(judged.decided, said))
    return {"kappa": kappa, "statements": float((said == judged.statements).mean())}


def active():
    """F1 by the number of labels, chosen by `sample` and at random, and how many labels reach 95 % of what all reach.

    Reviews, 3,000 to choose from, and message units, 700, by their statement types; trained as the command does.
    """
    frame = reviews()
    pool, test = frame[:3000], frame[15000:17000]
    _curves("reviews", of(pool["review"], pool["cat"]), of(test["review"], test["cat"]))
    units = real()
    units = of(units.texts, units.statements, units.groups)
    order = np.random.default_rng(0).permutation(len(units))
    _curves("messages", units.take(order[:700]), units.take(order[700:]))


def _curves(name, pool, test):
    book = of_labels(row[0] for row in pool.categories)
    cuts = cuts_of(normalised(pool), book)
    features = Vocabulary.of(cuts).matrix(cuts)
    full = _reached(pool, test)[1]
    sizes = [n for n in SIZES if n < len(pool)]
    ways = {"random": [], "sample": []}
    for seed in range(DRAWS):
        order = np.random.default_rng(seed).permutation(len(pool))
        ways["random"].append([_reached(pool.take(order[:n]), test)[1] for n in sizes])
        ways["sample"].append(_by_sample(pool, test, features, [n for n in sizes if n <= MOST_SAMPLED], seed))
    for how, curves in ways.items():
        points = dict(zip(sizes, np.mean(curves, axis=0), strict=False))
        needed = _crossing(points, GOAL * full)
        curve = {n: round(float(f1), 3) for n, f1 in points.items()}
        told("active", data=name, how=how, full=full, goal=GOAL * full, labels_needed=needed, curve=curve)


def _by_sample(pool, test, features, sizes, seed):
    """Return macro F1 after each round of `sample`, which sees the model of the round before."""
    chosen, out, margin, kinds = np.zeros(0, int), [], np.zeros(len(pool)), np.zeros(len(pool), int)
    texts = normalised(pool)
    for size in sizes:
        rest = np.setdiff1d(np.arange(len(pool)), chosen)
        count, first = size - len(chosen), not len(chosen)
        picked = review.choose(features[rest], margin[rest], count, seed, kinds=kinds[rest], first=first)
        chosen = np.concatenate([chosen, rest[[row for row, _ in picked]]])
        model, f1 = _reached(pool.take(chosen), test)
        out.append(f1)
        scores, _ = model.scores(cuts_of(texts, of_labels(model.categories.labels)), texts)
        margin, kinds = review.doubts(model, model.categories.probabilities(scores), None)
    return out


def _reached(labels, test):
    """Train as the command does; return the model and its macro F1 on the test units."""
    trained = learn(labels, use_semantic=SEMANTIC)
    decided = grade.judge(trained.model, trained.codebook, _known(test, trained)).decided.argmax(1)
    return trained.model, macro([row[0] for row in test.categories], [trained.codebook.ids[i] for i in decided])


def _crossing(points, goal):
    """Return the number of labels at which a curve reaches a goal, between its points by a straight line."""
    sizes, reached = list(points), list(points.values())
    for at, f1 in enumerate(reached):
        if f1 >= goal:
            low = (sizes[at - 1], reached[at - 1]) if at else (0, 0.0)
            return round(low[0] + (sizes[at] - low[0]) * (goal - low[1]) / (f1 - low[1]))
    return None


def _known(labels, trained):
    """Return the labels as the model's codebook can hold them."""
    ids = set(trained.codebook.ids)
    kept = tuple(row if ids.issuperset(row) else () for row in labels.categories)
    return Labels(labels.texts, labels.statements, kept, labels.groups)


PARTS = {"messages": messages, "shop": shop, "few": few, "codebook": codebook, "active": active}

if __name__ == "__main__":
    if not DATA.exists():
        raise SystemExit(f"{DATA} is not there: nothing to measure on.")
    wanted = [name for name in PARTS if name in sys.argv] or list(PARTS)
    for name in wanted:
        PARTS[name]()
    if "--json" in sys.argv:
        Path(sys.argv[sys.argv.index("--json") + 1]).write_text(
            json.dumps(RESULTS, ensure_ascii=False, indent=1), "utf-8"
        )
