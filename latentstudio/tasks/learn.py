"""What there is to learn and what was learned: left by an earlier run, drawn on new samples, kept. No torch: see
``factors``.
"""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from latentstudio.factors import Factor, keep_factor, set_coordinate
from latentstudio.factors.curves import Curves, curves_of
from latentstudio.factors.settings import LearnSettings
from latentstudio.factors.verdict import facts_of
from latentstudio.files import storage_error
from latentstudio.generators.card import ModelCard
from latentstudio.generators.opening import Model
from latentstudio.latents import sample_prior
from latentstudio.pixels import BytePictures, to_bytes
from latentstudio.places import records_folder
from latentstudio.readers import as_read_back, kept_json
from latentstudio.tasks.draw import shrink
from latentstudio.transformations import FACTS

if TYPE_CHECKING:  # imports torch
    from latentstudio.factors.finding import Finding

EFFORTS = (
    ("quick", "A quick look: fewer starting points, a rougher axis."),
    ("normal", "The settings that the shipped sliders were learned with."),
    ("thorough", "More starting points and targets; takes about three times as long."),
)

OWN_SUFFIX = ".py"
FOUND_NAMES = ("x", "y", "scale", "rotation", "brightness")
NEW_SEEDS = (2_000_003, 2_000_004, 2_000_005)
STRIP_VALUES = 7
_ABOUT = "about.json"


@dataclass(frozen=True)
class Wanted:
    """What to learn: a built-in transformation's name or the path of one's own file, and how.

    ``goes_on`` takes the trajectories of an earlier run with the same settings; otherwise they are thrown away.
    """

    transformation: str
    settings: LearnSettings
    goes_on: bool = False


def is_own(transformation: str) -> bool:
    """Whether this is somebody's file."""
    return transformation.endswith(OWN_SUFFIX)


def left_over(card: ModelCard, transformation: str, settings: LearnSettings) -> str:
    """What an earlier run of a built-in transformation with the same settings left, in words; empty for nothing."""
    facts = next((facts for facts in FACTS if facts.name == transformation), None)
    if facts is None:
        return ""
    folder = records_folder(card.name, transformation)
    options = {key: getattr(facts, key) for key in ("name", "reach", "fill", "interpolation")}
    mine = {
        "model": card.name, "weights_sha256": card.weights_sha256,
        "transformation": {**options, "file_sha256": ""}, **settings.of_records(),
    }
    if about_of(folder) != as_read_back(mine):
        return ""
    done, all_of_them = len(list(folder.glob("batch-*.safetensors"))), math.ceil(settings.starts / settings.batch)
    if not done:
        return ""
    if done >= all_of_them:
        return "All trajectories of a run with these settings are kept; going on finds the axis from them."
    return f"A run with these settings was interrupted after {done} of {all_of_them} batches."


def draw_new(model: Model, factor: Factor, seed: int) -> BytePictures:
    """A new sample put at ``STRIP_VALUES`` places of the known range: uint8 (N, h, w, 3)."""
    space = model.card.spaces[0]
    flat = sample_prior(space, count=1, seed=seed).reshape(-1)
    places = np.asarray(factor.curve.inverse(np.linspace(*factor.reach, STRIP_VALUES)))
    latents = set_coordinate(np.repeat(flat[None], STRIP_VALUES, axis=0), factor.axis, places)
    pictures = to_bytes(model.pictures(latents.reshape(STRIP_VALUES, *space.shape)))
    return np.stack([shrink(picture) for picture in pictures])


def strip_labels(factor: Factor) -> tuple[str, ...]:
    """The t of each column, short enough to stand under a small picture."""
    unit = factor.unit
    return tuple(
        unit.format(float(t)) if unit.symbol == "x" else unit.format(float(t)).removesuffix(f" {unit.symbol}")
        for t in np.linspace(*factor.reach, STRIP_VALUES)
    )


def keep(factor: Factor) -> str:
    """Write the factor for this user; answers its name."""
    keep_factor(factor)
    return factor.name


def about_of(folder: Path) -> object:
    """What a folder of records says it was made with; None where it says nothing."""
    return kept_json(folder / _ABOUT, dict[str, object])


def throw_away(folder: Path) -> None:
    """Remove a folder of records, which lies below the program's own state folder and holds nothing else."""
    if not folder.exists():
        return
    try:
        shutil.rmtree(folder)
    except OSError as problem:
        raise storage_error(folder, problem) from problem


@dataclass(frozen=True)
class Findings:
    """What the view draws of a factor.

    Attributes:
        axis: u (d,).
        curves: both calibrations.
        asked, said: t of held-out records and what the fit says of them (R,); empty where they were not kept.
        errors: reconstruction errors (E,), and the ``cut`` beyond which records were dropped.
        unit: symbol of t's own parameter.
        facts: how it was learned, in words.
    """

    axis: ArrayLike
    curves: Curves
    asked: ArrayLike
    said: ArrayLike
    errors: ArrayLike
    cut: float
    unit: str
    facts: str = ""


def settings_for(effort: str) -> LearnSettings:
    """The settings of an effort: ``quick``, ``normal`` or ``thorough``."""
    usual = LearnSettings()
    if effort == "quick":
        return LearnSettings(starts=max(48, usual.starts // 4), targets=3, steps=8, judged=64)
    if effort == "thorough":
        return LearnSettings(starts=2 * usual.starts, targets=usual.targets + 2, steps=usual.steps + 6)
    return usual


def findings_of(factor: Factor) -> Findings:
    """What the verdict's plots draw; empty where an old file kept nothing to look at."""
    evidence, nothing = factor.evidence, np.zeros(0)
    symbol = "log2" if factor.unit.symbol == "x" else factor.unit.symbol
    facts = facts_of(factor)
    if evidence is None:
        return Findings(factor.axis, curves_of(factor), nothing, nothing, nothing, 0.0, symbol, facts)
    return Findings(factor.axis, curves_of(factor), evidence.asked, evidence.predicted, evidence.errors, evidence.cut,
                    symbol, facts)


def keep_all(factors: tuple[Factor, ...]) -> int:
    """Write the factors for this user (in the worker); answers how many."""
    for factor in factors:
        keep_factor(factor)
    return len(factors)


def plain(found: Finding) -> str:
    """The reason as a sentence of its own: the row says name and grade already."""
    words = found.reason.removeprefix(f"{found.name}: ").removesuffix(f", grade {found.grade}").rstrip(".")
    return f"{words[:1].upper()}{words[1:]}." if words else ""
