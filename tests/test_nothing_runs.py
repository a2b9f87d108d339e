"""Nothing goes to the network, and nothing that comes from data, codebooks or models is run."""

from __future__ import annotations

import copy
import json
import os
import pickle
import shutil
import subprocess
import sys
import warnings
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import pipeline
from pipeline.coder import Coder
from pipeline.errors import CodebookRefused, InputRefused, ModelRefused
from pipeline.exchange import read_qdc
from pipeline.explore import concordance
from pipeline.resources import shipped

ROOT = Path(__file__).resolve().parent.parent
WATCH = """
# Python loads this at its start: whoever goes to the network, or runs what was pickled, ends the process.
import os, sys

def watch(event, arguments):
    network = event in ("socket.getaddrinfo", "socket.gethostbyname", "socket.sendto") or (
        event in ("socket.connect", "socket.bind") and not isinstance(arguments[1], (str, bytes)))
    if network or event in ("pickle.find_class", "os.system", "webbrowser.open", "ftplib.connect"):
        os.write(2, f"FORBIDDEN {event} {arguments}".encode())
        os._exit(99)

sys.addaudithook(watch)
"""


def watched(folder: Path) -> dict[str, str]:
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(WATCH, encoding="utf-8")
    return os.environ | {"PYTHONPATH": os.pathsep.join((str(folder), str(ROOT)))}


def test_the_watch_sees(tmp_path: Path) -> None:
    environment = watched(tmp_path / "watch")
    for code in (
        "import socket; socket.create_connection(('127.0.0.1', 9))",
        "import pickle; pickle.loads(b'cos\\ngetcwd\\n.')",
    ):
        assert subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True).returncode == 99


def test_no_socket_is_opened_and_nothing_is_unpickled(examples: Path, tmp_path: Path) -> None:
    environment, out = watched(tmp_path / "watch"), str(tmp_path / "out")
    for arguments, code in (
        (["classify", str(examples), "-o", out, "--jobs", "1"], 3),
        (["report", out], 3),
        (["explore", out], 0),
        (["verify", out], 0),
        (["explain", "办个证跑了四趟"], 0),
        (["codebook", "show"], 0),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "pipeline.cli", *arguments], env=environment, capture_output=True, text=True
        )
        assert done.returncode == code, done.stderr


