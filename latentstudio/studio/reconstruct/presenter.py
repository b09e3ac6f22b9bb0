"""Reconstruct: pictures through a model's encoder and back, one of them taken in hand, the way between two."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from latentstudio.document.origin import Origin
from latentstudio.document.session import Session
from latentstudio.document.view import View
from latentstudio.document.workspace import Change
from latentstudio.engine import JobEnd, JobStep, Result
from latentstudio.engine.loading import call, job
from latentstudio.errors import StudioError
from latentstudio.generators.capabilities import Encodes
from latentstudio.generators.catalogue import ModelEntry
from latentstudio.latents import slerp
from latentstudio.studio.desk import Desk
from latentstudio.studio.photo.presenter import PhotoPresenter
from latentstudio.studio.reconstruct.panel import ReconstructPanel
from latentstudio.tasks.draw import OpenModel
from latentstudio.tasks.reconstruct import (
    HELD_OUT_FILE,
    MOST,
    NETWORKS,
    BytePicture,
    RebuildStep,
    Reconstruction,
    networks_of,
    own_samples,
    read_held_out,
    read_pictures,
    told,
)

SHOWN = 6


class ReconstructPresenter(QObject):
    """Keeps the pictures; another model is asked about the same ones."""

    def __init__(
        self, desk: Desk, panel: ReconstructPanel, photo: PhotoPresenter, *, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._desk = desk
        self._panel = panel
        self._photo = photo
        self._pictures: tuple[BytePicture, ...] = ()
        self._job = 0
        self._xi = 0
        self._size: tuple[int, ...] | None = None
        self._looking = False
        self._turn = 0
        self._ready_for = ""
        self._preparing = False
        self.result: Reconstruction | None = None
        panel.seen.connect(self._on_seen)
        panel.files_chosen.connect(self.request_files)
        panel.samples_requested.connect(self._on_samples)
        panel.held_out_requested.connect(self._on_held_out)
        panel.photo_requested.connect(self._on_photo)
        panel.take_requested.connect(self.take_in_hand)
        panel.cancel_requested.connect(self.cancel)
        panel.model_chosen.connect(self._on_model_chosen)
        panel.xi_chosen.connect(self._on_xi)
        panel.grid.chosen.connect(self._on_chosen)
        panel.way_moved.connect(partial(self._on_way, settled=False))
        panel.way_settled.connect(partial(self._on_way, settled=True))
        desk.model_changed.connect(self._on_model)
        desk.workspace.subscribe(self._on_change)

    @property
    def running(self) -> bool:
        """Whether a model is at work on the pictures."""
        return self._job != 0

    def request_files(self, paths: tuple[Path, ...]) -> None:
        """Reconstruct the pictures in these files, at most ``MOST``."""
        if len(paths) > MOST:
            self._desk.notice("info", f"The first {MOST} of {len(paths)} pictures are taken.")
        for path in paths:
            self._desk.took_in(path)
        self._desk.worker.request("read pictures", partial(read_pictures, tuple(paths[:MOST])), self._on_read)

    def cancel(self) -> None:
        """Stop; what was shown stays."""
        if self._job:
            self._desk.worker.cancel_job(self._job)

    def take_in_hand(self) -> None:
        """The chosen picture's latent becomes the session, with the model that found it."""
        result, first = self.result, self._panel.grid.first
        if result is None or first >= len(result.latents):
            return
        label = f"reconstruction {first + 1}"
        view = self._desk.workspace.view
        opened = self._desk.opened_for(view)
        if view is not None and opened is not None and opened.name == result.model:
            self._desk.workspace.apply(self._at(view, result.latents[first]), label, Origin.RECONSTRUCTION)
            return
        entry = self._entry(result.model)
        if entry is not None and entry.card is not None:
            started = View.start(entry.card, result.latents[first].reshape(entry.card.spaces[0].shape))
            self._desk.request_model(result.model, session=Session((started,)), label=label,
                                     origin=Origin.RECONSTRUCTION)

    def _at(self, view: View, latent: NDArray[np.float32]) -> View:
        return view.with_new_picture(latent.reshape(view.shape), keep_sliders=self._desk.keep_sliders)

    def _on_seen(self, seen: bool) -> None:
        if seen and not self._looking:
            self._looking = True
            self._show_models()

    def _on_model(self, opened: OpenModel) -> None:
        if self._looking:
            self._show_models()

    def _show_models(self) -> None:
        """Models that can encode, of the size and colours of the one in front, which is chosen where it can itself."""
        current = self._desk.current
        size = None if current is None else (*current.model.card.image_size, current.model.card.channels)
        family = [
            entry.name for entry in self._desk.catalogue.models
            if entry.card is not None and not entry.error and entry.card.promises(Encodes)
            and (size is None or (*entry.card.image_size, entry.card.channels) == size)
        ]
        panel = self._panel
        panel.models.set_names(tuple(family))
        panel.models.setVisible(bool(family))
        panel.photo_link.setVisible(self._photo.framed is not None)
        if not family:
            name = "this model" if current is None else current.name
            panel.say(f"No model of the size of {name} has an encoder; open sprites-b10, faces or fashion-vae from the "
                      "library, or train one.")
            panel.card.hide()
            return
        panel.say("")
        chosen = current.name if current is not None and current.name in family else panel.models.current
        panel.models.set_current(chosen)
        self._show_sources(chosen)
        if self._size is not None and size is not None and size != self._size:
            self._pictures = ()  # pictures of another kind of model
            self.result = None
            panel.card.hide()
        self._size = size
        self._ask()

    def _ask(self) -> None:
        """About the pictures that are there; where there are none, about held-out ones or the model's own."""
        if self._pictures:
            self._start()
        elif not self._panel.held_out_link.isHidden():
            self._on_held_out()
        elif not self._panel.samples_link.isHidden():
            self._on_samples()

    def _show_sources(self, name: str) -> None:
        entry = self._entry(name)
        there = entry is not None and (entry.folder / HELD_OUT_FILE).is_file()
        self._panel.held_out_link.setVisible(there)
        current = self._desk.current
        self._panel.samples_link.setVisible(current is not None and current.name == name)

    def _entry(self, name: str) -> ModelEntry | None:
        return next((entry for entry in self._desk.catalogue.models if entry.name == name), None)

    def _on_model_chosen(self, name: str) -> None:
        self._show_sources(name)
        self._ask()

    def _on_samples(self) -> None:
        opened = self._desk.current
        if opened is not None:
            seeds = tuple(range(self._turn, self._turn + SHOWN))
            self._turn += SHOWN
            self._desk.worker.request("read pictures", partial(own_samples, opened, seeds), self._on_read)

    def _on_held_out(self) -> None:
        entry = self._entry(self._panel.models.current)
        if entry is not None:
            work = partial(read_held_out, entry.folder, self._turn, SHOWN)
            self._turn += SHOWN  # the next click brings others
            self._desk.worker.request("read pictures", work, self._on_read)

    def _on_photo(self) -> None:
        framed = self._photo.framed
        if framed is not None:
            picture = np.clip(framed.placed.picture * 255.0 + 0.5, 0, 255).astype(np.uint8).transpose(1, 2, 0)
            self._pictures = (np.ascontiguousarray(picture),)
            self._start()

    def _on_read(self, result: Result) -> None:
        if result.error is not None or not isinstance(result.value, tuple):
            error = result.error
            self._panel.say(error.sentence if isinstance(error, StudioError) else f"it failed ({error})")
            return
        self._pictures = result.value[:MOST]
        self._start()

    def _on_xi(self, seed: int) -> None:
        if seed != self._xi:
            self._xi = seed
            self._panel.xi_words.setText("xi" if seed == 0 else f"xi {seed}")
            self._start()

    def _start(self) -> None:
        """Ask the chosen model about the pictures; what is under way is not wanted any more."""
        name = self._panel.models.current
        if not name or not self._pictures:
            return
        self.cancel()
        self._panel.say("")
        self._panel.set_running(True)
        steps = job("latentstudio.tasks.rebuild:rebuild", name, self._desk.catalogue, self._desk.device, self._pictures,
                    noise_seed=self._xi)
        self._job = self._desk.worker.start_job(f"Reconstructing with {name}", steps, on_step=self._on_step,
                                                on_end=self._on_end, quiet=True)

    def _on_step(self, step: JobStep) -> None:
        if step.id == self._job and isinstance(step.step, RebuildStep):
            self._panel.set_progress(step.step.fraction, step.step.message)

    def _on_end(self, end: JobEnd) -> None:
        if end.id != self._job:
            return
        self._job = 0
        self._panel.set_running(False)
        last = end.last_step
        if end.error is not None:
            error = end.error
            self._panel.say(error.sentence if isinstance(error, StudioError) else f"it failed ({error})")
        elif isinstance(last, RebuildStep) and last.result is not None:
            self._show(last.result)

    def _show(self, result: Reconstruction) -> None:
        panel = self._panel
        self.result = result
        panel.grid.set_rows([("picture", result.originals),
                             *((version.network, version.pictures) for version in result.versions)])
        entry = self._entry(result.model)
        has_xi = entry is not None and entry.card is not None and bool(entry.card.config.get("noise_size"))
        panel.xi_row.setVisible(has_xi)
        count = len(result.originals)
        panel.means.setText("" if count == 1 else f"Mean of {count}: " + "; ".join(
            f"{version.network} {told(version.mean)}" for version in result.versions) + ".")
        panel.means.setVisible(count > 1)
        panel.introduction.hide()
        panel.card.show()
        self._on_chosen(panel.grid.first, panel.grid.second)
        self._request_pair(self._desk.workspace.view)

    def _on_chosen(self, first: int, second: int) -> None:
        result = self.result
        if result is None:
            return
        lines = [f"{version.network}: {told(version.errors[first])}" for version in result.versions]
        self._panel.errors.setText(f"Picture {first + 1}. " + "\n".join(line[:1].upper() + line[1:] for line in lines))
        self._panel.set_way(f"picture {first + 1}", "" if second < 0 else f"picture {second + 1}")

    def _on_way(self, share: float, *, settled: bool) -> None:
        """Between the two latents: the canvas follows, and there is one entry of the history at the end."""
        result, grid = self.result, self._panel.grid
        view = self._desk.workspace.view
        opened = self._desk.opened_for(view)
        if result is None or grid.second < 0 or view is None or opened is None:
            return
        if opened.name != result.model:
            if settled:
                self.take_in_hand()
            return
        latent = slerp(result.latents[grid.first], result.latents[grid.second], share).astype(np.float32)
        there = self._at(view, latent)
        if settled:
            words = f"{share:.0%} from {grid.first + 1} to {grid.second + 1}"
            self._desk.workspace.apply(there, words, Origin.RECONSTRUCTION)
        else:
            self._desk.workspace.apply_preview(there)

    def _on_change(self, change: Change) -> None:
        """The picture in hand by both networks, while the panel is in sight."""
        self._request_pair(change.new)

    def _request_pair(self, view: View | None) -> None:
        opened, panel = self._desk.opened_for(view), self._panel
        if view is None or opened is None or not panel.isVisible() or panel.card.isHidden():
            return
        if networks_of(opened.model) != NETWORKS:
            panel.pair.hide()
        elif self._ready_for == opened.name:
            self._desk.worker.request("pair", partial(call, "latentstudio.tasks.rebuild:draw_pair", opened, view),
                                      self._on_pair)
        elif not self._preparing:
            self._preparing = True
            self._desk.worker.start_job("Getting ready to draw with both networks",
                                        job("latentstudio.tasks.rebuild:get_ready", opened),
                                        on_end=partial(self._on_ready, opened.name), quiet=True)

    def _on_ready(self, name: str, end: JobEnd) -> None:
        self._preparing = False
        if end.error is None and end.outcome != "cancelled":
            self._ready_for = name
            self._request_pair(self._desk.workspace.view)

    def _on_pair(self, result: Result) -> None:
        made = result.value
        if isinstance(made, np.ndarray) and made.ndim == 4:
            self._panel.pair.set_sheet(np.concatenate(list(made), axis=1), NETWORKS)
            self._panel.pair.show()
        elif result.error is not None:
            self._panel.pair.hide()
