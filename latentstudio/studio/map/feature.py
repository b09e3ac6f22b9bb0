"""How the panel map is built."""

from __future__ import annotations

from latentstudio.studio.bench import Bench
from latentstudio.studio.factors.presenter import FactorsPresenter
from latentstudio.studio.map.panel import MapPanel
from latentstudio.studio.map.presenter import MapPresenter


def build(bench: Bench) -> MapPanel:
    """The panel; it shows the trajectories of the chosen slider."""
    panel = bench.add(MapPanel())
    shown = bench.add(MapPresenter(bench.desk, panel, parent=bench.parent))
    bench.get(FactorsPresenter).choice_changed.connect(shown.set_factor)
    return panel
