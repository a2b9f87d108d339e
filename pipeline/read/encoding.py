"""Which encoding a text file is in, and its lines.

The order is measured (a statistical detector reads short GBK texts wrong): byte order mark, UTF-16 by its bytes, strict
UTF-8, strict GB18030 (with an eye on Big5, which decodes as GB18030 without error), and only then charset-normalizer.
A file that is nearly UTF-8 or GB18030 is repaired line by line, with a warning, rather than read as mojibake.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ..errors import InputRefused
from .source import UnreadableError

SAMPLE = 1 << 18
"""Bytes looked at where the whole file need not be."""

LEVEL_1_SHARE = 0.7
"""Below this share of everyday characters a text that decodes as GB18030 is suspected to be Big5 (findings)."""

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
    (b"\x84\x31\x95\x33", "gb18030"),
)
_PLAUSIBLE = re.compile("[\t\n\r -~\u2010-\u2026\u3000-\u303f\u4e00-\u9fff\uff01-\uff5e]")
_HAN = re.compile("[\u2e80-\ufaff\uff00-\uffef]")
_NOT_GB2312 = bytes(range(0x80, 0xA1))
_MENDED = 100
"""So many damaged places of a line are mended one by one."""

_AHEAD = 60
_BINARY = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f]")


@dataclass(frozen=True, slots=True)
class Encoding:
    """How to decode a file."""

    name: str
    """The name that stands in the manifest."""
    repair: bool = False
    """Decode line by line, replacing what cannot be read."""
    warning: str = ""


def detect(path: Path, named: str | None = None) -> Encoding:
    """Find the encoding of a text file.

    Parameters
    ----------
    path : Path
        The file; read in pieces, never held as a whole.
    named : str, optional
        The encoding that the user named.

    Raises
    ------
    UnreadableError
        If no encoding fits.
    InputRefused
        If `named` is not the name of an encoding.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.txt")
    ...     _ = path.write_bytes("窗口说材料不全".encode("gbk"))
    ...     detect(path).name
    'gb18030'
    """
    if named:
        return _named(path, named)
    with path.open("rb") as file:
        sample = file.read(SAMPLE)
    for mark, name in _BOMS:
        if sample.startswith(mark):
            return _marked(path, name)
    inner = sample.strip(b"\0")  # disks and programs fill up with zeros what they have not written
    if _strict(path, "utf-8") and inner and inner.count(0) * 10 <= len(inner):
        return Encoding("utf-8")
    wide = _utf16(sample)
    if wide:
        return _marked(path, wide)
    if not inner or inner.count(0) * 10 > len(inner):
        raise UnreadableError(
            "encoding", "不是文字文件（里面多是空字节）：请确认文件没有损坏，或用原来的软件另存为文本。"
        )
    return _chinese(path, sample) or _guess(path, sample)


def _marked(path: Path, name: str) -> Encoding:
    if _strict(path, name):
        return Encoding(name)
    return Encoding(name, repair=True, warning=f"编码是 {name}，但有字节已损坏，读不出的字以 � 代替。")


def _named(path: Path, named: str) -> Encoding:
    try:
        name = codecs.lookup(named).name
    except LookupError:
        raise InputRefused(
            f"不认识的编码名“{named}”：常用的有 utf-8、gb18030、big5、utf-16；不写 --encoding 则自动判断。"
        ) from None
    if _strict(path, name):
        return Encoding(name)
    raise UnreadableError("encoding", f"按 --encoding {named} 读不通：请去掉这个选项让软件自己判断，或换一个编码名。")


def _strict(path: Path, encoding: str) -> bool:
    """Whether the whole file decodes without error."""
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as file:
            while piece := file.read(SAMPLE):
                decoder.decode(piece)
        decoder.decode(b"", final=True)
    except (UnicodeDecodeError, UnicodeError):
        return False
    return True


def _utf16(sample: bytes) -> str:
    """UTF-16 without a mark, where nearly every pair of bytes is an everyday character one way and not the other."""
    even = sample[: len(sample) & ~1]
    shares = {name: _plausible(even.decode(name, "replace")) for name in ("utf-16-le", "utf-16-be")}
    best = max(shares, key=lambda name: shares[name])
    return best if shares[best] >= 0.9 and min(shares.values()) < 0.7 else ""


def _plausible(text: str) -> float:
    return len(_PLAUSIBLE.findall(text)) / len(text) if text else 0.0


def _chinese(path: Path, sample: bytes) -> Encoding | None:
    """GB18030, Big5, or a text nearly in UTF-8 or GB18030."""
    strict = _strict(path, "gb18030")
    share = _everyday(sample.decode("gb18030", "replace"))
    if strict and share >= LEVEL_1_SHARE and not _may_have_utf8(path):
        return Encoding("gb18030")
    utf8, other = _count_lines(path)
    if utf8 and (utf8 >= other or not strict):
        return Encoding(
            "utf-8",
            repair=True,
            warning=f"大部分是 UTF-8，有 {other} 行不是：能按 GB18030 读的照读，读不出的字以 � 代替，请核对。",
        )
    if strict and utf8 and share >= LEVEL_1_SHARE:
        return Encoding("gb18030", repair=True, warning=f"大部分是 GB18030，有 {utf8} 行是 UTF-8，已分别读取，请核对。")
    if strict and share >= LEVEL_1_SHARE:
        return Encoding("gb18030")
    if _strict(path, "big5hkscs") and _everyday_big5(sample) > share:
        return Encoding("big5hkscs")
    if strict and _HAN.search(sample.decode("gb18030", "replace")):
        return Encoding("gb18030", warning="编码像是 GB18030 但用字少见，请核对；不对的话用 --encoding 指明。")
    bad, good = _damage(path)
    if bad and good >= 20 * bad and share >= LEVEL_1_SHARE:
        warning = f"编码是 GB18030，但有 {bad} 处字节损坏，读不出的字以 � 代替。"
        return Encoding("gb18030", repair=True, warning=warning)
    return None


def _may_have_utf8(path: Path) -> bool:
    """Tell whether any byte is in the range that Chinese in UTF-8 always uses and GB2312 never does."""
    with path.open("rb") as file:
        pieces = iter(lambda: file.read(SAMPLE), b"")
        return any(len(piece.translate(None, _NOT_GB2312)) < len(piece) for piece in pieces)


def _count_lines(path: Path) -> tuple[int, int]:
    """How many lines with other than ASCII are UTF-8 (nearly all their characters Chinese), and how many are not."""
    utf8 = other = 0
    with path.open("rb") as file:
        for line in file:
            if len(line.translate(None, _NOT_GB2312)) < len(line):
                good, bad = _utf8_marks(line)
                utf8 += good > 2 * bad
                other += bad > 0
            else:
                other += not line.isascii()
    return utf8, other


def _utf8_marks(line: bytes) -> tuple[int, int]:
    """How many wide characters a line has as UTF-8, and how many of its other pieces cannot be read."""
    text = line.decode("utf-8", "replace")
    bad = text.count("\ufffd")
    return len(_HAN.findall(text)), bad


def _everyday(text: str) -> float:
    """Return the share of the characters outside ASCII that GB2312 has among its symbols and level 1."""
    wide = [char for char in text if char > "\x7f"]
    level_1 = sum(1 for char in wide if _gb2312_row(char) <= 55)
    return level_1 / len(wide) if wide else 0.0


def _gb2312_row(char: str) -> int:
    try:
        return char.encode("gb2312")[0] - 0xA0
    except UnicodeEncodeError:
        return 99


def _everyday_big5(sample: bytes) -> float:
    """Return the share of the characters outside ASCII that Big5 has among its symbols and frequent ones (A1-C6)."""
    wide = [char for char in sample.decode("big5hkscs", "replace") if char > "\x7f"]
    frequent = sum(1 for char in wide if 0xA1 <= char.encode("big5hkscs", "replace")[0] <= 0xC6)
    return frequent / len(wide) if wide else 0.0


def _damage(path: Path) -> tuple[int, int]:
    """How many places cannot be read as GB18030, and how many characters outside ASCII can."""
    bad = good = 0
    with path.open("rb") as file:
        for line in file:
            if not line.isascii():
                text = line.decode("gb18030", "replace")
                bad += text.count("\ufffd")
                good += len(_HAN.findall(text))
    return bad, good


def _guess(path: Path, sample: bytes) -> Encoding:
    from charset_normalizer import from_bytes

    best = from_bytes(sample).best()
    if best is None or _BINARY.search(str(best)) or not _strict(path, best.encoding):
        raise UnreadableError(
            "encoding", "认不出文字编码：请用记事本打开，另存为 UTF-8 编码后再试，或用 --encoding 指明编码。"
        )
    return Encoding(best.encoding, warning=f"编码按统计猜为 {best.encoding}，请核对；不对的话用 --encoding 指明。")


def lines(path: Path, encoding: Encoding) -> Iterator[str]:
    r"""Decode a file line by line; line ends (`\n`, `\r\n`, `\r`) stay as they are.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.txt")
    ...     _ = path.write_bytes(b"a\r\nb\rc")
    ...     list(lines(path, Encoding("utf-8")))
    ['a\r\n', 'b\r', 'c']
    """
    with path.open("rb") as file:
        if encoding.repair and not encoding.name.startswith(("utf-16", "utf-32")):
            text: Iterator[str] = _repaired(file, encoding.name)
        else:
            errors = "replace" if encoding.repair else "strict"
            text = io.TextIOWrapper(file, encoding=encoding.name, errors=errors, newline="")
        yield next(text, "").removeprefix("\ufeff")
        yield from text


def _repaired(file: BinaryIO, name: str) -> Iterator[str]:
    for raw in file:
        yield from io.StringIO(repair_line(raw, name), newline="")


def repair_line(raw: bytes, name: str) -> str:
    """Decode a line in the encoding it fits: UTF-8, GB18030, else the file's own with U+FFFD for what is damaged.

    Examples
    --------
    >>> repair_line("办事难".encode("gbk"), "utf-8")
    '办事难'
    >>> repair_line("办事难，跑了四趟".encode()[:-1], "utf-8")
    '办事难，跑了四\ufffd'
    >>> gbk = "办事难，跑了四趟".encode("gbk")
    >>> repair_line(gbk[:5] + bytes([255]) + gbk[5:], "gb18030")
    '办事\ufffd，跑了四趟'
    """
    good, bad = _utf8_marks(raw)
    if (not bad and good) or raw.isascii():
        return raw.decode("utf-8")
    if good > 2 * bad:
        return raw.decode("utf-8", "replace")
    text = _mended(raw)
    return text if name == "gb18030" or _everyday(text) >= LEVEL_1_SHARE else raw.decode(name, "replace")


def _mended(raw: bytes) -> str:
    """Decode GB18030 with a U+FFFD for each damaged place, and go on where the characters begin again.

    Two bytes make a character, so after a byte too few or too many all that follows would be read wrongly.
    """
    text = ""
    for _ in range(_MENDED):
        try:
            return text + raw.decode("gb18030")
        except UnicodeDecodeError as error:
            text += raw[: error.start].decode("gb18030") + "\ufffd"
            rests = (raw[error.start + skipped :] for skipped in (1, 2, 3))
            raw = max(rests, key=lambda rest: _everyday(rest[:_AHEAD].decode("gb18030", "replace")))
    return text + raw.decode("gb18030", "replace")
