"""The one writer of SVG drawings: shapes and words in, one text out."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape, quoteattr

import numpy as np
from numpy.typing import NDArray

Point = tuple[float, float]
Points = Sequence[Point] | NDArray[np.floating]  # pairs, or an array (N, 2)
FONT = "Inter, Helvetica, Arial, sans-serif"


class Drawing:
    """Collects shapes in pixels, x to the right and y downwards; ``svg`` hands out the file.

    Args:
        width, height: of the whole drawing.
        ground: its background colour.
        title: what it shows, for those who do not see it.
    """

    def __init__(self, width: float, height: float, *, ground: str = "#ffffff", title: str = "") -> None:
        self._size = (width, height)
        self._shapes: list[str] = [f"<title>{escape(title)}</title>"] if title else []
        self.rectangle((0.0, 0.0), (width, height), fill=ground)

    def rectangle(self, corner: Point, size: Point, *, fill: str, opacity: float = 1.0) -> None:
        """A filled rectangle from its upper left corner."""
        (x, y), (width, height) = corner, size
        self._add("rect", x=x, y=y, width=width, height=height, fill=fill, fill_opacity=opacity)

    def line(self, points: Points, *, colour: str, width: float = 1.5, opacity: float = 1.0) -> None:
        """A line through points."""
        self._add("polyline", points=_path(points), fill="none", stroke=colour, stroke_width=width,
                  stroke_opacity=opacity, stroke_linejoin="round", stroke_linecap="round")

    def dots(self, centres: Points, radius: float, *, fill: str, opacity: float = 1.0) -> None:
        """Very many round dots of one colour as one path, so that thousands stay small and quick."""
        way = "".join(f"M{x:.1f} {y:.1f}h0" for x, y in centres)
        self._add("path", d=way, fill="none", stroke=fill, stroke_width=2 * radius, stroke_opacity=opacity,
                  stroke_linecap="round")

    def area(self, points: Points, *, fill: str, opacity: float = 1.0) -> None:
        """A filled polygon."""
        self._add("polygon", points=_path(points), fill=fill, fill_opacity=opacity)

    def dot(self, centre: Point, radius: float, *, fill: str) -> None:
        """A filled circle."""
        self._add("circle", cx=centre[0], cy=centre[1], r=radius, fill=fill)

    def words(
        self, text: str, place: Point, *, colour: str, size: float = 11.0, anchor: str = "start", bold: bool = False,
        upright: bool = False,
    ) -> None:
        """Words at their base line; ``anchor`` is ``start``, ``middle`` or ``end``; ``upright`` reads from below."""
        turn = {"transform": f"rotate(-90 {place[0]:g} {place[1]:g})"} if upright else {}
        attributes = _attributes(x=place[0], y=place[1], fill=colour, font_size=size, text_anchor=anchor,
                                 font_weight=600 if bold else 400, **turn)
        self._shapes.append(f"<text {attributes}>{escape(text)}</text>")

    @property
    def svg(self) -> str:
        """The file."""
        width, height = self._size
        frame = _attributes(width=width, height=height, viewBox=f"0 0 {width:g} {height:g}", font_family=FONT)
        return "\n".join((f'<svg xmlns="http://www.w3.org/2000/svg" {frame}>', *self._shapes, "</svg>", ""))

    def _add(self, kind: str, **attributes: object) -> None:
        self._shapes.append(f"<{kind} {_attributes(**attributes)}/>")


def _path(points: Points) -> str:
    return " ".join(f"{x:.2f},{y:.2f}" for x, y in points)


def _attributes(**values: object) -> str:
    pairs = ((name.replace("_", "-"), f"{value:.2f}" if isinstance(value, float) else str(value))
             for name, value in values.items())
    return " ".join(f"{name}={quoteattr(value)}" for name, value in pairs)
