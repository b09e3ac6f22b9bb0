"""The library: every model as a row with its thumbnail, name and one line of facts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEvent, QPoint, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QContextMenuEvent,
    QEnterEvent,
    QFontMetrics,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSizePolicy, QVBoxLayout, QWidget

from latentstudio.studio.shell.icons import icon_pixmap
from latentstudio.studio.theme import Tokens, app_theme
from latentstudio.studio.widgets.base import CARD_RADIUS, IconButton, Link, RingFocus, paint_focus_ring, paint_ground
from latentstudio.studio.widgets.thumbnails import paint_thumbnail, thumbnail_of
from latentstudio.tasks.library import LibraryRow

_THUMBNAIL = 48
ADD = "+  Add a model"
RENAME = "Rename\N{HORIZONTAL ELLIPSIS}"


class LibraryRowView(RingFocus, QWidget):
    """One row. Clicking a ready row chooses it, clicking an available one asks for its fetching."""

    chosen = Signal(str)
    fetch_requested = Signal(str)
    menu_requested = Signal(str, QPoint)
    move_requested = Signal(str, int)

    def __init__(self, row: LibraryRow, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = app_theme()
        self._image: QImage | None = None
        self._current = False
        self.row = row
        self._fetch = IconButton("download", "Fetch this model")
        self._fetch.clicked.connect(self._on_fetch)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 8, 6, 0)
        layout.addStretch(1)
        layout.addWidget(self._fetch, 0, Qt.AlignmentFlag.AlignTop)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._picture: NDArray[np.uint8] | None = None
        self.set_row(row)

    def set_row(self, row: LibraryRow) -> None:
        """Show this row."""
        self.row = row
        if row.picture is not self._picture:
            self._picture = row.picture
            self._image = None if row.picture is None else thumbnail_of(row.picture)
        self._fetch.setVisible(row.state == "available")
        self.setToolTip(f"{row.name}: {row.detail}" if row.detail else row.name)
        self.setAccessibleName(f"model {row.name}, {row.facts}, {row.state}")
        self.setAccessibleDescription(row.detail)
        self.update()

    def set_current(self, current: bool) -> None:
        """The model that is open."""
        if current != self._current:
            self._current = current
            self.update()

    def sizeHint(self) -> QSize:
        """A thumbnail with six pixels above and below, higher with large text."""
        name, facts = QFontMetrics(self._theme.font("name")), QFontMetrics(self._theme.font("small"))
        return QSize(200, max(_THUMBNAIL, name.height() + facts.height() + 8) + 12)

    def minimumSizeHint(self) -> QSize:
        return QSize(_THUMBNAIL + 8, self.sizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
        tokens = self._theme.tokens
        area = QRectF(self.rect())
        if self._current or self.underMouse():
            paint_ground(painter, area, tokens.colour("raised", 1.0 if self._current else 0.5), CARD_RADIUS)
        thumbnail = QRectF(8, (self.height() - _THUMBNAIL) / 2, _THUMBNAIL, _THUMBNAIL)
        painter.setOpacity(1.0 if self.row.state in ("ready", "fetching") else 0.6)
        paint_thumbnail(painter, thumbnail, self._image, tokens)
        if self._image is None:
            self._paint_mark(painter, thumbnail, tokens)
        painter.setOpacity(1.0)
        self._paint_words(painter, tokens)
        if self.row.state == "fetching":
            self._paint_progress(painter, tokens)
        if self.ring_shown:
            paint_focus_ring(painter, area, CARD_RADIUS, self._theme)

    def _paint_mark(self, painter: QPainter, area: QRectF, tokens: Tokens) -> None:
        name = "warning" if self.row.state == "broken" else "grid"
        pixmap = icon_pixmap(name, tokens.bad if name == "warning" else tokens.dim, 20, self.devicePixelRatioF())
        painter.drawPixmap(round(area.center().x() - 10), round(area.center().y() - 10), pixmap)

    def _paint_words(self, painter: QPainter, tokens: Tokens) -> None:
        left = 8 + _THUMBNAIL + 12
        if self.width() < left + 24:
            return
        button = (self._fetch.sizeHint().width() if self.row.state == "available" else 0)
        name_font, facts_font = self._theme.font("name"), self._theme.font("small")
        name, facts = QFontMetrics(name_font), QFontMetrics(facts_font)
        top = (self.height() - name.height() - facts.height() - 3) / 2
        elide = Qt.TextElideMode.ElideRight
        painter.setFont(name_font)
        painter.setPen(tokens.colour("text" if self.row.state in ("ready", "fetching") else "dim"))
        room = self.width() - left - 12
        painter.drawText(left, round(top + name.ascent()), name.elidedText(self.row.name, elide, room - button))
        painter.setFont(facts_font)
        painter.setPen(tokens.colour("bad" if self.row.state == "broken" else "dim"))
        baseline = round(top + name.height() + 3 + facts.ascent())
        painter.drawText(left, baseline, facts.elidedText(self.row.facts, elide, room))

    def _paint_progress(self, painter: QPainter, tokens: Tokens) -> None:
        left, width = 8 + _THUMBNAIL + 12, self.width() - _THUMBNAIL - 36
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(tokens.colour("track"))
        painter.drawRoundedRect(QRectF(left, self.height() - 4, width, 2), 1, 1)
        painter.setBrush(tokens.colour("accent"))
        share = min(1.0, self.row.fraction) if self.row.fraction >= 0 else 0.15
        painter.drawRoundedRect(QRectF(left, self.height() - 4, width * share, 2), 1, 1)

    def _activate(self) -> None:
        if self.row.state == "available":
            self.fetch_requested.emit(self.row.name)
        else:
            self.chosen.emit(self.row.name)

    def _on_fetch(self) -> None:
        self.fetch_requested.emit(self.row.name)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self._activate()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Enter and Space choose, Up and Down walk, Delete and the menu key open the menu."""
        key = event.key()
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._activate()
        elif key in (Qt.Key.Key_Up, Qt.Key.Key_Down):
            self.move_requested.emit(self.row.name, 1 if key == Qt.Key.Key_Down else -1)
        else:
            super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        self.menu_requested.emit(self.row.name, event.globalPos())

    def enterEvent(self, event: QEnterEvent) -> None:
        self.update()
        super().enterEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self.update()
        super().leaveEvent(event)


