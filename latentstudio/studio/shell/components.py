"""All panels and presenters of one window, wired to each other. The window puts them in their places."""

from __future__ import annotations

import random
from collections.abc import Callable

from PySide6.QtCore import QObject

from latentstudio.document.autosave import Slot
from latentstudio.document.workspace import Workspace
from latentstudio.generators.catalogue import Catalogue
from latentstudio.inversion.photos import Photo
from latentstudio.studio.canvas.history import HistoryPresenter
from latentstudio.studio.canvas.panel import PicturePanel
from latentstudio.studio.canvas.presenter import PicturePresenter
from latentstudio.studio.desk import Desk
from latentstudio.studio.factors.exact import ExactPresenter
from latentstudio.studio.factors.panel import FactorsPanel
from latentstudio.studio.factors.presenter import FactorsPresenter
from latentstudio.studio.learn.find import FindPresenter
from latentstudio.studio.learn.find_panel import FindPanel
from latentstudio.studio.learn.panel import LearnPanel
from latentstudio.studio.learn.presenter import LearnPresenter
from latentstudio.studio.learn.unkept import UnkeptPresenter
from latentstudio.studio.library.panel import LibraryPanel
from latentstudio.studio.library.presenter import LibraryPresenter
from latentstudio.studio.library.samples import SamplesPresenter
from latentstudio.studio.map.panel import MapPanel
from latentstudio.studio.map.presenter import MapPresenter
from latentstudio.studio.photo.panel import PhotoPanel
from latentstudio.studio.photo.presenter import PhotoPresenter
from latentstudio.studio.raw.panel import RawPanel
from latentstudio.studio.raw.presenter import RawPresenter
from latentstudio.studio.reconstruct.panel import ReconstructPanel
from latentstudio.studio.reconstruct.presenter import ReconstructPresenter
from latentstudio.studio.runner import Runner
from latentstudio.studio.scene.panel import ScenePanel
from latentstudio.studio.scene.presenter import ScenePresenter
from latentstudio.studio.shell.autosave import AutosavePresenter
from latentstudio.studio.shell.files import FilesPresenter
from latentstudio.studio.shell.notices import NoticesPresenter
from latentstudio.studio.shell.status import StatusPresenter
from latentstudio.studio.shell.status_line import StatusLine
from latentstudio.studio.train.panel import TrainPanel
from latentstudio.studio.train.presenter import TrainPresenter
from latentstudio.studio.widgets.pieces import put_on_top

LARGEST_SEED = 9_999


class Components(QObject):
    """Makes everything of one window except the window.

    Args:
        slot: where the session is autosaved.
        catalogue: the models; looked up at first use when None.
        device: ``auto``, ``cpu`` or ``cuda``.
        next_seed: draws the seeds of new samples.
    """

    def __init__(
        self,
        slot: Slot,
        *,
        catalogue: Catalogue | None = None,
        device: str = "auto",
        next_seed: Callable[[], int] | None = None,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.workspace = Workspace()
        self.runner = Runner(self)
        draw_seed = next_seed or _seeds(random.SystemRandom())
        self.desk = Desk(
            self.workspace, self.runner, next_seed=draw_seed, catalogue=catalogue, device=device, parent=self
        )
        self._build_panels()
        self._build_presenters(slot)

    def _build_panels(self) -> None:
        self.picture_panel = PicturePanel()
        self.library_panel = LibraryPanel()
        self.factors_panel = FactorsPanel()
        self.raw_panel = RawPanel()
        self.learn_panel = LearnPanel()
        self.find_panel = FindPanel()
        put_on_top(self.find_panel, self.learn_panel)
        self.photo_panel = PhotoPanel()
        self.reconstruct_panel = ReconstructPanel()
        self.scene_panel = ScenePanel()
        self.train_panel = TrainPanel()
        self.map_panel = MapPanel()
        self.status_line = StatusLine()

    def _build_presenters(self, slot: Slot) -> None:
        desk, canvas = self.desk, self.picture_panel.canvas
        self.notices = NoticesPresenter(desk, self.picture_panel.notices, parent=self)
        self.picture = PicturePresenter(desk, canvas, parent=self)
        self.factors = FactorsPresenter(desk, self.factors_panel, canvas, parent=self)
        self.factors.hand_down.connect(self.picture.on_hand)
        self.exact = ExactPresenter(desk, self.factors_panel, parent=self)
        self.samples = SamplesPresenter(desk, self.library_panel.samples, parent=self)
        self.history = HistoryPresenter(desk, self.picture_panel.strip, parent=self)
        self.library = LibraryPresenter(desk, self.library_panel, parent=self)
        self.raw = RawPresenter(desk, self.raw_panel, parent=self)
        self.learn = LearnPresenter(desk, self.learn_panel, parent=self)
        self.find = FindPresenter(desk, self.find_panel, parent=self)
        self.map = MapPresenter(desk, self.map_panel, parent=self)
        self.factors.choice_changed.connect(self.map.set_factor)
        self.unkept = UnkeptPresenter(desk, self.learn, parent=self)
        self.photo = PhotoPresenter(desk, self.photo_panel, parent=self)
        self.picture.set_photo_source(self.photo.photo_of)
        self.photo.beside_changed.connect(canvas.show_beside)
        self.scene = ScenePresenter(desk, self.scene_panel, canvas.boxes, parent=self)
        self.reconstruct = ReconstructPresenter(desk, self.reconstruct_panel, self.photo, parent=self)
        self.train = TrainPresenter(desk, self.train_panel, parent=self)
        self.train.finished.connect(self.library.renew)
        self.status = StatusPresenter(desk, self.runner, self.status_line, parent=self)
        self.files = FilesPresenter(
            desk, fetch=self.library.request_fetch, renew=self.library.renew, take_photo=self._take_photo,
            take_scene=self.scene.take_scene, parent=self,
        )
        self.keeping = AutosavePresenter(desk, slot, parent=self)
        self.picture.painted.connect(self.status.on_painted)

    def _take_photo(self, name: str, photo: Photo) -> None:
        """A scene model takes a picture apart, any other looks for its latent."""
        (self.scene.take if self.scene.active else self.photo.take)(name, photo)

    def close(self) -> None:
        """End jobs and thread, write what is left, close the models."""
        self.train.close()
        self.runner.shut_down()
        self.keeping.close()
        self.desk.close()


def _seeds(source: random.Random) -> Callable[[], int]:
    def next_seed() -> int:
        return source.randint(0, LARGEST_SEED)

    return next_seed
