"""Renders every widget in dark and light, at one and two device pixels a pixel and with text twice as large.

``python -m latentstudio.stories.gallery --out DIR`` writes the PNGs, to be looked at beside the drawing.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QGridLayout, QHBoxLayout, QLabel, QScrollArea, QVBoxLayout, QWidget

from latentstudio.factors.curves import Curves
from latentstudio.studio.canvas.film_strip import FilmStrip, StripEntry
from latentstudio.studio.canvas.view import Canvas, Gesture
from latentstudio.studio.factors.card import FactorCard
from latentstudio.studio.library.models_list import LibraryList
from latentstudio.studio.library.sample_grid import SampleGrid
from latentstudio.studio.map.panel import MapPanel
from latentstudio.studio.map.plot import MapPlot
from latentstudio.studio.raw.sliders import RawSliders
from latentstudio.studio.shell.action_search import ActionSearch
from latentstudio.studio.shell.hints import Hint, Hints
from latentstudio.studio.shell.icons import icon_names, icon_pixmap
from latentstudio.studio.shell.shortcut_sheet import ShortcutSheet
from latentstudio.studio.shell.status_line import StatusLine
from latentstudio.studio.shell.top_bar import TopBar
from latentstudio.studio.theme import Choice, Theme, app_theme, apply_theme
from latentstudio.studio.widgets.base import Card, Heading, Link, Text
from latentstudio.studio.widgets.curve_plot import CurvePlot
from latentstudio.studio.widgets.job_strip import JobLine
from latentstudio.studio.widgets.notice_bar import FADE_MS, NoticeBar
from latentstudio.studio.widgets.tab_row import TabRow
from latentstudio.tasks.find_action import ActionRow
from latentstudio.tasks.library import LibraryRow
from latentstudio.tasks.map_values import Legend, Line, Mark, Moving, Scene
from latentstudio.units import DEGREES, PERCENT, PIXELS, TIMES

ACTIONS = (
    ActionRow("undo", "Undo", "Ctrl+Z", "Edit"),
    ActionRow("redo", "Redo", "Ctrl+Shift+Z", "Edit"),
    ActionRow("reset", "Reset all factors", "Ctrl+R", "Edit"),
    ActionRow("save", "Save picture", "Ctrl+S", "File"),
    ActionRow("open", "Open", "Ctrl+O", "File"),
    ActionRow("strip", "Export a strip", "Ctrl+E", "File"),
    ActionRow("fit", "Fit the picture", "Ctrl+0", "View"),
    ActionRow("before", "Show the picture before", "B", "View"),
    ActionRow("new", "New sample", "Space", "Sample"),
)


def sample_picture(seed: int, side: int = 64) -> NDArray[np.uint8]:
    """A made-up picture, uint8 (side, side, 3): a soft blob on a soft ground."""
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:side, 0:side] / side
    ground, blob = generator.uniform(30, 130, 3), generator.uniform(120, 255, 3)
    x, y = generator.uniform(0.4, 0.6, 2)
    share = np.exp(-(((columns - x) / 0.22) ** 2 + ((rows - y) / 0.3) ** 2) ** 2)[..., None]
    shade = 0.75 + 0.25 * np.sin(6 * columns + 3 * rows + seed)[..., None]
    found: NDArray[np.uint8] = np.clip((ground * (1 - share) + blob * share) * shade, 0, 255).astype(np.uint8)
    return found


def _cards() -> list[FactorCard]:
    facts = (
        ("x", PIXELS, "A", 6.2, (-11, 11, -6.1, 7.1), (0.2, 0.2, 0.4)),
        ("y", PIXELS, "A", 0.0, (-11, 11, -4.8, 5.3), (0.15, 0.3, 0.3)),
        ("scale", TIMES, "B", 0.11, (-0.7, 0.7, -0.28, 0.31), (0.3, 0.35, 0.2)),
        ("brightness", PERCENT, "A", -0.12, (-0.5, 0.5, -0.4, 0.42), (0.15, 0.25, 0.2)),
        ("turn", DEGREES, "B", 14.0, (-54, 54, -27, 30), (0.6, 0.3, 0.2)),
    )
    cards = []
    for name, unit, grade, value, ends, leaks in facts:
        card = FactorCard(name, unit, grade)
        card.set_range(*ends)
        card.set_value(value)
        card.set_leaks(dict(zip(("x", "y", "scale"), leaks, strict=True)))
        cards.append(card)
    cards[3].set_note("stops at −12 %")
    cards[4].set_locked(True)
    return cards


def factors_page() -> QWidget:
    """The right panel of the drawing."""
    page, column = _column()
    column.addWidget(TabRow(("Factors", "Raw", "Learn")))
    for card in _cards():
        column.addWidget(card)
    row = QHBoxLayout()
    row.addWidget(Link("Find sliders in this model", role="body"))
    row.addStretch(1)
    row.addWidget(Text("leak  x  y  scale", role="small", colour="dim"))
    column.addLayout(row)
    plot = CurvePlot()
    positions = np.linspace(-3, 3, 25)
    median = 7 * np.tanh(positions / 2)
    plot.set_curves(
        Curves(positions, median, median - 0.8, median + 0.8, positions, 2.6 * positions, (-2.2, 2.4), "px", "x")
    )
    column.addWidget(plot, 1)
    return page


def library_page() -> QWidget:
    """The left panel of the drawing."""
    page, column = _column(12)
    library = LibraryList()
    library.set_rows(
        (
            LibraryRow("faces-gan", "64 px · GAN · 100-d", sample_picture(3), "ready"),
            LibraryRow("faces", "64 px · AVAE · 100-d", None, "available", "MIT"),
            LibraryRow("sprites-b10", "fetching 64 %", sample_picture(5), "fetching", fraction=0.64),
            LibraryRow("scenes", "the card is broken", None, "broken", "line 3"),
        )
    )
    library.set_current("faces-gan")
    grid = SampleGrid()
    grid.set_samples(np.stack([sample_picture(seed) for seed in range(16)]))
    grid.set_seed(1207)
    for widget in (Heading("Library"), library, Heading("Samples"), grid):
        column.addWidget(widget)
    column.addStretch(1)
    return page


def canvas_page() -> QWidget:
    """The middle of the drawing."""
    page = Card(token="background", radius=0)
    column = QVBoxLayout(page)
    column.setContentsMargins(44, 16, 44, 16)
    column.setSpacing(10)
    canvas = Canvas()
    canvas.show_picture(sample_picture(3), 1)
    canvas.set_smooth(True)
    canvas.set_gesture(Gesture("x", 6.2, "+6.2 px"))
    strip = FilmStrip()
    strip.set_entries(tuple(StripEntry(i, sample_picture(i), f"step {i}", i == 7) for i in range(9)))
    column.addWidget(Text("faces-gan   seed 1207   edited", role="small", colour="dim"))
    column.addWidget(canvas, 1)
    column.addWidget(Heading("History"))
    column.addWidget(strip)
    return page


def window_page() -> QWidget:
    """Everything together, as in the drawing."""
    page = QWidget()
    grid = QGridLayout(page)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setSpacing(0)
    status = StatusLine()
    status.set_render("input to picture 9 ms   ·   ONNX Runtime, CPU   ·   full quality")
    status.job.show_job(JobLine("Learning scale", 0.64, 72.0))
    right = QScrollArea()
    right.setWidget(factors_page())
    right.setWidgetResizable(True)
    left = QScrollArea()
    left.setWidget(library_page())
    left.setWidgetResizable(True)
    left.setFixedWidth(232 if app_theme().text_scale < 1.5 else 290)
    right.setFixedWidth(555)
    grid.addWidget(TopBar(("Play", "Research")), 0, 0, 1, 3)
    for index, widget in enumerate((left, canvas_page(), right)):
        grid.addWidget(widget, 1, index)
    grid.addWidget(status, 2, 0, 1, 3)
    grid.setColumnStretch(1, 1)
    return page


def pieces_page() -> QWidget:
    """Notices, icons, raw sliders, an empty canvas and an empty plot."""
    page, column = _column()
    for kind, sentence, action in (
        ("info", "This picture carries no recipe.", ""),
        ("good", "Saved face.png.", "Show"),
        ("bad", "The file ends after 12 bytes; expected a safetensors file of a beta-VAE", "Fetch it again"),
    ):
        bar = NoticeBar()
        bar.show_notice(kind, sentence, action)  # type: ignore[arg-type]  # the literal kinds above
        column.addWidget(bar)
    icons = QHBoxLayout()
    theme = app_theme()
    for name in icon_names():
        label = QLabel()
        label.setPixmap(icon_pixmap(name, theme.tokens.text, 20, page.devicePixelRatioF()))
        icons.addWidget(label)
    column.addLayout(icons)
    raw = RawSliders()
    raw.set_modes(("coordinates", "components"))
    values = np.random.default_rng(1).normal(size=100)
    raw.set_values(values, -3, 3, [f"z {index}" for index in range(100)], start=values * 0.7)
    empty = Canvas()
    empty.set_empty_text("Drop a model file or a picture here")
    row = QHBoxLayout()
    for widget in (raw, empty, CurvePlot()):
        row.addWidget(widget, 1)
    column.addLayout(row, 1)
    return page


def map_page() -> QWidget:
    """The map with everything on it, large and small, and without anything."""
    page, column = _column()
    source = np.random.default_rng(4)
    panels = (MapPanel(), MapPanel(), MapPanel())
    turn = np.linspace(-1.0, 1.0, 9)
    starts = source.normal(size=(6, 2)) * 0.8
    lines = tuple(
        Line(start + np.stack([turn, 0.3 * turn**2 + 0.2 * start[0] * turn], axis=1), turn) for start in starts
    )
    legend = Legend("x", "−12.8 px", "+12.8 px")
    way = np.stack([np.linspace(-1.4, 1.2, 13), 0.5 * np.linspace(-1, 1, 13) ** 2 - 0.6], axis=1)
    marks = (Mark(np.array([0.4, 1.1]), sample_picture(8)),)
    for panel, count in zip(panels[:2], (700, 5_000), strict=True):
        plot = MapPlot()
        panel.take_plot(plot)
        panel.words.setText("principal components of the pictures")
        panel.share.setText("43.3 %")
        plot.set_scene(Scene(source.normal(size=(count, 2)) * (1.0, 0.6), lines, legend, marks))
        ends = (Mark(way[0], sample_picture(3), np.array([-1.0, 0.3])),
                Mark(way[-1], sample_picture(5), np.array([1.0, 0.3]), ringed=True))
        plot.set_moving(Moving(way, way[-1], ends))
        panel.show_plot(True)
    for panel, share in zip(panels, (3, 2, 2), strict=True):
        column.addWidget(panel, share)
    return page


def search_page() -> QWidget:
    """The search for actions."""
    page = window_page()
    page.resize(1440, 900)
    page.show()
    ActionSearch(page).open_with(ACTIONS)
    return page


def shortcuts_page() -> QWidget:
    """The shortcut sheet."""
    return ShortcutSheet(ACTIONS)


def hints_page() -> QWidget:
    """The first hint over the window."""
    page = window_page()
    page.resize(1440, 900)
    page.show()
    card = page.findChildren(FactorCard)[0]
    Hints(page).start((Hint(card, "Drag a slider", "The picture moves by the pixels that the slider says."),) * 3)
    return page


PAGES: dict[str, tuple[Callable[[], QWidget], tuple[int, int] | None]] = {
    "window": (window_page, (1440, 900)),
    "window-small": (window_page, (1280, 720)),
    "pieces": (pieces_page, (1200, 640)),
    "map": (map_page, (560, 980)),
    "search": (search_page, (1440, 900)),
    "shortcuts": (shortcuts_page, None),
    "hints": (hints_page, (1440, 900)),
}


def _column(margin: int = 16) -> tuple[QWidget, QVBoxLayout]:
    page = QWidget()
    column = QVBoxLayout(page)
    column.setContentsMargins(margin, 12, margin, 12)
    column.setSpacing(10)
    return page, column


def render_all(app: QApplication, out: Path, suffix: str, choices: tuple[Choice, ...]) -> tuple[Path, ...]:
    """Write one PNG a page and choice; returns their paths."""
    written = []
    for choice in choices:
        apply_theme(app, choice)
        for name, (build, size) in PAGES.items():
            page = build()
            if size is not None:
                page.resize(*size)
            page.show()
            QTest.qWait(2 * FADE_MS)
            path = out / f"{name}-{choice}{suffix}.png"
            page.grab().save(str(path))
            page.close()
            page.deleteLater()
            app.processEvents()
            written.append(path)
    return tuple(written)


def main(argv: list[str] | None = None) -> int:
    """Render the gallery; the scaled versions in processes of their own, since Qt reads its scale at the start."""
    parser = argparse.ArgumentParser(description="Render every widget of the studio into PNG files.")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--variant", choices=("1x", "2x", "text2"), default=None)
    arguments = parser.parse_args(argv)
    arguments.out.mkdir(parents=True, exist_ok=True)
    if arguments.variant is None:
        for variant, scale in (("1x", "1"), ("2x", "2"), ("text2", "1")):
            environment = {**os.environ, "QT_SCALE_FACTOR": scale}
            environment.setdefault("QT_QPA_PLATFORM", "offscreen")
            command = [sys.executable, "-m", __spec__.name, "--out", str(arguments.out), "--variant", variant]
            subprocess.run(command, env=environment, check=True)
        return 0
    app = QApplication([])
    large = arguments.variant == "text2"
    theme = Theme(app, text_scale=2.0 if large else 1.0)
    suffix = "" if arguments.variant == "1x" else f"-{arguments.variant}"
    render_all(app, arguments.out, suffix, ("dark",) if large else ("dark", "light"))
    theme.set_choice("dark")
    return 0


if __name__ == "__main__":
    sys.exit(main())
