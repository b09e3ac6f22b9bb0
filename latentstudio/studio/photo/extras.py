"""What is done with a photo once it was found: tuning on it, the curve of likeness, the comparison."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, Signal

from latentstudio.document.view import View
from latentstudio.document.workspace import Change
from latentstudio.engine import JobEnd, JobStep, Result
from latentstudio.engine.loading import call, job
from latentstudio.errors import StudioError
from latentstudio.generators.tunings import Tuning, keep_tuning
from latentstudio.inversion.results import LikenessStep, TuningStep
from latentstudio.inversion.settings import InversionSettings
from latentstudio.steps import Step, time_left_text
from latentstudio.studio.desk import Desk
from latentstudio.studio.photo.panel import PhotoPanel
from latentstudio.tasks.draw import OpenModel
from latentstudio.tasks.photo import Concluded, Framed, PhotoStep


@dataclass(frozen=True)
class PhotoInFront:
    """The photo that everything here is done with, and the model that it was looked for in.

    ``last`` has the best latent so far; None before there is one. ``busy`` while something is being done with it.
    """

    name: str
    opened: OpenModel
    framed: Framed
    settings: InversionSettings
    last: PhotoStep | None
    busy: bool = False


class PhotoExtras(QObject):
    """One job at a time, on the photo in front.

    Args:
        in_front: that photo; None while there is none, or another model is in front.

    Signals:
        ended(): a job has ended; whoever waits may go on.
        judged(Concluded): there is more to say of the photo.
    """

    ended = Signal()
    judged = Signal(object)

    def __init__(
        self, desk: Desk, panel: PhotoPanel, in_front: Callable[[], PhotoInFront | None], *, parent: QObject
    ) -> None:
        super().__init__(parent)
        self._desk = desk
        self._panel = panel
        self._in_front = in_front
        self._photo: PhotoInFront | None = None  # what the last job was about
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
        photo = self._in_front()
        if photo is not None and photo.last is not None and not photo.busy:
            self._tuning = None
            self._start(photo, f"Tuning {photo.opened.name} on {photo.name}",
                        job("latentstudio.tasks.invert:tune", photo.opened.model, photo.framed, photo.last.latent),
                        self._on_tuned)

    def request_curve(self) -> None:
        """Measure what each place of the dial costs."""
        photo, settings = self._in_front(), self._panel.settings()
        if photo is not None and settings is not None and not photo.busy:
            steps = job("latentstudio.tasks.invert:measure_curve", photo.opened.model, photo.framed, settings)
            self._start(photo, "What likeness costs", steps, self._on_curve)

    def request_comparison(self) -> None:
        """Measure what the model reaches on its own samples, then judge the photo by it."""
        photo = self._in_front()
        if photo is not None and not photo.busy:
            self._start(photo, f"The own samples of {photo.opened.name}",
                        job("latentstudio.tasks.invert:compare", photo.opened.model, photo.settings,
                            conditions=photo.framed.conditions),
                        self._on_compared)

    def request_switch(self, tuned: bool) -> None:
        """Draw with the tuned weights, or with the model's own."""
        view, photo = self._desk.workspace.view, self._in_front()
        if view is None or photo is None or view.model != photo.opened.name or not self.tuning:
            return
        wanted = view.with_tuning(self.tuning if tuned else "")
        if wanted != view:
            self._desk.workspace.apply(wanted, f"tuned on {photo.name}" if tuned else "the model's own weights")

    def _start(
        self, photo: PhotoInFront, title: str, steps: Iterator[Step], on_end: Callable[[JobEnd], None]
    ) -> None:
        self._photo = photo
        self._panel.set_running(True)
        self._job = self._desk.worker.start_job(
            title, steps, on_step=self._on_step, on_end=partial(self._on_end, on_end)
        )

    def _on_step(self, step: JobStep) -> None:
        if step.id != self._job:
            return
        told, left = step.step, time_left_text(step.seconds_left)
        self._panel.set_progress(told.fraction, f"{told.message}   {left}" if left else told.message)
        if isinstance(told, TuningStep):
            newest = told.tuning if told.result is None else told.result.tuning
            self._tuning = newest if newest is not None else self._tuning
        if isinstance(told, LikenessStep) and told.points:
            self._show_curve(told)

    def _show_curve(self, told: LikenessStep) -> None:
        self._panel.dial.set_curve(tuple((point.likeness, point.mse) for point in told.points))

    def _on_end(self, on_end: Callable[[JobEnd], None], end: JobEnd) -> None:
        if end.id != self._job:
            return
        self._job = 0
        self._panel.set_running(False)
        on_end(end)
        self.ended.emit()

    def _on_curve(self, end: JobEnd) -> None:
        if end.error is not None:
            self._desk.tell_error(end.error, doing="Measuring what likeness costs")
        elif isinstance(end.last_step, LikenessStep):
            self._show_curve(end.last_step)

    def _on_compared(self, end: JobEnd) -> None:
        if end.error is not None:
            self._desk.tell_error(end.error, doing="Comparing")
            return
        photo = self._photo
        if end.outcome != "cancelled" and photo is not None and photo.last is not None:
            work = partial(call, "latentstudio.tasks.invert:conclude", photo.opened.model, photo.framed,
                           photo.settings, photo.last, held_out=getattr(end.last_step, "held_out", None))
            self._desk.worker.request("photo verdict", work, self._on_judged)

    def _on_judged(self, result: Result) -> None:
        if isinstance(result.value, Concluded):
            self.judged.emit(result.value)
        elif result.error is not None:
            self._desk.tell_error(result.error, doing="Comparing")

    def _on_tuned(self, end: JobEnd) -> None:
        if end.error is not None:
            self._desk.tell_error(end.error, doing="Tuning")
        elif self._tuning is None:
            self._panel.say(("cancelled before anything was tuned",))
        else:
            last = end.last_step
            told = last if not isinstance(last, TuningStep) or last.result is None else last.result
            mse = getattr(told, "mse", float("nan"))
            self._desk.worker.request("tuned", partial(keep_tuning, self._tuning), partial(self._on_tuning_kept, mse))

    def _on_tuning_kept(self, mse: float, result: Result) -> None:
        """One entry of the history: undo goes back to the model's own weights."""
        if result.error is not None or self._tuning is None:
            error = result.error or StudioError("the tuning was lost")
            self._desk.tell_error(error, doing="Keeping the tuning")
            return
        self.tuning = self._tuning.sha256
        self._panel.set_tuned(f"Tuned on this photo: squared error {mse:.4f}.", True)
        view, photo = self._desk.workspace.view, self._photo
        if view is not None and photo is not None and view.model == photo.opened.name:
            self._desk.workspace.apply(view.with_tuning(self.tuning), f"tuned on {photo.name}")

    def _on_change(self, change: Change) -> None:
        if change.new is not None and self.tuning:
            self._panel.tuned.setChecked(change.new.tuning == self.tuning)
