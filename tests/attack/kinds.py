"""Every kind of file that the program reads: how it is changed, and how the program takes it in.

An ``open`` calls what the window and the command line call, and then what they do next: draw the session, move the
factor, open the model and draw, put the photograph into its frame, make the first steps of the training.
"""

from __future__ import annotations

import contextlib
import io
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from latentstudio import api
from latentstudio.cli.main import load_verb
from latentstudio.cli.output import Output
from latentstudio.document.autosave import claim_slot
from latentstudio.document.preferences import Layout, load_preferences
from latentstudio.document.view import View
from latentstudio.errors import StudioError
from latentstudio.factors import FactorSet, load_factors, read_factor
from latentstudio.factors.paths import trajectories_of
from latentstudio.factors.records import RecordStore
from latentstudio.factors.verdict import facts_of, verdict_of
from latentstudio.files import sha256_of
from latentstudio.generators.card import read_card, write_card
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.generators.graph_session import GraphSession
from latentstudio.inversion.cropping import place
from latentstudio.pixels import read_picture
from latentstudio.places import user_factors, user_models, user_plugins
from latentstudio.scenes.files import read_scenes
from latentstudio.tasks.learn import findings_of
from latentstudio.tasks.read_file import read_file
from latentstudio.tasks.saved import read_saved
from latentstudio.training.pictures import PictureSet
from latentstudio.training.recipe import parse_recipe
from latentstudio.training.runs import read_run
from latentstudio.training.train import train_recipe
from tests.attack import shapes
from tests.attack.sound import LAYOUT, RECIPE, SCENES, SCREENS, TINY

MEBIBYTE = 1 << 20
VICTIM = "victim"


class Room:
    """What a worker has at hand: a folder of its own, and the two tiny models opened."""

    def __init__(self, folder: Path, seeds: Path) -> None:
        self.folder, self.seeds = folder, seeds
        self.catalogue = find_catalogue()
        self.models = {name: api.open_model(name, catalogue=self.catalogue, runtime="eager") for name in (TINY, SCENES)}
        self.known = api.factors_of(self.models[TINY])
        self.pictures = small_pictures()
        for model in self.models.values():
            api.draw(model, self.view(model.card.name))

    def view(self, name: str) -> View:
        """A plain view of one of the models."""
        return View.start(self.models[name].card, api.sample(self.models[name], seed=1), 1)

    def file(self, name: str, data: bytes) -> Path:
        """The attacked file under this name, in a folder that holds nothing else."""
        shutil.rmtree(self.folder / "in", ignore_errors=True)
        path = self.folder / "in" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    def show(self, view: View) -> None:
        """Draw what a view means, where its model is one of ours."""
        entry = self.catalogue.model(view.model)
        if entry.name not in self.models:
            return
        model = self.models[entry.name]
        if view.tuning:
            model = api.tuned_model(model, api.find_tuning(view.tuning))
        known = self.known if entry.name == TINY else FactorSet((), ())
        tell_all(
            lambda: api.draw(model, view, known),
            lambda: view.photo is None or api.draw_pasted(model, view, known),
        )


def tell_all(*works: Callable[[], object]) -> None:
    """Do all, whatever the others say; the first typed error is raised at the end."""
    told: list[StudioError] = []
    for work in works:
        try:
            work()
        except StudioError as problem:
            told.append(problem)
    if told:
        raise told[0]


def say(words: str) -> None:
    """A verb of the command line, as it runs below its border; what it prints is let go."""
    name, *rest = words.split()
    verb = load_verb(name)
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        verb.run(verb.parser().parse_args(rest), Output(as_json=False))
        verb.run(verb.parser().parse_args([*rest, "--json"]), Output(as_json=True))


def _session(data: bytes, room: Room, name: str) -> None:
    path = room.file("a.latentstudio", data)
    tell_all(lambda: room.show(_brought(path, room)), lambda: read_saved(path))


def _recipe(data: bytes, room: Room, name: str) -> None:
    path = room.file("a.png", data)
    tell_all(lambda: room.show(_brought(path, room)), lambda: read_saved(path))


