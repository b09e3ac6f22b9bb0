"""What is done with a photo once it was found: tuning on it, the curve of likeness, the comparison."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from latentstudio.document.view import View
from latentstudio.document.workspace import Change
from latentstudio.engine import JobEnd, JobStep, Result
from latentstudio.errors import StudioError
from latentstudio.generators.tunings import Tuning, keep_tuning
from latentstudio.steps import Step
from latentstudio.studio.desk import Desk
from latentstudio.studio.photo.panel import PhotoPanel
from latentstudio.studio.widgets.job_strip import time_left_text
from latentstudio.tasks.drawing import Opened
from latentstudio.tasks.photo import (
    Concluded,
    CurveStep,
    Framed,
    TunedStep,
    comparing_steps,
    conclude_early,
    curve_steps,
    tuning_steps,
)

if TYPE_CHECKING:
    from latentstudio.studio.photo.presenter import PhotoPresenter


class PhotoExtras(QObject):
    """One job at a time, on the photo that is in front of ``photo``.

    Signals:
        ended(): a job has ended; whoever waits may go on.
    """

    ended = Signal()

    def __init__(self, desk: Desk, panel: PhotoPanel, photo: PhotoPresenter) -> None:
        super().__init__(photo)
        self._desk = desk
        self._panel = panel
        self._photo = photo
        self._job = 0
        self._tuning: Tuning | None = None
        self.tuning = ""
        panel.tune_requested.connect(self.request_tuning)
        panel.tuned_switched.connect(self.request_switch)
        panel.dial.measure_requested.connect(self.request_curve)
        panel.compare_requested.connect(self.request_comparison)
        desk.workspace.subscribe(self._on_change)

    @property
    def running(self) -> bool:
        """Whether one is under way."""
        return self._job != 0

    def cancel(self) -> None:
        """Stop; what was tuned until then is kept."""
        if self._job:
            self._desk.worker.cancel_job(self._job)

    def drop(self) -> None:
        """What still comes of the job is not wanted any more."""
        self._job = 0

    def forget(self) -> None:
        """Another photo is in front."""
        self.tuning = ""

    def take_tuning(self, view: View) -> None:
        """A session that was tuned on the photo in front came back."""
        self.tuning = view.tuning
        if view.tuning:
            self._panel.set_tuned("Tuned on this photo.", True)

    def request_tuning(self) -> None:
        """Tune a copy of the model's weights on the photo in front."""
        found = self._in_front()
        latent = self._photo.best
        if found is None or latent is None:
            return
        opened, framed = found
        self._tuning = None
        self._start(f"Tuning {opened.name} on {self._photo.photo_name}",
                    partial(tuning_steps, opened.model, framed, latent), self._on_tuned)

    def request_curve(self) -> None:
        """Measure what each place of the dial costs."""
        found, settings = self._in_front(), self._panel.settings()
        if found is not None and settings is not None:
            opened, framed = found
            self._start("What likeness costs", partial(curve_steps, opened.model, framed, settings), self._on_curve)

    def request_comparison(self) -> None:
        """Measure what the model reaches on its own samples, then judge the photo by it."""
        found = self._in_front()
        if found is not None:
            opened, _ = found
            self._start(f"The own samples of {opened.name}",
                        partial(comparing_steps, opened.model, self._photo.settings), self._on_compared)

    def request_switch(self, tuned: bool) -> None:
        """Draw with the tuned weights, or with the model's own."""
        view = self._desk.workspace.view
        if view is None or view.model != self._photo.model_name or not self.tuning:
            return
        wanted = view.with_tuning(self.tuning if tuned else "")
        if wanted != view:
            name = self._photo.photo_name
            self._desk.workspace.apply(wanted, f"tuned on {name}" if tuned else "the model's own weights")

    def _in_front(self) -> tuple[Opened, Framed] | None:
        """The model and the photo, where both are there and nothing else is under way."""
        opened, framed = self._desk.current, self._photo.framed
        if opened is None or framed is None or self._photo.running or opened.name != self._photo.model_name:
            return None
        return opened, framed

    def _start(self, title: str, steps: object, on_end: object) -> None:
        self._panel.set_running(True)
        self._job = self._desk.worker.start_job(
            title, steps, on_step=self._on_step, on_end=partial(self._on_end, on_end)  # type: ignore[arg-type]
        )

    def _on_step(self, step: JobStep) -> None:
        if step.id != self._job or not isinstance(step.step, Step):
            return
        left = time_left_text(step.seconds_left)
        self._panel.set_progress(step.step.fraction, f"{step.step.message}   {left}" if left else step.step.message)
        if isinstance(step.step, TunedStep):
            self._tuning = step.step.tuning if step.step.tuning is not None else self._tuning
        if isinstance(step.step, CurveStep) and step.step.points:
            self._panel.dial.set_curve(step.step.points)

    def _on_end(self, on_end: object, end: JobEnd) -> None:
        if end.id != self._job:
            return
        self._job = 0
        self._panel.set_running(False)
        assert callable(on_end)
        on_end(end)
        self.ended.emit()

    def _on_curve(self, end: JobEnd) -> None:
        if end.error is not None:
            self._desk.tell_error(end.error, doing="Measuring what likeness costs")
        elif isinstance(end.last_step, CurveStep):
            self._panel.dial.set_curve(end.last_step.points)

    def _on_compared(self, end: JobEnd) -> None:
        if end.error is not None:
            self._desk.tell_error(end.error, doing="Comparing")
            return
        opened, framed, latent = self._desk.current, self._photo.framed, self._photo.best
        if end.outcome != "cancelled" and opened is not None and framed is not None and latent is not None:
            work = partial(conclude_early, opened.model, framed, self._photo.settings, latent)
            self._desk.worker.request("photo verdict", work, self._on_judged)

    def _on_judged(self, result: Result) -> None:
        if isinstance(result.value, Concluded):
            self._photo.show_card(result.value)
        elif result.error is not None:
            self._desk.tell_error(result.error, doing="Comparing")

    def _on_tuned(self, end: JobEnd) -> None:
        if end.error is not None:
            self._desk.tell_error(end.error, doing="Tuning")
        elif self._tuning is None:
            self._panel.say(("cancelled before anything was tuned",))
        else:
            mse = getattr(end.last_step, "mse", float("nan"))
            self._desk.worker.request("tuned", partial(keep_tuning, self._tuning), partial(self._on_tuning_kept, mse))

    def _on_tuning_kept(self, mse: float, result: Result) -> None:
        """One entry of the history: undo goes back to the model's own weights."""
        if result.error is not None or self._tuning is None:
            error = result.error or StudioError("the tuning was lost")
            self._desk.tell_error(error, doing="Keeping the tuning")
            return
        self.tuning = self._tuning.sha256
        self._panel.set_tuned(f"Tuned on this photo: squared error {mse:.4f}.", True)
        view, latent = self._desk.workspace.view, self._photo.best
        if view is not None and view.model == self._photo.model_name and latent is not None:
            self._desk.workspace.apply(view.with_tuning(self.tuning), f"tuned on {self._photo.photo_name}")

    def _on_change(self, change: Change) -> None:
        if change.new is not None and self.tuning:
            self._panel.tuned.setChecked(change.new.tuning == self.tuning)
