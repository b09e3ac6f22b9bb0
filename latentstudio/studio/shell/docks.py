"""The panels around the picture: docked, tabbed, floating or closed, and the workspaces that arrange them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise

from PySide6.QtCore import QByteArray, QEvent, QObject, QPoint, Qt, QTimer
from PySide6.QtGui import QAction, QKeyEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QApplication, QDockWidget, QMainWindow, QMenu, QTabBar, QTabWidget, QWidget

from latentstudio.studio.features import LEFT, RIGHT
from latentstudio.studio.library.panel import LibraryPanel
from latentstudio.studio.theme import app_theme
from latentstudio.studio.widgets.base import Heading, IconButton
from latentstudio.studio.widgets.pieces import Panel, line_of

WORKSPACES = ("Play", "Photo", "Scene", "Reconstruct", "Research")
PAIRS = {
    "Play": ("factors", "map"), "Photo": ("photo", "factors"), "Reconstruct": ("reconstruct", "factors"),
    "Scene": ("scene", "factors"), "Research": ("factors", "raw"),
}
# the panels that stand as tabs beside the pair; the others come from the View menu, a tab's menu or the search
BESIDE = {
    "Play": ("photo", "learn"), "Photo": ("learn",), "Reconstruct": ("train",), "Scene": (),
    "Research": ("learn", "map"),
}
LEFT_WIDTH, FOLDED_WIDTH = 232, 76
LEAST_WIDTH = 216
RIGHT_WIDTH, RIGHT_LEAST, RIGHT_SHARE = 400, 320, 0.3
SMALL = (1100, 680)  # a window narrower folds the library; one narrower or lower has one panel at the right, no pair
# of the pair: the upper one's share, its least height, and what the lower one keeps
SPREAD = {
    "Play": (PAIRS["Play"], 0.56, 405, 190), "Photo": (PAIRS["Photo"], 0.58, 380, 240),
    "Reconstruct": (PAIRS["Reconstruct"], 0.68, 380, 240), "Scene": (PAIRS["Scene"], 0.72, 430, 160),
}
FLOATING_SIZE = (460, 560)


class FloatingTitle(QWidget):
    """What stands at the top of a panel that floats: its name, and buttons that dock and close it. It can be dragged.
    """

    def __init__(self, title: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.dock_button = IconButton("dock", "Dock this panel (Ctrl+U)")
        self.close_button = IconButton("close", "Close this panel")
        row = line_of(Heading(title, self), self.dock_button, self.close_button)
        row.setContentsMargins(16, 6, 8, 2)
        row.setSpacing(4)
        self.setLayout(row)


class PanelDock(QDockWidget):
    """A panel's dock: without a title bar of its own while docked (its tab says the name), with one when it floats.

    Keys that the panel does not use go to the main window, docked or not.
    """

    def __init__(self, name: str, title: str, panel: QWidget, window: QMainWindow) -> None:
        super().__init__(title, window)
        self.setObjectName(f"dock-{name}")
        self.setWidget(panel)
        panel.setMinimumWidth(LEAST_WIDTH)
        self._main = window
        self._bare = QWidget(self)
        self._title = FloatingTitle(title, self)
        self._title.hide()
        self._title.dock_button.clicked.connect(self._on_dock)
        self._title.close_button.clicked.connect(self.close)
        self.setTitleBarWidget(self._bare)
        self.topLevelChanged.connect(self._on_floating)
        if isinstance(panel, Panel):
            self.visibilityChanged.connect(panel.look_later)

    def _on_floating(self, floating: bool) -> None:
        self.setTitleBarWidget(self._title if floating else self._bare)
        self._title.setVisible(floating)
        if floating:
            self.resize(max(self.width(), FLOATING_SIZE[0]), max(self.height(), FLOATING_SIZE[1]))

    def _on_dock(self) -> None:
        self.setFloating(False)
        self.raise_()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """A floating panel is a window of its own; the main window's keys work there too."""
        QApplication.sendEvent(self._main, event) if self.isFloating() else super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        QApplication.sendEvent(self._main, event) if self.isFloating() else super().keyReleaseEvent(event)

    def paintEvent(self, event: QPaintEvent) -> None:
        """While it floats, a thin line sets it off from the window behind."""
        super().paintEvent(event)
        if self.isFloating():
            painter, tokens = QPainter(self), app_theme().tokens
            painter.setPen(tokens.colour("line"))
            painter.setBrush(tokens.colour("panel"))
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))


