"""The commands of the labelling loop: train, evaluate, sample, agree."""

from __future__ import annotations

import json
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from typer import Argument, Option

from pipeline.door import honest
from pipeline.terminal import say, show, tell

EXAMPLES = {
    "train": (
        "qunyan train 待标注.xlsx -o 我的模型",
        "qunyan train 留言.xlsx -o 部门模型 --label 部门 --text 留言详情",
    ),
    "evaluate": ("qunyan evaluate 我的模型 另一批标注.xlsx", "qunyan evaluate 部门模型 测试.csv --label 部门 --json"),
    "sample": (
        "qunyan sample 结果 -n 200 -o 待标注.xlsx",
        "qunyan sample 结果 -n 300 -o 待标注.xlsx --coders 2 --overlap 30",
        "qunyan sample 结果 -n 200 -o 抽查.xlsx --audit respondents",
    ),
    "convert": ("qunyan codebook convert builtin 手册.qdc", "qunyan codebook convert 手册.qdc 手册.xlsx"),
    "agree": ("qunyan agree 甲.xlsx 乙.xlsx", "qunyan agree 甲.xlsx 乙.xlsx 丙.xlsx -o 待定.xlsx"),
}


class Audit(StrEnum):
    """What an audit draws at random."""

    units = "units"
    respondents = "respondents"


class From(StrEnum):
    """What trains along."""

    builtin = "builtin"
    nothing = "nothing"


Files = Annotated[
    list[Path], Argument(help="标注好的文件（xlsx csv jsonl parquet）。", metavar="LABELS...", show_default=False)
]
Text = Annotated[
    list[str],
    Option(
        help="文字在哪一列（可以写几次，按顺序连起来）。", metavar="COLUMN", default_factory=list, show_default=False
    ),
]
Label = Annotated[str | None, Option(help="标签在哪一列：每行一个标签，什么标签都行。", metavar="COLUMN")]
Respondent = Annotated[str | None, Option(help="受访者在哪一列。", metavar="COLUMN")]
Encoding = Annotated[str | None, Option(help="文件的编码（不写就自动识别）。", metavar="NAME")]
Sheet = Annotated[str | None, Option(help="只读这张工作表。", metavar="NAME")]
Book = Annotated[Path | None, Option(help="编码手册（.csv 或 .xlsx；不写就用自带的）。", metavar="FILE")]
Seed = Annotated[int, Option(help="随机数种子；同一个种子结果相同。", min=0, metavar="N")]
Force = Annotated[bool, Option("--force", help="替换已有的模型或工作簿。")]
Json = Annotated[bool, Option("--json", help="输出 JSON，给程序用。")]


def add_commands(app: typer.Typer, codebook_app: typer.Typer) -> None:
    """Add the four commands to the command line, and `convert` to those of the codebook."""
    codebook_app.command(help="转换编码手册的格式：csv、xlsx、REFI-QDA（.qdc，供 MAXQDA、NVivo、ATLAS.ti）。")(convert)
    app.command(help="用标注好的样本训练模型，交叉检验，写出模型和模型卡。")(train)
    app.command(help="用没参加训练的标注检验模型。")(evaluate)
    app.command(help="从结果里挑最值得标注的句子，写成带下拉列表的工作簿。")(sample)
    app.command(help="几位标注者的一致程度，和要商定的分歧。")(agree)


