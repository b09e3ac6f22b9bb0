"""The view: one frozen value that says which picture is meant. A session holds one or several of them."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from latentstudio.errors import UsageError
from latentstudio.generators.card import ModelCard
from latentstudio.generators.conditions import LABEL, NOISE_SEED, NONE, TRUNCATION, Conditions, ConditionValue
from latentstudio.inversion.photo_store import PhotoPlace
from latentstudio.latents import check_latent, check_shape
from latentstudio.scenes.scene import Scene

FloatArray = NDArray[np.float32]

MAX_LATENT_BYTES = 1 << 19
MAX_NAME = 200
MAX_NAMES = 500
_LARGEST_INTEGER = (1 << 63) - 1


@dataclass(frozen=True)
class View:
    """Everything that decides a picture, besides the model's weights; compared and hashed by content.

    Attributes:
        model: name of the model, as its card gives it.
        model_sha256: hash of its weights, which identifies it; may be empty.
        latent: the sample before any factor is applied, little-endian float32.
        shape: shape of that latent.
        space: name of the latent space.
        seed: the seed it was drawn with; None once it was edited by hand.
        positions: (factor name, t) sorted by name, t in the unit's natural parameter (see units.py); a factor
            that stands at 0 is left out.
        conditions: (name, value) sorted by name: what the generator is told beside the latent (``label``,
            ``truncation``, ``noise_seed``, ...). Only what was set; all else is as the model's card has it.
        kept: sorted names of the locked factors: no other factor may move their coordinates.
        tuning: SHA-256 of the tuning that the weights are changed by (``generators/tunings.py``); empty for none.
        photo: the photo that the latent was found for and the frame on it; None for none.
        scene: objects in boxes, for a model that knows them; the picture is then drawn from it and not from the
            latent. None for none.

    Raises:
        UsageError: a value is not finite, out of range, or the bytes do not match the shape.
    """

    model: str
    model_sha256: str
    latent: bytes
    shape: tuple[int, ...]
    space: str = "z"
    seed: int | None = None
    positions: tuple[tuple[str, float], ...] = ()
    conditions: tuple[tuple[str, ConditionValue], ...] = ()
    kept: tuple[str, ...] = ()
    tuning: str = ""
    photo: PhotoPlace | None = None
    scene: Scene | None = None

    def __post_init__(self) -> None:
        if not self.model:
            raise UsageError("a session without a model", expected="the name of a model")
        factors, conditions = ([name for name, _ in pairs] for pairs in (self.positions, self.conditions))
        _check_names(self.model, self.model_sha256, self.space, self.tuning, *factors, *conditions, *self.kept)
        _check_latent_bytes(self.latent, self.shape)
        object.__setattr__(self, "positions", _tidy(self.positions))
        object.__setattr__(self, "conditions", _checked(self.conditions))
        object.__setattr__(self, "kept", tuple(sorted(set(self.kept))))
        _check_whole("seed", self.seed)

    @classmethod
    def start(
        cls, card: ModelCard, latent: FloatArray, seed: int | None = None, *, conditions: Conditions = NONE
    ) -> View:
        """A view at ``latent`` (the shape of the model's first space, or a batch of one), sliders at 0.

        Raises:
            UsageError: the latent has another size or values that are not finite.
        """
        space = card.spaces[0]
        checked = check_latent(latent, space)
        if len(checked) != 1:
            raise UsageError(f"{len(checked)} latents", expected="one")
        return cls(
            model=card.name, model_sha256=card.weights_sha256, latent=_to_bytes(checked[0]),
            shape=space.shape, space=space.name, seed=seed, conditions=conditions.pairs,
        )

    def latent_array(self) -> FloatArray:
        """The latent as a new float32 array of ``shape``."""
        return np.frombuffer(self.latent, dtype="<f4").astype(np.float32).reshape(self.shape)

    def with_latent(self, array: FloatArray, seed: int | None = None) -> View:
        """The same view at another latent of the same shape; positions stay.

        Raises:
            UsageError: another shape, or values that are not finite.
        """
        array = np.asarray(array, dtype=np.float32)
        if array.shape != self.shape:
            raise UsageError(f"a latent of shape {array.shape}", expected=f"{self.shape} for {self.model}")
        return replace(self, latent=_to_bytes(array), seed=seed)

    def with_new_picture(self, array: FloatArray, seed: int | None = None, *, keep_sliders: bool = False) -> View:
        """The view at another picture of its model: a new sample, a photo, a scene, a point of the map.

        The one rule for what carries over: locked factors stay locked and where they stand, and conditions stay
        (they say what kind of picture is wanted). All other sliders go back to 0, unless ``keep_sliders``; what
        belonged to the picture before, its tuning, photo and scene, goes. What a file brings, or another model,
        begins anew and takes nothing over.

        Raises:
            UsageError: as ``with_latent``.
        """
        stays = tuple(pair for pair in self.positions if keep_sliders or pair[0] in self.kept)
        return replace(self.with_latent(array, seed), positions=stays, tuning="", photo=None, scene=None)

    def with_position(self, name: str, t: float) -> View:
        """The same view with factor ``name`` at ``t``; 0 takes it out."""
        others = tuple(pair for pair in self.positions if pair[0] != name)
        return replace(self, positions=(*others, (name, float(t))))

    def with_positions(self, positions: Mapping[str, float]) -> View:
        """The same view with exactly these factors set."""
        return replace(self, positions=tuple((name, float(t)) for name, t in positions.items()))

    def with_kept(self, names: Collection[str]) -> View:
        """The same view with exactly these factors locked."""
        return replace(self, kept=tuple(names))

    def with_reset(self, *, keep: Collection[str] = ()) -> View:
        """The same view with every factor at 0, except those named in ``keep``."""
        return replace(self, positions=tuple(pair for pair in self.positions if pair[0] in keep))

    def with_condition(self, name: str, value: ConditionValue) -> View:
        """The same view with one condition set; None leaves it to the model's card."""
        others = tuple(pair for pair in self.conditions if pair[0] != name)
        return replace(self, conditions=others if value is None else (*others, (name, value)))

    def with_tuning(self, tuning: str) -> View:
        """The same view drawn with the tuning of this hash; empty for the model's own weights."""
        return replace(self, tuning=tuning)

    def with_photo(self, photo: PhotoPlace | None) -> View:
        """The same view, standing for this photo, or for none."""
        return replace(self, photo=photo)

    def with_scene(self, scene: Scene | None) -> View:
        """The same view, drawn from this scene, or from its latent."""
        return replace(self, scene=scene)

    def position(self, name: str) -> float:
        """Where factor ``name`` stands; 0 when it was not set."""
        return dict(self.positions).get(name, 0.0)

    def position_map(self) -> dict[str, float]:
        """Names and t of the factors that do not stand at 0."""
        return dict(self.positions)

    @property
    def told(self) -> Conditions:
        """The conditions that were set, as a generator takes them."""
        return Conditions(self.conditions)


def _check_names(*names: str) -> None:
    """Names come from files of others: they are shown, and looked for on the disk."""
    if len(names) > MAX_NAMES:
        raise UsageError(f"{len(names):,} names", expected=f"at most {MAX_NAMES}")
    for name in names:
        if len(name) > MAX_NAME or not name.isprintable():
            raise UsageError(f"the name '{name[:40]}'", expected=f"at most {MAX_NAME} signs that can be shown")


def _to_bytes(array: FloatArray) -> bytes:
    return np.ascontiguousarray(array, dtype="<f4").tobytes()


def _check_latent_bytes(latent: bytes, shape: tuple[int, ...]) -> None:
    check_shape(shape)
    if len(latent) != 4 * math.prod(shape):
        raise UsageError(f"{len(latent)} bytes of latent", expected=f"{4 * math.prod(shape)} for {shape}")
    if len(latent) > MAX_LATENT_BYTES:
        raise UsageError(f"a latent of {len(latent)} bytes", expected=f"at most {MAX_LATENT_BYTES}")
    if not np.isfinite(np.frombuffer(latent, dtype="<f4")).all():
        raise UsageError("the latent holds values that are not finite", expected="ordinary numbers")


def _tidy(positions: tuple[tuple[str, float], ...]) -> tuple[tuple[str, float], ...]:
    for name, t in positions:
        if not math.isfinite(t):
            raise UsageError(f"the factor {name} stands at {t}", expected="an ordinary number")
    if len(dict(positions)) != len(positions):
        raise UsageError("a factor is set twice", expected="each factor once")
    return tuple(sorted((name, t) for name, t in positions if t != 0.0))


def _checked(conditions: tuple[tuple[str, ConditionValue], ...]) -> tuple[tuple[str, ConditionValue], ...]:
    told = dict(conditions)
    if len(told) != len(conditions):
        raise UsageError("a condition is set twice", expected="each condition once")
    for name, value in conditions:
        if isinstance(value, str):
            _check_names(value)
        elif value is not None and not abs(value) <= _LARGEST_INTEGER:
            raise UsageError(f"the {name} {value}", expected="an ordinary number")
    truncation = told.get(TRUNCATION)
    if truncation is not None and (isinstance(truncation, str) or truncation <= 0):
        raise UsageError(f"the truncation {truncation}", expected="a number above 0")
    for name in (LABEL, NOISE_SEED):
        _check_whole(name, told.get(name))
    return tuple(sorted((name, value) for name, value in conditions if value is not None))


def _check_whole(name: str, value: ConditionValue) -> None:
    if value is not None and (not isinstance(value, int) or not 0 <= value <= _LARGEST_INTEGER):
        raise UsageError(f"the {name} {value}", expected="a whole number from 0 to 2^63 - 1")
