"""``latentstudio invert-study MODEL``: the paper's comparisons of inversions as one report."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from latentstudio import api
from latentstudio.cli.options import Parser, add_common, count_from_one, verb_parser
from latentstudio.cli.output import Output
from latentstudio.errors import UsageError
from latentstudio.files import check_writable
from latentstudio.generators.opening import Model, open_model
from latentstudio.picture_files import SUFFIXES
from latentstudio.readers import kept_json

if TYPE_CHECKING:
    from torch import Tensor

    from latentstudio.inversion.study import StudyStep

GENERATED = "generated"
APART = 1_009  # between the draws of one --seed and those of the next
PARTS = ("own", "losses", "usual", "following", "optimisers")
FOLLOWED = ("x", "scale")


def parser() -> Parser:
    """The verb's options."""
    verb = verb_parser("invert-study", "Compare losses, constraints, targets and optimisers of inversion on a model.")
    verb.add_argument("model", metavar="MODEL", help="a model's name or folder")
    verb.add_argument("--targets", default=GENERATED, metavar="DIR|generated",
                      help="a folder of photographs; generated (default): the model's own pictures with a texture")
    verb.add_argument("--count", type=count_from_one, default=100, metavar="N", help="pictures (default 100)")
    verb.add_argument("--parts", default=",".join(PARTS), metavar="own,losses,...",
                      help="what to measure; parts that were measured before stay in the report")
    verb.add_argument("--out", type=Path, required=True, metavar="DIR")
    add_common(verb)
    return verb


def run(arguments: argparse.Namespace, output: Output) -> None:
    """Measure part after part; the report is written after each, so that nothing is lost."""
    # torch and the rooms' heavy half are needed only here
    from latentstudio.inversion.study_report import FILE, write_pictures, write_report

    parts = [part.strip() for part in arguments.parts.split(",")]
    for part in parts:
        if part not in PARTS:
            raise UsageError(f"the part '{part}'", expected=f"some of {','.join(PARTS)}")
    check_writable(arguments.out / FILE)
    output.drew(arguments.seed or 0)
    model = open_model(arguments.model, device=arguments.device)
    tables = _earlier(arguments.out / FILE, model)
    command = (f"latentstudio invert-study {model.card.name} --targets {arguments.targets} --count {arguments.count} "
               f"--seed {arguments.seed or 0} --out DIR")
    try:
        for part in parts:
            last = None
            told = []
            for steps in _steps(part, model, arguments):
                last = output.follow(steps, part)
                assert last is not None
                told.append(last.table)
            if last is not None:
                tables[part] = told if part == "following" else told[0]
                if last.pictures:
                    write_pictures(arguments.out, last.pictures)
            write_report(arguments.out, tables, command=command)
            output.say(f"{part}: {arguments.out / 'README.md'}")
    finally:
        model.close()
    output.about(arguments.out, command=command)
    output.result({**tables, "report": str(arguments.out / "README.md")})


def _steps(part: str, model: Model, arguments: argparse.Namespace) -> Iterator[Iterator[StudyStep]]:
    from latentstudio.inversion import study
    from latentstudio.losses import features_for
    from latentstudio.transformations import transformation_named

    generator, count = model.generator, arguments.count
    own, following, optimisers = (study.SEED + part + APART * (arguments.seed or 0) for part in (3, 1, 2))
    if part == "own":
        yield study.measure_own(generator, count=count, seed=own)
    elif part in ("losses", "usual"):
        features = features_for(generator, doing="judging inversions")
        if part == "losses":
            yield study.compare_losses(generator, _targets(model, arguments), features,
                                       seed=APART * (arguments.seed or 0))
        else:
            yield study.compare_usual(generator, _targets(model, arguments), features)
    elif part == "following":
        known = api.factors_of(model)
        for name in FOLLOWED:
            if name in known.names:
                yield study.compare_following(
                    generator, transformation_named(name), known.get(name).reach[1], count=max(1, count // 2),
                    seed=following,
                )
    else:
        yield study.compare_optimisers(generator, count=max(1, count // 10), seed=optimisers)


def _targets(model: Model, arguments: argparse.Namespace) -> Tensor:
    import torch

    from latentstudio.inversion import study

    seed = study.SEED + APART * (arguments.seed or 0)
    if arguments.targets == GENERATED:
        return study.textured(study.own_pictures(model.generator, arguments.count, seed=seed), seed=seed)
    folder = Path(arguments.targets)
    files = sorted(path for path in folder.glob("*") if path.suffix.lower() in SUFFIXES) if folder.is_dir() else []
    if not files:
        raise UsageError(f"{folder} holds no pictures", expected="a folder of photographs, or generated")
    placed = [api.place_photo(model, api.read_photo(path)).picture for path in files[: arguments.count]]
    return torch.from_numpy(np.stack(placed)).to(model.device)


def _earlier(path: Path, model: Model) -> dict[str, object]:
    """What a report on this very model holds already."""
    fresh = {"model": model.card.name, "model_sha256": model.card.weights_sha256}
    found = kept_json(path, dict[str, object]) or {}
    return {**found, **fresh} if found.get("model_sha256") == model.card.weights_sha256 else dict(fresh)
