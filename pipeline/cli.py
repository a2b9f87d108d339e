"""The command `qunyan`: parse, call, print."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer
from typer import Argument, Option

from pipeline import books, learning
from pipeline.door import BUG, REFUSED, REJECTED, honest, run_app
from pipeline.terminal import changed, explained, listed, progress_shown, say, show, tell

if TYPE_CHECKING:
    from pipeline.result import Run

_SHOWN_WARNINGS = 5
_PRIVACY = {
    "all": "去标识化：全部（语句、表格、报告）；不是匿名化，对外提供之前请核对。",
    "reports": "去标识化：表格、原话和报告；语句（units/、results.xlsx 的语句表、rejects.csv）是原文。不是匿名化，对外提供之前请核对。",
    "none": "没有去标识化：全部是原文，对外提供之前请自己处理个人信息。",
}
_EXAMPLES = learning.EXAMPLES | {
    "": ("qunyan classify 访谈/ 问卷.xlsx -o 结果", 'qunyan explain "办个证跑了四趟，建议搞一网通办"'),
    "classify": (
        "qunyan classify 访谈/ -o 结果",
        "qunyan classify 问卷.xlsx -o 结果 --text 意见 --by 单位 --by 年龄段",
        "cat 留言.txt | qunyan classify - -o 结果",
    ),
    "explain": (
        'qunyan explain "办个证跑了四趟，窗口还说材料不全，建议搞一网通办"',
        "cat 一段话.txt | qunyan explain - --json",
    ),
    "report": (
        "qunyan report 结果",
        "qunyan report 结果 --by 单位",
        "qunyan report 结果 --audit 抽查.xlsx",
        "qunyan report 结果 --comments 访谈/ --sav",
    ),
    "explore": ("qunyan explore 结果", "qunyan explore 结果 --kwic 窗口", "qunyan explore 结果 --csv"),
    "compare": ("qunyan compare 去年 今年", "qunyan compare 去年 今年 -o 两期比较.xlsx"),
    "verify": ("qunyan verify 结果",),
    "codebook": ("qunyan codebook show", "qunyan codebook new 手册.xlsx", "qunyan codebook check 手册.xlsx"),
    "show": ("qunyan codebook show", "qunyan codebook show 手册.csv"),
    "new": ("qunyan codebook new 手册.xlsx",),
    "check": ("qunyan codebook check 手册.xlsx",),
}

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True)
codebook_app = typer.Typer(rich_markup_mode=None, no_args_is_help=True, help="看、新建、检查编码手册。")
app.add_typer(codebook_app, name="codebook")
books.add_commands(codebook_app)
learning.add_commands(app, codebook_app)


class Unit(StrEnum):
    """What is coded."""

    sentence = "sentence"
    response = "response"


class Engine(StrEnum):
    """Where units are coded."""

    local = "local"
    spark = "spark"


class Language(StrEnum):
    """Languages of the messages."""

    zh = "zh"
    en = "en"


Book = Annotated[Path | None, Option(help="编码手册（.csv 或 .xlsx；不写就用自带的）。", metavar="FILE")]
Model = Annotated[Path | None, Option(help="模型文件夹（不写就用自带的）。", metavar="MODEL")]
Words = Annotated[Path | None, Option(help="自己的词典（jieba 格式）。", metavar="FILE")]
RunFolder = Annotated[Path, Argument(help="classify 的结果文件夹。", metavar="OUT", show_default=False)]
By = Annotated[
    list[str],
    Option(help="按哪一列分组列表（可以写几次）。", metavar="COLUMN", default_factory=list, show_default=False),
]
Redact = Annotated[
    bool | None,
    Option(
        "--redact/--no-redact",
        help="去标识化：--redact 连语句一起，--no-redact 都不；不写就是表格和报告去标识化，语句留原文。",
        show_default=False,
    ),
]
Interviewer = Annotated[bool, Option("--interviewer", help="访谈者的话也计入表格。")]


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command, with the arguments of the process if no others are given."""
    run_app(app, _EXAMPLES, sys.argv[1:] if arguments is None else arguments)


