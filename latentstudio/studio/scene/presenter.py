"""Scenes: the boxes on the canvas, their list and numbers, and every edit an entry of the history."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, QTimer, Signal

from latentstudio.document.origin import Origin
from latentstudio.document.view import View
from latentstudio.document.workspace import Change
from latentstudio.engine import JobEnd, Result
from latentstudio.engine.loading import call, job
from latentstudio.errors import UsageError
from latentstudio.inversion.photos import Photo
from latentstudio.scenes.boxes import copies, held
from latentstudio.scenes.scene import Scene, SceneObject
from latentstudio.studio.canvas.box_editor import BoxEditor
from latentstudio.studio.desk import Desk
from latentstudio.studio.scene.panel import ScenePanel
from latentstudio.tasks.draw import OpenModel
from latentstudio.tasks.scene import (
    TakenApart,
    export_scene,
    knows_objects,
)

REST_MS = 250
COPY_AWAY = 6.0
WAITING = "Finding the objects…"


class ScenePresenter(QObject):
    """Keeps canvas, list and session in step while a scene model is in front.

    Signals:
        taken(): a picture was taken apart; the panel should be seen.
    """

    taken = Signal()

    def __init__(self, desk: Desk, panel: ScenePanel, editor: BoxEditor, *, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._desk = desk
        self._panel = panel
        self._editor = editor
        self._copied: tuple[SceneObject, ...] = ()
        self._seed = 0
        self._unfolds = False  # the first time loads torch, which takes seconds
        self.facts = ""
        self._rest = QTimer(panel)  # it must not outlive what it fills
        self._rest.setSingleShot(True)
        self._rest.setInterval(REST_MS)
        self._rest.timeout.connect(self._request_sheet)
        editor.edited.connect(self._on_edited)
        editor.settled.connect(self._on_settled)
        editor.chosen.connect(lambda selection: self._show())
        panel.object_chosen.connect(lambda index: editor.choose((index,)))
        panel.number_entered.connect(self._on_number)
        panel.new_requested.connect(desk.request_sample)
        panel.look_requested.connect(self.request_look)
        panel.background_requested.connect(self.request_background)
        for signal, act in (
            (panel.duplicate_requested, self.duplicate), (panel.delete_requested, self.delete),
            (panel.front_requested, self.to_front), (panel.back_requested, self.to_back),
            (panel.lock_requested, self.toggle_lock), (panel.swap_requested, self.swap_looks),
        ):
            signal.connect(act)
        desk.workspace.subscribe(self._on_change)
        desk.model_changed.connect(self._on_model)

    @property
    def scene(self) -> Scene | None:
        """The scene in front, or None while the model knows no objects."""
        return self._editor.scene

    @property
    def active(self) -> bool:
        """Whether the model in front knows objects."""
        opened = self._desk.current
        return opened is not None and knows_objects(opened.model)

    def take(self, name: str, photo: Photo) -> None:
        """Take a picture apart into objects."""
        opened = self._desk.current
        if opened is not None:
            self._desk.activity.emit(f"Taking {name} apart…")
            steps = job("latentstudio.tasks.decompose:take_apart", opened.model, photo)
            self._desk.worker.start_job(f"Taking {name} apart", steps, on_end=partial(self._on_taken_apart, name))

    def take_scene(self, name: str, scene: Scene) -> None:
        """Show a scene that was exported before."""
        view = self._desk.workspace.view
        opened = self._desk.opened_for(view)
        if opened is None or view is None or opened.name != scene.model:
            self._desk.notice("info", f"{name} was made with {scene.model}: open that model, then drop it again.")
            return
        self._apply_found(view, scene, name)
        self.taken.emit()

    def _apply_found(self, view: View, scene: Scene, name: str) -> None:
        fresh = view.with_new_picture(view.latent_array(), view.seed, keep_sliders=self._desk.keep_sliders)
        self._desk.workspace.apply(fresh.with_scene(scene), f"photo {name}", Origin.SCENE)

    def duplicate(self) -> None:
        """The chosen objects once more, a little to the lower right."""
        scene = self.scene
        if scene is not None and self._editor.selection:
            self._insert(scene, tuple(scene.objects[index] for index in self._editor.selection), "duplicated")

    def copy(self) -> bool:
        """Remember the chosen objects; False where none is."""
        scene = self.scene
        if scene is None or not self._editor.selection:
            return False
        self._copied = tuple(scene.objects[index] for index in self._editor.selection)
        return True

    def paste(self) -> bool:
        """Put the remembered objects into the scene; False where there are none."""
        scene = self.scene
        if scene is None or not self._copied:
            return False
        self._insert(scene, self._copied, "pasted")
        return True

    def delete(self) -> None:
        """Take the chosen objects out; locked ones stay."""
        scene = self.scene
        gone = [] if scene is None else [i for i in self._editor.selection if not scene.objects[i].locked]
        if scene is not None and gone:
            self._editor.choose(())
            self._apply(scene.without(gone), f"{len(gone)} object{'' if len(gone) == 1 else 's'} deleted")

    def to_front(self) -> None:
        """The chosen object before all others."""
        self._one("brought to front", lambda scene, index: scene.to_front(index))

    def to_back(self) -> None:
        """The chosen object behind all others."""
        self._one("sent to back", lambda scene, index: scene.to_back(index))

    def toggle_lock(self) -> None:
        """Edits leave a locked object as it is."""
        self._one("locked or unlocked", lambda scene, index: scene.with_object(
            index, replace(scene.objects[index], locked=not scene.objects[index].locked)))

    def swap_looks(self) -> None:
        """Two chosen objects exchange shape and colour."""
        scene, chosen = self.scene, self._editor.selection
        if scene is None or len(chosen) != 2:
            return
        first, second = (scene.objects[index] for index in chosen)
        swapped = scene.with_object(chosen[0], replace(first, latent=second.latent))
        self._apply(swapped.with_object(chosen[1], replace(second, latent=first.latent)), "looks swapped")

    def request_look(self) -> None:
        """Another shape and colour for the chosen object, from the learned prior."""
        opened, chosen = self._desk.current, self._editor.selection
        if opened is not None and chosen:
            self._seed += 1
            self._request("look", "latentstudio.tasks.decompose:another_look", (opened, self._seed), self._on_look)

    def request_background(self) -> None:
        """Another background from the prior."""
        opened = self._desk.current
        if opened is not None and self.scene is not None:
            self._seed += 1
            self._request("backdrop", "latentstudio.tasks.decompose:another_background", (opened, self._seed),
                          self._on_background)

    def request_export(self, path: Path) -> None:
        """Write the scene's JSON."""
        if self.scene is not None:
            self._desk.request_write("export scene", partial(export_scene, self.scene, path), self._on_exported)

    def request_layers(self, folder: Path) -> None:
        """Write every layer as PNG."""
        opened = self._desk.current
        if self.scene is not None and opened is not None:
            work = partial(call, "latentstudio.tasks.decompose:export_layers", opened, self.scene, folder)
            self._desk.request_write("export layers", work, self._on_exported)

    def _request(
        self, view: str, task: str, arguments: tuple[object, ...], on_result: Callable[[Result], None]
    ) -> None:
        self._desk.worker.request(view, partial(call, task, *arguments), on_result)

    def _one(self, words: str, change: Callable[[Scene, int], Scene]) -> None:
        scene, chosen = self.scene, self._editor.selection
        if scene is not None and len(chosen) == 1:
            self._apply(change(scene, chosen[0]), f"object {chosen[0] + 1} {words}")

    def _insert(self, scene: Scene, objects: tuple[SceneObject, ...], words: str) -> None:
        size = min(scene.width, scene.height)
        new = [held(one, scene.width, scene.height) for one in copies(objects, away=COPY_AWAY * size / 64.0)]
        try:
            grown = scene.with_objects((*scene.objects, *new))
        except UsageError as problem:
            self._desk.notice("bad", problem.sentence)
            return
        self._apply(grown, f"{len(new)} object{'' if len(new) == 1 else 's'} {words}")
        self._editor.choose(range(len(scene.objects), len(grown.objects)))

    def _apply(self, scene: Scene, label: str) -> None:
        view = self._desk.workspace.view
        if view is not None:
            self._desk.workspace.apply(view.with_scene(scene), label)

    def _on_edited(self, scene: Scene) -> None:
        view = self._desk.workspace.view
        if view is not None:
            self._desk.workspace.apply_preview(view.with_scene(scene))
            self._show_numbers()

    def _on_settled(self, scene: Scene, words: str) -> None:
        self._apply(scene, words)

    def _on_number(self, name: str, value: float) -> None:
        scene, chosen = self.scene, self._editor.selection
        if scene is None or len(chosen) != 1:
            return
        key = "angle_deg" if name == "angle" else name
        try:
            changed = replace(scene.objects[chosen[0]], **{key: value})  # type: ignore[arg-type]
        except UsageError as problem:
            self._panel.say(problem.sentence)
            return
        kept = held(changed, scene.width, scene.height)
        self._apply(scene.with_object(chosen[0], kept), f"object {chosen[0] + 1}: {name} {value:g}")

    def _on_change(self, change: Change) -> None:
        if change.new is not None:
            self._follow(change.old, change.new)

    def _on_model(self, opened: OpenModel) -> None:
        view = self._desk.workspace.view
        if view is not None and view.model == opened.name:
            self._follow(None, view)

    def _follow(self, old: View | None, new: View) -> None:
        """Show the scene of the session in front; that of a plain sample is unfolded from its latent."""
        opened = self._desk.opened_for(new)
        if opened is None:
            return
        if not knows_objects(opened.model):
            self._leave()
        elif new.scene is not None:
            if self._editor.scene != new.scene:
                self._editor.set_scene(new.scene)
            self._show()
        elif old is None or old.scene is not None or (old.latent, old.model) != (new.latent, new.model):
            self.facts = ""
            if not self._unfolds:
                self._panel.set_waiting(WAITING)
                self._desk.activity.emit(WAITING)
            self._request("unfold", "latentstudio.tasks.decompose:unfold", (opened, new),
                          partial(self._on_unfolded, new))

    def _leave(self) -> None:
        if self._editor.scene is not None:
            self._editor.choose(())
            self._editor.set_scene(None)
        self._panel.set_idle()

    def _on_unfolded(self, view: View, result: Result) -> None:
        if not self._unfolds:
            self._unfolds = True
            self._panel.say("")
            self._desk.activity.emit("")
        current = self._desk.workspace.view
        if isinstance(result.value, Scene) and current is view:
            self._editor.set_scene(result.value)
            self._show()
        elif result.error is not None:
            self._desk.tell_error(result.error, doing="Finding the objects")

    def _on_taken_apart(self, name: str, end: JobEnd) -> None:
        self._desk.activity.emit("")
        found, view = getattr(end.last_step, "result", None), self._desk.workspace.view
        if end.error is not None:
            self._desk.tell_error(end.error, doing="Taking the picture apart")
        if not isinstance(found, TakenApart) or view is None:
            return
        self.facts = found.facts
        self._editor.choose(())
        self._apply_found(view, found.found.scene, name)
        self._panel.say(" ".join(f"{note[:1].upper()}{note[1:]}." for note in found.found.notes))
        self.taken.emit()

    def _on_look(self, result: Result) -> None:
        scene, chosen = self.scene, self._editor.selection
        if not isinstance(result.value, tuple) or not result.value or scene is None or not chosen:
            return
        for index in chosen:
            if index < len(scene.objects) and not scene.objects[index].locked:
                scene = scene.with_object(index, replace(scene.objects[index], latent=result.value))
        self._apply(scene, "another look")

    def _on_background(self, result: Result) -> None:
        if isinstance(result.value, tuple) and self.scene is not None:
            self._apply(replace(self.scene, background=result.value), "another background")

    def _on_exported(self, result: Result) -> None:
        if result.error is not None:
            self._desk.tell_error(result.error, doing="Exporting")
        else:
            self._desk.notice("good", str(result.value))

    def _show(self) -> None:
        scene = self.scene
        if scene is None:
            return
        self._panel.set_objects(tuple(one.name or str(number) for number, one in enumerate(scene.objects, start=1)))
        self._panel.facts.setText(self.facts)
        self._panel.facts.setVisible(bool(self.facts))
        self._show_numbers()
        self._rest.start()

    def _show_numbers(self) -> None:
        scene, chosen = self.scene, self._editor.selection
        if scene is None or not chosen or chosen[0] >= len(scene.objects):
            self._panel.set_chosen(-1, "", {}, locked=False, several=False)
            return
        one = scene.objects[chosen[0]]
        title = f"Object {chosen[0] + 1}" if len(chosen) == 1 else f"{len(chosen)} objects"
        values = {"x": one.x, "y": one.y, "width": one.width, "height": one.height, "angle": one.angle_deg,
                  "depth": one.depth}
        self._panel.set_chosen(chosen[0], title, values, locked=one.locked, several=len(chosen) > 1)

    def _request_sheet(self) -> None:
        """Layers, once the hand rests and somebody looks."""
        opened = self._desk.current
        if self.scene is not None and opened is not None and self._panel.isVisible():
            self._request("layers", "latentstudio.tasks.decompose:layer_sheet", (opened, self.scene), self._on_sheet)

    def _on_sheet(self, result: Result) -> None:
        if isinstance(result.value, np.ndarray) and self.scene is not None:
            labels = ("ground", *(str(number) for number in range(1, result.value.shape[1] // len(result.value))))
            self._panel.sheet.set_sheet(result.value, labels)
