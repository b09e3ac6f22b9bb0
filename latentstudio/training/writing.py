"""Writing a trained model: weights, card and graph of ``generate``, the same for every method."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from pathlib import Path

from torch import Tensor

from latentstudio.errors import TrainingError
from latentstudio.files import make_folder, sha256_of
from latentstudio.generators.acceleration import GRAPH_FILE, export_graph
from latentstudio.generators.card import ModelCard, card_with, check_card, write_card
from latentstudio.generators.contract import Generator
from latentstudio.generators.weights import write_tensors
from latentstudio.training.building import FindsBackends
from latentstudio.training.recipe import Recipe, card_words


def write_model(
    recipe: Recipe, tensors: Mapping[str, Tensor], out: Path, *, catalogue: FindsBackends, command: str,
    config: Mapping[str, object] | None, figures: Callable[[Generator], Mapping[str, object]],
    facts: Mapping[str, object] | None = None,
) -> ModelCard:
    """Write ``out`` and return the card, which comes last: what the backend reads from the weights, then ``facts`` of
    the data and what the recipe says, then ``figures`` of the model as it will be opened.

    ``config`` is the networks', kept beside the weights as well; None where the weights tell it, and the recipe's own
    goes into the card.

    Raises:
        TrainingError: a key of the recipe's card that cards do not have.
        StorageError: ``out`` may not be written, or the disk is full.
    """
    names = {field.name for field in fields(ModelCard)}
    told = card_words(recipe, facts or {})
    unknown = sorted(set(told) - names)
    if unknown:
        raise TrainingError(f"the recipe's card has the key '{unknown[0]}'", expected=", ".join(sorted(names)))
    make_folder(out)
    backend, card = catalogue.backend(recipe.backend), ModelCard(name=recipe.name, backend=recipe.backend)
    weights = out / card.weights
    header = {"model": recipe.name} | ({} if config is None else {"config": json.dumps(config)})
    write_tensors(weights, tensors, header)
    card = card_with(backend.probe(weights) or card, {
        **told, "name": recipe.name,
        "backend": recipe.backend, "weights": card.weights, "config": dict(recipe.config if config is None else config),
        "weights_sha256": sha256_of(weights), "accelerated": "", "accelerated_sha256": "", "recipe": recipe.as_dict(),
        "command": command,
    }, lambda reason: TrainingError(f"the recipe's card cannot be written ({reason})", expected="values of a card"))
    generator = backend.open(card, out, device="cpu")
    export_graph(generator, out / GRAPH_FILE)
    card = replace(card, accelerated=GRAPH_FILE, accelerated_sha256=sha256_of(out / GRAPH_FILE),
                   figures=dict(figures(generator)))
    write_card(out, check_card(card, where=f"the recipe of {recipe.name}"))
    return card
