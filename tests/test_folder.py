"""The run folder: nothing of others is touched, one run at a time, files whole or not at all."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.errors import EnvironmentFault, OutputRefused
from pipeline.folder import abandon, begin, finish, hold, is_finished, read_manifest, whole_file


def filled(out: Path, key: str, *, force: bool = False) -> None:
    """Make a small finished run."""
    with hold(out):
        begin(out, key, force=force)
        for name in ("units/part-1.parquet", "tables/words.csv", "rejects.csv"):
            with whole_file(out / name) as path:
                path.write_text(f"{key} {name}", encoding="utf-8")
        finish(out, {"key": key})


def test_a_finished_run_is_known_by_its_key_and_complete(tmp_path: Path) -> None:
    out = tmp_path / "out"
    filled(out, "a")
    assert is_finished(out, "a")
    assert not is_finished(out, "b")
    (out / "tables" / "words.csv").unlink()
    assert not is_finished(out, "a")


def test_another_run_needs_force_and_leaves_nothing_of_the_old_one(tmp_path: Path) -> None:
    out = tmp_path / "out"
    filled(out, "a")
    (out / "units" / "part-2.parquet").write_text("old")
    with pytest.raises(OutputRefused, match="--force"):
        filled(out, "b")
    assert is_finished(out, "a")
    filled(out, "b", force=True)
    assert sorted(path.name for path in (out / "units").iterdir()) == ["part-1.parquet"]


def test_a_stopped_run_goes_on_and_counts_as_unfinished(tmp_path: Path) -> None:
    out = tmp_path / "out"
    with hold(out):
        begin(out, "a")
        with whole_file(out / "units" / "part-1.parquet") as path:
            path.write_text("kept")
    with hold(out):
        begin(out, "a")
        assert (out / "units" / "part-1.parquet").read_text() == "kept"
        assert read_manifest(out) is None
    with pytest.raises(OutputRefused), hold(out):
        begin(out, "b")


@pytest.mark.parametrize("kind", ["file", "folder", "link"])
def test_what_is_not_ours_is_never_touched(tmp_path: Path, kind: str) -> None:
    out = tmp_path / "out"
    if kind == "file":
        out.write_text("mine")
    else:
        out.mkdir()
        (out / "units").symlink_to(tmp_path) if kind == "link" else (out / "mine.docx").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(OutputRefused), hold(out):
        begin(out, "a", force=True)
    assert sorted(tmp_path.rglob("*")) == before


def test_files_that_the_user_puts_beside_the_results_stay(tmp_path: Path) -> None:
    out = tmp_path / "out"
    filled(out, "a")
    (out / "笔记.docx").write_text("mine")
    filled(out, "b", force=True)
    assert (out / "笔记.docx").read_text() == "mine"


def test_a_refused_run_leaves_no_trace(tmp_path: Path) -> None:
    out = tmp_path / "new" / "out"
    with hold(out):
        begin(out, "a")
        abandon(out)
    assert not out.exists()
    given = tmp_path / "given"
    given.mkdir()
    with hold(given):
        begin(given, "a")
        abandon(given)
    assert list(given.iterdir()) == []


def test_two_runs_in_one_folder(tmp_path: Path) -> None:
    out = tmp_path / "out"
    code = "import sys; from pathlib import Path; from pipeline.folder import hold\nwith hold(Path(sys.argv[1])): pass"
    with hold(out):
        begin(out, "a")
        other = subprocess.run([sys.executable, "-c", code, str(out)], capture_output=True, text=True)
        assert f"EnvironmentFault: {out} 正由另一个 qunyan 使用（进程 {os.getpid()}" in other.stderr
    assert subprocess.run([sys.executable, "-c", code, str(out)]).returncode == 0


def test_what_holds_peoples_words_is_for_its_owner_only(tmp_path: Path) -> None:
    out = tmp_path / "out"
    filled(out, "a")
    modes = {stat.S_IMODE(path.stat().st_mode) for path in out.rglob("*") if path.is_file()}
    assert modes == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in [out, *out.iterdir()] if path.is_dir()} == {0o700}


@pytest.mark.parametrize(("number", "cure"), [(errno.ENOSPC, "磁盘满了"), (errno.EACCES, "没有写入权限")])
def test_what_the_machine_refuses_is_a_sentence_and_leaves_the_old_file(tmp_path: Path, number: int, cure: str) -> None:
    path = tmp_path / "a.csv"
    path.write_text("old")

    def write() -> None:
        with whole_file(path) as temporary:
            temporary.write_text("half of the n")
            raise OSError(number, os.strerror(number))

    with pytest.raises(EnvironmentFault, match=cure):
        write()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_unfinished_files_of_a_killed_run_are_cleared(tmp_path: Path) -> None:
    out = tmp_path / "out"
    filled(out, "a")
    left = out / "units" / ".part-9.parquet.1234abcd.tmp"
    left.write_text("half")
    with hold(out):
        assert not left.exists()


def test_what_a_killed_run_spilt_is_removed(tmp_path: Path) -> None:
    out = tmp_path / "out"
    spilt = out / ".qunyan" / "spill-abc"
    spilt.mkdir(parents=True)
    (spilt / "tables.duckdb").write_bytes(b"x")
    with hold(out):
        assert not spilt.exists()
