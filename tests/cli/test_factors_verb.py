"""``factors list|learn|apply`` on a small untrained model with two factors that are known exactly."""

from __future__ import annotations

import shutil
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from latentstudio import api
from latentstudio.cli.main import main
from latentstudio.document.session_file import Saved, write_session
from latentstudio.factors import Factor, MeasuredCalibration, MonotoneCurve, read_factor, write_factor
from latentstudio.factors.settings import LearnSettings
from latentstudio.generators.card import read_card, write_card
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.pixels import read_picture
from latentstudio.places import user_factors, user_models
from latentstudio.settings import fields_of
from latentstudio.units import PIXELS, TIMES, Unit

LEARN = ("--starts", "8", "--targets", "1", "--steps", "1", "--judged", "8", "--batch", "8")


def straight(name: str, unit: Unit, coordinate: int, per_step: float) -> Factor:
    """A factor of the model ``example`` that moves ``per_step`` per unit of one coordinate, known from -8 to 8."""
    card = find_catalogue().model("example").card
    assert card is not None
    along = np.linspace(-8.0, 8.0, 17)
    axis = np.zeros(5, dtype=np.float32)
    axis[coordinate] = 1.0
    return Factor(
        name=name, title=name, unit=unit, axis=axis, paper=MonotoneCurve(along, per_step * along),
        measured=MeasuredCalibration(along, per_step * along, 0.1 + 0 * along, (-8.0, 8.0)),
        model=card.name, model_sha256=card.weights_sha256,
    )


@pytest.fixture(scope="module", autouse=True)
def known(cli_home: Path) -> None:
    """The model ``example`` with the factors x (2 px a step) and scale (0.5 a step, binary logarithm)."""
    for name, unit, coordinate, per_step in (("x", PIXELS, 0, 2.0), ("scale", TIMES, 1, 0.5)):
        write_factor(user_factors("example") / f"{name}.safetensors", straight(name, unit, coordinate, per_step))


def test_list_has_units_and_ranges(cli) -> None:
    rows = cli("factors", "list", "example", "--json").json["factors"]
    assert [(row["name"], row["unit"]) for row in rows] == [("x", "px"), ("scale", "x")]
    assert rows[0]["range"] == pytest.approx([-16.0, 16.0])
    assert rows[1]["range"] == pytest.approx([2.0**-4, 2.0**4])
    assert "−16.0 px to +16.0 px" in cli("factors", "list", "example").out


def test_list_says_which_file_is_broken(cli) -> None:
    broken = user_factors("example") / "broken.safetensors"
    broken.write_bytes(b"no factor")
    try:
        answer = cli("factors", "list", "example", "--json")
    finally:
        broken.unlink()
    assert answer.code == 0
    assert "broken.safetensors" in answer.complaint
    assert len(answer.json["factors"]) == 2


def test_forget_puts_a_factor_of_ones_own_aside(cli) -> None:
    write_factor(user_factors("example") / "y.safetensors", straight("y", PIXELS, 2, 1.0))
    answer = cli("factors", "forget", "example", "--factor", "y", "--json").json
    assert answer["shipped"] is False
    assert Path(answer["aside"]).is_file()
    again = cli("factors", "forget", "example", "--factor", "y")
    assert again.code == 2
    assert "no factor 'y' of your own" in again.complaint
    assert len(cli("factors", "list", "example", "--json").json["factors"]) == 2


