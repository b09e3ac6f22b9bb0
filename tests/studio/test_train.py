"""The panel Train: a recipe put together, one run at a time, and every end that a run can have."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import pytest
import torch
from PySide6.QtCore import QObject, Signal
from safetensors.torch import save_file

from latentstudio.studio.train import presenter as module
from latentstudio.studio.train.panel import FASHION, OWN, SAMPLES, TrainPanel
from latentstudio.studio.train.presenter import TrainPresenter
from latentstudio.studio.train.process import TrainProcess
from latentstudio.training.runs import TrainingRun, recipe_values, runs_folder, with_values

TEXT = """name = "mine"
method = "vae"
backend = "avae"
data = "sprites"
steps = 1000

[config]
side = 16
"""


class FakeProcess(QObject):
    """A run that does what the test says."""

    told = Signal(object)
    noted = Signal(str)
    ended = Signal(int)

    def __init__(self, parent=None):
        super().__init__(parent)
        self.started = []
        self.running = self.paused = False

    def start(self, run):
        self.started.append(run)
        self.running = True

    def pause(self, paused):
        self.paused = paused

    def stop(self):
        self.end(130)

    def close(self):
        self.running = False

    def end(self, code):
        self.running = False
        self.ended.emit(code)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("LATENTSTUDIO_HOME", str(tmp_path / "home"))


@pytest.fixture
def view(desk, worker, qtbot, monkeypatch):
    monkeypatch.setattr(module, "TrainProcess", FakeProcess)
    panel = TrainPanel()
    qtbot.addWidget(panel)
    presenter = TrainPresenter(desk, panel)
    panel.seen.emit(True)
    worker.work()
    return SimpleNamespace(presenter=presenter, panel=panel, process=presenter.process)


def begin(view, worker, text=TEXT):
    view.panel.source.set_current(FASHION)
    view.panel.text.setPlainText(text)
    view.panel.start_button.click()
    worker.work()
    return view.process.started[-1] if view.process.started else None


def values(view):
    return recipe_values(view.panel.text.toPlainText())


def test_choices_stand_in_the_recipe(view, tmp_path):
    assert values(view)["name"] == "my-fashion-avae" == view.panel.name.text()
    view.presenter.use_folder(tmp_path)
    assert values(view)["data"] == str(tmp_path)
    assert view.panel.folder.text().startswith(tmp_path.name)
    view.panel.source_chosen.emit(FASHION)
    assert values(view)["data"] == "fashion-mnist"
    assert view.panel.folder.isHidden()
    view.panel.source_chosen.emit(SAMPLES)
    assert not view.panel.model.isHidden()
    view.panel.model_chosen.emit("one")
    assert values(view)["data"] == "samples:one"
    view.panel.name.setText("cats")
    view.panel.name_edited.emit("cats")
    view.panel.recipe_chosen.emit("fashion-vae")
    assert (values(view)["name"], values(view)["data"], values(view)["method"]) == ("cats", "samples:one", "vae")


def test_without_a_folder_nothing_starts(view, worker):
    view.panel.source.set_current(OWN)
    view.panel.start_button.click()
    worker.work()
    assert view.panel.mistake.text() == "Choose the folder with your pictures first."
    assert view.process.started == []


@pytest.mark.parametrize(("text", "said"), [
    (TEXT.replace("steps", "stops"), "not a valid recipe"), (with_values(TEXT, {"name": "A B"}), "small letters"),
    ("[broken", "not a valid recipe"),
])
def test_a_recipe_that_is_none_is_said_and_nothing_starts(view, worker, text, said):
    assert begin(view, worker, text) is None
    assert said in view.panel.mistake.text()
    assert not runs_folder().exists()


def test_a_run_shows_its_losses_pace_and_samples_and_ends_in_the_library(view, worker, qtbot):
    run = begin(view, worker)
    assert isinstance(run, TrainingRun)
    card = view.panel.run
    for step, seconds in ((100, 2.0), (200, 4.0)):
        view.process.told.emit({"step": step, "seconds": seconds, "losses": {"loss": 9.0, "reconstruction": 3.0}})
        worker.work()
    assert card.message.text() == "step 200 of 1,000   50.0 steps a second"
    assert card.share.text().startswith("20% · ")
    assert card.which.current == "reconstruction"
    assert card.loss.count == 2
    with qtbot.waitSignal(view.presenter.finished) as caught:
        view.process.told.emit({"name": "mine", "step": 1000, "finished": True, "losses": None})
        view.process.end(0)
    assert caught.args == ["mine"]
    assert not card.open_button.isHidden()
    assert card.stop_button.isHidden()


def test_pause_stop_and_go_on(view, worker):
    run = begin(view, worker)
    card = view.panel.run
    card.pause_button.click()
    assert (view.process.paused, card.message.text(), card.pause_button.text()) == (True, "paused", "Continue")
    assert not card.stop_button.isEnabled()
    card.pause_button.click()
    assert not view.process.paused
    save_file({"weights/a": torch.zeros(1)}, run.folder / "checkpoint.safetensors", metadata={"step": "300"})
    card.stop_button.click()
    worker.work()
    assert card.message.text() == "stopped; it can go on from here"
    assert not view.panel.unfinished.isHidden()
    (run.folder / "log.jsonl").write_text(json.dumps({"step": 100, "seconds": 1.0, "loss": 4.0}) + "\n")
    view.panel.go_on_requested.emit("mine")
    worker.work()
    assert len(view.process.started) == 2
    assert view.process.started[-1].step == 300
    assert card.loss.count == 1


def test_a_failure_is_told_with_its_sentence_and_the_run_can_go_on(view, worker):
    begin(view, worker)
    view.process.told.emit({"error": "the loss 'critic' is not finite at step 7"})
    view.process.end(2)
    worker.work()
    assert view.panel.run.notes.text() == "the loss 'critic' is not finite at step 7"
    assert not view.panel.unfinished.isHidden()
    view.panel.go_on_requested.emit("mine")
    view.process.end(-1)
    assert "without a word" in view.panel.run.notes.text()


def test_one_run_at_a_time(view, worker):
    begin(view, worker)
    begin(view, worker, with_values(TEXT, {"name": "second"}))
    assert len(view.process.started) == 1
    assert "under way" in view.panel.mistake.text()


def test_notes_of_the_run_are_shown_but_not_its_progress(view, worker):
    begin(view, worker)
    view.process.noted.emit("latentstudio: 3 files were skipped")
    view.process.noted.emit("step 400 of 1,000  3 s, about 1 min left")
    assert view.panel.run.notes.text() == "3 files were skipped"


def test_the_real_process_passes_lines_on_and_says_how_it_ended(qtbot, tmp_path, monkeypatch):
    """A script stands in for the program: half a line at a time, a note, and an end by SIGTERM."""
    script = tmp_path / "python"
    script.write_text(f"""#!{sys.executable}
