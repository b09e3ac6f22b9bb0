"""The main window: puts the parts in their places and passes keys, drops and closing on. Nothing is decided here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import get_args

from PySide6.QtCore import QByteArray, QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDropEvent, QKeyEvent, QPaintEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QMainWindow, QMenuBar, QStatusBar

from latentstudio.document.preferences import Layout, Preferences, save_preferences
from latentstudio.document.workspace import Change
from latentstudio.errors import StudioError
from latentstudio.pixels import parse_size
from latentstudio.studio.canvas.presenter import header_line
from latentstudio.studio.features import FEATURES
from latentstudio.studio.shell.action_search import ActionSearch
from latentstudio.studio.shell.commands import Commands
from latentstudio.studio.shell.components import Components
from latentstudio.studio.shell.context_menus import ContextMenus
from latentstudio.studio.shell.dialogs import Dialogs, system_dialogs
from latentstudio.studio.shell.docks import WORKSPACES, Docks
from latentstudio.studio.shell.hints import Hint, Hints
from latentstudio.studio.shell.housekeeping import Housekeeper
from latentstudio.studio.shell.icons import app_icon
from latentstudio.studio.shell.layout import layout_of
from latentstudio.studio.shell.menus import Menus
from latentstudio.studio.shell.screens import ScreenKeeper, hold_to_screen
from latentstudio.studio.shell.shortcut_sheet import ShortcutSheet
from latentstudio.studio.shell.top_bar import TopBar
from latentstudio.studio.theme import Choice, Theme
from latentstudio.studio.widgets.pieces import local_files
from latentstudio.tasks.learn import OWN_SUFFIX

SIZE = (1440, 900)
LEAST = (800, 460)


class MainWindow(QMainWindow):
    """The window of the program.

    Signals:
        first_painted(): the window stands on the screen; the models may be opened now.
        closed(): everything was written and the worker has ended.
    """

    first_painted = Signal()
    closed = Signal()

    def __init__(
        self,
        parts: Components,
        theme: Theme,
        preferences: Preferences,
        layout: Layout,
        *,
        dialogs: Dialogs | None = None,
        remembers: bool = True,
    ) -> None:
        super().__init__()
        self.parts = parts
        self.theme = theme
        self.preferences = preferences
        self._layout = layout
        self._remembers = remembers
        self._was_painted = False
        self._was_closed = False
        self._compares_by_key = False
        self.hints: Hints | None = None
        self.housekeeper = Housekeeper(self)
        self._screens = ScreenKeeper(self)
        self.setWindowTitle("latentstudio")
        self.setWindowIcon(app_icon())
        self.setAcceptDrops(True)
        self.setMinimumSize(*LEAST)
        self.resize(*SIZE)
        self.commands = Commands(parts, self, dialogs or system_dialogs())
        self.commands.last_folder = preferences.last_folder
        self.commands.last_size = parse_size(preferences.saved_size)
        self._build_bars()
        self._build_panels()
        self.context_menus = ContextMenus(parts, self.menus, self.commands, self)
        self._settle = QTimer(self, singleShot=True, interval=0)
        self._settle.timeout.connect(self.docks.settle)
        self._connect()
        self._restore_layout()

    def _build_bars(self) -> None:
        self.top_bar = TopBar(WORKSPACES, parent=self)
        self.menus = Menus(self, {**self.commands.handlers(), **self._own_handlers()}, self.theme)
        self.menu_bar = QMenuBar(self.top_bar)
        self.menus.fill(self.menu_bar)
        self.top_bar.add_menu_bar(self.menu_bar)
        self.setMenuWidget(self.top_bar)
        status = QStatusBar(self)
        status.setSizeGripEnabled(False)
        status.setContentsMargins(0, 0, 0, 0)
        status.addWidget(self.parts.status_line, 1)
        self.setStatusBar(status)
        self.search = ActionSearch(self)

    def _build_panels(self) -> None:
        parts = self.parts
        self.setCentralWidget(parts.picture_panel)
        parts.picture_panel.canvas.set_empty_text("Opening the first picture…")
        self.docks = Docks(self, {one.id: (one.title, parts.panels[one.id]) for one in FEATURES})

    def _connect(self) -> None:
        parts = self.parts
        self.top_bar.workspace_chosen.connect(self.arrange)
        self.top_bar.search_requested.connect(self.on_search)
        self.search.triggered.connect(self.menus.trigger)
        parts.library.add_requested.connect(self.commands.on_open)
        parts.factors_panel.strip_requested.connect(self.commands.on_export_strip)
        parts.factors_panel.learn_requested.connect(self.on_learn)
        parts.factors_panel.find_requested.connect(self.on_find_sliders)
        parts.learn_panel.file_requested.connect(self.commands.on_learn_file)
        parts.learn.elsewhere_requested.connect(self.commands.on_keep_elsewhere)
        parts.photo.taken.connect(self._on_photo_taken)
        parts.photo_panel.open_requested.connect(self.commands.on_open)
        parts.photo_panel.paste_back_requested.connect(self.commands.on_paste_back)
        parts.desk.model_changed.connect(self._on_model)
        parts.scene.taken.connect(self._on_scene_taken)
        parts.scene_panel.export_requested.connect(self.commands.on_export_scene)
        parts.scene_panel.layers_requested.connect(self.commands.on_export_layers)
        parts.reconstruct_panel.open_requested.connect(self.commands.on_open_pictures)
        parts.train_panel.folder_requested.connect(self.commands.on_train_folder)
        parts.library_panel.library.train_requested.connect(self.on_train)
        parts.library_panel.library.folder_requested.connect(self.commands.on_model_folder)
        parts.library_panel.library.rename_requested.connect(self.commands.on_rename_model)
        self.menus.opening.connect(self._on_menu_opening)
        parts.workspace.subscribe(self._on_change)

    def _own_handlers(self) -> dict[str, Callable[[], None]]:
        themes: tuple[Choice, ...] = get_args(Choice)
        return {
            **{f"show_{one.id}": partial(self._toggle, one.id) for one in FEATURES},
            **{f"workspace_{name.lower()}": partial(self.arrange, name) for name in WORKSPACES},
            **{f"theme_{name}": partial(self._set_theme, name) for name in themes},
            "find_sliders": self.on_find_sliders,
            "learn": self.on_learn,
            "train": self.on_train,
            "smooth": self.on_smooth,
            "keep_sliders": self.on_keep_sliders,
            "undock_panel": self.on_undock_panel,
            "full_screen": self.on_full_screen,
            "search": self.on_search,
            "shortcuts": self.on_shortcuts,
            "hints": self.on_hints,
        }

    def on_find_sliders(self) -> None:
        """Find the sliders of this model, the card that does so in front; what was found already is not thrown away."""
        self.docks.bring_forward("learn")
        self.parts.find_panel.come_forward()
        if not self.parts.find.findings:
            self.parts.find.start()

    def on_learn(self) -> None:
        """Bring the panel that learns a slider forward."""
        self.docks.bring_forward("learn")

    def on_train(self) -> None:
        """Bring the panel that trains models forward."""
        self.docks.bring_forward("train")

    def on_smooth(self) -> None:
        """Between square pixels and smooth ones."""
        self.preferences = replace(self.preferences, smooth=not self.preferences.smooth)
        self.parts.picture_panel.canvas.set_smooth(self.preferences.smooth)

    def on_keep_sliders(self) -> None:
        """Whether slider positions carry over to new samples and photos, or go back to 0."""
        self.preferences = replace(self.preferences, keep_sliders=not self.preferences.keep_sliders)
        self.parts.desk.keep_sliders = self.preferences.keep_sliders

    def on_undock_panel(self) -> None:
        """Float the panel in front, or dock it again."""
        self.docks.toggle_floating(self.docks.front)

    def on_full_screen(self) -> None:
        """Fill the screen, or stop doing so."""
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def on_search(self) -> None:
        """Find an action by its words."""
        self.search.open_with(self.menus.rows())

    def on_shortcuts(self) -> None:
        """All shortcuts on one sheet."""
        sheet = ShortcutSheet(self.menus.rows(), self)
        sheet.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        sheet.open()

    def on_hints(self) -> None:
        """The three hints of the first start."""
        cards = self.parts.factors_panel
        if self.hints is not None:
            self.hints.finish()
        self.hints = Hints(self)
        self.hints.finished.connect(self._on_hints_finished)
        self.hints.start(
            (
                Hint(cards, "Drag a slider", "Each says in true units what it does; double click puts it back."),
                Hint(self.parts.library_panel, "Choose a model or a sample", "Space draws another sample."),
                Hint(
                    self.parts.picture_panel.strip,
                    "Nothing is lost",
                    "Every step stands here. Ctrl+Z goes back, and a saved picture brings its sliders back when "
                    "you drop it on the window.",
                ),
            )
        )

    def arrange(self, workspace: str) -> None:
        """Put the panels where a workspace wants them."""
        self.docks.arrange(workspace)
        self.parts.factors_panel.set_curve_wanted(workspace == "Research")
        self.top_bar.set_workspace(workspace)
        self.preferences = replace(self.preferences, workspace=workspace)

    def _toggle(self, name: str) -> None:
        """Open or close a panel."""
        self.docks.toggle(name)

    def _on_photo_taken(self) -> None:
        if self.docks.workspace == "Play":
            self.arrange("Photo")
        self.docks.bring_forward("photo")

    def _on_model(self) -> None:
        """A model that knows objects stands in its own workspace."""
        scene = self.parts.scene.active
        if scene and self.docks.workspace == "Play":
            self.arrange("Scene")
        elif not scene and self.docks.workspace == "Scene":
            self.arrange("Play")

    def _on_scene_taken(self) -> None:
        if self.docks.workspace == "Play":
            self.arrange("Scene")
        self.docks.bring_forward("scene")

    def _on_menu_opening(self) -> None:
        """Check marks in the menu for what is on: panels that are seen, workspace, theme, pixels, full screen."""
        chosen = self.preferences
        states = {f"show_{name}": self.docks.is_seen(name) for name in self.docks.docks}
        states |= {f"workspace_{name.lower()}": name == self.docks.workspace for name in WORKSPACES}
        states |= {f"theme_{name}": name == self.theme.choice for name in ("system", "dark", "light")}
        states |= {"smooth": chosen.smooth, "full_screen": self.isFullScreen(),
                   "keep_sliders": chosen.keep_sliders, "before": self.parts.picture.comparing}
        self.menus.set_checked(states)

    def _set_theme(self, choice: Choice) -> None:
        self.preferences = replace(self.preferences, theme=choice)
        self.theme.set_choice(choice)

    def _on_hints_finished(self) -> None:
        self.preferences = replace(self.preferences, hints_seen=True)
        if self.hints is not None:
            self.hints.deleteLater()
        self.hints = None
        self.parts.picture_panel.canvas.setFocus(Qt.FocusReason.OtherFocusReason)

    def _on_change(self, change: Change) -> None:
        self.parts.picture_panel.header.setText(header_line(change.new))
        self.housekeeper.stir()

    def _restore_layout(self) -> None:
        saved, layout = self.preferences, self._layout
        self.parts.picture_panel.canvas.set_smooth(saved.smooth)
        self.parts.desk.keep_sliders = saved.keep_sliders
        if layout.geometry:
            self.restoreGeometry(QByteArray(layout.geometry))
        hold_to_screen(self)
        self.docks.arrange(saved.workspace if saved.workspace in WORKSPACES else WORKSPACES[0])
        self.parts.factors_panel.set_curve_wanted(self.docks.workspace == "Research")
        self.top_bar.set_workspace(self.docks.workspace)
        if layout.state:
            self.restoreState(QByteArray(layout.state))
            self.docks.dress_tabs()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._settle.start()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        hold_to_screen(self)

    def paintEvent(self, event: QPaintEvent) -> None:
        """Tell once that the window was painted."""
        super().paintEvent(event)
        if not self._was_painted:
            self._was_painted = True
            QTimer.singleShot(0, self._on_first_paint)

    def _on_first_paint(self) -> None:
        if not self._layout.state:
            self.docks.spread()
        self.first_painted.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_B and not event.modifiers():
            if not event.isAutoRepeat():
                self._compares_by_key = True
                self.parts.picture.set_comparing(True)
            return
        super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_B:
            if not event.isAutoRepeat():
                self._end_comparing()
            return
        super().keyReleaseEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """A window that loses the keyboard does not see the B key being let go."""
        if event.type() == QEvent.Type.ActivationChange and not self.isActiveWindow():
            self._end_comparing()
        super().changeEvent(event)

    def _end_comparing(self) -> None:
        if self._compares_by_key:
            self._compares_by_key = False
            self.parts.picture.set_comparing(False)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if local_files(event.mimeData()):
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        """Take in every file that was dropped."""
        for path in local_files(event.mimeData()):
            if path.suffix == OWN_SUFFIX:
                self.parts.learn.use_file(path)
                self.docks.bring_forward("learn")
            else:
                self.parts.files.request_open(path)
        event.acceptProposedAction()

    def closeEvent(self, event: QCloseEvent) -> None:
        """Write what is left, end the worker; then the window may go."""
        if not self._was_closed:
            self._was_closed = True
            if self._remembers:
                self._save_preferences()
            for dock in self.docks.docks.values():
                dock.hide()
            self.parts.close()
            self.housekeeper.stop()
            self.closed.emit()
        super().closeEvent(event)

    def _save_preferences(self) -> None:
        view = self.parts.workspace.view
        kept = replace(
            self.preferences.with_layout(layout_of(self)),
            last_folder=self.commands.last_folder,
            saved_size=str(self.commands.last_size),
            last_model="" if view is None else view.model,
        )
        try:
            save_preferences(kept)
        except StudioError as error:
            self.parts.desk.notice("bad", error.sentence)


