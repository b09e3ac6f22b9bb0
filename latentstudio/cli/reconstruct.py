"""``latentstudio reconstruct MODEL PICTURE... --with decoder|generator --out DIR``: pictures encoded and drawn."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from latentstudio.autoencoding.rebuilding import DECODER, GENERATOR, check_network, rebuild, write_rebuilt
from latentstudio.cli.options import Parser, add_common, count_from_one, verb_parser
from latentstudio.cli.output import Output
from latentstudio.cli.picture_options import add_conditions, add_size, read_conditions, saved_size
from latentstudio.errors import StudioError
from latentstudio.files import check_writable
from latentstudio.generators.calibration import EAGER
from latentstudio.generators.conditions import NOISE_SEED
from latentstudio.generators.opening import open_model
from latentstudio.picture_files import open_picture
from latentstudio.pixels import enlarge, write_png

USER_ERROR = 2


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
    answers: list[dict[str, object]] = []
    try:
        check_network(model, arguments.by)
        conditions = read_conditions(arguments, model)
        if arguments.xi > 1 and not model.generator.card.offers(NOISE_SEED):
            output.note(f"{model.card.name} has no xi: every variation would be the same, so one is drawn")
        for index, path in enumerate(arguments.pictures):
            name = f"{index:03d}-{path.stem}" if len(arguments.pictures) > 1 else path.stem
            try:
                check_writable(arguments.out / f"{name}.png")
                picture = open_picture(path)
                for note in picture.notes:
                    output.note(note)
                found = rebuild(model, picture.pixels, by=arguments.by, variations=arguments.xi,
                                conditions=conditions)
            except StudioError as problem:
                if len(arguments.pictures) == 1:
                    raise
                output.note(problem.sentence)
                answers.append({"picture": str(path), "error": problem.sentence})
                continue
            write_rebuilt(found, arguments.out / f"{name}-beside.png")
            for number, made in enumerate(found.made):
                write_png(arguments.out / (f"{name}.png" if number == 0 else f"{name}-xi{number}.png"),
                          enlarge(made, saved_size(arguments)))
            sharp = "none in a plain picture" if math.isnan(found.sharpness) else f"{found.sharpness:.2f}"
            output.say(f"{path.name}: MSE {found.mse:.4f}, DSSIM {found.dssim:.3f}, sharpness {sharp}")
            answers.append({
                "picture": str(path), "mse": found.mse, "dssim": found.dssim, "sharpness": found.sharpness,
                "variations": len(found.made), "out": str(arguments.out / f"{name}.png"),
            })
    finally:
        model.close()
    output.result({"model": model.card.name, "with": arguments.by, "pictures": answers})
    return USER_ERROR if any("error" in answer for answer in answers) else 0
