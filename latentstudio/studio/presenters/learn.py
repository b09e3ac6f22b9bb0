"""Learning a slider in the window: a job, its live message, its verdict, and keeping what came out."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator
from functools import partial

from PySide6.QtCore import QObject, Signal

from latentstudio.engine import JobEnd, JobStep, Result
from latentstudio.errors import StorageError, StudioError
from latentstudio.factors import Factor, keep_factor
from latentstudio.factors.settings import LearnSettings
from latentstudio.generators.arriving import arriving
from latentstudio.generators.opening import Model
from latentstudio.steps import Step
from latentstudio.studio.panels.learn_panel import LearnPanel
from latentstudio.studio.presenters.curves import curves_of
from latentstudio.studio.presenters.desk import Desk
from latentstudio.studio.presenters.drawing import Opened

TRANSFORMATIONS = (
    ("x", "Move to the left and right, in pixels of the model's picture."),
    ("y", "Move up and down, in pixels of the model's picture."),
    ("scale", "Grow and shrink."),
    ("brightness", "Darker and brighter, in per cent of the luminance range."),
)
EFFORTS = (
    ("usual", "The settings that the shipped sliders were learned with."),
    ("quick", "A quick look: fewer starting points, a rougher axis."),
    ("thorough", "More starting points and targets; takes about three times as long."),
)
LEARNING = "latentstudio.factors.learning"

Learn = Callable[[Model, str, LearnSettings], Iterator[Step]]


def settings_for(effort: str) -> LearnSettings:
    """The settings of an effort: ``quick``, ``usual`` or ``thorough``."""
    usual = LearnSettings()
    if effort == "quick":
        return LearnSettings(starts=max(48, usual.starts // 4), targets=3, steps=8, judged=64)
    if effort == "thorough":
        return LearnSettings(starts=2 * usual.starts, targets=usual.targets + 2, steps=usual.steps + 6)
    return usual


def learn_steps(model: Model, transformation: str, settings: LearnSettings) -> Iterator[Step]:
    """The steps of learning; torch comes in here, in the worker, and not before."""
    yield Step(0.0, "loading the model for gradients")
    for _ in arriving("torch", LEARNING):
        yield Step(0.0, "loading the model for gradients")
    learning = importlib.import_module(LEARNING)
    yield from learning.learn_factor(model.guarded_generator, transformation=transformation, settings=settings)


class LearnPresenter(QObject):
    """Runs one learning job at a time for the model in front.

    Signals:
        learned(Factor): a factor is there and was not kept yet.
        settled(Factor): it was kept.
        elsewhere_requested(): it could not be kept, and the user wants to choose another place.
    """

    learned = Signal(object)
    settled = Signal(object)
    elsewhere_requested = Signal()

    def __init__(
        self, desk: Desk, panel: LearnPanel, *, learn: Learn = learn_steps, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._desk = desk
        self._panel = panel
        self._learn = learn
        self._job = 0
        self._model = ""
        self.factor: Factor | None = None
        panel.set_choices(TRANSFORMATIONS, EFFORTS)
        panel.start_requested.connect(self.start)
        panel.cancel_requested.connect(self.cancel)
        panel.keep_requested.connect(self.request_keep)
        desk.model_changed.connect(self._on_model)

    @property
    def running(self) -> bool:
        """Whether a factor is being learned."""
        return self._job != 0

    def start(self, transformation: str, effort: str) -> None:
        """Learn the factor of a transformation from the model in front."""
        opened = self._desk.current
        if opened is None or self._job:
            return
        self._model, self.factor = opened.name, None
        self._panel.verdict.hide()
        self._panel.set_running(True)
        self._panel.message.setText("Waiting for its turn…")
        self._job = self._desk.worker.start_job(
            f"Learning {transformation}",
            partial(self._learn, opened.model, transformation, settings_for(effort)),
            on_step=self._on_step,
            on_end=self._on_end,
        )

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
        self._model = factor.model
        self._show(factor)

    def _on_model(self, opened: Opened) -> None:
        if opened.name != self._model and not self._job:
            self._panel.verdict.hide()
            self._panel.message.setText("")

    def _on_step(self, step: JobStep) -> None:
        self._panel.message.setText(f"{step.step.message} · {step.step.fraction:.0%}")

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
        elif isinstance(end.error, StudioError):
            self._panel.show_verdict("Nothing was learned", end.error.sentence, False)
        else:
            self._panel.show_verdict("Nothing was learned", f"The learning failed ({end.error}).", False)

    def _show(self, factor: Factor) -> None:
        self.factor = factor
        self._panel.plot.set_curves(curves_of(factor))
        self._panel.show_verdict(f"{factor.name} · grade {factor.grade}", factor.describe(), True)

    def _on_kept(self, factor: Factor, result: Result) -> None:
        if isinstance(result.error, StorageError):
            sentence = f"{result.error.sentence}; the slider {factor.name} is not lost, it can be kept later"
            self._desk.notice("bad", sentence, "Save elsewhere…", self.elsewhere_requested.emit)
            return
        if result.error is not None:
            self._desk.tell_error(result.error, doing="Keeping the factor")
            return
        self._panel.keep_button.hide()
        self.settled.emit(factor)
        self._desk.reload_factors()
        self._desk.notice("good", f"The slider {result.value} is among the factors now")


def keep(factor: Factor) -> str:
    """Write the factor for this user (in the worker); answers its name."""
    keep_factor(factor)
    return factor.name
