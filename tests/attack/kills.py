"""``make kills``: kill -9 at random moments of drag, save, learn and train, and a start after each.

After every kill the program is started again. It must come back; of what was edited at most a second may be missing; no
file of ours may be there that does not open; and what was half written must be gone once the program is at work again.
A kill may fall into the start as well as into the work.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from PIL import Image

from latentstudio.document.picture_recipe import read_recipe
from latentstudio.document.session_file import read_session
from latentstudio.errors import StudioError
from latentstudio.factors import read_factor
from latentstudio.generators.weights import check_safetensors
from latentstudio.pixels import read_picture
from latentstudio.training.runs import read_run
from tests.attack.worker import surroundings

ROOT = Path(__file__).resolve().parents[2]
START = 180.0  # seconds of the clock until a start counts as failed
MOST_LOST = 1.0
COUNT, SEED = 100, 1
LEARN = ("--starts", "96", "--targets", "2", "--damped-steps", "1", "--batch", "8", "--judged", "16", "--refined", "0",
         "--epochs", "5")
RECIPE = """
name = "killed"
method = "avae"
backend = "avae"
data = "DATA"
steps = 5000
batch = 4
checkpoint_every = 5

[config]
side = 16
channels = 1
latent_size = 4
width = 4

[settings]
vae_steps = 100
"""


@dataclass
class Tally:
    """What came of the kills of one kind."""

    kills: int = 0
    came_back: int = 0
    early: int = 0
    worst: float = 0.0
    half: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether everything held."""
        return self.came_back == self.kills and not (self.half or self.left or self.said)


class Play:
    """One kind of work in a folder of its own: how it starts, when it is at work, and what must hold afterwards."""

    edits = False  # whether what is lost counts as editing

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = surroundings(folder) | {"PYTHONPATH": str(ROOT)}
        self.log = folder / "log.jsonl"
        self.tag = 0
        self.prepare()

    def prepare(self) -> None:
        """What has to be there before the first start."""

    def command(self) -> list[str]:
        """What is started."""
        raise NotImplementedError

    def at_work(self) -> bool:
        """Whether the newest process works, as its files tell."""
        raise NotImplementedError

    def lost(self, when: float) -> float:
        """Seconds of work that a kill at this moment cost."""
        raise NotImplementedError

    def after_start(self) -> str:
        """What is wrong with what came back; empty for nothing."""
        return ""

    def check(self) -> list[str]:
        """Files that do not open."""
        return []

    def opens(self, path: Path, read: Callable[[Path], object]) -> list[str]:
        """The file's name and what is wrong, where it is there and does not open."""
        if not path.exists():
            return []
        try:
            read(path)
        except StudioError as problem:
            return [problem.sentence]
        return []


class Drag(Play):
    """A hand that drags in the real window."""

    edits = True

    def prepare(self) -> None:
        self.before: list[list[float]] = []

    def command(self) -> list[str]:
        self.log = self.folder / f"moves-{self.tag}.jsonl"
        return [sys.executable, "-m", "tests.attack.kill_child", "drag", str(self.log), str(self.tag)]

    def at_work(self) -> bool:
        return len(_lines(self.log)) > 2

    def lost(self, when: float) -> float:
        self.before = _lines(self.log) or self.before  # killed before the window stood: what stood before comes back
        return 0.0

    def after_start(self) -> str:
        """Which of the moves came back; its age is what was lost."""
        self.age = 0.0
        told = _lines(self.log)
        if not told or not self.before:
            return ""
        position = told[0][1]
        times = moments(self.before, position)
        if not times:
            return f"the position {position} that came back was never one of the drag"
        self.age = self.before[-1][0] - times[-1]
        return f"{self.age:.2f} s of the drag are lost" if self.age > MOST_LOST else ""

    def check(self) -> list[str]:
        slot = self.folder / "home" / "state" / "sessions" / "slot-0"
        broken = [path.name for path in slot.glob("*.broken")]
        for name in ("session.json", "history.json"):
            try:
                json.loads((slot / name).read_bytes())
            except FileNotFoundError:
                continue
            except ValueError:
                broken.append(name)
        return broken


