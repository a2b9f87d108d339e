"""How pictures look, and how they become SVG and PNG."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from pipeline.tables import visible

if TYPE_CHECKING:
    import altair as alt
    import pandas as pd

Picture: TypeAlias = "alt.Chart | alt.LayerChart | alt.FacetChart"

FONT = "Qunyan Sans, Microsoft YaHei, PingFang SC, Noto Sans CJK SC, sans-serif"
INK, FAINT = "#24303C", "#6B7683"
COLOURS = {"问题": "#C44E36", "建议": "#2A6FB0", "肯定": "#2F8F6B"}
"""Of statements; told apart by the colour-blind too."""

_IDS = re.compile(r"\b(?:clip|gradient_)\d+\b")
_TAGS = re.compile(r"<[^<>]+>")
_EMPTY = re.compile(r'<path class="(?:fore|back)ground"[^<>]*?d="(?:M0,0h0v0h0Z)?"[^<>]*/>')
_NEEDLESS = re.compile(
    r' (?:aria-[a-z]+|role|class|pointer-events)="[^"]*"| opacity="1"| font-family="Qunyan Sans[^"]*"'
)


def finished(chart: Any, title: str, note: str) -> Picture:
    """Return a picture with its title, a note under it, and the house's looks."""
    import altair as alt

    _show_offline()
    text: dict[str, Any] = {
        "labelFont": FONT,
        "titleFont": FONT,
        "labelColor": INK,
        "titleColor": FAINT,
        "titleFontWeight": "normal",
    }
    picture: Picture = chart.properties(title=alt.TitleParams(title, subtitle=note)).configure(
        font=FONT,
        background="white",
        padding=8,
        view=alt.ViewConfig(stroke=None),
        title=alt.TitleConfig(
            anchor="start", offset=12, font=FONT, fontSize=15, fontWeight="normal", color=INK,
            subtitleFont=FONT, subtitleFontSize=11, subtitleColor=FAINT,
        ),
        axis=alt.AxisConfig(**text, labelFontSize=11, titleFontSize=11, gridColor="#E6E9EC", domain=False, ticks=False),
        legend=alt.LegendConfig(**text, labelFontSize=11, titleFontSize=11),
        header=alt.HeaderConfig(**text, labelFontSize=12),
        text=alt.MarkConfig(font=FONT),
    )  # fmt: skip
    return picture


def shown(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame whose texts SVG can hold, whatever respondents or sheets wrote."""
    texts = frame.select_dtypes(exclude="number").columns
    return frame.assign(**{name: frame[name].map(visible) for name in texts}).reset_index(drop=True)


def save_svg(chart: Picture, path: str | Path | None = None, name: str = "picture") -> str:
    """Return a picture as SVG, and write it where a path is given. Equal pictures give equal bytes.

    Parameters
    ----------
    chart : altair chart
        Of this module, or any other.
    path : str or Path, optional
        Where to write.
    name : str
        Begins the ids within the SVG; pictures that stand in one page need different ones.
    """
    svg = _svg(chart.to_dict(validate=False), name)
    if path is not None:
        Path(path).write_text(svg, encoding="utf-8", newline="\n")
    return svg


def save_png(chart: Picture | str, path: str | Path | None = None, scale: float = 2) -> bytes:
    """Return a picture (a chart, or the SVG of one) as PNG, and write it where a path is given.

    Parameters
    ----------
    chart : altair chart or str
        What to draw.
    path : str or Path, optional
        Where to write.
    scale : float, default 2
        Pixels of the PNG per pixel of the picture.
    """
    svg = chart if isinstance(chart, str) else save_svg(chart)
    png: bytes = _renderer().svg_to_png(svg, scale=scale)
    if path is not None:
        Path(path).write_bytes(png)
    return png


def _svg(spec: dict[str, Any], name: str) -> str:
    svg = _slim(_renderer().vegalite_to_svg(spec, allowed_base_urls=[]))
    ids: dict[str, str] = {}
    return _TAGS.sub(lambda tag: _IDS.sub(lambda found: ids.setdefault(found[0], f"{name}-{len(ids)}"), tag[0]), svg)


@cache
def _show_offline() -> None:
    """Let notebooks show pictures as PNG, unless a renderer was chosen: Altair's own way loads scripts from the net."""
    import altair as alt

    alt.renderers.register("qunyan", lambda spec, **_: {"image/png": save_png(_svg(spec, "picture"))})
    if alt.renderers.active == "default":
        alt.renderers.enable("qunyan")


@cache
def _renderer() -> Any:
    """Return vl-convert, which knows our font."""
    import vl_convert

    vl_convert.register_font_directory(str(Path(__file__).parents[1] / "_fonts"))
    return vl_convert


def _slim(svg: str) -> str:
    """Return SVG without what only Vega's own scripts need, the font named once: a third smaller."""
    svg = _TAGS.sub(lambda tag: _NEEDLESS.sub("", tag[0]), _EMPTY.sub("", svg))
    return svg.replace("<svg ", f'<svg font-family="{FONT}" ', 1)
