"""How the panel train is built."""

from __future__ import annotations

from latentstudio.studio.bench import Bench
from latentstudio.studio.library.presenter import LibraryPresenter
from latentstudio.studio.train.panel import TrainPanel
from latentstudio.studio.train.presenter import TrainPresenter


def build(bench: Bench) -> TrainPanel:
    """The panel; what was trained appears in the library."""
    panel = bench.add(TrainPanel())
    train = bench.add(TrainPresenter(bench.desk, panel, parent=bench.parent))
    train.finished.connect(bench.get(LibraryPresenter).renew)
    return panel
