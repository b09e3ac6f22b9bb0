"""``latentstudio factors apply``: move factors of one sample and write the picture."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from latentstudio.cli.measuring import measure_after_torch
from latentstudio.cli.output import Output
from latentstudio.cli.picture_options import add_conditions, add_size, given_conditions, read_conditions, saved_size
from latentstudio.document.view import View
from latentstudio.errors import UsageError
from latentstudio.factors import FactorSet, parse_settings, place_at
from latentstudio.generators.opening import Model, open_model
from latentstudio.generators.tuned import tuned_model
from latentstudio.generators.tunings import keep_tuning, read_tuning
from latentstudio.tasks.draw import Render as Picture
from latentstudio.tasks.draw import draw_clamped, draw_exact, draw_pasted, factors_of
from latentstudio.tasks.sample import sample
from latentstudio.tasks.saved import open_saved, read_saved

if TYPE_CHECKING:
    from latentstudio.factors.exact import Exact

SUMMARY = "move factors and write the picture"


def add_options(action: argparse.ArgumentParser) -> None:
    """The action's own options."""
    action.add_argument("model", metavar="MODEL", nargs="?", default=None)
    action.add_argument("--from", dest="source", type=Path, default=None, metavar="PNG|SESSION",
                        help="start from a saved picture or session instead of a seed")
    action.add_argument("--set", dest="settings", action="append", default=[], metavar="NAME=VALUE",
                        help="x=8px, scale=1.2x, brightness=+10%%; may be repeated")
    action.add_argument("--at", dest="places", action="append", default=[], metavar="NAME=COORDINATE",
                        help="put the coordinate <z, u> itself there before anything is moved; may be repeated")
    action.add_argument("--keep", action="append", default=[], metavar="NAME",
                        help="lock a factor: the others may not move it along; may be repeated")
    action.add_argument("--exact", action="store_true",
                        help="solve for what is measured on this very sample, not for the median sample")
    add_conditions(action)
    action.add_argument("--tuning", type=Path, default=None, metavar="FILE",
                        help="draw with the weights that `invert --tune` made; without --from or --seed at its photo")
    action.add_argument("--pasted", type=Path, default=None, metavar="PNG",
                        help="also put the picture back into the photo that it was found for")
    add_size(action)
    action.add_argument("--out", type=Path, required=True, metavar="PNG")


def run(arguments: argparse.Namespace, output: Output) -> None:
    """Draw, write, and say what was reached."""
    model, view = _start(arguments)
    if view.seed is not None:
        output.drew(view.seed)
    try:
        known = factors_of(model)
        asked = parse_settings(arguments.settings, known)
        if arguments.exact and not asked:
            raise UsageError("--exact without a value", expected="--set NAME=VALUE beside it")
        view = _prepared(view, arguments, known)
        positions = {**view.position_map(), **asked}
        found: Sequence[Exact] = ()
        if arguments.exact:
            from latentstudio.tasks.factors import exact_steps  # brings torch, which the options do without

            last = output.follow(exact_steps(model, view, asked, known), "measuring this sample")
            found = getattr(last, "exact", ())
            picture = draw_exact(model, view, found, known)
        else:
            picture = draw_clamped(model, view.with_positions(positions), known)
        picture.save(arguments.out, size=saved_size(arguments))
        if arguments.pasted is not None:
            draw_pasted(model, picture.view, known).save(arguments.pasted)
            output.say(f"back in the photo: {arguments.pasted}")
        _tell(arguments, output, picture, known, view, _set(picture, known, positions, found), found)
        measure_after_torch(model, output)
    finally:
        model.close()


