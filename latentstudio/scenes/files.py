"""Scenes in files: numbered pictures with boxes as SPACE reads them, masks, and an exported scene with its layers."""

from __future__ import annotations

import colorsys
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from latentstudio.errors import PictureError, UsageError
from latentstudio.files import read_limited, remove_file, replacing, write_whole
from latentstudio.pixels import read_picture, write_png
from latentstudio.readers import border, read_json
from latentstudio.scenes.making import MadeScene, TruthObject
from latentstudio.scenes.scene import Scene
from latentstudio.training.sources import MASKS, TRUTH

_ALIKE = 0.05  # pixels
_MOST_TRUTH, _MOST_BOXES = 256 << 20, 64 << 10  # bytes: of all scenes of a folder, of one picture
SPACE_SIDE = 128.0  # boxes in SPACE's files count in pixels of a picture of this size
PICTURES = (".png", ".jpg", ".jpeg")
_LAYER = re.compile(r"object-[0-9]{2,}\.png")
_NUMBER = re.compile(r"\d+")


class _Told(msgspec.Struct):
    box: tuple[float, float, float, float]
    shape: str
    colour: tuple[float, float, float]
    angle_deg: float
    order: int
    depth: int


@dataclass(frozen=True)
class KnownScene:
    """A picture uint8 (H, W, 3) with its true boxes (x, y, width, height) in pixels.

    ``objects`` are all that is known of what is in them, where this program made the picture; else empty.
    """

    picture: NDArray[np.uint8]
    boxes: tuple[tuple[float, float, float, float], ...]
    objects: tuple[TruthObject, ...] = ()


def write_scenes(folder: Path, scenes: Sequence[MadeScene], *, first: int = 0) -> None:
    """Write numbered PNGs and ``bb/bb_<i>.txt`` in SPACE's format: centre x, centre y, width, height of every object,
    in pixels of a picture of 128 x 128; beside it ``truth.json`` with shapes, colours, angles and depths, and in
    ``masks`` what is seen of each object, as grey PNGs (0: background, k: the k-th object).

    Raises:
        UsageError: the folder holds other numbered pictures, with which these would be mixed.
        StorageError: the disk is full or the folder may not be written.
    """
    check_room(folder, len(scenes), first=first)
    remove_file(folder / TRUTH)  # told again when all are written; until then boxes alone are true
    for number, scene in enumerate(scenes, start=first):
        write_png(folder / f"{number:06d}.png", scene.picture)
        seen = np.zeros(scene.picture.shape[:2], np.uint8)
        for index, one in enumerate(scene.objects, start=1):
            seen[one.mask] = index
        write_png(folder / MASKS / f"{number:06d}.png", np.repeat(seen[:, :, None], 3, axis=2))
        scale = SPACE_SIDE / scene.picture.shape[0]
        lines = [
            ",".join(f"{scale * value:.3f}" for value in (x + width / 2, y + height / 2, width, height))
            for x, y, width, height in (one.box for one in scene.objects)
        ]
        write_whole(folder / "bb" / f"bb_{number}.txt", ("\n".join(lines) + "\n").encode())
    told = {f"{number:06d}.png": [_told(one) for one in scene.objects]
            for number, scene in enumerate(scenes, start=first)}
    write_whole(folder / TRUTH, json.dumps(told, indent=1).encode())


def check_room(folder: Path, count: int, *, first: int = 0) -> None:
    """See that ``count`` scenes can be written to the folder.

    Raises:
        UsageError: it holds other numbered pictures, with which they would be mixed.
    """
    ours = {f"{number:06d}.png" for number in range(first, first + count)}
    others = [path.name for path in _numbered(folder) if path.name not in ours]
    if others:
        raise UsageError(f"{folder} holds other scenes ({others[0]}), with which these would be mixed",
                         action="choose an empty folder")


def read_scenes(folder: Path) -> tuple[KnownScene, ...]:
    """Pictures of a folder in the order of their leading numbers, with the boxes of ``bb/bb_<i>.txt`` by position.

    Raises:
        PictureError: no numbered pictures, or one that cannot be read.
        UsageError: a truth file that is missing, is none, or does not fit its picture.
    """
    paths = _numbered(folder)
    if not paths:
        raise PictureError(f"{folder} holds no numbered pictures", expected="files such as 000000.png")
    told = _read_truth(folder / TRUTH)
    found = []
    for index, path in enumerate(paths):
        picture = read_picture(path)
        boxes = _boxes(folder / "bb" / f"bb_{index}.txt", picture.shape[0], path)
        objects = _objects(told[path.name], folder / MASKS / path.name, picture, path) if path.name in told else ()
        if path.name in told:
            _agree(objects, boxes, index, path)
        found.append(KnownScene(picture, boxes, objects))
    return tuple(found)


def _agree(
    objects: Sequence[TruthObject], boxes: Sequence[tuple[float, float, float, float]], index: int, path: Path
) -> None:
    """See that both files tell the same of a picture."""
    if len(objects) != len(boxes):
        raise UsageError(f"{TRUTH} tells of {len(objects)} objects in {path.name}, its boxes of {len(boxes)}",
                         expected="the same number")
    for number, (one, box) in enumerate(zip(objects, boxes, strict=True), start=1):
        if not np.allclose(one.box, box, rtol=0.0, atol=_ALIKE):
            raise UsageError(f"bb/bb_{index}.txt has another box for object {number} of {path.name} than {TRUTH}",
                             expected="the same boxes",
                             action=f"make the scenes anew, or remove {TRUTH}: boxes alone will do")


