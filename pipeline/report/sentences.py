"""The words of the Word report: sentences built from the numbers, which never claim more than these bear."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from pipeline.tables import Table

if TYPE_CHECKING:
    import pandas as pd

MOST_HEADS = 8
"""Categories with a paragraph of their own; the others share a sentence."""

MOST_TOPICS = 5
"""Categories whose suggestions and praise are reported."""

QUOTES = {"problem": 3, "suggestion": 2, "praise": 2}
KEYWORDS = 6
GROUPS = 2
"""Groups named as high, and as low, of a comparison."""

REAL = 0.05
"""Adjusted p below which a difference between groups is told; and of it only groups beyond two residuals."""

_DIGITS = "零一二三四五六七八九十"


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of the report: its kind, and its text or the name of the table that it shows or draws."""

    kind: Literal["title", "head", "subhead", "text", "quote", "table", "figure"]
    text: str
    source: str = ""


@dataclass(frozen=True)
class _Numbers:
    """The tables, as the sentences ask for them."""

    frames: Mapping[str, pd.DataFrame]
    groups: Mapping[str, pd.DataFrame]
    totals: Mapping[str, str | int]
    notes: Mapping[str, Sequence[str]]

    @property
    def total(self) -> dict[str, Any]:
        counts = self.frames["frequencies"]
        return records(counts[counts["category"] == "(total)"])[0]

    def ranked(self, statement: str) -> list[dict[str, Any]]:
        """Return the categories by the number of respondents, without those that nobody names."""
        counts, column = self.frames["frequencies"], f"{statement}_respondents"
        found = counts[~counts["category"].str.startswith("(") & (counts[column] > 0)]
        return records(found.sort_values(column, ascending=False, kind="stable"))

    def remaining(self, kind: str) -> tuple[int, float]:
        """Return how many units are of a kind of the table `remainder`, and their share."""
        frame = self.frames["remainder"]
        row = records(frame[frame["kind"] == kind])[0]
        return row["units"], row["share"]


def compose(
    tables: Sequence[Table],
    totals: Mapping[str, str | int],
    figures: Sequence[str],
    quality: Sequence[str] = (),
    privacy: str = "",
) -> list[Block]:
    """Return the report's pieces, in order.

    Parameters
    ----------
    tables : sequence of Table
        Of the run.
    totals : mapping of str to (str or int)
        The numbers of files and records, by their Chinese names.
    figures : sequence of str
        The names of the tables that are drawn.
    quality : sequence of str
        Sentences on how right the coder is; without them the report says that this is unknown.
    privacy : str
        What became of personal data.
    """
    frames = {table.name: table.frame for table in tables}
    groups = {_column(table): table.frame for table in tables if "residual" in table.headings}
    numbers = _Numbers(frames, groups, totals, {table.name: table.notes for table in tables})
    drawn = [table for table in tables if table.name in figures]
    return [
        Block("title", "意见调研报告"),
        Block("head", "一、基本情况"),
        *_material(numbers, drawn),
        Block("head", "二、主要问题"),
        *_problems(numbers),
        *_compared(drawn),
        Block("head", "三、意见建议"),
        *_topics(numbers, "suggestion", "提出建议"),
        Block("head", "四、好的做法"),
        *_topics(numbers, "praise", "表示肯定"),
        Block("head", "五、说明"),
        *_limits(numbers, quality),
        Block("text", f"本报告由计算机根据统计结果生成，供修改使用。{privacy}"),
    ]


def records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return a frame's rows, each by its columns' names."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]


def chinese(number: int) -> str:
    """Return a number up to 99 as headings count.

    Examples
    --------
    >>> chinese(3), chinese(10), chinese(12), chinese(20)
    ('三', '十', '十二', '二十')
    """
    tens, ones = divmod(number, 10)
    if number <= 10:
        return _DIGITS[number]
    return ("" if tens == 1 else _DIGITS[tens]) + "十" + (_DIGITS[ones] if ones else "")


def _column(table: Table) -> str:
    return table.headings["group"].removeprefix("分组：")


def _percent(share: float) -> str:
    return f"{share:.1%}"


def _between(row: Mapping[str, Any]) -> str:
    return f"95%区间{_percent(row['respondent_low'])}—{_percent(row['respondent_high'])}"


