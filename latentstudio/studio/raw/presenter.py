"""Raw editing: one coordinate, or one principal component, of the sample at a time."""

from __future__ import annotations

from functools import partial

import numpy as np
from PySide6.QtCore import QObject

from latentstudio.document.view import View
from latentstudio.document.workspace import Change
from latentstudio.engine import JobEnd, JobStep
from latentstudio.latents import PrincipalComponents
from latentstudio.studio.desk import Desk
from latentstudio.studio.raw.panel import WORDS, RawPanel
from latentstudio.tasks.components import ComponentsStep, component_steps
from latentstudio.tasks.draw import OpenModel

COORDINATES = "coordinates"
COMPONENTS = "components"
LIMIT = 4.0
OF_SCENES = "A scene is drawn from its objects: move, size and turn them on the picture or in the Scene panel."
WAITING = "Principal components of this model's pictures: waiting…"


class RawPresenter(QObject):
    """Shows the base latent of the session; an edit makes the seed unknown."""

    def __init__(self, desk: Desk, panel: RawPanel, *, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._panel = panel
        self._mode = COORDINATES
        self._components: dict[str, PrincipalComponents] = {}
        self._computing = ""
        panel.sliders.set_modes((COORDINATES, COMPONENTS), COORDINATES)
        panel.sliders.moved.connect(self._on_moved)
        panel.sliders.settled.connect(self._on_settled)
        panel.sliders.mode_chosen.connect(self.set_mode)
        panel.reset_link.clicked.connect(self.apply_reset)
        desk.model_changed.connect(self._on_model)
        desk.workspace.subscribe(self._on_change)

    @property
    def mode(self) -> str:
        """``coordinates`` or ``components``."""
        return self._mode

    def set_mode(self, mode: str) -> None:
        """Show coordinates or components; components are computed first where they are not known."""
        self._mode = mode
        opened = self._desk.current
        if mode == COMPONENTS and opened is not None and opened.name not in self._components:
            self._request_components(opened)
        self._show()

    def apply_reset(self) -> None:
        """Back to the sample that the seed draws."""
        view = self._desk.workspace.view
        if view is not None:
            original = self._desk.workspace.history.original(view)
            self._desk.workspace.apply(view.with_latent(original.latent_array(), seed=original.seed), "raw reset")

    def _request_components(self, opened: OpenModel) -> None:
        if self._computing:
            return  # one at a time; its end looks for the model that is in front then
        self._computing = opened.name
        self._desk.worker.start_job(
            "Principal components",
            component_steps(opened.model),
            on_step=self._on_step,
            on_end=partial(self._on_components, opened.name),
        )

    def _on_step(self, step: JobStep) -> None:
        if self._mode == COMPONENTS and self._computing:
            self._panel.words.setText(f"Principal components of this model's pictures: {step.step.message}")

    def _on_components(self, name: str, end: JobEnd) -> None:
        self._computing = ""
        if isinstance(end.last_step, ComponentsStep) and end.last_step.components is not None:
            self._components[name] = end.last_step.components
        elif end.error is not None:
            self._desk.tell_error(end.error, doing="Computing the principal components")
        opened = self._desk.current
        if self._mode == COMPONENTS and (opened is None or opened.name not in self._components):
            if opened is not None and opened.name != name:
                self._request_components(opened)
            else:
                self._mode = COORDINATES
                self._panel.sliders.modes.set_current(COORDINATES)
        self._show()

    def _on_model(self, opened: OpenModel) -> None:
        if self._mode == COMPONENTS:
            self.set_mode(COMPONENTS)
        self._show()

    def _on_change(self, change: Change) -> None:
        old = change.old
        if change.kind == "preview" and old is not None and old.latent == change.new.latent:
            return
        if change.kind != "preview":
            self._show()

    def _show(self) -> None:
        view = self._desk.workspace.view
        opened = self._desk.opened_for(view)
        if view is None or opened is None:
            return
        latent = view.latent_array().reshape(-1)
        start = self._desk.workspace.history.original(view).latent_array().reshape(-1)
        found = self._components.get(opened.name)
        if view.scene is not None:
            self._panel.words.setText(OF_SCENES)
            self._panel.sliders.set_values((), -LIMIT, LIMIT, ())
        elif self._mode == COORDINATES:
            names = [f"z{index + 1}" for index in range(len(latent))]
            self._panel.words.setText(WORDS)
            self._panel.sliders.set_values(latent, -LIMIT, LIMIT, names, start=start)
        elif found is None:
            self._panel.words.setText(WAITING)
            self._panel.sliders.set_values((), -LIMIT, LIMIT, ())
        else:
            names = [f"c{index + 1}  {share:.1%}" for index, share in enumerate(found.explained)]
            values, starts = found.coordinates(np.stack([latent, start]))
            self._panel.words.setText("Directions of the pictures' largest changes, with their share of the variance.")
            self._panel.sliders.set_values(values, -LIMIT, LIMIT, names, start=starts)

    def _on_moved(self, index: int, value: float) -> None:
        view = self._desk.workspace.view
        if view is not None:
            self._desk.workspace.apply_preview(self._edited(view, index, value))

    def _on_settled(self, index: int, value: float) -> None:
        view = self._desk.workspace.view
        if view is not None:
            mark = "z" if self._mode == COORDINATES else "c"
            self._desk.workspace.apply(self._edited(view, index, value), f"{mark}{index + 1} {value:+.2f}")

    def _edited(self, view: View, index: int, value: float) -> View:
        latent = view.latent_array().reshape(-1)
        found = self._components.get(view.model)
        if self._mode == COMPONENTS and found is not None:
            stands = float(found.coordinates(latent[None])[0, index])
            latent = latent + (value - stands) * found.directions[index]
        else:
            latent[index] = value
        return view.with_latent(latent.reshape(view.shape), seed=None)