def _version(wanted: bool) -> None:
    if wanted:
        from pipeline import __version__

        show(f"qunyan {__version__}")
        raise typer.Exit


@app.callback(help="群言：把中文开放式意见（访谈、座谈会、问卷、热线）离线编码成问题类别、表格和工作簿。")
def _root(
    version: Annotated[bool, Option("--version", callback=_version, is_eager=True, help="显示版本号。")] = False,
    lang: Annotated[
        Language | None, Option(help="语言：zh 或 en（默认看系统的语言设置）。", show_default=False)
    ] = None,
) -> None:
    pass


@app.command(help="读文件，逐句编码，写出表格、工作簿和报告。")
@honest
def classify(
    inputs: Annotated[
        list[str],
        Argument(
            help="文件或文件夹（txt md docx xlsx xls csv tsv jsonl parquet srt vtt pdf）；- 是标准输入，每行一条。",
            metavar="INPUT...",
            show_default=False,
        ),
    ],
    out: Annotated[Path, Option("--out", "-o", help="结果放到哪个文件夹。", metavar="OUT", show_default=False)],
    by: By,
    text: Annotated[
        list[str],
        Option(help="回答在哪一列（可以写几次）。", metavar="COLUMN", default_factory=list, show_default=False),
    ],
    id: Annotated[str | None, Option(help="编号在哪一列。", metavar="COLUMN")] = None,  # noqa: A002
    respondent: Annotated[str | None, Option(help="受访者在哪一列。", metavar="COLUMN")] = None,
    date: Annotated[str | None, Option(help="日期在哪一列。", metavar="COLUMN")] = None,
    model: Model = None,
    codebook: Book = None,
    words: Words = None,
    unit: Annotated[Unit, Option(help="按句（sentence）还是整条（response）编码。")] = Unit.sentence,
    encoding: Annotated[str | None, Option(help="文件的编码（不写就自动识别）。", metavar="NAME")] = None,
    sheet: Annotated[str | None, Option(help="只读这张工作表。", metavar="NAME")] = None,
    jobs: Annotated[int | None, Option(help="用几个进程（不写就看输入多少）；结果相同。", min=1, metavar="N")] = None,
    engine: Annotated[Engine, Option(help="在哪里编码：本机（local）或 Spark 集群；结果相同。")] = Engine.local,
    scheduler: Annotated[
        str | None, Option(help="Spark 的主节点（spark://…、yarn、k8s://…、local[4]）。", metavar="MASTER")
    ] = None,
    interviewer: Interviewer = False,
    redact: Redact = None,
    min_group: Annotated[int, Option(help="分组比较里不足几人的组不列出。", min=1, metavar="N")] = 5,
    force: Annotated[bool, Option("--force", help="覆盖文件夹里另一次运行的结果。")] = False,
) -> int:
    """Code files into a run folder."""
    from pipeline.job import Progress
    from pipeline.job import classify as run_job

    _name_ignored(words)
    stages = set()
    with progress_shown() as report:

        def progress(state: Progress) -> None:
            stages.add(state.stage)
            report(state)

        run = run_job(
            inputs,
            out,
            text=text,
            id=id,
            respondent=respondent,
            by=by,
            date=date,
            model=model,
            codebook=codebook,
            words=words,
            unit=unit.value,
            encoding=encoding,
            sheet=sheet,
            jobs=jobs,
            engine=engine.value,
            scheduler=scheduler,
            interviewer=interviewer,
            redact=redact,
            min_group=min_group,
            force=force,
            progress=progress,
        )
    if "unchanged" in stages:
        show(say("输入和选项都没有变，{out} 里的结果就是最新的，没有重做。", out=out))
    return _summarise(run)


