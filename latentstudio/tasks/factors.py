"""Learning, finding, solving and judging factors of variation. Imports torch: asked for by name, see
``engine.loading``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentstudio.document.view import View
from latentstudio.errors import LearningError
from latentstudio.factors import ALPHAS, Factor, FactorSet
from latentstudio.factors.benching import BenchStep, bench_learning
from latentstudio.factors.cleaning import CleanStep
from latentstudio.factors.cleaning import clean_steps as cleaning_steps
from latentstudio.factors.evaluating import EvaluationStep, Leak, evaluate_factor
from latentstudio.factors.exact import ExactStep
from latentstudio.factors.exact import exact_steps as solving_steps
from latentstudio.factors.finding import FindStep, find_factors
from latentstudio.factors.learning import LearnStep, about, learn_factor
from latentstudio.factors.placing import ProtocolStep
from latentstudio.factors.placing import protocol_steps as placing_steps
from latentstudio.factors.seeds import learn_with_seeds
from latentstudio.factors.settings import LearnSettings
from latentstudio.generators.conditions import NONE, Conditions
from latentstudio.generators.opening import Model
from latentstudio.optimisation import forward_mode  # noqa: F401 (torch would import it in the middle of a step)
from latentstudio.places import records_folder
from latentstudio.readers import as_read_back
from latentstudio.settings import changed
from latentstudio.tasks.draw import factors_of
from latentstudio.tasks.learn import Wanted, about_of, is_own, throw_away
from latentstudio.transformations import TRANSFORMATIONS, Transformation, load_transformation, transformation_named


def learn(
    model: Model, transformation: str | Transformation, *, settings: LearnSettings | None = None, **changes: object
) -> Factor:
    """Learn a factor of variation and return it.

    ``transformation`` is the name of a built-in one (``x``, ``scale``, ``rotation`` ..., see docs/transformations.md),
    several at once (``x+scale``), or one of your own from ``latentstudio.transformations.load_transformation``.

    ``changes`` replace single settings, for example ``starts=128, seed=1``. ``learn_steps`` shows progress.

    Raises:
        LearningError: nothing that moves new samples was found.
        UnknownNameError: there is no such transformation.
    """
    chosen = changed(settings or LearnSettings(), **changes)
    found: Factor | None = None
    for step in learn_steps(model, transformation, settings=chosen):
        found = step.factor if step.factor is not None else found
    if found is None:
        name = transformation if isinstance(transformation, str) else transformation.name
        raise LearningError(f"learning '{name}' ended without a factor", action="try more starts")
    return found


def learn_steps(
    model: Model, transformation: str | Transformation, *, settings: LearnSettings, seeds: int = 1,
    records_folder: Path | None = None,
) -> Iterator[LearnStep]:
    """The frozen steps of learning a factor; the last one's ``factor`` is the result.

    Args:
        transformation: the name of a built-in one, or a ``Transformation`` of your own.
        seeds: with more than one, as many runs; the best is the result and ``figures["seeds"]`` tells of all.
        records_folder: keeps finished trajectories; an interrupted run that is started again goes on from there.
    """
    if seeds == 1:
        return learn_factor(
            model.guarded_generator, transformation=transformation, settings=settings, records_folder=records_folder
        )
    return learn_with_seeds(
        model.guarded_generator, transformation=transformation, settings=settings, seeds=seeds,
        records_folder=records_folder,
    )


def learn_wanted(model: Model, wanted: Wanted) -> Iterator[LearnStep]:
    """As ``learn_steps``, its trajectories kept in the user's folder, so that an interrupted run can go on.

    Raises:
        StudioError: the file is broken, nothing can be learned, the disk is full.
    """
    chosen = (load_transformation if is_own(wanted.transformation) else transformation_named)(wanted.transformation)
    folder = records_folder(model.card.name, chosen.name)
    told = about(model.card, chosen, wanted.settings)
    if not (wanted.goes_on and about_of(folder) == as_read_back(told)):
        throw_away(folder)
    yield from learn_steps(model, chosen, settings=wanted.settings, records_folder=folder)


def find_steps(
    model: Model, names: Sequence[str] | None = None, *, settings: LearnSettings | None = None
) -> Iterator[FindStep]:
    """The frozen steps of learning every built-in transformation (or those named); ``findings`` grow.

    Raises:
        UnknownNameError: there is no such transformation.
    """
    chosen = TRANSFORMATIONS if names is None else tuple(transformation_named(name) for name in names)
    return find_factors(model.guarded_generator, chosen, settings=settings)


def bench_steps(model: Model, transformation: str, *, seed: int = 0) -> Iterator[BenchStep]:
    """The frozen steps of comparing with the published protocol; the last has ``plain`` and ``ours``."""
    return bench_learning(model.guarded_generator, transformation_named(transformation), seed=seed)


def evaluation_steps(
    model: Model,
    factor: Factor,
    *,
    count: int = 500,
    seed: int | None = None,
    conditions: Conditions = NONE,
    leak: Leak | None = None,
    transformation: Transformation | None = None,
) -> Iterator[EvaluationStep]:
    """The frozen steps of asking ``count`` new samples for a factor; the last one's ``evaluation`` tells what came.

    ``leak`` measures what else changed: pictures before and after (N, 3, H, W), as tensors, to changes (N,) by name.
    A factor of your own needs the ``transformation`` that it was learned from.
    """
    chosen = {} if seed is None else {"seed": seed}
    return evaluate_factor(
        model.guarded_generator, factor, count=count, conditions=conditions, leak=leak,
        transformation=transformation, **chosen
    )


def protocol_steps(
    model: Model,
    factor: Factor,
    *,
    alphas: NDArray[np.float64] = ALPHAS,
    count: int = 200,
    seed: int | None = None,
    conditions: Conditions = NONE,
) -> Iterator[ProtocolStep]:
    """The frozen steps of the paper's evaluation (section 3.1); the last one's ``protocol`` holds what was measured.

    ``count`` samples are put at each of ``alphas`` along the factor's axis.
    """
    chosen = {} if seed is None else {"seed": seed}
    return placing_steps(
        model.guarded_generator, factor, alphas=alphas, count=count, conditions=conditions, **chosen
    )


def clean_steps(
    model: Model, factor: Factor, against: Sequence[Factor], *, count: int = 192, seed: int = 0,
    conditions: Conditions = NONE,
) -> Iterator[CleanStep]:
    """The frozen steps of cleaning a factor's axis against others; the last one's ``factor`` is the result.

    ``count``, ``seed`` and ``conditions`` are those of measuring it anew.
    """
    return cleaning_steps(
        model.guarded_generator, factor, against, count=count, seed=seed, conditions=conditions
    )


def exact_steps(
    model: Model, view: View, wanted: Mapping[str, float], known: FactorSet | None = None
) -> Iterator[ExactStep]:
    """The frozen steps of solving positions so that the measured effects on this sample are ``wanted`` (t by name).

    The view's other factors, locks and conditions hold. The last step's ``exact`` says for each factor where
    on its curve it came to lie, what was measured there and why it is not what was asked, if so.
    """
    return solving_steps(
        model.guarded_generator, view.latent_array(), wanted, factors_of(model) if known is None else known,
        positions=view.position_map(), keep=view.kept, conditions=view.told,
    )
