"""How fast and how large: floor, plain pipelines, ours stage by stage and whole, one and two workers, growth.

    python benchmarks/speed.py [--messages 10000] [--rounds 3] [--scale 10000 100000] [--replicate 10 100]
                               [--json FILE] [--picture FILE.svg] [--short]

Everything is measured in one run, on messages that it makes itself: replicas of `../shared/data/citizen_messages.xlsx`
(of `data/labelled/` where that is absent) with their sentences shuffled. Figures are medians of the rounds; CPU seconds
of all processes beside seconds by the clock; times the floor, which is `rjieba.Jieba().cut` over the same text. `--scale`
runs the whole command on so many messages. `--replicate` makes runs so many times as large from the coded parts of one
(the units are copies under new respondents), and measures tables and reports alone: a million messages without coding
them. `--short` only shows that it runs.
"""

import argparse
import csv
import json
import os
import platform
import random
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared"
REAL = Path(os.environ.get("QUNYAN_BENCH_TEXTS", SHARED / "data" / "citizen_messages.xlsx"))
NAIVE = Path(os.environ.get("QUNYAN_BENCH_NAIVE", SHARED / "bench" / "naive_pipeline.py"))
COLUMN = "留言详情"
SENTENCES = 7
"""Of a message, where the real ones are absent."""

WITH_RJIEBA = "import sys, runpy, jieba, rjieba; jieba.lcut = rjieba.Jieba().cut; runpy.run_path(sys.argv.pop(1), run_name='__main__')"
REPORT = "import sys, pipeline.present; pipeline.present.report(sys.argv[1])"


@dataclass(frozen=True)
class Cost:
    """Medians of some rounds; `peak` is the largest process's memory."""

    seconds: float
    cpu: float
    peak: float = 0.0


def median(costs):
    columns = [(cost.seconds, cost.cpu, cost.peak) for cost in costs]
    return Cost(*map(statistics.median, zip(*columns, strict=True)))


# Corpora


