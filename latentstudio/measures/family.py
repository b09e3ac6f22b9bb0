"""Reading t back by searching a transformation's own family T_t(before), where no special measure is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from latentstudio.errors import TransformationError
from latentstudio.loss_names import SIGMA
from latentstudio.measures.registration import CORRELATION, SQUARES, Registration
from latentstudio.transformations import Transformation

CANDIDATES = 97
WIDEST = 1.8
TRIED = (-0.75, -0.4, 0.4, 0.75)
TOLERATED = 0.25
ASKED = 8
_WORDS = {CORRELATION: "masked correlation", SQUARES: "least squares"}


@dataclass(frozen=True)
class Family:
    """How t is read back: by which likeness, and how far that was off on pictures with a known t.

    Attributes:
        by: ``correlation`` or ``squares``.
        missed: the median error as a share of the t that was to be found.
        furthest: the largest |t| that is searched.
    """

    transformation: Transformation
    by: str
    missed: float
    furthest: float

    @property
    def how(self) -> str:
        """One clause for people."""
        return (f"{_WORDS[self.by]} over {self.transformation.name}'s own family, which read a known t back to "
                f"{100 * self.missed:.0f} %")

    def prepare(self, before: Tensor) -> Callable[[Tensor], Tensor]:
        """before (N, 3, H, W) -> (after -> t (N,))."""
        registration = _registration(before, self.transformation, self.by, self.furthest)
        return lambda after: registration.measure(after)[0]


def family_for(transformation: Transformation, pictures: Tensor) -> Family:
    """Choose the likeness that reads t back best on (the first of) ``pictures`` (N, 3, H, W), transformed by known t.

    The correlation does not mind light and so follows what moves; it is blind to changes of light and colour, which
    least squares see. Of two that do equally well the correlation is taken.

    Raises:
        TransformationError: neither reads t back to ``TOLERATED`` of it.
    """
    pictures, side = pictures[:ASKED], int(pictures.shape[-1])
    largest = transformation.largest(side)
    furthest = _searchable(transformation, pictures[:1], largest)
    found = []
    for by in (CORRELATION, SQUARES):
        registration = _registration(pictures, transformation, by, furthest)
        misses = [_miss(registration, transformation, pictures, share * largest) for share in TRIED]
        found.append(Family(transformation, by, float(torch.cat(misses).median()), furthest))
    best = found[1] if found[1].missed < 0.8 * found[0].missed - 0.01 else found[0]
    if not best.missed <= TOLERATED:
        missed = ", ".join(f"by {_WORDS[one.by]} {100 * one.missed:.0f} %" for one in found)
        raise TransformationError(
            f"the effect of '{transformation.name}' cannot be read back from this model's pictures (missed {missed})",
            expected=f"at most {100 * TOLERATED:.0f} %", action="raise its reach, or make its change plainer",
        )
    return best


def _registration(pictures: Tensor, transformation: Transformation, by: str, furthest: float) -> Registration:
    candidates = torch.linspace(-furthest, furthest, CANDIDATES)
    return Registration(pictures, transformation, candidates, sigma=SIGMA, by=by)


def _searchable(transformation: Transformation, picture: Tensor, largest: float) -> float:
    """Beyond its reach a transformation promises nothing, so further is searched only where that does no harm."""
    wide = torch.tensor([-WIDEST, WIDEST]).to(picture) * largest
    try:
        transformation.trial(picture.expand(2, -1, -1, -1), wide)
    except TransformationError:
        return largest
    return WIDEST * largest


def _miss(registration: Registration, transformation: Transformation, pictures: Tensor, t: float) -> Tensor:
    after, mask = transformation.trial(pictures, torch.full_like(pictures[:, 0, 0, 0], t))
    # undefined pixels show what was there before: in a model's pictures nothing is undefined
    return (registration.measure(after * mask + pictures * (1.0 - mask))[0] - t).abs() / abs(t)
