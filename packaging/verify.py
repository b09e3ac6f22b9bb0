"""What ``make test`` runs: rules, types, layers, tests, an attack, stories in the real window, the wheel elsewhere.

Every step runs even when an earlier one failed; the last line counts them all, pytest's tests one by one.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parent.parent
# the library story has a home of its own; the faces are fetched for the next ones
STORIES = (("library", ""), ("drag", "faces-gan"), ("drag", "sprites-b10"), ("undo", ""), ("crash", ""),
           ("learn", ""), ("photo", "faces-gan"), ("reconstruct", ""), ("train", ""), ("scene", ""))


@dataclass(frozen=True)
class Count:
    """How many passed and failed."""

    passed: int
    failed: int

    def __add__(self, other: Count) -> Count:
        return Count(self.passed + other.passed, self.failed + other.failed)


def main() -> int:
    """Run all steps; 0 when nothing failed."""
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    options.add_argument("--quick", action="store_true", help="without stories and wheel")
    quick = options.parse_args().quick
    began = time.perf_counter()
    total = Count(0, 0)
    with tempfile.TemporaryDirectory(prefix="latentstudio-verify-") as name:
        for step in steps(Path(name), quick=quick):
            total += step()
    print(f"all in {time.perf_counter() - began:.0f} s")
    print(f"{total.passed} passed, {total.failed} failed", flush=True)
    return 1 if total.failed else 0


def steps(scratch: Path, *, quick: bool) -> list[Callable[[], Count]]:
    """The steps in order; ``scratch`` is a folder that goes away afterwards."""
    python = sys.executable
    planned = [
        lambda: command("rules", [python, "-m", "ruff", "check", "."]),
        lambda: command("types", [python, "-m", "mypy"]),
        lambda: command("layers", [str(Path(python).with_name("lint-imports"))]),
        lambda: tests(scratch),
    ]
    if quick:
        return planned
    planned += [lambda: attacked(scratch), killed, lambda: fetched(scratch)]
    planned += [lambda story=story, model=model: told(story, model, scratch) for story, model in STORIES]
    return [*planned, lambda: wheel(scratch)]


def tests(scratch: Path) -> Count:
    """pytest, offscreen; counts come from its own report."""
    report = scratch / "report.xml"
    call = [sys.executable, "-m", "pytest", f"--junit-xml={report}", "--durations=8"]
    # the tests' nets are tiny: threads that wait for each other would cost more than they compute, most of all on a
    # machine that does something else as well
    code = show("tests", call, {"QT_QPA_PLATFORM": "offscreen", "OMP_NUM_THREADS": "1"})
    if not report.is_file():
        return Count(0, 1)
    suites = list(ElementTree.parse(report).getroot().iter("testsuite"))
    ran, failed, skipped = (
        sum(sum(int(suite.get(key, "0")) for key in keys) for suite in suites)
        for keys in (("tests",), ("failures", "errors"), ("skipped",))
    )
    nothing_ran = ran == 0
    return Count(max(0, ran - failed - skipped), max(failed, 1 if code or nothing_ran else 0))


def attacked(scratch: Path) -> Count:
    """A thousand changed files; a kind of file in which nothing is found counts as passed."""
    report = scratch / "attack.json"
    call = [sys.executable, "-m", "tests.attack.fuzz", "--count", "1000", "--seed", "1", "--out",
            str(scratch / "found"), "--report", str(report)]
    code = show("attack", call)
    if not report.is_file():
        return Count(0, 1)
    found = json.loads(report.read_text(encoding="utf-8"))
    bad = sum(1 for count in found.values() if count)
    return Count(len(found) - bad, max(bad, 1 if code else 0))


def killed() -> Count:
    """One kill -9 of each kind of work, and a start after it."""
    return command("kills", [sys.executable, "-m", "tests.attack.kills", "--count", "4"])


def fetched(scratch: Path) -> Count:
    """The face generator, into the home in which the stories play."""
    call = [sys.executable, "-m", "latentstudio", "models", "get", "faces-gan", "--yes"]
    return command("faces-gan", call, {"LATENTSTUDIO_HOME": str(scratch / "home")})


def told(story: str, model: str, scratch: Path) -> Count:
    """One story in the real window, on a virtual screen where there is one to be had."""
    home, out = scratch / "home", scratch / f"{story}-{model or 'first'}"
    call = [sys.executable, "-m", "latentstudio", "demo", "--story", story, "--out", str(out)]
    call += ["--model", model] if model else []
    surroundings = {"LATENTSTUDIO_HOME": str(home)}
    if shutil.which("xvfb-run"):
        call = ["xvfb-run", "-a", "-s", "-screen 0 1440x900x24 -dpi 96", *call]
        surroundings["QT_QPA_PLATFORM"] = "xcb"
    else:
        surroundings["QT_QPA_PLATFORM"] = "offscreen"
    return command(f"story {story} {model}".strip(), call, surroundings)


def wheel(scratch: Path) -> Count:
    """Build the wheel, then install and try it outside the checkout."""
    out = scratch / "wheel"
    call = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)]
    built = command("build", call)
    found = list(out.glob("*.whl"))
    if built.failed or not found:
        return built + Count(0, 1)
    return built + command("wheel", [sys.executable, str(ROOT / "packaging" / "smoke.py"), str(found[0])])


def command(title: str, call: list[str], surroundings: dict[str, str] | None = None) -> Count:
    """One step that passes or fails as a whole."""
    return Count(0, 1) if show(title, call, surroundings) else Count(1, 0)


def show(title: str, call: list[str], surroundings: dict[str, str] | None = None) -> int:
    """Run a step with its output shown; returns its exit code."""
    print(f"--- {title}", flush=True)
    began = time.perf_counter()
    code = subprocess.call(call, cwd=ROOT, env={**os.environ, **(surroundings or {})}, stdin=subprocess.DEVNULL)
    verdict = "ok" if code == 0 else f"FAILED ({code})"
    print(f"--- {title}: {verdict} in {time.perf_counter() - began:.0f} s", flush=True)
    return code


if __name__ == "__main__":
    sys.exit(main())
