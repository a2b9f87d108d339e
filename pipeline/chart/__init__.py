"""Draws the tables: one function a picture, for notebooks and reports alike.

Altair describes the pictures and vl-convert renders them in the process, without a browser or a network. Chinese always
shows: the package ships a font (`_fonts/README.md`).
"""

from __future__ import annotations

from pipeline.chart.render import Picture, save_png, save_svg
from pipeline.chart.shares import comparison, cooccurrence, frequencies, reliability, trend
from pipeline.chart.words import cloud, keyness

__all__ = [
    "Picture",
    "cloud",
    "comparison",
    "cooccurrence",
    "frequencies",
    "keyness",
    "reliability",
    "save_png",
    "save_svg",
    "trend",
]
