"""Damaged files of every format: each ends in records or a sentence, none in a traceback, a hang or a lost record."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from mutants import HONEST, mutant

from pipeline.errors import InputRefused
from pipeline.normalise import normalise
from pipeline.read import Source, read, readers
from pipeline.records import Reject, Response

LONG = (pytest.mark.slow, pytest.mark.long)
OURS = {"bug", "crashed", "timeout"}
"""No damaged file of a few kilobytes has a right to these."""

CRASHES = {"a.xls": {"crashed", "timeout"}}
"""A cell far out in an old workbook makes its library ask for more memory than there is."""


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Write an honest file of each format, and check that it is one."""
    folder = tmp_path_factory.mktemp("honest")
    for name, make in HONEST.items():
        make(folder / name)
        records = list(read(Source(folder / name, name)))
        assert any(isinstance(record, Response) for record in records), name
    return {name: (folder / name).read_bytes() for name in HONEST}


@pytest.mark.parametrize("name", HONEST)
@pytest.mark.parametrize(("seed", "count"), [(1, 60), *(pytest.param(seed, 1000, marks=LONG) for seed in (2, 3, 4))])
def test_mutants_end_in_records_or_a_sentence(
    honest: dict[str, bytes], tmp_path: Path, name: str, seed: int, count: int
) -> None:
    chance = random.Random(f"{seed} {name}")
    path = tmp_path / name
    with readers():
        for number in range(count):
            raw = mutant(chance, honest[name], list(honest.values()))
            path.write_bytes(raw)
            problem = _problem(path, OURS - CRASHES.get(name, set()))
            assert not problem, f"seed {seed}, mutant {number} of {name}: {problem}"


def _problem(path: Path, ours: set[str]) -> str:
    try:
        records = list(read(Source(path, path.name), apart=True))
    except InputRefused as refusal:
        return "" if path.name in str(refusal) else f"a refusal without the file's name: {refusal}"
    rejects = [record for record in records if isinstance(record, Reject)]
    responses = [record for record in records if isinstance(record, Response)]
    if not records:
        return "neither records nor a reject"
    if wrong := [reject for reject in rejects if reject.reason in ours]:
        return f"{wrong[0].reason}: {wrong[0].message}"
    if mute := [reject for reject in rejects if not reject.message.strip() or not reject.location]:
        return f"a reject without place or sentence: {mute[0]}"
    if len({response.location for response in responses}) < len(responses):
        return "two records in one place"
    if any(response.normal != normalise(response.text) for response in responses):
        return "a text that is not normalised"
    return ""
