"""What ``latentstudio invert`` does beside the inversion: the curve of likeness, and pivotal tuning."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentstudio.cli.output import Output
from latentstudio.errors import StudioError
from latentstudio.factors.kept import KeptEffect
from latentstudio.generators.opening import Model
from latentstudio.inversion.models import feature_distance
from latentstudio.inversion.results import Inversion, TuningResult, TuningStep
from latentstudio.inversion.settings import InversionSettings, TuningSettings
from latentstudio.tasks.invert import conclude_tuning, kept_effect_steps, measure_curve, tune
from latentstudio.tasks.photo import Framed
from latentstudio.tasks.photo_files import write_tuned

Latent = NDArray[np.float32]


@dataclass(frozen=True)
class After:
    """``tuning`` is None where none was asked for."""

    tuning: TuningSettings | None
    curve: bool = False

    def run(
        self, model: Model, framed: Framed, settings: InversionSettings, start: Latent | None, found: Inversion,
        out: Path, output: Output,
    ) -> dict[str, object]:
        """The further keys of a photo's answer; files go to ``out``."""
        answer: dict[str, object] = {}
        if found.ended == "cancelled":
            return answer
        if self.curve:
            answer["likeness_curve"] = _curve(model, framed, settings, start, output)
        if self.tuning is not None:
            tuned = _tune(model, framed, found, self.tuning, output)
            answer["tuning"] = _told(model, framed, found, tuned, out, output)
        return answer


def _curve(
    model: Model, framed: Framed, settings: InversionSettings, start: Latent | None, output: Output
) -> list[dict[str, object]]:
    last = output.follow(measure_curve(model, framed, settings, start=start), "what likeness costs")
    assert last is not None
    for point in last.points:
        output.say(f"  likeness {point.likeness:.3f}: moved {point.moved:.2f}, MSE {point.mse:.4f}, "
                   f"length {point.norm:.2f}")
    names = ("likeness", "distance", "moved", "loss", "mse", "norm")
    return [{name: getattr(point, name) for name in names} for point in last.points]


def _tune(
    model: Model, framed: Framed, found: Inversion, settings: TuningSettings, output: Output
) -> TuningResult:
    shown: list[TuningStep] = []

    def on_step(step: TuningStep) -> bool:
        if step.tuning is not None:
            shown.append(step)
        return False

    try:
        output.follow(tune(model, framed, found.latent, settings), "tuning", on_step=on_step)
        result = shown[-1].result
    except KeyboardInterrupt:
        if not shown:
            raise
        result = conclude_tuning(model, framed, shown[-1])
    assert result is not None  # the last step has it
    return result


def _told(
    model: Model, framed: Framed, found: Inversion, result: TuningResult, out: Path, output: Output
) -> dict[str, object]:
    for note in result.notes:
        output.note(note)
    tuned, files = write_tuned(model, framed, found.latent, result.tuning, out)
    effects = _kept(model, tuned, framed, found.latent, output)
    output.say(f"  tuned: MSE {result.before_mse:.4f} to {result.mse:.5f}, DSSIM {result.before_dssim:.3f} to "
               f"{result.dssim:.3f}, {result.steps} steps in {result.seconds:.1f} s: {files['file']}")
    if effects:
        output.say("  effect of the sliders, of what they say: " + ", ".join(
            f"{one.name} {100 * one.told_before:.0f} % before, {100 * one.told_after:.0f} % after" for one in effects))
    return {
        **files, "sha256": result.tuning.sha256, "bytes": len(result.tuning.data), "mse": result.mse,
        "dssim": result.dssim, "before_mse": result.before_mse, "before_dssim": result.before_dssim,
        "feature_distance": feature_distance(model, result.picture, found.target, framed.placed.inside),
        "drift": result.drift, "steps": result.steps, "seconds": round(result.seconds, 3), "ended": result.ended,
        "kept": {one.name: one.kept for one in effects}, "told_before": {one.name: one.told_before for one in effects},
        "told_after": {one.name: one.told_after for one in effects}, "notes": list(result.notes),
    }


def _kept(model: Model, tuned: Model, framed: Framed, latent: Latent, output: Output) -> tuple[KeptEffect, ...]:
    try:
        steps = kept_effect_steps(model, tuned, latent, conditions=framed.conditions)
        last = output.follow(steps, "what the factors keep")
    except StudioError as problem:
        output.note(problem.sentence)
        return ()
    return () if last is None else tuple(last.effects)
