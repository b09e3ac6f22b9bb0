"""Factor files: one safetensors with the axis and both curves, and json in its header. numpy only.

Tensors: ``axis`` (d,), ``paper_coordinates``, ``paper_values`` (K,), ``measured_coordinates``, ``measured_median``,
``measured_deviation`` (M,), and where they were kept those of ``Evidence`` as ``evidence_*``. The header key ``factor``
holds json: version, name, title, unit, known range, model and its SHA-256, figures, recipe.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from latentstudio.errors import FactorFileError, ModelFileError, StudioError, UnknownNameError
from latentstudio.factors.calibration import MeasuredCalibration, MonotoneCurve
from latentstudio.factors.factor import Evidence, Factor, FactorSet
from latentstudio.files import is_regular, may_replace, reads, storage_error
from latentstudio.generators.card import ModelCard
from latentstudio.generators.weights import read_metadata, read_tensors_numpy, write_tensors
from latentstudio.places import bundled, user_factors
from latentstudio.readers import border, json_from
from latentstudio.transformations.facts import FACTS
from latentstudio.units import unit_named

SUFFIX = ".safetensors"
VERSION = 1
_EVIDENCE, _CURVES = "evidence_", ("paper_", "measured_")
LARGEST = 64 << 20
_KIND = "a factor file (safetensors) of latentstudio"
_PLAIN = re.compile(r"\w[\w .+-]{0,99}")  # it becomes a file's name
ASIDE = "forgotten"
_ORDER = tuple(fact.name for fact in FACTS)  # as the transformations are told everywhere else


@dataclass(frozen=True)
class _Notes:
    version: int
    name: str
    title: str
    unit: str
    known: tuple[float, float]
    model: str
    model_sha256: str
    figures: Mapping[str, object]
    recipe: Mapping[str, object]
    label: str = ""


def write_factor(path: Path, factor: Factor) -> None:
    """Write a factor file, whole or not at all.

    Raises:
        StorageError: the disk is full or the folder may not be written.
    """
    notes = _Notes(
        VERSION, factor.name, factor.title, factor.unit.symbol, factor.known, factor.model, factor.model_sha256,
        factor.figures, factor.recipe, factor.label,
    )
    tensors = {
        "axis": factor.axis.astype(np.float32),
        "paper_coordinates": factor.paper.coordinates,
        "paper_values": factor.paper.values,
        "measured_coordinates": factor.measured.coordinates,
        "measured_median": factor.measured.median,
        "measured_deviation": factor.measured.deviation,
    }
    if factor.evidence is not None:
        tensors |= {_EVIDENCE + name: np.asarray(value) for name, value in vars(factor.evidence).items()}
    text = msgspec.json.encode(notes).decode()
    write_tensors(path, tensors, {"factor": text})


def read_factor(path: Path, *, card: ModelCard | None = None) -> Factor:
    """Read a factor file; with ``card`` it must belong to that model.

    Raises:
        FactorFileError: broken, of another kind, of a newer version, or of another model.
    """
    path = Path(path)
    notes, tensors = _load(path)
    for name in (notes.name, notes.model, notes.label or notes.name):
        if not _PLAIN.fullmatch(name):
            raise FactorFileError(f"{path.name} gives the name '{name[:80]}'", expected="a plain name, as a file's")
    if notes.version > VERSION:
        raise FactorFileError(f"{path.name} has version {notes.version}", expected=f"at most {VERSION}",
                              action="update latentstudio")

    def unusable(reason: str) -> FactorFileError:
        return FactorFileError(f"{path.name} is not usable ({reason})", expected=_KIND)

    try:
        with border(unusable):
            factor = _factor(notes, tensors)
    except FactorFileError:
        raise
    except StudioError as problem:
        raise unusable(str(problem)) from problem
    if card is not None:
        _check_model(factor, card, path.name)
    return factor


def _factor(notes: _Notes, tensors: Mapping[str, NDArray[np.generic]]) -> Factor:
    curve = {name: value.astype(np.float64) for name, value in tensors.items() if name.startswith(_CURVES)}
    return Factor(
        name=notes.name,
        title=notes.title,
        unit=unit_named(notes.unit),
        axis=tensors["axis"].astype(np.float32),
        paper=MonotoneCurve(curve["paper_coordinates"], curve["paper_values"]),
        measured=MeasuredCalibration(
            curve["measured_coordinates"], curve["measured_median"], curve["measured_deviation"], notes.known
        ),
        model=notes.model,
        model_sha256=notes.model_sha256,
        figures=notes.figures,
        recipe=notes.recipe,
        evidence=_evidence(tensors),
        label=notes.label,
    )


def _load(path: Path) -> tuple[_Notes, dict[str, NDArray[np.generic]]]:
    def broken(reason: str) -> FactorFileError:
        return FactorFileError(f"{path.name} is broken ({reason})", expected=_KIND)

    if not is_regular(path):
        raise FactorFileError(f"{path} is not a file", expected=_KIND)
    if path.stat().st_size > LARGEST:
        raise FactorFileError(f"{path.name} has {path.stat().st_size >> 20} MiB", expected=f"{_KIND}, a few MB at most")
    try:
        text = read_metadata(path).get("factor")
        if text is None:
            raise FactorFileError(f"{path.name} holds no factor", expected=_KIND)
        return json_from(text, _Notes, broken), read_tensors_numpy(path)
    except ModelFileError as problem:
        raise broken(problem.found) from problem


def _evidence(tensors: Mapping[str, NDArray[np.generic]]) -> Evidence | None:
    found = {name.removeprefix(_EVIDENCE): value for name, value in tensors.items() if name.startswith(_EVIDENCE)}
    if not found:
        return None
    names = [field.name for field in fields(Evidence)]
    return Evidence(**{name: found[name] if name != "cut" else found[name].item() for name in names})  # type: ignore[arg-type]


def _check_model(factor: Factor, card: ModelCard, where: str) -> None:
    if factor.model_sha256 != card.weights_sha256 or factor.axis.size != card.spaces[0].size:
        raise FactorFileError(
            f"{where} belongs to the model '{factor.model}' (weights {factor.model_sha256[:8]}, {factor.axis.size}-d)",
            expected=f"'{card.name}' (weights {card.weights_sha256[:8]}, {card.spaces[0].size}-d)",
            action="learn it anew for this model",
        )


def factor_places(folder: Path, card: ModelCard) -> tuple[Path, ...]:
    """Where factors of a model lie: in its own folder, where they ship for it, and in the user's folder."""
    return (Path(folder) / "factors", bundled("resources") / "factors" / card.name, user_factors(card.name))


