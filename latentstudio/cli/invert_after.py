"""What ``latentstudio invert`` does beside the inversion: the curve of likeness, and pivotal tuning."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latentstudio import api, pixels
from latentstudio.cli.output import Output
from latentstudio.document.view import View
from latentstudio.errors import StudioError
from latentstudio.generators.conditions import NONE, Conditions
from latentstudio.generators.opening import Model
from latentstudio.inversion.cropping import Placed
from latentstudio.inversion.results import Inversion, TuningResult, TuningStep
from latentstudio.inversion.settings import InversionSettings, TuningSettings

if TYPE_CHECKING:  # it imports torch
    from latentstudio.factors.kept import KeptEffect

Latent = NDArray[np.float32]

STRIP = 8
NEAR = 0.5


@dataclass(frozen=True)
class After:
    """``tuning`` is None where none was asked for."""

    tuning: TuningSettings | None
    curve: bool = False
    conditions: Conditions = NONE
    size: pixels.SavedSize = pixels.AS_DRAWN

    def run(
        self, model: Model, placed: Placed, settings: InversionSettings, start: Latent | None, found: Inversion,
        out: Path, output: Output,
        place: api.PhotoPlace | None = None,
    ) -> dict[str, object]:
        """The further keys of a photo's answer; files go to ``out``."""
        answer: dict[str, object] = {}
        if found.ended == "cancelled":
            return answer
        if self.curve:
            answer["likeness_curve"] = _curve(model, placed, settings, start, output, self.conditions)
        if self.tuning is not None:
            answer["tuning"] = _tune(model, placed, found, out, self.tuning, output, place, self.conditions)
        return answer


def _curve(
    model: Model, placed: Placed, settings: InversionSettings, start: Latent | None, output: Output,
    conditions: Conditions,
) -> list[dict[str, object]]:
    last = output.follow(
        api.likeness_steps(model, placed.picture, settings, start=start, mask=placed.inside,
                           conditions=conditions), "what likeness costs"
    )
    assert last is not None
    for point in last.points:
        output.say(f"  likeness {point.likeness:.3f}: moved {point.moved:.2f}, MSE {point.mse:.4f}, "
                   f"length {point.norm:.2f}")
    names = ("likeness", "distance", "moved", "loss", "mse", "norm")
    return [{name: getattr(point, name) for name in names} for point in last.points]


def _tune(
    model: Model, placed: Placed, found: Inversion, out: Path, settings: TuningSettings, output: Output,
    place: api.PhotoPlace | None, conditions: Conditions,
) -> dict[str, object]:
    shown: list[TuningStep] = []

    def on_step(step: TuningStep) -> bool:
        if step.tuning is not None:
            shown.append(step)
        return False

    try:
        output.follow(
            api.tune_steps(
                model, placed.picture, found.latent, settings, mask=placed.inside, conditions=conditions,
                anchors=api.edit_anchors(model, placed.picture, found.latent, mask=placed.inside),
            ),
            "tuning", on_step=on_step,
        )
        result = shown[-1].result
    except KeyboardInterrupt:
        if not shown:
            raise
        result = api.conclude_tuning(model, placed.picture, shown[-1], mask=placed.inside, conditions=conditions)
    assert result is not None  # the last step has it
    for note in result.notes:
        output.note(note)
    return _told(model, placed, found, result, out, output, place, conditions)


def _told(
    model: Model, placed: Placed, found: Inversion, result: TuningResult, out: Path, output: Output,
    place: api.PhotoPlace | None,
    conditions: Conditions,
) -> dict[str, object]:
    tuning = result.tuning
    path = out / "tuning.safetensors"
    api.write_tuning(path, tuning)
    api.keep_tuning(tuning)
    tuned = api.tuned_model(model, tuning)
    view = View.start(model.card, found.latent, conditions=conditions).with_tuning(tuning.sha256).with_photo(place)
    api.draw(tuned, view, api.FactorSet()).save(out / "tuned.png")
    pixels.write_png(out / "tuned-neighbours.png", _neighbours(model, tuned, found.latent, conditions))
    effects = _kept(model, tuned, found.latent, output, conditions)
    kept = {one.name: one.kept for one in effects}
    output.say(f"  tuned: MSE {result.before_mse:.4f} to {result.mse:.5f}, DSSIM {result.before_dssim:.3f} to "
               f"{result.dssim:.3f}, {result.steps} steps in {result.seconds:.1f} s: {path}")
    if kept:
        output.say("  effect of the sliders, of what they say: " + ", ".join(
            f"{one.name} {100 * one.told_before:.0f} % before, {100 * one.told_after:.0f} % after" for one in effects))
    return {
        "file": str(path), "sha256": tuning.sha256, "bytes": len(tuning.data), "mse": result.mse,
        "dssim": result.dssim, "before_mse": result.before_mse, "before_dssim": result.before_dssim,
        "feature_distance": api.feature_distance(model, result.picture, found.target, placed.inside),
        "drift": result.drift, "steps": result.steps, "seconds": round(result.seconds, 3), "ended": result.ended,
        "kept": kept, "told_before": {one.name: one.told_before for one in effects},
        "told_after": {one.name: one.told_after for one in effects},
        "picture": str(out / "tuned.png"), "neighbours": str(out / "tuned-neighbours.png"),
        "notes": list(result.notes),
    }


def _kept(model: Model, tuned: Model, latent: Latent, output: Output, conditions: Conditions) -> tuple[KeptEffect, ...]:
    try:
        steps = api.kept_effect_steps(model, tuned, latent, conditions=conditions)
        last = output.follow(steps, "what the factors keep")
    except StudioError as problem:
        output.note(problem.sentence)
        return ()
    return () if last is None else tuple(last.effects)


def _neighbours(model: Model, tuned: Model, latent: Latent, conditions: Conditions) -> pixels.BytePictures:
    """Samples half-way between the pivot and the prior's: above as the model drew them, below as it does now."""
    drawn = api.sample(model, seed=7, count=STRIP)
    near = (latent + NEAR * (drawn - latent)).astype(np.float32)
    rows = [pixels.to_bytes(one.pictures(near, conditions=conditions)) for one in (model, tuned)]
    return pixels.grid(np.concatenate(rows), columns=STRIP)
