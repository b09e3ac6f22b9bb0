"""What was learned and not kept yet: written aside at once, shown again when its model comes back, saved elsewhere."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject

from latentstudio.engine import Result
from latentstudio.factors import Factor, write_factor
from latentstudio.factors.rescuing import forget_rescued, rescue_factor, rescued_factors
from latentstudio.studio.desk import Desk
from latentstudio.studio.learn.presenter import LearnPresenter
from latentstudio.tasks.draw import OpenModel

SUFFIX = ".safetensors"


class UnkeptPresenter(QObject):
    """Neither a full disk nor another model nor the end of the program loses a factor that took minutes."""

    def __init__(self, desk: Desk, learn: LearnPresenter, *, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._learn = learn
        self._factors: dict[str, Factor] = {}
        learn.learned.connect(self._on_learned)
        learn.settled.connect(self._on_settled)
        desk.model_changed.connect(self._on_model)

    def recover(self) -> None:
        """Look for what was learned and not kept when the program ended."""
        self._desk.worker.request("rescued", rescued_factors, self._on_recovered)

    def request_save(self, path: Path) -> None:
        """Write the factor in front to a file that the user chose."""
        factor = self._learn.factor
        if factor is not None:
            path = path if path.suffix == SUFFIX else path.with_name(f"{path.name}{SUFFIX}")
            self._desk.request_write("elsewhere", partial(write_factor, path, factor), partial(self._on_saved, path))

    def _on_learned(self, factor: Factor) -> None:
        self._factors[factor.model] = factor
        self._desk.worker.request("rescue", partial(rescue_factor, factor), self._on_rescued)

    def _on_rescued(self, result: Result) -> None:
        """A copy aside that could not be written is no news yet: keeping will tell."""

    def _on_settled(self, factor: Factor) -> None:
        """It was kept, or thrown away."""
        if self._factors.get(factor.model) is factor:
            del self._factors[factor.model]
        self._desk.worker.request("forget", partial(forget_rescued, factor), self._on_rescued)

    def _on_recovered(self, result: Result) -> None:
        if isinstance(result.value, tuple):
            self._factors = {**{factor.model: factor for factor in result.value}, **self._factors}
        if self._desk.current is not None:
            self._on_model(self._desk.current)

    def _on_model(self, opened: OpenModel) -> None:
        factor = self._factors.get(opened.name)
        fits = factor is not None and factor.model_sha256 == opened.model.card.weights_sha256
        if factor is not None and fits and not self._learn.running:
            self._learn.show_learned(factor)

    def _on_saved(self, path: Path, result: Result) -> None:
        if result.error is not None:
            again = self._learn.elsewhere_requested.emit
            self._desk.notice("bad", f"Saving the slider failed: {result.error}", "Save elsewhere…", again)
        else:
            self._desk.notice("good", f"Saved {path.name}; drop it on the window to make it a slider")
