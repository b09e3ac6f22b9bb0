"""Writes a study down: ``README.md`` with tables, plots as SVG, a sheet of pictures, and all numbers as json."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TypedDict, TypeVar

import numpy as np
from numpy.typing import NDArray

from latentstudio import pixels
from latentstudio.errors import UsageError
from latentstudio.figures import write_figure
from latentstudio.files import write_whole
from latentstudio.inversion.study import CONSTRAINTS, LOSSES
from latentstudio.readers import converted
from latentstudio.svg import Drawing

FILE = "study.json"
COLOURS = ("#3b6fb6", "#c4572e", "#4c8f5b", "#8a5aa8", "#b08a2e", "#5b6b7a")
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 720, 400, 70, 200, 20, 50
_INK, _LINE = "#1c2027", "#dddddd"

Found = TypeVar("Found")
Line = tuple[str, Sequence[float | None]]


class Spread(TypedDict):
    """Of a figure over pictures."""

    mean: float
    std: float
    median: float


Own = TypedDict("Own", {
    "count": int, "start_mse": float, "mse_median": float, "mse_95": float, "seconds_median": float,
    "below_0.0002": int, "below_0.001": int,
})


class LossRow(TypedDict):
    """One loss with one constraint."""

    loss: str
    constraint: str
    features: Spread
    mse: Spread
    dssim: Spread
    norm: Spread


class Losses(TypedDict):
    """What ``compare_losses`` tells."""

    count: int
    steps: int
    rows: list[LossRow]


class UsualRow(TypedDict):
    """One error with its usual settings."""

    loss: str
    features: float
    behind: float
    interval: list[float]
    mse: float
    seconds: float


class Usual(TypedDict):
    """What ``compare_usual`` tells."""

    count: int
    best: str
    rows: list[UsualRow]


class Following(TypedDict):
    """What ``compare_following`` tells."""

    transformation: str
    t: float
    count: int
    steps: int
    better_recursive: float
    loss_naive: Spread
    loss_recursive: Spread
    steps_naive: int
    steps_recursive: int
    curve_naive: list[float | None]
    curve_recursive: list[float | None]


class OptimiserRow(TypedDict):
    """One start with one optimiser; ``curve`` stands over the table's ``grid``."""

    start: str
    optimiser: str
    mse: float
    mse_95: float
    seconds: float
    curve: list[float | None]


class Optimisers(TypedDict):
    """What ``compare_optimisers`` tells."""

    count: int
    grid: list[float]
    rows: list[OptimiserRow]


def write_report(folder: Path, tables: Mapping[str, object], *, command: str) -> None:
    """Write everything that ``tables`` (by part) has into ``folder``.

    Raises:
        UsageError: a part that this program did not write so.
        StorageError: the folder may not be written, or the disk is full.
    """
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / FILE, (json.dumps(tables, indent=1) + "\n").encode())
    sections = [f"# Inversions of {tables['model']} compared\n\nMade by `{command}`; all numbers: `{FILE}`. "
                "Errors are those of pictures in [0, 1]."]
    parts: dict[str, Callable[[object], str]] = {
        "own": lambda told: _own(_read(told, Own)), "losses": lambda told: _losses(_read(told, Losses)),
        "usual": lambda told: _usual(_read(told, Usual)),
        "following": lambda told: _following(folder, _read(told, list[Following])),
        "optimisers": lambda told: _optimisers(folder, _read(told, Optimisers)),
    }
    sections += [write(tables[name]) for name, write in parts.items() if name in tables]
    write_whole(folder / "README.md", ("\n\n".join(sections) + "\n").encode())


def _read(told: object, kind: type[Found]) -> Found:
    return converted(told, kind, lambda reason: UsageError(
        f"what {FILE} holds of an earlier study cannot be read ({reason})", action="write into another folder"))