def _brought(path: Path, room: Room) -> View:
    brought = read_file(path, room.catalogue)
    return brought.session.view if brought.session is not None else room.view(TINY)


def _autosave(data: bytes, room: Room, part: str) -> None:
    shutil.rmtree(room.folder / "slots", ignore_errors=True)
    slot = claim_slot(room.folder / "slots")
    (slot.folder / part).write_bytes(data)
    try:
        saved = slot.recover().saved
        if saved is not None:
            room.show(saved.session.view)
    finally:
        slot.release()


def _factor(data: bytes, room: Room, name: str) -> None:
    path = room.file("a.safetensors", data)
    card = room.models[TINY].card

    def use() -> None:
        factor = read_factor(path, card=card)
        known = FactorSet((factor,), ())
        start = room.view(TINY)
        for t in (0.0, *factor.reach, 1e9):
            api.draw(room.models[TINY], start.with_position(factor.name, t), known)
        said = (verdict_of(factor), facts_of(factor), factor.grade, factor.range_at(start.latent_array()),
                findings_of(factor), trajectories_of(factor))
        assert said

    def drop() -> None:
        read_file(path, room.catalogue)
        load_factors(room.models[TINY].folder, card)
        say(f"factors list {TINY}")

    kept = user_factors(TINY)
    try:
        tell_all(use, drop)
    finally:
        for extra in kept.glob("*"):
            if extra.name != "x.safetensors":
                extra.unlink()
        shutil.copyfile(room.seeds / "factor" / "0.safetensors", kept / "x.safetensors")


def _tuning(data: bytes, room: Room, name: str) -> None:
    model = api.tuned_model(room.models[TINY], api.read_tuning(room.file("a.safetensors", data)))
    api.draw(model, replace(room.view(TINY), tuning=model.tuning), room.known)


@contextlib.contextmanager
def _victim(room: Room, name: str) -> Iterator[Path]:
    """A model folder among the user's, to be broken; gone afterwards, with whatever else came."""
    folder = user_models() / VICTIM
    folder.mkdir(parents=True)
    source = SCENES if name.startswith("1") else TINY
    shutil.copyfile(user_models() / source / "weights.safetensors", folder / "weights.safetensors")
    write_card(folder, replace(read_card(user_models() / source), name=VICTIM))
    try:
        yield folder
    finally:
        for extra in user_models().iterdir():
            if extra.name not in room.models:
                shutil.rmtree(extra)


def _draw_from(folder: Path, *, runtime: str = "eager") -> None:
    model = api.open_model(folder, catalogue=find_catalogue(), runtime=runtime)
    try:
        latent = np.zeros((1, *model.card.spaces[0].shape), np.float32)
        model.pictures(latent)
        api.draw(model, View.start(model.card, latent[0], 1))
    finally:
        model.close()


def _card(data: bytes, room: Room, name: str) -> None:
    with _victim(room, name) as folder:
        own = data.replace(SCENES.encode(), VICTIM.encode()).replace(TINY.encode(), VICTIM.encode())
        (folder / "card.json").write_bytes(own)
        tell_all(lambda: say("models list"), lambda: say(f"models info {VICTIM}"), lambda: _draw_from(folder))


def _weights(data: bytes, room: Room, name: str) -> None:
    path = room.file("a.safetensors", data)
    with _victim(room, name) as folder:
        shutil.copyfile(path, folder / "weights.safetensors")
        write_card(folder, replace(read_card(folder), weights_sha256=""))
        tell_all(lambda: _draw_from(folder), lambda: _import(path, room))


def _torch(data: bytes, room: Room, name: str) -> None:
    path = room.file("a.pt", data)
    with _victim(room, name):
        _import(path, room)


def _import(path: Path, room: Room) -> None:
    brought = read_file(path, room.catalogue)
    if brought.model and brought.model not in room.models:
        _draw_from(user_models() / brought.model)


