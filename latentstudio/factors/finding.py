"""Finding every factor that a model has: each built-in transformation is learned, measured and graded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from latentstudio.errors import StudioError
from latentstudio.factors.factor import Factor
from latentstudio.factors.learning import learn_factor
from latentstudio.factors.settings import LearnSettings
from latentstudio.generators.contract import Generator
from latentstudio.steps import Step
from latentstudio.transformations import Transformation

NOT_FOUND = "not found"


@dataclass(frozen=True)
class Finding:
    """What became of one transformation.

    Attributes:
        name: the transformation's.
        factor: what was learned, or None.
        grade: A to D, or ``not found``.
        reason: one sentence: what is known, or why there is nothing.
    """

    name: str
    factor: Factor | None
    grade: str
    reason: str

    @property
    def usable(self) -> bool:
        """Whether the slider is worth having: grade A to C."""
        return self.factor is not None and self.grade in ("A", "B", "C")


@dataclass(frozen=True)
class FindStep(Step):
    """Progress over all transformations; ``findings`` are those that are finished, ``name`` the one at work."""

    findings: tuple[Finding, ...] = ()
    name: str = ""


def find_factors(
    generator: Generator, transformations: Sequence[Transformation], *, settings: LearnSettings | None = None
) -> Iterator[FindStep]:
    """Learn every transformation in turn; one that this model does not have ends with its reason and stops nothing."""
    settings = settings or LearnSettings()
    findings: list[Finding] = []
    for index, transformation in enumerate(transformations):
        factor, reason = None, ""
        try:
            for step in learn_factor(generator, transformation=transformation, settings=settings):
                factor = step.factor
                yield FindStep(
                    (index + step.fraction) / len(transformations), f"{transformation.name}: {step.message}",
                    step.preview, step.metrics, tuple(findings), transformation.name,
                )
        except StudioError as problem:
            reason = problem.sentence
        grade = NOT_FOUND if factor is None else factor.grade
        findings.append(Finding(transformation.name, factor, grade, reason if factor is None else factor.describe()))
    yield FindStep(1.0, "all tried", findings=tuple(findings))
