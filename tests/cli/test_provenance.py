"""What was drawn at random tells its seed, given or not: in the answer, and beside what was written."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from latentstudio.autoencoding import toy
from latentstudio.factors import Factor, MeasuredCalibration, MonotoneCurve, write_factor
from latentstudio.factors.settings import EVALUATION_SEED, PROTOCOL_SEED
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.pixels import write_png
from latentstudio.places import user_factors
from latentstudio.units import PERCENT, TIMES

MODEL, ONE = "example", ("--factor", "brightness")
INVERT = ("invert", MODEL, "PHOTO", "--out", "OUT", "--steps", 2, "--frame", "none", "--start", "random")


@pytest.fixture(scope="module", autouse=True)
def known(cli_home: Path) -> None:
    card = find_catalogue().model(MODEL).card
    assert card is not None
    along = np.linspace(-4.0, 4.0, 9)
    for number, (name, unit) in enumerate((("brightness", PERCENT), ("scale", TIMES))):
        write_factor(user_factors(MODEL) / f"{name}.safetensors", Factor(
            name, name, unit, np.eye(5, dtype=np.float32)[number], MonotoneCurve(along, 0.002 * along),
            MeasuredCalibration(along, 0.002 * along, 0.1 + 0 * along, (-4.0, 4.0)), card.name, card.weights_sha256))


@pytest.fixture(autouse=True)
def short(monkeypatch) -> None:
    original = toy.toy_recipe
    monkeypatch.setattr(toy, "toy_recipe", lambda seed=0, *, scale=1.0: original(seed, scale=0.005))


@pytest.mark.parametrize(("words", "usual"), [
    (("sample", MODEL, "--count", 1, "--out", "OUT/a.png"), 0),
    (("factors", "apply", MODEL, "--set", "brightness=0.1%", "--out", "OUT/a.png"), 0),
    (("factors", "apply", MODEL, "--at", "brightness=1", "--out", "OUT/a.png"), 0),
    (("factors", "traverse", MODEL, *ONE, "--seeds", 2, "--alphas", "-1,1", "--out", "OUT/a.png"), 0),
    (("factors", "evaluate", MODEL, *ONE, "--count", 6, "--out", "OUT"), EVALUATION_SEED),
    (("factors", "evaluate", MODEL, *ONE, "--count", 5, "--protocol", "paper", "--out", "OUT"), PROTOCOL_SEED),
    (("factors", "compare", MODEL, *ONE, "--count", 5, "--alphas", "-1,0,1", "--out", "OUT"), PROTOCOL_SEED),
    (("map", MODEL, "--count", 20, "--out", "OUT/map.csv"), 0),
    (("invert-study", MODEL, "--count", 1, "--parts", "own", "--out", "OUT"), 0),
    (("scene", "make", "--kind", "flat", "--count", 1, "--out", "OUT"), 0),
    (("scene", "generate", "scenes", "--count", 1, "--out", "OUT/a.png"), 0),
    (("scene", "evaluate", "scenes", "--data", "flat", "--count", 1, "--out", "OUT"), 0),
    (("autoencoding-toy", "--out", "OUT"), 0),
    (INVERT, 0),
])
def test_the_seed_that_was_used_is_told(cli, tmp_path: Path, words, usual: int) -> None:
    photo = tmp_path / "photo.png"
    write_png(photo, np.full((64, 64, 3), 90, np.uint8))
    for number, given in enumerate((None, 7)):
        out = tmp_path / str(number)
        out.mkdir()
        asked = [str(word).replace("OUT", str(out)).replace("PHOTO", str(photo)) for word in words]
        answer = cli(*asked, *(() if given is None else ("--seed", given)), "--json")
        assert answer.code == 0, answer.err
        used = usual if given is None else given
        assert answer.provenance["seed"] == used
        if "OUT" in words and words[:2] not in (("scene", "make"), INVERT[:2]):
            about = json.loads((out / "about.json").read_text(encoding="utf-8"))
            assert (about["seed"], about["version"]) == (used, answer.provenance["version"])
            assert about["weights"] == answer.provenance["weights"]


def test_where_nothing_is_drawn_there_is_no_seed(cli) -> None:
    assert cli("models", "list", "--json").provenance["seed"] is None