def _name_ignored(words: Path | None) -> None:
    """Name every line of the user's dictionary that is not used."""
    from pipeline.segment import read_words

    for line in read_words(words)[1] if words else ():
        sentence = "词典 {path} 第{line}行没有采用：{reason}（{text}）"
        tell(say(sentence, path=words, line=line.line, reason=line.reason, text=line.text))


def _summarise(run: Run) -> int:
    from pipeline.masked import state

    totals = run.manifest["totals"]
    show(say("完成：{files} 个文件，{respondents} 位受访者，{units} 句，{rejected} 条没有分类。", **totals))
    if top := "、".join(_largest(run)):
        show(say("最多的问题：{top}", top=top))
    show(say("结果：{book}（全部表格和语句）", book=run.folder / "results.xlsx"))
    page, word = run.folder / "report.html", run.folder / "report.docx"
    show(say("报告：{page}（用浏览器看），{word}（可修改的 Word 报告）", page=page, word=word))
    show(say(_PRIVACY[state(run.manifest)]))
    if totals["rejected"]:
        show(say("没有分类的记录和原因：{path}", path=run.folder / "rejects.csv"))
    warnings = [warning for file in run.manifest["files"].values() for warning in file["warnings"]]
    for warning in warnings[:_SHOWN_WARNINGS]:
        tell(say("提示：{warning}", warning=warning))
    if more := len(warnings[_SHOWN_WARNINGS:]):
        tell(say("……还有 {more} 条提示，见 {path}", more=more, path=run.folder / "manifest.json"))
    for sentence in run.bugs:
        tell(say("出错：{error}", error=sentence))
    return BUG if run.bugs else REJECTED if totals["rejected"] else 0


def _largest(run: Run, most: int = 3) -> Iterator[str]:
    """Yield the categories with most problem units."""
    table = run.table("frequencies")
    table = table[table["category"].isin(run.manifest["codebook"]["categories"]) & (table["problem_units"] > 0)]
    for row in table.nlargest(most, "problem_units", keep="first").to_dict("records"):
        values = {"name": row["name"], "units": row["problem_units"], "respondents": row["problem_respondents"]}
        yield say("{name} {units} 句（{respondents} 人）", **values)


@app.command(help="看一段话怎么编码，依据是哪些词。")
@honest
def explain(
    text: Annotated[str, Argument(help="要看的话；- 表示从标准输入读。", metavar="TEXT", show_default=False)],
    model: Model = None,
    codebook: Book = None,
    words: Words = None,
    as_json: Annotated[bool, Option("--json", help="输出 JSON，给程序用。")] = False,
) -> int:
    """Print how a text is coded and why."""
    from pipeline.coder import Coder, CoderSpec, codebook_of

    _name_ignored(words)
    coder = Coder.load(model, codebook, words)
    units = coder.table([_standard_input() if text == "-" else _decoded(os.fsencode(text))]).to_pylist()
    if as_json:
        _print_json(units)
        return 0
    for line in explained(units, codebook_of(CoderSpec(model, codebook)).names):
        show(line)
    if not units:
        tell(say("没有可编码的文字。"))
    return 0


def _standard_input() -> str:
    return _decoded(sys.stdin.buffer.read())


