"""The factors: cards and their sliders become positions of the session, in true units."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from latentstudio.document.workspace import Change
from latentstudio.engine import JobEnd, Result
from latentstudio.factors import Factor, keep_factor
from latentstudio.factors.curves import curves_of, track_of
from latentstudio.factors.storage import forget_factor
from latentstudio.factors.verdict import leak_shares
from latentstudio.studio.canvas.view import Canvas, Gesture
from latentstudio.studio.desk import Desk
from latentstudio.studio.factors.panel import EMPTY, FactorsPanel
from latentstudio.tasks.directions import slider_steps
from latentstudio.tasks.draw import OpenModel, Render, lock
from latentstudio.tasks.scene import knows_objects

OF_SCENES = "Here the objects are in hand: drag, pull and turn their boxes, or type their numbers in Scene."
LOOKING = "This model has no sliders yet; the directions of its largest changes are being looked for."


class FactorsPresenter(QObject):
    """One card a factor of the model in front.

    A locked factor stays where it is: its slider cannot be moved, the other sliders keep its coordinate, and "reset
    all" passes it over.

    Signals:
        hand_down(bool): a slider is held, or let go.
        choice_changed(str): another factor is the chosen one; empty where the model has none.
    """

    hand_down = Signal(bool)
    choice_changed = Signal(str)

    def __init__(self, desk: Desk, panel: FactorsPanel, canvas: Canvas, *, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._panel = panel
        self._canvas = canvas
        self._held = ""
        self.chosen = ""
        self._looked: set[str] = set()
        panel.pressed.connect(self._on_pressed)
        panel.moved.connect(self._on_moved)
        panel.settled.connect(self._on_settled)
        panel.lock_changed.connect(self._on_lock)
        panel.reset_requested.connect(self.apply_reset)
        panel.curve_toggled.connect(self._on_curve)
        desk.model_changed.connect(self._on_model)
        desk.factors_changed.connect(self._on_model)
        desk.drawn.connect(self._on_drawn)
        desk.workspace.subscribe(self._on_change)

    def apply_reset(self) -> None:
        """Put every factor that is not locked back to 0, as one entry of the history."""
        view = self._desk.workspace.view
        if view is not None:
            self._desk.workspace.apply(view.with_reset(keep=view.kept), "reset")

    def factor(self, name: str) -> Factor | None:
        """The factor of this name of the model in front."""
        opened = self._desk.current
        if opened is None or name not in opened.factors.names:
            return None
        return opened.factors.get(name)

    def request_forgetting(self) -> None:
        """Put the chosen factor aside where it is one of the user's own; its slider goes back to 0 first."""
        view, name = self._desk.workspace.view, self.chosen
        if view is None or not name:
            self._desk.notice("info", "No slider is chosen: click a card first.")
            return
        self._desk.worker.request("forget", partial(_forget, view.model, name), self._on_forgotten)

    def request_rename(self, name: str, label: str) -> None:
        """Keep this slider among the user's own under other words; its name in sessions and files stays."""
        factor = self.factor(name)
        if factor is not None:
            renamed = replace(factor, label="" if label == name else label)
            self._desk.worker.request("rename", partial(keep_factor, renamed), self._on_renamed)

    def _on_renamed(self, result: Result) -> None:
        if result.error is not None:
            self._desk.tell_error(result.error, doing="Renaming the slider")
        else:
            self._desk.reload_factors()

    def _on_forgotten(self, result: Result) -> None:
        if result.error is not None or not isinstance(result.value, _Forgotten):
            self._desk.tell_error(result.error or RuntimeError("no answer"), doing="Putting the slider aside")
            return
        name, aside = result.value.name, result.value.aside
        view = self._desk.workspace.view
        if view is not None and (view.position(name) or name in view.kept):
            kept = tuple(other for other in view.kept if other != name)
            self._desk.workspace.apply(view.with_kept(kept).with_position(name, 0.0), f"{name} put aside")
        self._desk.notice("info", f"Your own {name} lies in {aside} now. Drop that file on the window to have it back.")
        self._desk.reload_factors()

    def _on_model(self, opened: OpenModel) -> None:
        if knows_objects(opened.model):
            self._panel.empty.setText(OF_SCENES)
        elif not opened.factors.factors and opened.name not in self._looked:
            self._looked.add(opened.name)
            self._panel.empty.setText(LOOKING)
            self._desk.worker.start_job("Looking for the largest changes", slider_steps(opened.model),
                                        on_end=partial(self._on_directions, opened.name), quiet=True)
        self._panel.show_factors(opened.factors)
        for factor in opened.factors.factors:
            self._panel.cards[factor.name].set_leaks(leak_shares(factor, opened.factors.factors))
        self.chosen = opened.factors.names[0] if opened.factors.names else ""
        self.choice_changed.emit(self.chosen)
        self._show_all()
        self._show_curve()
        for message in opened.factors.errors:
            self._desk.notice("bad", message)

    def _on_directions(self, name: str, end: JobEnd) -> None:
        self._panel.empty.setText(EMPTY)
        if end.error is not None:
            self._desk.tell_error(end.error, doing="Looking for the largest changes")
        elif self._desk.current is not None and self._desk.current.name == name:
            self._desk.reload_factors()

    def _on_change(self, change: Change) -> None:
        if change.new is None or self._desk.opened_for(change.new) is not self._desk.current:
            return
        if change.old is None or change.old.latent != change.new.latent:
            self._show_all()
            return
        for name, card in self._panel.cards.items():
            card.set_locked(name in change.new.kept)
            if name != self._held and change.old.position(name) != change.new.position(name):
                card.set_value(change.new.position(name))
                card.set_note("")

    def _show_all(self) -> None:
        view = self._desk.workspace.view
        if view is None or self._desk.opened_for(view) is not self._desk.current:
            return
        flat = view.latent_array().reshape(-1)
        for name, card in self._panel.cards.items():
            factor = self.factor(name)
            if factor is not None:
                low, high = factor.range_at(flat)
                card.set_range(*track_of(factor, low, high), low, high)
                reached = min(max(view.position(name), low), high)
                card.set_value(reached)
                card.set_locked(name in view.kept)
                card.set_note("")
                if reached != view.position(name):
                    card.show_end()

    def _on_pressed(self, name: str) -> None:
        self._held = name
        self.choose(name)
        self.hand_down.emit(True)

    def _on_moved(self, name: str, t: float) -> None:
        view, factor = self._desk.workspace.view, self.factor(name)
        if view is None or factor is None or name in view.kept:
            return
        self._held = name
        self._desk.workspace.apply_preview(view.with_position(name, t))

    def _on_settled(self, name: str, t: float) -> None:
        self._held = ""
        self._canvas.set_gesture(None)
        self.hand_down.emit(False)
        view, factor = self._desk.workspace.view, self.factor(name)
        if view is None or factor is None or name in view.kept:
            return
        self.choose(name)
        low, high = factor.range_at(view.latent_array().reshape(-1))
        reached = min(max(t, low), high)
        self._desk.workspace.apply(view.with_position(name, reached), f"{name} {factor.unit.format(reached)}")
        card = self._panel.cards[name]
        card.set_value(reached)
        if reached != t:
            card.show_end()

    def _on_drawn(self, drawn: Render) -> None:
        self._show_gesture(drawn)
        if drawn.view != self._desk.workspace.view:
            return
        for name in drawn.clamped:
            card = self._panel.cards.get(name)
            if card is not None:  # what the card says is where the picture stands
                card.set_value(drawn.reached[name])
                card.show_end()
        card = self._panel.cards.get(self._held)
        if card is not None and self._held not in drawn.clamped and not card.is_at_end:
            card.set_note(" ".join(drawn.notes))

    def _show_gesture(self, drawn: Render) -> None:
        """The arrow comes with the picture that it describes: they agree, and the canvas is painted once a move."""
        factor = self.factor(self._held) if self._held else None
        if factor is not None and drawn.view.model == factor.model:
            t = drawn.reached.get(self._held, drawn.view.position(self._held))
            self._canvas.set_gesture(Gesture(factor.shown, t, factor.unit.format(t)))

    def _on_lock(self, name: str, locked: bool) -> None:
        view = self._desk.workspace.view
        opened = self._desk.opened_for(view)
        if view is None or opened is None or self.factor(name) is None:
            return
        if locked:
            self._desk.workspace.apply(lock(opened, view, name), f"{name} locked")
        else:
            kept = (other for other in view.kept if other != name)
            self._desk.workspace.apply(view.with_kept(tuple(kept)), f"{name} unlocked")

    def choose(self, name: str) -> None:
        """Make this slider the chosen one: its curve, its trajectories, what the menus do."""
        if name != self.chosen:
            self.chosen = name
            self._show_curve()
            self.choice_changed.emit(name)

    def _on_curve(self, shown: bool) -> None:
        self._show_curve()

    def _show_curve(self) -> None:
        factor = self.factor(self.chosen)
        if factor is None or not self._panel.curve_link.isChecked():
            return
        self._panel.curve_words.setText(factor.describe())
        self._panel.plot.set_curves(curves_of(factor))


@dataclass(frozen=True)
class _Forgotten:
    name: str
    aside: Path


def _forget(model: str, name: str) -> _Forgotten:
    return _Forgotten(name, forget_factor(model, name))
