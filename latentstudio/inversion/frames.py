"""A frame on a photograph: what is cut out for the model, and the way back into the photograph. No torch here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from latentstudio.errors import UsageError

Grip = Literal["", "move", "size", "turn"]
"""Where a frame is held: nowhere, by its inside, a corner, or the knob above it."""
LEAST = 8.0
SOFT = 0.12
_MOST_SAMPLES = 48
_BAND = 256
_STRONGEST = 2.0

BytePicture = NDArray[np.uint8]
FloatPicture = NDArray[np.float32]


@dataclass(frozen=True)
class Frame:
    """A square (or the model's shape) on a photograph.

    Attributes:
        x, y: its centre in pixels of the photograph, to the right and downwards; (0, 0) is the first pixel's centre.
        size: its height in pixels of the photograph.
        angle: its turn in degrees, counter-clockwise as seen.
    """

    x: float
    y: float
    size: float
    angle: float = 0.0

    def __post_init__(self) -> None:
        if not all(math.isfinite(value) for value in (self.x, self.y, self.size, self.angle)) or self.size < 1.0:
            raise UsageError(f"the frame {self.x:g},{self.y:g},{self.size:g},{self.angle:g}",
                             expected="x,y,size,angle with a size of at least 1 pixel")

    def to_photo(self, shape: tuple[int, int]) -> NDArray[np.float64]:
        """The affine map (2, 3) from crop pixels (column, row, 1) to photo pixels (x, y); ``shape`` is (height, width).

        Both count from the first pixel's centre.
        """
        height, width = shape
        step = self.size / height
        cosine, sine = math.cos(math.radians(self.angle)) * step, math.sin(math.radians(self.angle)) * step
        turn = np.array([[cosine, sine], [-sine, cosine]])
        centre = np.array([self.x, self.y]) - turn @ np.array([(width - 1) / 2, (height - 1) / 2])
        return np.column_stack([turn, centre])

    def to_crop(self, shape: tuple[int, int]) -> NDArray[np.float64]:
        """The inverse map (2, 3): photo pixels to crop pixels."""
        forward = self.to_photo(shape)
        back = np.linalg.inv(forward[:, :2])
        return np.column_stack([back, -back @ forward[:, 2]])


def parse_frame(text: str) -> Frame:
    """The frame in ``x,y,size`` or ``x,y,size,angle``.

    Raises:
        UsageError: something else.
    """
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    if len(numbers) not in (3, 4):
        raise UsageError(f"the frame '{text}'", expected="x,y,size,angle in pixels and degrees, auto or none")
    return Frame(*numbers)


def centre_frame(photo: BytePicture, shape: tuple[int, int]) -> Frame:
    """The largest upright frame of the model's ``shape`` (height, width) in the middle of a photo (H, W, 3)."""
    height, width = photo.shape[:2]
    size = min(height, width * shape[0] / shape[1])
    return Frame((width - 1) / 2, (height - 1) / 2, size)


def crop(photo: BytePicture, frame: Frame, shape: tuple[int, int]) -> tuple[FloatPicture, FloatPicture]:
    """The frame's content at the model's size: float32 (3, H, W) in [0, 1], and where it lies in the photo (H, W).

    The filter: every pixel is the mean of k x k bicubic samples, k being the photo's pixels per pixel of the crop,
    rounded up. Outside the photo stands mid grey, and the second answer falls to 0.
    """
    height, width = shape
    finer = min(_MOST_SAMPLES, max(1, math.ceil(frame.size / height)))
    fine = (height * finer, width * finer)
    mapping = _for_pillow(frame.to_photo(fine))
    source, area = Image.fromarray(photo, "RGB"), (fine[1], fine[0])
    cut = source.transform(area, Image.Transform.AFFINE, mapping, Image.Resampling.BICUBIC)
    inside = Image.new("L", source.size, 255).transform(area, Image.Transform.AFFINE, mapping)
    defined = (np.asarray(inside, dtype=np.float32) > 0).astype(np.float32)[:, :, None]
    samples = np.asarray(cut, dtype=np.float32) / np.float32(255.0) * defined + np.float32(0.5) * (1.0 - defined)
    means = samples.reshape(height, finer, width, finer, 3).mean(axis=(1, 3))
    share = defined.reshape(height, finer, width, finer).mean(axis=(1, 3))
    return np.ascontiguousarray(means.transpose(2, 0, 1), dtype=np.float32), share.astype(np.float32)


def paste_back(
    photo: BytePicture, frame: Frame, edited: FloatPicture, *, before: FloatPicture | None = None, soft: float = SOFT
) -> BytePicture:
    """The photo (H, W, 3) with the edited crop (3, h, w) back in its frame; pixels outside the frame are untouched.

    The crop is enlarged by bicubic interpolation along the exact inverse of ``crop``'s map, and fades out over the
    share ``soft`` of the frame at its edge. Its colours are matched first: per channel, mean and spread of ``before``
    (what the model draws without the edit; the edited crop itself when None) are brought to those of the photo there.
    """
    shape = edited.shape[1:]
    matched = match_colours(edited, edited if before is None else before, *crop(photo, frame, (shape[0], shape[1])))
    planes = [Image.fromarray(plane.astype(np.float32), "F") for plane in matched]
    back = frame.to_crop((shape[0], shape[1]))
    result = photo.copy()
    left, top, right, bottom = _bounds(frame, (shape[0], shape[1]), photo.shape[:2])
    for first in range(top, bottom, _BAND):
        last = min(bottom, first + _BAND)
        if right <= left:
            break
        here = np.column_stack([back[:, :2], back @ np.array([left, first, 1.0])])
        area = (right - left, last - first)
        drawn = np.stack([
            np.asarray(plane.transform(area, Image.Transform.AFFINE, _for_pillow(here), Image.Resampling.BICUBIC))
            for plane in planes
        ], axis=2)
        weight = _weights(here, area, (shape[0], shape[1]), soft)[:, :, None]
        piece = result[first:last, left:right].astype(np.float32)
        blended = piece * (1.0 - weight) + np.clip(drawn, 0.0, 1.0) * 255.0 * weight
        result[first:last, left:right] = (blended + 0.5).astype(np.uint8)
    return result


def match_colours(
    edited: FloatPicture, before: FloatPicture, wanted: FloatPicture, defined: FloatPicture
) -> FloatPicture:
    """``edited`` (3, H, W) under the map that takes ``before``'s mean and spread to ``wanted``'s, per channel."""
    weights = defined / max(float(defined.sum()), 1e-6)
    result = np.empty_like(edited)
    for channel in range(len(edited)):
        mean_before, spread_before = _moments(before[channel], weights)
        mean_wanted, spread_wanted = _moments(wanted[channel], weights)
        gain = float(np.clip(spread_wanted / max(spread_before, 1e-4), 1.0 / _STRONGEST, _STRONGEST))
        result[channel] = (edited[channel] - mean_before) * gain + mean_wanted
    return np.clip(result, 0.0, 1.0)


def _moments(plane: FloatPicture, weights: FloatPicture) -> tuple[float, float]:
    mean = float((plane * weights).sum())
    return mean, math.sqrt(max(float((np.square(plane - mean) * weights).sum()), 0.0))


def _for_pillow(mapping: NDArray[np.float64]) -> tuple[float, ...]:
    """pillow counts from the first pixel's corner, we from its centre."""
    turn, offset = mapping[:, :2], mapping[:, 2]
    shifted = offset + 0.5 - turn @ np.array([0.5, 0.5])
    return (*turn[0].tolist(), float(shifted[0]), *turn[1].tolist(), float(shifted[1]))


def _bounds(frame: Frame, shape: tuple[int, int], photo: tuple[int, ...]) -> tuple[int, int, int, int]:
    height, width = shape
    corners = np.array([(x, y, 1.0) for x in (-0.5, width - 0.5) for y in (-0.5, height - 0.5)])
    reached = corners @ frame.to_photo(shape).T
    low, high = np.floor(reached.min(axis=0)), np.ceil(reached.max(axis=0)) + 1
    return max(0, int(low[0])), max(0, int(low[1])), min(photo[1], int(high[0])), min(photo[0], int(high[1]))


def _weights(
    back: NDArray[np.float64], area: tuple[int, int], shape: tuple[int, int], soft: float
) -> NDArray[np.float32]:
    """1 inside the frame, falling as a cosine to 0 over the last ``soft`` of it; 0 outside."""
    columns, rows = np.meshgrid(np.arange(area[0]), np.arange(area[1]))
    weight = np.ones((area[1], area[0]), dtype=np.float32)
    for axis, side in ((0, shape[1]), (1, shape[0])):
        at = back[axis, 0] * columns + back[axis, 1] * rows + back[axis, 2]
        depth = np.minimum(at + 0.5, side - 0.5 - at) / side
        weight *= _rise(depth / soft if soft > 0 else np.where(depth > 0, 1.0, 0.0))
    return weight


def _rise(depth: NDArray[np.float64]) -> NDArray[np.float32]:
    held = np.clip(depth, 0.0, 1.0)
    return (0.5 - 0.5 * np.cos(np.pi * held)).astype(np.float32)


def corners_of(frame: Frame) -> NDArray[np.float64]:
    """The frame's corners (4, 2) in pixels of the photo, clockwise from the top left of the upright frame."""
    half = frame.size / 2
    angle = math.radians(frame.angle)
    turn = np.array([[math.cos(angle), math.sin(angle)], [-math.sin(angle), math.cos(angle)]])
    around = np.array([(-half, -half), (half, -half), (half, half), (-half, half)])
    found: NDArray[np.float64] = around @ turn.T + np.array([frame.x, frame.y])
    return found


def dragged(frame: Frame, grip: Grip, start: tuple[float, float], to: tuple[float, float]) -> Frame:
    """The frame after a drag of a grip from ``start`` to ``to``, in pixels of the photo.

    The corners keep the centre; the knob turns, counter-clockwise as seen being positive.
    """
    before = (start[0] - frame.x, start[1] - frame.y)
    after = (to[0] - frame.x, to[1] - frame.y)
    if grip == "move":
        return Frame(frame.x + to[0] - start[0], frame.y + to[1] - start[1], frame.size, frame.angle)
    if grip == "size":
        scale = math.hypot(*after) / max(math.hypot(*before), 1e-6)
        return Frame(frame.x, frame.y, max(LEAST, frame.size * scale), frame.angle)
    if grip == "turn":
        turned = math.degrees(math.atan2(before[1], before[0]) - math.atan2(after[1], after[0]))
        angle = (frame.angle + turned + 180.0) % 360.0 - 180.0
        return Frame(frame.x, frame.y, frame.size, angle)
    return frame


def held_in(frame: Frame, width: int, height: int) -> Frame:
    """The frame with its centre inside the photo and no larger than twice the photo: it cannot be lost."""
    x, y = min(max(frame.x, 0.0), width - 1.0), min(max(frame.y, 0.0), height - 1.0)
    return Frame(x, y, min(max(frame.size, LEAST), 2.0 * max(width, height)), frame.angle)
