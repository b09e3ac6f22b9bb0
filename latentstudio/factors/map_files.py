"""Maps as files: SVG and PNG to look at, CSV to reckon with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image, ImageColor, ImageDraw, ImageFont

from latentstudio import pixels
from latentstudio.errors import UsageError
from latentstudio.factors.map_sheet import GROUND, Dots, Sheet, Stroke, Writing, map_sheet
from latentstudio.factors.mapping import MapData
from latentstudio.figures import Rows, write_csv, write_figure
from latentstudio.svg import Drawing

FINE = 3
SHARP = 2
LACKING = str.maketrans({"\N{MINUS SIGN}": "-", "\N{MULTIPLICATION SIGN}": "x"})  # in the font that pillow brings


def write_map(path: Path | str, data: MapData, *, components: tuple[int, int] = (1, 2)) -> None:
    """Write the map on the plane of two components, counted from 1; the suffix says how.

    ``.svg`` and ``.png`` show it, with the ``.csv`` of the same name beside; that has one row a point: ``kind``
    (``sample`` or ``trajectory``); ``factor``, ``start`` (which starting point) and ``t`` in the factor's ``unit`` (px,
    x, %, deg) of a trajectory; ``seed`` of a sample; and the two components under their names (``c1``, ``c2``).

    Raises:
        UsageError: another suffix, or components that the map does not have.
        StorageError: the disk is full or the folder may not be written; an old file is as it was.
    """
    path = Path(path)
    write = check_suffix(path)
    data.explained(*components)
    write(path, data, components)


def check_suffix(path: Path) -> Callable[[Path, MapData, tuple[int, int]], None]:
    """What writes a file of this name.

    Raises:
        UsageError: nothing does.
    """
    found = _WRITERS.get(path.suffix.lower())
    if found is None:
        raise UsageError(f"{path.name} is no kind of file that a map can be written to",
                         expected=f"a name that ends in {', '.join(_WRITERS)}")
    return found


def _write_svg(path: Path, data: MapData, components: tuple[int, int]) -> None:
    write_figure(path, as_drawing(map_sheet(data, *components)), *as_table(data, components))


def _write_png(path: Path, data: MapData, components: tuple[int, int]) -> None:
    write_figure(path, as_picture(map_sheet(data, *components)), *as_table(data, components))


def _write_csv(path: Path, data: MapData, components: tuple[int, int]) -> None:
    write_csv(path, *as_table(data, components))


_WRITERS: dict[str, Callable[[Path, MapData, tuple[int, int]], None]] = {
    ".svg": _write_svg, ".csv": _write_csv, ".png": _write_png,
}


def as_table(data: MapData, components: tuple[int, int]) -> tuple[tuple[str, ...], Rows]:
    """Names and rows of the table that ``write_map`` describes."""
    chosen = [number - 1 for number in components]
    rows: list[tuple[object, ...]] = [
        ("sample", None, None, None, None, int(seed), *point)
        for seed, point in zip(data.seeds, data.cloud[:, chosen], strict=True)
    ]
    for line in data.lines:
        way = line.trajectory
        rows += [("trajectory", way.factor, way.start, way.unit.to_display(float(t)), way.unit.symbol, None, *point)
                 for t, point in zip(way.t, line.points[:, chosen], strict=True)]
    return ("kind", "factor", "start", "t", "unit", "seed", *(f"c{number}" for number in components)), rows


def as_drawing(sheet: Sheet) -> Drawing:
    """The sheet as an SVG drawing."""
    drawing = Drawing(sheet.width, sheet.height, ground=GROUND, title=sheet.title)
    for shape in sheet.shapes:
        if isinstance(shape, Writing):
            drawing.words(shape.text, (shape.x, shape.y), colour=shape.colour, size=shape.size, anchor=shape.anchor,
                          upright=shape.upright)
        elif isinstance(shape, Dots):
            drawing.dots(shape.points, shape.radius, fill=shape.colour, opacity=shape.opacity)
        else:
            drawing.line(shape.points, colour=shape.colour, width=shape.width, opacity=shape.opacity)
    return drawing


def as_picture(sheet: Sheet) -> pixels.BytePictures:
    """The sheet as uint8 (H, W, 3) at ``SHARP`` pixels a unit, drawn ``FINE`` times as fine and averaged."""
    scale = SHARP * FINE
    ground = Image.new("RGB", (sheet.width * scale, sheet.height * scale), GROUND)
    for opaque, shapes in _runs(sheet):
        if opaque:
            pen = ImageDraw.Draw(ground)
            for shape in shapes:
                _paint(pen, shape, scale)
            continue
        for shape in shapes:
            mask = Image.new("L", ground.size, 0)
            _paint(ImageDraw.Draw(mask), shape, scale, fill=round(255 * getattr(shape, "opacity", 1.0)))
            ground.paste(ImageColor.getrgb(shape.colour), mask=mask)
    small = ground.resize((sheet.width * SHARP, sheet.height * SHARP), Image.Resampling.BOX)
    pen = ImageDraw.Draw(small)
    for words in sheet.shapes:
        if isinstance(words, Writing):
            _write(small, pen, words)
    return np.array(small)


def _runs(sheet: Sheet) -> Iterator[tuple[bool, list[Dots | Stroke]]]:
    """Neighbouring shapes that are opaque, or that are not, in the order in which they are painted."""
    run: list[Dots | Stroke] = []
    for shape in sheet.shapes:
        if isinstance(shape, Writing):
            continue
        if run and (shape.opacity >= 1) != (run[0].opacity >= 1):
            yield run[0].opacity >= 1, run
            run = []
        run.append(shape)
    if run:
        yield run[0].opacity >= 1, run


def _paint(pen: ImageDraw.ImageDraw, shape: Dots | Stroke, scale: int, fill: int | str | None = None) -> None:
    colour = shape.colour if fill is None else fill
    if isinstance(shape, Dots):
        radius = shape.radius * scale
        for x, y in shape.points * scale:
            pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
        return
    points = [(float(x), float(y)) for x, y in shape.points * scale]
    width = max(1, round(shape.width * scale))
    pen.line(points, fill=colour, width=width, joint="curve")
    if width > scale:
        for x, y in points:
            pen.ellipse((x - width / 2, y - width / 2, x + width / 2, y + width / 2), fill=colour)


def _write(picture: Image.Image, pen: ImageDraw.ImageDraw, words: Writing) -> None:
    font, text = ImageFont.load_default(words.size * SHARP), words.text.translate(LACKING)
    anchor = {"start": "ls", "middle": "ms", "end": "rs"}[words.anchor]
    if not words.upright:
        pen.text((words.x * SHARP, words.y * SHARP), text, fill=words.colour, font=font, anchor=anchor)
        return
    left, top, right, bottom = font.getbbox(text)
    size = (round(right - left) + 4, round(bottom - top) + 4)
    upright = Image.new("L", size, 0)
    ImageDraw.Draw(upright).text((2 - left, 2 - top), text, fill=255, font=font)
    turned = upright.rotate(90, expand=True)
    place = (round(words.x * SHARP - turned.width), round(words.y * SHARP - turned.height / 2))
    picture.paste(ImageColor.getrgb(words.colour), place, turned)