def _graph(data: bytes, room: Room, name: str) -> None:
    """A stranger's model that brings its own graph, opened where it lies; and such bytes where our own would lie."""
    with _victim(room, name) as folder:
        (folder / "generator.onnx").write_bytes(data)
        card = read_card(folder)
        write_card(folder, replace(card, accelerated="generator.onnx",
                                   accelerated_sha256=sha256_of(folder / "generator.onnx")))
        elsewhere = room.folder / "stranger"
        shutil.rmtree(elsewhere, ignore_errors=True)
        shutil.move(folder, elsewhere)
        _draw_from(elsewhere, runtime="auto")


def _cached_graph(data: bytes, room: Room, name: str) -> None:
    session = GraphSession(room.file("generator.onnx", data), device="cpu", threads=1)
    session.run(np.zeros((1, *room.models[TINY].card.spaces[0].shape), np.float32))


def _manifest(data: bytes, room: Room, name: str) -> None:
    folder = user_plugins() / "foreign"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        (folder / "plugin.toml").write_bytes(data)
        tell_all(lambda: say("plugins list"), lambda: say("models list"))
    finally:
        shutil.rmtree(folder)


def _scene(data: bytes, room: Room, name: str) -> None:
    scene = read_file(room.file("a.json", data), room.catalogue).scene
    if scene is not None:
        api.render_scene(room.models[SCENES], scene)


def _made_scenes(data: bytes, room: Room, inside: str) -> None:
    folder = room.folder / "scenes"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(room.seeds / "work-scenes", folder)
    (folder / inside).write_bytes(data)
    read_scenes(folder)


def small_pictures() -> PictureSet:
    """A few pictures to train on."""
    pictures = np.random.default_rng(0).integers(0, 256, (16, 1, 16, 16)).astype(np.uint8)
    return PictureSet(pictures, pictures[:8])


def training_steps(recipe: bytes, folder: Path, pictures: PictureSet) -> Iterator[object]:
    """The steps of a training that goes on where it stood."""
    (folder / "recipe.toml").write_bytes(recipe)
    run = read_run(folder)
    return train_recipe(run.recipe, folder, catalogue=find_catalogue(), resume=True, pictures=pictures)


def _training_recipe(data: bytes, room: Room, name: str) -> None:
    from latentstudio.training.building import build_network

    path = room.file("recipe.toml", data)
    recipe = read_run(path.parent).recipe
    parse_recipe(data)
    build_network(recipe, catalogue=room.catalogue)


def _checkpoint(data: bytes, room: Room, name: str) -> None:
    folder = room.file("checkpoint.safetensors", data).parent
    for count, _ in enumerate(training_steps(RECIPE.encode(), folder, room.pictures)):
        if count > 2:
            break


def _records(data: bytes, room: Room, part: str) -> None:
    folder = room.folder / "records"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(room.seeds / "work-records", folder)
    (folder / part).write_bytes(data)
    records = RecordStore(folder, {"model": TINY, "t": [1.0, 2.0]}).load(0)
    if records is not None:
        len(records), records.displacement


def _photo(data: bytes, room: Room, name: str) -> None:
    path = room.file(f"a{Path(name).suffix}", data)

    def drop() -> None:
        photo = read_file(path, room.catalogue).photo
        if photo is not None:
            place(photo, room.models[TINY].card)

    tell_all(drop, lambda: read_picture(path))


def _preferences(data: bytes, room: Room, name: str) -> None:
    """What goes to the toolkit, which checks nothing, has to be what the window once kept, to the bit."""
    chosen, _ = load_preferences(room.file("preferences.json", data).parent)
    layout, _ = chosen.layout_for(SCREENS)
    if layout not in (Layout(), LAYOUT):
        raise AssertionError("a layout that no window kept would reach the toolkit")


@dataclass(frozen=True)
class Kind:
    """A kind of file.

    Attributes:
        open: takes the bytes in as the program does; the name is that of the sound file that they came from.
        changes: ways of changing it, the likelier ones more than once.
        seconds, bytes: the most processor time and the most memory beyond what the process held before.
        share: how often it is attacked against others.
    """

    open: Callable[[bytes, Room, str], None]
    changes: tuple[shapes.Change, ...]
    seconds: float = 2.0
    bytes: int = 500 * MEBIBYTE
    share: int = 2