class Harm:
    """Unpickled, it leaves a file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.path),)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return Path(shutil.copytree(shipped("models/builtin"), tmp_path / "model"))


def test_a_model_that_tries_to_run_code_is_refused(model: Path, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    pickle.loads(pickle.dumps(Harm(trap)))
    assert trap.exists(), "the trap works"
    trap.rmdir()
    with np.load(model / "arrays.npz") as stored:
        arrays = dict(stored)
    for name in arrays:
        harmful = np.empty(1, dtype=object)
        harmful[0] = Harm(trap)
        np.savez(model / "arrays.npz", **(arrays | {name: harmful}))
        with pytest.raises(ModelRefused, match="损坏"):
            Coder.load(model)
    (model / "arrays.npz").write_bytes(pickle.dumps(Harm(trap)))
    with pytest.raises(ModelRefused):
        Coder.load(model)
    assert not trap.exists()


def test_a_model_with_surprises_is_refused(model: Path) -> None:
    about = json.loads((model / "model.json").read_text(encoding="utf-8"))
    for key in ("categories", "statements", "signals", "rare_idf", "format", "exclusive"):
        for value in (None, 5, "x", [], {}, [[1]], [{"a": 1}], 1e300, {"__class__": "os"}):
            changed = copy.deepcopy(about) | {key: value}
            (model / "model.json").write_text(json.dumps(changed), encoding="utf-8")
            with suppress(ModelRefused), warnings.catch_warnings(action="ignore"):  # of figures too large to add up
                Coder.load(model).code(["办个证跑了四趟。"])
    for text in ("[" * 100_000, "null", "[]", "{", '{"format": 1}', "\x00"):
        (model / "model.json").write_text(text, encoding="utf-8")
        with pytest.raises(ModelRefused):
            Coder.load(model)


def test_a_model_whose_codebook_holds_surprises_is_refused(model: Path) -> None:
    for text in ("[" * 100_000, "{}", "5", '[{"__class__": 1}]', '[{"id": 5, "name": []}]', '[["id", "name"]]', "null"):
        (model / "codebook.json").write_text(text, encoding="utf-8")
        with pytest.raises(ModelRefused):
            Coder.load(model)


def test_a_codebook_with_a_dtd_opens_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.qdc"
    path.write_text(
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><CodeBook xmlns="urn:QDA-XML:codebook:1.0"><Codes>'
        '<Code name="甲"><Description>&e;</Description></Code></Codes></CodeBook>',
        encoding="utf-8",
    )
    try:
        book = read_qdc(path)
        assert "root:" not in str(book)
    except CodebookRefused:
        pass


def test_a_term_to_look_for_is_no_pattern(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(f"办证(a+)+$难。\n窗口.*好。\n{'a' * 5000}！\n", encoding="utf-8")
    pipeline.classify(path, out=tmp_path / "out")
    for term, found in (("(a+)+$", 1), (".*", 1), ("[", 0), ("(?P<x>", 0), ("\\", 0), ("", 0)):
        assert len(concordance(tmp_path / "out", term).frame) == found


def test_a_codebooks_terms_are_no_patterns(tmp_path: Path) -> None:
    (tmp_path / "book.csv").write_text(
        "id,name,definition,terms,not_terms\na,甲,x,(a+)+$；.*；[；办证,((((\n", encoding="utf-8"
    )
    (tmp_path / "a.txt").write_text(f"{'a' * 5000}！办证难。\n", encoding="utf-8")
    run = pipeline.classify(tmp_path / "a.txt", out=tmp_path / "out", codebook=tmp_path / "book.csv")
    units = run.units()
    assert {text for text, found in zip(units["text"], units["categories"], strict=True) if len(found)} == {"办证难。"}


@pytest.mark.parametrize(
    "text", ["{", "[]", "null", '{"key": 5}', '{"key": "a"}', '{"key": "a", "outputs": {}}', "[" * 100_000]
)
def test_a_manifest_with_surprises_is_no_run(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.txt").write_text("办证难。", encoding="utf-8")
    run = pipeline.classify(tmp_path / "a.txt", out=tmp_path / "out")
    (run.folder / "manifest.json").write_text(text, encoding="utf-8")
    for command in ("verify", "report", "explore"):
        done = subprocess.run(
            [sys.executable, "-m", "pipeline.cli", "--lang", "zh", command, str(run.folder)],
            capture_output=True, text=True,
        )  # fmt: skip
        assert done.returncode == 4, done.stderr
        assert "Traceback" not in done.stderr


def test_parts_that_were_damaged_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("办证难。", encoding="utf-8")
    run = pipeline.classify(tmp_path / "a.txt", out=tmp_path / "out")
    part = next(run.folder.glob("units/*.parquet"))
    for raw in (b"", b"PAR1", part.read_bytes()[:-200], b"x" * 1000):
        part.write_bytes(raw)
        for command in ("report", "explore"):
            done = subprocess.run(
                [sys.executable, "-m", "pipeline.cli", "--lang", "zh", command, str(run.folder)],
                capture_output=True, text=True,
            )  # fmt: skip
            assert done.returncode == 4, done.stderr
            assert "Traceback" not in done.stderr


def test_a_container_with_paths_that_lead_out_is_never_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "in.docx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("../evil.txt", "x")
        archive.writestr("word/document.xml", "<document><body><p><r><t>难</t></r></p></body></document>")
    run = pipeline.classify(path, out=tmp_path / "out")
    assert len(run.units()) == 1
    assert sorted(other.name for other in tmp_path.iterdir()) == ["in.docx", "out"]


def test_a_run_without_any_input_that_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(InputRefused):
        pipeline.classify(tmp_path / "in", out=tmp_path / "out")
