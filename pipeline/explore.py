"""Looks into a finished run: words in context, new words, groups in what has no category, answers given twice."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.folder import whole_file
from pipeline.normalise import normalise
from pipeline.query import open_units, streamed
from pipeline.segment import ContentWords, domain_words
from pipeline.tables import Table, defused

if TYPE_CHECKING:
    import pandas as pd

KEYWORDS = 10
CONTEXT = 20
"""Characters of the text shown on either side of a term."""

LEAST_RESPONSES = 2
"""Responses that use a word before it counts as one."""

MOST_GROUPS, GROUP_WORDS, GROUP_EXAMPLES = 8, 6, 2
_UNITS_A_GROUP = 5
_HAN = re.compile("[\u3400-\u9fff]")

LEAST_LENGTH = 8
"""Letters of a sentence that nobody says twice by chance."""

_REMAINDER = """
SELECT file, location, text, words FROM spoken WHERE len(categories) = 0 AND len(words) > 0
ORDER BY file, location, unit, text
"""
_FOUND = "SELECT file, location, respondent, text FROM spoken ORDER BY file, location, unit, text"
_WORDS = """
SELECT word, count(*) AS frequency, count(DISTINCT (file, location)) AS responses
FROM (SELECT file, location, unnest(words) AS word FROM spoken) GROUP BY word ORDER BY frequency DESC, word
"""
_SAID = """
SELECT text, any_value(file ORDER BY file, location) AS file, any_value(location ORDER BY file, location) AS location,
       list(DISTINCT person) AS people, count(*) AS units
FROM spoken WHERE length(text) >= ? GROUP BY text ORDER BY text
"""
_PLACE = {"file": "文件", "location": "位置"}


def overview(folder: Path) -> Table:
    """Return the most frequent words, then the keywords of each category, from the run's stored tables."""
    import pyarrow.parquet as pq

    words, keys = (pq.read_table(folder / "tables" / f"{name}.parquet").to_pandas() for name in ("words", "keywords"))
    keys = keys[keys["responses"] >= LEAST_RESPONSES]
    groups = [("全部", words), *((str(name), own) for name, own in keys.groupby("name", sort=False))]
    rows = [{"name": name, "words": "、".join(own["word"].head(KEYWORDS))} for name, own in groups]
    note = "“全部”是最常用的词，各类别是与其他语句相比明显多用的词；数字见 tables/words.csv 和 tables/keywords.csv。"
    return _table("overview", "关键词", rows, {"name": "类别", "words": "词语"}, note)


def concordance(folder: Path, term: str) -> Table:
    """Return every place where a term stands, with the text on either side (KWIC).

    Parameters
    ----------
    folder : Path
        The run, OUT.
    term : str
        Characters, taken as they are; width and case of letters do not matter.

    Raises
    ------
    InputRefused
        If the folder holds no run.
    """
    wanted = re.compile(re.escape(normalise(term)) or "(?!)", re.IGNORECASE)
    with open_units(folder) as connection:
        found = [
            {"left": text[max(at.start() - CONTEXT, 0) : at.start()], "term": text[at.start() : at.end()],
             "right": text[at.end() :][:CONTEXT], "respondent": respondent, "file": file, "location": location}
            for file, location, respondent, text in streamed(connection.execute(_FOUND))
            for at in wanted.finditer(normalise(text))
        ]  # fmt: skip
    headings = {"left": "上文", "term": "词语", "right": "下文", "respondent": "受访者", **_PLACE}
    return _table("kwic", f"“{term}”在原话里", found, headings, f"共{len(found)}处。")


def new_words(folder: Path) -> Table:
    """Return frequent words that neither jieba's dictionary nor the domain dictionary knows.

    They were cut by jieba's hidden Markov model: names, new terms, and now and then a wrong cut. Those worth keeping go
    into a dictionary for `--words`.
    """
    known, negators = _known(), sorted(ContentWords.shipped().negators)
    with open_units(folder) as connection:
        rows = connection.execute(_WORDS).fetchall()
    found = [
        {"word": word, "frequency": frequency, "responses": responses}
        for word, frequency, responses in rows
        if responses >= LEAST_RESPONSES
        and _HAN.search(word)
        and not any(part in known for part in _without_negator(word, negators))
    ]
    headings = {"word": "词语", "frequency": "出现次数", "responses": "出现于多少条回答"}
    note = "词典里没有、由分词模型认出的词：有用的可写进自己的词典（--words），也可能是切错的。"
    return _table("new_words", "新词", found, headings, note)


