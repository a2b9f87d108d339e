"""Many texts as one: joined by line ends, so that an automaton, a pattern or the segmenter reads them in one pass.

Places are offsets into the joined text; what is found never crosses a line end, so it belongs to one text.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_MARKS = "，,；;：:。！？!?…\n\t "


class Batch:
    r"""Texts joined by line ends.

    Parameters
    ----------
    texts : sequence of str
        n units, normalised.

    Attributes
    ----------
    text : str
        All of them, a line end behind each.
    starts : (n + 1,) array of int
        Where each begins.

    Examples
    --------
    >>> batch = Batch(["没有推诿、扯皮，很好。", "谢谢"])
    >>> batch.text
    '没有推诿、扯皮，很好。\n谢谢\n'
    >>> batch.owner(np.array([0, 11, 12])), batch.breaks
    (array([0, 0, 1]), array([ 7, 10, 14]))
    """

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        self.text = "\n".join([*texts, ""])
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        self.starts = np.concatenate([[0], np.cumsum(lengths + 1)])

    @property
    def ends(self) -> Ints:
        """Where each text ends."""
        return self.starts[1:] - 1

    def owner(self, places: Ints) -> Ints:
        """Return which text each place belongs to."""
        return np.searchsorted(self.starts, places, side="right") - 1

    @cached_property
    def breaks(self) -> Ints:
        """Where clauses end: at ，：； and the like, but not at 、; a run of marks is one break."""
        return np.flatnonzero(self._marks & ~np.append(False, self._marks[:-1]))

    @cached_property
    def codes(self) -> NDArray[np.uint32]:
        """The code points of the joined text."""
        return np.frombuffer(self.text.encode("utf-32-le", "surrogatepass"), np.uint32)

    def stands(self, characters: str, places: Ints) -> Bools:
        """Tell whether one of these characters stands at each place; none stands outside the text."""
        inside = (places >= 0) & (places < len(self.codes))
        return inside & np.isin(self.codes[np.where(inside, places, 0)], [ord(character) for character in characters])

    def broken(self, starts: Ints, ends: Ints) -> Bools:
        """Tell whether a clause ends within each stretch of the text."""
        return self._sums[ends] > self._sums[np.maximum(starts, 0)]

    @cached_property
    def _marks(self) -> Bools:
        """Whether each character is a breaking mark."""
        return np.isin(self.codes, [ord(mark) for mark in _MARKS])

    @cached_property
    def _sums(self) -> Ints:
        """How many breaking marks stand before each place."""
        return np.concatenate([[0], np.cumsum(self._marks)])


def breaks(text: str) -> list[int]:
    """Return where the clauses of one text end, final marks left out.

    Examples
    --------
    >>> breaks("没有推诿、扯皮，很好。")
    [7, 10]
    """
    return [int(place) for place in Batch([text]).breaks]
