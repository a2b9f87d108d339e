"""Made-up personal data with right check digits, and everything that can be read out of a run's files."""

from __future__ import annotations

import base64
import random
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq

SURNAMES, GIVEN = (
    "王李张刘陈杨赵黄周吴徐孙胡朱郭何林罗郑梁谢唐许韩冯邓曹彭曾萧田董袁潘蒋蔡余杜叶程苏魏吕丁沈姚卢姜崔钟谭",
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛超秀霞平刚桂英华玉兰红梅建国志明海燕晓东春",
)
_CODE = "0123456789ABCDEFGHJKLMNPQRTUWXY"


class Planter:
    """Gives values that are all different."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)
        self.values: set[str] = set()

    def digits(self, count: int) -> str:
        return "".join(self._random.choice("0123456789") for _ in range(count))

    def _new(self, make: object) -> str:
        while (value := make()) in self.values:  # type: ignore[operator]
            pass
        self.values.add(value)
        return value

    def name(self) -> str:
        choose = self._random.choice
        return self._new(lambda: choose(SURNAMES) + choose(GIVEN) + choose(GIVEN))

    def mobile(self) -> str:
        number = self._new(lambda: self._random.choice(("138", "159", "186", "199", "177")) + self.digits(8))
        form = self._random.randrange(5)
        if form == 0:
            return number
        self.values.discard(number)
        shown = (
            f"{number[:3]} {number[3:7]} {number[7:]}",
            f"{number[:3]}-{number[3:7]}-{number[7:]}",
            number.translate({48 + n: 0xFF10 + n for n in range(10)}),
            number.translate(dict(zip(range(48, 58), "零一二三四五六七八九", strict=True))),
        )[form - 1]
        self.values.add(shown)
        return shown

    def landline(self) -> str:
        return self._new(lambda: f"0731-8{self.digits(7)}")

    def id_card(self) -> str:
        return self._new(self._id_card)

    def _id_card(self) -> str:
        body = f"110105{self._random.randrange(1940, 2010)}{self._random.randrange(1, 13):02}1{self.digits(4)}"
        weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
        return body + "10X98765432"[sum(w * int(d) for w, d in zip(weights, body, strict=True)) % 11]

    def card(self) -> str:
        return self._new(self._card)

    def _card(self) -> str:
        body = "622202" + self.digits(12)
        doubled = sum(sum(divmod(int(d) * (2 - at % 2), 10)) for at, d in enumerate(reversed(body)))
        return body + str(-doubled % 10)

    def code(self) -> str:
        return self._new(self._code)

    def _code(self) -> str:
        body = "91430100MA" + "".join(self._random.choice(_CODE) for _ in range(7))
        return body + _CODE[-sum(_CODE.index(c) * pow(3, at, 31) for at, c in enumerate(body)) % 31]

    def plate(self) -> str:
        return self._new(lambda: "湘A" + self.digits(5))

    def mail(self) -> str:
        return self._new(lambda: f"user{self.digits(6)}@example.com")

    def wechat(self) -> str:
        return self._new(lambda: f"wx_{self.digits(7)}a")

    def qq(self) -> str:
        return self._new(lambda: "5" + self.digits(8))

    def address(self) -> str:
        roll = self._random.randrange
        return self._new(lambda: f"滨江路{roll(1, 999)}号{roll(1, 40)}栋{roll(1, 5)}单元{roll(101, 3310)}室")


def traces(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the name and the text of everything in a folder's files, unpacked as far as it goes."""
    for path in sorted(folder.rglob("*")):
        yield str(path), path.name
        if path.is_file():
            yield str(path), _text(path.read_bytes())
            yield from _inside(path)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")


def _inside(path: Path) -> Iterator[tuple[str, str]]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                xml = _text(archive.read(name))
                yield f"{path}!{name}", xml
                yield f"{path}!{name} without marks", re.sub(r"<[^>]*>", "", xml)
    elif path.suffix == ".parquet":
        table = pq.read_table(path)
        yield f"{path} columns", "\n".join([str(table.schema), *map(str, table.to_pylist())])
    elif path.suffix == ".html":
        for name, encoding in (("texts", "gb18030"), ("codes", "utf-8")):
            for packed in re.findall(rf'<script id="{name}"[^>]*>([^<]*)<', _text(path.read_bytes())):
                yield f"{path}#{name}", zlib.decompress(base64.b64decode(packed), -15).decode(encoding)


def found(folder: Path, values: set[str], *, but: tuple[str, ...] = ()) -> list[tuple[str, str]]:
    """Return which values stand in which files, but for those whose path ends as `but` says."""
    return [
        (name, value)
        for name, text in traces(folder)
        if not any(part in name for part in but)
        for value in values
        if value in text
    ]
