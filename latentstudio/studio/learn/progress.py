"""How a long computation goes: a thin line of the share done, and the pictures that it looks at."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from latentstudio.studio.theme import app_theme
from latentstudio.studio.widgets.base import AsHighAsWide, paint_ground
from latentstudio.studio.widgets.thumbnails import paint_thumbnail

_LINE = 4
_WIDEST = 960


class ProgressLine(QWidget):
    """A line that fills from the left; ``fraction`` is 0 to 1."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = app_theme()
        self._fraction = 0.0
        self.setAccessibleName("Progress")
        self.setFixedHeight(_LINE)
        self._theme.changed.connect(self.update)

    @property
    def fraction(self) -> float:
        """The share that is shown."""
        return self._fraction

    def set_fraction(self, fraction: float) -> None:
        """Show another share; what lies outside of 0 to 1 is cut."""
        self._fraction = min(max(fraction, 0.0), 1.0)
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        """The track, and the share done in the accent."""
        painter = QPainter(self)
        whole = QRectF(self.rect())
        paint_ground(painter, whole, self._theme.tokens.colour("track"), _LINE / 2)
        done = QRectF(whole.left(), whole.top(), whole.width() * self._fraction, whole.height())
        if done.width() >= 1:
            paint_ground(painter, done, self._theme.tokens.colour("accent"), _LINE / 2)


class Mosaic(AsHighAsWide, QWidget):
    """One picture over the whole width, as high as its shape asks; nothing is seen before there is one."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = app_theme()
        self._image: QImage | None = None
        self.setAccessibleName("What is being tried")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.hide()

    @property
    def image(self) -> QImage | None:
        """The picture that is shown."""
        return self._image

    def set_picture(self, rgb: NDArray[np.uint8] | None) -> None:
        """Show uint8 (H, W, 3), or nothing; pixels that would not be seen are left out before anything is copied."""
        if rgb is None:
            self._image = None
            self.hide()
            return
        every = max(1, rgb.shape[1] // _WIDEST)
        kept = np.ascontiguousarray(rgb[::every, ::every])
        rows, columns = kept.shape[:2]
        wrapped = QImage(kept.data, columns, rows, 3 * columns, QImage.Format.Format_RGB888)
        self._image = wrapped.convertToFormat(QImage.Format.Format_RGB32)
        self.fit_height()
        self.show()
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(200, 40)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        painter.setPen(Qt.PenStyle.NoPen)
        paint_thumbnail(painter, QRectF(self.rect()), self._image, self._theme.tokens)

    def heightForWidth(self, width: int) -> int:
        return 1 if self._image is None else max(1, round(width * self._image.height() / self._image.width()))
