"""A model's folder: the model and the codebook it was trained with."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pipeline.codebook import Category, Codebook
from pipeline.errors import ModelRefused
from pipeline.model import LinearModel

BOOK = "codebook.json"


def write(model: LinearModel, codebook: Codebook, folder: Path) -> None:
    """Write a model with its codebook."""
    model.save(folder)
    write_json(folder / BOOK, [asdict(category) for category in codebook.categories])


def write_json(path: Path, value: Any) -> None:
    """Write JSON that a person can read, the same bytes everywhere."""
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n")


def read(folder: Path) -> tuple[LinearModel, Codebook | None]:
    """Read a model and its codebook; None where the model has none of its own (the built-in one).

    Raises
    ------
    ModelRefused
        If the folder is no model, is damaged or has another format.
    """
    model, book = LinearModel.load(folder), read_book(folder)
    if book and (book.fingerprint != model.about.get("codebook") or book.ids != model.categories.labels):
        raise ModelRefused(f"模型 {folder} 的 {BOOK} 不是训练它的那份编码手册。请重新训练或重新拷贝整个文件夹。")
    return model, book


def read_book(folder: Path) -> Codebook | None:
    """Return the codebook in a model's folder, None where there is none."""
    path = folder / BOOK
    if not path.is_file():
        return None
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return Codebook(tuple(Category(**{key: _tupled(value) for key, value in row.items()}) for row in rows))
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ModelRefused(f"模型 {folder} 的 {BOOK} 已损坏（{error}）。请重新训练或重新拷贝整个文件夹。") from error


def _tupled(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
