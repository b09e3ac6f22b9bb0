"""A grid of other samples to pick from, with the seed below it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QHelpEvent, QImage, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QToolTip, QVBoxLayout, QWidget

from latentstudio.studio.theme import app_theme
from latentstudio.studio.widgets.base import AsHighAsWide, Link, RingFocus, Text, paint_focus_ring
from latentstudio.studio.widgets.thumbnails import paint_thumbnail, thumbnail_of
from latentstudio.studio.widgets.value_edit import ValueEdit

COLUMNS = 4
_GAP = 6
_NEW = ("new sample  Space", "new sample", "new")
_LARGEST_SEED = 2**63 - 1


class SampleTiles(AsHighAsWide, RingFocus, QWidget):
    """The pictures, four in a row, as one painted widget."""

    picked = Signal(int)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = app_theme()
        self._images: tuple[QImage, ...] = ()
        self._labels: tuple[str, ...] = ()
        self._cursor = 0
        self._hover = -1
        self.setMouseTracking(True)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setAccessibleName("Samples")

    def set_samples(self, pictures: NDArray[np.uint8], labels: tuple[str, ...]) -> None:
        """Show uint8 (N, H, W, 3)."""
        self._images = tuple(thumbnail_of(picture) for picture in pictures)
        self._labels = labels
        self._cursor = min(self._cursor, max(0, len(self._images) - 1))
        self.fit_height()
        self.update()

    @property
    def count(self) -> int:
        """How many pictures are shown."""
        return len(self._images)

    def heightForWidth(self, width: int) -> int:
        """The height of square tiles at this width."""
        rows = -(-max(1, len(self._images)) // COLUMNS)
        return round(rows * (self._side(width) + _GAP) - _GAP)

    def sizeHint(self) -> QSize:
        return QSize(196, self.heightForWidth(self.width()))

    def minimumSizeHint(self) -> QSize:
        return QSize(120, self.heightForWidth(120))

    def _side(self, width: int) -> float:
        return min(72.0, (width - _GAP * (COLUMNS - 1)) / COLUMNS)

    def area_of(self, index: int) -> QRectF:
        """Where a picture lies."""
        row, column = divmod(index, COLUMNS)
        side = self._side(self.width())
        return QRectF(column * (side + _GAP), row * (side + _GAP), side, side)

    def index_at(self, point: QPointF) -> int:
        """Which picture lies there, or -1."""
        return next((i for i in range(len(self._images)) if self.area_of(i).contains(point)), -1)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        tokens = self._theme.tokens
        for index, image in enumerate(self._images):
            area = self.area_of(index)
            paint_thumbnail(painter, area, image, tokens)
            if index == self._hover:
                painter.setPen(QPen(tokens.colour("text"), 1.5))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(area.adjusted(0.75, 0.75, -0.75, -0.75), 6, 6)
            if self.ring_shown and index == self._cursor:
                paint_focus_ring(painter, area, 6, self._theme)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        index = self.index_at(event.position())
        if event.button() == Qt.MouseButton.LeftButton and index >= 0:
            self._cursor = index
            self.update()
            self.picked.emit(index)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        """Light up what is under the mouse."""
        index = self.index_at(event.position())
        if index != self._hover:
            self._hover = index
            cursor = Qt.CursorShape.PointingHandCursor if index >= 0 else Qt.CursorShape.ArrowCursor
            self.setCursor(cursor)
            self.update()

    def leaveEvent(self, event: QEvent) -> None:
        self._hover = -1
        self.update()
        super().leaveEvent(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        step = {
            Qt.Key.Key_Left: -1,
            Qt.Key.Key_Right: 1,
            Qt.Key.Key_Up: -COLUMNS,
            Qt.Key.Key_Down: COLUMNS,
        }.get(Qt.Key(event.key()))
        if step is not None and self._images:
            self._by_keyboard = True
            self._cursor = min(len(self._images) - 1, max(0, self._cursor + step))
            self.update()
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and self._images:
            self.picked.emit(self._cursor)
        else:
            super().keyPressEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip and isinstance(event, QHelpEvent):
            index = self.index_at(QPointF(event.pos()))
            QToolTip.showText(event.globalPos(), self._labels[index] if 0 <= index < len(self._labels) else "")
            return True
        return super().event(event)


class SampleGrid(QWidget):
    """The tiles with the seed field and the "new sample" link under them.

    Signals:
        picked(int): the index of the sample that was clicked.
        seed_entered(int): a seed was typed.
        new_sample_requested(): the link.
    """

    picked = Signal(int)
    seed_entered = Signal(int)
    new_sample_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.tiles = SampleTiles()
        self.tiles.picked.connect(self.picked)
        self._caption = Text("seed", role="small", colour="dim")
        self.seed_edit = ValueEdit(role="small", colour="dim", widest="000000")
        self.seed_edit.setAccessibleName("seed")
        self.seed_edit.setAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self.seed_edit.entered.connect(self.enter)
        self._new = Link(_NEW[0], role="small", colour="dim")
        self._new.setAccessibleName("new sample")
        self._new.setToolTip("New sample (Space)")
        self._new.clicked.connect(self.new_sample_requested)
        self._hint = Text("", role="small", colour="bad")
        self._hint.setWordWrap(True)
        self._hint.hide()
        footer = QHBoxLayout()
        footer.setSpacing(0)
        footer.addWidget(self._caption)
        footer.addSpacing(2)
        footer.addWidget(self.seed_edit)
        footer.addStretch(1)
        footer.addWidget(self._new)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.tiles)
        column.addLayout(footer)
        column.addWidget(self._hint)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """The longest words of the link for which there is room beside the seed."""
        super().resizeEvent(event)
        room = self.width() - self._caption.sizeHint().width() - self.seed_edit.sizeHint().width() - 4
        for words in _NEW:
            self._new.setText(words)
            if self._new.sizeHint().width() <= room:
                break

    def set_samples(self, pictures: NDArray[np.uint8], labels: tuple[str, ...] = ()) -> None:
        """Show uint8 (N, H, W, 3), four in a row; the labels are their tool tips."""
        self.tiles.set_samples(pictures, labels)

    def set_seed(self, seed: int | None) -> None:
        """The seed of the open sample; None where it came from no seed."""
        self.seed_edit.set_shown("–" if seed is None else str(seed))

    @property
    def hint_text(self) -> str:
        """What was wrong with the seed that was typed; empty when nothing was."""
        return "" if self._hint.isHidden() else self._hint.text()

    def enter(self, text: str) -> None:
        """Take a seed that was typed."""
        cleaned = text.strip()
        if cleaned == self.seed_edit.shown:
            self._hint.hide()
            self.seed_edit.finish()
            return
        if not cleaned.isdecimal() or int(cleaned) > _LARGEST_SEED:
            self._hint.setText(f"'{cleaned}' is not a seed; type a whole number from 0 on")
            self._hint.show()
            return
        self._hint.hide()
        self.seed_edit.set_shown(cleaned)
        self.seed_edit.finish()
        self.seed_entered.emit(int(cleaned))
