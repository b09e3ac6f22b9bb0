"""How the panel library is built."""

from __future__ import annotations

from latentstudio.studio.bench import Bench
from latentstudio.studio.library.panel import LibraryPanel
from latentstudio.studio.library.presenter import LibraryPresenter
from latentstudio.studio.library.samples import SamplesPresenter


def build(bench: Bench) -> LibraryPanel:
    """The panel, with its samples and its models."""
    panel = bench.add(LibraryPanel())
    bench.add(SamplesPresenter(bench.desk, panel.samples, parent=bench.parent))
    bench.add(LibraryPresenter(bench.desk, panel, parent=bench.parent))
    return panel
