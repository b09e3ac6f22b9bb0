"""Sliders for a model that has none: the directions in which its pictures change most, in standard deviations."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from latentstudio.factors import Factor, MeasuredCalibration, MonotoneCurve, keep_factor
from latentstudio.generators.card import ModelCard
from latentstudio.generators.opening import Model
from latentstudio.latents import PrincipalComponents
from latentstudio.tasks.components import ComponentsStep, component_steps
from latentstudio.units import DEVIATIONS

SLIDERS = 8
SPAN = 3.0
KNOTS = 13


def slider_steps(model: Model) -> Iterator[ComponentsStep]:
    """The components, and at the end the first of them kept among the sliders of this user."""
    for step in component_steps(model):
        if step.components is not None:
            for factor in sliders_of(step.components, model.card):
                keep_factor(factor)
        yield step


def sliders_of(found: PrincipalComponents, card: ModelCard) -> tuple[Factor, ...]:
    """The first ``SLIDERS`` directions as sliders: one unit is one standard deviation of the prior along it.

    Nobody measured what they do to new pictures: their spread is as wide as their span, which gives them a D.
    """
    places = np.linspace(-SPAN, SPAN, KNOTS)
    measured = MeasuredCalibration(places, places, np.full(KNOTS, 2 * SPAN), (-SPAN, SPAN))
    return tuple(
        Factor(
            f"c{index}", f"direction {index} of the largest changes of its pictures ({share:.0%} of their variance)",
            DEVIATIONS, (direction / np.linalg.norm(direction)).astype(np.float32), MonotoneCurve(places, places),
            measured, card.name, card.weights_sha256, figures={"explained": float(share)},
        )
        for index, (direction, share) in enumerate(zip(found.directions, found.explained, strict=True), start=1)
        if index <= SLIDERS
    )
