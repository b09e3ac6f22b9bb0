"""How the panel reconstruct is built."""

from __future__ import annotations

from latentstudio.studio.bench import Bench
from latentstudio.studio.photo.presenter import PhotoPresenter
from latentstudio.studio.reconstruct.panel import ReconstructPanel
from latentstudio.studio.reconstruct.presenter import ReconstructPresenter


def build(bench: Bench) -> ReconstructPanel:
    """The panel; it takes pictures to the photo's panel."""
    panel = bench.add(ReconstructPanel())
    bench.add(ReconstructPresenter(bench.desk, panel, bench.get(PhotoPresenter), parent=bench.parent))
    return panel
