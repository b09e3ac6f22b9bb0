"""The desk: which model stands open, how a session comes to it, and how any panel says something to the user."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from latentstudio.document.history import History
from latentstudio.document.origin import Origin
from latentstudio.document.session import Session
from latentstudio.document.view import View
from latentstudio.document.workspace import Change, Workspace
from latentstudio.engine import Result
from latentstudio.errors import StudioError
from latentstudio.generators.catalogue import Catalogue, find_catalogue
from latentstudio.latents import sample_prior
from latentstudio.studio.shell.worker import Worker
from latentstudio.studio.widgets.notice_bar import Kind
from latentstudio.tasks.draw import OpenModel, Render, keeping, open_for_window, with_factors

KEPT_OPEN = 3


@dataclass(frozen=True)
class Notice:
    """One sentence and at most one action. ``kind`` is ``info``, ``good`` or ``bad``."""

    kind: Kind
    sentence: str
    action_text: str = ""
    action: Callable[[], None] | None = None


@dataclass(frozen=True)
class _Wish:
    """What to do with the model once it stands open: ``session`` None starts a new sample."""

    name: str
    session: Session | None
    history: History | None
    label: str
    origin: Origin
    commits: bool


class Desk(QObject):
    """Holds the open models; every panel looks here for the model that belongs to the session.

    Signals:
        model_changed(OpenModel): another model came to the front.
        factors_changed(OpenModel): the same model has other factors.
        noticed(Notice): something to tell.
        activity(str): what is going on, for the status line; empty is "Ready".
        drawn(Render): a picture of the session was drawn.
        open_failed(str): the model of this name could not be opened (a notice says why).
    """

    model_changed = Signal(object)
    factors_changed = Signal(object)
    noticed = Signal(object)
    activity = Signal(str)
    drawn = Signal(object)
    open_failed = Signal(str)

    def __init__(
        self,
        workspace: Workspace,
        worker: Worker,
        *,
        next_seed: Callable[[], int],
        catalogue: Catalogue | None = None,
        device: str = "auto",
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.workspace = workspace
        self.worker = worker
        self.device = device
        self.keep_sliders = False  # whether slider positions carry over to new pictures
        self._next_seed = next_seed
        self._catalogue = catalogue
        self._open: dict[str, OpenModel] = {}
        self._current: OpenModel | None = None
        self._wish: _Wish | None = None
        self._inputs: set[Path] = set()
        workspace.subscribe(self._on_change)

    @property
    def catalogue(self) -> Catalogue:
        """The models and backends of this machine, looked up at first use."""
        if self._catalogue is None:
            self._catalogue = find_catalogue()
        return self._catalogue

    def renew_catalogue(self) -> None:
        """Look again: a model was added or removed."""
        self._catalogue = None

    @property
    def current(self) -> OpenModel | None:
        """The open model of the session, or None while none is open."""
        return self._current

    @property
    def opening(self) -> str:
        """Name of the model that is being opened, or empty."""
        return "" if self._wish is None else self._wish.name

    def opened_for(self, view: View | None) -> OpenModel | None:
        """The open model that this session needs, or None (it is being opened, or missing)."""
        return None if view is None else self._open.get(view.model)

    def names_here(self) -> Callable[[View], str]:
        """Tells what a view's model is called here: names change, the hash of its weights stays."""
        known: dict[tuple[str, str], str] = {}

        def name_of(view: View) -> str:
            key = view.model, view.model_sha256
            if key not in known:
                known[key] = view.model
                with contextlib.suppress(StudioError):  # opening it says what is wrong
                    known[key] = self.catalogue.model_for(*key).name
            return known[key]

        return name_of

    def show_session(self, drawn: Render) -> None:
        """Tell every panel that a picture of the session is there."""
        self.drawn.emit(drawn)

    def notice(
        self, kind: Kind, sentence: str, action_text: str = "", action: Callable[[], None] | None = None
    ) -> None:
        """Show one sentence, with one action where something can be done about it."""
        self.noticed.emit(Notice(kind, sentence, action_text, action))

    def tell_error(self, error: Exception, *, doing: str) -> None:
        """A failure, in one sentence; what is no StudioError is called a defect."""
        if isinstance(error, StudioError):
            self.notice("bad", error.sentence)
        else:
            self.notice("bad", f"{doing} failed ({type(error).__name__}: {error}); this is a defect of the program")

    def took_in(self, path: Path) -> None:
        """A file, or a folder with what lies in it, was read as input: ``request_write`` keeps it from now on."""
        self._inputs.add(path)

    def request_write(self, view: str, work: Callable[[], object], on_result: Callable[[Result], None]) -> None:
        """Do ``work()`` in the worker, which writes what the user named, but over nothing that was taken in here."""
        self.worker.request(view, partial(keeping, frozenset(self._inputs), work), on_result)

    def request_model(
        self, name: str, *, session: Session | None = None, history: History | None = None, label: str = "",
        origin: Origin = Origin.FILE, commits: bool = True,
    ) -> None:
        """Open a model by name or folder; then take ``session`` with its ``history``, or else a new sample.

        ``commits`` False changes no session: the session that needs the model is in front already (undo, restore).
        """
        wish = _Wish(name, session, history, label, origin, commits)
        known = self._open.get(name)
        if known is not None:
            self._take(known, wish)
            return
        self._wish = wish
        self.activity.emit(f"Opening {Path(name).name}…")
        work = partial(open_for_window, name, self.catalogue, self.device)
        self.worker.request("open", work, partial(self._on_opened, wish))

    def request_sample(self, seed: int | None = None, *, passing: bool = False) -> None:
        """A new sample of the model in front, none while it is still being opened; a seed is drawn when none is given.

        One that is ``passing`` is shown without an entry in the history.
        """
        view = self.workspace.view
        opened = self.opened_for(view)  # not the current one: undo may stand at a view whose model is still on its way
        if view is None or opened is None:
            return
        chosen = self._next_seed() if seed is None else seed
        try:
            latent = sample_prior(opened.model.card.spaces[0], count=1, seed=chosen)[0]
        except StudioError as error:
            self.tell_error(error, doing="The new sample")
            return
        drawn = view.with_new_picture(latent, chosen, keep_sliders=self.keep_sliders)
        if passing:
            self.workspace.apply_preview(drawn)
        else:
            self.workspace.apply(drawn, f"seed {chosen}", Origin.SAMPLE)

    def reload_factors(self) -> None:
        """Read the factors of the model in front again (one was learned, added or removed)."""
        if self._current is not None:
            self.worker.request("factors", partial(with_factors, self._current), self._on_factors)

    def forget(self, name: str) -> None:
        """Close a model that was removed."""
        opened = self._open.pop(name, None)
        if opened is not None:
            self.worker.request(f"close {name}", opened.close, self._on_closed)

    def close(self) -> None:
        """Close all models; the worker must have ended."""
        for opened in self._open.values():
            opened.close()
        self._open.clear()
        self._current = None

    def _on_opened(self, wish: _Wish, result: Result) -> None:
        wanted = self._wish is wish
        if wanted:
            self._wish = None
            self.activity.emit("")
        if result.error is not None:
            self.tell_error(result.error, doing="Opening the model")
            self.open_failed.emit(wish.name)
            return
        opened = result.value
        if not isinstance(opened, OpenModel):
            return
        self._open.setdefault(opened.name, opened)
        self._inputs.update(opened.sources)
        if wanted:
            self._take(self._open[opened.name], wish)
        self._close_oldest()

    def _take(self, opened: OpenModel, wish: _Wish) -> None:
        self._bring_forward(opened)
        if not wish.commits:
            return
        if wish.session is not None:
            self.workspace.open(wish.session, wish.label or opened.name, wish.origin, history=wish.history)
        else:
            card = opened.model.card
            seed = card.first_seeds[0] if card.first_seeds else self._next_seed()
            first_view = View.start(card, sample_prior(card.spaces[0], count=1, seed=seed)[0], seed)
            self.workspace.apply(first_view, wish.label or opened.name, Origin.SAMPLE)

    def _bring_forward(self, opened: OpenModel) -> None:
        self._open[opened.name] = self._open.pop(opened.name, opened)
        if self._current is not opened:
            self._current = opened
            self.model_changed.emit(opened)

    def _close_oldest(self) -> None:
        while len(self._open) > KEPT_OPEN:
            self.forget(next(iter(self._open)))

    def _on_change(self, change: Change) -> None:
        view = change.new
        if view is None or (self._current is not None and view.model == self._current.name):
            return
        opened = self._open.get(view.model)
        if opened is not None:
            self._bring_forward(opened)
        elif self.opening != view.model:
            self.request_model(view.model, commits=False)

    def _on_factors(self, result: Result) -> None:
        opened = result.value
        if result.error is not None or not isinstance(opened, OpenModel):
            self.tell_error(result.error or RuntimeError("no answer"), doing="Reading the sliders")
            return
        self._open[opened.name] = opened
        if self._current is not None and self._current.name == opened.name:
            self._current = opened
            self.factors_changed.emit(opened)

    def _on_closed(self, result: Result) -> None:
        error = result.error
        if error is not None:
            self.tell_error(error, doing="Closing the model")
