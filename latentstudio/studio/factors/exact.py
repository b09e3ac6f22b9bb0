"""Making a slider exact: a job measures this very picture until the measured effect is what the slider says."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from latentstudio.document.view import View
from latentstudio.document.workspace import Change
from latentstudio.engine import JobEnd, JobStep
from latentstudio.engine.loading import job
from latentstudio.studio.desk import Desk
from latentstudio.studio.factors.panel import FactorsPanel
from latentstudio.units import Unit

if TYPE_CHECKING:
    from latentstudio.factors.exact import Exact

REMEMBERED = 200

class ExactPresenter(QObject):
    """Runs one measurement at a time; a hand that moves anything meanwhile gives it up.

    The session keeps the position on the curve that gives the wanted effect. What was measured there stands in the
    history's label, and under the slider as long as that session is in front.
    """

    def __init__(self, desk: Desk, panel: FactorsPanel, *, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._panel = panel
        self._job = 0
        self._name = ""
        self._asked_for: View | None = None
        self._solved: dict[View, tuple[str, str]] = {}
        self._noted = ("", "")
        panel.exact_requested.connect(self.request_exact)
        desk.workspace.subscribe(self._on_change)

    @property
    def running(self) -> bool:
        """Whether a picture is being measured."""
        return self._job != 0

    def request_exact(self, name: str) -> None:
        """Solve a factor of the session in front for the t at which its slider stands."""
        view = self._desk.workspace.view
        opened = self._desk.opened_for(view)
        if view is None or opened is None or self._job or name not in opened.factors.names:
            return
        solved = self._solved.get(view)
        if view.position(name) == 0.0 or name in view.kept or (solved is not None and solved[0] == name):
            return
        self._name, self._asked_for = name, view
        self._note(name, "measuring this picture…")
        self._job = self._desk.worker.start_job(
            f"Measuring {name}",
            job("latentstudio.tasks.factors:exact_steps", opened.model, view, {name: view.position(name)},
                opened.factors),
            on_step=self._on_step, on_end=self._on_end,
        )

    def _on_step(self, step: JobStep) -> None:
        if self._desk.workspace.view == self._asked_for:
            self._note(self._name, f"measuring this picture… {step.step.message}")

    def _on_end(self, end: JobEnd) -> None:
        asked_for, self._job, self._asked_for = self._asked_for, 0, None
        self._clear_note()
        if end.outcome == "failed":
            self._desk.tell_error(end.error or RuntimeError("no reason"), doing="Measuring the picture")
            return
        found: tuple[Exact, ...] = getattr(end.last_step, "exact", ())
        view = self._desk.workspace.view
        if end.outcome != "done" or not found or view is None or view != asked_for:
            return
        self._take(view, found[0])

    def _take(self, view: View, exact: Exact) -> None:
        opened = self._desk.opened_for(view)
        if opened is None:
            return
        unit: Unit = opened.factors.get(exact.name).unit
        if not exact.reached:
            words = f"{unit.format(exact.asked)} is not available on this picture: {exact.reason}"
            self._note(exact.name, words, bad=True)
            return
        measured = unit.format(exact.measured)
        solved = view.with_position(exact.name, exact.position)
        words = f"{measured} measured on this picture, where the curve says {unit.format(exact.position)}"
        self._solved[solved] = (exact.name, words)
        while len(self._solved) > REMEMBERED:
            del self._solved[next(iter(self._solved))]
        if solved == view:
            self._note(exact.name, words)
        else:
            self._desk.workspace.apply(solved, f"{exact.name} {measured} measured")

    def _on_change(self, change: Change) -> None:
        if self._job and change.new != self._asked_for:
            self._desk.worker.cancel_job(self._job)
        self._clear_note()
        if change.new in self._solved:
            self._note(*self._solved[change.new])

    def _note(self, name: str, text: str, *, bad: bool = False) -> None:
        card = self._panel.cards.get(name)
        if card is not None:
            card.set_note(text, bad=bad)
            self._noted = (name, text)

    def _clear_note(self) -> None:
        """Take back what this presenter wrote under a slider; words of others stay."""
        name, text = self._noted
        card = self._panel.cards.get(name)
        if card is not None and card.note == text:
            card.set_note("")
        self._noted = ("", "")
