"""Sound files of every kind, written by the program itself: what the attack begins with.

``make_home`` writes a user's folder with two tiny models, a factor and a tuning; ``make_seeds`` writes one folder a
kind with numbered files.
"""

from __future__ import annotations

import io
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageCms

from latentstudio import api
from latentstudio.document.autosave import Autosave, claim_slot
from latentstudio.document.history import History
from latentstudio.document.origin import Origin
from latentstudio.document.picture_recipe import save_picture
from latentstudio.document.preferences import Layout, Preferences, save_preferences
from latentstudio.document.session import Session
from latentstudio.document.session_file import Saved, write_session
from latentstudio.document.view import View
from latentstudio.factors import Evidence, Factor, MeasuredCalibration, MonotoneCurve, keep_factor
from latentstudio.factors.records import Records, RecordStore
from latentstudio.generators.acceleration import export_graph
from latentstudio.generators.card import write_card
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.generators.tunings import keep_tuning, make_tuning
from latentstudio.generators.weights import read_tensors
from latentstudio.inversion.frames import Frame
from latentstudio.places import bundled, user_factors, user_models
from latentstudio.units import unit_named

TINY, SCENES = "tiny", "tiny-scenes"
SCREENS = "here"
LAYOUT = Layout(bytes(range(66)), bytes(range(200)) * 3, SCREENS).sealed()
OLD = Path(__file__).resolve().parents[1] / "document" / "fixtures" / "v5"
RECIPE = """
name = "attacked"
method = "avae"
backend = "avae"
data = "samples:tiny"
steps = 4
batch = 4
learning_rate = 1e-3
checkpoint_every = 2
final_decay = 0.25
seed = 3

[config]
side = 16
channels = 1
latent_size = 4
width = 4

[settings]
vae_steps = 2

[card]
title = "Attacked"
classes = []
licence = "MIT"
"""
MANIFEST = """
id = "foreign"
api_version = 1
title = "A stranger's"
licence = "MIT"
capabilities = ["generate", "encode"]
file_kinds = ["safetensors"]
factory = "foreign.backend:create"
"""


def make_home() -> None:
    """Write the two tiny models with all that belongs to the first, into the folder that ``places`` names."""
    catalogue = find_catalogue()
    for name, backend in ((TINY, "dcgan"), (SCENES, "scenes")):
        folder = user_models() / name
        folder.mkdir(parents=True, exist_ok=True)
        card = catalogue.backend(backend).make_example(folder, seed=5)
        write_card(folder, replace(card, name=name))
    model = api.open_model(TINY, runtime="eager")
    keep_factor(make_factor(model))
    pivot = api.sample(model, seed=3)
    first = next(iter(model.generator.network.state_dict().items()))
    keep_tuning(make_tuning(model.card, pivot, {first[0]: torch.zeros_like(first[1])}, {"mse": 0.1, "steps": 3}))
    model.close()


def make_factor(model: api.Model) -> Factor:
    """A factor of the tiny model, with all that a file may hold."""
    size = model.card.spaces[0].size
    axis = np.zeros(size, np.float32)
    axis[1] = 1.0
    along = np.linspace(-3.0, 3.0, 13)
    ends = np.zeros((3, 4, size), np.float32)
    row = np.arange(6, dtype=np.float32)
    evidence = Evidence(ends[:, 0], np.arange(4.0), ends, row, row, row, 3.0)
    figures = {"starts": 64, "records": 512, "records_kept": 500, "r2_heldout_starts": 0.9, "judged": 64,
               "axis": "median",
               "leak": {"y": 0.3, "brightness": 0.01}, "range_stops": ["end", "spread"], "notes": ["one note"]}
    return Factor(
        name="x", title="right is plus", unit=unit_named("px"), axis=axis, paper=MonotoneCurve(along, 2 * along),
        measured=MeasuredCalibration(along, 2 * along, 0.1 + 0 * along, (-2.0, 2.5)), model=model.card.name,
        model_sha256=model.card.weights_sha256, figures=figures, recipe={"starts": 64, "seed": 1}, evidence=evidence,
    )


def make_seeds(seeds: Path) -> None:
    """Write the sound files; the home is there already."""
    model = api.open_model(TINY, runtime="eager")
    _documents(seeds, model)
    _models(seeds, model)
    _training(seeds)
    _photographs(seeds / "photo")
    model.close()


