"""A learning run that is killed again and again ends with the factor file of an uninterrupted one."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

KILLS = 10
QUICK = (
    "--starts", "48", "--targets", "2", "--damped-steps", "1", "--batch", "8", "--judged", "16", "--refined", "0",
    "--epochs", "5",
)


def _command(out: Path, records: Path, *more: str) -> list[str]:
    return [sys.executable, "-m", "latentstudio", "factors", "learn", "sprites-b10", "--factor", "x", "--out", str(out),
            "--records", str(records), *QUICK, *more]


def _run(command: list[str], home: Path) -> subprocess.Popen[str]:
    surroundings = {**os.environ, "LATENTSTUDIO_HOME": str(home), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, env=surroundings, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, text=True)


def _wait_for_batches(folder: Path, count: int, process: subprocess.Popen[str]) -> None:
    """Until that many batches lie there, or the process has ended."""
    while process.poll() is None and len(list(folder.glob("batch-*.safetensors"))) < count:
        time.sleep(0.002)  # another process is watched: there is no signal to wait for


def test_a_run_killed_at_random_moments_ends_with_the_same_file(home, tmp_path):
    whole, resumed = tmp_path / "whole.safetensors", tmp_path / "resumed.safetensors"
    with _run(_command(whole, tmp_path / "whole"), home) as first:
        assert first.wait(timeout=240) == 0, first.stderr.read()
    source, records, kills = random.Random(5), tmp_path / "records", 0
    moments = sorted(source.randrange(0, 12) for _ in range(KILLS))
    for moment in moments:
        with _run(_command(resumed, records, "--resume"), home) as running:
            _wait_for_batches(records, moment, running)
            time.sleep(source.uniform(0.0, 0.02))
            if running.poll() is None:
                running.send_signal(signal.SIGKILL)
                kills += 1
    assert kills == KILLS
    assert not resumed.exists()
    with _run(_command(resumed, records, "--resume"), home) as last:
        assert last.wait(timeout=240) == 0, last.stderr.read()
    assert resumed.read_bytes() == whole.read_bytes()
