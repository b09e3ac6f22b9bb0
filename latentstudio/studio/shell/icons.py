"""Our own SVG icons, tinted in the colours of the theme and sharp at any pixel ratio."""

from __future__ import annotations

from PySide6.QtCore import QByteArray, QRectF, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap, QPixmapCache
from PySide6.QtSvg import QSvgRenderer

from latentstudio.errors import UnknownNameError
from latentstudio.places import bundled

_RATIOS = (1.0, 2.0, 3.0)


def icon_names() -> tuple[str, ...]:
    """The names of all icons, sorted."""
    return tuple(sorted(path.stem for path in (bundled("resources") / "icons").glob("*.svg")))


def icon_pixmap(name: str, colour: str, size: int, ratio: float = 1.0) -> QPixmap:
    """One icon in one colour (``#rrggbb``), ``size`` logical pixels square, drawn for a device pixel ratio.

    Raises:
        UnknownNameError: there is no icon of this name.
    """
    key = f"latentstudio/{name}/{colour}/{size}/{ratio}"
    pixmap = QPixmap()
    if QPixmapCache.find(key, pixmap):
        return pixmap
    path = bundled("resources") / "icons" / f"{name}.svg"
    if not path.is_file():
        raise UnknownNameError(f"no icon '{name}'", expected=", ".join(icon_names()))
    drawing = path.read_text(encoding="utf-8").replace("currentColor", colour)
    renderer = QSvgRenderer(QByteArray(drawing.encode()))
    side = round(size * ratio)
    pixmap = QPixmap(side, side)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    renderer.render(painter, QRectF(0, 0, side, side))
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    QPixmapCache.insert(key, pixmap)
    return pixmap


def icon(name: str, colour: str, size: int = 16) -> QIcon:
    """A QIcon in one colour for menus and buttons; make it anew when the theme changes."""
    made = QIcon()
    for ratio in _RATIOS:
        made.addPixmap(icon_pixmap(name, colour, size, ratio))
    return made


def app_icon() -> QIcon:
    """The program's own icon in the sizes that desktops ask for."""
    made = QIcon()
    for size in (16, 32, 48, 64, 128, 256):
        made.addPixmap(icon_pixmap("app", "#000000", size))
    return made
