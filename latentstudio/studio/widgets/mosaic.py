"""A sheet of small pictures, as wide as its panel, with square pixels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from latentstudio.studio.canvas.view import image_of
from latentstudio.studio.theme import app_theme
from latentstudio.studio.widgets.base import AsHighAsWide

_MOST = 3.0  # a few small pictures are not blown up further


class Mosaic(AsHighAsWide, QWidget):
    """Shows one sheet scaled to the widget's width; as high as the sheet then is."""

    def __init__(self, name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = app_theme()
        self._image = QImage()
        self._labels: tuple[str, ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(name)

    @property
    def is_empty(self) -> bool:
        """Whether there is no sheet yet."""
        return self._image.isNull()

    @property
    def sheet_size(self) -> tuple[int, int]:
        """Width and height of the sheet in its own pixels."""
        return self._image.width(), self._image.height()

    def set_sheet(self, sheet: NDArray[np.uint8] | None, labels: tuple[str, ...] = ()) -> None:
        """Show uint8 (H, W, 3), or nothing; ``labels`` stand evenly spaced under its columns."""
        before = self._image.size()
        self._image = QImage() if sheet is None else image_of(sheet)
        if self._image.size() != before or labels != self._labels:
            self._labels = labels
            self.fit_height()
        self.update()

    def heightForWidth(self, width: int) -> int:
        """The height of the sheet at this width, and the labels."""
        return self._area(width).height() + self._label_height() if not self._image.isNull() else 0

    def sizeHint(self) -> QSize:
        width = self._theme.px(380)
        return QSize(width, self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        return QSize(80, 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        """The sheet with square pixels where it is enlarged, and its labels."""
        if self._image.isNull():
            return
        painter = QPainter(self)
        area = self._area(self.width())
        ratio = self.devicePixelRatioF()
        smaller = area.width() * ratio < self._image.width()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform, smaller)
        painter.drawImage(area, self._image)
        painter.setFont(self._theme.font("small"))
        painter.setPen(self._theme.tokens.colour("dim"))
        count = max(1, len(self._labels))
        for index, label in enumerate(self._labels):
            left = area.left() + index * area.width() // count
            place = QRect(left, area.bottom() + 4, area.width() // count, self._label_height() - 4)
            painter.drawText(place, Qt.AlignmentFlag.AlignCenter, label)

    def _area(self, width: int) -> QRect:
        """As wide as there is room."""
        if self._image.isNull():
            return QRect()
        wide = min(width, round(_MOST * self._image.width()))
        return QRect(0, 0, wide, max(1, round(wide * self._image.height() / self._image.width())))

    def _label_height(self) -> int:
        return self._theme.px(20) if self._labels else 0
