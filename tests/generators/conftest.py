"""Small models and plugins made on the spot."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from latentstudio.generators.card import ModelCard, write_card
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.generators.contract import MakesExample


@pytest.fixture
def make_model(home: Path) -> Callable[..., ModelCard]:
    """Make a small untrained model of a shipped backend in the user's models folder (or elsewhere)."""

    def make(name: str, *, backend: str = "beta_vae", parent: Path | None = None, seed: int = 0) -> ModelCard:
        maker = find_catalogue().backend(backend)
        assert isinstance(maker, MakesExample)
        folder = (parent or home / "data" / "models") / name
        folder.mkdir(parents=True)
        card = replace(maker.make_example(folder, seed=seed), name=name)
        write_card(folder, card)
        return card

    return make


@pytest.fixture
def make_plugin(home: Path) -> Callable[..., Path]:
    """Write a plugin into the user's plugins folder; keywords replace lines of its manifest."""

    def make(name: str, code: str, **manifest: str) -> Path:
        folder = home / "data" / "plugins" / name
        folder.mkdir(parents=True)
        values = {"id": f'"{name}"', "api_version": "2", "factory": f'"{name}.backend:create"', **manifest}
        lines = (f"{key} = {value}" for key, value in values.items())
        (folder / "plugin.toml").write_text("\n".join(lines), encoding="utf-8")
        (folder / "__init__.py").write_text("", encoding="utf-8")
        (folder / "backend.py").write_text(code, encoding="utf-8")
        return folder

    return make
