"""Small pictures with rounded corners: made once from arrays, painted often."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QBrush, QImage, QPainter, QTransform

from latentstudio.studio.theme import Tokens

_LARGEST = 128
_RADIUS = 6.0


def thumbnail_of(rgb: NDArray[np.uint8]) -> QImage:
    """uint8 (H, W, 3) as a QImage of its own memory, at most 128 pixels wide or high."""
    contiguous = np.ascontiguousarray(rgb)
    rows, columns = contiguous.shape[:2]
    wrapped = QImage(contiguous.data, columns, rows, 3 * columns, QImage.Format.Format_RGB888)
    image = wrapped.convertToFormat(QImage.Format.Format_RGB32)
    if max(rows, columns) > _LARGEST:
        mode = Qt.TransformationMode.SmoothTransformation
        image = image.scaled(_LARGEST, _LARGEST, Qt.AspectRatioMode.KeepAspectRatio, mode)
    return image


def paint_thumbnail(
    painter: QPainter, area: QRectF, image: QImage | None, tokens: Tokens, radius: float = _RADIUS
) -> None:
    """Paint the image over ``area``, cut to its shape, with round corners; a quiet ground where there is none."""
    painter.setPen(Qt.PenStyle.NoPen)
    if image is None:
        painter.setBrush(tokens.colour("track"))
        painter.drawRoundedRect(area, radius, radius)
        return
    scale = max(area.width() / image.width(), area.height() / image.height())
    left = area.center().x() - image.width() * scale / 2
    top = area.center().y() - image.height() * scale / 2
    brush = QBrush(image)
    brush.setTransform(QTransform.fromTranslate(left, top).scale(scale, scale))
    painter.setBrush(brush)
    painter.drawRoundedRect(area, radius, radius)