class Save(Play):
    """Files that are saved by the dozen."""

    edits = True

    def prepare(self) -> None:
        self.out = self.folder / "out" / "saved"
        self.out.mkdir(parents=True)

    def command(self) -> list[str]:
        return [sys.executable, "-m", "tests.attack.kill_child", "save", str(self.log), str(self.tag), str(self.out)]

    def at_work(self) -> bool:
        return len([line for line in _lines(self.log) if line[2] >= 1_000_000 * (self.tag + 1)]) >= 3

    def lost(self, when: float) -> float:
        """What was said to be saved has to be there: nothing may be lost at all."""
        newest = {name: number for _, name, number in _lines(self.log)}
        found = {name: self._number(self.out / name) for name in newest}
        behind = [name for name, number in newest.items() if found[name] < number]
        return float("inf") if behind else 0.0

    def _number(self, path: Path) -> int:
        try:
            view = read_session(path).session.view if path.suffix == ".latentstudio" else read_recipe(path).view
            return view.seed or 0
        except StudioError:
            return -1

    def check(self) -> list[str]:
        pictures = [self.out / "b.png", self.out / "c.png"]
        return [*self.opens(self.out / "a.latentstudio", read_session),
                *(said for path in pictures for read in (read_recipe, read_picture) for said in self.opens(path, read))]


class Learn(Play):
    """``factors learn`` with its records."""

    def prepare(self) -> None:
        self.round, self.seen = 0, 0

    def command(self) -> list[str]:
        self.out = self.folder / f"factor-{self.round}.safetensors"
        self.records = self.folder / f"records-{self.round}"
        self.seen = len(self._batches())
        return [sys.executable, "-m", "latentstudio", "factors", "learn", "sprites-b10", "--factor", "x", "--out",
                str(self.out), "--records", str(self.records), "--resume", *LEARN]

    def _batches(self) -> list[Path]:
        return sorted(self.records.glob("**/batch-*.safetensors"))

    def at_work(self) -> bool:
        return len(self._batches()) > self.seen or self.out.exists()

    def lost(self, when: float) -> float:
        batches = self._batches()
        fresh = len(batches) > self.seen
        if self.out.exists():
            self.round += 1
        return when - max(path.stat().st_mtime for path in batches) if fresh else 0.0

    def check(self) -> list[str]:
        return [said for path in self._batches() for said in self.opens(path, check_safetensors)] + self.opens(
            self.out, read_factor)


class Train(Play):
    """``train --resume``."""

    def prepare(self) -> None:
        data = self.folder / "data"
        data.mkdir()
        for number, picture in enumerate(np.random.default_rng(0).integers(0, 256, (80, 16, 16)).astype(np.uint8)):
            Image.fromarray(picture).save(data / f"{number:03d}.png")
        self.recipe, self.run = self.folder / "recipe.toml", self.folder / "run"
        self.recipe.write_text(RECIPE.replace("DATA", str(data)), encoding="utf-8")
        self.reached, self.stamp = 0, 0.0

    @property
    def checkpoint(self) -> Path:
        return self.run / "checkpoint.safetensors"

    def command(self) -> list[str]:
        self.stamp = self.checkpoint.stat().st_mtime if self.checkpoint.exists() else 0.0
        return [sys.executable, "-m", "latentstudio", "train", str(self.recipe), "--out", str(self.folder / "model"),
                "--run", str(self.run), "--resume"]

    def at_work(self) -> bool:
        return self.checkpoint.exists() and self.checkpoint.stat().st_mtime > self.stamp

    def lost(self, when: float) -> float:
        return when - self.checkpoint.stat().st_mtime if self.at_work() else 0.0

    def check(self) -> list[str]:
        broken = self.opens(self.checkpoint, check_safetensors) + self.opens(self.run / "samples.png", read_picture)
        if not broken and self.checkpoint.exists():
            (self.run / "recipe.toml").write_bytes(self.recipe.read_bytes())
            step = read_run(self.run).step
            if step < self.reached:
                broken = [f"the checkpoint went back from step {self.reached} to {step}"]
            self.reached = step
        return broken


PLAYS: dict[str, type[Play]] = {"drag": Drag, "save": Save, "learn": Learn, "train": Train}


def moments(drag: list[list[float]], position: float) -> list[float]:
    """When the slider stood there. The last line may be an aim that the kill left without an answer: to a pixel."""
    went = [moment for moment, t, *pixel in drag if not pixel and abs(t - position) < 1e-9]
    return went + [moment for moment, t, *pixel in drag[-1:] if pixel and abs(t - position) <= pixel[0]]


def _lines(path: Path) -> list[list]:
    """The whole lines of a log; the last one may be cut by the kill."""
    if not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines(keepends=True)
            if line.endswith("]\n")]


