"""``latentstudio render PNG|SESSION --out PNG``: make a saved picture again and compare."""

from __future__ import annotations

import argparse
from pathlib import Path

from latentstudio.cli.options import Parser, add_common, verb_parser
from latentstudio.cli.output import Output
from latentstudio.cli.picture_options import add_size, saved_size
from latentstudio.inversion.photos import read_photo
from latentstudio.pixels import enlarge, largest_difference
from latentstudio.tasks.draw import draw, draw_pasted
from latentstudio.tasks.saved import open_saved, read_saved


def parser() -> Parser:
    """The verb's options."""
    verb = verb_parser("render", "Make the picture of a PNG's recipe or of a session again.")
    verb.add_argument("source", type=Path, metavar="PNG|SESSION")
    verb.add_argument("--pasted", action="store_true",
                      help="put the picture back into the photo that it was found for, at the photo's full size")
    verb.add_argument("--photo", type=Path, default=None, help="that photo, where it is not among the kept ones")
    add_size(verb)
    verb.add_argument("--out", type=Path, required=True, metavar="PNG")
    add_common(verb)
    return verb


def run(arguments: argparse.Namespace, output: Output) -> None:
    """Draw, write, and say the largest difference of any pixel, 0 to 255 (null where there is nothing to compare)."""
    saved = read_saved(arguments.source)
    model = open_saved(saved, device=arguments.device)
    pasted = saved.pasted or arguments.pasted or arguments.photo is not None
    try:
        photo = None if arguments.photo is None else read_photo(arguments.photo)
        picture = draw_pasted(model, saved.view, photo=photo) if pasted else draw(model, saved.view)
    finally:
        model.close()
    for note in picture.notes:
        output.note(note)
    before = saved.pixels if pasted == saved.pasted else None
    difference = None if before is None else largest_difference(before, enlarge(picture.pixels, saved.size))
    size = saved_size(arguments, saved.size)
    picture.save(arguments.out, size=size)
    view = picture.view
    height, width, _ = enlarge(picture.pixels, size).shape
    compared = "" if difference is None else f"; largest difference to {arguments.source.name}: {difference} of 255"
    output.say(f"{view.model}, seed {view.seed}, on {picture.runtime_name}: {arguments.out}{compared}")
    output.result({
        "model": view.model, "seed": view.seed, "out": str(arguments.out), "size": [width, height],
        "max_difference": difference, "clamped": list(picture.clamped),
        "pasted": pasted, "runtime": picture.runtime_name, "device": picture.device,
    })
