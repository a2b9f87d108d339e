"""The command as people run it: what it says, what it writes, its exit codes."""

from __future__ import annotations

import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import NamedTuple, Protocol

import pytest

import pipeline
from pipeline import cli
from pipeline.english import ENGLISH
from pipeline.records import Statement

PACKAGE = Path(cli.__file__).parent
SENTENCE = "办个证跑了四趟，窗口还说材料不全，建议搞一网通办"


class Done(NamedTuple):
    """What a command left: its exit code and what it printed."""

    code: int
    out: str
    err: str


class Command(Protocol):
    """Runs the command in this process."""

    def __call__(self, *arguments: str | Path) -> Done: ...


@pytest.fixture
def qunyan(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.setattr(signal, "signal", lambda *_: None)

    def run(*arguments: str | Path) -> Done:
        with pytest.raises(SystemExit) as left:
            cli.main([str(argument) for argument in arguments])
        return Done(int(left.value.code or 0), *capsys.readouterr())

    return run


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    path = tmp_path / "问卷.csv"
    path.write_text("编号,意见,单位\n001,办事难,甲\n002,窗口推诿扯皮,乙\n003,？？,乙\n", encoding="utf-8")
    return path


def test_classify_report_verify(qunyan: Command, sheet: Path, tmp_path: Path) -> None:
    done = qunyan("classify", sheet, "-o", "结果", "--by", "单位")
    assert done.code == 3, done.err
    assert "完成：1 个文件，2 位受访者，2 句，1 条没有分类。" in done.out
    assert re.search("最多的问题：.+ 1 句（1 人）", done.out)
    assert "合计" not in done.out
    for name in ("results.xlsx", "report.html", "report.docx"):
        assert str(Path("结果", name)) in done.out
    assert "\x1b" not in done.out + done.err
    again = qunyan("classify", sheet, "-o", "结果", "--by", "单位")
    assert (again.code, "没有重做" in again.out) == (3, True)
    assert qunyan("report", "结果").code == 3
    assert qunyan("verify", "结果").code == 0
    (tmp_path / "结果" / "rejects.csv").write_text("changed")
    assert qunyan("verify", "结果")[:2] == (4, "rejects.csv 在运行之后被改动过。\n")


def test_refusals_are_sentences_without_a_traceback(qunyan: Command, sheet: Path, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.docx").write_text("mine")
    (tmp_path / "file").write_text("")
    for code, arguments in (
        (4, ["classify", "没有这个文件", "-o", "out"]),
        (4, ["classify", sheet, "-o", "out", "--text", "没有这列"]),
        (4, ["classify", sheet, "-o", "mine"]),
        (4, ["classify", sheet, "-o", "mine", "--force"]),
        (4, ["classify", sheet, "-o", "out", "--codebook", "没有.csv"]),
        (5, ["classify", sheet, "-o", "file/out"]),
        (4, ["report", "mine"]),
        (4, ["verify", "mine"]),
        (2, ["classify", sheet]),
        (2, ["classify", sheet, "-o", "out", "--jobs", "0"]),
        (2, ["classify", sheet, "-o", "out", "--unit", "word"]),
        (2, ["nonsense"]),
    ):
        done = qunyan(*arguments)
        assert done.code == code, (arguments, done.err)
        assert "Traceback" not in done.err
        assert done.err.startswith(("出错：", "缺少", "--", "命令写得不对"))
    assert qunyan().code == 2
    assert not (tmp_path / "out").exists()


def test_a_bug_is_a_sentence_and_a_traceback_only_when_asked_for(
    qunyan: Command, sheet: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("broken")

    monkeypatch.setattr("pipeline.job.classify", broken)
    done = qunyan("classify", sheet, "-o", "out")
    assert (done.code, "Traceback" in done.err, "RuntimeError：broken" in done.err) == (1, False, True)
    monkeypatch.setenv("QUNYAN_DEBUG", "1")
    with pytest.raises(RuntimeError):
        cli.main(["classify", str(sheet), "-o", "out"])


def test_explain_marks_the_words_that_decided(qunyan: Command) -> None:
    done = qunyan("explain", SENTENCE)
    assert done.code == 0
    assert re.sub("[【】]", "", done.out.splitlines()[0]) == f"1. {SENTENCE}"
    assert "【" in done.out
    assert "服务缺位" in done.out


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_explain_reads_standard_input_and_prints_json(encoding: str) -> None:
    command = [sys.executable, "-m", "pipeline.cli", "explain", "-", "--json"]
    done = subprocess.run(command, input=SENTENCE.encode(encoding), capture_output=True, cwd=PACKAGE.parent)
    units = json.loads(done.stdout)
    assert [unit["text"] for unit in units] == [SENTENCE]
    for item in units[0]["evidence"]:
        assert SENTENCE[item["start"] : item["end"]] == item["term"]


def test_every_ignored_line_of_the_words_is_named(qunyan: Command, sheet: Path, tmp_path: Path) -> None:
    (tmp_path / "词.txt").write_text("网格长 5 n\n坏 词 行 多\n吃拿 0\n", encoding="utf-8")
    for arguments in (["classify", sheet, "-o", "结果"], ["explain", SENTENCE]):
        said = qunyan(*arguments, "--words", "词.txt").err
        assert re.findall("词.txt 第(\\d)行没有采用", said) == ["2", "3"]


def test_explore_prints_what_is_in_a_run(qunyan: Command, sheet: Path, tmp_path: Path) -> None:
    with sheet.open("a", encoding="utf-8") as file:
        file.write("".join(f"{n},窗口推诿扯皮没有人管\x1b[31m\u202e,甲\n" for n in range(4, 30)))
    assert qunyan("explore", "结果").code == 4
    qunyan("classify", sheet, "-o", "结果")
    done = qunyan("explore", "结果")
    assert done.code == 0, done.err
    assert all(title in done.out for title in ("关键词（", "新词（", "无类别语句的分组（", "重复的话（1）"))
    assert not set(done.out) & set("\x1b\u202e")
    assert "窗口推诿扯皮没有人管" in done.out
    found = qunyan("explore", "结果", "--kwic", "推诿")
    assert "窗口 ｜ 推诿 ｜ 扯皮" in found.out
    assert "还有 7 行" in found.out
    assert len(json.loads(qunyan("explore", "结果", "--kwic", "推诿", "--json").out)["kwic"]) == 27
    assert qunyan("explore", "结果", "--csv").code == 0
    assert {path.name for path in (tmp_path / "结果" / "explore").iterdir()} == {
        "overview.csv", "new_words.csv", "groups.csv", "duplicates.csv",
    }  # fmt: skip
    assert qunyan("verify", "结果").code == 0


def test_explain_of_nothing_says_so(qunyan: Command) -> None:
    assert qunyan("explain", "……") == (0, "", "没有可编码的文字。\n")


def test_what_people_wrote_stays_text_on_the_terminal(qunyan: Command) -> None:
    done = qunyan("explain", "\x1b]0;x\x07窗口\u202e推诿[bold red]扯皮[/]\x1b[31m")
    assert not set(done.out) & set("\x1b\x07\u202e")
    assert "[bold red]" in re.sub("[【】]", "", done.out)


def test_classify_reads_lines_from_standard_input(qunyan: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO("路灯坏了没人修\n公交车太少\n".encode())))
    done = qunyan("classify", "-", "-o", "out")
    assert done.code == 0, done.err
    assert "2 位受访者，2 句" in done.out


def test_codebook_show_new_check(qunyan: Command, tmp_path: Path) -> None:
    assert "formalism  形式主义" in qunyan("codebook", "show").out
    assert qunyan("codebook", "new", "手册.csv").code == 0
    assert qunyan("codebook", "new", "手册.csv").code == 4
    assert qunyan("codebook", "check", "手册.csv").code == 0
    (tmp_path / "坏.csv").write_text("id,name,terms\na,甲,难\na,乙,苦\n", encoding="utf-8")
    done = qunyan("codebook", "check", "坏.csv")
    assert (done.code, done.out.startswith("第3行：")) == (4, True)


@pytest.mark.parametrize(
    "command", ["", "classify", "explain", "report", "explore", "verify", "codebook", "codebook new"]
)
def test_every_help_has_an_example_to_copy(qunyan: Command, command: str) -> None:
    done = qunyan(*command.split(), "--help")
    assert done.code == 0
    assert "例如：\n" in done.out
    assert re.search(rf"^ +.*qunyan {command}", done.out, re.MULTILINE)


def test_the_language_is_chosen_by_option_or_locale(qunyan: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "For example:" in qunyan("--lang", "en", "classify", "--help").out
    assert "For example:" in qunyan("classify", "--help", "--lang=en").out
    assert "Evidence:" in qunyan("--lang", "en", "explain", SENTENCE).out
    assert qunyan("--lang", "fr", "explain", SENTENCE).code == 2
    monkeypatch.setenv("LC_ALL", "en_US.UTF-8")
    assert "For example:" in qunyan("classify", "--help").out
    assert "例如：" in qunyan("--lang", "zh", "classify", "--help").out


def test_every_sentence_of_the_command_has_its_english() -> None:
    source = "".join((PACKAGE / name).read_text("utf-8") for name in ("cli.py", "door.py", "terminal.py"))
    said = set(re.findall(r'say\(\s*"([^"]+)"', source)) | set(re.findall(r'help="([^"]+)"', source))
    assert said - set(ENGLISH) == set()
    assert {statement.zh for statement in Statement} <= set(ENGLISH)
    slots = re.compile(r"\{\w+\}")
    for chinese, english in ENGLISH.items():
        assert set(slots.findall(english)) <= set(slots.findall(chinese))


def test_help_does_not_load_the_libraries() -> None:
    code = (
        "import sys; sys.argv = ['qunyan', '--help']\nfrom pipeline.cli import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print(sorted({'pyarrow', 'pandas', 'numpy', 'duckdb', 'joblib', 'rich'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PACKAGE.parent)
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_bar_on_a_terminal(sheet: Path, tmp_path: Path) -> None:
    with sheet.open("a", encoding="utf-8") as file:
        file.writelines(f"{number},办事难。窗口推诿扯皮。,甲\n" for number in range(4000))
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "pipeline.cli", "classify", sheet, "-o", tmp_path / "out"]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "120"}
    process = subprocess.Popen(command, stderr=theirs, stdout=subprocess.PIPE, cwd=PACKAGE.parent, env=environment)
    os.close(theirs)
    seen = b""
    while True:
        try:
            seen += os.read(ours, 4096)
        except OSError:
            break
    assert process.wait() == 3
    assert "问卷.csv" in seen.decode()
    assert "句" in seen.decode()


def children(number: int) -> list[Path]:
    """Return the processes that a process has started (where the system tells)."""
    path = Path(f"/proc/{number}/task/{number}/children")
    return [Path("/proc", child) for child in path.read_text().split()] if path.exists() else []


def ended(process: Path) -> bool:
    try:
        return process.joinpath("stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)]
)
def test_a_stopped_run_leaves_no_process_and_goes_on(tmp_path: Path, number: int, code: int) -> None:
    (tmp_path / "in").mkdir()
    for at in range(30):
        lines = [f"第{at}号网点第{line}次办事难，窗口推诿扯皮。" for line in range(100)]
        (tmp_path / "in" / f"{at:02}.txt").write_text("\n".join(lines), encoding="utf-8")
    command = [sys.executable, "-m", "pipeline.cli", "classify", tmp_path / "in", "-o", tmp_path / "out", "--jobs", "2"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, cwd=PACKAGE.parent, env=os.environ | {"LC_ALL": "C"})
    while process.poll() is None and not list((tmp_path / "out" / "units").glob("part-*")):
        time.sleep(0.01)
    started = children(process.pid)
    process.send_signal(number)
    assert process.communicate()[1].count(b"Traceback") == 0
    assert process.returncode == code
    assert not (tmp_path / "out" / "manifest.json").exists()
    deadline = time.monotonic() + 10
    while not all(map(ended, started)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert all(map(ended, started))
    pipeline.classify(tmp_path / "in", tmp_path / "out")
    assert pipeline.verify(tmp_path / "out") == []
