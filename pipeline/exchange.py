"""Labels and codebooks from and for other tools: Label Studio (JSON), doccano (JSON lines), REFI-QDA codebooks (.qdc).

Formats: https://labelstud.io/guide/export (JSON, choices), https://doccano.github.io/doccano/ (text classification),
REFI-QDA Standard 1.5, codebook (https://www.qdasoftware.org).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.codebook import Category, Codebook
from pipeline.errors import CodebookRefused, LabelsRefused
from pipeline.folder import whole_file
from pipeline.marks import NO_CATEGORY
from pipeline.records import Statement

if TYPE_CHECKING:
    import pandas as pd

STATEMENT, CATEGORIES = "statement", "categories"
"""Names of the two choices in a Label Studio project."""

_NAMESPACE = "urn:QDA-XML:codebook:1.0"
_OWN_IDS = uuid.UUID("5d1c5b0e-4f0e-4c51-9c1d-7a1d9f6c2b11")
_MOST_BYTES = 200_000_000


def is_export(path: Path) -> bool:
    """Tell whether a file is an export of Label Studio or doccano, not a sheet of ours."""
    if path.suffix.lower() == ".json":
        return True
    if path.suffix.lower() != ".jsonl":
        return False
    try:
        with path.open(encoding="utf-8-sig") as file:
            first = json.loads(next((line for line in file if line.strip()), "{}"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(first, dict) and isinstance(first.get("label", first.get("labels")), list)


def read_records(path: Path) -> list[dict[str, str]]:
    """Return the rows of a Label Studio export (.json) or a doccano export (.jsonl) as a sheet would have them.

    Parameters
    ----------
    path : Path
        The export.

    Returns
    -------
    list of dict
        `text`, and `statement`, `categories` (Label Studio: by the names of the choices; a single unnamed choice and
        doccano's labels become `label` too), `coder` where the tool says who labelled.

    Raises
    ------
    LabelsRefused
        If it is neither.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise LabelsRefused(f"{path.name} 超过 {_MOST_BYTES // 1_000_000} MB，请分批导出。")
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix.lower() == ".json":
            return list(_label_studio(json.loads(text)))
        return [_doccano(json.loads(line)) for line in text.splitlines() if line.strip()]
    except (OSError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise LabelsRefused(
            f"{path.name} 不是 Label Studio（JSON）或 doccano（JSONL）的导出（{type(error).__name__}）：请重新导出。"
        ) from error


def _label_studio(tasks: Any) -> Iterator[dict[str, str]]:
    for task in tasks:
        data = task["data"]
        text = str(data.get("text") or next(value for value in data.values() if isinstance(value, str)))
        for annotation in task.get("annotations") or [{}]:
            if annotation.get("was_cancelled"):
                continue
            yield {"text": text} | _choices(annotation.get("result") or []) | _coder(annotation)


def _coder(annotation: Mapping[str, Any]) -> dict[str, str]:
    coder = annotation.get("completed_by")
    coder = coder.get("email", coder.get("id")) if isinstance(coder, dict) else coder
    return {} if coder is None else {"coder": str(coder)}


def _choices(results: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    out: dict[str, str] = {}
    for result in results:
        chosen = [str(choice) for choice in result.get("value", {}).get("choices", [])]
        if not chosen:
            continue
        out[str(result.get("from_name", CATEGORIES))] = ";".join(chosen)
        out["label"] = chosen[0]
    return out


def _doccano(row: Mapping[str, Any]) -> dict[str, str]:
    labels = row.get("label", row.get("labels", []))
    labels = [labels] if isinstance(labels, str) else [str(label) for label in labels]
    kinds = [label for label in labels if _statement(label)]
    rest = [label for label in labels if label not in kinds]
    out = {"text": str(row.get("text", row.get("data"))), "label": labels[0] if labels else ""}
    return out | {STATEMENT: kinds[0] if kinds else "", CATEGORIES: ";".join(rest) or ("无" if kinds else "")}


def _statement(name: str) -> bool:
    try:
        return bool(Statement.of(name))
    except ValueError:
        return False


def write_tasks(path: Path, units: pd.DataFrame, codebook: Codebook, version: str) -> Path:
    """Write coded units for Label Studio (`.json`, with its interface beside it as `.xml`) or doccano (`.jsonl`)."""
    if path.suffix.lower() == ".jsonl":
        _write(path, "\n".join(doccano_lines(units, codebook)) + "\n")
        return path
    tasks = label_studio_tasks(units, codebook, version)
    _write(path, json.dumps(tasks, ensure_ascii=False, indent=1) + "\n")
    _write(path.with_suffix(".xml"), label_studio_config(codebook))
    return path


def _write(path: Path, text: str) -> None:
    with whole_file(path) as unfinished:
        unfinished.write_text(text, encoding="utf-8", newline="\n")


def label_studio_tasks(units: pd.DataFrame, codebook: Codebook, version: str) -> list[dict[str, Any]]:
    """Return coded units as tasks for Label Studio, with the coder's codings as predictions.

    Parameters
    ----------
    units : pandas.DataFrame
        `text`, `statement`, `categories`, `file`, `location`.
    codebook : Codebook
        Names the choices.
    version : str
        The model's name.
    """
    return [
        {
            "data": {"text": row.text, "file": row.file, "location": row.location},
            "predictions": [{"model_version": version, "result": _predicted(row, codebook)}],
        }
        for row in _rows(units)
    ]


def _rows(units: pd.DataFrame) -> Iterator[Any]:
    yield from units.itertuples()


def _predicted(row: Any, codebook: Codebook) -> list[dict[str, Any]]:
    said = {
        STATEMENT: [Statement(row.statement).zh],
        CATEGORIES: [codebook.name_of(category) for category in row.categories],
    }
    return [
        {"from_name": name, "to_name": "text", "type": "choices", "value": {"choices": chosen}}
        for name, chosen in said.items()
        if chosen
    ]


def label_studio_config(codebook: Codebook) -> str:
    """Return the labelling interface that goes with the tasks."""
    from lxml import etree

    view = etree.Element("View")
    etree.SubElement(view, "Text", name="text", value="$text")
    for name, choice, values in (
        (STATEMENT, "single", [statement.zh for statement in Statement]),
        (CATEGORIES, "multiple", list(codebook.names.values())),
    ):
        choices = etree.SubElement(view, "Choices", name=name, toName="text", choice=choice)
        for value in values:
            etree.SubElement(choices, "Choice", value=value)
    return str(etree.tostring(view, encoding="unicode", pretty_print=True))


def doccano_lines(units: pd.DataFrame, codebook: Codebook) -> Iterator[str]:
    """Yield coded units as doccano reads them, a JSON object a line."""
    for row in _rows(units):
        labels = [Statement(row.statement).zh, *(codebook.name_of(category) for category in row.categories)]
        yield json.dumps({"text": row.text, "label": labels}, ensure_ascii=False)


# REFI-QDA


def write_qdc(codebook: Codebook, path: Path) -> Path:
    """Write a codebook for MAXQDA, NVivo, ATLAS.ti and others; its ids stay the same from one writing to the next."""
    from lxml import etree

    root = etree.Element(f"{{{_NAMESPACE}}}CodeBook", nsmap={None: _NAMESPACE}, origin="qunyan")  # type: ignore[dict-item]
    codes = etree.SubElement(root, f"{{{_NAMESPACE}}}Codes")
    for category in codebook.categories:
        guid = str(uuid.uuid5(_OWN_IDS, category.id))
        code = etree.SubElement(codes, f"{{{_NAMESPACE}}}Code", guid=guid, name=_plain(category.name), isCodable="true")
        etree.SubElement(code, f"{{{_NAMESPACE}}}Description").text = _plain(_description(category))
    with whole_file(path, mode=0o666) as unfinished:
        unfinished.write_bytes(etree.tostring(root, xml_declaration=True, encoding="utf-8", pretty_print=True))
    return path


_PARTS = {"definition": "定义", "include": "包括", "exclude": "不包括", "examples": "例句", "id": "编号"}


def _description(category: Category) -> str:
    lines = [f"{head}：{getattr(category, part)}" for part, head in _PARTS.items() if getattr(category, part)]
    words = {"问题词": category.terms, "话题词": category.topics, "排除词": category.not_terms}
    return "\n".join([*lines, *(f"{head}：{'；'.join(found)}" for head, found in words.items() if found)])


def _plain(text: str) -> str:
    """Return text without the control characters that XML cannot hold."""
    return "".join(char if char >= " " or char == "\n" else " " for char in text)


def read_qdc(path: Path) -> Codebook:
    """Read a REFI-QDA codebook; codes within codes become categories of their own, named by their path.

    Raises
    ------
    CodebookRefused
        If it is none.
    """
    from lxml import etree

    try:
        parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
        root = etree.parse(str(path), parser).getroot()
    except (OSError, etree.XMLSyntaxError) as error:
        raise CodebookRefused(f"{path.name} 不是 REFI-QDA 编码手册（.qdc）：请从原软件重新导出。") from error
    found = list(_codes(root, ()))
    if etree.QName(root).localname != "CodeBook" or not found:
        raise CodebookRefused(f"{path.name} 里没有编码：请从原软件导出编码手册（REFI-QDA codebook）。")
    names = [category.id for category in found]
    if len(set(names)) < len(names):
        raise CodebookRefused(f"{path.name} 里有重名的编码：请在原软件里改成不同的名字再导出。")
    return Codebook(tuple(found))


def _codes(element: Any, above: Sequence[str]) -> Iterator[Category]:
    for child in element.iterchildren("{*}Code", "{*}Codes"):
        if child.tag.endswith("}Codes"):
            yield from _codes(child, above)
            continue
        name = " ".join(str(child.get("name", "")).split())
        if name and name not in NO_CATEGORY and child.get("isCodable", "true") == "true":
            yield _category("/".join([*above, name]), child.findtext("{*}Description") or "")
        yield from _codes(child, [*above, name])


def _category(name: str, description: str) -> Category:
    """Return a category; what `write_qdc` wrote into the description comes apart again."""
    parts: dict[str, str] = {}
    last = ""
    heads = {head: part for part, head in _PARTS.items()} | {
        "问题词": "terms",
        "话题词": "topics",
        "排除词": "not_terms",
    }
    for line in description.splitlines():
        head, mark, rest = line.partition("：")
        if mark and head in heads:
            last = heads[head]
            parts[last] = rest
        elif last:
            parts[last] += "\n" + line
        else:
            last = "definition"
            parts[last] = line
    words = {key: tuple(parts.pop(key).split("；")) for key in ("terms", "topics", "not_terms") if key in parts}
    return Category(id=parts.pop("id", name), name=name, **parts, **words)  # type: ignore[arg-type]