def _documents(seeds: Path, model: api.Model) -> None:
    plain = View.start(model.card, api.sample(model, seed=1), 1).with_position("x", 1.5)
    tuning = next((user_models().parent / "tunings").iterdir()).name.partition(".")[0]
    work = seeds / "work"
    _picture().save(work.with_suffix(".png"))
    photo = api.read_photo(work.with_suffix(".png"))
    rich = plain.with_tuning(tuning).with_photo(api.photo_place("a.png", photo, Frame(30.0, 25.0, 20.0, 5.0)))
    scenes = api.open_model(SCENES, runtime="eager")
    scene = api.decompose(scenes, np.asarray(_picture().resize((32, 32)))).scene
    objects = scene.objects or (api.SceneObject(x=8.0, y=8.0, width=6.0, height=5.0, latent=(0.0,) * 4),)
    scene = scene.with_objects(objects[:2])
    with_scene = View.start(scenes.card, api.sample(scenes, seed=1), 1).with_scene(scene)
    scenes.close()
    one, two, three = (Session((view,)) for view in (plain.with_reset(), plain, rich))
    history = History.start(one).commit(two, "x").undo().commit(three, "photo", origin=Origin.PHOTO)
    history = history.attach_thumbnail(0, np.full((16, 16, 3), 9, np.uint8))
    for number, (view, past) in enumerate(((plain, None), (rich, history), (with_scene, None))):
        write_session(_new(seeds / "session" / f"{number}.latentstudio"), Saved(Session((view,)), past))
        recipe = _new(seeds / "recipe" / f"{number}.png")
        save_picture(recipe, np.zeros((16, 16, 3), np.uint8), view, "torch, CPU", "cpu", pasted=view is rich)
    for path in OLD.glob("*.latentstudio"):
        shutil.copyfile(path, _new(seeds / "session" / f"5-{path.stem}.latentstudio"))
    api.write_scene(_new(seeds / "scene" / "0.json"), scene)
    slot = claim_slot(seeds / "work-slots")
    writer = Autosave(slot.folder)
    writer.save(three, history)
    writer.close()
    slot.release()
    for kind in ("session", "history"):
        shutil.copyfile(slot.folder / f"{kind}.json", _new(seeds / f"autosave-{kind}" / "0.json"))
    save_preferences(
        Preferences(theme="dark", last_folder="/tmp", hints_seen=True, last_model=TINY).with_layout(LAYOUT),
        _new(seeds / "preferences" / "0.json").parent,
    )
    (seeds / "preferences" / "preferences.json").rename(seeds / "preferences" / "0.json")
    shutil.copyfile(seeds / "preferences" / "0.json", _new(seeds / "window-state" / "0.json"))


def _models(seeds: Path, model: api.Model) -> None:
    shutil.copyfile(user_factors(TINY) / "x.safetensors", _new(seeds / "factor" / "0.safetensors"))
    tuning = next((user_models().parent / "tunings").iterdir())
    shutil.copyfile(tuning, _new(seeds / "tuning" / "0.safetensors"))
    for number, name in enumerate((TINY, SCENES)):
        shutil.copyfile(user_models() / name / "card.json", _new(seeds / "card" / f"{number}.json"))
        shutil.copyfile(user_models() / name / "weights.safetensors", _new(seeds / "weights" / f"{number}.safetensors"))
    _new(seeds / "manifest" / "0.toml").write_text(MANIFEST, encoding="utf-8")
    export_graph(model.generator, _new(seeds / "graph" / "0.onnx"))
    shutil.copyfile(seeds / "graph" / "0.onnx", _new(seeds / "cached-graph" / "0.onnx"))
    tensors = read_tensors(user_models() / TINY / "weights.safetensors")
    small = {name: value + 0.001 for name, value in tensors.items()}
    torch.save(small, _new(seeds / "torch" / "0.pt"))
    torch.save({"epoch": 3, "generator": small, "lr": [1e-3]}, seeds / "torch" / "1.pt",
               _use_new_zipfile_serialization=False)
    torch.save(small, seeds / "torch" / "2.pt", _use_new_zipfile_serialization=False)


