"""How good an inversion is, in words: beside what the same model reaches on its own samples."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import msgspec
import numpy as np
import torch
from numpy.typing import NDArray

from latentstudio.files import write_whole
from latentstudio.generators.card import ModelCard
from latentstudio.generators.conditions import NONE, Conditions
from latentstudio.generators.contract import Generator
from latentstudio.inversion.inverting import invert
from latentstudio.inversion.results import HELD_OUT_SEED, HeldOut, HeldOutStep, Inversion, Verdict
from latentstudio.inversion.settings import AUTO, InversionSettings
from latentstudio.latents import sample_prior
from latentstudio.places import bundled, cache_folder
from latentstudio.readers import kept_json

COUNT = 20
CLOSE, ROUGH = 0.05, 0.25
_ORDINARY = 95.0
_LOOKED_AT = 256
_FREE = ("seconds", "seed", "mixed_precision", "tolerance")
_LATER = ("distance", "around", "space", "likeness")
_SEARCH = 2  # raised whenever the same settings come further, or less far, than they did
_RED = np.array([0.0, 0.5, 1.0])


def key_of(settings: InversionSettings) -> str:
    """Names the settings, and the state of the search, that decide how far an inversion comes."""
    told = {name: value for name, value in asdict(settings).items() if name not in _FREE}
    if told["start"] == "given":
        told["start"] = AUTO
    for name in _LATER:  # what was measured before these came holds where they are not used
        if told[name] == getattr(InversionSettings(), name) or (name == "around" and settings.allowed(1.0) is None):
            del told[name]
    told["search"] = _SEARCH
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:12]


def find_held_out(card: ModelCard, settings: InversionSettings) -> HeldOut | None:
    """What was measured before for this very model and these settings, here or by the makers, if anything was."""
    key = key_of(settings)
    for path in (_cached(card, key), bundled("resources") / "recoders" / card.name / "held_out.json"):
        found = kept_json(path, HeldOut)  # what is missing or broken is measured again
        if found is not None and found.model_sha256 == card.weights_sha256 and found.key == key and found.losses:
            return found
    return None


def measure_held_out(
    generator: Generator, settings: InversionSettings, *, count: int = COUNT, store: bool = True,
    conditions: Conditions = NONE,
) -> Iterator[HeldOutStep]:
    """Invert ``count`` samples that nothing was trained on; the last step has the answer, which is kept on disk
    where no conditions are set.

    Raises:
        CapabilityError, UsageError: as ``invert``; also a prior that cannot be sampled.
        StorageError: the disk is full.
    """
    card = generator.card
    device = next(generator.network.parameters()).device
    drawn = torch.from_numpy(sample_prior(card.spaces[0], count=max(count, _LOOKED_AT), seed=HELD_OUT_SEED)).to(device)
    pictures = []
    for piece in drawn.split(4):
        with torch.no_grad():
            pictures.append(generator.generate(piece, conditions=conditions).cpu())
        yield HeldOutStep(0.0, "drawing samples")
    looked = torch.cat(pictures)
    found: list[Inversion] = []
    asked = replace(settings, start="auto") if settings.start == "given" else settings
    for index in range(count):
        for step in invert(generator, looked[index], asked, conditions=conditions):
            yield HeldOutStep((index + step.fraction) / count, f"the model's own samples: {index + 1} of {count}")
            found += [step.result] if step.result is not None else []
    means, deviations = looked.flatten(1).mean(dim=1).numpy(), looked.flatten(1).std(dim=1).numpy()
    held_out = HeldOut(
        card.weights_sha256, key_of(settings), tuple(sorted(one.loss for one in found)),
        tuple(sorted(one.mse for one in found)), float((looked - looked.mean(dim=0)).square().mean()),
        _range(means), _range(deviations),
    )
    if store and not conditions:
        write_held_out(_cached(card, held_out.key), held_out)
    yield HeldOutStep(1.0, "the model's own samples", held_out=held_out)


def write_held_out(path: Path, held_out: HeldOut) -> None:
    """Write the measurement as json, whole or not at all."""
    write_whole(path, msgspec.json.format(msgspec.json.encode(held_out), indent=1) + b"\n")


def judge(found: Inversion, held_out: HeldOut, *, notes: tuple[str, ...] = ()) -> Verdict:
    """The verdict on an inversion; ``notes`` are those of photo and frame, which may hold a reason."""
    losses = np.asarray(held_out.losses)
    percentile = 100.0 * float((losses < found.loss).mean())
    share = found.mse / max(held_out.spread, 1e-9)
    if percentile <= _ORDINARY:
        return Verdict(percentile, "as close as this model comes to its own pictures")
    if share <= CLOSE:
        words = "close: only small things differ"
    elif share <= ROUGH:
        words = "roughly like it: the nearest picture that was found in this model's range"
    else:
        words = "outside what this model can draw"
    return Verdict(percentile, words, _reasons(found, held_out, notes))


def _reasons(found: Inversion, held_out: HeldOut, notes: tuple[str, ...]) -> tuple[str, ...]:
    reasons = [
        f"{name} of the picture ({value:.2f}) is beyond that of the model's pictures ({low:.2f} to {high:.2f})"
        for name, value, (low, high) in (
            ("the brightness", float(found.target.mean()), held_out.brightness),
            ("the contrast", float(found.target.std()), held_out.contrast),
        ) if not low <= value <= high
    ]
    if any("no face" in note for note in notes):
        reasons.append("no face was found in it: place the frame by hand")
    wrong = np.square(found.picture - found.target).mean(axis=0)
    height, width = wrong.shape
    inner = wrong[height // 5 : height - height // 5, width // 5 : width - width // 5]
    if inner.mean() < 0.5 * wrong.mean():
        reasons.append("most of the difference lies near the border: the crop or the background is unlike the model's")
    elif not reasons:
        reasons.append("the difference lies in the middle: pose, expression or subject are unlike the model's pictures")
    return tuple(reasons)


def residual_picture(found: Inversion, *, strongest: float = 0.5) -> NDArray[np.uint8]:
    """Where the model's picture differs: uint8 (H, W, 3), black for nothing, red, yellow, white for ``strongest``."""
    difference = np.abs(found.picture - found.target).mean(axis=0) / strongest
    heat = np.clip(difference[:, :, None] * 2.0 - _RED, 0.0, 1.0)
    return np.ascontiguousarray((heat * 255.0 + 0.5).astype(np.uint8))


def _cached(card: ModelCard, key: str) -> Path:
    return cache_folder() / "inversions" / f"{card.name}-{card.weights_sha256[:12]}-{key}.json"


def _range(values: NDArray[np.float32]) -> tuple[float, float]:
    low, high = np.quantile(values, (0.01, 0.99))
    return float(low), float(high)
