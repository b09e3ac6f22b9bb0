"""The grid of samples: sixteen other seeds of the model in front, one click away."""

from __future__ import annotations

from functools import partial

import numpy as np
from PySide6.QtCore import QObject

from latentstudio.document.view import View
from latentstudio.document.workspace import Change
from latentstudio.engine import Result
from latentstudio.studio.desk import Desk
from latentstudio.studio.library.sample_grid import SampleGrid
from latentstudio.tasks.draw import OpenModel, draw_seeds

COUNT = 16


class SamplesPresenter(QObject):
    """Fills the grid when a model comes to the front or a seed outside the grid is taken."""

    def __init__(self, desk: Desk, grid: SampleGrid, *, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._grid = grid
        self._asked: tuple[str, tuple[int, ...]] = ("", ())
        self.seeds: tuple[int, ...] = ()
        desk.model_changed.connect(self._on_model)
        desk.workspace.subscribe(self._on_change)
        grid.picked.connect(self._on_picked)
        grid.seed_entered.connect(self._on_seed)
        grid.new_sample_requested.connect(self._on_new)

    def _on_model(self, opened: OpenModel) -> None:
        self._request(self._desk.workspace.view)

    def _on_change(self, change: Change) -> None:
        if change.kind != "preview":
            self._request(change.new)

    def _request(self, view: View | None) -> None:
        opened = self._desk.opened_for(view)
        if view is None or opened is None:
            return
        self._grid.set_seed(view.seed)
        name, seeds = self._asked
        wanted = opened.model.card.seeds_beside(view.seed, COUNT)
        if name == opened.name and (view.seed is None or view.seed in seeds or wanted[0] in seeds):
            return
        self._asked = (opened.name, wanted)
        self._desk.worker.request("samples", partial(draw_seeds, opened, wanted), partial(self._on_drawn, wanted))

    def _on_drawn(self, seeds: tuple[int, ...], result: Result) -> None:
        if isinstance(result.value, np.ndarray) and self._asked[1] == seeds:
            self.seeds = seeds
            self._grid.set_samples(result.value, tuple(f"seed {seed}" for seed in seeds))
        elif result.error is not None:
            self._desk.tell_error(result.error, doing="Drawing the samples")

    def _on_picked(self, index: int) -> None:
        if index < len(self.seeds):
            self._desk.request_sample(self.seeds[index])

    def _on_seed(self, seed: int) -> None:
        self._desk.request_sample(seed)

    def _on_new(self) -> None:
        self._desk.request_sample()