class LibraryList(QWidget):
    """All models and the link that adds one.

    Signals:
        chosen(str): a ready (or broken) model was clicked.
        fetch_requested(str): an available one was clicked.
        remove_requested(str), rename_requested(str), info_requested(str), folder_requested(str): from the context menu.
        add_requested(): "+ Add a model".
        train_requested(): "Train one".
    """

    chosen = Signal(str)
    fetch_requested = Signal(str)
    remove_requested = Signal(str)
    rename_requested = Signal(str)
    info_requested = Signal(str)
    folder_requested = Signal(str)
    add_requested = Signal()
    train_requested = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._views: dict[str, LibraryRowView] = {}
        self._current = ""
        self._folded = False
        self._menu: QMenu | None = None
        self._list = QVBoxLayout()
        self._list.setSpacing(6)
        self._add = Link(ADD, role="body")
        self._add.setAccessibleName("Add a model")
        self._add.clicked.connect(self.add_requested)
        self._train = Link("Train one", role="body")
        self._train.setAccessibleName("Train a model of your own")
        self._train.clicked.connect(self.train_requested)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addLayout(self._list)
        self.more = Link("", role="small", colour="dim")
        self.more.clicked.connect(self._on_more)
        self.more.hide()
        self._unfolded = False
        beside = QHBoxLayout()
        beside.setContentsMargins(4, 0, 0, 0)
        beside.addWidget(self.more)
        beside.addStretch(1)
        column.addLayout(beside)
        row = QHBoxLayout()
        row.setContentsMargins(4, 4, 0, 0)
        row.addWidget(self._add)
        row.addStretch(1)
        row.addWidget(self._train)
        column.addLayout(row)
        self.setAccessibleName("Library")

    @property
    def names(self) -> tuple[str, ...]:
        """The rows' names in order."""
        return tuple(self._views)

    @property
    def current(self) -> str:
        """The name of the open model, empty without one."""
        return self._current

    def row_view(self, name: str) -> LibraryRowView:
        """The row of this name."""
        return self._views[name]

    def set_rows(self, rows: tuple[LibraryRow, ...]) -> None:
        """Show these rows; those already there are kept and brought up to date."""
        wanted = {row.name for row in rows}
        for name in [name for name in self._views if name not in wanted]:
            view = self._views.pop(name)
            self._list.removeWidget(view)
            view.hide()
            view.deleteLater()
        views: dict[str, LibraryRowView] = {}
        for index, row in enumerate(rows):
            view = self._views.get(row.name) or self._made(row)
            view.set_row(row)
            view.set_current(row.name == self._current)
            if self._list.indexOf(view) != index:
                self._list.removeWidget(view)
                self._list.insertWidget(index, view)
            views[row.name] = view
        self._views = views
        self._fold()

    def set_folded(self, folded: bool) -> None:
        """Only the thumbnails and how to add a model."""
        self._train.setVisible(not folded)
        self._add.setText("+" if folded else ADD)
        self._folded = folded
        self._fold()
        for view in self._views.values():
            view.updateGeometry()

    def set_current(self, name: str) -> None:
        """Mark the open model."""
        self._current = name
        for view in self._views.values():
            view.set_current(view.row.name == name)
        self._fold()

    def _on_more(self) -> None:
        self._unfolded = not self._unfolded
        self._fold()

    def _fold(self) -> None:
        """Folded rows are shown when they are asked for; the open model always."""
        folded = [view for view in self._views.values() if view.row.folded]
        for view in self._views.values():
            view.setVisible(not view.row.folded or self._unfolded or view.row.name == self._current)
        self.more.setVisible(bool(folded))
        hidden = sum(view.row.name != self._current for view in folded)
        words = ("\N{BLACK UP-POINTING SMALL TRIANGLE}", f"{hidden} \N{BLACK DOWN-POINTING SMALL TRIANGLE}")
        self.more.setText((words if self._folded else ("Fewer", f"{hidden} more"))[not self._unfolded])
        self.more.setAccessibleName("Fewer models" if self._unfolded else f"{hidden} more models")

    def _made(self, row: LibraryRow) -> LibraryRowView:
        view = LibraryRowView(row)
        view.chosen.connect(self.chosen)
        view.fetch_requested.connect(self.fetch_requested)
        view.menu_requested.connect(self._on_menu)
        view.move_requested.connect(self._on_move)
        return view

    def _on_move(self, name: str, step: int) -> None:
        names = [one for one, view in self._views.items() if not view.isHidden()]
        index = names.index(name) + step
        if 0 <= index < len(names):
            self._views[names[index]].setFocus(Qt.FocusReason.TabFocusReason)

    def menu_of(self, name: str) -> QMenu:
        """The context menu of a row."""
        row = self._views[name].row
        menu = QMenu(self)
        if row.state == "available":
            self._add_entry(menu, "Fetch", name)
        elif row.state == "ready":
            self._add_entry(menu, "Open", name)
            self._add_entry(menu, "Show its folder", name)
        self._add_entry(menu, "Facts and licence", name)
        if row.removable:
            menu.addSeparator()
            if row.state == "ready":
                self._add_entry(menu, RENAME, name)
            self._add_entry(menu, "Remove from this computer", name)
        return menu

    def _add_entry(self, menu: QMenu, title: str, name: str) -> None:
        action = QAction(title, menu)
        action.setData(name)
        action.triggered.connect(self._on_entry)
        menu.addAction(action)

    def _on_entry(self) -> None:
        action = self.sender()
        if not isinstance(action, QAction):
            return
        signals = {
            "Fetch": self.fetch_requested,
            "Open": self.chosen,
            "Facts and licence": self.info_requested,
            "Show its folder": self.folder_requested,
            RENAME: self.rename_requested,
            "Remove from this computer": self.remove_requested,
        }
        signals[action.text()].emit(str(action.data()))

    def _on_menu(self, name: str, point: QPoint) -> None:
        if self._menu is not None:
            self._menu.deleteLater()
        self._menu = self.menu_of(name)
        self._menu.popup(point)
