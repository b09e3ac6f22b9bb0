"""``latentstudio invert-study``: parts, reports that grow, and wrong words."""

from __future__ import annotations

import pytest

from latentstudio.inversion import study


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(study, "LOSS_STEPS", 3)


def test_a_part_is_measured_and_the_next_call_adds_another(cli, tmp_path):
    out = tmp_path / "study"
    first = cli("invert-study", "example", "--count", 2, "--parts", "own", "--out", out, "--json")
    assert first.code == 0
    assert first.json["own"]["count"] == 2
    second = cli("invert-study", "example", "--count", 10, "--parts", "optimisers", "--out", out, "--json")
    assert {"own", "optimisers"} <= set(second.json)
    text = (out / "README.md").read_text(encoding="utf-8")
    assert "held-out samples (2)" in text
    assert "Starts and optimisers (1" in text


def test_losses_are_judged_by_the_add_on_or_the_message_says_how_to_get_it(cli, tmp_path):
    answer = cli("invert-study", "example", "--count", 2, "--parts", "losses", "--out", tmp_path / "study")
    assert answer.code == 2
    assert "models get features-efficientnet-lite0" in answer.complaint


@pytest.mark.parametrize(("words", "complaint"), [
    (("--parts", "own,beauty"), "the part 'beauty'"), (("--count", "0"), "count"),
])
def test_wrong_words_are_one_line(cli, tmp_path, words, complaint):
    answer = cli("invert-study", "example", *words, "--out", tmp_path / "study")
    assert answer.code == 2
    assert complaint in answer.complaint