def _decoded(data: bytes) -> str:
    """Return typed or piped text; a Windows or GBK terminal may hand over GB18030."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("gb18030", "replace")


def _print_json(value: object) -> None:
    import json

    show(json.dumps(value, ensure_ascii=False, indent=1))


@app.command(help="用已有的编码结果重新生成表格、工作簿和报告，不重新编码。")
@honest
def report(
    out: RunFolder,
    by: By,
    audit: Annotated[
        list[Path],
        Option(
            help="标好的抽查表（sample 写的，可以写几次）：按其中随机抽的句子校正占比。",
            metavar="SHEET",
            default_factory=list,
            show_default=False,
        ),
    ],
    comments: Annotated[
        list[Path],
        Option(
            help="当初编码的 .docx 文件或文件夹（可以写几次）：写一份带编码批注的副本到 OUT/comments。",
            metavar="SOURCE",
            default_factory=list,
            show_default=False,
        ),
    ],
    label: Annotated[
        str | None, Option(help="标签在抽查表的哪一列（模型每条只给一个标签时）。", metavar="COLUMN")
    ] = None,
    sav: Annotated[bool, Option("--sav", help="另写 OUT/results.sav，供 SPSS 用。")] = False,
    interviewer: Interviewer = False,
    redact: Redact = None,
    min_group: Annotated[
        int | None, Option(help="分组比较里不足几人的组不列出（不写就和运行时一样）。", min=1, metavar="N")
    ] = None,
) -> int:
    """Write tables, workbook and reports again."""
    from pipeline.present import report as write_again

    run = write_again(
        out,
        by=by or None,
        interviewer=interviewer or None,
        redact=redact,
        min_group=min_group,
        audit=audit,
        label=label,
        comments=comments,
        sav=sav,
        tell=lambda warning: tell(say("提示：{warning}", warning=warning)),
    )
    code = _summarise(run)
    if comments:
        show(say("带批注的 Word 文件：{path}", path=run.folder / "comments"))
    if sav:
        show(say("SPSS 文件：{path}", path=run.folder / "results.sav"))
    return code


@app.command(help="探索结果：关键词、词语在原话里的位置、新词、无类别语句的分组、重复的话。")
@honest
def explore(
    out: RunFolder,
    kwic: Annotated[str | None, Option(help="只看这个词在原话里的每一处。", metavar="TERM")] = None,
    as_csv: Annotated[bool, Option("--csv", help="把各表全部写成 OUT/explore/*.csv。")] = False,
    as_json: Annotated[bool, Option("--json", help="输出 JSON，给程序用。")] = False,
) -> None:
    """Look into a run."""
    from pipeline import explore as look
    from pipeline.masked import told_units
    from pipeline.result import Run

    each = (look.new_words, look.remainder_groups, look.duplicates)
    with told_units(out, Run(out).manifest) as told:
        tables = [look.concordance(told, kwic)] if kwic else [look.overview(out), *(one(told) for one in each)]
    if as_json:
        _print_json({table.name: table.frame.to_dict("records") for table in tables})
    for table in () if as_json else tables:
        for line in listed(table):
            show(line)
    for table in tables if as_csv else ():
        tell(say("已写好 {path}。", path=look.write_csv(table, out)))


@app.command(help="比较两期结果：哪些问题增多、减少、新出现，用词有什么变化。")
@honest
def compare(
    first: Annotated[Path, Argument(help="上期的结果文件夹。", metavar="OUT1", show_default=False)],
    second: Annotated[Path, Argument(help="本期的结果文件夹。", metavar="OUT2", show_default=False)],
    out: Annotated[
        Path | None, Option("--out", "-o", help="写成工作簿（.xlsx），或表格、工作簿和图（文件夹）。", metavar="PATH")
    ] = None,
    force: Annotated[bool, Option("--force", help="替换已有的文件。")] = False,
) -> None:
    """Print what changed between two runs."""
    from pipeline.waves import compare as compare_runs

    waves = compare_runs(first, second)
    for warning in waves.warnings:
        tell(say("提示：{warning}", warning=warning))
    for line in changed(*waves.tables):
        show(line)
    if out:
        show(say("已写好 {path}。", path=waves.save(out, force=force)))


@app.command(help="检查结果文件夹有没有缺失或被改动。")
@honest
def verify(out: RunFolder) -> int:
    """Check a run against its manifest."""
    from pipeline.result import Run
    from pipeline.result import verify as find_faults

    faults = find_faults(out)
    for fault in faults:
        show(fault.sentence)
    if not faults:
        show(say("完好：{count} 个文件都和运行时一样。", count=len(Run(out).manifest["outputs"])))
    return REFUSED if faults else 0


if __name__ == "__main__":
    main()
