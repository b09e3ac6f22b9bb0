"""The session's values are exact, checked and compared by content."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from latentstudio.document.session import MAX_LATENT_BYTES, Session
from latentstudio.errors import UsageError
from latentstudio.generators.card import ModelCard


def test_the_latent_comes_back_bit_for_bit(session: Session) -> None:
    again = session.with_latent(session.latent_array(), seed=session.seed)
    assert again == session
    assert again.latent == session.latent
    assert hash(again) == hash(session)


def test_positions_are_sorted_and_zero_is_left_out(session: Session) -> None:
    moved = session.with_position("brightness", 0.2).with_position("x", 0.0)
    assert moved.positions == (("brightness", 0.2), ("scale", 0.1))
    assert moved.position("x") == 0.0
    assert moved.position("brightness") == 0.2
    assert moved.with_reset(keep=("scale",)).position_map() == {"scale": 0.1}
    assert session.with_positions({"y": 1, "x": 0}).positions == (("y", 1.0),)


def test_the_array_handed_out_is_a_copy(session: Session) -> None:
    array = session.latent_array()
    array[:] = 0
    assert session.latent_array()[0] == np.float32(0.1)


def test_a_new_latent_forgets_the_seed_and_keeps_the_sliders(session: Session) -> None:
    other = session.with_latent(np.zeros(10, np.float32))
    assert other.seed is None
    assert other.positions == session.positions


@pytest.mark.parametrize(
    "change",
    [
        {"latent": b"123"}, {"shape": ()}, {"shape": (0,), "latent": b""}, {"model": ""}, {"label": -3},
        {"truncation": math.nan}, {"truncation": 0.0}, {"seed": -1}, {"seed": 1 << 64},
        {"positions": (("x", math.inf),)}, {"positions": (("x", 1.0), ("x", 2.0))},
        {"latent": np.full(10, np.nan, "<f4").tobytes()},
        {"model": "m" * 201}, {"model": "a\x1b[2J"}, {"space": "z" * 201}, {"positions": (("x\n", 1.0),)},
        {"positions": tuple((f"f{index}", 1.0) for index in range(600))},
        {"latent": bytes(MAX_LATENT_BYTES + 4), "shape": (MAX_LATENT_BYTES // 4 + 1,)},
    ],
)
def test_wrong_values_are_refused(session: Session, change: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        replace(session, **change)  # type: ignore[arg-type]


def test_a_latent_of_the_wrong_size_names_both_sizes(session: Session, card: ModelCard) -> None:
    with pytest.raises(UsageError, match=r"\(9,\).*\(10,\)"):
        session.with_latent(np.zeros(9, np.float32))
    with pytest.raises(UsageError, match=r"\(10,\)"):
        Session.start(card, np.zeros(9, np.float32), 0)


def test_locked_names_are_sorted_once_each_and_survive_edits(session: Session) -> None:
    locked = session.with_kept(("y", "scale", "y"))
    assert locked.kept == ("scale", "y")
    assert locked != session
    assert locked.with_latent(np.zeros(10, np.float32)).with_position("x", 2.0).with_reset().kept == ("scale", "y")
    assert locked.with_kept(()) == session
