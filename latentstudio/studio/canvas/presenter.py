"""The picture: every change of the session becomes a request, every answer a picture with its age."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from PySide6.QtCore import QObject, Signal

from latentstudio.document.view import View
from latentstudio.document.workspace import Change
from latentstudio.engine import Result
from latentstudio.errors import StudioError
from latentstudio.pixels import BytePictures
from latentstudio.studio.canvas.view import Canvas
from latentstudio.studio.desk import Desk
from latentstudio.tasks.draw import Render

REMEMBERED = 10_000


@dataclass(frozen=True)
class Painted:
    """Times of one painted picture, seconds of ``time.perf_counter``: asked, computed from and to, on the screen."""

    number: int
    asked: float
    started: float
    finished: float
    painted: float

    @property
    def age(self) -> float:
        """Seconds from the input to the paint."""
        return self.painted - self.asked


class PicturePresenter(QObject):
    """Draws the session in front on the canvas.

    Signals:
        painted(Painted): a new picture was really painted.
    """

    painted = Signal(object)

    def __init__(
        self,
        desk: Desk,
        canvas: Canvas,
        *,
        clock: Callable[[], float] = time.perf_counter,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._desk = desk
        self._canvas = canvas
        self._clock = clock
        self._asked: dict[int, float] = {}
        self._arrived: dict[int, Result] = {}
        self._comparing = False
        self._said_missing = ""
        self._photo_of: Callable[[View], BytePictures | None] = lambda view: None
        self.last_drawn: Render | None = None
        self.last_requested = 0
        self.last_painted = 0
        self.times: deque[Painted] = deque(maxlen=REMEMBERED)
        desk.workspace.subscribe(self._on_change)
        desk.model_changed.connect(self._on_model)
        desk.factors_changed.connect(self._on_model)
        canvas.painted.connect(self._on_painted)

    def request_picture(self) -> None:
        """Ask for the picture of the session as it is now."""
        view = self._desk.workspace.view
        opened = self._desk.opened_for(view)
        if view is None or opened is None:
            return
        asked = self._clock()
        gone = opened.missing(view)
        if gone and gone != self._said_missing:
            self._desk.notice("info", gone)
        self._said_missing = gone
        try:
            work = partial(opened.draw, view, opened.place(view))
        except StudioError as error:
            self._desk.tell_error(error, doing="Setting the sliders")
            return
        number = self._desk.worker.request("main", work, self._on_drawn, input_time=asked)
        self._asked[number] = asked
        self.last_requested = number

    def set_photo_source(self, photo_of: Callable[[View], BytePictures | None]) -> None:
        """Who knows the photo that a session stands for, uint8 (H, W, 3): it is what was there before editing."""
        self._photo_of = photo_of

    @property
    def comparing(self) -> bool:
        """Whether the picture before editing is wanted, or shown already."""
        return self._comparing

    def set_comparing(self, comparing: bool) -> None:
        """While true the canvas shows the sample, or the photo, as it was before editing."""
        self._comparing = comparing
        view = self._desk.workspace.view
        opened = self._desk.opened_for(view)
        photo = self._photo_of(view) if comparing and view is not None else None
        if photo is not None:
            self._canvas.show_before(photo)
            self._canvas.set_comparing(True)
        elif comparing and view is not None and opened is not None:
            work = partial(opened.draw, self._desk.workspace.history.original(view))
            self._desk.worker.request("before", work, self._on_before)
        else:
            self._canvas.set_comparing(False)

    def _on_change(self, change: Change) -> None:
        if change.old != change.new:
            if self._comparing and change.kind != "preview":
                self.set_comparing(False)  # what was done last is what the person wants to see
            self.request_picture()

    def on_hand(self, down: bool) -> None:
        """A slider is taken: its effect shall be seen."""
        if down and self._comparing:
            self.set_comparing(False)

    def _on_model(self, opened: object) -> None:
        self.request_picture()

    def _on_before(self, result: Result) -> None:
        if result.error is not None:
            self._desk.tell_error(result.error, doing="Drawing the picture before editing")
        elif isinstance(result.value, Render) and self._comparing:
            self._canvas.show_before(result.value.pixels)
            self._canvas.set_comparing(True)

    def _on_drawn(self, result: Result) -> None:
        if result.error is not None:
            self._asked.pop(result.number, None)
            self._desk.tell_error(result.error, doing="Drawing the picture")
            return
        if not isinstance(result.value, Render):
            return
        self.last_drawn = result.value
        self._arrived[result.number] = result
        self._canvas.show_picture(result.value.pixels, result.number)
        self._desk.show_session(result.value)

    def _on_painted(self, number: int) -> None:
        result, asked = self._arrived.get(number), self._asked.get(number)
        for table in (self._arrived, self._asked):
            for old in [old for old in table if old <= number]:
                del table[old]
        if result is None or asked is None:
            return
        self.last_painted = number
        times = Painted(number, asked, result.timing.started, result.timing.finished, self._clock())
        self.times.append(times)
        self.painted.emit(times)


def header_line(view: View | None) -> str:
    """Model, seed and state: ``faces-gan   seed 1207   edited``."""
    if view is None:
        return ""
    if view.scene is not None:
        count = len(view.scene.objects)
        return "   ".join((view.model, "scene", f"{count} object{'' if count == 1 else 's'}"))
    if view.seed is None:
        return f"{view.model}   edited"
    return "   ".join((view.model, f"seed {view.seed}", "edited" if view.positions else "as sampled"))
