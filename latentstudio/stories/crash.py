"""The crash story: a second process of the program is killed in the middle of a drag; its session comes back."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from latentstudio.errors import StudioError
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.places import user_factors
from latentstudio.readers import json_from
from latentstudio.stories.report import StoryReport
from latentstudio.studio.app import first_model

CHILD = "latentstudio.stories.crash_child"
DRAG_SECONDS = 2.5
START_SECONDS = 60.0
MOST_LOST_SECONDS = 1.0


def crash_story(out: Path, model: str | None = None) -> StoryReport:
    """Start, drag, kill -9, start again: what stands may be one second old at most.

    Raises:
        StudioError: the session did not come back, or is older.
    """
    catalogue = find_catalogue()
    entry = catalogue.model(model or first_model(catalogue))
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="latentstudio-crash-") as folder:
        home = Path(folder)
        if not entry.shipped:
            shutil.copytree(entry.folder, home / "data" / "models" / entry.name)
        if user_factors(entry.name).is_dir():
            shutil.copytree(user_factors(entry.name), home / "data" / "factors" / entry.name)
        moves = home / "moves.jsonl"
        killed = _drag_and_kill(home, moves, out, entry.name)
        found = _start_again(home, out, entry.name)
    lost, position = _judge(killed, found)
    pictures = tuple(sorted(out.glob("*-crash-*.png")))
    facts = {
        "model": entry.name,
        "moves_before_the_kill": len(killed["moves"]),
        "restored_position": position,
        "seconds_lost": round(lost, 3),
        "history_entries": found["entries"],
    }
    return StoryReport("crash", pictures, facts)


def _command(mode: str, home: Path, out: Path, model: str) -> tuple[list[str], dict[str, str]]:
    command = [sys.executable, "-m", CHILD, mode, str(out), model, str(home / "moves.jsonl")]
    return command, {**os.environ, "LATENTSTUDIO_HOME": str(home)}


def _drag_and_kill(home: Path, moves: Path, out: Path, model: str) -> dict[str, list[list[float]]]:
    command, environment = _command("drag", home, out, model)
    child = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)
    try:
        end = time.monotonic() + START_SECONDS
        while not moves.is_file() or moves.stat().st_size == 0:
            if child.poll() is not None or time.monotonic() > end:
                raise StudioError(f"the second process did not come to drag (exit code {child.poll()})")
            time.sleep(0.05)
        time.sleep(DRAG_SECONDS)
        if child.poll() is not None:
            raise StudioError(f"the second process ended by itself (exit code {child.returncode})")
    finally:
        child.kill()
        child.wait()
    now = time.time()
    lines = [line for line in moves.read_text(encoding="utf-8").splitlines() if line.endswith("]")]
    return {"moves": [json_from(line, list[float], StudioError) for line in lines], "killed": [[now]]}


def _start_again(home: Path, out: Path, model: str) -> dict[str, object]:
    command, environment = _command("report", home, out, model)
    run = subprocess.run(
        command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=START_SECONDS,
        check=False,
    )
    if run.returncode != 0:
        raise StudioError(f"the program did not start again ({run.stderr.strip().splitlines()[-1:]})")
    return json_from(run.stdout.strip().splitlines()[-1], dict[str, object], StudioError)


def _judge(killed: dict[str, list[list[float]]], found: dict[str, object]) -> tuple[float, float]:
    position = found["position"]
    if not isinstance(position, float) or not found["restored"]:
        raise StudioError("the session did not come back after the kill")
    moves = killed["moves"]
    last_time = moves[-1][0]
    times = [moment for moment, t in moves if abs(t - position) < 1e-9]
    if not times:
        raise StudioError(f"the restored position {position} was never one of the drag")
    lost = last_time - times[-1]
    if lost > MOST_LOST_SECONDS:
        raise StudioError(f"the restored session is {lost:.2f} s old", expected=f"at most {MOST_LOST_SECONDS} s")
    return lost, position