def sources():
    """Return messages to shuffle, each as its sentences."""
    from pipeline.split import split

    if REAL.exists():
        import python_calamine

        head, *rows = python_calamine.CalamineWorkbook.from_path(str(REAL)).get_sheet_by_index(0).to_python()
        texts = [str(row[head.index(COLUMN)]).strip() for row in rows]
        return [[text[start:end] for start, end, _ in split(text)] for text in texts]
    sentences = []
    for path in sorted((ROOT / "data" / "labelled").glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as file:
            sentences += [row["text"] for row in csv.DictReader(file)]
    return [sentences[at : at + SENTENCES] for at in range(0, len(sentences), SENTENCES)]


def make_messages(path, count, messages):
    """Write so many messages of shuffled sentences, as long as the real ones."""
    chance = random.Random(count)
    sentences = [sentence for message in messages for sentence in message]
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        sheet = csv.writer(file)
        sheet.writerow(["留言编号", COLUMN, "留言时间", "单位"])
        for number in range(count):
            text = "".join(chance.choices(sentences, k=len(messages[number % len(messages)])))
            sheet.writerow([number, text, f"2019-{1 + number % 12:02d}-{1 + number % 28:02d}", f"单位{number % 20}"])
    return path


def replicate(run, target, times):
    """Make a run so many times as large of the parts of one: its units under new respondents, places and numbers."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    (target / "units").mkdir(parents=True)
    (target / ".qunyan").mkdir()
    (target / "rejects.csv").write_bytes((run / "rejects.csv").read_bytes())
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    manifest["totals"]["units"] *= times
    (target / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    parts = sorted((run / "units").glob("part-*.parquet"))
    for number in range(times * len(parts)):
        table = pq.read_table(parts[number % len(parts)])
        for name in ("respondent", "response", "location"):
            renamed = pc.binary_join_element_wise(table[name], str(number // len(parts)), "_")
            table = table.set_column(table.column_names.index(name), table.schema.field(name), renamed)
        pq.write_table(pa.table(table), target / "units" / f"part-00001-{number:05d}.parquet", compression="zstd")
    return target


# Measuring


def timed(work, rounds):
    """Measure a function in this process; return its cost and its last result."""
    costs, result = [], None
    for _ in range(rounds):
        started, cpu = time.perf_counter(), time.process_time()
        result = work()
        costs.append(Cost(time.perf_counter() - started, time.process_time() - cpu))
    return median(costs), result


def run(command, rounds, accept=(0, 3)):
    """Measure a command with all its children."""
    costs = []
    for _ in range(rounds):
        started = time.perf_counter()
        process = subprocess.Popen(
            list(map(str, command)),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
        )
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode not in accept:
            raise SystemExit(f"{command} failed: {process.returncode}")
        costs.append(Cost(time.perf_counter() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1000))
    return median(costs)


def classify(corpus, out, jobs, rounds):
    command = [
        sys.executable,
        "-m",
        "pipeline.cli",
        "classify",
        corpus,
        "-o",
        out,
        "--jobs",
        jobs,
        "--by",
        "单位",
        "--force",
    ]
    return run(command, rounds)


def stages(corpus, out, rounds):
    """Measure the floor and our stages over one corpus, in this process; `out` holds its finished run."""
    import rjieba

    from pipeline import codebook
    from pipeline.coder import CoderSpec, build
    from pipeline.cuecoder import CueCoder
    from pipeline.normalise import normalise
    from pipeline.present import _tabulated
    from pipeline.read import ReadOptions, Source, read
    from pipeline.report.page import write_page
    from pipeline.report.pictures import draw_figures
    from pipeline.report.word import write_word
    from pipeline.report.workbook import write_workbook
    from pipeline.run import cut_up, packed, unit_table
    from pipeline.segment import Segmenter

    source = Source(corpus, corpus.name)
    costs = {}
    costs["read"], records = timed(lambda: list(read(source, ReadOptions())), rounds)
    texts = [record.text for record in records]
    jieba, segmenter, coder, cues = (
        rjieba.Jieba(),
        Segmenter(),
        build(CoderSpec()),
        CueCoder(codebook.load(), Segmenter()),
    )
    for warm in (jieba.cut, segmenter.cut):
        warm(texts[0])
    costs["floor: rjieba.cut"], _ = timed(lambda: [jieba.cut(text) for text in texts], rounds)
    costs["normalise"], normal = timed(lambda: [normalise(text) for text in texts], rounds)
    costs["split"], (_, responses) = timed(lambda: cut_up(records, "sentence"), rounds)
    units = [text[span.start : span.end] for text, (_, spans) in zip(normal, responses, strict=True) for span in spans]
    coder.code_units(units[:100]), cues.code_units(units[:100])
    costs["cut"], _ = timed(lambda: [segmenter.cut(unit) for unit in units], rounds)
    costs["cut + cues"], _ = timed(lambda: chunked(cues, units), rounds)
    costs["whole coder (cut, cues, learnt, evidence)"], coding = timed(lambda: chunked(coder, units), rounds)
    costs["unit table + Parquet"], _ = timed(lambda: packed(unit_table(responses, Known(coding))), rounds)
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    names = manifest["codebook"]["categories"]
    costs["tables"], tables = timed(lambda: _tabulated(out, out, manifest), rounds)
    with tempfile.TemporaryDirectory() as folder:
        costs["workbook"], _ = timed(lambda: write_workbook(Path(folder, "a.xlsx"), tables, out, names, {}), 1)
        costs["pictures"], figures = timed(lambda: draw_figures(tables), rounds)
        totals = {"文件": 1, "读到的记录": len(texts), "分类的记录": len(texts), "没有分类的记录": 0}
        costs["page"], _ = timed(
            lambda: write_page(Path(folder, "a.html"), tables, figures, out, names, totals, by=["单位"]), rounds
        )
        costs["Word"], _ = timed(lambda: write_word(Path(folder, "a.docx"), tables, figures, totals), rounds)
    size = {"messages": len(texts), "units": len(units), "megabytes": sum(len(t.encode()) for t in texts) / 1e6}
    return costs, size


def chunked(coder, units, size=7000):
    """Code as a run does, chunk by chunk."""
    import pyarrow as pa

    return pa.concat_tables([coder.code_units(units[at : at + size]) for at in range(0, len(units), size)])


class Known:
    """A coder that has the answers already."""

    def __init__(self, coding):
        self.coding = coding

    def code_units(self, units):
        return self.coding


# What is printed


def about(size):
    libraries = ("rjieba", "jieba", "pyarrow", "duckdb", "pandas", "scikit-learn", "xlsxwriter")
    versions = [f"{name} {found}" for name in libraries if (found := installed(name))]
    print(
        f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}"
    )
    print(", ".join(versions))
    print(f"{size['messages']} messages, {size['units']} units, {size['megabytes']:.1f} MB of text\n")


def installed(name):
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def show(title, costs, floor):
    print(f"{title:52s} {'s':>8s} {'CPU s':>8s} {'× floor':>8s} {'MB':>6s}")
    for name, cost in costs.items():
        peak = f"{cost.peak:6.0f}" if cost.peak else ""
        print(f"{name:52s} {cost.seconds:8.2f} {cost.cpu:8.2f} {cost.cpu / floor:8.1f} {peak}")
    print()


def grown(costs):
    """Print cost a message and memory by size."""
    print(f"{'messages':>10s} {'what':28s} {'ms CPU a message':>17s} {'MB':>6s}")
    for (what, messages), cost in costs.items():
        print(f"{messages:10d} {what:28s} {1000 * cost.cpu / messages:17.3f} {cost.peak:6.0f}")


def draw(costs, path):
    """Draw memory and CPU a message by size."""
    import altair as alt
    import pandas as pd

    rows = [
        {"what": what, "messages": messages, "measure": measure, "value": value}
        for (what, messages), cost in costs.items()
        for measure, value in (("MB, largest process", cost.peak), ("ms CPU a message", 1000 * cost.cpu / messages))
    ]
    lines = (
        alt.Chart(pd.DataFrame(rows))
        .mark_line(point=True)
        .encode(
            alt.X("messages:Q").scale(type="log"),
            alt.Y("value:Q", title=None).scale(zero=True),
            alt.Color("what:N", title=None),
        )
    )
    lines.properties(width=320, height=240).facet("measure:N").resolve_scale(y="independent").save(path)


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=int, nargs="*", default=[])
    parser.add_argument("--replicate", type=int, nargs="*", default=[])
    parser.add_argument("--json", type=Path)
    parser.add_argument("--picture", type=Path)
    parser.add_argument("--short", action="store_true")
    given = parser.parse_args()
    if given.short:
        given.messages, given.rounds, given.scale, given.replicate = 30, 1, [], [2]
    return given


def plain(corpus, folder, rounds):
    """Measure what a user would write instead, where it is at hand."""
    target = folder / "naive.xlsx"
    return {
        "plain pipeline (jieba)": run([sys.executable, NAIVE, corpus, COLUMN, target], rounds),
        "plain pipeline (rjieba)": run([sys.executable, "-c", WITH_RJIEBA, NAIVE, corpus, COLUMN, target], rounds),
    }


def main():
    given = options()
    with tempfile.TemporaryDirectory() as made:
        folder, messages = Path(made), sources()
        corpus, out = make_messages(folder / "messages.csv", given.messages, messages), folder / "out"
        whole = {} if given.short else {"classify, 2 workers": classify(corpus, out, 2, given.rounds)}
        whole = {"classify, 1 worker": classify(corpus, out, 1, given.rounds)} | whole
        costs, size = stages(corpus, out, given.rounds)
        about(size)
        floor = costs["floor: rjieba.cut"].cpu
        show("stage, in one process", costs, floor)
        if NAIVE.exists() and not given.short:
            whole |= plain(corpus, folder, 1)
        show("whole commands", whole, floor)
        growth = {("classify, 1 worker", given.messages): whole["classify, 1 worker"]}
        for count in given.scale:
            larger = make_messages(folder / f"{count}.csv", count, messages)
            growth["classify, 2 workers", count] = classify(larger, folder / f"out{count}", 2, 1)
        for times in (1, *given.replicate):
            copied = replicate(out, folder / f"copied{times}", times)
            growth["tables and reports", times * given.messages] = run([sys.executable, "-c", REPORT, copied], 1)
        grown(growth)
        if given.picture:
            draw(growth, given.picture)
        if given.json:
            everything = costs | whole | {f"{what}, {count} messages": cost for (what, count), cost in growth.items()}
            figures = {name: vars(cost) for name, cost in everything.items()} | {"size": size}
            given.json.write_text(json.dumps(figures, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
