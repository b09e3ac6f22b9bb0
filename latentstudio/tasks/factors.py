"""Learning, finding and solving factors of variation. Imports torch: asked for by name (``engine.loading.job``)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from latentstudio.document.view import View
from latentstudio.factors import FactorSet
from latentstudio.factors.exact import ExactStep
from latentstudio.factors.exact import exact_steps as solving_steps
from latentstudio.factors.finding import FindStep, find_factors
from latentstudio.factors.learning import LearnStep, about, learn_factor
from latentstudio.factors.settings import LearnSettings
from latentstudio.generators.opening import Model
from latentstudio.optimisation import forward_mode  # noqa: F401 (torch would import it in the middle of a step)
from latentstudio.places import records_folder
from latentstudio.readers import as_read_back
from latentstudio.tasks.learn import FOUND_NAMES, Wanted, about_of, is_own, throw_away
from latentstudio.transformations import load_transformation, transformation_named


def learn(model: Model, wanted: Wanted) -> Iterator[LearnStep]:
    """The steps of learning what is wanted; its trajectories are kept, so that an interrupted run can go on.

    Raises:
        StudioError: the file is broken, nothing can be learned, the disk is full.
    """
    chosen = (load_transformation if is_own(wanted.transformation) else transformation_named)(wanted.transformation)
    folder = records_folder(model.card.name, chosen.name)
    told = about(model.card, chosen, wanted.settings)
    if not (wanted.goes_on and about_of(folder) == as_read_back(told)):
        throw_away(folder)
    yield from learn_factor(
        model.guarded_generator, transformation=chosen, settings=wanted.settings, records_folder=folder
    )


def find(model: Model) -> Iterator[FindStep]:
    """The steps of learning the usual five transformations with the usual settings; ``findings`` grow."""
    chosen = [transformation_named(name) for name in FOUND_NAMES]
    yield from find_factors(model.guarded_generator, chosen, settings=LearnSettings())


def solve(model: Model, view: View, wanted: Mapping[str, float], known: FactorSet) -> Iterator[ExactStep]:
    """The steps of solving positions so that the measured effects on this sample are ``wanted`` (t by name).

    The view's other factors, locks and conditions hold. The last step's ``exact`` says for each factor where
    on its curve it came to lie, what was measured there and why it is not what was asked, if so.

    Raises:
        StudioError: the model has no such factor, or its effect cannot be measured.
    """
    yield from solving_steps(
        model.guarded_generator, view.latent_array().reshape(-1), wanted, known,
        positions=view.position_map(), keep=view.kept, conditions=view.told,
    )
