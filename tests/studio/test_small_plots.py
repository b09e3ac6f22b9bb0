"""What the small plots say beside their lines."""

from __future__ import annotations

import math

import numpy as np
import pytest
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from latentstudio.factors.curves import Curves
from latentstudio.studio.theme import app_theme, apply_theme
from latentstudio.studio.widgets.curve_plot import CurvePlot
from latentstudio.units import log_ticks


@pytest.mark.parametrize(("low", "high", "marks"), [
    (-3.2, -0.9, {0.001, 0.01, 0.1}), (-1.4, -0.9, {0.05, 0.1}), (-2.1, -1.4, {0.01, 0.03}),
])
def test_the_log_scale_has_round_numbers(low: float, high: float, marks: set[float]) -> None:
    found = log_ticks(low, high)
    assert {round(value, 9) for value in found} == marks
    assert all(low <= math.log10(value) <= high for value in found)


def test_a_log_scale_of_many_powers_has_at_most_four_numbers() -> None:
    assert 2 <= len(log_ticks(-9.0, 4.0)) <= 4
    assert log_ticks(-2.001, -2.0005) == ()


def test_the_curves_have_a_legend_where_there_is_room(qtbot: QtBot, qapp: QApplication) -> None:
    apply_theme(qapp, "dark")
    p = np.linspace(-3.0, 3.0, 13)
    plot = CurvePlot()
    qtbot.addWidget(plot)
    plot.set_curves(Curves(p, p, p - 0.1, p + 0.1, p, p, (-2.0, 2.0)))
    seen = {}
    for width in (440, 90):
        plot.resize(width, 220)
        image = plot.grab().toImage()
        top = {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(6, 22)}
        seen[width] = QColor(app_theme().tokens.colour("accent")).name() in top
    assert seen == {440: True, 90: False}