import signal, sys, time
signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(130))
sys.stdout.write('{{"step": 1, "sec'); sys.stdout.flush(); time.sleep(0.05)
print('onds": 2.0}}\\nnot json\\n[1]', flush=True)
print("a note", file=sys.stderr, flush=True)
assert "--beside" in sys.argv and "--resume" in sys.argv
time.sleep(60)
""")
    script.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(script))
    process = TrainProcess()
    told, noted = [], []
    process.told.connect(told.append)
    process.noted.connect(noted.append)
    run = SimpleNamespace(folder=tmp_path, out=tmp_path / "out")
    process.start(run)
    qtbot.waitUntil(lambda: bool(told) and bool(noted), timeout=20_000)
    assert told == [{"step": 1, "seconds": 2.0}]
    assert noted == ["a note"]
    process.pause(True)
    assert process.paused
    with qtbot.waitSignal(process.ended, timeout=20_000) as caught:
        process.stop()
    assert caught.args == [130]
    assert not process.running


def test_a_program_that_is_not_there_is_an_end_too(qtbot, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nothing"))
    process = TrainProcess()
    with qtbot.waitSignal(process.ended, timeout=20_000) as caught:
        process.start(SimpleNamespace(folder=tmp_path, out=tmp_path))
    assert caught.args == [-2]
