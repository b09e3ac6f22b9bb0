"""One's own photo: the model's version comes on the canvas at once and goes on getting closer, edits on top."""

from __future__ import annotations

from collections import deque
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from latentstudio.document.session import Session
from latentstudio.document.workspace import Change
from latentstudio.engine import JobEnd, JobStep, Result
from latentstudio.errors import StudioError
from latentstudio.generators.tunings import Tuning, keep_tuning
from latentstudio.inversion.frames import Frame
from latentstudio.inversion.photos import Photo
from latentstudio.pixels import BytePictures, to_bytes
from latentstudio.studio.panels.photo_panel import PhotoPanel
from latentstudio.studio.presenters.desk import Desk
from latentstudio.studio.presenters.drawing import Opened
from latentstudio.studio.presenters.photo_work import (
    Concluded,
    Framed,
    PhotoSettings,
    PhotoStep,
    TunedStep,
    conclude_early,
    frame_photo,
    photo_steps,
    ready_steps,
    tuning_steps,
    write_pasted,
)
from latentstudio.studio.widgets.job_strip import time_left_text

AUTO = "auto"


class PhotoPresenter(QObject):
    """Runs one inversion at a time; photos that come meanwhile wait in a queue.

    While it runs, the session's latent is the best so far and its sliders stay; the history gets one entry at the end.

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
        self._line = False
        self._tuning: Tuning | None = None
        self.tuning = ""
        self.ready_for = ""
        self._preparing = False
        self._settings = PhotoSettings()
        self._latent: NDArray[np.float32] | None = None
        self.concluded: Concluded | None = None
        panel.photo.frame_changed.connect(self._on_frame)
        panel.again_requested.connect(self.request_again)
        panel.cancel_requested.connect(self.cancel)
        panel.line_switched.connect(self.set_line)
        panel.tune_requested.connect(self.request_tuning)
        panel.tuned_switched.connect(self.request_switch)
        desk.workspace.subscribe(self._on_change)

    @property
    def running(self) -> bool:
        """Whether an inversion is under way."""
        return self._job != 0

    @property
    def photo_name(self) -> str:
        """The photo in front, or empty."""
        return self._name

    @property
    def best(self) -> NDArray[np.float32] | None:
        """The best latent so far of the photo in front."""
        return self._latent

    def prepare(self) -> None:
        """Get ready for photos of the model in front, quietly: the first one then stands on the canvas at once."""
        opened = self._desk.current
        if opened is not None and opened.name != self.ready_for and not self.running:
            self.ready_for = opened.name
            self._preparing = True
            self._desk.worker.start_job("Getting ready for photos", partial(ready_steps, opened.model),
                                        on_end=self._on_ready, quiet=True)

    @property
    def is_ready(self) -> bool:
        """Whether the model in front was made ready for photos."""
        opened = self._desk.current
        return opened is not None and opened.name == self.ready_for and not self._preparing

    def _on_ready(self, end: JobEnd) -> None:
        self._preparing = False  # what went wrong will be met again, and told, by the first photo

    def photo_of(self, session: Session) -> BytePictures | None:
        """The crop uint8 (H, W, 3) that a session's latent was found for; None where it stands for no photo."""
        latent, framed = self._latent, self._framed
        if framed is None or latent is None or session.model != self._model:
            return None
        same = session.seed is None and np.array_equal(session.latent_array(), latent)
        return to_bytes(framed.placed.picture[None])[0] if same else None

    def take(self, name: str, photo: Photo) -> None:
        """Look at a photo; while another one is being looked at it waits."""
        if self._desk.current is None:
            self._desk.notice("info", "No model is open: choose one in the library, then drop the photo again.")
            return
        if self.running:
            self._waiting.append((name, photo))
            self._desk.notice("info", f"{name} waits until {self._name} is done.")
            return
        self._name = name
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

    def request_paste_back(self, path: Path) -> None:
        """Write the photo with the edited face in its frame."""
        session, framed = self._desk.workspace.session, self._framed
        opened = self._desk.opened_for(session)
        if session is None or opened is None or framed is None:
            self._desk.notice("info", "There is no photo to paste into: drop one first.")
            return
        if session.model != self._model or framed.placed.frame is None:
            self._desk.notice("info", f"{self._name} was looked at with {self._model}: go back to that model first.")
            return
        target = path if path.suffix.lower() == ".png" else path.with_name(f"{path.name}.png")
        self._desk.worker.request("paste back", partial(write_pasted, opened, session, framed, target), self._on_pasted)

    @property
    def can_paste_back(self) -> bool:
        """Whether there is a photo with a frame."""
        return self._framed is not None and self._framed.placed.frame is not None

    def _request_frame(self, photo: Photo, frame: Frame | str) -> None:
        opened = self._desk.current
        if opened is not None:
            work = partial(frame_photo, opened.model, photo, frame)
            self._desk.worker.request("photo", work, partial(self._on_framed, opened))

    def _on_frame(self, frame: Frame) -> None:
        if self._framed is None:
            return
        if self.running:  # what it was looking for is not wanted any more
            self._desk.worker.cancel_job(self._job)
            self._job = 0
        self._request_frame(self._framed.photo, frame)

    def _on_framed(self, opened: Opened, result: Result) -> None:
        framed = result.value
        if result.error is not None or not isinstance(framed, Framed):
            self._desk.tell_error(result.error or RuntimeError("no answer"), doing="Framing the photo")
            self._next()
            return
        self._framed, self._model, self._latent, self.concluded = framed, opened.name, None, None
        self.tuning = ""
        panel = self._panel
        panel.photo.set_photo(framed.shown, framed.shrunk, framed.placed.frame)
        panel.say((*framed.photo.notes, *framed.placed.notes))
        panel.clear_card()
        panel.set_running(True)
        self._settings = PhotoSettings(panel.start.current, panel.loss.current, panel.constraint.current)
        self._job = self._desk.worker.start_job(
            f"Finding {self._name} in {opened.name}", partial(photo_steps, opened.model, framed, self._settings),
            on_step=self._on_step, on_end=partial(self._on_end, opened),
        )

    def _on_step(self, step: JobStep) -> None:
        if step.id != self._job or not isinstance(step.step, PhotoStep):
            return
        left = time_left_text(step.seconds_left)
        self._panel.set_progress(step.step.fraction, f"{step.step.message}   {left}" if left else step.step.message)
        latent = step.step.latent
        if latent is None or (self._latent is not None and np.array_equal(latent, self._latent)):
            return
        self._latent = latent
        session = self._desk.workspace.session
        if session is not None and session.model == self._model:
            self._desk.workspace.apply_preview(session.with_latent(latent, seed=None).with_tuning(""))

    def _on_end(self, opened: Opened, end: JobEnd) -> None:
        if end.id != self._job:
            return  # the frame was moved meanwhile
        self._job = 0
        self._panel.set_running(False)
        last = end.last_step
        if isinstance(last, PhotoStep) and last.result is not None:
            self._accept(last.result)
        elif end.outcome == "cancelled" and self._latent is not None and self._framed is not None:
            work = partial(conclude_early, opened.model, self._framed, self._settings, self._latent)
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
        self._latent = found.latent
        session = self._desk.workspace.session
        if session is not None and session.model == self._model:
            found_at = session.with_latent(found.latent, seed=None).with_tuning("")
            self._desk.workspace.apply(found_at, f"photo {self._name}")
        panel, verdict = self._panel, concluded.verdict
        panel.title.setText(title_of(concluded))
        panel.reasons.setText("\n".join(reason[:1].upper() + reason[1:] + "." for reason in verdict.reasons)
                              if verdict is not None else "")
        panel.reasons.setVisible(bool(panel.reasons.text()))
        panel.facts.setText(facts_of(concluded, session))
        panel.sheet.set_sheet(concluded.sheet, ("photo", "model", "difference"))
        panel.paste_button.setVisible(self.can_paste_back)
        panel.set_tuned("", False)
        panel.card.show()

    def request_tuning(self) -> None:
        """Tune a copy of the model's weights on the photo in front."""
        opened, framed, latent = self._desk.current, self._framed, self._latent
        if opened is None or framed is None or latent is None or self.running or opened.name != self._model:
            return
        self._tuning = None
        self._panel.set_running(True)
        self._job = self._desk.worker.start_job(
            f"Tuning {opened.name} on {self._name}", partial(tuning_steps, opened.model, framed, latent),
            on_step=self._on_tuning_step, on_end=self._on_tuned,
        )

    def request_switch(self, tuned: bool) -> None:
        """Draw with the tuned weights, or with the model's own."""
        session = self._desk.workspace.session
        if session is None or session.model != self._model or not self.tuning:
            return
        wanted = session.with_tuning(self.tuning if tuned else "")
        if wanted != session:
            self._desk.workspace.apply(wanted, f"tuned on {self._name}" if tuned else "the model's own weights")

    def _on_tuning_step(self, step: JobStep) -> None:
        if step.id != self._job or not isinstance(step.step, TunedStep):
            return
        left = time_left_text(step.seconds_left)
        self._panel.set_progress(step.step.fraction, f"{step.step.message}   {left}" if left else step.step.message)
        self._tuning = step.step.tuning if step.step.tuning is not None else self._tuning

    def _on_tuned(self, end: JobEnd) -> None:
        if end.id != self._job:
            return
        self._job = 0
        self._panel.set_running(False)
        if end.error is not None:
            self._desk.tell_error(end.error, doing="Tuning")
        elif self._tuning is None:
            self._panel.say(("cancelled before anything was tuned",))
        else:
            mse = getattr(end.last_step, "mse", float("nan"))
            self._desk.worker.request("tuned", partial(keep_tuning, self._tuning), partial(self._on_tuning_kept, mse))
        self._next()

    def _on_tuning_kept(self, mse: float, result: Result) -> None:
        """One entry of the history: undo goes back to the model's own weights."""
        if result.error is not None or self._tuning is None:
            self._desk.tell_error(result.error or RuntimeError("no answer"), doing="Keeping the tuning")
            return
        self.tuning = self._tuning.sha256
        self._panel.set_tuned(f"Tuned on this photo: squared error {mse:.4f}.", True)
        session = self._desk.workspace.session
        if session is not None and session.model == self._model and self._latent is not None:
            self._desk.workspace.apply(session.with_tuning(self.tuning), f"tuned on {self._name}")

    def set_line(self, shown: bool) -> None:
        """Show the photo left of a line on the canvas that can be dragged, or not."""
        session = self._desk.workspace.session
        self._line = shown
        self.beside_changed.emit(None if session is None or not shown else self.photo_of(session))

    def _on_change(self, change: Change) -> None:
        if self._line and (change.old is None or change.new is None or change.old.latent != change.new.latent):
            self.beside_changed.emit(None if change.new is None else self.photo_of(change.new))
        if change.new is not None and self.tuning:
            self._panel.tuned.setChecked(change.new.tuning == self.tuning)

    def _next(self) -> None:
        if self._waiting and not self.running:
            self.take(*self._waiting.popleft())

    def _on_pasted(self, result: Result) -> None:
        if result.error is not None:
            self._desk.tell_error(result.error, doing="Pasting back")
        else:
            self._desk.notice("good", str(result.value))


def title_of(concluded: Concluded) -> str:
    """The verdict in words, with a capital letter."""
    verdict, mse = concluded.verdict, concluded.inversion.mse
    text = f"squared error {mse:.4f}" if verdict is None else verdict.words
    return text[:1].upper() + text[1:]


def facts_of(concluded: Concluded, session: Session | None) -> str:
    """Errors, percentile, length against the prior's shell, steps and seconds."""
    found, verdict = concluded.inversion, concluded.verdict
    shell = "" if session is None else f" (samples: about {float(np.sqrt(np.prod(session.shape))):.1f})"
    rank = "not compared with the model's own samples" if verdict is None else (
        f"worse than {verdict.percentile:.0f} % of the model's own samples")
    how = f"{found.steps} steps in {found.seconds:.1f} s" if found.steps else found.ended
    notes = "".join(f" {note[:1].upper() + note[1:]}." for note in found.notes)
    return (f"MSE {found.mse:.4f}, DSSIM {found.dssim:.3f}; {rank}; length {found.norm:.1f}{shell}; {how}.{notes}")
