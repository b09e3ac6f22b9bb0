"""``latentstudio invert MODEL PHOTO... --out DIR``: find the latents of photographs, and say how close they come."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from latentstudio import api, pixels
from latentstudio.cli.invert_after import After
from latentstudio.cli.options import Parser, add_common, add_settings, settings_of, verb_parser
from latentstudio.cli.output import Output, distinct_names
from latentstudio.cli.picture_options import add_conditions, add_size, read_conditions, saved_size
from latentstudio.document.view import View
from latentstudio.errors import StudioError, UsageError
from latentstudio.files import check_writable, write_whole
from latentstudio.generators.conditions import Conditions
from latentstudio.generators.opening import Model, open_model
from latentstudio.inversion.cropping import AUTO, NONE
from latentstudio.inversion.frames import Frame, parse_frame
from latentstudio.inversion.photos import read_photo
from latentstudio.inversion.results import HeldOutStep, Inversion
from latentstudio.inversion.settings import InversionSettings, TuningSettings
from latentstudio.readers import border, read_npy
from latentstudio.settings import changed
from latentstudio.tasks.photo import PhotoStep, frame_photo

FloatArray = NDArray[np.float32]

INTERRUPTED, USER_ERROR = 130, 2
SHOWN = 12
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
    from latentstudio.tasks.invert import compare  # brings torch, which the options do without

    frame = arguments.frame if arguments.frame in (AUTO, NONE) else parse_frame(arguments.frame)
    model = open_model(arguments.model, device=arguments.device)
    try:
        settings, start = _settings(arguments)
        output.drew(settings.seed)
        _check_space(model, arguments)
        tuning = settings_of(arguments, TuningSettings(), prefix="tune_") if arguments.tune else None
        conditions = read_conditions(arguments, model)
        after = After(tuning, arguments.curve, conditions, saved_size(arguments))
        check_writable(arguments.out / "photo")
        compared = output.follow(compare(model, settings, conditions=conditions), "the model's own samples")
        answers: list[dict[str, object]] = []
        failed = 0
        for name, path in zip(distinct_names(arguments.photos), arguments.photos, strict=True):
            try:
                answers.append(_one(model, path, arguments.out / name, settings, start, compared, frame, after, output))
            except StudioError as problem:
                if len(arguments.photos) == 1:
                    raise
                output.note(problem.sentence)
                answers.append({"photo": str(path), "error": problem.sentence})
                failed += 1
            if answers[-1].get("ended") == "cancelled":
                break
    finally:
        model.close()
    output.result({"model": model.card.name, "photos": answers})
    if answers[-1].get("ended") == "cancelled":
        return INTERRUPTED
    return USER_ERROR if failed else 0


def _one(
    model: Model, path: Path, out: Path, settings: InversionSettings, start: FloatArray | None,
    compared: HeldOutStep | None, frame: Frame | str, after: After, output: Output,
) -> dict[str, object]:
    from latentstudio.tasks.invert import conclude, find  # brings torch, which the options do without

    framed = frame_photo(model, read_photo(path), path.name, frame)
    photo, placed, place = framed.photo, framed.placed, framed.place
    for note in (*photo.notes, *placed.notes):
        output.note(note)
    shown: list[PhotoStep] = []
    held_out = None if compared is None else compared.held_out

    def on_step(step: PhotoStep) -> bool:
        if step.preview is not None:
            shown.append(step)
        return False

    try:
        output.follow(
            find(model, framed, settings, start=start, conditions=after.conditions, held_out=held_out), path.name,
            on_step=on_step,
        )
        concluded = shown[-1].result
    except KeyboardInterrupt:
        if not shown:
            raise
        concluded = conclude(model, framed, settings, shown[-1], conditions=after.conditions, held_out=held_out)
    assert concluded is not None
    assert concluded.verdict is not None, "the model's own samples were measured before"
    found, verdict = concluded.inversion, concluded.verdict
    previews = [step.preview for step in shown if step.preview is not None]
    files = _write(model, out, found, previews, place, after.conditions, after.size)
    for note in found.notes:
        output.note(note)
    output.say(f"{path.name}: {verdict.words}; MSE {found.mse:.4f}, DSSIM {found.dssim:.3f}, length {found.norm:.2f}, "
               f"{found.steps} steps in {found.seconds:.1f} s: {out}")
    for reason in verdict.reasons:
        output.say(f"  {reason}")
    more = after.run(model, placed, settings, start, found, out, output, place)
    return {
        "photo": str(path), "loss": found.loss, "blurred_loss": found.blurred_loss, "mse": found.mse,
        "dssim": found.dssim, "norm": found.norm, "seconds": round(found.seconds, 3), "steps": found.steps,
        "start": found.start, "start_mse": found.start_mse, "optimizer": found.optimiser, "ended": found.ended,
        "percentile": verdict.percentile, "verdict": verdict.words, "reasons": list(verdict.reasons),
        "feature_distance": api.feature_distance(model, found.picture, found.target, placed.inside),
        "frame": None if placed.frame is None else asdict(placed.frame),
        "notes": [*photo.notes, *placed.notes, *found.notes], **files, **more,
    }


def _write(
    model: Model, out: Path, found: Inversion, previews: Sequence[NDArray[np.uint8]], place: api.PhotoPlace | None,
    conditions: Conditions, size: pixels.SavedSize,
) -> dict[str, str]:
    """The pictures and the latent; the result carries its recipe, so that the window opens it with its sliders."""
    pixels.write_png(out / "target.png", pixels.to_bytes(found.target[None])[0])
    if found.latent.shape == model.card.spaces[0].shape:
        view = View.start(model.card, found.latent, conditions=conditions).with_photo(place)
        api.draw(model, view, api.FactorSet()).save(out / "result.png", size=size)
    else:  # found in another space: sessions hold latents of the first one
        pixels.write_png(out / "result.png", pixels.enlarge(pixels.to_bytes(found.picture[None])[0], size))
    pixels.write_png(out / "residual.png", api.residual_picture(found))
    chosen = np.unique(np.linspace(0, len(previews) - 1, min(SHOWN, len(previews))).round().astype(int))
    steps = pixels.enlarge(np.stack([previews[index] for index in chosen]), size)
    pixels.write_png(out / "steps.png", pixels.grid(steps, columns=SHOWN))
    write_whole(out / "latent.npy", _npy(found.latent))
    return {
        "latent": str(out / "latent.npy"), "target": str(out / "target.png"), "result": str(out / "result.png"),
        "residual": str(out / "residual.png"), "strip": str(out / "steps.png"),
    }


def _npy(latent: FloatArray) -> bytes:
    import io

    stream = io.BytesIO()
    np.save(stream, latent, allow_pickle=False)
    return stream.getvalue()


def _settings(arguments: argparse.Namespace) -> tuple[InversionSettings, FloatArray | None]:
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


def _latent(path: Path) -> FloatArray:
    def refuse(reason: str) -> UsageError:
        return UsageError(f"the start '{path}' is no latent ({reason})", expected="encoder, random, or a .npy file")

    with border(refuse):
        return read_npy(path, refuse, most=_MOST_LATENT).astype(np.float32)