def _without_negator(word: str, negators: Sequence[str]) -> Iterator[str]:
    yield word
    yield from (word.removeprefix(negator) for negator in negators if word.startswith(negator))


@cache
def _known() -> frozenset[str]:
    lines = files("jieba").joinpath("dict.txt").read_text(encoding="utf-8").splitlines()
    return frozenset(line.split(" ", 1)[0] for line in lines) | {entry.word for entry in domain_words()}


def remainder_groups(folder: Path) -> Table:
    """Return what the units without a category are about: groups of similar ones, each with words and examples.

    Groups by k-means over TF-IDF vectors (scikit-learn), the same on every run; a group is a hint, no finding.
    """
    with open_units(folder) as connection:
        units = connection.execute(_REMAINDER).df()
    headings = {"group": "组", "units": "语句数", "words": "常用词", "example": "例子", **_PLACE}
    note = f"没有类别而有内容的语句共{len(units)}条，按用词相近自动分组：只供发现线索，不是结论。"
    return _table("groups", "无类别语句的分组", _grouped(units), headings, note)


def _grouped(units: pd.DataFrame) -> list[dict[str, Any]]:
    import numpy as np
    from sklearn.cluster import KMeans
    from sklearn.feature_extraction.text import TfidfVectorizer
    from threadpoolctl import threadpool_limits

    often = Counter(word for found in units["words"] for word in set(found))
    words = [[word for word in found if often[word] >= LEAST_RESPONSES] for found in units["words"]]
    units, words = units[[bool(found) for found in words]], [found for found in words if found]
    count = min(MOST_GROUPS, len(words) // _UNITS_A_GROUP, len(set(map(frozenset, words))))
    if not count:
        return []
    vectors = TfidfVectorizer(analyzer=list)
    matrix = vectors.fit_transform(words)
    with threadpool_limits(1):
        model = KMeans(count, n_init=4, random_state=0).fit(matrix)
    names, nearness = vectors.get_feature_names_out(), matrix @ model.cluster_centers_.T
    sizes = np.bincount(model.labels_, minlength=count)
    found: list[dict[str, Any]] = []
    for number, group in enumerate(np.argsort(-sizes, kind="stable"), 1):
        centre = model.cluster_centers_[group]
        top = [str(names[at]) for at in np.argsort(-centre, kind="stable")[:GROUP_WORDS] if centre[at] > 0]
        own = np.flatnonzero(model.labels_ == group)
        nearest = units.iloc[own[np.argsort(-nearness[own, group], kind="stable")]]
        for row in nearest.drop_duplicates("text").head(GROUP_EXAMPLES).to_dict("records"):
            place = {"example": row["text"], "file": row["file"], "location": row["location"]}
            found.append({"group": number, "units": int(sizes[group]), "words": "、".join(top)} | place)
    return found


def duplicates(folder: Path) -> Table:
    """Return sentences that different respondents say in the same words, punctuation and width of letters aside."""
    with open_units(folder) as connection:
        rows = connection.execute(_SAID, [LEAST_LENGTH]).fetchall()
    same: dict[str, list[Any]] = {}
    for text, file, location, people, units in rows:
        key = "".join(letter for letter in normalise(text).casefold() if letter.isalnum())
        if len(key) >= LEAST_LENGTH:
            entry = same.setdefault(key, [text, file, location, set(), 0])
            entry[3] |= set(people)
            entry[4] += units
    found = [
        {"text": text, "respondents": len(people), "units": units, "file": file, "location": location}
        for text, file, location, people, units in same.values()
        if len(people) > 1
    ]
    found.sort(key=lambda row: (-row["respondents"], -row["units"], row["text"]))
    headings = {"text": "原话", "respondents": "受访者数", "units": "语句数", **_PLACE}
    note = f"不同受访者说的相同的话（不计标点，{LEAST_LENGTH}字以上），可能是转发、抄写或统一填写；位置是其中一处。"
    return _table("duplicates", "重复的话", found, headings, note)


def _table(name: str, title: str, rows: Sequence[dict[str, Any]], headings: dict[str, str], note: str) -> Table:
    import pandas as pd

    return Table(name, title, pd.DataFrame(list(rows), columns=list(headings)), headings, (note,))


def write_csv(table: Table, folder: Path) -> Path:
    """Write a table as `explore/<name>.csv` in a run's folder, and return its path."""
    path = folder / "explore" / f"{table.name}.csv"
    frame = table.zh().map(lambda cell: defused(cell) if isinstance(cell, str) else cell)
    with whole_file(path) as unfinished:
        frame.to_csv(unfinished, index=False, encoding="utf-8-sig", lineterminator="\r\n")
    return path
