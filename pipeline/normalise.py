"""Makes equal texts equal, once, in reading; every later room sees normalised text.

The steps are named maps from one character to one character, so a normalised text is exactly as long as its source and
offsets into one are offsets into the other. Punctuation keeps its width (NFKC would turn `；！（①` into `;!(1`).
"""

from __future__ import annotations

import re

WIDTH = {
    full: full - 0xFEE0 for block in ("０-９", "Ａ-Ｚ", "ａ-ｚ") for full in range(ord(block[0]), ord(block[2]) + 1)
}
"""Full-width letters and digits become ASCII."""

MARKS = {ord("％"): "%", ord("．"): ".", ord("＋"): "+", ord("＆"): "&", ord("＃"): "#"}
"""Full-width marks that stand inside numbers and names."""

SPACES = dict.fromkeys([0x00A0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000, 0x0B, 0x0C, 0x85], " ")
"""Every kind of space becomes a plain one; line ends and tabs stay."""

INVISIBLE = dict.fromkeys(
    [
        *range(0x09),
        *range(0x0E, 0x20),
        *range(0x7F, 0x85),
        *range(0x86, 0xA0),
        0xAD,
        *range(0x200B, 0x2010),
        *range(0x202A, 0x202F),
        *range(0x2060, 0x2070),
        0xFEFF,
    ],
    " ",
)
"""Control, zero-width and bidirectional characters become spaces."""

_TABLE = WIDTH | MARKS | SPACES | INVISIBLE
_ANY = re.compile("[" + "".join(re.escape(chr(code)) for code in sorted(_TABLE)) + "\u2028\u2029\ud800-\udfff]")
_TABLE |= {0x2028: "\n", 0x2029: "\n"} | dict.fromkeys(range(0xD800, 0xE000), "\ufffd")


def normalise(text: str) -> str:
    """Return `text` with equal characters made equal, as long as before.

    Parameters
    ----------
    text : str
        The source's own characters.

    Returns
    -------
    str
        As long as `text`; `normalise(normalise(text)) == normalise(text)`.

    Examples
    --------
    >>> normalise("ＡＰＰ要打卡１２次；（①）　累")
    'APP要打卡12次；（①） 累'
    """
    return text.translate(_TABLE) if _ANY.search(text) else text
