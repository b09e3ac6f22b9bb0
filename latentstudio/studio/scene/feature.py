"""How the panel scene is built."""

from __future__ import annotations

from latentstudio.studio.bench import Bench
from latentstudio.studio.scene.panel import ScenePanel
from latentstudio.studio.scene.presenter import ScenePresenter


def build(bench: Bench) -> ScenePanel:
    """The panel; boxes are held on the canvas."""
    panel = bench.add(ScenePanel())
    bench.add(ScenePresenter(bench.desk, panel, bench.picture_panel.canvas.boxes, parent=bench.parent))
    return panel
