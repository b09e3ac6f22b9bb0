"""Figure 3.7 of the thesis: data in the colour of its code, the VAE's curve dotted, the AVAE's over it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from latentstudio.autoencoding.toy import ToyResult
from latentstudio.figures import write_figure
from latentstudio.pixels import BytePictures

WIDTH, HEIGHT, EDGE = 1200, 420, 40
CROSSES = 700
_PAPER, _INK, _FAINT = (252, 252, 250), (30, 30, 34), (150, 150, 150)
_RAMP = np.array(((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 191, 37)), dtype=np.float64)


def write_toy(path: Path, result: ToyResult) -> None:
    """Write the figure, and beside it every point of it: whose it is, its code, its place.

    Raises:
        StorageError: the disk is full or the folder may not be written.
    """
    shown = {"data": (result.colours, result.data), "vae": (result.codes, result.decoded),
             "avae": (result.codes, result.generated), "avae_with_xi": (result.drawn_codes[:CROSSES], result.drawn)}
    write_figure(path, draw_toy(result), ("whose", "code", "x", "y"), (
        (name, code, *point) for name, (codes, points) in shown.items()
        for code, point in zip(codes, points[: len(codes)], strict=True)
    ))


def draw_toy(result: ToyResult) -> BytePictures:
    """Two panels, uint8 (H, W, 3): above the AVAE without xi, below the one with xi."""
    image = Image.new("RGB", (WIDTH, 2 * HEIGHT), _PAPER)
    drawing = ImageDraw.Draw(image)
    low, high = float(result.codes.min()), float(result.codes.max())
    for panel, title in enumerate(("AVAE without xi (dashed), VAE (dotted)", "AVAE with xi (crosses), VAE (dotted)")):
        top = panel * HEIGHT
        drawing.text((EDGE, top + 10), title, fill=_INK, font=ImageFont.load_default(16))
        _dots(drawing, result.data, _colours(result.colours, low, high, fade=0.55), top, size=2)
        if panel == 0:
            _curve(drawing, result.generated, result.codes, (low, high), top, on=7, off=4, width=4)
        else:
            _crosses(drawing, result.drawn[:CROSSES], _colours(result.drawn_codes[:CROSSES], low, high), top)
        _curve(drawing, result.decoded, result.codes, (low, high), top, on=2, off=3, width=4)
        drawing.line((EDGE, top + HEIGHT - EDGE, WIDTH - EDGE, top + HEIGHT - EDGE), fill=_FAINT)
    return np.array(image)


def _place(points: NDArray[np.float32], top: int) -> NDArray[np.float64]:
    """Data units to pixels: x from -9 to 9, y from -1.7 to 1.7."""
    x = EDGE + (points[:, 0] + 9.0) / 18.0 * (WIDTH - 2 * EDGE)
    y = top + HEIGHT - EDGE - (points[:, 1] + 1.7) / 3.4 * (HEIGHT - 2 * EDGE)
    return np.stack((x, y), axis=1)


def _colours(codes: NDArray[np.float32], low: float, high: float, fade: float = 0.0) -> list[tuple[int, int, int]]:
    share = np.clip((codes - low) / max(high - low, 1e-9), 0.0, 1.0) * (len(_RAMP) - 1)
    below = np.minimum(share.astype(int), len(_RAMP) - 2)
    part = (share - below)[:, None]
    mixed = _RAMP[below] * (1.0 - part) + _RAMP[below + 1] * part
    mixed = mixed * (1.0 - fade) + np.array(_PAPER) * fade
    return [(int(r), int(g), int(b)) for r, g, b in mixed]


def _dots(drawing: ImageDraw.ImageDraw, points: NDArray[np.float32], colours: list[tuple[int, int, int]], top: int,
          *, size: int) -> None:
    for (x, y), colour in zip(_place(points, top), colours, strict=True):
        drawing.ellipse((x - size, y - size, x + size, y + size), fill=colour)


def _crosses(drawing: ImageDraw.ImageDraw, points: NDArray[np.float32], colours: list[tuple[int, int, int]],
             top: int) -> None:
    for (x, y), colour in zip(_place(points, top), colours, strict=True):
        drawing.line((x - 4, y, x + 4, y), fill=colour, width=2)
        drawing.line((x, y - 4, x, y + 4), fill=colour, width=2)


def _curve(drawing: ImageDraw.ImageDraw, points: NDArray[np.float32], codes: NDArray[np.float32],
           ends: tuple[float, float], top: int, *, on: int, off: int, width: int) -> None:
    placed, colours = _place(points, top), _colours(codes, *ends)
    for index in range(len(placed) - 1):
        if index % (on + off) < on:
            line = (*placed[index], *placed[index + 1])
            drawing.line(line, fill=_INK, width=width + 2)
            drawing.line(line, fill=colours[index], width=width)
