"""A transformation T_t: what it is, and how it is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from torch import Tensor

from latentstudio.errors import UsageError
from latentstudio.transformations.checking import Origin, check_something_valid, checked, raised
from latentstudio.transformations.facts import Facts

Function = Callable[..., object]


@dataclass(frozen=True)
class Transformation(Facts):
    """A transformation T_t with its validity mask (Plumerault et al. 2020, section 2.1.2).

    Attributes:
        function: (pictures float32 (N, 3, H, W) in [0, 1], t (N,)) -> (pictures, mask (N, 1, H, W)); the mask is 1
            where the result is defined by the source. It is given ``fill`` and ``interpolation`` as keywords where the
            facts have a fill.
        origin: the user's file that it comes from, or None.
    """

    function: Function = field(kw_only=True, repr=False)
    origin: Origin | None = field(default=None, kw_only=True)

    @classmethod
    def of(cls, facts: Facts, function: Function) -> Transformation:
        """The transformation that has these facts and is done by ``function``."""
        return cls(**vars(facts), function=function)

    def apply(self, images: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """T_t of pictures float32 (N, 3, H, W) in [0, 1] with one t (N,) each, and the mask (N, 1, H, W).

        Raises:
            TransformationError: the result breaks the contract, or a t is so large that nothing stays valid.
        """
        moved, mask = self.trial(images, t)
        check_something_valid(self, self.origin, mask, t)
        return moved, mask

    def trial(self, images: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
        """As ``apply``, but that nothing of a picture stays valid is no error: its mask is 0."""
        return checked(self, self.origin, images, self._result(images, t))

    def _result(self, images: Tensor, t: Tensor) -> object:
        options = {"fill": self.fill, "interpolation": self.interpolation} if self.moves else {}
        if self.origin is None:
            return self.function(images, t, **options)
        try:  # copies, because a function that writes into its arguments must not spoil ours
            return self.function(images.clone(), t.clone(), **options)
        except (KeyboardInterrupt, GeneratorExit, MemoryError):
            raise
        except BaseException as problem:  # someone's function may raise anything, SystemExit too
            raise raised(self, self.origin, problem) from problem

    def with_options(
        self, *, fill: float | None = None, interpolation: str | None = None, reach: float | None = None
    ) -> Transformation:
        """The same with another fill, interpolation or reach.

        Raises:
            UsageError: a value that does not exist, or a fill or interpolation where no pixel changes place.
        """
        if not self.moves and (fill is not None or interpolation is not None):
            raise UsageError(f"'{self.name}' moves no pixels", expected="neither a fill nor an interpolation for it")
        return replace(
            self,
            fill=self.fill if fill is None else fill,
            interpolation=self.interpolation if interpolation is None else interpolation,
            reach=self.reach if reach is None else reach,
        )
