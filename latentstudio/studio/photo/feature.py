"""How the panel photo is built."""

from __future__ import annotations

from latentstudio.studio.bench import Bench
from latentstudio.studio.photo.panel import PhotoPanel
from latentstudio.studio.photo.presenter import PhotoPresenter


def build(bench: Bench) -> PhotoPanel:
    """The panel; the canvas shows the photo beside the model's picture."""
    panel = bench.add(PhotoPanel())
    photo = bench.add(PhotoPresenter(bench.desk, panel, parent=bench.parent))
    bench.picture.set_photo_source(photo.photo_of)
    photo.beside_changed.connect(bench.picture_panel.canvas.show_beside)
    return panel
