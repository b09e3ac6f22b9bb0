"""The library for scripts: open a model, sample, apply factors in true units, learn new ones. ``latentstudio.NAME``.

Everything here is a thin layer over the rooms; the command line uses the same functions.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from latentstudio.document.session import Session
from latentstudio.document.view import View
from latentstudio.errors import LearningError, StudioError
from latentstudio.factors import ALPHAS, Factor, FactorSet, parse_settings
from latentstudio.factors import traverse as traverse_latents
from latentstudio.factors.distribution import distribute, parse_distribution
from latentstudio.factors.map_files import write_map
from latentstudio.factors.mapping import COUNT, MapData, MapStep, map_steps
from latentstudio.factors.settings import LearnSettings
from latentstudio.generators.conditions import NONE, Conditions
from latentstudio.generators.opening import Model, open_model
from latentstudio.generators.tuned import tuned_model
from latentstudio.generators.tunings import Tuning, find_tuning, keep_tuning, read_tuning, write_tuning
from latentstudio.inversion.frames import Frame, paste_back
from latentstudio.inversion.models import (
    conclude,
    conclude_tuning,
    feature_distance,
    follow_steps,
    held_out_steps,
    inversion_settings,
    invert,
    invert_steps,
    judge,
    likeness_steps,
    place_photo,
    residual_picture,
    tune_steps,
)
from latentstudio.inversion.photo_store import PhotoPlace, photo_place
from latentstudio.inversion.photos import Photo, read_photo
from latentstudio.inversion.placing import Placed
from latentstudio.latents import check_latent, sample_prior
from latentstudio.networks import (
    decompose,
    interpolate,
    new_scenes,
    reconstruct,
    render_scene,
    scene_layers,
    train_steps,
)
from latentstudio.photographs import edit_anchors, kept_effect_steps
from latentstudio.scenes.making import make_scene
from latentstudio.scenes.scene import Scene, SceneObject, read_scene, write_scene
from latentstudio.settings import changed
from latentstudio.tasks.draw import Render as Picture
from latentstudio.tasks.draw import (
    draw,
    draw_clamped,
    draw_exact,
    draw_many,
    draw_pasted,
    factors_of,
)

if TYPE_CHECKING:
    from latentstudio.transformations import Transformation

__all__ = [
    "Conditions", "Factor", "FactorSet", "Frame", "LearnSettings", "MapData", "MapStep", "Model", "Photo",
    "PhotoPlace", "Picture", "Placed", "Scene", "SceneObject", "Session", "StudioError", "Tuning", "View", "apply",
    "bench_steps", "clean_steps", "conclude", "conclude_tuning", "decompose", "draw", "draw_pasted", "edit_anchors",
    "evaluation_steps", "exact_steps", "factors_of", "feature_distance", "find_steps", "find_tuning", "follow_steps",
    "held_out_steps", "interpolate", "inversion_settings", "invert", "invert_steps", "judge", "keep_tuning",
    "kept_effect_steps", "learn", "learn_steps", "likeness_steps", "make_scene", "map_of", "map_steps", "new_scenes",
    "open_model", "paste_back", "photo_place", "place_photo", "protocol_steps", "read_photo", "read_scene",
    "read_tuning", "reconstruct", "render_scene", "residual_picture", "sample", "scene_layers", "train_steps",
    "traverse", "tune_steps", "tuned_model", "write_map", "write_scene", "write_tuning",
]


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
) -> Picture:
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
    found: tuple[Any, ...] = ()
    for step in exact_steps(model, view, positions, known):
        found = step.exact
    return draw_exact(model, view, found, known)


def exact_steps(
    model: Model, view: View, wanted: Mapping[str, float], known: FactorSet | None = None
) -> Iterator[Any]:
    """The frozen steps of solving positions so that the measured effects on this sample are ``wanted`` (t by name).

    The view's other factors, locks and conditions hold. The last step's ``exact`` says for each factor where
    on its curve it came to lie, what was measured there and why it is not what was asked, if so. Imports torch.
    """
    # torch is needed only here; a script that only draws pictures does without
    from latentstudio.factors.exact import exact_steps as steps

    return steps(
        model.guarded_generator, view.latent_array(), wanted, factors_of(model) if known is None else known,
        positions=view.position_map(), keep=view.kept, conditions=view.told,
    )


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
) -> Iterator[Any]:
    """The frozen steps of learning a factor; the last one's ``factor`` is the result. Imports torch.

    Args:
        transformation: the name of a built-in one, or a ``Transformation`` of your own.
        seeds: with more than one, as many runs; the best is the result and ``figures["seeds"]`` tells of all.
        records_folder: keeps finished trajectories; an interrupted run that is started again goes on from there.
    """
    # torch is needed only here; a script that only draws pictures does without
    from latentstudio.factors.learning import learn_factor
    from latentstudio.factors.seeds import learn_with_seeds

    if seeds == 1:
        return learn_factor(
            model.guarded_generator, transformation=transformation, settings=settings, records_folder=records_folder
        )
    return learn_with_seeds(
        model.guarded_generator, transformation=transformation, settings=settings, seeds=seeds,
        records_folder=records_folder,
    )


def find_steps(
    model: Model, names: Sequence[str] | None = None, *, settings: LearnSettings | None = None
) -> Iterator[Any]:
    """The frozen steps of learning every built-in transformation (or those named); ``findings`` grow. Imports torch.

    Raises:
        UnknownNameError: there is no such transformation.
    """
    # torch is needed only here; a script that only draws pictures does without
    from latentstudio.factors.finding import find_factors
    from latentstudio.transformations import TRANSFORMATIONS, transformation_named

    chosen = TRANSFORMATIONS if names is None else tuple(transformation_named(name) for name in names)
    return find_factors(model.guarded_generator, chosen, settings=settings)


def bench_steps(model: Model, transformation: str, *, seed: int = 0) -> Iterator[Any]:
    """The frozen steps of comparing with the published protocol; the last has ``plain`` and ``ours``. Imports torch."""
    # torch is needed only here; a script that only draws pictures does without
    from latentstudio.factors.benching import bench_learning
    from latentstudio.transformations import transformation_named

    return bench_learning(model.guarded_generator, transformation_named(transformation), seed=seed)


def evaluation_steps(
    model: Model,
    factor: Factor,
    *,
    count: int = 500,
    seed: int | None = None,
    conditions: Conditions = NONE,
    leak: Callable[[Any, Any], Mapping[str, Any]] | None = None,
    transformation: Transformation | None = None,
) -> Iterator[Any]:
    """The frozen steps of asking ``count`` new samples for a factor; the last one's ``evaluation`` tells what came.

    ``leak`` measures what else changed: pictures before and after (N, 3, H, W), as tensors, to changes (N,) by name.
    A factor of your own needs the ``transformation`` that it was learned from. Imports torch.
    """
    # torch is needed only here; a script that only draws pictures does without
    from latentstudio.factors.evaluating import evaluate_factor

    chosen: dict[str, Any] = {} if seed is None else {"seed": seed}
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
) -> Iterator[Any]:
    """The frozen steps of the paper's evaluation (section 3.1); the last one's ``protocol`` holds what was measured.

    ``count`` samples are put at each of ``alphas`` along the factor's axis. Imports torch.
    """
    # torch is needed only here; a script that only draws pictures does without
    from latentstudio.factors.placing import protocol_steps as steps

    chosen: dict[str, Any] = {} if seed is None else {"seed": seed}
    return steps(
        model.guarded_generator, factor, alphas=alphas, count=count, conditions=conditions, **chosen
    )


def clean_steps(model: Model, factor: Factor, against: Sequence[Factor], **options: Any) -> Iterator[Any]:
    """The frozen steps of cleaning a factor's axis against others; the last one's ``factor`` is the result.

    ``options`` are ``count``, ``seed`` and ``conditions`` of measuring it anew. Imports torch.
    """
    # torch is needed only here; a script that only draws pictures does without
    from latentstudio.factors.cleaning import clean_steps as steps

    return steps(model.guarded_generator, factor, against, **options)


def map_of(
    model: Model,
    *,
    space: str = "z",
    count: int = COUNT,
    seed: int = 0,
    factors: Sequence[Factor] | None = None,
    conditions: Conditions = NONE,
) -> MapData:
    """A cloud of ``count`` samples in the principal components of z or of their pictures, with trajectories.

    ``map_steps`` shows progress; ``write_map`` writes what came out as SVG, PNG or CSV.

    Args:
        space: ``z``, or ``images`` for the pictures (about a millisecond each on a small model).
        seed: the first sample's seed; sample k is the one of ``seed + k``.
        factors: whose trajectories are placed on it; all that are known for the model when None.

    Raises:
        UsageError: no such space, a count out of range, or a prior that cannot be sampled.
    """
    known = tuple(factors_of(model)) if factors is None else tuple(factors)
    found: MapData | None = None
    for step in map_steps(model, known, space=space, count=count, seed=seed, conditions=conditions):
        found = step.data if step.data is not None else found
    assert found is not None, "the last step carries the map"
    return found
