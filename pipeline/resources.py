"""Finds the files that ship with the package: lexicons and models."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def shipped(name: str) -> Path:
    """Return the path of a shipped file or folder, in a wheel, an editable install or a bare checkout.

    Parameters
    ----------
    name : str
        Path below the project's root, such as `lexicons/stopwords.txt` or `models/builtin`.

    Raises
    ------
    FileNotFoundError
        If the installation is damaged: the file is in neither place.

    Examples
    --------
    >>> shipped("lexicons").is_dir()
    True
    """
    for root in (_PACKAGE / "_shipped", _PACKAGE.parent):
        path = root / name
        if path.exists():
            return path
    raise FileNotFoundError(f"安装不完整：找不到随软件附带的 {name}，请重新安装 qunyan。")