def _material(numbers: _Numbers, drawn: Sequence[Table]) -> Iterator[Block]:
    yield Block("subhead", "（一）材料")
    yield Block("text", _read(numbers))
    total = numbers.total
    if not total["units"]:
        yield Block("text", "材料中没有可供统计的语句。")
        return
    yield Block("text", _kinds(total))
    yield Block("subhead", "（二）方法")
    count = len(numbers.frames["frequencies"]) - 2
    yield Block(
        "text",
        f"语句由计算机按编码手册自动归类，手册共有{count}个类别；一条语句可归入几个类别，也可不归入任何类别，同时判定它是反映问题、"
        "提出建议、表示肯定还是一般陈述。类别是说到的话题，只有反映问题的语句才计为问题。",
    )
    yield Block("text", "人数按受访者计算：同一人多次提到同一类问题只计一次。区间为95%置信区间。")
    yield Block("subhead", "（三）总体情况")
    yield Block("table", "各类别的人数和语句数", "frequencies")
    if any(table.name == "frequencies" for table in drawn):
        yield Block("figure", "", "frequencies")


def _read(numbers: _Numbers) -> str:
    totals, (units, _) = numbers.totals, numbers.remaining("total")
    rejected = totals.get("没有分类的记录", 0)
    refused = f"，{rejected}条没有分类（原因见 rejects.csv）" if rejected else ""
    asked, _ = numbers.remaining("interviewer")
    return (
        f"材料共{totals.get('文件', 0)}个文件，读到记录{totals.get('读到的记录', 0)}条{refused}。"
        f"涉及受访者{numbers.total['respondents']}人、语句{units}条"
        + (f"；另有访谈者的话{asked}条。" if asked else "。")
    )


def _kinds(total: Mapping[str, Any]) -> str:
    kinds = (("反映问题", "problem"), ("提出建议", "suggestion"), ("表示肯定", "praise"), ("一般陈述", "neutral"))
    told = "，".join(
        f"{zh}的{total[f'{kind}_units']}条（{_percent(total[f'{kind}_units'] / total['units'])}）" for zh, kind in kinds
    )
    return (
        f"从表述看，{told}。{total['respondents']}名受访者中，{total['problem_respondents']}人至少反映了一个问题，"
        f"占{_percent(total['respondent_share'])}（{_between(total)}）。"
    )


def _problems(numbers: _Numbers) -> Iterator[Block]:
    ranked = numbers.ranked("problem")
    if not ranked:
        yield Block("text", "没有识别到归入各类别的问题语句。这不等于没有问题。")
        return
    heads, others = ranked[:MOST_HEADS], ranked[MOST_HEADS:]
    yield Block("text", f"有{len(ranked)}个类别有人反映问题，以下按提到的人数由多到少排列。")
    for place, row in enumerate(heads):
        yield Block("subhead", f"（{chinese(place + 1)}）{row['name']}")
        yield Block("text", _problem(row, ranked[place + 1] if place + 1 < len(ranked) else None))
        words = _words(numbers.frames["keywords"], row["category"])
        differences = "".join(_differences(numbers, row["category"]))
        if words or differences:
            yield Block("text", words + differences)
        yield from _said(numbers, row["category"], "problem")
    if others:
        told = "，".join(
            f"“{row['name']}”{row['problem_respondents']}人（{_percent(row['respondent_share'])}）" for row in others
        )
        yield Block("text", f"此外，反映下列类别问题的人较少：{told}。")
    yield from _unnamed(numbers)


def _problem(row: Mapping[str, Any], following: Mapping[str, Any] | None) -> str:
    few = "人数或基数小，占比只供参考。" if row["caution"] else ""
    close = ""
    if following is not None and following["respondent_high"] >= row["respondent_low"]:
        close = f"与下一类“{following['name']}”的区间有重叠，两者谁先谁后不能据此断定。"
    return (
        f"反映此类问题的有{row['problem_respondents']}人，占全部受访者的{_percent(row['respondent_share'])}"
        f"（{_between(row)}），语句{row['problem_units']}条。{few}{close}"
    )


def _words(frame: pd.DataFrame, category: str) -> str:
    own = frame[(frame["category"] == category) & (frame["bic"] > 2) & (frame["responses"] > 1)]
    words = [f"“{word}”" for word in own["word"].head(KEYWORDS)]
    if not words:
        return ""
    return f"与其他语句相比，说到这一类别时多用{''.join(words)}{'等词' if len(words) > 1 else '一词'}。"


def _differences(numbers: _Numbers, category: str) -> Iterator[str]:
    """Say which groups stand out, where the test of the category and the group's residual both bear it."""
    for column, frame in numbers.groups.items():
        own = frame[(frame["category"] == category) & (frame["p_adjusted"] < REAL)]
        for wanted, word in (
            (own[own["residual"] > 2].nlargest(GROUPS, "residual"), "偏高"),
            (own[own["residual"] < -2].nsmallest(GROUPS, "residual"), "偏低"),
        ):
            told = "，".join(
                f"“{row['group']}”{row['problem_respondents']}/{row['respondents']}人（{_percent(row['share'])}）"
                for row in records(wanted)
            )
            if told:
                yield f"按“{column}”比较，{told}{word}（校正后{_p(float(own['p_adjusted'].iloc[0]))}）。"


