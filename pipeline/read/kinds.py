"""What a file really is, whatever its name says: by its first bytes and, for containers, by what they hold."""

from __future__ import annotations

import mmap
import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from .source import UnreadableError

KINDS = {
    ".txt": "text",
    ".md": "text",
    ".docx": "word",
    ".xlsx": "workbook",
    ".xls": "workbook",
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "jsonl",
    ".parquet": "parquet",
    ".srt": "subtitles",
    ".vtt": "subtitles",
    ".pdf": "pdf",
}
"""The reader that a file name ending asks for."""

_NAMES = {
    "text": "文本",
    "word": "Word 文档（.docx）",
    "workbook": "Excel 工作簿",
    "csv": "文本表格（csv）",
    "web": "网页表格（HTML）",
    "jsonl": "JSON 行",
    "parquet": "Parquet",
    "subtitles": "字幕",
    "pdf": "PDF",
}
_TEXTUAL = {"text", "csv", "jsonl", "subtitles"}

_SAVE_AS_DOCX = "请用 Word 或 WPS 打开，另存为 .docx。"
_SAVE_AS_XLSX = "请用 Excel 或 WPS 打开，另存为 .xlsx。"
_UNPACK = "请先解压，再给出里面的文件。"
_MAGIC = (
    (b"{\\rtf", "RTF 文档", _SAVE_AS_DOCX),
    (b"\x89PNG", "图片", "图片里的文字请先识别成文本。"),
    (b"\xff\xd8\xff", "图片", "图片里的文字请先识别成文本。"),
    (b"GIF8", "图片", "图片里的文字请先识别成文本。"),
    (b"Rar!", "压缩包", _UNPACK),
    (b"7z\xbc\xaf", "压缩包", _UNPACK),
    (b"\x1f\x8b", "压缩包", _UNPACK),
    (b"ID3", "录音", "录音请先转写成文字。"),
    (b"\x7fELF", "程序", "请确认给对了文件。"),
    (b"MZ\x90", "程序", "请确认给对了文件。"),
    (b"MIME-Version:", "网页存档（MHT）", _SAVE_AS_XLSX),
    (b"From: <Saved by", "网页存档（MHT）", _SAVE_AS_XLSX),
)
_HTML = re.compile(rb"^[\xef\xbb\xbf\s]*(?:<\?xml[^>]*>\s*)?<(?:!doctype html|html|head|body|table|meta|style)\b", re.I)
_XML_SHEET = re.compile(rb"<\?mso-application progid=|urn:schemas-microsoft-com:office:spreadsheet")
_XML = re.compile(rb"^[\xef\xbb\xbf\s]*<\?xml\b")
_JSON = re.compile(rb'^[\xef\xbb\xbf\s]*\{\s*"[^"\r\n]*"\s*:')
_SRT = re.compile(rb"^[\xef\xbb\xbf\s]*(?:WEBVTT|1\s*\r?\n\d{1,2}:\d\d:\d\d[,.]\d{3} --> )")
_DOCUMENTS = (
    ("EncryptedPackage", "encrypted", "有密码保护：请用 Word 或 Excel 打开，去掉密码后另存。"),
    ("WordDocument", "legacy_doc", f"是旧版 Word 文档（.doc）：{_SAVE_AS_DOCX}"),
    ("PowerPoint Document", "unsupported", "是旧版演示文稿（.ppt）：请把文字另存为 .txt 或 .docx。"),
)


@dataclass(frozen=True, slots=True)
class Kind:
    """What a file is."""

    reader: str
    """One of the values of `KINDS`, or `web`: a table of a web page."""
    warning: str = ""
    """A sentence where the name says otherwise."""


