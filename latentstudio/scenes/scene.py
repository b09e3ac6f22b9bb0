"""A scene: a background and objects with explicit boxes, as plain frozen values, and its JSON. No torch here."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from latentstudio.errors import SessionFileError, UsageError
from latentstudio.files import read_limited, write_whole
from latentstudio.readers import json_from

FORMAT = "latentstudio scene"
VERSION = 1
MOST_OBJECTS = 500
MOST_BYTES = 16 << 20
_FARTHEST = 1e5
_MOST_LATENT = 4096
_LARGEST = 1e4  # of a coordinate of a latent; a prior's lie within 6 of 0


@dataclass(frozen=True)
class SceneObject:
    """One object; positions and sizes are in pixels of the picture that the scene belongs to.

    Attributes:
        x, y: centre of its box, to the right and downwards; (0, 0) is the first pixel's centre.
        width, height: of its box.
        angle_deg: the box's turn, counter-clockwise as seen.
        depth: where two overlap, the one with the greater depth value is seen (shares of exp(depth)).
        presence: how much of it is there, 0 to 1.
        latent: z_what, its shape and colour.
        name: what the person calls it; may be empty.
        locked: edits leave it as it is.

    Raises:
        UsageError: a value that is not finite or out of range.
    """

    x: float
    y: float
    width: float
    height: float
    angle_deg: float = 0.0
    depth: float = 0.0
    presence: float = 1.0
    latent: tuple[float, ...] = ()
    name: str = ""
    locked: bool = False

    def __post_init__(self) -> None:
        numbers = {"x": self.x, "y": self.y, "width": self.width, "height": self.height, "angle_deg": self.angle_deg,
                   "depth": self.depth, "presence": self.presence}
        for name, value in numbers.items():
            if not math.isfinite(value) or abs(value) > _FARTHEST:
                raise UsageError(f"an object's {name} is {value}", expected="an ordinary number")
        if self.width <= 0 or self.height <= 0:
            raise UsageError(f"an object of {self.width:g} x {self.height:g} pixels", expected="a size above 0")
        if not 0.0 <= self.presence <= 1.0:
            raise UsageError(f"an object's presence is {self.presence:g}", expected="0 to 1")
        if len(self.latent) > _MOST_LATENT or any(not abs(value) < _LARGEST for value in self.latent):
            raise UsageError("an object's latent is not finite, far too large or far too long",
                             expected="the model's own numbers")

    def moved(self, dx: float, dy: float) -> SceneObject:
        """The same object elsewhere."""
        return replace(self, x=self.x + dx, y=self.y + dy)


@dataclass(frozen=True)
class Scene:
    """A picture as a scene model sees it.

    Attributes:
        model, model_sha256: the model whose latents these are.
        width, height: of the picture, in pixels; the model sees its middle square.
        background: z_bg, flat.
        objects: in no order that matters; ``depth`` says what lies in front.

    Raises:
        UsageError: sizes out of range, or too many objects.
    """

    model: str
    model_sha256: str
    width: int
    height: int
    background: tuple[float, ...] = ()
    objects: tuple[SceneObject, ...] = ()
    format: str = FORMAT
    version: int = VERSION

    def __post_init__(self) -> None:
        if not (1 <= self.width <= 100_000 and 1 <= self.height <= 100_000):
            raise UsageError(f"a scene of {self.width} x {self.height} pixels", expected="1 to 100,000 a side")
        if len(self.objects) > MOST_OBJECTS:
            raise UsageError(f"a scene of {len(self.objects):,} objects", expected=f"at most {MOST_OBJECTS}")
        if len(self.background) > _MOST_LATENT or any(not abs(value) < _LARGEST for value in self.background):
            raise UsageError("the background's latent is not finite, too large or too long",
                             expected="the model's own numbers")

    @property
    def square(self) -> tuple[float, float, float]:
        """Left, top and side of the middle square that the model sees, in pixels of the picture."""
        side = min(self.width, self.height)
        return (self.width - side) / 2.0, (self.height - side) / 2.0, float(side)

    def with_object(self, index: int, changed: SceneObject) -> Scene:
        """The scene with another object at this place."""
        return replace(self, objects=(*self.objects[:index], changed, *self.objects[index + 1 :]))

    def with_objects(self, objects: Iterable[SceneObject]) -> Scene:
        """The scene with other objects."""
        return replace(self, objects=tuple(objects))

    def without(self, indices: Iterable[int]) -> Scene:
        """The scene without some of its objects."""
        gone = set(indices)
        return replace(self, objects=tuple(one for k, one in enumerate(self.objects) if k not in gone))

    def to_front(self, index: int) -> Scene:
        """The object in front of all others."""
        top = max((one.depth for k, one in enumerate(self.objects) if k != index), default=0.0)
        return self.with_object(index, replace(self.objects[index], depth=top + 1.0))

    def to_back(self, index: int) -> Scene:
        """The object behind all others."""
        bottom = min((one.depth for k, one in enumerate(self.objects) if k != index), default=0.0)
        return self.with_object(index, replace(self.objects[index], depth=bottom - 1.0))


def write_scene(path: Path, scene: Scene) -> None:
    """Write the scene's JSON, whole or not at all.

    Raises:
        StorageError: the disk is full or the folder may not be written.
    """
    write_whole(Path(path), msgspec.json.format(msgspec.json.encode(scene), indent=1) + b"\n")


def read_scene(path: Path) -> Scene:
    """Read a scene's JSON.

    Raises:
        SessionFileError: missing, broken, too large, of another kind, of a newer version, or a value out of range.
    """
    path = Path(path)
    try:
        data = read_limited(path, MOST_BYTES)
    except OSError as problem:
        raise SessionFileError(f"{path.name} cannot be read ({problem.strerror})", expected="a scene (JSON)"
                               ) from problem
    return scene_from(data, where=path.name)


def scene_from(data: bytes, *, where: str = "the scene") -> Scene:
    """The scene in the bytes of its JSON.

    Raises:
        SessionFileError: as ``read_scene``.
    """
    def broken(reason: str) -> SessionFileError:
        return SessionFileError(f"{where} is broken ({reason})", expected="a scene (JSON)")

    try:
        header = json_from(data, _Header, broken)
        if header.format != FORMAT:
            raise SessionFileError(f"{where} is no scene", expected=f'json with "format": "{FORMAT}"')
        if header.version > VERSION:
            raise SessionFileError(f"{where} has version {header.version}", expected=f"at most {VERSION}",
                                   action="update latentstudio to open it")
        if len(header.objects) > MOST_OBJECTS:
            raise SessionFileError(f"{where} has {len(header.objects):,} objects", expected=f"at most {MOST_OBJECTS}")
        return json_from(data, Scene, broken)
    except UsageError as problem:
        raise SessionFileError(f"{where}: {problem.found}", expected=problem.expected) from problem


class _Header(msgspec.Struct):
    format: str = ""
    version: int = 0
    objects: list[msgspec.Raw] = []
