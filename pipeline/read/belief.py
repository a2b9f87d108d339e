"""Which labels of a text name speakers: no kind of evidence silences another.

A colon in an ordinary sentence must not make a speaker, so labels are judged together: voices that the format gives,
times, role words, labels that come again or take turns are evidence; a label alone is none. Each layout is judged by
its own evidence first; a name believed in one layout is believed in all; then labels that are not known but come again,
are bold like the others, or stand where an answer is due are believed too.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

from .labels import Label, Paragraph, is_time, spoken
from .record import is_closing, is_heading, is_narration, is_record, names_in, only_names
from .speakers import Speaker, alias, is_nobody, plausible

_COLONS = ("colon", "bracket", "tab")
_HAIL = re.compile(r"\s*(?:[您你]们?好|各位好)")
_ITEM = re.compile(r"\s*(?:[（(]?\d{1,3}[）)]?\s*[.、．]?|[一二三四五六七八九十]+[、.])\s*\S")

Labels = dict[int, Label]


def believed(found: Labels, paragraphs: Sequence[Paragraph], head: int) -> Labels:
    """Choose the labels that name speakers.

    Parameters
    ----------
    found : dict of int to Label
        The candidates, by their paragraph's position.
    paragraphs : sequence of Paragraph
        The whole text.
    head : int
        How many paragraphs at the top are the record's own.

    Returns
    -------
    dict of int to Label
        In the order of the text; empty if it is no transcript.
    """
    candidates = [label for at, label in sorted(found.items()) if at >= head or label.form == "voice"]
    aliases = {label.note: label.speaker for label in candidates if alias(label.note)}
    candidates = [_renamed(label, {alias(note): who for note, who in aliases.items()}) for label in candidates]
    voices = [label for label in candidates if label.form == "voice"]
    timed = [label for label in candidates if label.form != "voice" and (label.time or label.form == "stamp")]
    colons = [label for label in candidates if label.form in _COLONS]
    alone = [label for label in candidates if label.form == "alone" and not label.time]
    base = [
        *voices,
        *_timed(timed, len(paragraphs)),
        *_spoken(colons, paragraphs, head),
        *_standing_alone(alone, paragraphs),
    ]
    chosen = {label.at: label for label in base}
    _add_known(chosen, [*timed, *colons])
    if not chosen or (len(chosen) == 1 and _in_prose(chosen, paragraphs)):
        return _questioned(colons, paragraphs)
    written = {label.at: label for label in [*timed, *colons]}
    _add_unknown(chosen, [written[at] for at in sorted(written)], found, paragraphs)
    return dict(sorted((chosen | _questions(chosen, paragraphs)).items()))


def _in_prose(chosen: Labels, paragraphs: Sequence[Paragraph]) -> bool:
    """Whether a single label stands after other words: `投诉人：王某` at the end of a letter."""
    return any(not is_record(line, before=True) for line in paragraphs[: min(chosen)])


def _renamed(label: Label, aliases: Mapping[str, Speaker]) -> Label:
    who = aliases.get(label.name)
    return replace(label, speaker=replace(who, note="")) if who else label


def _timed(labels: list[Label], paragraphs: int) -> list[Label]:
    """Labels with a time, where these carry the text: known names, or names that come again."""
    labels = [label for label in labels if not is_nobody(label.name)]
    counts = Counter(label.name for label in labels)
    good = [label for label in labels if label.speaker.kind or counts[label.name] > 1]
    sure = sum(1 for label in good if label.speaker.kind in ("asks", "answers", "person"))
    known = all(label.speaker.kind for label in good) and len(good) * 4 >= paragraphs
    if len(good) >= 2 and (sure or known or len(counts) < len(labels)):
        return [label for label in labels if label in good or plausible(label.name)]
    return good if sure and known else []


def _spoken(labels: list[Label], paragraphs: Sequence[Paragraph], head: int) -> list[Label]:
    """Labels with a colon (or in brackets, or before a tab) that the whole text bears out."""
    counts = Counter(label.name for label in labels)
    kinds = {label.name: label.speaker.kind for label in labels if _could_speak(label)}
    sure = {
        label.name for label in labels if label.speaker.sure or (label.speaker.short and _met(label, kinds, counts))
    }
    labels = [label for label in labels if label.speaker.kind]
    counts = Counter(label.name for label in labels)
    kinds = {name: kind for name, kind in kinds.items() if kind}
    if sure:
        listed = names_in(paragraphs[:head])
        return [label for label in labels if label.name in sure or _welcome(label, counts[label.name], listed)]
    labels = _not_addressed(labels, paragraphs)
    return _regular(labels, kinds, counts) if _takes_turns(labels, kinds, counts, paragraphs, head) else []


def _met(label: Label, kinds: Mapping[str, str], counts: Counter[str]) -> bool:
    """Whether `问` has its `答` (or another speaker), so that `A：` is no item of a list."""
    if label.speaker.asks:
        fit = {"answers", "answers_short", "person", "name", "group"}
        return any(kind in fit or (kind in ("letter", "") and counts[name] > 1) for name, kind in kinds.items())
    return any(kind in ("asks", "asks_short") for kind in kinds.values())


def _welcome(label: Label, count: int, listed: set[str]) -> bool:
    """Whether a label is taken for a speaker in a text that surely has some."""
    return label.speaker.kind in ("person", "name") or label.name in listed or count > 1


def _regular(labels: list[Label], kinds: Mapping[str, str], counts: Counter[str]) -> list[Label]:
    return [label for label in labels if kinds[label.name] != "letter" or counts[label.name] > 1]


def _not_addressed(labels: list[Label], paragraphs: Sequence[Paragraph]) -> list[Label]:
    """Leave out the names that letters begin with: `胡书记：您好！`."""
    first = {label.at: spoken(paragraphs[label.at], label).strip() for label in labels}
    after = {at: said or next((line.text for line in paragraphs[at + 1 : at + 2]), "") for at, said in first.items()}
    speaks = {label.name for label in labels if not _HAIL.match(after[label.at])}
    return [label for label in labels if label.name in speaks]


def _takes_turns(
    labels: list[Label], kinds: Mapping[str, str], counts: Counter[str], paragraphs: Sequence[Paragraph], head: int
) -> bool:
    """Whether names alone make a transcript: several, coming again or heading much of the text, with something said."""
    if len({label.name for label in labels}) < 2 or len(labels) < 3:
        return False
    said = [spoken(paragraphs[label.at], label) for label in labels]
    if sum(1 for words in said if only_names(words)) * 2 > len(said):
        return False
    weak = {"letter", "answers_short", "asks_short"}
    if set(kinds.values()) <= weak and sum(map(len, said)) < 8 * len(said):
        return False
    if any(label.form == "tab" for label in labels) and sum(map(len, said)) < 6 * len(said):
        return False
    again = sum(1 for count in counts.values() if count > 1)
    own = sum(1 for line in paragraphs[head:] if is_closing(line) or is_heading(line.text) or is_narration(line.text))
    share = len(labels) / max(1, len(paragraphs) - head - own)
    if set(kinds.values()) <= {"group"}:
        return again >= 2 and share >= 0.5
    persons = sum(1 for name in counts if kinds[name] == "person")
    return (
        (again >= 2 and share >= 0.05)
        or (again > 0 and share >= 0.3)
        or share >= 0.5
        or (persons >= 2 and share >= 0.25)
    )


def _standing_alone(labels: list[Label], paragraphs: Sequence[Paragraph]) -> list[Label]:
    """Names on lines of their own, where each is followed by what is said, and they come again and take turns."""
    labels = [label for label in labels if label.speaker.kind not in ("", "group", "letter") or label.bold]
    counts = Counter(label.name for label in labels)
    labels = [label for label in labels if counts[label.name] > 1]
    places = {label.at for label in labels}
    followed = all(at + 1 < len(paragraphs) and at + 1 not in places for at in places)
    known = any(label.speaker.kind for label in labels)
    turns = sum(1 for first, second in itertools.pairwise(labels) if first.name != second.name)
    return labels if followed and known and len(set(counts)) > 1 and turns >= 2 else []


def _add_known(chosen: Labels, labels: Sequence[Label]) -> None:
    """Believe a name of one layout in the others."""
    names = {label.name for label in chosen.values() if label.name}
    for label in labels:
        if label.name in names:
            chosen.setdefault(label.at, label)


def _add_unknown(chosen: Labels, labels: list[Label], found: Labels, paragraphs: Sequence[Paragraph]) -> None:
    """Believe labels that are not known: recurring ones, bold ones among bold ones, and those where an answer is due."""
    strange = [label for label in labels if label.at not in chosen and _could_speak(label)]
    counts = Counter(label.name for label in strange)
    bold = any(label.bold for label in chosen.values())
    listed = {label.name for label in strange if _in_a_list(label.at, found)}
    for label in strange:
        again = counts[label.name] > 1 and label.name not in listed
        if again or (bold and label.bold) or _due(label, chosen, counts, found, paragraphs):
            chosen[label.at] = label


def _could_speak(label: Label) -> bool:
    return bool(label.speaker.kind) or plausible(label.name)


def _in_a_list(at: int, found: Labels) -> bool:
    """Whether the label beside is one of a list inside an answer: `问题：… 原因：… 办法：…`."""
    beside = (found.get(at - 1), found.get(at + 1))
    return any(label and label.form == "colon" and is_nobody(label.name) for label in beside)


def _due(label: Label, chosen: Labels, counts: Counter[str], found: Labels, paragraphs: Sequence[Paragraph]) -> bool:
    """Whether an answer is due: those who ask have the word and asked, or another label (or nothing) follows.

    A firm or an office may also follow another's answer.
    """
    at = label.at
    last = max((place for place in chosen if place < at), default=-1)
    asking = last >= 0 and chosen[last].speaker.asks and paragraphs[last].flow == paragraphs[at].flow
    bare = not spoken(paragraphs[at], label).strip()
    if asking and (bare or paragraphs[at - 1].text.rstrip("* _\t\u3000").endswith(("？", "?"))):
        return True
    after = next((place for place in range(at + 1, len(paragraphs)) if not is_time(paragraphs[place])), None)
    followed = after is None or after in chosen or (after in found and found[after].name in counts)
    return followed and (asking or (label.speaker.kind == "group" and last == at - 1 >= 0))


def _questioned(colons: list[Label], paragraphs: Sequence[Paragraph]) -> Labels:
    """Choose `答：` after questions without a label: `1. 方便吗？ 答：不方便。`."""
    answers = {label.at: label for label in colons if label.speaker.kind == "answers_short" and label.name == "答"}
    asked = [at for at in answers if at and _is_question(paragraphs[at - 1].text)]
    if len(answers) < 2 or len(asked) * 2 < len(answers):
        return {}
    return dict(sorted((answers | _questions(answers, paragraphs)).items()))


def _questions(chosen: Labels, paragraphs: Sequence[Paragraph]) -> Labels:
    """Return labels for the questions before `答：` that nobody is said to ask."""
    asked = any(label.speaker.asks for label in chosen.values())
    answers = [] if asked else [at for at, label in chosen.items() if label.name == "答"]
    free = (at - 1 for at in answers if at and at - 1 not in chosen and _is_question(paragraphs[at - 1].text))
    return {at: Label(at, Speaker("问", "asks_short"), "colon") for at in free}


def _is_question(text: str) -> bool:
    bare = text.rstrip("* _\t\u3000")
    return bare.endswith(("？", "?")) or (len(bare) < 60 and bool(_ITEM.match(text)))
