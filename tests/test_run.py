"""The coding step: every record accounted for, the same parts from any number of workers, stopped runs that go on."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline import run
from pipeline.normalise import normalise
from pipeline.read import ReadOptions, discover
from pipeline.records import CODING_SCHEMA, UNIT_SCHEMA, Reject, Response


class FakeCoder:
    """Calls a unit with 难 a problem of the category service; `calls` counts the units it saw."""

    categories = ("service",)
    fingerprint = "fake"

    def __init__(self) -> None:
        self.calls = 0

    def code_units(self, units: Sequence[str]) -> pa.Table:
        self.calls += len(units)
        hits = ["难" in unit for unit in units]
        columns: dict[str, Any] = {
            "statement": ["problem" if hit else "neutral" for hit in hits],
            "statement_confidence": [1.0] * len(hits),
            "categories": [["service"] if hit else [] for hit in hits],
            "confidences": [[1.0] if hit else [] for hit in hits],
            "evidence": [[] for _ in hits],
            "review": [False] * len(hits),
            "words": [[unit[:2]] for unit in units],
        }
        return pa.table(columns, schema=CODING_SCHEMA)


class Deadly(FakeCoder):
    """Its process dies of a unit with 毒."""

    def code_units(self, units: Sequence[str]) -> pa.Table:
        if any("毒" in unit for unit in units):
            os._exit(9)
        return super().code_units(units)


class KilledOnce(FakeCoder):
    """Its process is killed from outside, as by the system when memory is short, at the first unit with 毒."""

    def code_units(self, units: Sequence[str]) -> pa.Table:
        mark = Path(os.environ["QUNYAN_TEST_MARK"])
        if any("毒" in unit for unit in units) and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return super().code_units(units)


def response(text: str, location: str = "第1行", **meta: str) -> Response:
    return Response("a.csv", location, "1", text, normalise(text), "甲", meta=meta)


def coded(folder: Path, out: Path, make: Any = FakeCoder, jobs: int = 1, **options: Any) -> dict[str, dict[str, Any]]:
    sources, refused = discover([folder])
    (out / "units").mkdir(parents=True, exist_ok=True)
    task = run.Task(sources, ReadOptions(**options), "sentence", out, "key")
    return run.code_files(task, refused, run.local(make, jobs), lambda *_: None)


def parts(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted((out / "units").iterdir())} | {
        "rejects.csv": (out / "rejects.csv").read_bytes()
    }


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(run, "CHUNK_RESPONSES", 4)
    folder = tmp_path / "in"
    folder.mkdir()
    rows = [f"{n},办事难，跑了{n}趟。窗口好。,{n % 3}区" for n in range(10)]
    (folder / "a.csv").write_text("\n".join(["编号,内容,区", *rows, "11,？！,1区", "12, ,2区"]), encoding="utf-8")
    (folder / "b.jsonl").write_text('{"text": "排队难"}\n坏\n{"text": "好", "年龄": "三十"}\n', encoding="utf-8")
    (folder / "c.bin").write_bytes(b"\0")
    return folder


def test_every_record_is_classified_or_rejected(folder: Path, tmp_path: Path) -> None:
    files = coded(folder, tmp_path / "out")
    counts = {name: (file["read"], file["classified"], file["rejected"], file["units"]) for name, file in files.items()}
    assert counts == {"a.csv": (12, 10, 2, 20), "b.jsonl": (3, 2, 1, 2), "c.bin": (1, 0, 1, 0)}
    rejects = pd.read_csv(tmp_path / "out" / "rejects.csv")
    assert list(rejects["reason"]) == ["unsupported", "no_words", "empty", "json"]
    assert files["a.csv"]["columns"]["text"] == ["内容"]


def test_parts_read_as_one_dataset_without_options(folder: Path, tmp_path: Path) -> None:
    coded(folder, tmp_path / "out")
    units = tmp_path / "out" / "units"
    names = [*UNIT_SCHEMA.names, "区", "年龄"]
    assert ds.dataset(units).to_table().schema.names == names
    assert list(pd.read_parquet(units).columns) == names
    rows = duckdb.execute("SELECT text, 年龄, 区 FROM read_parquet(?) WHERE file = 'b.jsonl'", [f"{units}/*.parquet"])
    assert rows.fetchall() == [("排队难", "", None), ("好", "三十", None)]


def test_units_are_the_sources_own_characters(folder: Path, tmp_path: Path) -> None:
    text = "　ＡＰＰ难用！（①）建议改１２次。"
    table = run.unit_table([(response(text, 区="东"), run.split(normalise(text)))], FakeCoder())
    rows = table.to_pylist()
    assert [row["text"] for row in rows] == [text[row["start"] : row["end"]] for row in rows]
    assert rows[0]["text"].startswith("ＡＰＰ")
    assert {row["区"] for row in rows} == {"东"}


@given(st.lists(st.text(alphabet="难好。！？ ab\n一是（1）", max_size=30), max_size=12))
def test_no_response_is_lost_whatever_it_holds(texts: list[str]) -> None:
    responses = [response(text, f"第{at}行") for at, text in enumerate(texts)]
    spans = [(item, run.split(item.normal)) for item in responses]
    rows = run.unit_table([pair for pair in spans if pair[1]], FakeCoder()).to_pylist()
    assert {row["location"] for row in rows} == {item.location for item, found in spans if found}
    for row in rows:
        source = texts[int(row["location"][1:-1])]
        assert source[row["start"] : row["end"]] == row["text"]


def test_the_bytes_do_not_depend_on_the_number_of_workers(folder: Path, tmp_path: Path) -> None:
    one = coded(folder, tmp_path / "one")
    two = coded(folder, tmp_path / "two", jobs=2)
    assert one == two
    assert parts(tmp_path / "one") == parts(tmp_path / "two")


def test_what_is_coded_is_not_coded_again(folder: Path, tmp_path: Path) -> None:
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    coded(folder, whole)
    coded(folder, broken)
    lost = sorted((broken / "units").iterdir())[0]
    lost.unlink()
    coder = FakeCoder()
    coded(folder, broken, lambda: coder)
    assert coder.calls == 8  # the four responses of the part that was gone
    assert parts(whole) == parts(broken)


def test_parts_of_another_run_are_removed(folder: Path, tmp_path: Path) -> None:
    coded(folder, tmp_path / "out")
    before = parts(tmp_path / "out")
    (tmp_path / "out" / "units" / "part-00001-00000-ffffffffffff.parquet").write_bytes(b"x")
    coded(folder, tmp_path / "out")
    assert parts(tmp_path / "out") == before


def test_a_run_without_units_can_be_read(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.txt").write_text("……", encoding="utf-8")
    coded(folder, tmp_path / "out")
    assert pd.read_parquet(tmp_path / "out" / "units").empty


def test_a_chunk_that_kills_its_worker_twice_is_rejected_alone(folder: Path, tmp_path: Path) -> None:
    (folder / "d.csv").write_text("内容\n好\n有毒\n好\n好\n难\n", encoding="utf-8")
    files = coded(folder, tmp_path / "out", Deadly, jobs=2)
    assert (files["d.csv"]["classified"], files["d.csv"]["rejected"]) == (1, 4)
    assert files["a.csv"]["classified"] == 10
    rejects = pd.read_csv(tmp_path / "out" / "rejects.csv")
    assert set(rejects[rejects["file"] == "d.csv"]["reason"]) == {"crashed"}


def test_a_worker_killed_once_costs_nothing(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "d.csv").write_text("内容\n好\n有毒\n好\n好\n难\n", encoding="utf-8")
    whole = coded(folder, tmp_path / "whole")
    monkeypatch.setenv("QUNYAN_TEST_MARK", str(tmp_path / "killed"))
    assert coded(folder, tmp_path / "out", KilledOnce, jobs=2) == whole
    assert (tmp_path / "killed").exists()
    assert parts(tmp_path / "out") == parts(tmp_path / "whole")


def test_rejects_hold_no_formula(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "=1+1.bin").write_bytes(b"\0")
    (folder / "a.jsonl").write_text("=cmd()\n", encoding="utf-8")
    coded(folder, tmp_path / "out")
    cells = pd.read_csv(tmp_path / "out" / "rejects.csv", dtype=str, keep_default_na=False)
    assert not cells.map(lambda cell: cell.startswith(("=", "+", "-", "@"))).to_numpy().any()
    assert "'=1+1.bin" in set(cells["file"])


def test_chunks_are_bounded_by_their_characters(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "CHUNK_CHARACTERS", 10)
    records = [response("难" * 6), response("难" * 6), response("好"), Reject("a.csv", "第4行", "empty", "空")]
    made = list(run.chunks("a.csv", records, tmp_path / "part-1", unit="sentence", salt=""))
    assert [len(chunk.records) for chunk in made] == [2, 2]
    assert len({chunk.part for chunk in made}) == 2