def kind_of(path: Path) -> Kind:
    """Find out what a file is.

    Parameters
    ----------
    path : Path
        The file; only its beginning and, for containers, its directory are read.

    Raises
    ------
    UnreadableError
        If it is empty, has a password, or is of a kind that is not read.

    Examples
    --------
    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.xlsx")
    ...     _ = path.write_text("编号,意见")
    ...     kind_of(path)
    Kind(reader='csv', warning='文件名说是 Excel 工作簿，内容其实是文本表格（csv），按后者读取。')
    """
    with path.open("rb") as file:
        head = file.read(4096)
    said = KINDS[path.suffix.lower()]
    if not head:
        raise UnreadableError("empty", "是空文件（0 字节）：请确认文件已经下载或拷贝完整。")
    is_ = _by_bytes(path, head) or _by_name(said)
    if is_ == said:
        return Kind(is_)
    return Kind(is_, f"文件名说是 {_NAMES[said]}，内容其实是{_NAMES[is_]}，按后者读取。")


def _by_name(said: str) -> str:
    """Return the reader of a file that is no known container: a text, read as its name says or nearly so."""
    if said in _TEXTUAL:
        return said
    if said == "parquet":
        raise UnreadableError("damaged", "不是 Parquet 文件（开头不对）：文件可能没有拷贝完整，请重新导出。")
    if said == "pdf":
        raise UnreadableError("damaged", "不是 PDF 文件（开头不对）：文件可能没有拷贝完整，请重新导出。")
    return "csv" if said == "workbook" else "text"


def _by_bytes(path: Path, head: bytes) -> str:
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return _in_zip(path)
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return _in_compound(path)
    if head.startswith(b"PAR1"):
        return "parquet"
    if b"%PDF-" in head[:1024]:
        return "pdf"
    for magic, name, cure in _MAGIC:
        if head.startswith(magic):
            raise UnreadableError("wrong_type", f"内容其实是{name}：{cure}")
    if _HTML.match(head):
        if KINDS[path.suffix.lower()] in ("workbook", "csv"):
            return "web"
        raise UnreadableError("wrong_type", f"内容其实是网页（HTML），不是{_said(path)}：{_SAVE_AS_DOCX}")
    if _XML_SHEET.search(head):
        raise UnreadableError("wrong_type", f"内容其实是 XML 表格，不是{_said(path)}：{_SAVE_AS_XLSX}")
    if _XML.match(head):
        raise UnreadableError("wrong_type", "内容其实是 XML 文件：请在原来的软件里导出为 .csv、.xlsx 或 .docx。")
    if _JSON.match(head):
        return "jsonl"
    return "subtitles" if _SRT.match(head) else ""


def _said(path: Path) -> str:
    return _NAMES[KINDS[path.suffix.lower()]]


def _in_zip(path: Path) -> str:
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        raise UnreadableError(
            "damaged", "文件不完整或已损坏（打不开压缩结构）：请重新下载或拷贝，或用原来的软件打开后另存。"
        ) from None
    for folder, reader in (("word/", "word"), ("xl/", "workbook")):
        if any(name.startswith(folder) for name in names):
            return reader
    if any(name.startswith("ppt/") for name in names):
        raise UnreadableError("unsupported", "内容是演示文稿（PowerPoint）：请把文字另存为 .txt 或 .docx。")
    if "mimetype" in names:
        raise UnreadableError("unsupported", "内容是 OpenDocument：请另存为 .docx 或 .xlsx。")
    if "[Content_Types].xml" in names:
        raise UnreadableError("damaged", "Office 文件里缺少正文：请用原来的软件打开后另存。")
    raise UnreadableError("wrong_type", f"内容其实是压缩包：{_UNPACK}")


def _in_compound(path: Path) -> str:
    """Return the old Office container: its streams' names stand in it as UTF-16."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        for stream, reason, message in _DOCUMENTS:
            if data.find(stream.encode("utf-16-le")) >= 0:
                raise UnreadableError(reason, message)
        if any(data.find(f"{stream}\0".encode("utf-16-le")) >= 0 for stream in ("Workbook", "Book")):
            return "workbook"
    raise UnreadableError(
        "encrypted", "是旧版 Office 或有密码保护的文件，看不到内容：请用 Word 或 Excel 打开，去掉密码后另存。"
    )
