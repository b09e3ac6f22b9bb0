"""An opened model that draws with tuned weights; everything that takes a ``Model`` takes it too. No torch at import."""

from __future__ import annotations

from collections.abc import Iterator

from latentstudio.errors import CapabilityError
from latentstudio.generators.calibration import EAGER, CalibrationStep
from latentstudio.generators.contract import Generator
from latentstudio.generators.opening import AUTO, Model
from latentstudio.generators.tunings import Tuning, check_fits, tuned_generator


class TunedModel(Model):
    """``model`` as a tuning changes it. torch draws: the exported graph holds the weights of before.

    It shares the model's loaded generator until one of the two is closed. Made by ``tuned_model``.
    """

    def __init__(self, model: Model, tuning: Tuning) -> None:
        super().__init__(model.card, model.folder, device=model.device, catalogue=model.catalogue)
        self.tuning = tuning.sha256
        self._untuned = model
        self._tuning = tuning
        self._tuned: Generator | None = None

    @property
    def generator(self) -> Generator:
        """The torch generator with the tuned weights; made at first use.

        Raises:
            ModelFileError, PluginError: as ``Model.generator``; also a tuning whose tensors do not fit.
        """
        if self._tuned is None:
            self._tuned = tuned_generator(self._untuned.generator, self._tuning)
        return self._tuned

    def calibration(self) -> Iterator[CalibrationStep]:
        """One step: there is nothing to choose from."""
        _ = self.generator
        yield CalibrationStep(1.0, "a tuned model is drawn by torch")

    def take_runtime(self, runtime: str) -> None:
        """Only torch has the tuned weights.

        Raises:
            CapabilityError: the accelerated runtime was asked for.
        """
        if runtime not in (AUTO, EAGER):
            raise CapabilityError("a tuned model cannot be accelerated", action="use the eager runtime")

    def close(self) -> None:
        """Let go of the tuned network; the model that it was made from stays open."""
        super().close()
        self._tuned = None


def tuned_model(model: Model, tuning: Tuning) -> TunedModel:
    """``model`` drawing with the tuning's weights, for ``draw``, ``apply``, ``sample`` and the rest.

    Raises:
        ModelFileError: the tuning belongs to another model.
    """
    check_fits(tuning, model.card)
    return TunedModel(model, tuning)
