"""``latentstudio reconstruct MODEL PICTURE... --with decoder|generator --out DIR``: pictures encoded and drawn."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from latentstudio.autoencoding.rebuilding import DECODER, GENERATOR, check_network
from latentstudio.cli.options import Parser, add_common, count_from_one, verb_parser
from latentstudio.cli.output import Output, exit_code, numbered_names
from latentstudio.cli.picture_options import add_conditions, add_size, read_conditions, saved_size
from latentstudio.files import check_writable
from latentstudio.generators.calibration import EAGER
from latentstudio.generators.conditions import NOISE_SEED
from latentstudio.generators.opening import open_model
from latentstudio.picture_files import open_picture
from latentstudio.tasks.rebuild import rebuild_to


def parser() -> Parser:
    """The verb's options."""
    verb = verb_parser("reconstruct", "Encode pictures and draw their latents with the decoder or the generator.")
    verb.add_argument("model", metavar="MODEL", help="a model's name or folder")
    verb.add_argument("pictures", metavar="PICTURE", nargs="+", type=Path)
    verb.add_argument("--with", dest="by", choices=(DECODER, GENERATOR), required=True)
    verb.add_argument("--xi", type=count_from_one, default=1, metavar="N",
                      help="so many variations that the encoder does not see, where the generator has them")
    add_conditions(verb)
    add_size(verb)
    verb.add_argument("--out", type=Path, required=True, metavar="DIR")
    add_common(verb)
    return verb


def run(arguments: argparse.Namespace, output: Output) -> int:
    """One picture after the other; one that cannot be read does not stop the others."""
    model = open_model(arguments.model, device=arguments.device, runtime=EAGER)
    try:
        check_network(model, arguments.by)
        conditions = read_conditions(arguments, model)
        if arguments.xi > 1 and not model.generator.card.offers(NOISE_SEED):
            output.note(f"{model.card.name} has no xi: every variation would be the same, so one is drawn")
        names = iter(numbered_names(arguments.pictures))

        def one(path: Path) -> dict[str, object]:
            out = arguments.out / f"{next(names)}.png"
            check_writable(out)
            picture = open_picture(path)
            for note in picture.notes:
                output.note(note)
            found = rebuild_to(out, model, picture.pixels, by=arguments.by, variations=arguments.xi,
                               conditions=conditions, size=saved_size(arguments))
            sharp = "none in a plain picture" if math.isnan(found.sharpness) else f"{found.sharpness:.2f}"
            output.say(f"{path.name}: MSE {found.mse:.4f}, DSSIM {found.dssim:.3f}, sharpness {sharp}")
            return {"picture": str(path), "mse": found.mse, "dssim": found.dssim, "sharpness": found.sharpness,
                    "variations": len(found.made), "out": str(out)}

        answers = output.in_turn(arguments.pictures, "picture", one)
    finally:
        model.close()
    output.result({"model": model.card.name, "with": arguments.by, "pictures": answers})
    return exit_code(answers)