def load_factors(folder: Path, card: ModelCard) -> FactorSet:
    """All factors of a model: those in its own folder, those that ship for it, and the user's, which win by name.

    A broken file does not stop the others; its sentence stands in ``errors``.
    """
    found: dict[str, Factor] = {}
    errors = []
    places = factor_places(folder, card)
    reads(*places)
    for place in places:
        for path in sorted(place.glob(f"*{SUFFIX}")):
            try:
                factor = read_factor(path, card=card)
            except StudioError as problem:
                errors.append(problem.sentence)
            else:
                found[factor.name] = replace(factor, model=card.name)  # it may have borne another name
    ordered = sorted(found.values(), key=lambda f: (_ORDER.index(f.name) if f.name in _ORDER else len(_ORDER), f.name))
    return FactorSet(tuple(ordered), tuple(errors))


def keep_factor(factor: Factor) -> Path:
    """Store a learned factor in the user's folder, where ``load_factors`` finds it; returns the file."""
    path = user_factors(factor.model) / f"{factor.name}{SUFFIX}"
    with may_replace(path.parent):
        write_factor(path, factor)
    return path


def forget_factor(model: str, name: str) -> Path:
    """Put the user's own factor of this name aside, so that what ships under the name counts again.

    Returns:
        where it lies now: nothing is deleted, and dropping the file on the window brings it back.

    Raises:
        UnknownNameError: the user has no such factor of their own.
        StorageError: the folder may not be written.
    """
    folder = user_factors(model)
    mine = [path for path in sorted(folder.glob(f"*{SUFFIX}")) if path.stem == name or _name_in(path) == name]
    if not mine:
        kept = sorted({path.stem for path in folder.glob(f"*{SUFFIX}")})
        raise UnknownNameError(f"'{model}' has no factor '{name}' of your own",
                               expected=f"one of: {', '.join(kept)}" if kept else "one that was learned and kept here")
    aside = folder / ASIDE
    try:
        aside.mkdir(exist_ok=True)
        for path in mine:
            number = next(n for n in itertools.count(1) if not (aside / f"{name}-{n}{SUFFIX}").exists())
            target = aside / f"{name}-{number}{SUFFIX}"
            path.rename(target)
    except OSError as problem:
        raise storage_error(aside, problem) from problem
    return target


def has_own(model: str, name: str) -> bool:
    """Whether a factor of this name in the user's folder is the one that counts."""
    return (user_factors(model) / f"{name}{SUFFIX}").is_file()


def _name_in(path: Path) -> str:
    try:
        return read_factor(path).name
    except StudioError:
        return ""