def _numbered(folder: Path) -> list[Path]:
    return sorted((path for path in folder.glob("*") if path.suffix.lower() in PICTURES and _number(path) >= 0),
                  key=_number)


def _read_truth(path: Path) -> dict[str, list[_Told]]:
    """What is known of the objects of every picture; nothing where no such file lies there, as in SPACE's own data."""
    if not path.is_file():
        return {}

    def refuse(reason: str) -> UsageError:
        return UsageError(f"{path} cannot be used ({reason})", expected="the file that `scene make` wrote",
                          action="make the scenes anew, or remove it: boxes alone will do")

    return read_json(path, dict[str, list[_Told]], refuse, most=_MOST_TRUTH)


def _objects(
    told: list[_Told], mask_path: Path, picture: NDArray[np.uint8], path: Path
) -> tuple[TruthObject, ...]:
    masks = read_picture(mask_path)[:, :, 0] if mask_path.is_file() else np.zeros((0, 0), np.uint8)
    if masks.size and masks.shape != picture.shape[:2]:
        raise UsageError(f"{MASKS}/{mask_path.name} does not fit {path.name}: {masks.shape[1]} x {masks.shape[0]}",
                         expected=f"{picture.shape[1]} x {picture.shape[0]} pixels")
    return tuple(TruthObject(one.box, masks == index, one.shape, one.colour, one.angle_deg, one.order, one.depth)
                 for index, one in enumerate(told, start=1))


def _boxes(path: Path, side: int, picture: Path) -> tuple[tuple[float, float, float, float], ...]:
    try:
        data = read_limited(path, _MOST_BOXES)
    except OSError as problem:
        raise UsageError(f"the boxes of {picture.name} cannot be read ({problem.strerror})",
                         expected=f"{path.parent.name}/{path.name}") from problem
    with border(lambda reason: UsageError(f"{path.name} holds something else than numbers",
                                          expected="x,y,width,height a line")):
        lines = [line for line in data.decode("utf-8").splitlines() if line.strip()]
        rows = [[float(part) for part in line.split(",")] for line in lines]
    scale = side / SPACE_SIDE
    boxes = []
    for row in rows:
        if len(row) != 4 or not all(np.isfinite(row)) or row[2] <= 0 or row[3] <= 0:
            raise UsageError(f"{path.name} holds the box {row}", expected="x,y,width,height, sizes above 0")
        x, y, width, height = (scale * value for value in row)
        if not (-0.5 <= x <= side + 0.5 and -0.5 <= y <= side + 0.5):
            raise UsageError(f"{path.name} does not fit {picture.name}: a box lies at {row[0]:g}, {row[1]:g}",
                             expected="centres inside a picture of 128 x 128")
        boxes.append((x - width / 2, y - height / 2, width, height))
    return tuple(boxes)


def _number(path: Path) -> int:
    found = _NUMBER.match(path.stem)
    return int(found.group()) if found else -1


def _told(one: TruthObject) -> dict[str, object]:
    return {"box": list(one.box), "shape": one.shape, "colour": list(one.colour), "angle_deg": one.angle_deg,
            "order": one.order, "depth": one.depth}


def boxes_picture(picture: NDArray[np.uint8], scene: Scene, *, scale: int = 4) -> NDArray[np.uint8]:
    """The picture (S, S, 3), ``scale`` times as large, with the scene's boxes drawn on it, turned as they are."""
    large = Image.fromarray(picture.repeat(scale, axis=0).repeat(scale, axis=1))
    pen = ImageDraw.Draw(large)
    left, top, side = scene.square
    factor = scale * picture.shape[0] / side
    for one in scene.objects:
        angle = np.radians(one.angle_deg)
        across = np.array([np.cos(angle), -np.sin(angle)]) * one.width / 2
        down = np.array([np.sin(angle), np.cos(angle)]) * one.height / 2
        centre = np.array([one.x - left + 0.5, one.y - top + 0.5])
        corners = [centre - across - down, centre + across - down, centre + across + down, centre - across + down]
        pen.polygon([tuple((factor * corner).tolist()) for corner in corners], outline=(242, 166, 90), width=2)
    return np.asarray(large)


def write_layers(folder: Path, behind: NDArray[np.uint8], objects: NDArray[np.uint8]) -> tuple[str, ...]:
    """Write the background and every object as RGBA PNG, in place of earlier ones; the names of the files.

    Raises:
        StorageError: the disk is full or the folder may not be written.
    """
    for old in folder.glob("object-*.png"):
        if _LAYER.fullmatch(old.name):  # of an earlier picture
            remove_file(old)
    write_png(folder / "background.png", behind)
    names = ["background.png"]
    for number, layer in enumerate(objects):
        path = folder / f"object-{number:02d}.png"
        with replacing(path) as temporary:
            Image.fromarray(layer, "RGBA").save(temporary, format="PNG")
        names.append(path.name)
    return tuple(names)


def masks_picture(masks: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Every object's pixels in a colour of its own, uint8 (S, S, 3)."""
    side = masks.shape[1]
    picture = np.full((side, side, 3), 22, np.uint8)
    for number, mask in enumerate(masks):
        hue = (0.07 + number * 0.381966) % 1.0
        picture[mask] = (np.array(colorsys.hsv_to_rgb(hue, 0.62, 0.95)) * 255).astype(np.uint8)
    return picture
