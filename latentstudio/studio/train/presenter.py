"""Training from the window: a recipe put together, a run beside the window, its curves and samples, and going on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal

from latentstudio.engine import Result
from latentstudio.errors import StudioError
from latentstudio.steps import time_left_text
from latentstudio.studio.desk import Desk
from latentstudio.studio.train.panel import FASHION, OWN, SAMPLES, SPRITES, TrainPanel
from latentstudio.studio.train.process import CAN_PAUSE, TrainProcess
from latentstudio.training.recipe import shipped_recipe
from latentstudio.training.runs import (
    SAMPLES_FILE,
    TrainingRun,
    begin_run,
    logged_losses,
    newer_samples,
    recipe_values,
    shipped_recipes,
    unfinished_runs,
    with_values,
)

FIRST_RECIPE = "fashion-avae"
_LEADING = ("reconstruction", "loss", "latent", "critic")
_STOPPED = 130


class TrainPresenter(QObject):
    """One run at a time.

    Signals:
        finished(str): a model was trained; the library should look again.
    """

    finished = Signal(str)

    def __init__(self, desk: Desk, panel: TrainPanel, *, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._panel = panel
        self._looked = False
        self._waiting: dict[str, TrainingRun] = {}
        self._losses: dict[str, list[float]] = {}
        self._began: tuple[int, float] | None = None
        self._sentence = ""
        self._samples_time = 0
        self.run: TrainingRun | None = None
        self.process = TrainProcess(self)
        panel.seen.connect(self._on_seen)
        panel.source_chosen.connect(self._on_source)
        panel.model_chosen.connect(lambda name: self._set_data(f"samples:{name}"))
        panel.recipe_chosen.connect(self._on_recipe)
        panel.name_edited.connect(lambda name: self._change(name=name))
        panel.start_requested.connect(self.start)
        panel.go_on_requested.connect(self.go_on)
        panel.run.pause_requested.connect(self.toggle_pause)
        panel.run.stop_requested.connect(self.process.stop)
        panel.run.open_requested.connect(self._on_open)
        panel.run.loss_chosen.connect(lambda name: self._show_losses())
        self.process.told.connect(self._on_told)
        self.process.noted.connect(self._on_noted)
        self.process.ended.connect(self._on_ended)

    def use_folder(self, folder: Path) -> None:
        """Learn from the pictures in this folder."""
        self._desk.took_in(folder)
        self._panel.source.set_current(OWN)
        self._show_source(OWN)
        self._panel.folder.setText(f"{folder.name}   (another folder…)")
        self._set_data(str(folder))

    def start(self) -> None:
        """Begin a run with the recipe as it stands."""
        if self.process.running:
            self._panel.say("A run is under way: stop it first, it can go on later.")
            return
        data = recipe_values(self._panel.text.toPlainText()).get("data", "")
        if self._panel.source.current == OWN and (not data or not Path(data).is_dir()):
            self._panel.say("Choose the folder with your pictures first.")
            return
        self._panel.say("")
        self._desk.worker.request("train", partial(begin_run, self._panel.text.toPlainText()), self._on_begun)

    def go_on(self, name: str) -> None:
        """Go on with an unfinished run."""
        run = self._waiting.get(name)
        if run is not None and not self.process.running:
            self._launch(run)

    def toggle_pause(self) -> None:
        """Hold the run, or let it go on."""
        self.process.pause(not self.process.paused)
        self._panel.run.set_state(running=True, paused=self.process.paused)
        if self.process.paused:
            self._panel.run.set_progress(self._share, "paused", "")

    def close(self) -> None:
        """The window goes; the run keeps a checkpoint."""
        self.process.close()

    def _on_seen(self, seen: bool) -> None:
        if not seen:
            return
        self._request_list()
        if self._looked:
            return
        self._looked = True
        panel = self._panel
        panel.recipe.set_choices(shipped_recipes())
        panel.recipe.set_current(FIRST_RECIPE)
        panel.run.pause_button.setEnabled(CAN_PAUSE)
        self._on_recipe(FIRST_RECIPE)
        panel.source.set_current(OWN)
        self._show_source(OWN)

    def _request_list(self) -> None:
        self._desk.worker.request("runs", unfinished_runs, self._on_listed)

    def _on_listed(self, result: Result) -> None:
        if isinstance(result.value, tuple):
            self._waiting = {run.recipe.name: run for run in result.value}
            current = "" if self.run is None or not self.process.running else self.run.recipe.name
            self._panel.set_unfinished(tuple(
                (name, f"step {run.step:,} of {run.recipe.steps:,}") for name, run in self._waiting.items()
                if name != current))

    def _on_recipe(self, name: str) -> None:
        """The recipe that ships under this name, with one's own name and pictures put in."""
        try:
            text = shipped_recipe(name).read_text(encoding="utf-8")
        except (StudioError, OSError) as error:
            self._panel.say(error.sentence if isinstance(error, StudioError) else str(error))
            return
        before = recipe_values(self._panel.text.toPlainText())
        self._panel.text.setPlainText(text)
        mine = before.get("name") or f"my-{name}"
        self._panel.name.setText(mine)
        self._change(name=mine, data=before.get("data", ""))

    def _on_source(self, source: str) -> None:
        self._show_source(source)
        if source == FASHION:
            self._set_data("fashion-mnist")
        elif source == SPRITES:
            self._set_data("sprites")
        elif source == SAMPLES and self._panel.model.current:
            self._set_data(f"samples:{self._panel.model.current}")

    def _show_source(self, source: str) -> None:
        panel = self._panel
        panel.folder.setVisible(source == OWN)
        panel.model.setVisible(source == SAMPLES)
        if source == SAMPLES and not panel.model.choices:
            panel.model.set_choices(tuple(entry.name for entry in self._desk.catalogue.models if not entry.error))

    def _set_data(self, data: str) -> None:
        self._change(data=data)

    def _change(self, **values: str) -> None:
        text = with_values(self._panel.text.toPlainText(), values)
        if text != self._panel.text.toPlainText():
            self._panel.text.setPlainText(text)

    def _on_begun(self, result: Result) -> None:
        if isinstance(result.value, TrainingRun):
            self._launch(result.value)
        else:
            error = result.error
            self._panel.say(error.sentence if isinstance(error, StudioError) else f"it failed ({error})")

    def _launch(self, run: TrainingRun) -> None:
        self.run, self._began, self._sentence, self._samples_time = run, None, "", 0
        self._losses = {}
        self._panel.run.begin(run.recipe.name)
        self._desk.worker.request("train log", partial(logged_losses, run.folder), self._on_log)
        self.process.start(run)
        self._request_list()

    def _on_log(self, result: Result) -> None:
        if isinstance(result.value, dict):
            for name, values in result.value.items():
                self._losses[name] = [*values, *self._losses.get(name, [])]
            self._show_losses()
            self._request_samples()

    @property
    def _share(self) -> float:
        return self._panel.run.bar.value() / self._panel.run.bar.maximum()

    def _on_told(self, told: Mapping[str, object]) -> None:
        """A line of losses, or the answer; what it holds beside is passed over."""
        error = told.get("error")
        if isinstance(error, str):
            self._sentence = error
            return
        step, seconds, losses = told.get("step"), told.get("seconds"), told.get("losses")
        if self.run is None or "finished" in told or not isinstance(step, int) or not isinstance(losses, dict):
            return
        for name, value in losses.items():
            if isinstance(value, int | float):
                self._losses.setdefault(name, []).append(float(value))
        steps, left, pace = self.run.recipe.steps, "", ""
        if isinstance(seconds, int | float):
            if self._began is None:
                self._began = (step, float(seconds))
            made, spent = step - self._began[0], float(seconds) - self._began[1]
            if made > 0 and spent > 0:
                left, pace = time_left_text(spent / made * (steps - step)), f"   {made / spent:.1f} steps a second"
        self._panel.run.set_progress(step / steps, f"step {step:,} of {steps:,}{pace}", left)
        self._show_losses()
        self._request_samples()

    def _on_noted(self, sentence: str) -> None:
        if not sentence.startswith("step "):
            self._panel.run.say(sentence.removeprefix("latentstudio: "))

    def _show_losses(self) -> None:
        view, names = self._panel.run, tuple(self._losses)
        if not names:
            return
        if view.which.choices != names:
            chosen = view.which.current
            view.which.set_choices(names)
            leading = next((name for name in _LEADING if name in names), names[0])
            view.which.set_current(chosen if chosen in names else leading)
        name = view.which.current
        view.loss.set_losses(self._losses[name], title=f"{name}, log scale", counted="values")
        view.loss.show()
        view.which.show()

    def _request_samples(self) -> None:
        if self.run is not None:
            work = partial(newer_samples, self.run.folder / SAMPLES_FILE, self._samples_time)
            self._desk.worker.request("train samples", work, self._on_samples)

    def _on_samples(self, result: Result) -> None:
        if isinstance(result.value, tuple):
            self._samples_time, sheet = result.value
            self._panel.run.samples.set_sheet(np.asarray(sheet))
            self._panel.run.samples_words.show()

    def _on_ended(self, code: int) -> None:
        view, run = self._panel.run, self.run
        view.set_state(running=False, finished=code == 0)
        if run is None:
            return
        if code == 0:
            view.set_progress(1.0, f"finished; it stands in the library as {run.recipe.name}", "")
            self._desk.notice("good", f"{run.recipe.name} is trained")
            self.finished.emit(run.recipe.name)
        elif code == _STOPPED:
            view.set_progress(self._share, "stopped; it can go on from here", "")
        else:
            view.set_progress(self._share, "it ended before its time", "")
            view.say(self._sentence or "the training process ended without a word; the last checkpoint is kept")
        self._request_list()

    def _on_open(self) -> None:
        if self.run is not None:
            self._desk.request_model(self.run.recipe.name)