def _training(seeds: Path) -> None:
    from tests.attack.kinds import small_pictures, training_steps  # the same training that the attack goes on with

    _new(seeds / "training-recipe" / "0.toml").write_text(RECIPE, encoding="utf-8")
    shipped = [bundled("models") / name / "recipe.toml" for name in ("sprites-b10", "scenes", "fashion-avae")]
    for number, path in enumerate(shipped, start=1):
        shutil.copyfile(path, seeds / "training-recipe" / f"{number}.toml")
    run = seeds / "work-run"
    run.mkdir(parents=True)
    for _ in training_steps(RECIPE.encode(), run, small_pictures()):
        pass
    shutil.copyfile(run / "checkpoint.safetensors", _new(seeds / "checkpoint" / "0.safetensors"))
    store = RecordStore(seeds / "work-records", {"model": TINY, "t": [1.0, 2.0]})
    many = torch.zeros(4, 6)
    store.save(0, Records(torch.arange(4), many, many.clone(), torch.ones(4), torch.ones(4), torch.full((4,), -1)))
    shutil.copyfile(seeds / "work-records" / "about.json", _new(seeds / "records-about" / "0.json"))
    shutil.copyfile(seeds / "work-records" / "batch-00000.safetensors", _new(seeds / "records-batch" / "0.safetensors"))
    from latentstudio.scenes.files import write_scenes

    write_scenes(seeds / "work-scenes", [api.make_scene("flat", seed=1, side=32)])
    shutil.copyfile(seeds / "work-scenes" / "truth.json", _new(seeds / "scene-truth" / "0.json"))
    shutil.copyfile(seeds / "work-scenes" / "bb" / "bb_0.txt", _new(seeds / "scene-boxes" / "0.txt"))


def _photographs(folder: Path) -> None:
    picture = _picture()
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "maker"
    frames = [picture.rotate(10 * turn) for turn in range(4)]
    ways: list[tuple[str, str, Image.Image, dict[str, object]]] = [
        ("plain", "png", picture, {}), ("profile", "png", picture, {"icc_profile": profile, "exif": exif}),
        ("deep", "png", Image.fromarray(np.arange(60 * 50, dtype=np.uint16).reshape(50, 60)), {}),
        ("palette", "png", picture.quantize(16), {"transparency": 3}), ("alpha", "png", picture.convert("RGBA"), {}),
        ("moving", "png", frames[0], {"save_all": True, "append_images": frames[1:]}),
        ("plain", "jpg", picture, {}), ("turned", "jpg", picture, {"exif": exif, "icc_profile": profile}),
        ("steps", "jpg", picture, {"progressive": True}), ("ink", "jpg", picture.convert("CMYK"), {}),
        ("plain", "webp", picture, {"exif": exif}),
        ("moving", "webp", frames[0], {"save_all": True, "append_images": frames[1:]}),
        ("plain", "gif", picture, {}), ("moving", "gif", frames[0], {"save_all": True, "append_images": frames[1:]}),
        ("plain", "tif", picture, {}), ("packed", "tif", picture, {"compression": "tiff_lzw", "icc_profile": profile}),
        ("jpeg", "tif", picture, {"compression": "jpeg"}), ("real", "tif", picture.convert("F"), {}),
        ("pages", "tif", frames[0], {"save_all": True, "append_images": frames[1:]}),
        ("plain", "avif", picture, {"exif": exif}), ("plain", "bmp", picture, {}),
        ("palette", "bmp", picture.quantize(16), {}),
    ]
    for name, suffix, one, options in ways:
        one.save(_new(folder / f"{name}.{suffix}"), **options)
    # what is no photograph at all, under the name of one
    for suffix in ("eps", "dds", "pcx", "tga", "ico", "icns", "jp2", "sgi", "ppm", "im", "mpo", "pdf"):
        stream = io.BytesIO()
        kind = {"eps": "EPS", "jp2": "JPEG2000"}.get(suffix, suffix.upper())
        picture.save(stream, format=kind)
        _new(folder / f"disguised-{suffix}.jpg").write_bytes(stream.getvalue())


def _picture() -> Image.Image:
    ramp = np.linspace(0, 255, 50 * 60 * 3).reshape(50, 60, 3)
    return Image.fromarray((ramp + 40 * np.sin(ramp / 9)).clip(0, 255).astype(np.uint8))


def _new(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
