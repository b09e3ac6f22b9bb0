"""The library for scripts: open a model, sample, apply factors in true units, learn new ones. ``latentstudio.NAME``.

Everything here is a thin layer over the rooms; the command line uses the same functions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentstudio import pixels
from latentstudio.document.picture_recipe import save_picture
from latentstudio.document.session import Session
from latentstudio.errors import LearningError, StudioError
from latentstudio.factors import Factor, FactorSet, apply_factors, load_factors, parse_settings
from latentstudio.factors.settings import LearnSettings
from latentstudio.generators.opening import Model, open_model
from latentstudio.latents import check_latent, sample_prior

__all__ = [
    "Factor", "FactorSet", "LearnSettings", "Model", "Picture", "Session", "StudioError", "apply", "draw",
    "evaluation_steps", "factors_of", "learn", "learn_steps", "open_model", "sample",
]

BATCH = 16


@dataclass(frozen=True)
class Picture:
    """A picture and how it came about.

    Attributes:
        pixels: uint8 (H, W, 3).
        session: the recipe: model, sample, factor positions as reached.
        latent: float32 (*shape), the latent that was drawn, factors applied.
        reached: t of every factor that was set, in its natural parameter (see ``units.py``).
        clamped: names of the factors whose value lay beyond the known range.
        notes: one sentence for every clamped factor.
        runtime_name: what computed it.
        device: where.
    """

    pixels: NDArray[np.uint8]
    session: Session
    latent: NDArray[np.float32]
    reached: Mapping[str, float]
    clamped: tuple[str, ...]
    notes: tuple[str, ...]
    runtime_name: str
    device: str

    def save(self, path: str | Path) -> None:
        """Write a PNG that carries its recipe; the window and ``latentstudio render`` make it again from that.

        Raises:
            StorageError: the disk is full or the folder may not be written.
        """
        save_picture(Path(path), self.pixels, self.session, self.runtime_name, self.device)


def sample(model: Model, *, seed: int = 0, count: int | None = None, truncation: float = 1.0) -> NDArray[np.float32]:
    """Latents from the model's prior: float32 (*shape), or (count, *shape) when ``count`` is given.

    Raises:
        UsageError: the prior cannot be sampled, or a number is negative.
    """
    drawn = sample_prior(model.card.spaces[0], count=1 if count is None else count, seed=seed, truncation=truncation)
    return drawn[0] if count is None else drawn


def factors_of(model: Model) -> FactorSet:
    """The factors that are known for this model: the shipped ones and the user's own."""
    return load_factors(model.folder, model.card)


def apply(
    model: Model,
    latent: NDArray[np.float32],
    settings: Mapping[str, str | float] | None = None,
    *,
    seed: int | None = None,
    label: int | None = None,
    truncation: float = 1.0,
) -> Picture:
    """The picture of ``latent`` (*shape) with factors moved: ``{"x": "8px", "scale": 1.2, "brightness": "+10%"}``.

    A plain number counts in the factor's unit. A value beyond the known range is clamped, and ``notes`` says so.

    Raises:
        UnknownNameError: the model has no such factor.
        UsageError: a value that is no number in the factor's unit, or a latent of another size.
    """
    known = factors_of(model)
    positions = parse_settings([f"{name}={value}" for name, value in (settings or {}).items()], known)
    session = Session.start(model.card, latent, seed, label=label, truncation=truncation)
    return draw_clamped(model, session.with_positions(positions), known)


def draw(model: Model, session: Session, known: FactorSet | None = None) -> Picture:
    """The picture that a session means, bit for bit; ``known`` are the model's factors where they are at hand already.

    Raises:
        UnknownNameError: the session sets a factor that the model does not have.
        UsageError: the session's latent does not fit the model.
    """
    known = factors_of(model) if known is None else known
    start = check_latent(session.latent_array(), model.card.space(session.space))[0]
    asked = session.position_map()
    for name in asked:
        known.get(name)
    applied = apply_factors(start.reshape(-1), asked, known)
    latent = applied.latent.reshape(start.shape).astype(np.float32)
    drawn = model.pictures(latent[None], label=session.label, truncation=session.truncation)
    return Picture(
        pixels=pixels.to_bytes(drawn)[0], session=session, latent=latent,
        reached=dict(applied.reached), clamped=tuple(applied.clamped),
        notes=tuple(_clamped_note(known.get(name), asked[name], applied.reached[name]) for name in applied.clamped),
        runtime_name=model.runtime_name, device=model.device,
    )


def draw_clamped(model: Model, session: Session, known: FactorSet) -> Picture:
    """As ``draw``, but what lies beyond the known range is brought back into the session first; ``notes`` tell."""
    first = draw(model, session, known)
    if not first.clamped:
        return first
    inside = draw(model, session.with_positions(first.reached), known)
    return replace(inside, clamped=first.clamped, notes=first.notes)


def draw_many(
    model: Model, latents: NDArray[np.float32], *, label: int | None = None, truncation: float = 1.0
) -> NDArray[np.uint8]:
    """Pictures uint8 (N, H, W, 3) of latents (N, *shape), computed ``BATCH`` at a time."""
    pieces = [
        pixels.to_bytes(model.pictures(latents[first : first + BATCH], label=label, truncation=truncation))
        for first in range(0, len(latents), BATCH)
    ]
    return np.concatenate(pieces)


def learn(model: Model, transformation: str, *, settings: LearnSettings | None = None, **changes: Any) -> Factor:
    """Learn a factor of variation (``x``, ``y``, ``scale``, ``brightness``) and return it.

    ``changes`` replace single settings, for example ``starts=128, seed=1``. ``learn_steps`` shows progress.

    Raises:
        LearningError: nothing that moves new samples was found.
        UnknownNameError: there is no such transformation.
    """
    chosen = replace(settings or LearnSettings(), **changes)
    found: Factor | None = None
    for step in learn_steps(model, transformation, settings=chosen):
        found = step.factor if step.factor is not None else found
    if found is None:
        raise LearningError(f"learning '{transformation}' ended without a factor", action="try more starts")
    return found


def learn_steps(model: Model, transformation: str, *, settings: LearnSettings) -> Iterator[Any]:
    """The frozen steps of learning a factor; the last one's ``factor`` is the result. Imports torch."""
    # torch is needed only here; a script that only draws pictures does without
    from latentstudio.factors.learning import learn_factor

    return learn_factor(model.guarded_generator, transformation=transformation, settings=settings)


def evaluation_steps(model: Model, factor: Factor, *, count: int = 500, seed: int | None = None) -> Iterator[Any]:
    """The frozen steps of asking ``count`` new samples for a factor; the last one's ``evaluation`` tells what came.

    Imports torch.
    """
    # torch is needed only here; a script that only draws pictures does without
    from latentstudio.factors.evaluating import evaluate_factor

    chosen = {} if seed is None else {"seed": seed}
    return evaluate_factor(model.guarded_generator, factor, count=count, **chosen)


def _clamped_note(factor: Factor, asked: float, reached: float) -> str:
    write = factor.unit.format
    return f"{factor.name}: {write(asked)} lies beyond the known range of this sample; clamped to {write(reached)}"
