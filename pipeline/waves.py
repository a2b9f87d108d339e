"""Compares two runs, two waves of a survey: which problems grew, fell or are new, and which words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from pipeline.breakdown import caution
from pipeline.errors import EnvironmentFault, InputRefused, OutputRefused
from pipeline.folder import whole_file
from pipeline.keywords import KINDS
from pipeline.query import open_units
from pipeline.result import Run
from pipeline.stats import Interval, adjust, difference, keyness
from pipeline.stats import compare as compared
from pipeline.tables import Table, write_tables
from pipeline.tabulate import count, frequencies

if TYPE_CHECKING:
    import pandas as pd

    from pipeline.chart import Picture

REAL = 0.05
"""Adjusted p below which a share counts as grown or fallen."""

MOST_WORDS = 50
"""Words of each wave."""

LEAST_RESPONSES = 2
"""Responses of a wave that use a word before it is listed: what one person says again and again is no wave."""

NAME = "两期比较"

_WAVES = {"first": "上期", "second": "本期"}
_SHARES = {
    "name": "类别",
    "change": "变化",
    "first_hits": "上期提到问题的受访者数",
    "first_share": "上期占比",
    "first_low": "上期95%区间下限",
    "first_high": "上期95%区间上限",
    "second_hits": "本期提到问题的受访者数",
    "second_share": "本期占比",
    "second_low": "本期95%区间下限",
    "second_high": "本期95%区间上限",
    "difference": "受访者占比之差",
    "difference_low": "占比之差95%区间下限",
    "difference_high": "占比之差95%区间上限",
    "test": "检验方法",
    "p": "p值",
    "p_adjusted": "校正后p值",
    "withheld": "未作检验的原因",
    "first_units": "上期问题语句数",
    "second_units": "本期问题语句数",
    "unit_difference": "占全部问题语句之差",
    "unit_difference_low": "语句占比之差95%区间下限",
    "unit_difference_high": "语句占比之差95%区间上限",
    "caution": "提示",
}
_WORDS = {
    "wave_name": "哪一期多用",
    "rank": "名次",
    "word": "词语",
    "kind_name": "词或短语",
    "first_frequency": "上期次数",
    "second_frequency": "本期次数",
    "first_responses": "上期出现于多少条回答",
    "second_responses": "本期出现于多少条回答",
    "g2": "对数似然值（G2）",
    "log_ratio": "对数比（本期比上期）",
    "bic": "贝叶斯因子（BIC）",
}


@dataclass(frozen=True, slots=True, eq=False)
class Waves:
    """The comparison of two runs: tables, a picture, and what should be known of it."""

    first: Path
    second: Path
    tables: tuple[Table, ...]
    """`waves`, the shares of each category then and now; `wave_words`, the words used more in one of them."""
    warnings: tuple[str, ...] = ()

    def table(self, name: str = "waves", *, zh: bool = False) -> pd.DataFrame:
        """Return `waves` or `wave_words`; with `zh` as readers see it."""
        found = {table.name: table for table in self.tables}
        if name not in found:
            raise KeyError(f"没有名为“{name}”的表；有：{'、'.join(found)}")
        return found[name].zh() if zh else found[name].frame

    def chart(self) -> Picture | None:
        """Draw the shares of both waves with their intervals; None where there is nothing to draw."""
        from pipeline.chart import waves

        return waves(self.table())

    def save(self, path: str | Path, *, force: bool = False) -> Path:
        """Write the tables as a workbook (a path that ends in `.xlsx`), or tables, workbook and picture into a folder.

        Raises
        ------
        OutputRefused
            If it exists, unless `force` is given.
        EnvironmentFault
            If it cannot be written.
        """
        path = Path(path)
        if path.exists() and not force and not (path.is_dir() and not any(path.iterdir())):
            raise OutputRefused(f"{path} 已存在，没有覆盖：请换一个名字（-o），或加 --force 替换它。")
        if path.suffix.lower() == ".xlsx":
            return self._write_book(path)
        try:
            path.mkdir(parents=True, exist_ok=True)
            write_tables(self.tables, path)
        except OSError as error:
            raise EnvironmentFault(f"写不了 {path}：请检查磁盘空间和权限（{error.strerror or error}）。") from error
        self._write_book(path / f"{NAME}.xlsx")
        if (picture := self.chart()) is not None:
            from pipeline.chart import save_png

            with whole_file(path / f"{NAME}.png") as unfinished:
                save_png(picture, unfinished)
        return path

    def _write_book(self, path: Path) -> Path:
        from pipeline.report.workbook import write_tables_book

        return write_tables_book(path, self.tables)

    def __repr__(self) -> str:
        frame = self.table()
        told = "；".join(f"{change}：{'、'.join(own['name'])}" for change, own in frame.groupby("change", sort=False))
        return f"两期比较：{self.first}（上期）与 {self.second}（本期）\n{told}"


def compare(first: Run | str | Path, second: Run | str | Path) -> Waves:
    r"""Compare two runs that were coded by the same codebook.

    Shares of respondents with a problem in each category: Newcombe's interval of the difference, chi-square or Fisher's
    test where it may be made, p-values corrected for their number. Shares of problem units: an interval that is robust to
    units nesting in respondents. Words: keyness of one wave against the other. The interviewer's turns do not count.

    Parameters
    ----------
    first, second : Run, str or Path
        The earlier and the later run.

    Returns
    -------
    Waves
        Its tables are DataFrames: `compare(a, b).table()`.

    Raises
    ------
    InputRefused
        If one is no finished run, or they have different codebooks.

    Examples
    --------
    >>> import pipeline, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     for wave, line in (("去年", "会多文件多，一天到晚填表。"), ("今年", "办个证跑了四趟。")):
    ...         source = Path(folder, f"{wave}.csv")
    ...         _ = source.write_text("\n".join(["留言内容", *[line] * 40]), encoding="utf-8")
    ...         _ = pipeline.classify(source, out=Path(folder, wave))
    ...     waves = compare(Path(folder, "去年"), Path(folder, "今年"))
    ...     dict(waves.table().set_index("category").loc[["formalism", "service_gap"], "change"])
    {'formalism': '不再出现', 'service_gap': '新出现'}
    """
    runs = [run if isinstance(run, Run) else Run(Path(run)) for run in (first, second)]
    names = _same_names(*runs)
    counted = [_counted(run, names) for run in runs]
    waves = _shares([shares for shares, _ in counted], runs)
    words = _words([words for _, words in counted])
    return Waves(runs[0].folder, runs[1].folder, (waves, words), tuple(_warnings(*(run.manifest for run in runs))))


def _same_names(first: Run, second: Run) -> dict[str, str]:
    """Return the categories of both runs."""
    books = [run.manifest["codebook"] for run in (first, second)]
    if books[0]["fingerprint"] == books[1]["fingerprint"]:
        names: dict[str, str] = books[0]["categories"]
        return names
    only = [[name for name in one["categories"].values() if name not in other["categories"].values()]
            for one, other in (books, books[::-1])]  # fmt: skip
    told = [f"只有{run.folder}有：{'、'.join(own[:8])}" for run, own in zip((first, second), only, strict=True) if own]
    raise InputRefused(
        f"{first.folder} 和 {second.folder} 用的编码手册不同（{'；'.join(told) or '类别相同，定义或词语不同'}），不能比较："
        "请用同一份手册（--codebook）重新编码其中一期。"
    )


def _warnings(first: Mapping[str, Any], second: Mapping[str, Any]) -> list[str]:
    """Say what may differ between the waves beside what people said."""
    told = []
    if first["coder"] != second["coder"] or first["words"] != second["words"]:
        told.append("两期用的模型或词典不同：差别可能来自模型，请用同一个模型把两期都重新编码。")
    if first["options"]["unit"] != second["options"]["unit"]:
        told.append("一期按句编码，另一期整条编码：占比不宜直接比较。")
    hashes = [{file["sha256"] for file in one["files"].values()} - {None} for one in (first, second)]
    if both := len(hashes[0] & hashes[1]):
        told.append(f"有 {both} 个文件两期都有（内容相同）：两期并不独立，差别被低估。")
    return told


def _counted(run: Run, names: Mapping[str, str]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return a run's table of frequencies, and its words."""
    with open_units(run.folder) as connection:
        count(connection, run.folder)
        return frequencies(connection, names).frame, connection.execute("SELECT * FROM word_counts").df()


