"""The zip containers of Office: bounded unpacking, XML without entities or DTD."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from .source import UnreadableError

if TYPE_CHECKING:
    from lxml import etree

PIECE = 1 << 20
_PART = 64 << 20
_HEAD = 4096
_DTD = "里面带有 DTD 声明，Office 不会这样写，为安全起见没有读取：请用原来的软件打开后另存。"
_RELATION = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"


def open_archive(path: Path, most: int) -> zipfile.ZipFile:
    """Open a container whose parts unpack to no more than `most` bytes together.

    Raises
    ------
    UnreadableError
        If it would unpack to more, has a password, or a part begins with a DTD.
    """
    archive = zipfile.ZipFile(path)
    parts = archive.infolist()
    if any(part.flag_bits & 1 for part in parts):
        raise UnreadableError("encrypted", "有密码保护：请用原来的软件打开，去掉密码后另存。")
    if any(_declares_dtd(archive, part) for part in parts if part.filename.endswith((".xml", ".rels"))):
        raise UnreadableError("damaged", _DTD)
    if sum(part.file_size for part in parts) > most:
        raise UnreadableError("too_large", f"解开后超过 {most >> 20} MB，为安全起见没有读取：请拆成几个文件。")
    return archive


def _declares_dtd(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bool:
    with archive.open(part) as file:
        return b"<!DOCTYPE" in file.read(_HEAD).replace(b"\0", b"")


def pieces(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """Unpack a part piece by piece."""
    with archive.open(name) as part:
        while piece := part.read(PIECE):
            yield piece


def xml(archive: zipfile.ZipFile, name: str, most: int = _PART) -> etree._Element | None:
    """Parse a part; None if it is not there.

    Raises
    ------
    UnreadableError
        If it is larger than `most` bytes or declares a DTD.
    """
    from lxml import etree

    if name not in archive.NameToInfo:
        return None
    if archive.getinfo(name).file_size > most:
        raise UnreadableError(
            "too_large", f"其中的 {name} 解开后超过 {most >> 20} MB，为安全起见没有读取：请拆成几个文件。"
        )
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    with archive.open(name) as part:
        root = etree.parse(part, parser)
    refuse_dtd(root)
    return root.getroot()


def refuse_dtd(tree: etree._ElementTree) -> None:
    """Refuse XML with a DTD: Office writes none, and entities could be hidden in it."""
    if tree.docinfo.internalDTD is not None:
        raise UnreadableError("damaged", _DTD)


def relations(archive: zipfile.ZipFile, part: str) -> dict[str, tuple[str, str]]:
    """Return what a part refers to inside the container: by id, the kind (its type's last word) and the part."""
    folder, name = posixpath.split(part)
    root = xml(archive, posixpath.join(folder, "_rels", f"{name}.rels"))
    found = {}
    for relation in root.iter(_RELATION) if root is not None else ():
        if relation.get("TargetMode") != "External":
            target = posixpath.normpath(posixpath.join("/", folder, relation.get("Target", ""))).lstrip("/")
            found[relation.get("Id", "")] = (relation.get("Type", "").rsplit("/", 1)[-1], target)
    return found