def half_done(folder: Path) -> set[Path]:
    """What is being written, or was when its process was killed."""
    return {path for path in folder.rglob(".*") if path.name.endswith(".part") or path.name.startswith(".import.")}


def play(kind: str, count: int, seed: int, scratch: Path) -> Tally:
    """So many kills of one kind, each followed by a start; the last start is let work before it ends."""
    rng, tally = random.Random(f"{seed}/{kind}"), Tally()
    folder = scratch / kind
    folder.mkdir()
    work = PLAYS[kind](folder)
    left: set[Path] = set()
    for number in range(count + 1):
        early = 0 < number < count and rng.random() < 0.15
        with open(folder / "said", "wb") as said_by_it:
            process = subprocess.Popen(work.command(), cwd=ROOT, env=work.environment, stdin=subprocess.DEVNULL,
                                       stdout=subprocess.DEVNULL, stderr=said_by_it)
        try:
            if early:
                time.sleep(rng.uniform(0.0, 2.5))
            elif not _wait(work, process):
                tally.said.append(f"start {number} did not come to work: {_last_words(folder, process)}")
                return tally
            else:
                said = work.after_start() if number else ""
                tally.said += [f"start {number}: {said}"] if said else []
                tally.worst = max(tally.worst, getattr(work, "age", 0.0))
                tally.came_back = tally.kills
                tally.left += [str(path.relative_to(folder)) for path in left if path.exists()]
                left = set()
                time.sleep(rng.uniform(0.0, 1.2))
        finally:
            process.send_signal(signal.SIGKILL)
            process.wait()
        if number == count:
            break
        tally.kills += 1
        tally.early += early
        tally.worst = max(tally.worst, work.lost(time.time()))
        tally.half += work.check()
        left |= half_done(folder)
        work.tag += 1
    if work.edits and tally.worst > MOST_LOST:
        tally.said.append(f"{tally.worst:.2f} s of editing are lost")
    return tally


def _wait(work: Play, process: subprocess.Popen[bytes]) -> bool:
    end = time.monotonic() + START
    while not work.at_work():
        if process.poll() is not None:
            return process.returncode == 0 and work.at_work()
        if time.monotonic() > end:
            return False
        time.sleep(0.01)  # another process is watched: there is no signal to wait for
    return True


def _last_words(folder: Path, process: subprocess.Popen[bytes]) -> str:
    lines = (folder / "said").read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return " / ".join(lines[-3:]) or f"exit code {process.poll()}"


def main() -> int:
    """The command; 1 when anything did not hold."""
    options = argparse.ArgumentParser(prog="make kills", description=(__doc__ or "").split("\n")[0])
    options.add_argument("--count", type=int, default=COUNT, help="kills of all kinds together")
    options.add_argument("--seed", type=int, default=SEED)
    options.add_argument("--kinds", default=",".join(PLAYS))
    asked = options.parse_args()
    kinds = [name for name in PLAYS if name in asked.kinds.split(",")]
    began = time.perf_counter()
    tallies: dict[str, Tally] = {}
    with tempfile.TemporaryDirectory(prefix="latentstudio-kills-", ignore_cleanup_errors=True) as name:
        scratch = Path(name)

        def some(mine: list[str]) -> None:
            for kind in mine:
                share = asked.count // len(kinds) + (kinds.index(kind) < asked.count % len(kinds))
                tallies[kind] = play(kind, share, asked.seed, scratch)
                shutil.rmtree(scratch / kind, ignore_errors=True)

        threads = [threading.Thread(target=some, args=(kinds[half::2],)) for half in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    print(f"{'':8}{'kills':>7}{'early':>7}{'came back':>11}{'worst loss':>12}{'half files':>12}{'left over':>11}")
    for kind, tally in tallies.items():
        print(f"{kind:8}{tally.kills:7}{tally.early:7}{tally.came_back:11}{tally.worst:10.2f} s{len(tally.half):12}"
              f"{len(tally.left):11}")
        for words in (*tally.said, *tally.half[:5], *tally.left[:5]):
            print(f"    {words}")
    good = len(tallies) == len(kinds) and all(tally.good for tally in tallies.values())
    back = sum(tally.came_back for tally in tallies.values())
    half, left = (sum(len(getattr(tally, name)) for tally in tallies.values()) for name in ("half", "left"))
    print(f"kills: {back} of {asked.count} came back, {half} half files, {left} left over, seed {asked.seed}, "
          f"{time.strftime('%Y-%m-%d')}, {time.perf_counter() - began:.0f} s", flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