def write_pictures(folder: Path, rows: Sequence[Sequence[NDArray[np.uint8]]]) -> None:
    """The sheet of the losses: targets above, then one row for each loss with the ball."""
    folder.mkdir(parents=True, exist_ok=True)
    pixels.write_png(folder / "losses.png", pixels.grid(np.concatenate([np.stack(row) for row in rows]),
                                                        columns=len(rows[0])))


def _own(table: Own) -> str:
    return (
        f"## The model's own held-out samples ({table['count']})\n\n"
        f"The encoder alone has a mean squared error of {table['start_mse']:.4f}. After at most 12 second-order steps "
        f"the median is {table['mse_median']:.2g} and the 95th percentile {table['mse_95']:.2g}; "
        f"{table['below_0.0002']} of {table['count']} are at most 0.0002, {table['below_0.001']} at most 0.001. "
        f"Median time: {table['seconds_median']:.1f} s."
    )


def _losses(table: Losses) -> str:
    lines = [
        f"## Losses, with and without the ball ({table['count']} pictures that the model cannot draw exactly)",
        f"All by {table['steps']} steps of Adam from the same samples of the prior. Mean ± standard deviation "
        "over pictures; the distance of features is the judge, as in Table 2 of Plumerault et al. 2020 (there LPIPS).",
        "| loss | constraint | distance of features | MSE | DSSIM | length of the latent |\n|---|---|---|---|---|---|\n"
        + "\n".join(
            f"| {row['loss']} | {row['constraint']} | {_pm(row['features'])} | {_pm(row['mse'], 4)} | "
            f"{_pm(row['dssim'])} | {row['norm']['mean']:.1f} |" for row in table["rows"]
        ),
    ]
    for constraint in CONSTRAINTS:
        rows = {row["loss"]: row["features"] for row in table["rows"] if row["constraint"] == constraint}
        best = min(rows, key=lambda loss: rows[loss]["mean"])
        lines.append(f"Constraint {constraint}: the smallest distance of features has **{best}**.")
    gains = [_of(table, loss, "none") - _of(table, loss, "ball") for loss in LOSSES]
    helped = sum(gain > 0 for gain in gains)
    lines.append(f"The ball makes the distance of features smaller for {helped} of {len(LOSSES)} losses.")
    lines.append(f"Rows from above: the targets, then what {', '.join(LOSSES)} found inside the ball.\n\n"
                 "![pictures](losses.png)")
    return "\n\n".join(lines)


def _usual(table: Usual) -> str:
    rows = "\n".join(
        f"| {row['loss']} | {row['features']:.3f} | {row['behind']:+.4f} ({row['interval'][0]:+.4f} to "
        f"{row['interval'][1]:+.4f}) | {row['mse']:.5f} | {row['seconds']:.1f} |" for row in table["rows"]
    )
    return (
        f"## The usual settings with each error ({table['count']} pictures that the model cannot draw exactly)\n\n"
        "Every error with the optimiser that it gets by itself (squares Gauss-Newton, the others L-BFGS), from the "
        "encoder where there is one. The distance of features, which had no part in any search, is the judge; "
        f"differences from {table['best']} with 95 % intervals, paired bootstrap over the pictures.\n\n"
        "| error | distance of features | behind the best | MSE | processor seconds |\n|---|---|---|---|---|\n" + rows
    )


def _of(table: Losses, loss: str, constraint: str) -> float:
    return next(row["features"]["mean"] for row in table["rows"]
                if (row["loss"], row["constraint"]) == (loss, constraint))


