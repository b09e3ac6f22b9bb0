"""How the panel factors is built."""

from __future__ import annotations

from latentstudio.studio.bench import Bench
from latentstudio.studio.factors.exact import ExactPresenter
from latentstudio.studio.factors.panel import FactorsPanel
from latentstudio.studio.factors.presenter import FactorsPresenter


def build(bench: Bench) -> FactorsPanel:
    """The panel, its cards, and what matches a slider to one picture exactly."""
    panel = bench.add(FactorsPanel())
    factors = bench.add(FactorsPresenter(bench.desk, panel, bench.picture_panel.canvas, parent=bench.parent))
    factors.hand_down.connect(bench.picture.on_hand)
    bench.add(ExactPresenter(bench.desk, panel, parent=bench.parent))
    return panel
