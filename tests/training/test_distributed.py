"""Two processes under torchrun train as one with twice the batch would."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from latentstudio.errors import TrainingError
from latentstudio.training.distributed import ALONE, Processes

SCRIPT = """
import json, sys
from pathlib import Path
import torch
from torch import nn
from latentstudio.training.method import OneLoss
from latentstudio.training.loop import Surroundings, train_method
from latentstudio.training.recipe import Recipe
from latentstudio.training.distributed import joined

folder = Path(sys.argv[1])
recipe = Recipe("toy", "m", "b", "d", steps=30, batch=16, learning_rate=1e-2, checkpoint_every=10,
                mixed_precision=False)

def batch(step):
    return torch.randn(16, 1, 8, 8, generator=torch.Generator().manual_seed(step))

class Method(OneLoss):
    def advance(self, turn):
        noisy = turn.images + 0.1 * turn.normal(64).view(-1, 1, 8, 8)
        error = (self.network(noisy).flatten(1).mean(1) - turn.images.flatten(1).std(1)).square().mean()
        turn.minimise(error, self.optimisers[0])
        return {"loss": error}

torch.manual_seed(0)
network = nn.Sequential(nn.Conv2d(1, 8, 3), nn.Tanh(), nn.Conv2d(8, 1, 3))
with joined() as processes:
    steps = train_method(recipe, Method(recipe, network, None), batch, Surroundings(folder, processes=processes))
    losses = [step.metrics["loss"] for step in steps]
    if processes.writes:
        (folder / "losses.json").write_text(json.dumps([processes.size, losses]))
tasks = Path("/proc/self/task")
names = [(task / "comm").read_text().strip() for task in tasks.iterdir()] if tasks.is_dir() else []
assert not [name for name in names if "gloo" in name], f"threads of the group outlive it: {names}"
"""


def curve(folder: Path, script: Path, *launcher: str) -> tuple[int, list[float]]:
    folder.mkdir()
    surroundings = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, *launcher, str(script), str(folder)], env=surroundings, timeout=200,
                          capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    size, losses = json.loads((folder / "losses.json").read_text())
    return size, losses


def test_two_processes_give_the_curve_of_one_with_twice_the_batch(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    one, alone = curve(tmp_path / "one", script)
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2")
    two, together = curve(tmp_path / "two", script, *launcher)
    assert (one, two) == (1, 2)
    assert alone[-1] < 0.5 * alone[0]
    assert together == pytest.approx(alone, rel=1e-3)
    assert (tmp_path / "two" / "checkpoint.safetensors").is_file()


def test_a_batch_is_shared_without_rest() -> None:
    batch = torch.arange(6)
    assert torch.equal(ALONE.share(batch), batch)
    assert Processes(0, 2).share(batch).tolist() == [0, 2, 4]
    assert Processes(1, 2).share(batch).tolist() == [1, 3, 5]
    with pytest.raises(TrainingError, match="batch of 6 for 4 processes"):
        Processes(0, 4).share(batch)
