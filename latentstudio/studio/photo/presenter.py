"""One's own photo: the model's version comes on the canvas at once and goes on getting closer, edits on top."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from latentstudio.document.origin import Origin
from latentstudio.document.view import View
from latentstudio.document.workspace import Change
from latentstudio.engine import JobEnd, JobStep, Result
from latentstudio.engine.loading import call, job
from latentstudio.errors import StudioError
from latentstudio.generators.conditions import NONE
from latentstudio.inversion.frames import Frame
from latentstudio.inversion.photo_store import PhotoPlace
from latentstudio.inversion.photos import Photo
from latentstudio.inversion.settings import InversionSettings
from latentstudio.pixels import BytePictures, to_bytes
from latentstudio.steps import time_left_text
from latentstudio.studio.desk import Desk
from latentstudio.studio.photo.extras import PhotoExtras, PhotoInFront
from latentstudio.studio.photo.panel import PhotoPanel
from latentstudio.tasks.draw import OpenModel
from latentstudio.tasks.photo import (
    Concluded,
    Framed,
    PhotoStep,
    facts_of,
    find_framed,
    frame_photo,
    title_of,
    write_pasted,
)

AUTO = "auto"


class PhotoPresenter(QObject):
    """Runs one inversion at a time; photos that come meanwhile wait in a queue.

    While it runs, the session's latent is the best so far; sliders that are moved meanwhile stay where they are put.
    The history gets one entry at the end.

    Signals:
        taken(): a photo was taken in; the panel should be seen.
        beside_changed(picture): what stands left of the line on the canvas, uint8 (H, W, 3), or None.
    """

    taken = Signal()
    beside_changed = Signal(object)

    def __init__(self, desk: Desk, panel: PhotoPanel, *, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._panel = panel
        self._waiting: deque[tuple[str, Photo]] = deque()
        self._name = ""
        self._framed: Framed | None = None
        self._model = ""
        self._job = 0
        self._framing = False
        self._line = False
        self._sought: PhotoPlace | None = None
        self.ready_for = ""
        self._preparing = False
        self._settings = InversionSettings()
        self._last: PhotoStep | None = None
        self.concluded: Concluded | None = None
        panel.photo.frame_changed.connect(self._on_frame)
        panel.again_requested.connect(self.request_again)
        panel.cancel_requested.connect(self.cancel)
        panel.line_switched.connect(self.set_line)
        panel.dial.chosen.connect(self._on_likeness)
        self.extras = PhotoExtras(desk, panel, self._in_front, parent=self)
        self.extras.ended.connect(self._next)
        self.extras.judged.connect(self.show_card)
        desk.workspace.subscribe(self._on_change)
        desk.model_changed.connect(self._on_model)

    @property
    def running(self) -> bool:
        """Whether an inversion, a tuning or a measuring is under way."""
        return self._job != 0 or self.extras.running

    @property
    def framed(self) -> Framed | None:
        """The photo in front with its frame."""
        return self._framed

    @property
    def photo_name(self) -> str:
        """The photo in front, or empty."""
        return self._name

    @property
    def best(self) -> NDArray[np.float32] | None:
        """The best latent so far of the photo in front."""
        return None if self._last is None else self._last.latent

    def _in_front(self) -> PhotoInFront | None:
        """The photo in front, while the model that it was looked at with is in front too."""
        opened, framed = self._desk.current, self._framed
        if opened is None or framed is None or opened.name != self._model:
            return None
        return PhotoInFront(self._name, opened, framed, self._settings, self._last, busy=self.running)

    def prepare(self) -> None:
        """Get ready for photos of the model in front, quietly: the first one then stands on the canvas at once."""
        opened = self._desk.current
        if opened is not None and opened.name != self.ready_for and not self.running:
            self.ready_for = opened.name
            self._preparing = True
            steps = job("latentstudio.tasks.invert:get_ready", opened.model)
            self._desk.worker.start_job("Getting ready for photos", steps, on_end=self._on_ready, quiet=True)

    @property
    def is_ready(self) -> bool:
        """Whether the model in front was made ready for photos."""
        opened = self._desk.current
        return opened is not None and opened.name == self.ready_for and not self._preparing

    def _on_ready(self, end: JobEnd) -> None:
        self._preparing = False  # what went wrong will be met again, and told, by the first photo

    def photo_of(self, view: View) -> BytePictures | None:
        """The crop uint8 (H, W, 3) that a session's latent was found for; None where it stands for no photo."""
        framed = self._framed
        if framed is None or framed.place is None or view.photo != framed.place or view.model != self._model:
            return None
        found: BytePictures = to_bytes(framed.placed.picture[None])[0]
        return found

    def take(self, name: str, photo: Photo) -> None:
        """Look at a photo; while another one is being looked at it waits."""
        if self._desk.current is None:
            self._desk.notice("info", "No model is open: choose one in the library, then drop the photo again.")
            return
        if self.running or self._framing:
            self._waiting.append((name, photo))
            self._desk.notice("info", f"{name} waits until {self._name} is done.")
            return
        self._name = name
        self._framing = True
        self.taken.emit()
        self._request_frame(photo, AUTO)

    def request_again(self) -> None:
        """Look at the photo in front once more, with the settings that stand."""
        if self._framed is not None and not self.running:
            frame = self._framed.placed.frame
            self._request_frame(self._framed.photo, frame if frame is not None else AUTO)

    def cancel(self) -> None:
        """Stop, and keep the best so far."""
        if self._job:
            self._desk.worker.cancel_job(self._job)
        self.extras.cancel()

    def request_paste_back(self, path: Path) -> None:
        """Write the photo with the edited face in its frame."""
        view, framed = self._desk.workspace.view, self._framed
        opened = self._desk.opened_for(view)
        if view is None or opened is None or framed is None:
            self._desk.notice("info", "There is no photo to paste into: drop one first.")
            return
        if view.model != self._model or framed.placed.frame is None:
            self._desk.notice("info", f"{self._name} was looked at with {self._model}: go back to that model first.")
            return
        target = path if path.suffix.lower() == ".png" else path.with_name(f"{path.name}.png")
        self._desk.request_write("paste back", partial(write_pasted, opened, view, framed, target), self._on_pasted)

    @property
    def can_paste_back(self) -> bool:
        """Whether there is a photo with a frame."""
        return self._framed is not None and self._framed.placed.frame is not None

    def _request_frame(self, photo: Photo, frame: Frame | str) -> None:
        opened = self._desk.current
        if opened is not None:
            view = self._desk.workspace.view
            told = NONE if view is None or view.model != opened.name else view.told
            work = partial(frame_photo, opened.model, photo, self._name, frame, told)
            self._desk.worker.request("photo", work, partial(self._on_framed, opened))

    def _on_frame(self, frame: Frame) -> None:
        if self._framed is None:
            return
        if self.running:  # what it was looking for is not wanted any more
            self.cancel()
            self.extras.drop()
            self._job = 0
        self._request_frame(self._framed.photo, frame)

    def _on_framed(self, opened: OpenModel, result: Result) -> None:
        framed, self._framing = result.value, False
        if result.error is not None or not isinstance(framed, Framed):
            self._desk.tell_error(result.error or RuntimeError("no answer"), doing="Framing the photo")
            self._next()
            return
        before, settings = self._settings, self._panel.settings() or InversionSettings()
        again = self._framed is not None and self._framed.place == framed.place and self._model == opened.name
        self._last = None
        self._show_framed(opened, framed, again=again)
        if not again or replace(settings, likeness=before.likeness) != before:
            self._panel.dial.set_curve(())
        self._panel.set_running(True)
        self._settings = settings
        self._job = self._desk.worker.start_job(
            f"Finding {self._name} in {opened.name}",
            job("latentstudio.tasks.invert:find", opened.model, framed, self._settings),
            on_step=self._on_step, on_end=partial(self._on_end, opened),
        )

    def _show_framed(self, opened: OpenModel, framed: Framed, *, again: bool = False) -> None:
        """A photo and its frame are in front; what was said stays only while the same are looked at ``again``."""
        self._framed, self._model, self.concluded = framed, opened.name, None
        self.extras.forget()
        panel = self._panel
        panel.photo.set_photo(framed.shown, framed.shrunk, framed.placed.frame)
        panel.say((*framed.photo.notes, *framed.placed.notes))
        if not again:
            panel.clear_card()
        panel.set_tuned("", False)

    def _on_step(self, step: JobStep) -> None:
        if step.id != self._job:
            return
        left = time_left_text(step.seconds_left)
        self._panel.set_progress(step.step.fraction, f"{step.step.message}   {left}" if left else step.step.message)
        if not isinstance(step.step, PhotoStep) or step.step.latent is None:
            return
        view = self._desk.workspace.view
        moved = self.best is None or not np.array_equal(step.step.latent, self.best)
        if moved and view is not None and view.model == self._model:
            self._desk.workspace.apply_preview(self._found(view, step.step.latent))
        self._last = step.step

    def _on_end(self, opened: OpenModel, end: JobEnd) -> None:
        if end.id != self._job:
            return  # the frame was moved meanwhile
        self._job = 0
        self._panel.set_running(False)
        last = end.last_step
        if isinstance(last, PhotoStep) and last.result is not None:
            self._accept(last.result)
        elif end.outcome == "cancelled" and self._last is not None and self._framed is not None:
            work = partial(call, "latentstudio.tasks.invert:conclude", opened.model, self._framed, self._settings,
                           self._last)
            self._desk.worker.request("photo end", work, self._on_concluded)
        elif end.outcome == "cancelled":
            self._panel.say(("cancelled before the model had drawn anything",))
        else:
            error = end.error
            sentence = error.sentence if isinstance(error, StudioError) else f"it failed ({error})"
            self._desk.notice("bad", f"{self._name}: {sentence}")
            self._panel.say((sentence,))
        self._next()

    def _on_concluded(self, result: Result) -> None:
        if isinstance(result.value, Concluded):
            self._accept(result.value)
        elif result.error is not None:
            self._desk.tell_error(result.error, doing="Looking at what was found")

    def _accept(self, concluded: Concluded) -> None:
        """One entry of the history, with the sliders where they stand by now; and the card."""
        self.concluded = concluded
        found = concluded.inversion
        view = self._desk.workspace.view
        if view is not None and view.model == self._model:
            self._desk.workspace.apply(self._found(view, found.latent), f"photo {self._name}", Origin.PHOTO)
        self._last = PhotoStep(1.0, latent=found.latent, step=found.steps, seconds=found.seconds)
        self.show_card(concluded)

    def _found(self, view: View, latent: NDArray[np.float32]) -> View:
        """The view at a latent that was found for the photo in front.

        The first latent of another photo begins a new picture; afterwards, or when the same photo is looked at again,
        sliders stay.
        """
        place = None if self._framed is None else self._framed.place
        same = place is not None and view.photo is not None and view.photo.sha256 == place.sha256
        if self._last is None and not same:
            return view.with_new_picture(latent, keep_sliders=self._desk.keep_sliders).with_photo(place)
        return view.with_latent(latent).with_tuning("").with_photo(place)

    def show_card(self, concluded: Concluded) -> None:
        """Say what there is to say of what was found."""
        self.concluded = concluded
        view = self._desk.workspace.view
        panel, verdict = self._panel, concluded.verdict
        panel.title.setText(title_of(concluded))
        panel.reasons.setText("\n".join(reason[:1].upper() + reason[1:] + "." for reason in verdict.reasons)
                              if verdict is not None else "")
        panel.reasons.setVisible(bool(panel.reasons.text()))
        panel.facts.setText(facts_of(concluded, view))
        panel.sheet.set_sheet(concluded.sheet, ("photo", "model", "difference"))
        panel.paste_button.setVisible(self.can_paste_back)
        panel.compare.setVisible(verdict is None)
        panel.show_card()

    def set_line(self, shown: bool) -> None:
        """Show the photo left of a line on the canvas that can be dragged, or not."""
        view = self._desk.workspace.view
        self._line = shown
        self.beside_changed.emit(None if view is None or not shown else self.photo_of(view))

    def _on_change(self, change: Change) -> None:
        new = change.new
        if self._line and (change.old is None or new is None or change.old.photo != new.photo):
            self.beside_changed.emit(None if new is None else self.photo_of(new))
        if new is not None and new.photo is not None:
            self._seek(new)

    def _on_model(self, opened: OpenModel) -> None:
        view = self._desk.workspace.view
        if view is not None and view.photo is not None:
            self._seek(view)

    def _seek(self, view: View) -> None:
        """A session that was found for a photo is in front: bring that photo, unless it is there already."""
        place, opened = view.photo, self._desk.opened_for(view)
        there = self._framed is not None and self._framed.place == place and self._model == view.model
        if place is None or opened is None or there or self.running or place == self._sought:
            return
        self._sought = place
        self._desk.worker.request("photo again", partial(find_framed, opened.model, place, view.told),
                                  partial(self._on_sought, opened, place))

    def _on_sought(self, opened: OpenModel, place: PhotoPlace, result: Result) -> None:
        self._sought = None
        view = self._desk.workspace.view
        if self.running or view is None or view.photo != place:
            return
        framed = result.value
        if not isinstance(framed, Framed):
            error = result.error
            self._panel.say((error.sentence if isinstance(error, StudioError) else "the photo is not here any more",))
            self._sought = place  # asked once is enough
            return
        self._name, self._settings = place.name, InversionSettings()
        self._last = PhotoStep(1.0, latent=view.latent_array())
        self._show_framed(opened, framed)
        self._panel.dial.set_curve(())
        self.extras.take_tuning(view)
        steps = job("latentstudio.tasks.invert:look_again", opened.model, framed, self._settings, self._last.latent)
        self._desk.worker.start_job(f"Looking at {place.name} again", steps, on_end=partial(self._on_again, framed),
                                    quiet=True)

    def _on_again(self, framed: Framed, end: JobEnd) -> None:
        last = end.last_step
        if self._framed is framed and not self._job and isinstance(last, PhotoStep) and last.result is not None:
            self.show_card(last.result)

    def _on_likeness(self, likeness: float) -> None:
        if self.concluded is not None and self._settings.likeness != likeness:
            self.request_again()

    def _next(self) -> None:
        if self._waiting and not self.running and not self._framing:
            self.take(*self._waiting.popleft())

    def _on_pasted(self, result: Result) -> None:
        if result.error is not None:
            self._desk.tell_error(result.error, doing="Pasting back")
        else:
            self._desk.notice("good", str(result.value))
