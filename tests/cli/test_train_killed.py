"""An adversarial training that is killed again and again ends with the weights of an uninterrupted one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

from latentstudio.training.checkpoint import CHECKPOINT_FILE, load_checkpoint

KILLS = 10
STEPS = 400
RECIPE = f"""
name = "killed"
method = "avae"
backend = "avae"
data = "samples:sprites-b10"
steps = {STEPS}
batch = 4
learning_rate = 1e-3
checkpoint_every = 3

[config]
side = 16
channels = 1
latent_size = 4
width = 4

[settings]
vae_steps = 100
"""
WORK = """
import sys
from pathlib import Path
from latentstudio.training.train import train_recipe
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.training.pictures import PictureSet
from latentstudio.training.recipe import read_recipe
import numpy as np

pictures = np.random.default_rng(0).integers(0, 256, (64, 1, 16, 16)).astype(np.uint8)
recipe, folder = read_recipe(Path(sys.argv[1])), Path(sys.argv[2])
for step in train_recipe(recipe, folder, catalogue=find_catalogue(), resume=True,
                           pictures=PictureSet(pictures, pictures[:8])):
    pass
"""


def _run(recipe: Path, folder: Path, home: Path) -> subprocess.Popen[str]:
    folder.mkdir(exist_ok=True)
    surroundings = {**os.environ, "LATENTSTUDIO_HOME": str(home), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([sys.executable, "-c", WORK, str(recipe), str(folder)], env=surroundings,
                            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)


def _wait_for_step(folder: Path, step: int, process: subprocess.Popen[str]) -> None:
    """Until the checkpoint is that far, or the process has ended."""
    while process.poll() is None:
        checkpoint = load_checkpoint(folder) if (folder / CHECKPOINT_FILE).exists() else None
        if checkpoint is not None and checkpoint.step >= step:
            return
        time.sleep(0.002)  # another process is watched: there is no signal to wait for


def test_an_avae_killed_at_random_moments_ends_with_the_same_weights(home: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.toml"
    recipe.write_text(RECIPE, encoding="utf-8")
    with _run(recipe, tmp_path / "whole", home) as first:
        assert first.wait(timeout=240) == 0, first.stderr.read()
    source, kills = random.Random(3), 0
    for moment in sorted(source.randrange(3, STEPS - 60) for _ in range(KILLS)):
        with _run(recipe, tmp_path / "cut", home) as running:
            _wait_for_step(tmp_path / "cut", moment, running)
            time.sleep(source.uniform(0.0, 0.05))
            if running.poll() is None:
                running.send_signal(signal.SIGKILL)
                kills += 1
    assert kills == KILLS
    with _run(recipe, tmp_path / "cut", home) as last:
        assert last.wait(timeout=240) == 0, last.stderr.read()
    whole, cut = load_checkpoint(tmp_path / "whole"), load_checkpoint(tmp_path / "cut")
    assert whole is not None
    assert cut is not None
    assert whole.step == cut.step == STEPS
    one, other = {**whole.weights, **whole.optimiser}, {**cut.weights, **cut.optimiser}
    assert one.keys() == other.keys()
    assert all(bool((one[name] == other[name]).all()) for name in one)
