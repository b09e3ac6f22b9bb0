"""The hand on the map: the picture of the point under the mouse, going there, and pinned pictures."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from latentstudio.document.origin import Origin
from latentstudio.document.view import View
from latentstudio.engine import Result
from latentstudio.factors.mapping import MapData
from latentstudio.studio.desk import Desk
from latentstudio.tasks.draw import OpenModel, draw_thumbnails
from latentstudio.tasks.map_scenes import pixel_pick, plane
from latentstudio.tasks.map_sight import Pin, Sight
from latentstudio.tasks.map_values import Mark, Pick, point_of

if TYPE_CHECKING:  # the one imports torch, the other pyqtgraph
    from latentstudio.studio.map.plot import MapPlot


class MapHand(QObject):
    """Serves one plane. Whoever shows something there tells by ``look`` what can be pointed at.

    Signals:
        pins_changed(): a picture was pinned or taken away.
    """

    pins_changed = Signal()

    def __init__(self, desk: Desk, plot: MapPlot, *, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._plot = plot
        self._sight = Sight()
        self._pins: dict[str, list[Pin]] = {}
        plot.hovered.connect(self._on_hovered)
        plot.clicked.connect(self._on_clicked)
        plot.pinned.connect(self._on_pinned)

    def look(self, sight: Sight) -> None:
        """From now on these can be pointed at."""
        self._sight = sight

    def pin_marks(self, data: MapData, pair: tuple[int, int]) -> tuple[Mark, ...]:
        """The pinned pictures of the map's model, in two components (counted from 1)."""
        pins = self._pins.get(data.model, [])
        if not pins:
            return ()
        latents, pictures = np.stack([pin.latent for pin in pins]), np.stack([pin.picture for pin in pins])
        places = plane(data.place(latents, pictures), pair)
        return tuple(Mark(point, pin.picture) for point, pin in zip(places, pins, strict=True))

    def _standing(self) -> tuple[View, OpenModel] | None:
        view = self._desk.workspace.view
        opened = self._desk.opened_for(view)
        return None if view is None or opened is None else (view, opened)

    def _on_hovered(self, pick: Pick | None) -> None:
        if pick is None:
            return
        if self._sight.pixels is not None:
            self._show(pick, *pixel_pick(self._sight.pixels, pick))
            return
        latent, standing = self._sight.latent(pick), self._standing()
        if latent is None or standing is None:
            return
        view, opened = standing
        words = self._sight.words(pick)
        self._plot.set_hover(pick, None, words)
        work = partial(draw_thumbnails, opened, view, latent[None])
        self._desk.worker.request("map hover", work, partial(self._on_hover_drawn, pick, words))

    def _on_hover_drawn(self, pick: Pick, words: str, result: Result) -> None:
        if isinstance(result.value, np.ndarray):
            self._show(pick, result.value[0], words)
        elif result.error is not None:
            self._desk.tell_error(result.error, doing="Drawing the point")

    def _show(self, pick: Pick, picture: NDArray[np.uint8], words: str) -> None:
        point = point_of(self._plot.scene_shown, self._plot.moving, pick)
        if point is not None:
            self._plot.set_hover(pick, Mark(point, picture), words)

    def _on_clicked(self, pick: Pick) -> None:
        """Go there: one entry of the history."""
        standing = self._standing()
        if standing is None:
            return
        there = self._sight.there(pick, standing[0], keep_sliders=self._desk.keep_sliders)
        if there is not None:
            origin = Origin.EDIT if pick.kind == "path" else Origin.SAMPLE
            self._desk.workspace.apply(there, self._sight.words(pick), origin)

    def _on_pinned(self, pick: Pick) -> None:
        """Keep the small picture of a point on the map, or take it away again."""
        latent, standing = self._sight.latent(pick), self._standing()
        if latent is None or standing is None:
            return
        view, opened = standing
        pins = self._pins.get(view.model, [])
        kept = [pin for pin in pins if not np.array_equal(pin.latent, latent)]
        if len(kept) < len(pins):
            self._pins[view.model] = kept
            self.pins_changed.emit()
            return
        work = partial(draw_thumbnails, opened, view, latent[None])
        self._desk.worker.request("map pin", work, partial(self._on_pin_drawn, view.model, latent))

    def _on_pin_drawn(self, model: str, latent: NDArray[np.float32], result: Result) -> None:
        if isinstance(result.value, np.ndarray):
            self._pins.setdefault(model, []).append(Pin(latent, result.value[0]))
            self.pins_changed.emit()
        elif result.error is not None:
            self._desk.tell_error(result.error, doing="Drawing the point")
