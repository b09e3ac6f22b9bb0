"""The options that choose a transformation, and a look at it on the model's pictures before minutes of learning."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from latentstudio.cli.output import Output
from latentstudio.errors import LearningError
from latentstudio.factors.settings import LearnSettings
from latentstudio.generators.opening import Model
from latentstudio.tasks.sample import sample
from latentstudio.transformations.facts import INTERPOLATIONS, NAMES, OWN

if TYPE_CHECKING:
    from latentstudio.transformations import Transformation

SAMPLES = 16


def add_transformation(parser: argparse.ArgumentParser) -> None:
    """``--factor`` or ``--transformation``, and what of them can be changed."""
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--factor", metavar="NAME",
                        help=f"{', '.join(NAMES)}; several at once: x+scale, red-blue (see docs/transformations.md)")
    add_own(choice, "your own: a function (images, t) -> (images, mask)")
    parser.add_argument("--fill", type=float, default=None, metavar="0..1",
                        help="grey of pixels that the transformation leaves undefined (default 0.5); they are ignored")
    parser.add_argument("--interpolation", choices=INTERPOLATIONS, default=None, help="default bilinear")


def add_own(parser: argparse._ActionsContainer, words: str) -> None:
    """``--transformation FILE.py:name``."""
    parser.add_argument("--transformation", default=None, metavar="FILE.py:name", help=words)


def chosen(arguments: argparse.Namespace) -> Transformation:
    """The transformation that the options name.

    Raises:
        UnknownNameError, UsageError, TransformationError: there is none, or its file is broken.
    """
    # brings torch in, which the parser does without
    from latentstudio.transformations import transformation_named

    found = own(arguments) or transformation_named(arguments.factor)
    if arguments.fill is None and arguments.interpolation is None:
        return found
    return found.with_options(fill=arguments.fill, interpolation=arguments.interpolation)


def own(arguments: argparse.Namespace) -> Transformation | None:
    """The transformation of ``--transformation``, or None where it is not given.

    Raises:
        TransformationError: its file is broken.
    """
    # brings torch in, which the parser does without
    from latentstudio.transformations import load_transformation

    return load_transformation(arguments.transformation) if arguments.transformation else None


def check_on_samples(model: Model, transformation: Transformation, settings: LearnSettings, output: Output) -> None:
    """Apply the largest t of both signs to a few samples, and say how t is read back where that has to be found out.

    Raises:
        TransformationError: it breaks its contract there, leaves nothing valid, or cannot be read back.
        PluginError: the backend goes wrong, or lets no gradients through.
        LearningError: what it changes cannot be measured on any of them.
    """
    # torch is loaded already: the model draws for gradients
    import torch

    from latentstudio.measures.effects import effect_of
    from latentstudio.measures.family import family_for

    origin = torch.from_numpy(sample(model, seed=settings.seed, count=1)).requires_grad_(True)
    model.guarded_generator.generate(origin)  # a plugin that gradients do not pass through is named as such
    pictures = torch.from_numpy(model.pictures(sample(model, seed=settings.seed, count=SAMPLES)))
    side = int(pictures.shape[-1])
    for sign in (1.0, -1.0):
        largest = sign * transformation.largest(side) * settings.reach
        transformation.apply(pictures, torch.full((len(pictures),), largest))
    if transformation.measured == OWN:
        output.note(f"{transformation.name} is measured by {family_for(transformation, pictures).how}")
        return
    effect = effect_of(transformation, measure=model.card.measure, side=side)
    if bool(effect.prepare(pictures)(pictures).isnan().all()):
        raise LearningError(f"'{transformation.name}' cannot be measured on this model's pictures ({effect.how})",
                            action="accept that this model has no such factor")
