"""Learning a slider in the window: a job, what it shows while it runs, its verdict, and keeping what came out."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal

from latentstudio.engine import JobEnd, JobStep, Result
from latentstudio.engine.loading import job
from latentstudio.errors import StorageError, StudioError
from latentstudio.factors import Factor
from latentstudio.factors.settings import LearnSettings
from latentstudio.factors.verdict import replacement, verdict_of
from latentstudio.pixels import BytePictures, grid
from latentstudio.steps import time_left_text
from latentstudio.studio.desk import Desk
from latentstudio.studio.learn.panel import LearnPanel
from latentstudio.tasks.draw import OpenModel
from latentstudio.tasks.learn import (
    EFFORTS,
    NEW_SEEDS,
    OWN_SUFFIX,
    STRIP_VALUES,
    Wanted,
    draw_new,
    findings_of,
    is_own,
    keep,
    left_over,
    settings_for,
    strip_labels,
)
from latentstudio.transformations import FACTS

BETWEEN_LOOKS = 0.2
"""Seconds between two previews: more often nobody sees, and painting them would take from the sliders."""


class LearnPresenter(QObject):
    """Runs one learning job at a time for the model in front.

    Signals:
        learned(Factor): a factor is there and was not kept yet.
        settled(Factor): it was kept, or thrown away.
        elsewhere_requested(): it could not be kept, and the user wants to choose another place.
    """

    learned = Signal(object)
    settled = Signal(object)
    elsewhere_requested = Signal()

    def __init__(
        self, desk: Desk, panel: LearnPanel, *, clock: Callable[[], float] = time.monotonic,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._desk, self._panel = desk, panel
        self._clock = clock
        self._job = 0
        self._opened: OpenModel | None = None
        self._losses: list[float] = []
        self._preview: BytePictures | None = None
        self._looked = 0.0
        self._rows: list[BytePictures] = []
        self._files: dict[str, Path] = {}
        self.factor: Factor | None = None
        self._choices = {facts.name: f"{facts.title}; {facts.range_text}" for facts in FACTS}
        panel.set_efforts({name: (said, settings_for(name)) for name, said in EFFORTS})
        panel.set_choices(tuple(self._choices.items()))
        panel.start_requested.connect(self._on_start)
        panel.cancel_requested.connect(self.cancel)
        panel.choice_changed.connect(self._request_left_over)
        panel.keep_requested.connect(self.request_keep)
        panel.discard_requested.connect(self.discard)
        desk.model_changed.connect(self._on_model)

    @property
    def running(self) -> bool:
        """Whether a factor is being learned."""
        return self._job != 0

    def use_file(self, path: Path) -> None:
        """Put somebody's own transformation among the choices and choose it; it is run when it is learned."""
        if self._job:
            self._desk.notice("info", "A slider is being learned; choose the file when that is done")
            return
        if not is_own(path.name):
            self._desk.notice("bad", f"{path.name} is no Python file; expected FILE.py with a transformation in it")
            return
        self._desk.took_in(path)
        self._files[path.name] = path
        self._choices[path.name] = f"Your own transformation in {path.name}; the file is run when you press Learn."
        self._panel.set_choices(tuple(self._choices.items()))
        self._panel.choose(path.name)

    def start(self, transformation: str, effort: str) -> None:
        """Learn the factor of a transformation from the model in front, with an effort's settings."""
        self._on_start(transformation, settings_for(effort), False)

    def cancel(self) -> None:
        """Ask the running job to stop."""
        if self._job:
            self._desk.worker.cancel_job(self._job)

    def request_keep(self) -> None:
        """Write the learned factor into the user's folder; its card appears with the others."""
        if self.factor is not None:
            self._desk.worker.request("keep", partial(keep, self.factor), partial(self._on_kept, self.factor))

    def show_learned(self, factor: Factor) -> None:
        """Show a verdict again that stood before; its factor can be kept."""
        current = self._desk.current
        self._opened = current if current is not None and current.name == factor.model else None
        self._show(factor)

    def discard(self) -> None:
        """Drop what was learned."""
        if self.factor is not None:
            self.settled.emit(self.factor)
        self.factor = None
        self._panel.verdict.hide()
        self._panel.message.setText("Discarded; nothing was kept.")

    def _on_start(self, transformation: str, settings: LearnSettings, goes_on: bool) -> None:
        opened = self._desk.current
        if opened is None or self._job:
            return
        self._opened, self.factor = opened, None
        self._losses, self._preview, self._looked = [], None, -BETWEEN_LOOKS
        self._panel.verdict.hide()
        self._panel.set_running(True)
        self._panel.message.setText("")
        self._panel.run_view.set_progress("", "Waiting…", 0.0, "")
        wanted = Wanted(str(self._files.get(transformation, transformation)), settings, goes_on)
        self._job = self._desk.worker.start_job(
            f"Learning {transformation.removesuffix(OWN_SUFFIX)}",
            job("latentstudio.tasks.factors:learn_wanted", opened.model, wanted),
            on_step=self._on_step,
            on_end=self._on_end,
        )

    def _request_left_over(self) -> None:
        opened, settings, name = self._desk.current, self._panel.settings, self._panel.what.current
        if opened is None or settings is None or self._job or is_own(name):
            return
        work = partial(left_over, opened.model.card, name, settings)
        self._desk.worker.request("records", work, partial(self._on_left_over, name, settings))

    def _on_left_over(self, name: str, settings: LearnSettings, result: Result) -> None:
        still = name == self._panel.what.current and settings == self._panel.settings
        if still and not self._job and self.factor is None and isinstance(result.value, str) and result.value:
            self._panel.set_resumable(result.value)

    def _on_model(self, opened: OpenModel) -> None:
        if self._job:
            return
        if self._opened is None or opened.name != self._opened.name:
            self.factor = None
            self._panel.verdict.hide()
            self._panel.message.setText("")
        self._panel.set_resumable("")
        self._request_left_over()

    def _on_step(self, step: JobStep) -> None:
        told = step.step
        if "loss" in told.metrics:
            self._losses.append(float(told.metrics["loss"]))
        if told.preview is not None:
            self._preview = told.preview
        now = self._clock()
        if now - self._looked < BETWEEN_LOOKS:
            return
        self._looked = now
        view = self._panel.run_view
        phase = str(getattr(told, "phase", "")) or "trajectories"
        view.set_progress(phase, told.message, told.fraction, time_left_text(step.seconds_left))
        view.set_losses(self._losses)
        if self._preview is not None:
            view.set_preview(self._preview)
            self._preview = None

    def _on_end(self, end: JobEnd) -> None:
        self._job = 0
        self._panel.set_running(False)
        self._panel.message.setText("")
        factor = getattr(end.last_step, "factor", None)
        if end.outcome == "done" and isinstance(factor, Factor):
            self._show(factor)
            self.learned.emit(factor)
        elif end.outcome == "cancelled":
            self._panel.message.setText("Cancelled; nothing was kept.")
            self._request_left_over()
        elif isinstance(end.error, StudioError):
            self._show_failure(end.error.sentence)
        else:
            self._show_failure(f"The learning failed ({end.error}).")

    def _show_failure(self, sentence: str) -> None:
        self._panel.verdict.set_findings(None)
        self._panel.show_verdict("Nothing was learned", sentence, keepable=False)

    def _show(self, factor: Factor) -> None:
        self.factor, self._rows = factor, []
        view = self._panel.verdict
        view.set_findings(findings_of(factor))
        present = None if self._opened is None else next(
            (known for known in self._opened.factors if known.name == factor.name), None
        )
        sentence = " ".join(filter(None, (verdict_of(factor), replacement(factor, present))))
        self._panel.show_verdict(f"{factor.name} · grade {factor.grade}", sentence, keepable=True)
        self._request_row(factor)

    def _request_row(self, factor: Factor) -> None:
        """One new sample a request, so that a slider that is being dragged comes in between."""
        if self._opened is not None:
            work = partial(draw_new, self._opened.model, factor, NEW_SEEDS[len(self._rows)])
            self._desk.worker.request("verdict", work, partial(self._on_row, factor))

    def _on_row(self, factor: Factor, result: Result) -> None:
        if self.factor is not factor:
            return
        if not isinstance(result.value, np.ndarray):
            self._desk.tell_error(result.error or RuntimeError("no answer"), doing="Drawing new samples")
            return
        self._rows.append(result.value)
        if len(self._rows) < len(NEW_SEEDS):
            self._request_row(factor)
            return
        sheet = grid(np.concatenate(self._rows), columns=STRIP_VALUES)
        self._panel.verdict.set_strip(sheet, strip_labels(factor))

    def _on_kept(self, factor: Factor, result: Result) -> None:
        if isinstance(result.error, StorageError):
            sentence = f"{result.error.sentence}; the slider {factor.name} is not lost, it can be kept later"
            self._desk.notice("bad", sentence, "Save elsewhere…", self.elsewhere_requested.emit)
            return
        if result.error is not None:
            self._desk.tell_error(result.error, doing="Keeping the slider")
            return
        self._panel.verdict.keep_button.hide()
        self._panel.verdict.discard_button.hide()
        self.settled.emit(factor)
        self._desk.reload_factors()
        self._desk.notice("good", f"The slider {result.value} is among the others now")
