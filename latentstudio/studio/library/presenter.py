"""The library: what is installed, shipped and to be had; one click opens, or shows the licence and fetches."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, Signal

from latentstudio.document.workspace import Change
from latentstudio.engine import JobEnd, JobStep
from latentstudio.engine.loading import job
from latentstudio.errors import StudioError
from latentstudio.generators import addons
from latentstudio.generators.importing import rename_model
from latentstudio.pixels import BytePictures
from latentstudio.studio.desk import Desk
from latentstudio.studio.library.panel import LibraryPanel
from latentstudio.tasks.draw import OpenModel, Render
from latentstudio.tasks.library import library_rows, model_info
from latentstudio.tasks.thumbnails import read_thumbnail, shipped_thumbnail, thumbnail_steps


class LibraryPresenter(QObject):
    """Rows of the library and what a click on them does.

    Signals:
        add_requested(): the user wants to add a model from a file.
        fetch_ended(JobEnd): a fetch is over, well or not.
    """

    add_requested = Signal()
    fetch_ended = Signal(object)

    def __init__(self, desk: Desk, panel: LibraryPanel, *, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._panel = panel
        self._fetching: dict[str, float] = {}
        self._pictures: dict[str, BytePictures] = {}
        self._looked_for: set[str] = set()
        self._thumbnails_job = 0
        library = panel.library
        library.chosen.connect(self._on_chosen)
        library.fetch_requested.connect(self.request_fetch)
        library.remove_requested.connect(self.apply_remove)
        library.info_requested.connect(self.show_info)
        library.add_requested.connect(self.add_requested)
        panel.licence.accepted.connect(self.start_fetch)
        desk.model_changed.connect(self._on_model)
        desk.drawn.connect(self._on_drawn)
        desk.workspace.subscribe(self._on_change)

    def show_rows(self) -> None:
        """Fill the list from the catalogue and the add-ons."""
        current = self._desk.current
        self._find_pictures()
        rows = library_rows(self._desk.catalogue, self._fetching, self._pictures)
        self._panel.library.set_rows(rows)
        if current is not None:
            self._panel.library.set_current(current.name)

    def _find_pictures(self) -> None:
        """Read each model's thumbnail once, so that a row has its picture before the model was ever opened."""
        known_add_ons = {addon.name for addon in addons.list_add_ons()}
        for entry in self._desk.catalogue.models:
            if entry.card is not None and not entry.error and entry.name not in self._looked_for:
                self._looked_for.add(entry.name)
                own = entry.shipped or entry.name in known_add_ons
                known = shipped_thumbnail(entry.name) if own else None
                self._keep_picture(entry.name, read_thumbnail(entry.card) if known is None else known)
        for name in known_add_ons - self._looked_for:
            self._looked_for.add(name)
            self._keep_picture(name, shipped_thumbnail(name))

    def _keep_picture(self, name: str, picture: BytePictures | None) -> None:
        if picture is not None:
            self._pictures[name] = picture

    def renew(self) -> None:
        """Look for models again and show them."""
        self._desk.renew_catalogue()
        self.show_rows()

    def request_fetch(self, name: str) -> None:
        """Show the licence of an add-on; it is fetched only after Accept."""
        try:
            addon = addons.add_on(name)
        except StudioError as error:
            self._desk.tell_error(error, doing="Fetching")
            return
        terms = f"{addon.facts}. Licence {addon.licence}. {addon.data_licence} Download {addon.bytes / 1e6:.0f} MB."
        self._panel.licence.ask(name, f"Fetch {addon.name}?", terms, addon.licence_text)

    def start_fetch(self, name: str) -> None:
        """Fetch an add-on whose licence was accepted, with progress and cancel; then open it."""
        if name in self._fetching:
            return
        addon, catalogue = addons.add_on(name), self._desk.catalogue
        self._desk.worker.start_job(
            f"Fetching {name}",
            job("latentstudio.generators.fetching:fetch", addon, catalogue=catalogue),
            on_step=partial(self._on_fetch_step, name),
            on_end=partial(self._on_fetch_end, name),
        )
        self._fetching[name] = 0.0
        self.show_rows()

    def apply_remove(self, name: str) -> None:
        """Remove an installed add-on or imported model; the model in front stays until another is chosen."""
        current = self._desk.current
        if current is not None and current.name == name:
            self._desk.notice("info", f"{name} stands open; choose another model before you remove it")
            return
        self._desk.forget(name)
        try:
            addons.remove(name)
        except StudioError as error:
            self._desk.tell_error(error, doing="Removing the model")
            return
        self._pictures.pop(name, None)
        self._looked_for.discard(name)
        self.renew()
        self._desk.notice("good", f"{name} was removed")

    def apply_rename(self, name: str, new: str) -> None:
        """Call a model of one's own otherwise; what stands on the canvas and in the history follows."""
        found = next((entry for entry in self._desk.catalogue.models if entry.name == name and not entry.error), None)
        try:
            rename_model(found or self._desk.catalogue.model(name), new)
        except StudioError as error:
            self._desk.tell_error(error, doing="Renaming the model")
            return
        self._desk.forget(name)
        if name in self._pictures:
            self._pictures[new] = self._pictures.pop(name)
        self.renew()
        self._desk.workspace.rename_models(lambda view: new if view.model == name else view.model)
        self._desk.notice("good", f"{name} is called {new} now")

    def show_info(self, name: str) -> None:
        """One sentence about a model: title, origin and licence."""
        self._desk.notice("info", model_info(self._desk.catalogue, name))

    def request_thumbnails(self) -> None:
        """Draw the thumbnails that are missing, quietly, when nothing else is going on."""
        catalogue = self._desk.catalogue
        missing = [
            entry.name for entry in catalogue.models
            if not entry.error and entry.name not in self._pictures
        ]
        if missing and not self._thumbnails_job:
            steps = thumbnail_steps(tuple(missing), catalogue)
            self._thumbnails_job = self._desk.worker.start_job(
                "Thumbnails", steps, on_step=self._on_thumbnail, on_end=self._on_thumbnails_end, quiet=True
            )

    def _on_thumbnail(self, step: JobStep) -> None:
        if step.step.preview is not None:
            self._pictures[step.step.message] = step.step.preview
            self.show_rows()

    def _on_thumbnails_end(self, end: JobEnd) -> None:
        self._thumbnails_job = 0

    def _on_chosen(self, name: str) -> None:
        current = self._desk.current
        if (current is None or current.name != name) and name not in self._fetching:
            self._desk.request_model(name)

    def _on_model(self, opened: OpenModel) -> None:
        if opened.name not in self._pictures:
            known = read_thumbnail(opened.model.card)
            if known is not None:
                self._pictures[opened.name] = known
        self.show_rows()

    def _on_drawn(self, drawn: Render) -> None:
        if drawn.view.model not in self._pictures:
            self._pictures[drawn.view.model] = drawn.thumbnail
            self.show_rows()

    def _on_change(self, change: Change) -> None:
        if change.old is None or change.old.model != change.new.model:
            self._panel.library.set_current(change.new.model)

    def _on_fetch_step(self, name: str, step: JobStep) -> None:
        self._fetching[name] = step.step.fraction
        self.show_rows()

    def _on_fetch_end(self, name: str, end: JobEnd) -> None:
        self._fetching.pop(name, None)
        self.renew()
        if end.outcome == "done":
            self._desk.notice("good", f"{name} is installed")
            self._desk.request_model(name)
        elif end.outcome == "cancelled":
            self._desk.notice("info", f"Fetching {name} was cancelled; nothing was kept")
        elif end.error is not None:
            again = partial(self.start_fetch, name)
            sentence = end.error.sentence if isinstance(end.error, StudioError) else f"Fetching failed ({end.error})"
            self._desk.notice("bad", sentence, "Try again", again)
        self.fetch_ended.emit(end)
