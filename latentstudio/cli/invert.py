"""``latentstudio invert MODEL PHOTO... --out DIR``: find the latents of photographs, and say how close they come."""

from __future__ import annotations

import argparse
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentstudio.cli.invert_after import After
from latentstudio.cli.options import Parser, add_common, add_settings, settings_of, verb_parser
from latentstudio.cli.output import Output, distinct_names, exit_code
from latentstudio.cli.picture_options import add_conditions, add_size, read_conditions, saved_size
from latentstudio.errors import UsageError
from latentstudio.files import check_writable
from latentstudio.generators.opening import Model, open_model
from latentstudio.inversion.cropping import AUTO, NONE
from latentstudio.inversion.frames import parse_frame
from latentstudio.inversion.models import feature_distance
from latentstudio.inversion.photos import read_photo
from latentstudio.inversion.results import HeldOut
from latentstudio.inversion.settings import InversionSettings, TuningSettings
from latentstudio.pixels import BytePictures
from latentstudio.readers import border, read_npy
from latentstudio.settings import changed
from latentstudio.tasks.invert import compare, conclude, find
from latentstudio.tasks.photo import Concluded, Framed, PhotoStep, frame_photo
from latentstudio.tasks.photo_files import write_found

Latent = NDArray[np.float32]

INTERRUPTED = 130
_MOST_LATENT = 64 << 20  # bytes
KINDS = ("encoder", "random")


def parser() -> Parser:
    """The verb's options."""
    verb = verb_parser("invert", "Find the latent whose picture comes closest to a photograph.")
    verb.add_argument("model", metavar="MODEL", help="a model's name or folder")
    verb.add_argument("photos", metavar="PHOTO", nargs="+", type=Path, help="pictures of any common kind")
    add_size(verb)
    verb.add_argument("--out", type=Path, required=True, metavar="DIR", help="a folder for each photo is made in it")
    verb.add_argument("--start", default="auto", metavar="encoder|random|LATENT",
                      help="where to start (default: the encoder where the model has one); a latent is a .npy file")
    verb.add_argument("--curve", action="store_true", help="measure what each likeness costs, too")
    verb.add_argument("--tune", action="store_true",
                      help="then tune a copy of the model's weights on the photo (pivotal tuning)")
    verb.add_argument("--frame", default="auto", metavar="x,y,size,angle|auto|none",
                      help="what to cut out; auto looks for a face where the model draws faces, none takes all of it")
    add_conditions(verb)
    add_settings(verb, InversionSettings, title="how to look", elsewhere=("start", "seed"))
    add_settings(verb, TuningSettings, title="how to tune", elsewhere=("space", "seed"), prefix="tune_")
    add_common(verb)
    return verb


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Invert one photo after the other; a photo that cannot be read does not stop the others."""
    frame = arguments.frame if arguments.frame in (AUTO, NONE) else parse_frame(arguments.frame)
    model = open_model(arguments.model, device=arguments.device)
    try:
        settings, start = _settings(arguments)
        output.drew(settings.seed)
        _check_space(model, arguments)
        tuning = settings_of(arguments, TuningSettings(), prefix="tune_") if arguments.tune else None
        conditions = read_conditions(arguments, model)
        after, size = After(tuning, arguments.curve), saved_size(arguments)
        check_writable(arguments.out / "photo")
        compared = output.follow(compare(model, settings, conditions=conditions), "the model's own samples")
        held_out = None if compared is None else compared.held_out
        names = iter(distinct_names(arguments.photos))

        def one(path: Path) -> dict[str, object]:
            out = arguments.out / next(names)
            framed = frame_photo(model, read_photo(path), path.name, frame, conditions)
            concluded, previews = _found(model, framed, settings, start, held_out, output, path.name)
            found = concluded.inversion
            files = write_found(model, framed, found, previews, out, size)
            told = _told(model, framed, concluded, path, out, output)
            return told | files | after.run(model, framed, settings, start, found, out, output)

        answers = output.in_turn(arguments.photos, "photo", one, until=lambda told: told.get("ended") == "cancelled")
    finally:
        model.close()
    output.result({"model": model.card.name, "photos": answers})
    return INTERRUPTED if answers[-1].get("ended") == "cancelled" else exit_code(answers)


def _found(
    model: Model, framed: Framed, settings: InversionSettings, start: Latent | None, held_out: HeldOut | None,
    output: Output, name: str,
) -> tuple[Concluded, list[BytePictures]]:
    """What there is to say in the end, or when Ctrl+C was pressed; and the pictures on the way."""
    for note in (*framed.photo.notes, *framed.placed.notes):
        output.note(note)
    shown: list[PhotoStep] = []

    def on_step(step: PhotoStep) -> bool:
        if step.preview is not None:
            shown.append(step)
        return False

    try:
        output.follow(find(model, framed, settings, start=start, held_out=held_out), name, on_step=on_step)
        concluded = shown[-1].result
    except KeyboardInterrupt:
        if not shown:
            raise
        concluded = conclude(model, framed, settings, shown[-1], held_out=held_out)
    assert concluded is not None
    return concluded, [step.preview for step in shown if step.preview is not None]


def _told(
    model: Model, framed: Framed, concluded: Concluded, path: Path, out: Path, output: Output
) -> dict[str, object]:
    found, verdict, placed = concluded.inversion, concluded.verdict, framed.placed
    assert verdict is not None, "the model's own samples were measured before"
    for note in found.notes:
        output.note(note)
    output.say(f"{path.name}: {verdict.words}; MSE {found.mse:.4f}, DSSIM {found.dssim:.3f}, length {found.norm:.2f}, "
               f"{found.steps} steps in {found.seconds:.1f} s: {out}")
    for reason in verdict.reasons:
        output.say(f"  {reason}")
    return {
        "photo": str(path), "loss": found.loss, "blurred_loss": found.blurred_loss, "mse": found.mse,
        "dssim": found.dssim, "norm": found.norm, "seconds": round(found.seconds, 3), "steps": found.steps,
        "start": found.start, "start_mse": found.start_mse, "optimizer": found.optimiser, "ended": found.ended,
        "percentile": verdict.percentile, "verdict": verdict.words, "reasons": list(verdict.reasons),
        "feature_distance": feature_distance(model, found.picture, found.target, placed.inside),
        "frame": None if placed.frame is None else asdict(placed.frame),
        "notes": [*framed.photo.notes, *placed.notes, *found.notes],
    }


def _settings(arguments: argparse.Namespace) -> tuple[InversionSettings, Latent | None]:
    """The settings, and the latent to start from where a file was named."""
    start = None
    kind = arguments.start
    if kind not in ("auto", *KINDS):
        start, kind = _latent(Path(kind)), "given"
    return changed(settings_of(arguments, InversionSettings(), elsewhere=("start",)), start=kind), start


def _check_space(model: Model, arguments: argparse.Namespace) -> None:
    """Refuse early what can only be done in the model's first space."""
    if arguments.space is not None and model.card.space(arguments.space) != model.card.spaces[0]:
        for option, asked in (("--tune", arguments.tune), ("--curve", arguments.curve)):
            if asked:
                raise UsageError(f"{option} in the space {arguments.space}", expected=model.card.spaces[0].name,
                                 action="leave one of the two out")


def _latent(path: Path) -> Latent:
    def refuse(reason: str) -> UsageError:
        return UsageError(f"the start '{path}' is no latent ({reason})", expected="encoder, random, or a .npy file")

    with border(refuse):
        return read_npy(path, refuse, most=_MOST_LATENT).astype(np.float32)
