"""The font that the web page carries: Chinese shows on a machine without Chinese fonts, too."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from pathlib import Path

FONT = Path(__file__).parents[1] / "_fonts" / "QunyanSans.otf"


def face(characters: Iterable[str]) -> str:
    """Return a style rule with the shipped font, of which only these characters are left.

    Characters that the font does not have are drawn with a font of the machine.

    Parameters
    ----------
    characters : iterable of str
        One character each.

    Examples
    --------
    >>> len(face("难")) < len(face("办事难")) < 4000
    True
    """
    import uharfbuzz as hb

    wish = hb.SubsetInput()
    wish.sets(hb.SubsetInputSets.UNICODE).set(set(map(ord, characters)))
    wish.flags = hb.SubsetFlags.NO_HINTING | hb.SubsetFlags.NOTDEF_OUTLINE
    font = hb.subset(hb.Face(hb.Blob.from_file_path(str(FONT))), wish).blob.data
    data = base64.b64encode(font).decode()
    return f'@font-face {{ font-family: "Qunyan Sans"; src: url(data:font/otf;base64,{data}) format("opentype"); }}\n'
