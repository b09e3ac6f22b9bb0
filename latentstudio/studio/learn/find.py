"""Finding all sliders of a model in the window: one job, what it found with honest grades, and keeping the ticked."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject

from latentstudio.engine import JobEnd, JobStep, Result
from latentstudio.engine.loading import job
from latentstudio.errors import StudioError
from latentstudio.factors import Factor
from latentstudio.steps import time_left_text
from latentstudio.studio.desk import Desk
from latentstudio.studio.learn.find_panel import FindPanel
from latentstudio.studio.widgets.finding_row import FoundRow
from latentstudio.tasks.draw import OpenModel
from latentstudio.tasks.learn import FOUND_NAMES, keep_all, plain

if TYPE_CHECKING:
    from latentstudio.factors.finding import Finding

SHOWN_EVERY = 0.2


class FindPresenter(QObject):
    """Runs one search at a time; what it found stays listed until another search begins or another model comes."""

    def __init__(self, desk: Desk, panel: FindPanel, *, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._panel = panel
        self._job = 0
        self._model = ""
        self._had: dict[str, Factor] = {}
        self._kept: set[str] = set()
        self._unread: set[str] = set()
        self._name = ""
        self._shown = -1.0
        self.findings: tuple[Finding, ...] = ()
        panel.start_requested.connect(self.start)
        panel.cancel_requested.connect(self.cancel)
        panel.keep_requested.connect(self.request_keep)
        desk.model_changed.connect(self._on_model)

    @property
    def running(self) -> bool:
        """Whether sliders are being looked for."""
        return self._job != 0

    def start(self) -> None:
        """Look for all sliders of the model in front."""
        opened = self._desk.current
        if opened is None or self._job:
            return
        self._model, self._name, self._shown = opened.name, "", -1.0
        self._had = {factor.name: factor for factor in opened.factors}
        self._forget()
        self._panel.set_running(True)
        self._panel.show_progress("", "Waiting…", 0.0)
        self._job = self._desk.worker.start_job(
            f"Finding sliders in {opened.name}",
            job("latentstudio.tasks.factors:find_steps", opened.model, FOUND_NAMES),
            on_step=self._on_step, on_end=self._on_end,
        )

    def cancel(self) -> None:
        """Ask the search to stop; what was found until then stays."""
        if self._job:
            self._desk.worker.cancel_job(self._job)

    def request_keep(self, names: tuple[str, ...]) -> None:
        """Write the sliders of these names into the user's folder; their cards appear with the others."""
        chosen = tuple(found.factor for found in self.findings if found.name in names and found.factor is not None)
        if chosen:
            work = partial(keep_all, chosen)
            self._desk.worker.request("keep found", work, partial(self._on_kept, self._model, names))

    def _forget(self) -> None:
        self.findings = ()
        self._kept = set()
        self._panel.show_findings(())
        self._panel.say("")

    def _on_model(self, opened: OpenModel) -> None:
        if opened.name != self._model and not self._job:
            self._forget()
        if opened.name in self._unread:
            self._unread.discard(opened.name)
            self._desk.reload_factors()

    def _on_step(self, step: JobStep) -> None:
        name = getattr(step.step, "name", "")
        self._take(getattr(step.step, "findings", ()))
        if name == self._name and 0.0 <= step.seconds - self._shown < SHOWN_EVERY:
            return
        self._name, self._shown = name, step.seconds
        told = (name, f"{step.step.fraction:.0%}", time_left_text(step.seconds_left))
        message = step.step.message.removeprefix(f"{name}: ")
        self._panel.show_progress(" · ".join(part for part in told if part), message, step.step.fraction)
        if step.step.preview is not None:
            self._panel.show_preview(step.step.preview)

    def _take(self, findings: tuple[Finding, ...]) -> None:
        if len(findings) > len(self.findings):
            self.findings = findings
            self._show()

    def _show(self) -> None:
        self._panel.show_findings(tuple(self._row(found) for found in self.findings))

    def _row(self, found: Finding) -> FoundRow:
        kept = found.name in self._kept
        reason = plain(found)
        had = self._had.get(found.name)
        worse = had is not None and found.factor is not None and found.factor.closeness > had.closeness
        if found.factor is not None and had is not None and not kept:
            better = ", which is better" if worse else ""
            reason += f" Takes the place of the slider you have (grade {had.grade}){better}."
        return FoundRow(found.name, found.grade, reason, found.factor is not None, found.usable and not worse, kept)

    def _on_end(self, end: JobEnd) -> None:
        self._job = 0
        self._take(getattr(end.last_step, "findings", ()))
        self._panel.set_running(False)
        count = sum(found.usable for found in self.findings)
        if end.outcome == "done":
            self._panel.say(f"{count} of {len(self.findings)} can be used in {self._model}.")
        elif end.outcome == "cancelled":
            tried = len(self.findings)
            left = f"{count} of the {tried} tried can be used" if tried else "nothing was found yet"
            self._panel.say(f"Cancelled; {left}.")
        elif isinstance(end.error, StudioError):
            self._panel.say(f"The search ended early: {end.error.sentence}", bad=True)
        else:
            self._panel.say(f"The search failed ({end.error}); this is a defect of the program.", bad=True)

    def _on_kept(self, model: str, names: tuple[str, ...], result: Result) -> None:
        if result.error is not None:
            self._desk.tell_error(result.error, doing="Keeping the sliders")
            return
        if model == self._model:
            self._kept |= set(names)
            self._show()
        current = self._desk.current
        if current is not None and current.name == model:
            self._desk.reload_factors()
        else:
            self._unread.add(model)
        self._desk.notice("good", f"Among the sliders of {model} now: {', '.join(names)}")
