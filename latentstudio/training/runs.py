"""Runs that were begun for this user: the folder of each holds its recipe, checkpoint, log and newest samples.

No torch here: a window lists them before anything is trained.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from latentstudio.errors import StudioError, TrainingError
from latentstudio.files import check_writable, read_limited, write_whole
from latentstudio.generators.weights import read_metadata
from latentstudio.pixels import BytePictures, read_picture
from latentstudio.places import bundled, state_folder, user_models
from latentstudio.readers import json_from
from latentstudio.training.recipe import Recipe, parse_recipe, read_recipe

RECIPE_FILE, CHECKPOINT_FILE = "recipe.toml", "checkpoint.safetensors"
LOG_FILE, SAMPLES_FILE = "log.jsonl", "samples.png"
_COUNTED = ("step", "seconds")
_MOST_LOG = 16 << 20


@dataclass(frozen=True)
class TrainingRun:
    """One run: ``step`` is that of its checkpoint, 0 where there is none yet."""

    folder: Path
    recipe: Recipe
    step: int = 0

    @property
    def finished(self) -> bool:
        """Whether all steps are made."""
        return self.step >= self.recipe.steps

    @property
    def out(self) -> Path:
        """The model folder that it will write."""
        return user_models() / self.recipe.name


def runs_folder() -> Path:
    """Where the runs lie, a folder each."""
    return state_folder() / "runs"


def unfinished_runs() -> tuple[TrainingRun, ...]:
    """The runs that can go on, the one touched last first. What is broken is passed over."""
    found: list[tuple[float, TrainingRun]] = []
    with contextlib.suppress(OSError):
        for folder in runs_folder().iterdir():
            with contextlib.suppress(StudioError, OSError):
                run = read_run(folder)
                if not run.finished:
                    found.append(((folder / RECIPE_FILE).stat().st_mtime, run))
    return tuple(run for _, run in sorted(found, key=lambda pair: -pair[0]))


def read_run(folder: Path) -> TrainingRun:
    """The run in a folder.

    Raises:
        TrainingError: it holds no recipe.
        ModelFileError: its checkpoint is broken.
    """
    recipe = read_recipe(folder / RECIPE_FILE)
    path = folder / CHECKPOINT_FILE
    step = read_metadata(path).get("step", "0") if path.is_file() else "0"
    return TrainingRun(folder, recipe, int(step) if step.isdecimal() and len(step) < 10 else 0)


def begin_run(text: str) -> TrainingRun:
    """Make the folder of a new run and write its recipe there; nothing is trained yet.

    Raises:
        TrainingError: the recipe is none, its name is no name, or a run or model of this name is there already.
        StorageError: the folder may not be written.
    """
    data = text.encode("utf-8", errors="replace")
    name = parse_recipe(data, where="the recipe").name
    folder = runs_folder() / name
    if (folder / CHECKPOINT_FILE).is_file():
        raise TrainingError(f"a run named '{name}' is there already", action="let it go on, or choose another name")
    if (user_models() / name).exists():
        raise TrainingError(f"a model named '{name}' is there already", action="choose another name")
    check_writable(user_models() / name / "card.json")
    with contextlib.suppress(OSError):
        (user_models() / name).rmdir()
    write_whole(folder / RECIPE_FILE, data)
    return read_run(folder)


def recipe_values(text: str) -> dict[str, str]:
    """The plain text values at the top of a recipe, such as ``name`` and ``data``, without judging the rest."""
    top = text.split("\n[", 1)[0]
    return dict(re.findall(r'^(\w+)\s*=\s*"([^"]*)"\s*$', top, re.MULTILINE))


def with_values(text: str, values: Mapping[str, str]) -> str:
    """The recipe's text with text values at its top replaced or put in front."""
    head, bracket, rest = text.partition("\n[")
    for key, value in values.items():
        line = f"{key} = {json.dumps(value, ensure_ascii=False)}"
        head, count = re.subn(rf"^{key}\s*=.*$", line.replace("\\", "\\\\"), head, count=1, flags=re.MULTILINE)
        head = head if count else f"{line}\n{head}"
    return f"{head}{bracket}{rest}"


def logged_losses(folder: Path) -> dict[str, list[float]]:
    """The losses of a run's log by name, in order; empty where there is no log."""
    path = folder / LOG_FILE
    losses: dict[str, list[float]] = {}
    with contextlib.suppress(OSError):
        for line in read_limited(path, _MOST_LOG).splitlines():
            with contextlib.suppress(StudioError):
                for name, value in json_from(line, dict[str, object], StudioError, lenient=True).items():
                    if name not in _COUNTED and isinstance(value, int | float):
                        losses.setdefault(name, []).append(float(value))
    return losses


def shipped_recipes() -> tuple[str, ...]:
    """Names of all recipes that ship."""
    models = {path.parent.name for path in bundled("models").glob("*/recipe.toml")}
    alone = {path.stem for path in (bundled("resources") / "recipes").glob("*.toml")}
    return tuple(sorted(models | alone))


def newer_samples(path: Path, before: int) -> tuple[int, BytePictures] | None:
    """The sheet of samples and its time, where it is newer than ``before``."""
    try:
        time = path.stat().st_mtime_ns
        return None if time == before else (time, read_picture(path))
    except (OSError, StudioError):
        return None