@honest
def train(
    labels: Files,
    out: Annotated[Path, Option("--out", "-o", help="模型放到哪个文件夹。", metavar="MODEL", show_default=False)],
    text: Text,
    label: Label = None,
    respondent: Respondent = None,
    codebook: Book = None,
    words: Annotated[Path | None, Option(help="自己的词典（jieba 格式）。", metavar="FILE")] = None,
    origin: Annotated[
        From | None, Option("--from", help="是否和自带样本一起训练（默认：类别相同就一起）。", show_default=False)
    ] = None,
    baseline: Annotated[Path | None, Option(help="在相同的折上和这个模型比较。", metavar="MODEL")] = None,
    semantic: Annotated[
        bool | None, Option("--semantic/--no-semantic", help="是否试用句向量（默认：装了就试）。", show_default=False)
    ] = None,
    encoding: Encoding = None,
    sheet: Sheet = None,
    seed: Seed = 0,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Train a model on labels."""
    from pipeline.card import summary
    from pipeline.labels import LabelOptions
    from pipeline.suspects import SHEET_NAME
    from pipeline.teach import Wish, teach

    columns = LabelOptions(tuple(text), label, respondent, encoding, sheet)
    builtin = None if origin is None else origin is From.builtin
    card = teach(labels, out, Wish(columns, codebook, words, builtin, baseline, semantic, seed, force))
    if as_json:
        show(json.dumps(card, ensure_ascii=False, indent=1))
        return
    _warn(card["warnings"])
    for line in summary(card):
        show(line)
    _show_categories(card)
    if "baseline" in card:
        _show_baseline(card["baseline"])
    if card["suspects"]:
        show(say("可疑的标注 {count} 行，请核对：{path}", count=card["suspects"], path=out / SHEET_NAME))
    show(say("模型：{out}（说明见 {card}）", out=out, card=out / "card.md"))


def _warn(warnings: Iterable[str]) -> None:
    for warning in warnings:
        tell(say("提示：{warning}", warning=warning))


def _show_categories(card: dict[str, Any], most: int = 40) -> None:
    rows = list(card["per_category"].values())
    for row in rows[:most]:
        figures = f"P {row['precision']:.2f}  R {row['recall']:.2f}  F1 {row['f1']:.2f}  n {row['n']}"
        show(f"  {row['name']}  {figures}")
    if len(rows) > most:
        show(say("  ……共 {count} 类", count=len(rows)))


def _show_baseline(gap: dict[str, Any]) -> None:
    verdict = {"better": say("更好"), "worse": say("更差"), "no difference": say("没有差别")}[gap["verdict"]]
    interval = f"{gap['difference']:+.3f} ({gap['low']:+.3f}, {gap['high']:+.3f})"
    show(say("与基准模型相比：{verdict}，宏平均 F1 {interval}", verdict=verdict, interval=interval))


@honest
def evaluate(
    model: Annotated[Path, Argument(help="模型文件夹；builtin 是自带的模型。", metavar="MODEL", show_default=False)],
    labels: Files,
    text: Text,
    label: Label = None,
    respondent: Respondent = None,
    encoding: Encoding = None,
    sheet: Sheet = None,
    seed: Seed = 0,
    as_json: Json = False,
) -> None:
    """Print the quality of a model on labels it has not seen."""
    from pipeline.card import accept_sentence
    from pipeline.grade import evaluate as grade
    from pipeline.grade import open_model
    from pipeline.labels import LabelOptions

    learnt, book = open_model(None if str(model) == "builtin" and not model.exists() else model)
    columns = LabelOptions(tuple(text), label, respondent, encoding, sheet)
    found = grade(learnt, book, labels, columns, seed)
    if as_json:
        show(json.dumps(found, ensure_ascii=False, indent=1))
        return
    _warn(found["warnings"])
    _show_figures(found)
    if "unseen" in found:
        show(say("只算没见过的 {count} 行：", count=found["unseen"]["n"]))
        _show_figures(found["unseen"])
    show(accept_sentence(found.get("unseen", found)))
    _show_categories(found)


def _show_figures(found: dict[str, Any]) -> None:
    for key in ("n", "accuracy", "macro_f1", "micro_f1", "statement_accuracy", "ece"):
        if key in found:
            low, high = found["intervals"].get(key, (None, None))
            show(f"{key}  {found[key]}" + (f"  ({low}, {high})" if low is not None else ""))


@honest
def sample(
    run: Annotated[Path, Argument(help="classify 的结果文件夹。", metavar="OUT", show_default=False)],
    out: Annotated[
        Path,
        Option(
            "--out",
            "-o",
            help="写成哪个工作簿（.json 给 Label Studio，.jsonl 给 doccano）。",
            metavar="SHEET.xlsx",
            show_default=False,
        ),
    ],
    units: Annotated[int, Option("-n", "--units", help="挑多少句。", min=1, max=20000, metavar="N")] = 200,
    model: Annotated[Path | None, Option(help="看哪个模型没把握（不写就用自带的）。", metavar="MODEL")] = None,
    coders: Annotated[int, Option(help="几位标注者，每人一个工作簿。", min=1, max=50, metavar="N")] = 1,
    overlap: Annotated[int, Option(help="几位标注者共同标的百分比。", min=0, max=100, metavar="PERCENT")] = 20,
    audit: Annotated[
        Audit | None,
        Option(
            help="只随机抽，供核对：units 抽句子，respondents 抽人（抽中的人每句都标，才能校正人数）。",
            show_default=False,
        ),
    ] = None,
    seed: Seed = 0,
    force: Force = False,
) -> None:
    """Write what to label next."""
    from pipeline.review import Draw
    from pipeline.review import sample as draw

    wish = Draw(units, coders, overlap / 100, seed, audit.value if audit else "")
    sentence = (
        "已写好 {path}：标注后用 qunyan report {run} --audit {path} 校正占比，或用 qunyan train {path} -o 模型 训练。"
    )
    for path in draw(run, out, wish, model, force=force):
        show(say(sentence, path=path, run=run))


@honest
def convert(
    source: Annotated[Path, Argument(help="编码手册文件；builtin 是自带的手册。", metavar="FILE", show_default=False)],
    target: Annotated[Path, Argument(help="新文件的名字（.csv、.xlsx 或 .qdc）。", metavar="FILE", show_default=False)],
) -> None:
    """Write a codebook in another format."""
    from pipeline.teach import convert as convert_book

    builtin = str(source) == "builtin" and not source.exists()
    show(say("已写好 {path}。", path=convert_book(None if builtin else source, target)))


@honest
def agree(
    sheets: Annotated[list[Path], Argument(help="每位标注者一个文件。", metavar="SHEET SHEET...", show_default=False)],
    text: Text,
    out: Annotated[
        Path | None, Option("--out", "-o", help="把分歧写成工作簿，商定后可直接训练。", metavar="SHEET.xlsx")
    ] = None,
    label: Label = None,
    codebook: Book = None,
    seed: Seed = 0,
    force: Force = False,
    as_json: Json = False,
) -> None:
    """Print the agreement of coders."""
    from dataclasses import asdict

    from pipeline.agree import agreements, compare, write_disagreements
    from pipeline.labels import LabelOptions
    from pipeline.teach import open_book

    comparison = compare(sheets, None if label else open_book(codebook), LabelOptions(tuple(text), label))
    _warn(comparison.warnings)
    found = agreements(comparison, seed)
    if as_json:
        rows = [asdict(row) | {"reading": row.reading} for row in found]
        clean = [{key: None if value != value else value for key, value in row.items()} for row in rows]
        show(json.dumps(clean, ensure_ascii=False, indent=1))
    else:
        show(say("{count} 句由至少两人标注。", count=len(comparison.keys)))
        for row in found:
            figures = f"alpha {row.alpha:.2f} ({row.low:.2f}, {row.high:.2f})  kappa {row.kappa:.2f}  AC1 {row.ac1:.2f}"
            show(f"  {row.name}  {figures}  {row.percent:.0%}  {row.reading}")
    if out:
        count = write_disagreements(comparison, out, force=force)
        tell(say("{count} 句有分歧，写在 {path} 最前面：商定后可直接训练。", count=count, path=out))
