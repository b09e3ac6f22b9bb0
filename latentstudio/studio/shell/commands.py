"""What every action of the table does. Asking goes through ``Dialogs``, so that tests can answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from latentstudio.document.origin import Origin
from latentstudio.pixels import AS_DRAWN
from latentstudio.studio.shell.actions import ACTIONS
from latentstudio.studio.shell.components import Components
from latentstudio.studio.shell.dialogs import Dialogs
from latentstudio.studio.widgets.pieces import local_files
from latentstudio.studio.widgets.stepping import Stepping
from latentstudio.tasks.write_file import SaveChoice


class Commands(QObject):
    """One method ``on_<id>`` for each action; ``handlers`` hands them all out."""

    def __init__(self, parts: Components, window: QWidget, dialogs: Dialogs) -> None:
        super().__init__(window)
        self._parts = parts
        self._window = window
        self.dialogs = dialogs
        self.last_folder = ""
        self.last_size = AS_DRAWN
        self._sampling = Stepping(self)
        self._sampling.ended.connect(self._on_sampled)

    def handlers(self) -> dict[str, Callable[[], None]]:
        """Action id to the method that does it; the view's own actions are added by the window."""
        names = (entry.id for entry in ACTIONS)
        return {name: getattr(self, f"on_{name}") for name in names if hasattr(self, f"on_{name}")}

    def on_open(self) -> None:
        """Choose any file and take it in."""
        self._open(self.dialogs.open_file(self._window, "Open", self.last_folder))

    def on_open_pictures(self) -> None:
        """Choose pictures to reconstruct."""
        chosen = self.dialogs.open_files(self._window, "Open pictures", self.last_folder)
        if chosen:
            self.last_folder = str(Path(chosen[0]).parent)
            self._parts.reconstruct.request_files(tuple(Path(one) for one in chosen))

    def on_train_folder(self) -> None:
        """Choose the folder whose pictures a model shall learn from."""
        chosen = self.dialogs.choose_folder(self._window, "A folder of pictures", self.last_folder)
        if chosen:
            self.last_folder = chosen
            self._parts.train.use_folder(Path(chosen))

    def on_learn_file(self) -> None:
        """Choose a Python file with a transformation of one's own."""
        chosen = self.dialogs.open_file(self._window, "A transformation of your own (.py)", self.last_folder)
        if chosen:
            self.last_folder = str(Path(chosen).parent)
            self._parts.learn.use_file(Path(chosen))

    def on_add_model(self) -> None:
        """Choose a model folder and take it in."""
        self._open(self.dialogs.choose_folder(self._window, "Add a model folder", self.last_folder))

    def on_save_picture(self) -> None:
        """Save the picture with its recipe."""
        choice = self._ask_sized("Save picture", f"{self._stem()}.png")
        if choice is not None:
            self._parts.files.request_save_picture(choice)

    def on_save_session(self) -> None:
        """Save the session with its history."""
        path = self._ask_save("Save session", f"{self._stem()}.latentstudio", "Sessions (*.latentstudio)")
        if path is not None:
            self._parts.files.request_save_session(path)

    def on_export_strip(self) -> None:
        """Save the chosen factor over its range, from this sample on."""
        self._export("strip", self._parts.files.request_strip)

    def on_export_traversal(self) -> None:
        """Save the chosen factor's axis with this sample's own coordinate taken out, as papers draw it."""
        self._export("traversal", self._parts.files.request_traversal)

    def on_paste_back(self) -> None:
        """Put the edited face back into the photo it came from, as a new file."""
        photo = self._parts.photo
        if not photo.can_paste_back:
            self._parts.desk.notice("info", "There is no photo to paste into: drop one on the window first.")
            return
        path = self._ask_save("Paste back into the photo", f"{Path(photo.photo_name).stem}-edited.png",
                              "PNG pictures (*.png)")
        if path is not None:
            photo.request_paste_back(path)

    def on_duplicate_object(self) -> None:
        """The chosen objects of the scene once more."""
        self._parts.scene.duplicate()

    def on_delete_object(self) -> None:
        """Take the chosen objects out of the scene."""
        self._parts.scene.delete()

    def on_export_scene(self) -> None:
        """Save the scene's JSON."""
        path = self._ask_save("Export scene", f"{self._stem()}.json", "Scenes (*.json)")
        if path is not None:
            self._parts.scene.request_export(path)

    def on_export_layers(self) -> None:
        """Save background and objects as PNG, each with its mask."""
        chosen = self.dialogs.choose_folder(self._window, "A folder for the layers", self.last_folder)
        if chosen:
            self.last_folder = chosen
            self._parts.scene.request_layers(Path(chosen))

    def on_paste_photo(self) -> None:
        """Take in the objects that were copied, else the picture or the file that lies on the clipboard."""
        if self._parts.scene.paste():
            return
        clipboard = QGuiApplication.clipboard()
        files = local_files(clipboard.mimeData())
        image = clipboard.image()
        if files:
            self._open(str(files[0]))
        elif not image.isNull():
            self._parts.files.request_pasted(image)
        else:
            self._parts.desk.notice("info", "There is no picture on the clipboard: copy one first.")

    def on_keep_elsewhere(self) -> None:
        """Save a learned factor that could not be kept to a file."""
        factor = self._parts.learn.factor
        if factor is not None:
            name = f"{factor.model}-{factor.name}.safetensors"
            path = self._ask_save("Save the slider", name, "Sliders (*.safetensors)")
            if path is not None:
                self._parts.unkept.request_save(path)

    def on_quit(self) -> None:
        """Close the window."""
        self._window.close()

    def on_undo(self) -> None:
        """One entry back."""
        self._parts.desk.workspace.undo()

    def on_redo(self) -> None:
        """One entry on."""
        self._parts.desk.workspace.redo()

    def on_reset_factors(self) -> None:
        """Every factor that is not locked back to 0."""
        self._parts.factors.apply_reset()

    def on_exact(self) -> None:
        """Measure this very picture until the chosen factor is what its slider says."""
        self._parts.exact.request_exact(self._parts.factors.chosen)

    def on_forget_factor(self) -> None:
        """What ships under the chosen factor's name counts again."""
        self._parts.factors.request_forgetting()

    def on_copy_picture(self) -> None:
        """The chosen objects, to be pasted into the scene; else the picture, to the clipboard."""
        if self._parts.scene.copy():
            return
        self._parts.files.copy_picture()

    def on_copy_python(self) -> None:
        """A Python snippet to the clipboard."""
        self._parts.files.copy_python()

    def on_copy_command(self) -> None:
        """A command line to the clipboard."""
        self._parts.files.copy_command()

    def on_new_sample(self) -> None:
        """Another seed; while Space is held the samples pass by, and the last one stays as one entry."""
        self._parts.desk.request_sample(passing=self._sampling.active)
        self._sampling.step()

    def _on_sampled(self) -> None:
        workspace = self._parts.desk.workspace
        view = workspace.view
        if view is not None and workspace.has_preview and view.seed is not None:
            workspace.apply(view, f"seed {view.seed}", Origin.SAMPLE)

    def on_enter_seed(self) -> None:
        """Put the keyboard into the seed field."""
        samples = self._parts.library_panel.samples
        if samples.isVisible():
            samples.seed_edit.setFocus(Qt.FocusReason.ShortcutFocusReason)
            return
        text = self.dialogs.ask_words(self._window, "Enter a seed", "A whole number from 0 on", "")
        if text:
            samples.enter(text)

    def rename_factor(self, name: str, title: str) -> None:
        """Ask for other words for a slider."""
        words = self.dialogs.ask_words(self._window, "Rename the slider", "What it does, in a word or two", title)
        if words.strip():
            self._parts.factors.request_rename(name, words.strip())

    def on_before(self) -> None:
        """From the menu the comparison stays until it is chosen again; the key compares while it is held."""
        self._parts.picture.set_comparing(not self._parts.picture.comparing)

    def on_fit(self) -> None:
        """The whole picture."""
        self._parts.picture_panel.canvas.fit()

    def on_zoom_in(self) -> None:
        """Larger."""
        self._parts.picture_panel.canvas.zoom_by(1.25)

    def on_zoom_out(self) -> None:
        """Smaller."""
        self._parts.picture_panel.canvas.zoom_by(1 / 1.25)

    def on_cancel_job(self) -> None:
        """Cancel the job in the status line."""
        self._parts.status.cancel()

    def on_model_folder(self, name: str) -> None:
        """Show where a model lies on the disk."""
        folder = self._parts.desk.catalogue.model(name).folder
        if folder is not None:
            self.dialogs.show_folder(folder)

    def on_rename_model(self, name: str) -> None:
        """Ask what a model shall be called."""
        words = self.dialogs.ask_words(self._window, f"Rename {name}", "Small letters, digits and . _ -", name).strip()
        if words and words != name:
            self._parts.library.apply_rename(name, words)

    def on_about(self) -> None:
        """What the model in front is, and its licence."""
        current = self._parts.desk.current
        if current is not None:
            self._parts.library.show_info(current.name)

    def _export(self, kind: str, request: Callable[[SaveChoice, str], None]) -> None:
        name = self._parts.factors.chosen
        if not name:
            self._parts.desk.notice("info", f"This model has no slider to make a {kind} of; learn one first")
            return
        ending = name if kind == "strip" else f"{name}-{kind}"
        choice = self._ask_sized(f"Export {kind}", f"{self._stem()}-{ending}.png")
        if choice is not None:
            request(choice, name)

    def _stem(self) -> str:
        view = self._parts.desk.workspace.view
        if view is None:
            return "picture"
        return f"{view.model}-{view.seed}" if view.seed is not None else f"{view.model}-own"

    def _ask_sized(self, title: str, name: str) -> SaveChoice | None:
        """Where a picture of the model in front goes, and at what size; the size is offered again the next time."""
        current = self._parts.desk.current
        size = self.last_size
        if current is not None:
            asked = self.dialogs.ask_size(self._window, title, current.model.card.image_size, size)
            if asked is None:
                return None
            size = asked
        path = self._ask_save(title, name, "PNG pictures (*.png)")
        if path is None:
            return None
        self.last_size = size
        return SaveChoice(path, size)

    def _ask_save(self, title: str, name: str, kinds: str) -> Path | None:
        chosen = self.dialogs.save_file(self._window, title, str(Path(self.last_folder) / name), kinds)
        if not chosen:
            return None
        self.last_folder = str(Path(chosen).parent)
        return Path(chosen)

    def _open(self, chosen: str) -> None:
        if chosen:
            self.last_folder = str(Path(chosen).parent)
            self._parts.files.request_open(Path(chosen))
