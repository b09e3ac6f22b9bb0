"""What a file is, and what it brings: read in the worker, no Qt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from latentstudio.document.history import History
from latentstudio.document.picture_recipe import has_recipe, read_recipe
from latentstudio.document.session import Session
from latentstudio.errors import ModelFileError, StudioError, UsageError
from latentstudio.factors import Factor, read_factor, write_factor
from latentstudio.generators.card import CARD_FILE
from latentstudio.generators.catalogue import Catalogue
from latentstudio.generators.contents import WEIGHTS, contents_of
from latentstudio.generators.importing import import_model
from latentstudio.generators.weights import check_safetensors
from latentstudio.inversion.photos import Photo, read_photo
from latentstudio.picture_files import SUFFIXES, picture_size
from latentstudio.places import user_factors
from latentstudio.scenes.scene import Scene, read_scene
from latentstudio.tasks.saved import read_saved_session

SESSION_SUFFIX = ".latentstudio"


@dataclass(frozen=True)
class DroppedFile:
    """What a file brought: a session to stand at, a model to open, a factor that was installed for ``model``, a photo,
    or a scene. ``sha256`` is that of a session file; ``known`` says that a model was here already (``Imported``)."""

    kind: str
    label: str
    session: Session | None = None
    history: History | None = None
    sha256: str = ""
    model: str = ""
    factor: str = ""
    photo: Photo | None = None
    scene: Scene | None = None
    known: str = ""


def read_file(path: Path, catalogue: Catalogue) -> DroppedFile:
    """Recognise a file or folder by what it holds and take in what it brings.

    Raises:
        StudioError: what was found, what would have been right and what to do.
    """
    path = Path(path)
    if not path.exists():
        raise UsageError(f"{path} does not exist", expected="a picture, session, model or factor file")
    if path.suffix.lower() == SESSION_SUFFIX:
        saved = read_saved_session(path)
        return DroppedFile("session", path.stem, session=saved.session, history=saved.history,
                       sha256=saved.sha256, model=saved.session.view.model)
    if path.is_file() and path.suffix.lower() in SUFFIXES:
        return _read_picture(path)
    if path.is_file() and path.suffix.lower() == ".json" and path.name != CARD_FILE:
        scene = read_scene(path)
        return DroppedFile("scene", path.stem, model=scene.model, scene=scene)
    if path.is_file() and path.suffix.lower() == ".safetensors":
        return _read_tensors(path, catalogue)
    if path.is_file() and path.name != CARD_FILE and path.suffix.lower() not in WEIGHTS:
        held = contents_of(path)
        if held.kind in ("other", "unknown", "archive"):
            said = "of no kind that latentstudio opens" if held.kind == "unknown" else held.sentence
            raise UsageError(
                f"{path.name} is {said}", action=held.action,
                expected="a photo, a picture or session that it saved, a factor file, a model's folder or its weights",
            )
    return _import(path, catalogue)


def _read_picture(path: Path) -> DroppedFile:
    if path.suffix.lower() != ".png" or not has_recipe(path):
        return DroppedFile("photo", path.name, photo=read_photo(path))
    picture_size(path)
    view = read_recipe(path).view
    return DroppedFile("picture", path.stem, session=Session((view,)), model=view.model)


def _read_tensors(path: Path, catalogue: Catalogue) -> DroppedFile:
    header = check_safetensors(path)
    try:
        factor = read_factor(path)
    except StudioError:
        if "axis" in header:
            raise
        return _import(path, catalogue)
    return install_factor(factor, catalogue)


def install_factor(factor: Factor, catalogue: Catalogue) -> DroppedFile:
    """Put a factor among those of the model that it was learned from.

    Raises:
        ModelFileError: the model is not installed.
    """
    try:
        entry = catalogue.model_for(factor.model, factor.model_sha256)
    except StudioError as problem:
        raise ModelFileError(
            f"the factor {factor.name} belongs to a model that is not installed",
            expected=f"the model with SHA-256 {factor.model_sha256[:12]}…", action="add that model first",
        ) from problem
    write_factor(user_factors(entry.name) / f"{factor.name}.safetensors", factor)
    return DroppedFile("factor", factor.name, model=entry.name, factor=factor.name)


def _import(path: Path, catalogue: Catalogue) -> DroppedFile:
    found = import_model(path, catalogue=catalogue)
    return DroppedFile("model", path.name, model=found.entry.name, known=found.known)
