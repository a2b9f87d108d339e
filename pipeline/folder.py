"""The run folder: whose it is, one run at a time, and files that appear whole or not at all.

A run writes its plan to `.qunyan/plan.json` first and its manifest last; then the plan goes. So a folder with a plan is
unfinished and can be gone on with, one with a manifest alone is complete, and one with neither that holds something is
somebody else's and is never touched. Both carry the run's key: a hash of inputs, options and coder.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import secrets
import shutil
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .errors import EnvironmentFault, OutputRefused

MANIFEST = "manifest.json"
OUTPUTS = (
    "units/part-*.parquet",
    "tables/*.csv",
    "tables/*.parquet",
    "rejects.csv",
    "audit.parquet",
    "results.xlsx",
    "report.html",
    "report.docx",
)
"""What a run writes besides its manifest; anything else in the folder is the user's own and left alone."""

EXPLORED = "explore/*.csv"
"""What `qunyan explore` writes: not part of the run, but gone with it."""

ON_DEMAND = ("comments/**/*.docx", "results.sav")
"""What `qunyan report` writes where it is asked for: the same."""

PRIVATE = ".qunyan"
SPILL = "spill-"
"""How the folders within `PRIVATE` begin in which queries put what memory does not hold."""

_PLAN = f"{PRIVATE}/plan.json"
_LOCK = f"{PRIVATE}/lock"
_HOLDER = f"{PRIVATE}/holder"
_UNFINISHED = tuple(f"{name}.*.tmp" for name in ("", "units/", "tables/", f"{PRIVATE}/"))
_CURES = {
    errno.ENOSPC: "磁盘满了：请腾出空间后再运行同一条命令，已完成的部分不会重做",
    errno.EDQUOT: "磁盘配额用完了：请腾出空间后再运行同一条命令，已完成的部分不会重做",
    errno.EACCES: "没有写入权限，或文件正被 Word、Excel 打开：请关闭它，或换一个输出文件夹（-o），或请管理员开放权限",
    errno.EPERM: "没有写入权限，或文件正被 Word、Excel 打开：请关闭它，或换一个输出文件夹（-o），或请管理员开放权限",
    errno.EROFS: "这个位置是只读的：请换一个输出文件夹（-o）",
    errno.ENOTDIR: "路径中间有一段是文件而不是文件夹：请换一个输出文件夹（-o）",
    errno.EIO: "磁盘读写出错（硬件、网络盘或 U 盘有故障）：请换一个磁盘上的输出文件夹（-o）",
    errno.EMFILE: "同时打开的文件太多：请关掉一些程序后再运行同一条命令",
    errno.ENFILE: "同时打开的文件太多：请关掉一些程序后再运行同一条命令",
    errno.ENOMEM: "内存不够：请关掉别的程序，或把输入分成几批",
    errno.EAGAIN: "系统不能再开新的进程：请关掉一些程序后再运行同一条命令",
    errno.ENAMETOOLONG: "路径太长：请换一个短些的输出文件夹（-o）",
}


@contextmanager
def whole_file(path: Path, *, mode: int = 0o600) -> Iterator[Path]:
    """Yield a temporary path beside `path`; what was written there takes its place at the end, or not at all.

    The file is synced to disk and replaces an older one in one step. It is for its owner only, unless `mode` says
    otherwise: what holds no people's words may be for all whom the user's umask allows.

    Raises
    ------
    EnvironmentFault
        If the disk or the permissions do not allow it.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     with whole_file(Path(folder, "a.txt")) as temporary:
    ...         _ = temporary.write_text("办证难")
    ...     os.listdir(folder)
    ['a.txt']
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with writing(path):
            path.parent.mkdir(mode=0o700, exist_ok=True)
            os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode))
            yield temporary
            with temporary.open("rb+") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turn what the operating system refuses into a sentence that names the path and the cure."""
    try:
        yield
    except OSError as error:
        raise EnvironmentFault(f"写不了 {path}：{_cure(error)}。") from error


def of_the_machine(error: OSError) -> EnvironmentFault | None:
    """Return the sentence for an error that only the machine causes, wherever it came up; None for any other."""
    if error.errno not in _CURES:
        return None
    where = f"{error.filename}：" if error.filename else ""
    return EnvironmentFault(f"{where}{_cure(error)}。")


def _cure(error: OSError) -> str:
    return _CURES.get(error.errno or 0, f"系统报告“{error.strerror or error}”")


@contextmanager
def hold(out: Path) -> Iterator[None]:
    """Keep the run folder for this process; make it where it does not exist, and leave no trace of a run that refuses.

    What is written meanwhile, here or in other rooms, is for its owner only.

    Raises
    ------
    OutputRefused
        If the folder holds something that is not ours.
    EnvironmentFault
        If another process is at work in it, or it cannot be written.
    """
    from filelock import FileLock, Timeout

    with writing(out):
        _refuse_foreign(out)
        made = not out.exists()
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        (out / PRIVATE).mkdir(mode=0o700, exist_ok=True)
        lock = FileLock(out / _LOCK, mode=0o600)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise EnvironmentFault(
                f"{out} 正由另一个 qunyan 使用（{_holder(out)}）：请等它结束，或换一个输出文件夹。"
            ) from None
        (out / _HOLDER).write_text(f"进程 {os.getpid()}，主机 {socket.gethostname()}", encoding="utf-8")
    mask = os.umask(0o077)
    try:
        _remove(out, _UNFINISHED)
        for spilt in (out / PRIVATE).glob(f"{SPILL}*"):
            shutil.rmtree(spilt)
        yield
    finally:
        os.umask(mask)
        with suppress(OSError):
            (out / _HOLDER).unlink()
        lock.release()
        _leave(out, made)