def _shares(counts: list[pd.DataFrame], runs: list[Run]) -> Table:
    frame = counts[0][["category", "name"]].copy()
    for wave, own in zip(_WAVES, counts, strict=True):
        frame[f"{wave}_hits"], frame[f"{wave}_units"] = own["problem_respondents"], own["problem_units"]
        for name in ("share", "low", "high"):
            frame[f"{wave}_{name}"] = own[f"respondent_{name}"]
    for base, prefix in (("respondent", ""), ("unit", "unit_")):
        gap = difference(*(Interval(*(own[f"{base}_{name}"].to_numpy() for name in ("share", "low", "high")))
                           for own in counts))  # fmt: skip
        frame[f"{prefix}difference"] = gap.share
        frame[f"{prefix}difference_low"], frame[f"{prefix}difference_high"] = gap.low, gap.high
    people = [int(own["respondents"].iloc[-1]) for own in counts]
    tests = [compared(hits, people) if all(people) else compared([], []) for hits in _pairs(frame)]
    for name in ("test", "p", "withheld"):
        frame[name] = [getattr(result, name) for result in tests]
    frame["p_adjusted"] = adjust(frame["p"])
    frame["change"] = [_change(*hits, p) for hits, p in zip(_pairs(frame), frame["p_adjusted"], strict=True)]
    frame["caution"] = [_caution(hits, people) for hits in _pairs(frame)]
    notes = (
        f"上期：{runs[0].folder.name}，受访者 {people[0]} 人；本期：{runs[1].folder.name}，受访者 {people[1]} 人。访谈者的话不计。",
        "占比＝就该类别提出问题的受访者÷当期全部受访者；差＝本期减上期，区间为95% Newcombe区间；语句占比之差的区间考虑了同一人的语句彼此相关。",
        "校正后p值按Benjamini-Hochberg法对本表各行校正，小于0.05的写为上升或下降。两期当作独立的受访者；两期问的人、问法不同，也会造成差别。",
    )
    return Table("waves", NAME, frame[["category", *_SHARES]], _SHARES, notes)


