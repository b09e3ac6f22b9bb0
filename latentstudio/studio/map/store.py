"""Maps that were drawn: the last few are kept, missing ones are drawn by jobs, trajectories are placed on them."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QObject, Signal

from latentstudio.engine import JobEnd, JobStep
from latentstudio.engine.loading import job
from latentstudio.factors import Factor
from latentstudio.factors.mapping import MapData, MapLine, MapStep, line_steps
from latentstudio.studio.desk import Desk
from latentstudio.tasks.draw import OpenModel
from latentstudio.tasks.map import MapKey, sentence_of

KEPT = 4


class MapStore(QObject):
    """One map is drawn at a time, the newest asked for.

    Signals:
        progressed(str): how far it is.
        drawn(MapKey): a map is there.
        refused(MapKey, str): it was cancelled or failed, and why.
        placed(MapKey, str): the trajectories of a factor are there.
    """

    progressed = Signal(str)
    drawn = Signal(object)
    refused = Signal(object, str)
    placed = Signal(object, str)

    def __init__(self, desk: Desk, *, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._maps: dict[MapKey, MapData] = {}
        self._lines: dict[tuple[MapKey, str], tuple[MapLine, ...]] = {}
        self._job = 0
        self._wanted: MapKey | None = None
        self._refused: MapKey | None = None

    @property
    def busy(self) -> bool:
        """Whether a map is being drawn."""
        return self._job != 0

    def get(self, key: MapKey | None) -> MapData | None:
        """The map, if it is kept."""
        return None if key is None else self._maps.get(key)

    def request(self, key: MapKey, opened: OpenModel) -> bool:
        """Have a map drawn unless it was refused before; False then. Another one that is being drawn is given up."""
        if key == self._refused:
            return False
        if key != self._wanted:
            self.stop()
            self._wanted = key
            steps = job(
                "latentstudio.factors.mapping:map_steps", opened.model, space=key.space, count=key.count,
                conditions=key.conditions, seconds=key.seconds,
            )
            self._job = self._desk.worker.start_job(
                "Drawing the map", steps, on_step=self._on_step, on_end=partial(self._on_end, key), background=True
            )
        return True

    def stop(self) -> None:
        """Give up the map that is being drawn."""
        if self._job:
            self._desk.worker.cancel_job(self._job)
        self._job, self._wanted = 0, None

    def stop_bounded(self) -> None:
        """Give up the map that is being drawn, if it would soon be there again."""
        if self._wanted is not None and self._wanted.seconds is not None:
            self.stop()

    def forgive(self) -> None:
        """A map that was refused may be asked for again."""
        self._refused = None

    def forget_lines(self, model: str) -> None:
        """The factors of a model are others now."""
        self._lines = {pair: lines for pair, lines in self._lines.items() if pair[0].model != model}

    def lines(self, key: MapKey, opened: OpenModel, factor: Factor) -> tuple[MapLine, ...]:
        """The factor's trajectories on a map that is kept; empty while they are being placed (``placed`` follows)."""
        data = self._maps[key]
        if (key, factor.name) not in self._lines:
            self._lines[(key, factor.name)] = ()
            self._desk.worker.start_job(
                "Placing trajectories", line_steps(opened.model, data, (factor,)),
                on_end=partial(self._on_lines, key, factor.name), quiet=True,
            )
        return self._lines[(key, factor.name)]

    def _on_step(self, step: JobStep) -> None:
        if step.id == self._job:
            self.progressed.emit(f"{step.step.message} · {step.step.fraction:.0%}")

    def _on_end(self, key: MapKey, end: JobEnd) -> None:
        mine = key == self._wanted
        if mine:
            self._job, self._wanted = 0, None
        if isinstance(end.last_step, MapStep) and end.last_step.data is not None:
            self._keep(key, end.last_step.data)
            self.drawn.emit(key)
        elif mine:
            self._refused = key
            self.refused.emit(key, "The map was not drawn." if end.error is None else sentence_of(end.error))

    def _keep(self, key: MapKey, data: MapData) -> None:
        self._maps[key] = data
        while len(self._maps) > KEPT:
            oldest = next(iter(self._maps))
            del self._maps[oldest]
            self._lines = {pair: lines for pair, lines in self._lines.items() if pair[0] != oldest}

    def _on_lines(self, key: MapKey, factor: str, end: JobEnd) -> None:
        if end.error is not None:
            self._desk.tell_error(end.error, doing="Placing the trajectories")
        elif isinstance(end.last_step, MapStep) and end.last_step.data is not None and key in self._maps:
            self._lines[(key, factor)] = end.last_step.data.lines
            self.placed.emit(key, factor)
