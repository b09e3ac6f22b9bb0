"""Latents drawn, moved along factors and put at places of an axis; torch comes in for exact values alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from latentstudio.document.view import View
from latentstudio.engine.loading import call
from latentstudio.factors import ALPHAS, Factor, parse_settings
from latentstudio.factors import traverse as traverse_latents
from latentstudio.factors.distribution import distribute, parse_distribution
from latentstudio.generators.conditions import NONE, Conditions
from latentstudio.generators.opening import Model
from latentstudio.latents import check_latent, sample_prior
from latentstudio.tasks.draw import Render, draw_clamped, draw_exact, draw_many, factors_of

if TYPE_CHECKING:  # imports torch
    from latentstudio.factors.exact import Exact


def sample(
    model: Model,
    *,
    seed: int = 0,
    count: int | None = None,
    truncation: float = 1.0,
    distribution: Mapping[str, str] | None = None,
) -> NDArray[np.float32]:
    """Latents from the model's prior: float32 (*shape), or (count, *shape) when ``count`` is given.

    With ``distribution`` factors follow a wanted one: ``{"x": "uniform(-8, 8)", "scale": "normal(1, 0.1)"}``, counted
    from coordinate 0 of the factor's axis (equations 10 and 11 of Plumerault et al. 2020).

    Raises:
        UsageError: the prior cannot be sampled, a number is negative, or it is no distribution.
        UnknownNameError: the model has no such factor.
    """
    space = model.card.spaces[0]
    drawn = sample_prior(space, count=1 if count is None else count, seed=seed, truncation=truncation)
    if distribution:
        known = factors_of(model)
        wanted = dict(parse_distribution(f"{name}={text}", known) for name, text in distribution.items())
        drawn = distribute(drawn, wanted, known, space=space, truncation=truncation).latents
    return drawn[0] if count is None else drawn


def apply(
    model: Model,
    latent: NDArray[np.float32],
    settings: Mapping[str, str | float] | None = None,
    *,
    keep: Collection[str] = (),
    exact: bool = False,
    seed: int | None = None,
    conditions: Conditions = NONE,
) -> Render:
    """The picture of ``latent`` (*shape) with factors moved: ``{"x": "8px", "scale": 1.2, "brightness": "+10%"}``.

    A plain number counts in the factor's unit. A value beyond the known range is clamped, and ``notes`` says so.
    Factors named in ``keep`` are not moved along by the others. With ``exact`` the positions are solved by measuring
    this very sample (imports torch), and ``reached`` says where on the curve they came to lie.

    Raises:
        UnknownNameError: the model has no such factor.
        UsageError: a value that is no number in the factor's unit, or a latent of another size.
    """
    known = factors_of(model)
    positions = parse_settings([f"{name}={value}" for name, value in (settings or {}).items()], known)
    view = View.start(model.card, latent, seed, conditions=conditions).with_kept(keep)
    view = view.with_tuning(model.tuning)
    if not exact:
        return draw_clamped(model, view.with_positions(positions), known)
    found: tuple[Exact, ...] = ()
    for step in call("latentstudio.tasks.factors:exact_steps", model, view, positions, known):
        found = step.exact
    return draw_exact(model, view, found, known)


def traverse(
    model: Model,
    latents: NDArray[np.float32],
    factor: str | Factor,
    alphas: NDArray[np.float64] = ALPHAS,
    *,
    conditions: Conditions = NONE,
) -> NDArray[np.uint8]:
    """Pictures uint8 (N, A, H, W, 3) of latents (N, *shape), each put at every alpha along the factor's axis.

    The paper's traversal, z - <z, u> u + alpha u: the coordinate is taken out and put at ``alphas`` (A,) instead.

    Raises:
        UnknownNameError: the model has no such factor.
    """
    chosen = factors_of(model).get(factor) if isinstance(factor, str) else factor
    start = check_latent(latents, model.card.spaces[0])
    rows = traverse_latents(start.reshape(len(start), -1), chosen.axis, np.asarray(alphas, dtype=np.float64))
    flat = rows.reshape(-1, *model.card.spaces[0].shape)
    drawn = draw_many(model, flat, conditions=conditions)
    return drawn.reshape(len(start), -1, *drawn.shape[1:])
