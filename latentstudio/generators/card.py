"""The model card: what a model is, written as ``card.json`` beside its weights. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path

import msgspec

from latentstudio.errors import ModelFileError, UnknownNameError, UsageError
from latentstudio.files import is_plain_name, write_whole
from latentstudio.generators.capabilities import CAPABILITIES
from latentstudio.generators.conditions import LABEL, NONE, Condition, Conditions, check_declared, offered
from latentstudio.latents import LatentSpace
from latentstudio.readers import Refuse, converted, read_json

CARD_FILE = "card.json"
CARD_API = 1
MOST_BYTES = 4 << 20
MOST_COORDINATES = 1 << 17
MEASURES = ("registration", "barycentre")


@dataclass(frozen=True)
class ModelCard:
    """Name, origin, licence and shape of a model. ``config`` belongs to the backend; ``figures`` were measured.

    Attributes:
        name: short unique name, also the folder's name.
        backend: id of the backend plugin that opens it.
        image_size: (height, width) in pixels.
        channels: channels that the network itself produces (1 for sprites); the contract always hands out RGB.
        classes: class names of a conditional model, empty otherwise.
        conditions: what its pictures depend on beside the latent; ``offered`` has those too that go without saying.
        truncation: the default of the condition ``truncation``, wherever pictures are drawn, learned from or measured.
        spaces: its latent spaces, the one to sample from first.
        capabilities: what it can do, by the names of ``capabilities.CAPABILITIES``.
        measure: how positions are measured on its pictures: ``registration``, or ``barycentre`` of white on black.
        first_seeds: the sample with which it introduces itself, and those to offer beside it.
        weights: file name of the safetensors; ``weights_sha256`` identifies the model in factor and session files.
        accelerated: file name of an ONNX graph of ``generate`` (latent -> RGB) beside the weights, or empty.
        accelerated_code: hash of the backend's code that made it; empty where the two are known to belong together.
    """

    name: str
    backend: str
    title: str = ""
    kind: str = ""
    image_size: tuple[int, int] = (64, 64)
    channels: int = 3
    classes: tuple[str, ...] = ()
    spaces: tuple[LatentSpace, ...] = (LatentSpace(),)
    capabilities: tuple[str, ...] = ("generate",)
    measure: str = "registration"
    origin: str = ""
    licence: str = ""
    data: str = ""
    notice: str = ""
    weights: str = "weights.safetensors"
    weights_sha256: str = ""
    accelerated: str = ""
    accelerated_sha256: str = ""
    accelerated_code: str = ""
    config: Mapping[str, object] = field(default_factory=dict)
    recipe: Mapping[str, object] = field(default_factory=dict)
    figures: Mapping[str, object] = field(default_factory=dict)
    command: str = ""
    conditions: tuple[Condition, ...] = ()
    truncation: float = 1.0
    first_seeds: tuple[int, ...] = ()
    api: int = CARD_API

    def promises(self, capability: type) -> bool:
        """Whether the card names this capability, a protocol of ``capabilities``; an opened generator has it or not."""
        return any(CAPABILITIES.get(name) is capability for name in self.capabilities)

    @property
    def offered(self) -> tuple[Condition, ...]:
        """All its conditions: declared ones, ``truncation``, and ``label`` where there are classes."""
        return offered(self.conditions, classes=self.classes, truncation=self.truncation)

    def offers(self, name: str) -> bool:
        """Whether it has a condition of this name."""
        return any(condition.name == name for condition in self.offered)

    def resolve(self, conditions: Conditions = NONE) -> Conditions:
        """A value for every condition that the model has: the one that was set, else its default.

        Raises:
            UsageError: a condition that the model does not have, or a value of another kind or out of range.
        """
        known = self.offered
        for name in conditions:
            if all(condition.name != name for condition in known):
                why = " (it has no classes)" if name == LABEL else ""
                raise UsageError(
                    f"{self.name} has no condition '{name}'{why}",
                    expected=" or ".join(condition.name for condition in known), action="leave it out",
                )
        return Conditions(tuple(
            (condition.name, condition.check(conditions.get(condition.name, condition.default)))
            for condition in known
        ))

    def seeds_beside(self, seed: int | None, count: int) -> tuple[int, ...]:
        """``count`` seeds to offer beside ``seed``: chosen ones beside the first sample, else those that follow."""
        if seed in self.first_seeds[:1] and len(self.first_seeds) > count:
            return self.first_seeds[1 : count + 1]
        first = 0 if seed is None else seed + 1
        return tuple(range(first, first + count))

    def space(self, name: str = "z") -> LatentSpace:
        """The latent space of this name.

        Raises:
            UnknownNameError: the model has no such space.
        """
        for space in self.spaces:
            if space.name == name:
                return space
        names = ", ".join(space.name for space in self.spaces)
        raise UnknownNameError(f"{self.name} has no latent space '{name}'", expected=f"one of: {names}")

    @property
    def facts(self) -> str:
        """One line for the library: ``64 px · GAN · 100-d``."""
        return " · ".join(
            part for part in (f"{self.image_size[1]} px", self.kind, f"{self.spaces[0].size}-d") if part
        )


def read_card(folder: Path) -> ModelCard:
    """Read ``card.json`` of a model folder; unknown keys are refused with their name.

    Raises:
        ModelFileError: no card, broken, of a newer api, or with values out of range.
    """
    path = Path(folder) / CARD_FILE

    def refuse(reason: str) -> ModelFileError:
        return ModelFileError(f"{path} is not a valid model card ({reason})", expected="json as `models info` prints")

    try:
        card = read_json(path, ModelCard, refuse, most=MOST_BYTES)
    except FileNotFoundError:
        raise ModelFileError(f"{folder} holds no {CARD_FILE}", expected="a model folder of latentstudio") from None
    return check_card(card, where=str(path))


def check_card(card: ModelCard, *, where: str) -> ModelCard:
    """The card itself when its values make sense; ``where`` names the file in the error."""
    if card.api > CARD_API:
        raise ModelFileError(f"{where} has card version {card.api}", expected=f"at most {CARD_API}",
                             action="update latentstudio")
    unknown = [name for name in card.capabilities if name not in CAPABILITIES]
    if unknown:
        raise ModelFileError(f"{where} names the capability '{unknown[0]}'", expected=", ".join(CAPABILITIES))
    if card.measure not in MEASURES:
        raise ModelFileError(f"{where} names the measure '{card.measure}'", expected=" or ".join(MEASURES))
    if not card.spaces or min(card.image_size) < 1 or max(card.image_size) > 8192:
        raise ModelFileError(f"{where} gives image size {card.image_size}", expected="sides from 1 to 8192")
    if not is_plain_name(card.name):
        raise ModelFileError(f"{where} gives the name '{card.name}'", expected="a plain name, as a folder's")
    fault = check_declared(card.conditions, card.truncation, [space.name for space in card.spaces])
    if fault:
        raise ModelFileError(f"{where} {fault}", expected="conditions as the plugin guide tells")
    largest = max(space.size for space in card.spaces)
    if largest > MOST_COORDINATES:
        raise ModelFileError(f"{where} gives a latent of {largest:,} coordinates",
                             expected=f"at most {MOST_COORDINATES:,}")
    for name in (card.weights, card.accelerated):
        if name and not is_plain_name(name):
            raise ModelFileError(f"{where} points outside its folder ('{name[:80]}')", expected="a plain file name")
    return card


def card_with(card: ModelCard, values: Mapping[str, object], refuse: Refuse) -> ModelCard:
    """The card with these values instead of its own.

    Raises:
        StudioError: as ``refuse`` makes it: a key that cards do not have, or a value that they cannot hold.
    """
    unknown = sorted(set(values) - {one.name for one in fields(ModelCard)})
    if unknown:
        raise refuse(f"it has the key '{unknown[0]}'")
    return converted(msgspec.to_builtins({**vars(card), **values}), ModelCard, refuse)


def write_card(folder: Path, card: ModelCard) -> None:
    """Write ``card.json`` into the model folder, readable and whole or not at all."""
    write_whole(Path(folder) / CARD_FILE, msgspec.json.format(msgspec.json.encode(card), indent=1) + b"\n")