def test_apply_moves_the_latent_by_what_was_asked(cli, tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    answer = cli(
        "factors", "apply", "example", "--seed", "3", "--set", "x=2px", "--set", "scale=1.2x", "--out", out, "--json"
    ).json
    assert answer["set"]["x"] == {"asked": 2.0, "reached": pytest.approx(2.0), "unit": "px", "clamped": False}
    assert answer["set"]["scale"]["reached"] == pytest.approx(1.2)
    assert (answer["clamped"], answer["notes"], answer["seed"]) == ([], [], 3)
    model = api.open_model("example")
    start = api.sample(model, seed=3)
    moved = api.apply(model, start, {"x": "2px", "scale": 1.2})
    assert moved.latent - start == pytest.approx([1.0, np.log2(1.2) / 0.5, 0, 0, 0], abs=1e-5)
    assert np.array_equal(moved.pixels, read_picture(out))


def test_apply_beyond_the_known_range_is_clamped_and_said(cli, tmp_path: Path) -> None:
    out, again = tmp_path / "out.png", tmp_path / "again.png"
    answer = cli("factors", "apply", "example", "--seed", "3", "--set", "x=40px", "--out", out, "--json")
    assert answer.code == 0
    assert answer.json["clamped"] == ["x"]
    assert answer.json["set"]["x"]["clamped"] is True
    assert answer.json["set"]["x"]["reached"] < 20
    assert "+40.0 px lies beyond the known range" in answer.complaint
    assert cli("render", out, "--out", again, "--json").json["max_difference"] == 0


def test_apply_from_a_picture_keeps_its_other_factors(cli, tmp_path: Path) -> None:
    first, second = tmp_path / "first.png", tmp_path / "second.png"
    cli("factors", "apply", "example", "--seed", "5", "--set", "x=3px", "--out", first)
    answer = cli("factors", "apply", "--from", first, "--set", "scale=0.9x", "--out", second, "--json").json
    assert set(answer["set"]) == {"x", "scale"}
    assert answer["set"]["x"]["reached"] == pytest.approx(3.0)
    assert answer["seed"] == 5


def test_apply_and_render_take_a_session_file(cli, tmp_path: Path) -> None:
    model = api.open_model("example")
    view = api.View.start(model.card, api.sample(model, seed=9), 9).with_position("x", -2.0)
    path = tmp_path / "nine.latentstudio"
    write_session(path, Saved(api.Session((view,))))
    answer = cli("factors", "apply", "--from", path, "--out", tmp_path / "a.png", "--json").json
    assert (answer["seed"], answer["set"]["x"]["reached"]) == (9, pytest.approx(-2.0))
    rendered = cli("render", path, "--out", tmp_path / "b.png", "--json").json
    assert (rendered["max_difference"], rendered["seed"]) == (None, 9)
    assert np.array_equal(read_picture(tmp_path / "a.png"), read_picture(tmp_path / "b.png"))


@pytest.mark.parametrize(("words", "part"), [
    (["example", "--set", "z=8px"], "there is no factor 'z'"),
    (["example", "--set", "x=wide"], "'wide' is not a value in px"),
    (["example", "--set", "x"], "NAME=VALUE"),
    (["example", "--set", "scale=-1x"], "not above 0"),
    (["example", "--set", "x=nan"], "nan"),
    (["example", "--label", "3"], "no classes"),
    ([], "no model was named"),
    (["--from", "/nowhere.png"], "cannot be read"),
])
def test_apply_mistakes_are_one_line(cli, tmp_path: Path, words: list[str], part: str) -> None:
    answer = cli("factors", "apply", *words, "--out", tmp_path / "out.png")
    assert answer.code == 2
    assert part in answer.complaint
    assert not (tmp_path / "out.png").exists()


def test_from_excludes_seed_and_another_model(cli, tmp_path: Path) -> None:
    first = tmp_path / "first.png"
    cli("factors", "apply", "example", "--out", first)
    assert "exclude each other" in cli("factors", "apply", "--from", first, "--seed", "1", "--out", "x.png").complaint
    assert "not by 'other'" in cli("factors", "apply", "other", "--from", first, "--out", "x.png").complaint


def test_a_picture_of_other_weights_is_refused(cli, tmp_path: Path) -> None:
    model = api.open_model("example")
    picture = api.apply(model, api.sample(model, seed=1), {})
    foreign = api.View(
        model="example", model_sha256="0" * 64, latent=picture.view.latent, shape=picture.view.shape
    )
    path = tmp_path / "foreign.latentstudio"
    write_session(path, Saved(api.Session((foreign,))))
    answer = cli("render", path, "--out", tmp_path / "x.png")
    assert answer.code == 2
    assert "another 'example'" in answer.complaint


def test_learn_writes_a_factor_with_the_promised_keys(cli, tmp_path: Path) -> None:
    out = tmp_path / "b.safetensors"
    answer = cli("factors", "learn", "example", "--factor", "brightness", "--out", out, "--json", *LEARN)
    if answer.code == 2:
        assert answer.json["error"], "an untrained model may have nothing to learn, but then it is said"
        return
    assert {
        "seconds", "starts", "records_kept", "r2_heldout_starts", "unit", "range", "measured"
    } <= set(answer.json)
    assert {"t", "median", "std"} <= set(answer.json["measured"])
    assert len(answer.json["range"]) == 2
    assert read_factor(out).name == "brightness"


@pytest.mark.parametrize(("words", "part"), [
    (["--factor", "mood"], "mood"),
    (["--factor", "x", "--starts", "1"], "--starts is 1; expected a whole number of 8 or more"),
    (["--factor", "x", "--axis", "sideways"], "sideways"),
    ([], "one of the arguments --factor --transformation is required"),
    (["--factor", "x", "--transformation", "mine.py:f"], "not allowed with argument --factor"),
    (["--transformation", "/nowhere/mine.py:f"], "there is no file /nowhere/mine.py"),
    (["--factor", "/nowhere/mine.py:f"], "one of: x, y, scale, rotation, turn"),
    (["--factor", "hue", "--fill", "0"], "'hue' moves no pixels"),
    (["--factor", "x", "--fill", "2"], "0 (black) to 1 (white)"),
    (["--factor", "x", "--interpolation", "clever"], "clever"),
    (["--factor", "x+x"], "named twice"),
    (["--factor", "x", "--reach", "6"], "leaves nothing of pictures 64 px wide valid; expected at most +12.8 px"),
    (["--factor", "hue"], "'hue' cannot be measured on this model's pictures"),
])
def test_learn_mistakes_are_one_line(cli, tmp_path: Path, words: list[str], part: str) -> None:
    answer = cli("factors", "learn", "example", "--out", tmp_path / "f.safetensors", *words)
    assert answer.code == 2
    assert part in answer.complaint


@pytest.mark.parametrize(("code", "part"), [
    ("def f(images, t)\n", "mine.py, line 1: expected ':'"),
    ("def f(images, t):\n    return images / 0, images[:, :1]\n", "mine.py, line 1: 'f' gave pictures with NaN"),
    ("def f(images, t):\n    return images.nothing\n", "mine.py, line 2: 'f' raised AttributeError"),
    ("def f(images, t):\n    return images, images[:, :1] * 0\n", "mine.py, line 1: 'f' by +40 % gave an empty mask"),
    ("def f(images, t):\n    return images, images[:, :1] >= 0\n", "'f' cannot be read back"),
])
def test_a_broken_transformation_is_one_line_before_anything_is_learned(
    cli, tmp_path: Path, code: str, part: str
) -> None:
    path = tmp_path / "mine.py"
    path.write_text(code, encoding="utf-8")
    answer = cli("factors", "learn", "example", "--transformation", f"{path}:f", "--out", tmp_path / "f.safetensors")
    assert answer.code == 2
    assert part in answer.complaint


def test_how_a_transformation_of_ones_own_is_measured_is_said(cli, tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    lines = "def lift(images, t):\n    return (images + t[:, None, None, None]).clamp(0, 1), images[:, :1] >= 0\n"
    path.write_text(lines, encoding="utf-8")
    answer = cli("factors", "learn", "example", "--transformation", path, "--out", tmp_path / "f.safetensors", *LEARN)
    assert answer.code in (0, 2)  # an untrained model may have nothing to learn
    assert "lift is measured by least squares over lift's own family" in answer.err


def test_where_nothing_can_be_written_nothing_is_learned(cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("latentstudio.cli.factors.open_model", lambda *_, **__: pytest.fail("the model was opened"))
    answer = cli("factors", "learn", "example", "--factor", "x", "--out", tmp_path)
    assert answer.code == 2
    assert "a folder is in the way" in answer.complaint


def test_evaluating_nobody_is_refused(cli) -> None:
    answer = cli("factors", "evaluate", "example", "--factor", "x", "--count", "0")
    assert answer.code == 2
    assert "at least 1" in answer.complaint


def test_a_label_beside_a_saved_picture_is_refused(cli, tmp_path: Path) -> None:
    cli("factors", "apply", "example", "--out", tmp_path / "a.png")
    answer = cli("factors", "apply", "--from", tmp_path / "a.png", "--label", "1", "--out", tmp_path / "b.png")
    assert answer.code == 2
    assert "exclude each other" in answer.complaint


def test_a_factor_file_of_another_model_is_named_when_its_factor_is_asked_for(cli, tmp_path: Path) -> None:
    foreign = user_factors("example") / "mood.safetensors"
    write_factor(foreign, replace(straight("mood", PIXELS, 2, 1.0), model="other", model_sha256="f" * 64))
    try:
        answer = cli("factors", "apply", "example", "--set", "mood=1px", "--out", tmp_path / "a.png")
    finally:
        foreign.unlink()
    assert answer.code == 2
    assert "mood.safetensors belongs to the model 'other'" in answer.complaint


BAD = """
import torch
class Made:
    def __init__(self, card):
        self.card, self.network = card, torch.nn.{network}
    def generate(self, latent, *, space="z", conditions=None):
        {generate}
class Backend:
    def probe(self, path):
        return None
    def open(self, card, folder, *, device):
        return Made(card)
def create():
    return Backend()
"""


@pytest.mark.parametrize(("network", "generate", "part"), [
    ("Linear(1, 1)", "raise RuntimeError('out of cheese')", "could not generate (RuntimeError: out of cheese)"),
    ("Linear(1, 1)", "return torch.zeros(len(latent), 1, 64, 64)", "returned pictures of shape"),
    ("Linear(1, 1)", "return 3", "returned pictures of shape int"),
    ("ReLU()", "return torch.zeros(len(latent), 3, 64, 64)", "has no parameters"),
])
def test_a_plugin_that_goes_wrong_ends_learning_and_evaluating_with_one_line(
    cli, cli_home: Path, tmp_path: Path, network: str, generate: str, part: str
) -> None:
    bad_model(cli_home, network, generate)
    learned = cli("factors", "learn", "bad", "--factor", "x", "--out", tmp_path / "f.safetensors", *LEARN)
    assert learned.code == 2
    assert part in learned.complaint
    factor = replace(straight("x", PIXELS, 0, 4.0), model="bad", model_sha256=api.open_model("bad").card.weights_sha256)
    write_factor(tmp_path / "x.safetensors", factor)
    evaluated = cli("factors", "evaluate", "bad", "--factor", tmp_path / "x.safetensors", "--count", "16")
    assert evaluated.code == 2
    assert part in evaluated.complaint


def test_learning_says_that_a_plugin_lets_no_gradients_through(cli, cli_home: Path, tmp_path: Path) -> None:
    bad_model(cli_home, "Linear(1, 1)", "return torch.zeros(len(latent), 3, 64, 64)")
    answer = cli("factors", "learn", "bad", "--factor", "x", "--out", tmp_path / "f.safetensors", *LEARN)
    assert answer.code == 2
    assert "do not let gradients through" in answer.complaint


def bad_model(home: Path, network: str, generate: str) -> None:
    """The model ``bad``: the weights of ``example``, opened by a plugin of this network and this way to generate."""
    name = "bad_" + sha256(f"{network}{generate}".encode()).hexdigest()[:8]
    plugin, model = home / "data" / "plugins" / name, user_models() / "bad"
    plugin.mkdir(parents=True, exist_ok=True)
    (plugin / "plugin.toml").write_text(f'id = "{name}"\napi_version = 2\nfactory = "{name}.backend:create"\n')
    (plugin / "__init__.py").write_text("")
    (plugin / "backend.py").write_text(BAD.format(network=network, generate=generate))
    shutil.rmtree(model, ignore_errors=True)
    shutil.copytree(user_models() / "example", model)
    write_card(model, replace(read_card(model), name="bad", backend=name, image_size=(64, 64)))


def test_the_help_of_learning_tells_every_setting_with_its_reason(capsys):
    assert main(["factors", "learn", "--help"]) == 0
    shown = "".join(capsys.readouterr().out.split())  # lines are broken at hyphens as well
    for field in fields_of(LearnSettings):
        assert field.name == "seed" or "".join(field.help.split()) in shown, field.name
