"""Runs `classify` again and again under `faulty_disk.c`: each time another call that changes the disk fails.

Prints a line of JSON: how many such calls a run makes, which were made to fail, and every promise that was broken.
"""

from __future__ import annotations

import ctypes
import errno
import hashlib
import json
import shutil
import sys
from pathlib import Path

from pipeline.errors import EnvironmentFault
from pipeline.job import classify
from pipeline.report import pictures
from pipeline.result import verify

FAULTS = (errno.ENOSPC, errno.EIO)


def state(out: Path) -> dict[str, str]:
    """Return the hashes of all files of a run that are not its private ones."""
    files = (path for path in sorted(out.rglob("*")) if path.is_file() and ".qunyan" not in path.parts)
    return {path.relative_to(out).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def broken(lib: ctypes.CDLL, inputs: Path, out: Path, good: dict[str, str], at: int) -> list[str]:
    """Make the `at`-th call fail, over nothing and over an older run; return the promises broken."""
    found = []
    fault, lasting = FAULTS[at % 2], at // 2 % 2
    shutil.rmtree(out, ignore_errors=True)
    lib.fault_arm(str(out).encode(), at, fault, lasting)
    try:
        classify(inputs, out)
        if state(out) != good:
            found.append(f"{at}: went on in silence")
    except EnvironmentFault as told:
        if not str(told).endswith("。"):
            found.append(f"{at}: no sentence: {told}")
    except BaseException as error:  # noqa: BLE001 -- whatever it is, it is reported
        found.append(f"{at}: {type(error).__name__}: {error}")
    lib.fault_arm(b"", 0, 0, 0)
    if (out / "manifest.json").exists() and not (out / ".qunyan" / "plan.json").exists() and verify(out):
        found.append(f"{at}: a manifest of what is not whole")
    classify(inputs, out)
    if state(out) != good or verify(out):
        changed = {name for name in {*good, *state(out)} if good.get(name) != state(out).get(name)}
        found.append(f"{at}: the second run ends elsewhere: {sorted(changed)}")
    return found


def main(library: str, folder: Path, share: int) -> None:
    """Fail every `share`-th call."""
    lib = ctypes.CDLL(library)
    lib.fault_arm.argtypes = (ctypes.c_char_p, ctypes.c_long, ctypes.c_int, ctypes.c_int)
    lib.fault_count.restype = ctypes.c_long
    pictures.draw_figures = lambda tables: []  # they write nothing, and take most of the time
    inputs, out = folder / "in", folder / "out"
    lib.fault_arm(str(out).encode(), 0, 0, 0)
    classify(inputs, out)
    calls, good = lib.fault_count(), state(out)
    made = list(range(1, calls + 1, share))
    faults = [fault for at in made for fault in broken(lib, inputs, out, good, at)]
    print(json.dumps({"calls": calls, "made": len(made), "broken": faults}, ensure_ascii=False))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))