def _pairs(frame: pd.DataFrame) -> list[tuple[int, int]]:
    return list(zip(frame["first_hits"], frame["second_hits"], strict=True))


def _change(then: int, now: int, p: float) -> str:
    """Return in a word what became of a problem.

    Examples
    --------
    >>> _change(0, 3, 0.2), _change(9, 0, 0.01), _change(9, 30, 0.01), _change(9, 12, 0.5)
    ('新出现（人少，可能是偶然）', '不再出现', '上升', '没有明显变化')
    """
    if not then and not now:
        return "两期都没有"
    sure = "" if p < REAL else "（人少，可能是偶然）"
    if not then or not now:
        return ("不再出现" if then else "新出现") + sure
    return ("上升" if now > then else "下降") if not sure else "没有明显变化"


def _caution(hits: tuple[int, int], people: list[int]) -> str:
    marks = (caution(hit, base) for hit, base in zip(hits, people, strict=True))
    return "；".join(f"{wave}{mark}" for wave, mark in zip(_WAVES.values(), marks, strict=True) if mark)


def _words(counts: list[pd.DataFrame]) -> Table:
    """Return the words that one wave uses more than the other."""
    import pandas as pd

    indexed = [own.set_index(["phrase", "word"])[["frequency", "responses"]] for own in counts]
    first, second = (own.add_prefix(f"{wave}_") for wave, own in zip(_WAVES, indexed, strict=True))
    frame = first.join(second, how="outer").fillna(0).astype("int64").reset_index()
    tokens = [frame.groupby("phrase")[f"{wave}_frequency"].transform("sum").clip(lower=1) for wave in _WAVES]
    key = keyness(frame["second_frequency"], frame["first_frequency"], tokens[1], tokens[0])
    frame = frame.assign(
        g2=key.g2, bic=key.bic, log_ratio=_log_ratio(frame, tokens), kind_name=frame["phrase"].map(KINDS)
    )
    parts = []
    for wave, zh in reversed(_WAVES.items()):
        grown = frame["log_ratio"] > 0 if wave == "second" else frame["log_ratio"] < 0
        own = frame[grown & (frame[f"{wave}_responses"] >= LEAST_RESPONSES)]
        own = own.sort_values(["g2", "word"], ascending=[False, True], kind="stable").head(MOST_WORDS)
        parts.append(own.assign(wave=wave, wave_name=zh, rank=range(1, len(own) + 1)))
    notes = (
        f"一期比另一期明显多用的词，按对数似然值（G2）排列，每期最多{MOST_WORDS}个，至少出现于{LEAST_RESPONSES}条回答；带否定的词是一个整体。",
        "对数比：本期的相对频率每比上期翻一番加1，减半减1。贝叶斯因子：大于2为有证据，大于6为强，大于10为很强，小于0不足为凭。",
    )
    return Table(
        "wave_words", "两期用词比较", pd.concat(parts)[["wave", *_WORDS]].reset_index(drop=True), _WORDS, notes
    )


def _log_ratio(frame: pd.DataFrame, tokens: list[pd.Series[int]]) -> Any:
    """Return how many times the relative frequency doubles from the first wave to the second; no word counts as half one."""
    then, now = (np.maximum(frame[f"{wave}_frequency"].to_numpy(float), 0.5) for wave in _WAVES)
    return np.log2(now / tokens[1].to_numpy()) - np.log2(then / tokens[0].to_numpy())
