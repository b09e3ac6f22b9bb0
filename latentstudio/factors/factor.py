"""A factor of variation: a unit axis, its two calibrations, and what it can be asked for. numpy only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from latentstudio.errors import FactorFileError, UnknownNameError
from latentstudio.factors.calibration import MeasuredCalibration, MonotoneCurve, check_rows
from latentstudio.units import Unit

FloatArray = NDArray[np.float32]
GRADES = ("A", "B", "C", "D")
UNCONFIRMED = "C"  # the best grade of what was measured by one ruler


@dataclass(frozen=True)
class Evidence:
    """What an axis was learned from, as much of it as plots and the map need.

    Attributes:
        origins: a dozen starting points z_0 (S, d).
        values: the parameters t of the targets, increasing (K,).
        ends: where each trajectory stood at each t (S, K, d); NaN where the record was dropped.
        asked, predicted: t of records of held-out starts, and what the paper's model says for them (R,).
        errors: reconstruction errors of the records, increasing (E,).
        cut: records with a larger error were dropped.
    """

    origins: FloatArray
    values: NDArray[np.float64]
    ends: FloatArray
    asked: FloatArray
    predicted: FloatArray
    errors: FloatArray
    cut: float

    def __post_init__(self) -> None:
        for rows in ((self.values,), (self.asked, self.predicted), (self.errors,)):
            check_rows(*rows)
        starts, size = self.origins.shape
        if self.ends.shape != (starts, len(self.values), size):
            raise FactorFileError(f"trajectories of shape {self.ends.shape}",
                                  expected=f"({starts}, {len(self.values)}, {size})")


@dataclass(frozen=True)
class Factor:
    """An axis u in latent space that controls one property of the picture, in true units.

    Attributes:
        name: ``x``, ``y``, ``scale``, ``brightness`` or the user's own.
        title: what it does and the sign, a few words.
        unit: unit of t.
        axis: unit vector u (d,).
        paper: the paper's g for this axis, fitted on differences of trajectory records (equation 9).
        measured: what moving along u did to new samples; sliders use it.
        model: name of the model; ``model_sha256`` of its weights ties the factor to it.
        figures: measured numbers (records kept, r2 on held-out starts, spread, seconds ...).
        recipe: settings of the run that learned it.
        evidence: trajectories, fit and errors to look at, or None where they were not kept.
        label: what people read instead of the name, where the slider does something else than the transformation that
            it was learned from (an ``x`` that turns heads is called turn); empty otherwise.
    """

    name: str
    title: str
    unit: Unit
    axis: FloatArray
    paper: MonotoneCurve
    measured: MeasuredCalibration
    model: str
    model_sha256: str
    figures: Mapping[str, object] = field(default_factory=dict)
    recipe: Mapping[str, object] = field(default_factory=dict)
    evidence: Evidence | None = field(default=None, compare=False)
    label: str = ""

    def __post_init__(self) -> None:
        with np.errstate(over="ignore"):  # a broken file may hold any number; what overflows is not of unit length
            length = float(np.linalg.norm(self.axis))
        if self.axis.ndim != 1 or not abs(length - 1.0) < 1e-3:
            raise FactorFileError(f"an axis of shape {self.axis.shape} and length {length:.3g}", expected="unit length")
        if self.evidence is not None and self.evidence.origins.shape[1] != len(self.axis):
            raise FactorFileError(f"trajectories in {self.evidence.origins.shape[1]} dimensions",
                                  expected=f"{len(self.axis)}, as the axis has")
        object.__setattr__(self, "curve", self.measured.curve())

    curve: MonotoneCurve = field(init=False, repr=False, compare=False)

    def coordinate(self, latent: FloatArray) -> float:
        """p = <z, u> of one latent (d,)."""
        return float(np.dot(latent.reshape(-1).astype(np.float64), self.axis.astype(np.float64)))

    @property
    def is_learned(self) -> bool:
        """Whether it was learned from a transformation; directions of the largest changes have no trajectories."""
        return "explained" not in self.figures

    @property
    def known(self) -> tuple[float, float]:
        """The coordinates between which the measured curve is trusted."""
        return self.measured.known

    @property
    def reach(self) -> tuple[float, float]:
        """Measured effect at the two ends of the known range, against coordinate 0."""
        return float(self.curve.values[0]), float(self.curve.values[-1])

    def range_at(self, latent: FloatArray) -> tuple[float, float]:
        """The t that can be asked of this sample: (lowest <= 0, highest >= 0), in t's own parameter."""
        here = float(self.curve(self.coordinate(latent)))
        low, high = self.reach
        return min(0.0, low - here), max(0.0, high - here)

    def target(self, latent: FloatArray, t: float) -> tuple[float, float]:
        """Where the coordinate must go for t: (p', the t that p' stands for); p' = curve inverse(curve(p) + t).

        Beyond the known range the nearest end is taken, and the second number says what that is worth.
        """
        coordinate = self.coordinate(latent)
        if t == 0.0:
            return coordinate, 0.0
        here = float(self.curve(coordinate))
        low, high = self.reach
        wanted = min(max(here + t, min(low, here)), max(high, here))
        if wanted == here:
            return coordinate, 0.0
        return float(self.curve.inverse(wanted)), wanted - here

    @property
    def shown(self) -> str:
        """What people read: the label, or the name."""
        return self.label or self.name

    @property
    def grade(self) -> str:
        """What the slider is worth, A to D: that of its closeness, but C at most while only one ruler measured it.

        The ruler that a factor was learned and calibrated with cannot tell that it measures something else: it agreed
        with itself on an ``x`` that turns heads.
        """
        return max(self.closeness, UNCONFIRMED)

    @property
    def closeness(self) -> str:
        """A to D by the spread over new samples inside the known range, as a share of half the reach.

        A up to 0.25, B up to 0.5, C up to 1; D beyond, or where nothing moves. By the ruler that it was learned with.
        """
        low, high = self.reach
        half = (high - low) / 2
        if half <= 0:
            return "D"
        share = self.measured.spread / half
        return GRADES[int(np.searchsorted([0.25, 0.5, 1.0], share))]

    def describe(self) -> str:
        """One plain sentence: ``x: known from −6.3 px to +6.0 px, spread 2.1 px over new samples, grade B``."""
        low, high = self.reach
        unit = self.unit
        spread = unit.to_display(self.measured.spread)
        written = f"a factor of {spread:.2f}" if unit.symbol == "x" else f"{spread:.1f} {unit.symbol}"
        return (
            f"{self.shown}: known from {unit.format(low)} to {unit.format(high)}, "
            f"spread {written} over new samples, grade {self.grade}"
        )


@dataclass(frozen=True)
class FactorSet:
    """The factors of one model in the order of their sliders; ``errors`` are files that could not be used."""

    factors: tuple[Factor, ...] = ()
    errors: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Factor]:
        return iter(self.factors)

    def __len__(self) -> int:
        return len(self.factors)

    @property
    def names(self) -> tuple[str, ...]:
        """Names in slider order."""
        return tuple(factor.name for factor in self.factors)

    def get(self, name: str) -> Factor:
        """The factor of this name, or of this label.

        Raises:
            UnknownNameError: the model has no such factor.
        """
        for factor in (*(one for one in self.factors if one.name == name),
                       *(one for one in self.factors if one.label == name)):
            return factor
        unusable = f"; {len(self.errors)} unusable: {self.errors[0]}" if self.errors else ""
        raise UnknownNameError(
            f"there is no factor '{name}' for this model",
            expected=f"one of: {', '.join(one.shown for one in self.factors) or 'none learned'}{unusable}",
            action="learn it with `latentstudio factors learn`",
        )
