"""How the panel raw is built."""

from __future__ import annotations

from latentstudio.studio.bench import Bench
from latentstudio.studio.raw.panel import RawPanel
from latentstudio.studio.raw.presenter import RawPresenter


def build(bench: Bench) -> RawPanel:
    """The panel with its coordinates."""
    panel = bench.add(RawPanel())
    bench.add(RawPresenter(bench.desk, panel, parent=bench.parent))
    return panel
