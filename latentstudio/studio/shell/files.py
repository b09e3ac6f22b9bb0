"""Files in and out: pictures with their recipe, sessions, strips, and whatever is dropped on the window."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication, QImage

from latentstudio.document.session_file import SUFFIX, Saved, Written
from latentstudio.document.view import View
from latentstudio.engine import Result
from latentstudio.errors import ChangedOnDiskError, PictureError, StudioError, UnknownNameError
from latentstudio.factors import FactorSet
from latentstudio.generators import addons
from latentstudio.inversion.photos import Photo, read_photo
from latentstudio.scenes.scene import Scene
from latentstudio.studio.canvas.view import image_of
from latentstudio.studio.desk import Desk
from latentstudio.tasks.as_code import as_command, as_python
from latentstudio.tasks.draw import OpenModel, draw_strip, draw_traversal
from latentstudio.tasks.read_file import DroppedFile, read_file
from latentstudio.tasks.write_file import DrawRow, SaveChoice, named, with_suffix, write_over, write_picture, write_row

STRIP_COUNT = 9


class FilesPresenter(QObject):
    """All reading and writing happens in the worker; only paths come from the window."""

    def __init__(
        self,
        desk: Desk,
        *,
        fetch: Callable[[str], None],
        renew: Callable[[], None],
        take_photo: Callable[[str, Photo], None],
        take_scene: Callable[[str, Scene], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._desk = desk
        self._fetch = fetch
        self._renew = renew
        self._take_photo = take_photo
        self._take_scene = take_scene
        self._known: dict[Path, str] = {}  # SHA-256 of the session files that were opened or saved here

    def request_open(self, path: Path) -> None:
        """Take in a file that was dropped or chosen."""
        self._desk.activity.emit(f"Reading {path.name}…")
        self._desk.worker.request(f"read {path}", partial(read_file, path, self._desk.catalogue),
                                  partial(self._on_read, path))

    def request_pasted(self, image: QImage) -> None:
        """Take in a picture from the clipboard."""
        self._desk.worker.request("pasted", partial(_photo_of, image), partial(self._on_read, None))

    def request_save_picture(self, choice: SaveChoice) -> None:
        """Save the picture of the session with its recipe."""
        front = self._front("save")
        if front is not None:
            self._request_write(choice.path, partial(write_picture, *front, choice.size))

    def request_save_session(self, path: Path) -> None:
        """Save the session with its history."""
        session, history = self._desk.workspace.session, self._desk.workspace.history
        if session is None:
            self._desk.notice("info", "There is no session to save yet")
            return
        target = with_suffix(path, SUFFIX)
        self._request_write_session(path, Saved(session, history), self._known.get(target, ""))

    def _request_write_session(self, path: Path, saved: Saved, known: str) -> None:
        # a session may be saved over the file that it was opened from
        target, work = named(path, SUFFIX, partial(write_over, saved, known))
        self._desk.worker.request(f"write {target}", work, partial(self._on_session_written, path, saved))

    def request_strip(self, choice: SaveChoice, name: str) -> None:
        """Save pictures of one factor over its range from this sample, side by side, as PNG."""
        self._request_row(choice, name, "strip", partial(draw_strip, count=STRIP_COUNT))

    def request_traversal(self, choice: SaveChoice, name: str) -> None:
        """Save pictures of the sample put along one factor's axis, its own coordinate taken out, as PNG."""
        self._request_row(choice, name, "traversal", draw_traversal)

    def _request_row(self, choice: SaveChoice, name: str, kind: str, draw_row: DrawRow) -> None:
        front = self._front("save")
        if front is not None:
            row = partial(write_row, *front, name, kind, draw_row, choice.size)
            self._request_write(choice.path, row)

    def copy_picture(self) -> None:
        """Put the picture on the clipboard."""
        front = self._front("copy")
        if front is not None:
            self._desk.worker.request("copy", partial(_image, *front), self._on_image)

    def copy_python(self) -> None:
        """Put a Python snippet that draws this picture on the clipboard."""
        self._copy_words(as_python, "The Python lines are on the clipboard")

    def copy_command(self) -> None:
        """Put a command line that draws this picture on the clipboard."""
        self._copy_words(as_command, "The command line is on the clipboard")

    def _copy_words(self, write: Callable[[View, FactorSet], str], said: str) -> None:
        front = self._front("copy")
        if front is not None:
            opened, view = front
            QGuiApplication.clipboard().setText(write(view, opened.factors))
            self._desk.notice("good", said)

    def _front(self, doing: str) -> tuple[OpenModel, View] | None:
        """The session and its open model; where there is none yet, that is said."""
        view = self._desk.workspace.view
        opened = self._desk.opened_for(view)
        if view is None or opened is None:
            self._desk.notice("info", f"There is no picture to {doing} yet; the model is not open")
            return None
        return opened, view

    def _request_write(self, chosen: Path, write: Callable[[Path], object]) -> None:
        """Write a picture in the worker."""
        path, work = named(chosen, ".png", write)
        self._desk.request_write(f"write {path}", work, self._on_written)

    def _on_image(self, result: Result) -> None:
        if isinstance(result.value, QImage):
            QGuiApplication.clipboard().setImage(result.value)
            self._desk.notice("good", "The picture is on the clipboard")
        elif result.error is not None:
            self._desk.tell_error(result.error, doing="Copying the picture")

    def _on_written(self, result: Result) -> None:
        if result.error is not None:
            self._desk.tell_error(result.error, doing="Saving")
        else:
            self._desk.notice("good", str(result.value))

    def _on_session_written(self, path: Path, saved: Saved, result: Result) -> None:
        target = with_suffix(path, SUFFIX)
        if isinstance(result.value, Written):
            self._known[target] = result.value.sha256
            self._desk.notice("good", "; ".join((f"Saved {target.name}", *result.value.notes)))
        elif isinstance(result.error, ChangedOnDiskError):
            self._desk.notice("bad", result.error.sentence, f"Replace {target.name}",
                              partial(self._request_write_session, target, saved, ""))
        else:
            self._on_written(result)

    def _on_read(self, path: Path | None, result: Result) -> None:
        self._desk.activity.emit("")
        if result.error is not None:
            self._desk.tell_error(result.error, doing="Reading the file")
            return
        if isinstance(result.value, DroppedFile):
            if path is not None and result.value.sha256:
                self._known[path] = result.value.sha256
            elif path is not None:
                self._desk.took_in(path)
            self._take(result.value)

    def _take(self, brought: DroppedFile) -> None:
        if brought.photo is not None:
            self._take_photo(brought.label, brought.photo)
        elif brought.scene is not None:
            self._take_scene(brought.label, brought.scene)
        elif brought.kind == "model":
            self._renew()
            if brought.known:
                self._desk.notice("info", f"{brought.label}: {brought.known}")
            self._desk.request_model(brought.model)
        elif brought.kind == "factor":
            current = self._desk.current
            if current is not None and current.name == brought.model:
                self._desk.reload_factors()
            self._desk.notice("good", f"The slider {brought.factor} was added to {brought.model}")
        elif brought.session is not None:
            self._take_session(brought)

    def _take_session(self, brought: DroppedFile) -> None:
        session = brought.session
        assert session is not None
        view = session.view
        try:
            self._desk.catalogue.model_for(view.model, view.model_sha256)
        except UnknownNameError:
            self._tell_missing(view.model)
            return
        except StudioError as problem:  # other weights, or broken; opening it will say the latter once more
            self._desk.notice("info", f"{brought.label}: {problem.found}; the picture may differ")
        name_of, history = self._desk.names_here(), brought.history
        session, history = session.renamed(name_of), None if history is None else history.renamed(name_of)
        self._desk.request_model(session.view.model, session=session, history=history, label=brought.label)

    def _tell_missing(self, model: str) -> None:
        sentence = f"This was made with the model {model}, which is not installed"
        if any(addon.name == model for addon in addons.list_add_ons()):
            self._desk.notice("bad", sentence, f"Fetch {model}", partial(self._fetch, model))
        else:
            self._desk.notice("bad", f"{sentence}; add it to the library and try again")


def _image(opened: OpenModel, view: View) -> QImage:
    return image_of(opened.draw(view).pixels)


def _photo_of(image: QImage) -> DroppedFile:
    """A picture that needs no file; it goes the way of one, so that the same limits hold."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clipboard.png"
        if not image.save(str(path)):
            raise PictureError("the picture on the clipboard cannot be read", expected="a picture",
                               action="save it to a file and drop that")
        return DroppedFile("photo", "the pasted picture", photo=read_photo(path))