def key_of(plan: dict[str, Any]) -> str:
    """Return the sha256 of a plan: equal inputs, options and coders have equal keys."""
    return hashlib.sha256(json.dumps(plan, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def is_finished(out: Path, key: str) -> bool:
    """Whether the folder holds the complete run of this key."""
    manifest = read_manifest(out)
    if manifest is None or manifest["key"] != key:
        return False
    return all((out / name).is_file() for name in manifest["outputs"])


def begin(out: Path, key: str, *, force: bool = False) -> None:
    """Start the run of this key, or go on with it where it stopped; from here on the folder counts as unfinished.

    Raises
    ------
    OutputRefused
        If the folder holds another run and `force` is not given.
    """
    old = _read(out / _PLAN) or _read(out / MANIFEST)
    same = old is not None and old["key"] == key
    if old and not same and not force:
        raise OutputRefused(
            f"{out} 里已有另一次运行的结果（输入、选项或编码手册不同）：请换一个输出文件夹，或加 --force 覆盖。"
        )
    with whole_file(out / _PLAN) as path:
        path.write_text(json.dumps({"key": key}), encoding="utf-8")
    if force or not same:
        clear(out, MANIFEST, *OUTPUTS, EXPLORED, *ON_DEMAND)


def abandon(out: Path) -> None:
    """Take back what an unfinished run has written."""
    _remove(out, (MANIFEST, *OUTPUTS, _PLAN))


def is_run(folder: Path) -> bool:
    """Whether a folder holds a run, finished or not: a result is no input."""
    try:
        return (folder / PRIVATE).is_dir() or _read(folder / MANIFEST) is not None
    except OSError:  # what may not be looked into is named when it is to be read
        return False


def runs_within(folder: Path) -> Iterator[Path]:
    """Yield the run folders below a folder, or the folder itself if it is one."""
    for root, below, _ in os.walk(folder):
        if is_run(Path(root)):
            below.clear()
            yield Path(root)


def clear(out: Path, *patterns: str) -> None:
    """Remove those of our outputs that match, before they are written again."""
    with writing(out):
        _remove(out, patterns)


def finish(out: Path, manifest: dict[str, Any]) -> None:
    """Write the manifest, with the hashes of all outputs, as the last file of the run."""
    manifest["outputs"] = hash_outputs(out)
    with writing(out):
        _sync(out, [*manifest["outputs"], "units", "tables", "."])
    with whole_file(out / MANIFEST) as path:
        path.write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n")
    with writing(out):
        _sync(out, ["."])
        (out / _PLAN).unlink(missing_ok=True)


def read_manifest(out: Path) -> dict[str, Any] | None:
    """Return the manifest of a finished run; None where there is none."""
    manifest = None if (out / _PLAN).exists() else _read(out / MANIFEST)
    return manifest if manifest and isinstance(manifest.get("outputs"), dict) else None


def hash_outputs(out: Path) -> dict[str, str]:
    """Return the sha256 of every output that is there, by its name within the folder."""
    paths = sorted(path for pattern in OUTPUTS for path in out.glob(pattern) if _is_ours(path))
    return {path.relative_to(out).as_posix(): sha256(path) for path in paths}


def sha256(path: Path) -> str:
    """Return the sha256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _is_ours(path: Path) -> bool:
    """Whether it is a plain file that no program has put there as its own lock or backup."""
    return path.is_file() and not path.is_symlink() and not path.name.startswith((".", "~$"))


def _refuse_foreign(out: Path) -> None:
    if not out.exists():
        return
    if not out.is_dir():
        raise OutputRefused(f"{out} 是一个文件，不能当输出文件夹：请用 -o 另给一个文件夹名。")
    ours = (out / PRIVATE).is_dir() or read_manifest(out) is not None or not any(out.iterdir())
    links = [name for name in (PRIVATE, "units", "tables") if (out / name).is_symlink()]
    if not ours or links:
        raise OutputRefused(f"{out} 不是空的，也不是 qunyan 的结果，没有改动它：请用 -o 另给一个文件夹名。")


def _holder(out: Path) -> str:
    try:
        return (out / _HOLDER).read_text(encoding="utf-8")
    except OSError:
        return "进程不详"


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) and isinstance(content.get("key"), str) else None


def _remove(out: Path, patterns: tuple[str, ...]) -> None:
    for pattern in patterns:
        for path in sorted(out.glob(pattern)):
            if not path.is_dir() or path.is_symlink():
                path.unlink()


def _leave(out: Path, made: bool) -> None:
    """Remove the folders that a refused run has made and left empty."""
    if (out / _PLAN).exists() or (out / MANIFEST).exists():
        return
    with suppress(OSError):
        (out / _LOCK).unlink(missing_ok=True)
        for name in ("units", "tables", PRIVATE):
            if (out / name).is_dir():
                (out / name).rmdir()
        if made:
            out.rmdir()


def _sync(out: Path, names: Sequence[str]) -> None:
    """Make files, and the folders' lists of them, last through a power cut, where the system can."""
    for name in names if os.name == "posix" else ():
        number = os.open(out / name, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
