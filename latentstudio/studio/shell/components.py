"""All panels and presenters of one window, wired to each other. The window puts them in their places."""

from __future__ import annotations

import random
from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from latentstudio.document.autosave import Slot
from latentstudio.document.workspace import Workspace
from latentstudio.generators.catalogue import Catalogue
from latentstudio.inversion.photos import Photo
from latentstudio.studio.bench import Bench
from latentstudio.studio.canvas.history import HistoryPresenter
from latentstudio.studio.canvas.panel import PicturePanel
from latentstudio.studio.canvas.presenter import PicturePresenter
from latentstudio.studio.desk import Desk
from latentstudio.studio.factors.exact import ExactPresenter
from latentstudio.studio.factors.panel import FactorsPanel
from latentstudio.studio.factors.presenter import FactorsPresenter
from latentstudio.studio.features import FEATURES
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
        self.picture_panel = PicturePanel()
        self.status_line = StatusLine()
        self.notices = NoticesPresenter(self.desk, self.picture_panel.notices, parent=self)
        self.picture = PicturePresenter(self.desk, self.picture_panel.canvas, parent=self)
        self.bench = Bench(self.desk, self.picture_panel, self.picture, self)
        self.panels: dict[str, QWidget] = {feature.id: feature.build(self.bench) for feature in FEATURES}
        self._name()
        self.history = HistoryPresenter(self.desk, self.picture_panel.strip, parent=self)
        self.status = StatusPresenter(self.desk, self.runner, self.status_line, parent=self)
        self.files = FilesPresenter(
            self.desk, fetch=self.library.request_fetch, renew=self.library.renew, take_photo=self._take_photo,
            take_scene=self.scene.take_scene, parent=self,
        )
        self.keeping = AutosavePresenter(self.desk, slot, parent=self)
        self.picture.painted.connect(self.status.on_painted)

    def _name(self) -> None:
        """Names for those whom window, stories and tests talk to."""
        get = self.bench.get
        self.library_panel, self.library, self.samples = get(LibraryPanel), get(LibraryPresenter), get(SamplesPresenter)
        self.factors_panel, self.factors, self.exact = get(FactorsPanel), get(FactorsPresenter), get(ExactPresenter)
        self.photo_panel, self.photo = get(PhotoPanel), get(PhotoPresenter)
        self.reconstruct_panel, self.reconstruct = get(ReconstructPanel), get(ReconstructPresenter)
        self.scene_panel, self.scene = get(ScenePanel), get(ScenePresenter)
        self.raw_panel, self.raw = get(RawPanel), get(RawPresenter)
        self.learn_panel, self.learn, self.unkept = get(LearnPanel), get(LearnPresenter), get(UnkeptPresenter)
        self.find_panel, self.find = get(FindPanel), get(FindPresenter)
        self.train_panel, self.train = get(TrainPanel), get(TrainPresenter)
        self.map_panel, self.map = get(MapPanel), get(MapPresenter)

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
