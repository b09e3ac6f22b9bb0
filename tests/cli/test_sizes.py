"""``--size`` and ``--seed`` in the verbs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from latentstudio.pixels import read_picture


@pytest.mark.parametrize(("options", "side"), [((), 64), (("--size", "4x"), 256), (("--size", "100"), 100),
                                                (("--size", "2x", "--enlarge", "nearest"), 128)])  # fmt: skip
def test_an_enlarged_picture_is_made_again_from_its_recipe(cli, tmp_path: Path, options, side: int) -> None:
    for words in (("sample", "example", "--count", 1), ("factors", "apply", "example", "--seed", 3)):
        out = tmp_path / f"{words[0]}.png"
        told = cli(*words, *options, "--out", out, "--json")
        assert told.code == 0, told.err
        assert read_picture(out).shape == (side, side, 3)
        again = cli("render", out, "--out", tmp_path / "again.png", "--json").json
        assert (again["max_difference"], again["size"]) == (0, [side, side])
        assert np.array_equal(read_picture(out), read_picture(tmp_path / "again.png"))
        plain = cli("render", out, "--size", "1x", "--out", tmp_path / "plain.png", "--json").json
        assert (plain["max_difference"], plain["size"]) == (0, [64, 64])


def test_sheets_have_enlarged_pictures_and_the_usual_gaps(cli, tmp_path: Path) -> None:
    assert cli("sample", "example", "--count", 4, "--size", "2x", "--out", tmp_path / "a.png").code == 0
    assert read_picture(tmp_path / "a.png").shape == (2 * 128 + 2, 2 * 128 + 2, 3)
    assert cli("sample", "example", "--count", 2, "--separate", "--size", "96", "--out", tmp_path / "set").code == 0
    assert read_picture(tmp_path / "set" / "00001.png").shape == (96, 96, 3)
    assert "no size" not in (answer := cli("sample", "example", "--size", "huge", "--out", tmp_path / "b.png")).err
    assert answer.code == 2
    assert "1x, 4x, 8x or pixels" in answer.complaint


def test_the_seed_reaches_the_study_of_inversions(cli, tmp_path: Path) -> None:
    found = []
    for number, seed in enumerate((0, 0, 1)):
        told = cli("invert-study", "example", "--parts", "own", "--count", 2, "--seed", seed,
                   "--out", tmp_path / str(number), "--json")
        assert told.code == 0, told.err
        assert (tmp_path / str(number) / "about.json").is_file()
        found.append({key: value for key, value in told.json["own"].items() if "second" not in key})
    assert found[0] == found[1] != found[2]


def test_the_seed_reaches_the_evaluation_of_scenes(cli) -> None:
    found = [cli("scene", "evaluate", "scenes", "--data", "flat", "--count", 4, "--seed", seed, "--json").json
             for seed in (0, 0, 1)]
    for one in found:
        del one["seed"]
        for key in [key for key in one if "second" in key]:
            del one[key]
    assert found[0] == found[1] != found[2]


def test_answers_tell_version_seed_and_hashes(cli, tmp_path: Path) -> None:
    one = tmp_path / "one.png"
    for words in (("sample", "example", "--count", 1, "--seed", 5, "--out", one), ("models", "info", "example"),
                  ("factors", "list", "example"), ("factors", "apply", "example", "--out", tmp_path / "a.png"),
                  ("render", one, "--out", tmp_path / "b.png")):
        answer = cli(*words, "--json")
        assert answer.code == 0, answer.err
        told = answer.provenance
        assert set(told) == {"version", "seed", "weights", "inputs"}
        if words[0] != "models":
            assert len(told["weights"]["example"]) == 64
        assert list(told["inputs"]) == ([str(one)] if words[0] == "render" else [])
        assert told["seed"] == (5 if str(one) in map(str, words) else told["seed"])