class Docks(QObject):
    """Makes the docks of a window and moves them.

    ``arrange`` must be called once before the window is shown.

    Args:
        panels: name to (title, panel); the names of ``LEFT`` and ``RIGHT``.
    """

    def __init__(self, window: QMainWindow, panels: dict[str, tuple[str, QWidget]]) -> None:
        super().__init__(window)
        self._window = window
        window.setDockNestingEnabled(True)
        window.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        self.docks = {name: PanelDock(name, title, panel, window) for name, (title, panel) in panels.items()}
        self.workspace = ""
        self._left_as: dict[tuple[str, bool], QByteArray] = {}
        self._is_small = self._is_folded = False

    def arrange(self, workspace: str) -> None:
        """Put the panels where a workspace wants them.

        Play shows the sliders and under them the map; Photo, Scene and Reconstruct their panel and under it the
        sliders; Research raw coordinates under the sliders. In a small window the two are tabs. A workspace that was
        left before comes back as it was left; the one that stands already is put in order.
        """
        if self.workspace and workspace != self.workspace:
            self._left_as[self.workspace, self._is_small] = self._window.saveState()
            known = self._left_as.get((workspace, self._is_small))
            if known is not None and self._window.restoreState(known):
                self.workspace = workspace
                self.dress_tabs()
                return
        self.workspace = workspace
        self._measure()
        areas = Qt.DockWidgetArea
        for names, area in ((LEFT, areas.LeftDockWidgetArea), (RIGHT, areas.RightDockWidgetArea)):
            for index, name in enumerate(names):
                self._bring_to(area, self.docks[name], may_stay=index == 0)
        first, under = PAIRS[workspace]
        lower = self.docks[under]
        others = [self.docks[name] for name in RIGHT if name not in (first, under)]
        if self._is_small:
            tabs = [self.docks[first], lower, *others]
        else:
            self._window.splitDockWidget(self.docks[first], lower, Qt.Orientation.Vertical)
            tabs = [lower if workspace == "Research" else self.docks[first], *others]
        for before, dock in pairwise(tabs):
            self._window.tabifyDockWidget(before, dock)
        for name, dock in self.docks.items():
            dock.setVisible(name in (*LEFT, first, under, *BESIDE[workspace]))
        tabs[0].raise_()
        self.docks[first].raise_()
        self.spread()
        QTimer.singleShot(0, self, self.spread)
        self.dress_tabs()

    def _bring_to(self, area: Qt.DockWidgetArea, dock: PanelDock, *, may_stay: bool) -> None:
        """Dock a panel in an area; the first of its side stays where it is there, since moving costs a new layout."""
        if dock.isFloating():
            dock.setFloating(False)
        if may_stay and not dock.isHidden() and self._window.dockWidgetArea(dock) == area:
            return
        self._window.removeDockWidget(dock)
        self._window.addDockWidget(area, dock)

    def spread(self) -> None:
        """Give the side panels the widths of the drawing (unless they float or are closed)."""
        px, share = app_theme().px, round(self._window.width() * RIGHT_SHARE)
        left = px(FOLDED_WIDTH if self._is_folded else LEFT_WIDTH)
        right = min(px(RIGHT_WIDTH), max(px(RIGHT_LEAST), share))
        sides = ((LEFT, left), (RIGHT, right))
        shown = [(self._docked(names), width) for names, width in sides]
        docks = [(dock, width) for dock, width in shown if dock is not None]
        self._window.resizeDocks([dock for dock, _ in docks], [width for _, width in docks], Qt.Orientation.Horizontal)
        if self.workspace in SPREAD and not self._is_small:
            self._spread_right(*SPREAD[self.workspace])

    def settle(self) -> None:
        """The window has another size: what stands in it may have to stand otherwise."""
        if self.workspace and (self._is_small, self._is_folded) != self._sizes():
            front = self.docks[self.front]
            self.arrange(self.workspace)
            front.show()
            front.raise_()

    def _sizes(self) -> tuple[bool, bool]:
        narrow = self._window.width() < app_theme().px(SMALL[0])
        return narrow or self._window.height() < app_theme().px(SMALL[1]), narrow

    def _measure(self) -> None:
        self._is_small, self._is_folded = self._sizes()
        library = self.docks["library"].widget()
        if isinstance(library, LibraryPanel):
            library.set_folded(self._is_folded)
            library.setMinimumWidth(app_theme().px(FOLDED_WIDTH) if self._is_folded else LEAST_WIDTH)

    def _docked(self, names: tuple[str, ...]) -> PanelDock | None:
        """The first of these panels that stands in the window."""
        docks = (self.docks[name] for name in names)
        return next((dock for dock in docks if not dock.isHidden() and not dock.isFloating()), None)

    def _spread_right(self, names: tuple[str, str], share: float, least: int, least_under: int) -> None:
        """The upper one gets its share, at least ``least`` pixels of it where that leaves the lower one its own least.

        In Play that is room for four factor cards above the map; more of both where the window is high.
        """
        px, pair = app_theme().px, [self.docks[name] for name in names]
        if any(dock.isHidden() or dock.isFloating() for dock in pair):
            return
        height = sum(dock.height() for dock in pair)
        upper = min(max(round(share * height), px(least)), height - px(least_under))
        self._window.resizeDocks(pair, [upper, height - upper], Qt.Orientation.Vertical)

    def bring_forward(self, name: str) -> None:
        """Show a panel, wherever it is, and put it in front."""
        dock = self.docks[name]
        if not dock.isVisible() or dock.isHidden():
            side = LEFT if name in LEFT else RIGHT
            first = not dock.isFloating() and self._docked(side) is None
            dock.show()
            if first:  # an empty side has forgotten how wide it was
                QTimer.singleShot(0, self, self.spread)
        dock.raise_()
        panel = dock.widget()
        if panel is not None:
            panel.setFocus(Qt.FocusReason.OtherFocusReason)

    def is_seen(self, name: str) -> bool:
        """Whether a panel can be seen now: neither closed nor behind another tab."""
        dock = self.docks[name]
        return dock.isVisible() and not dock.visibleRegion().isEmpty()

    def toggle(self, name: str) -> None:
        """Close a panel that is seen, show one that is not."""
        if self.is_seen(name):
            self.docks[name].close()
        else:
            self.bring_forward(name)

    def toggle_floating(self, name: str) -> None:
        """Undock a panel, or dock it again."""
        dock = self.docks[name]
        dock.setFloating(not dock.isFloating())
        self.bring_forward(name)

    @property
    def front(self) -> str:
        """The panel at the right that has the keyboard, or else the first that is seen."""
        for name, dock in self.docks.items():
            if dock.isFloating() and dock.isActiveWindow():
                return name
        focus = QApplication.focusWidget()
        for name in RIGHT:
            if focus is not None and self.docks[name].isAncestorOf(focus):
                return name
        pair: tuple[str, ...] = PAIRS[self.workspace] if self.workspace else ()
        for name in pair + RIGHT:
            if not self.docks[name].visibleRegion().isEmpty():
                return name
        return RIGHT[0]

    def dress_tabs(self) -> None:
        """Make the window's own tab bars quiet, and give them a menu (undock, close)."""
        for bar in self._window.findChildren(QTabBar, options=Qt.FindChildOption.FindDirectChildrenOnly):
            bar.setDrawBase(False)
            bar.setExpanding(False)
            bar.setDocumentMode(True)
            bar.setElideMode(Qt.TextElideMode.ElideNone)  # whole words; what does not fit is reached by scrolling
            bar.setUsesScrollButtons(True)
            if bar.property("dressed"):
                continue
            bar.setProperty("dressed", True)
            bar.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
            bar.customContextMenuRequested.connect(self._on_tab_menu)
            bar.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A double click on a tab undocks its panel."""
        if event.type() == QEvent.Type.MouseButtonDblClick and isinstance(watched, QTabBar):
            name = self._name_at(watched, event.position().toPoint())  # type: ignore[attr-defined]
            if name:
                self.toggle_floating(name)
                return True
        return super().eventFilter(watched, event)

    def _name_at(self, bar: QTabBar, point: QPoint) -> str:
        title = bar.tabText(bar.tabAt(point)) if bar.tabAt(point) >= 0 else ""
        return next((name for name, dock in self.docks.items() if dock.windowTitle() == title), "")

    def _on_tab_menu(self, point: QPoint) -> None:
        bar = self.sender()
        name = self._name_at(bar, point) if isinstance(bar, QTabBar) else ""
        if not name or not isinstance(bar, QTabBar):
            return
        # of the window, and no loop of its own: what is chosen may take the tab bar away while its menu still stands
        menu = QMenu(self._window)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        chosen: dict[QAction, Callable[[], object]] = {
            menu.addAction("Undock"): partial(self.toggle_floating, name),
            menu.addAction("Close"): self.docks[name].close,
        }
        menu.addSeparator()
        chosen |= {menu.addAction(f"Show {dock.windowTitle()}"): partial(self.bring_forward, other)
                   for other, dock in self.docks.items() if dock.isHidden()}
        menu.triggered.connect(lambda action: chosen[action]())
        menu.popup(bar.mapToGlobal(point))