def _p(value: float) -> str:
    return "p<0.001" if value < 0.001 else f"p={value:.3f}"


def _said(numbers: _Numbers, category: str, statement: str) -> Iterator[Block]:
    frame = numbers.frames["quotes"]
    own = frame[(frame["category"] == category) & (frame["statement"] == statement)].head(QUOTES[statement])
    for row in records(own):
        yield Block("quote", f"“{row['text'].strip()}”", f"{row['file']}，{row['location']}")


def _unnamed(numbers: _Numbers) -> Iterator[Block]:
    counts = numbers.frames["frequencies"]
    absent = counts[~counts["category"].str.startswith("(") & (counts["problem_respondents"] == 0)]
    if len(absent):
        names = "、".join(f"“{name}”" for name in absent["name"])
        yield Block("text", f"没有识别到反映{names}问题的语句；这不等于没有这类问题。")
    loose, _ = numbers.remaining("uncoded_problem")
    if loose:
        yield Block("text", f"另有{loose}条反映问题的语句没有归入任何类别，可在 results.xlsx 的“语句”表里筛选查看。")


def _compared(drawn: Sequence[Table]) -> Iterator[Block]:
    shown = [table for table in drawn if "residual" in table.headings or table.name in ("trend", "cooccurrence")]
    if shown:
        yield Block("subhead", "各组、各时期和各类别之间的比较")
        yield from (Block("figure", "", table.name) for table in shown)


def _topics(numbers: _Numbers, statement: str, verb: str) -> Iterator[Block]:
    total, ranked = numbers.total, numbers.ranked(statement)
    people, units = total[f"{statement}_respondents"], total[f"{statement}_units"]
    if not people:
        yield Block("text", f"没有识别到{verb}的语句。")
        return
    share = _percent(people / total["respondents"])
    rest = "" if ranked else "，都没有归入各类别"
    more = f"涉及人数较多的{min(len(ranked), MOST_TOPICS)}个类别如下。" if len(ranked) > 1 else ""
    yield Block("text", f"{verb}的有{people}人，占全部受访者的{share}，语句{units}条{rest}。{more}")
    for place, row in enumerate(ranked[:MOST_TOPICS], 1):
        yield Block("subhead", f"（{chinese(place)}）与“{row['name']}”有关的")
        yield Block(
            "text", f"就这一话题{verb}的有{row[f'{statement}_respondents']}人，语句{row[f'{statement}_units']}条。"
        )
        yield from _said(numbers, row["category"], statement)


def _unaudited(quality: Sequence[str]) -> Block:
    unknown = "本次编码没有与人工编码核对，错误率未知。引用数字之前，请用 qunyan sample 抽取一部分语句由人核对。"
    return Block("text", "".join(quality) or unknown)


def _audited(numbers: _Numbers) -> Iterator[Block]:
    """Say what an audit found, and show the shares that it corrects."""
    yield Block("text", "".join(numbers.notes["prevalence"]))
    yield Block("text", "正文中的人数和占比是机器编码的结果，引用时请与下表校正后的占比对照。")
    yield Block("table", "反映各类问题的占比：机器编码与抽查校正", "prevalence")


def _limits(numbers: _Numbers, quality: Sequence[str]) -> Iterator[Block]:
    yield Block("subhead", "（一）编码质量")
    yield from _audited(numbers) if "prevalence" in numbers.frames else [_unaudited(quality)]
    units, _ = numbers.remaining("total")
    if units:
        told = [
            f"{words}{count}条（{_percent(share)}）"
            for kind, words in (
                ("uncoded", "有内容而未归类的"),
                ("no_content", "没有内容的"),
                ("review", "把握不大、建议复核的"),
            )
            for count, share in [numbers.remaining(kind)]
        ]
        yield Block("text", f"全部语句{units}条中，{'，'.join(told)}。")
        yield Block("table", "未归类与存疑的语句", "remainder")
    yield Block("subhead", "（二）统计方法")
    yield Block(
        "text",
        "受访者占比的区间为Wilson区间。各组比较先作卡方检验或Fisher精确检验，条件不足的不作检验；多次检验按Benjamini-Hochberg法校正，"
        "只有校正后p值小于0.05、且该组标准化残差超过±2的才写入正文。原话选自各类别中有代表性而互不重复的语句，供阅读，不代表比例。",
    )
    yield Block("subhead", "（三）局限")
    yield Block(
        "text",
        "受访者若不是随机选取的，以上数字只说明这些受访者说了什么，不能推及其他人。区间只反映偶然误差，不反映编码的错误和选取的偏差。"
        "没有人提到不等于没有问题，提到的人多也不等于问题更严重。",
    )