def _tell(
    arguments: argparse.Namespace, output: Output, picture: Picture, known: FactorSet, view: View,
    told: Mapping[str, Mapping[str, object]], found: Sequence[Exact],
) -> None:
    for note in picture.notes:
        output.note(note)
    reached = ((known.get(name), t) for name, t in picture.reached.items())
    moved = ", ".join(f"{one.shown} {one.unit.format(t)}" for one, t in reached)
    seed = "" if view.seed is None else f", seed {view.seed}"
    output.say(f"{view.model}{seed}{': ' + moved if moved else ''}: {arguments.out}")
    for one in found:
        write = known.get(one.name).unit.format
        output.say(f"{one.name}: {write(one.measured)} measured on this sample at {write(one.position)} of the curve, "
                   f"{one.evaluations} pictures measured")
    output.result(_applied(picture, told, arguments.out))


def _prepared(view: View, arguments: argparse.Namespace, known: FactorSet) -> View:
    """The session with coordinates put where ``--at`` wants them, and with ``--keep``'s locks."""
    for name in arguments.keep:
        known.get(name)
    view = view.with_kept((*view.kept, *arguments.keep))
    if arguments.places:
        latent = view.latent_array()
        placed = place_at(latent.reshape(-1), _places(arguments.places, known), known)
        view = view.with_latent(placed.reshape(latent.shape))
    return view


def _places(texts: Sequence[str], known: FactorSet) -> dict[str, float]:
    places = {}
    for text in texts:
        name, equals, value = text.partition("=")
        try:
            places[known.get(name.strip()).name] = float(value) if equals else float("nan")
        except ValueError:
            raise UsageError(f"'{text}' is no place", expected="NAME=COORDINATE, for example x=-1.5") from None
    return places


def _start(arguments: argparse.Namespace) -> tuple[Model, View]:
    """The model and the session to start from: a saved one, or a sample of the seed."""
    if arguments.source is not None:
        saved = read_saved(arguments.source)
        if arguments.model is not None and arguments.model != saved.view.model:
            raise UsageError(f"{arguments.source} was made by '{saved.view.model}', not by '{arguments.model}'",
                             action="leave the model out")
        for option in (*(("--seed",) if arguments.seed is not None else ()), *given_conditions(arguments)):
            raise UsageError(f"{option} and --from exclude each other", action="give one of them")
        tuning = None if arguments.tuning is None else read_tuning(arguments.tuning)
        opened = open_saved(saved, device=arguments.device, tuning=tuning)
        return opened, saved.view.with_tuning(opened.tuning)
    if arguments.model is None:
        raise UsageError("no model was named", expected="MODEL, or --from PNG|SESSION")
    seed = arguments.seed or 0
    model = open_model(arguments.model, device=arguments.device)
    latent, drawn = sample(model, seed=seed), seed
    if arguments.tuning is not None:
        tuning = read_tuning(arguments.tuning)
        keep_tuning(tuning)  # so that the picture can be made again wherever it goes
        model = tuned_model(model, tuning)
        latent, drawn = (tuning.pivot(), None) if arguments.seed is None else (latent, seed)
    view = View.start(model.card, latent, drawn, conditions=read_conditions(arguments, model))
    return model, view.with_tuning(model.tuning)


def _set(
    picture: Picture, known: FactorSet, asked: Mapping[str, float], found: Sequence[Exact]
) -> dict[str, dict[str, object]]:
    settings = {}
    for name, t in asked.items():
        unit, reached = known.get(name).unit, picture.reached.get(name, 0.0)
        settings[name] = {
            "asked": unit.to_display(t), "reached": unit.to_display(reached), "unit": unit.symbol,
            "clamped": name in picture.clamped,
        }
    for one in found:
        settings[one.name]["exact"] = {
            "measured": known.get(one.name).unit.to_display(one.measured), "reached": one.reached,
            "evaluations": one.evaluations, "reason": one.reason,
        }
    return settings


def _applied(picture: Picture, settings: Mapping[str, Mapping[str, object]], out: Path) -> dict[str, object]:
    height, width, _ = picture.pixels.shape
    return {
        "model": picture.view.model, "seed": picture.view.seed, "out": str(out), "size": [width, height],
        "set": settings, "kept": list(picture.view.kept), "clamped": list(picture.clamped),
        "notes": list(picture.notes), "runtime": picture.runtime_name, "device": picture.device,
    }