def _following(folder: Path, tables: Sequence[Following]) -> str:
    lines = [
        "## Recursive against naive targets",
        "As Figure 10 of Plumerault et al. 2020: equally many Adam steps from the same samples, either all towards the "
        "last target or towards ten targets one after the other. The loss is the blurred one to the last target. "
        "\"Steps\" is where the median first reaches the worse way's last loss.",
        "| transformation | T | samples | naive: last loss | recursive: last loss | naive: steps | recursive: steps | "
        "recursive is better on |\n|---|---|---|---|---|---|---|---|\n" + "\n".join(
            f"| {one['transformation']} | {one['t']:.3g} | {one['count']} | {one['loss_naive']['median']:.2g} | "
            f"{one['loss_recursive']['median']:.2g} | {one['steps_naive']} | {one['steps_recursive']} | "
            f"{100 * one['better_recursive']:.0f} % |" for one in tables
        ),
    ]
    for one in tables:
        name = f"following-{one['transformation']}.svg"
        curves = [("naive", one["curve_naive"]), ("recursive", one["curve_recursive"])]
        _write_plot(folder / name, curves, list(range(1, one["steps"] + 1)), "steps", "median loss to the last target")
        lines.append(f"![{one['transformation']}]({name})")
    return "\n\n".join(lines)


def _optimisers(folder: Path, table: Optimisers) -> str:
    curves = [(f"{row['start']}, {row['optimiser']}", row["curve"]) for row in table["rows"]]
    _write_plot(folder / "optimisers.svg", curves, table["grid"], "seconds", "median MSE")
    rows = "\n".join(
        f"| {row['start']} | {row['optimiser']} | {row['mse']:.2g} | {row['mse_95']:.2g} | {row['seconds']:.1f} |"
        for row in table["rows"]
    )
    return (
        f"## Starts and optimisers ({table['count']} of the model's own samples)\n\nRandom starts are the best 4 of 64 "
        "samples, the worse half dropped three times.\n\n| start | optimiser | median MSE | 95th percentile | median "
        f"seconds |\n|---|---|---|---|---|\n{rows}\n\n![time to loss](optimisers.svg)"
    )


def _pm(told: Spread, digits: int = 3) -> str:
    return f"{told['mean']:.{digits}f} ± {told['std']:.{digits}f}"


def _write_plot(path: Path, lines: Sequence[Line], across: Sequence[float], right: str, up: str) -> None:
    """Lines over ``across`` on a logarithmic upright axis, each with its name at its end; the table has a column a
    line."""
    values = [value for _, line in lines for value in line if value is not None and value > 0]
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    high = high if high > low else low + 1

    def at(x: float, y: float) -> tuple[float, float]:
        wide, tall = _WIDTH - _LEFT - _RIGHT, _HEIGHT - _TOP - _BOTTOM
        return (_LEFT + wide * (x - across[0]) / (across[-1] - across[0]),
                _TOP + tall * (high - math.log10(y)) / (high - low))

    drawing = Drawing(_WIDTH, _HEIGHT)

    def say(words: str, place: tuple[float, float], anchor: str = "start", *, upright: bool = False) -> None:
        drawing.words(words, place, colour=_INK, size=12.0, anchor=anchor, upright=upright)

    for power in range(low, high + 1):
        _, y = at(across[0], 10.0**power)
        drawing.line(((_LEFT, y), (_WIDTH - _RIGHT, y)), colour=_LINE, width=1.0)
        say(f"1e{power}", (_LEFT - 6, y + 4), "end")
    for part in range(5):
        value = across[0] + (across[-1] - across[0]) * part / 4
        say(f"{value:.3g}", (at(value, 10.0**low)[0], _HEIGHT - _BOTTOM + 18), "middle")
    say(right, ((_LEFT + _WIDTH - _RIGHT) / 2, _HEIGHT - 12), "middle")
    say(up, (16, _HEIGHT / 2), "middle", upright=True)
    for number, (name, line) in enumerate(lines):
        colour = COLOURS[number % len(COLOURS)]
        points = [at(x, y) for x, y in zip(across, line, strict=True) if y is not None and y > 0]
        drawing.line(points, colour=colour, width=2.0)
        drawing.rectangle((_WIDTH - _RIGHT + 14, _TOP + 20 * number), (14, 4), fill=colour)
        say(name, (_WIDTH - _RIGHT + 34, _TOP + 6 + 20 * number))
    rows = zip(across, *(line for _, line in lines), strict=True)
    write_figure(path, drawing, (right, *(name for name, _ in lines)), rows)
