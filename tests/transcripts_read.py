"""Reads `transcripts.txt`: files in many layouts, and whose words stand in every line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from helpers_read import collect

OWN = Path(__file__).with_name("transcripts.txt")

Words = tuple[str, str]
"""Whose words, and the words: `?` for those who ask, `-` the record, `=` no transcript, `+` not named."""


@dataclass
class Transcript:
    """A file to write, and what should be read from it."""

    name: str
    lines: list[str] = field(default_factory=list)
    told: list[Words] = field(default_factory=list)

    def add(self, line: str) -> None:
        """Take a line of `transcripts.txt`."""
        owner, _, raw = line.partition("|")
        _, mark, words = raw.partition("¦")
        words, _, _ = words.partition("¦") if mark else (raw, "", "")
        line = raw.replace("¦", "")
        if owner.startswith("&"):
            self.lines[-1] += line
        else:
            self.lines.append(line)
        if words.strip():
            self.told.append((owner.removeprefix("&"), words.strip()))

    def write(self, folder: Path) -> Path:
        """Write the file into a folder."""
        path = folder / self.name
        text = subtitles(self.lines) if path.suffix == ".srt" else "\n".join(self.lines) + "\n"
        path.write_text(text, encoding="utf-8")
        return path


def subtitles(lines: list[str]) -> str:
    """Write lines as the cues of an .srt."""
    cues = (
        f"{at}\n00:00:{at:02d},000 --> 00:00:{at:02d},900\n{line}\n" for at, line in enumerate(filter(None, lines), 1)
    )
    return "\n".join(cues)


def transcripts(path: Path = OWN) -> list[Transcript]:
    """All transcripts of a collection."""
    found: list[Transcript] = []
    for line in path.read_text(encoding="utf-8").split("\n"):
        if line.startswith("==="):
            found.append(Transcript(line.removeprefix("===").strip()))
        elif found and (line or found[-1].name.endswith(".md")):
            found[-1].add(line)
    return found


def told(path: Path) -> list[Words]:
    """Read a file: whose words, line by line."""
    return [
        (_owner(record.role, record.respondent, path.name), line.strip())
        for record in collect(path)[0]
        for line in record.text.split("\n")
    ]


def _owner(role: str, respondent: str, file: str) -> str:
    who = respondent.partition("·")[2]
    if role == "interviewer":
        return "-" if who == "记录" else "?"
    return {"未标明": "+", "": "="}.get(who, who) if respondent.startswith(file) else who


def characters(expected: list[Words], found: list[Words]) -> Iterator[tuple[int, bool, bool, bool]]:
    """Compare line by line: characters, whether the speaker is right, the role, and whether an answer was lost."""
    owners: dict[str, list[str]] = {}
    for owner, words in found:
        owners.setdefault(words, []).append(owner)
    for owner, words in expected:
        here = next((key for key in owners if key == words and owners[key]), None)
        here = here or next((key for key in owners if words in key), None)
        got = owners[here][0] if here else ""
        if here == words:
            owners[here].pop(0)
        asks, asked = owner in "?-", got in ("?", "-")
        yield len(words), got == owner, asks == asked, asked and not asks


def measure(folder: Path, collection: list[Transcript]) -> Counter[str]:
    """Count characters: all, of the right speaker, of the right role, of answers, of answers lost to those who ask."""
    counts: Counter[str] = Counter()
    for transcript in collection:
        for size, speaker, role, lost in characters(transcript.told, told(transcript.write(folder))):
            counts += Counter(all=size, speaker=size * speaker, role=size * role, lost=size * lost)
        counts["answers"] += sum(len(words) for owner, words in transcript.told if owner not in "?-")
    return counts