def _bound(open: Callable[[bytes, Room, str], None], fixed: str) -> Callable[[bytes, Room, str], None]:
    return lambda data, room, name: open(data, room, fixed)


_JSON, _TOML, _TENSORS = (shapes.as_json, shapes.as_json, shapes.raw), (shapes.as_toml, shapes.as_toml, shapes.raw), (
    shapes.as_safetensors, shapes.as_safetensors, shapes.raw)
KINDS: dict[str, Kind] = {
    "session": Kind(_session, _JSON, share=4),
    "recipe": Kind(_recipe, (shapes.as_png, shapes.as_png, shapes.raw), share=4),
    "autosave-session": Kind(_bound(_autosave, "session.json"), _JSON, share=1),
    "autosave-history": Kind(_bound(_autosave, "history.json"), _JSON, share=1),
    "factor": Kind(_factor, _TENSORS, share=4),
    "tuning": Kind(_tuning, _TENSORS),
    "manifest": Kind(_manifest, _TOML),
    "card": Kind(_card, _JSON, share=3),
    "weights": Kind(_weights, _TENSORS, share=4),
    "torch": Kind(_torch, (shapes.as_torch_zip, shapes.as_torch_zip, shapes.raw), share=4),
    "graph": Kind(_graph, (shapes.as_graph, shapes.raw), share=1),
    "cached-graph": Kind(_cached_graph, (shapes.raw,), share=1),
    "scene": Kind(_scene, _JSON),
    "scene-truth": Kind(_bound(_made_scenes, "truth.json"), _JSON, share=1),
    "scene-boxes": Kind(_bound(_made_scenes, "bb/bb_0.txt"), (shapes.as_lines, shapes.raw), share=1),
    "training-recipe": Kind(_training_recipe, _TOML, share=3),
    "checkpoint": Kind(_checkpoint, _TENSORS, share=3),
    "records-about": Kind(_bound(_records, "about.json"), _JSON, share=1),
    "records-batch": Kind(_bound(_records, "batch-00000.safetensors"), _TENSORS, share=1),
    "photo": Kind(_photo, (shapes.raw, shapes.as_words), seconds=5.0, bytes=1500 * MEBIBYTE, share=9),
    "preferences": Kind(_preferences, _JSON, share=2),
    "window-state": Kind(_preferences, (shapes.as_layout,), share=1),
}
_BY_SUFFIX = {".png": shapes.as_png, ".jpg": shapes.as_jpeg, ".gif": shapes.as_gif}


@dataclass(frozen=True)
class Input:
    """One attacked file: ``data`` of ``kind``, made from the sound file ``name``."""

    kind: str
    name: str
    data: bytes


def make_input(kinds: list[str], seed: int, number: int, seeds: Path) -> Input:
    """The input of this number: the same for the same seed, kinds and program."""
    rng = random.Random(f"{seed}/{number}")
    kind = rng.choices(kinds, [KINDS[name].share for name in kinds])[0]
    files = sorted(path for path in (seeds / kind).iterdir() if path.is_file())
    path = rng.choice(files)
    data, name = path.read_bytes(), path.name
    changes = KINDS[kind].changes
    if kind == "torch" and not data.startswith(b"PK"):
        changes = (shapes.as_pickle, shapes.as_pickle, shapes.raw)
    if kind == "photo":
        changes = (*changes, *[_BY_SUFFIX[path.suffix]] * 2) if path.suffix in _BY_SUFFIX else changes
        if rng.random() < 0.1:
            name = path.stem + rng.choice((".png", ".jpg", ".webp", ".gif", ".tif", ".bmp", ".avif", ".heic"))
        if rng.random() < 0.03:
            data += rng.choice(files).read_bytes()
    for _ in range(rng.choice((1, 1, 1, 2))):
        data = rng.choice(changes)(data, rng)
    if rng.random() < 0.02:
        data = data[: rng.randrange(len(data) + 1)]
    return Input(kind, name, data)
