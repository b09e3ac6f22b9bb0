"""Layouts of scenes: equal ones have no distance, loads follow the Poisson law, plots show what was measured."""

from __future__ import annotations

import numpy as np
import pytest

from latentstudio.scenes.layout import (
    distances,
    made_layout,
    measured_saturation,
    normal_layout,
    proposed_layout,
    saturation,
)
from latentstudio.scenes.making import make_scene
from latentstudio.scenes.plots import write_layouts, write_loads


@pytest.fixture(scope="module")
def scenes():
    return [make_scene("flat", seed) for seed in range(120)]


def test_a_layout_has_no_distance_from_itself_and_some_from_another(scenes):
    true = made_layout(scenes)
    boxes = [[one.box for one in scene.objects] for scene in scenes]
    assert distances(proposed_layout(boxes, side=64.0), true) == {"x": 0, "y": 0, "size": 0, "count": 0}
    corner = proposed_layout([[(0.0, 0.0, 4.0, 4.0)]] * 120, side=64.0)
    assert min(distances(corner, true).values()) > 0.5
    assert 0.0 < distances(normal_layout(true), true)["size"] < 0.3
    nothing = proposed_layout([[], [None]], side=64.0)
    assert distances(nothing, true)["x"] == 1.0


def test_several_boxes_a_cell_overload_less_at_the_same_capacity():
    assert saturation(64, 1, 5.0) == pytest.approx(np.exp(-5.0) * (1 + 5 / 64) ** 64, rel=1e-6)
    assert saturation(64, 1, 5.0) < saturation(16, 4, 5.0) < saturation(4, 16, 5.0)


def test_made_scenes_follow_the_law(scenes):
    mean = np.mean([len(scene.objects) for scene in scenes])
    assert measured_saturation(scenes, 1, 6) == 1.0
    assert measured_saturation(scenes, 8, 1) == pytest.approx(saturation(64, 1, mean), abs=0.25)


def test_plots_are_written(scenes, tmp_path):
    true = made_layout(scenes)
    write_layouts(tmp_path / "a.svg", normal_layout(true), true, distances(normal_layout(true), true))
    rows = [{"kind": "flat", "objects": 3.4, "cells": 64 // k, "capacity": k, "theory": 0.9, "measured": 0.8}
            for k in (1, 4, 16)]
    write_loads(tmp_path / "b.svg", rows)
    assert (tmp_path / "a.svg").read_text().count("<polyline") == 4
    assert (tmp_path / "b.svg").read_text().count("<circle") == 3
