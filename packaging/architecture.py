"""The house in one drawing, made from the imports: a row a layer, a box a package as wide as it is long, a line for the
imports between two of them as thick as they are many.

    make architecture        docs/images/architecture.svg, architecture.csv
"""

from __future__ import annotations

import tomllib
from collections import Counter
from pathlib import Path

import grimp

from latentstudio.figures import write_figure
from latentstudio.svg import Drawing

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "docs" / "images" / "architecture.svg"
WIDTH, ROW, HEIGHT, EDGE, GAP = 1080.0, 74.0, 40.0, 20.0, 16.0
LEAST, SIGN = 64.0, 7.2  # of a box, and pixels that a letter of its name wants
INK, DIM, LINE, BOX = "#1c2027", "#69717f", "#5b7fb8", "#e8edf5"
COLOURS = {"studio": "#fbe5cf", "stories": "#fbe5cf", "tasks": "#d8ecd5", "plugins": "#efe0f2"}


def main() -> None:
    """Draw and write."""
    graph = grimp.build_graph("latentstudio", "plugins")
    rows = _layers()
    lines = {name: _lines(name) for row in rows for name in row}
    places = _places(rows, lines)
    drawing = Drawing(WIDTH, EDGE + ROW * len(rows) + 30.0, title="The packages of latentstudio and their imports")
    imports = sorted(_imports(graph, set(places)).items())
    for (upper, lower), count in imports:
        (ux, uy, uw), (lx, ly, lw) = places[upper], places[lower]
        start, end = (ux + uw / 2, uy + HEIGHT), (lx + lw / 2, ly)
        drawing.line((start, end), colour=LINE, width=min(0.5 + count / 16, 5.0), opacity=0.28)
    for name, (x, y, width) in places.items():
        drawing.rectangle((x, y), (width, HEIGHT), fill=COLOURS.get(name, BOX))
        drawing.words(name, (x + width / 2, y + 18), colour=INK, size=13.0, anchor="middle", bold=True)
        drawing.words(f"{lines[name]:,} lines", (x + width / 2, y + 33), colour=DIM, size=10.0, anchor="middle")
    drawing.words("Above imports below, never the other way round; import-linter keeps it. Orange knows Qt.",
                  (EDGE, EDGE + ROW * len(rows) + 14), colour=DIM, size=12.0)
    write_figure(OUT, drawing, ("package", "imports", "times"), ((*pair, count) for pair, count in imports))
    print(f"{len(places)} packages in {OUT}")


def _layers() -> list[list[str]]:
    """The rows of the layers' contract, from above; the plugins stand beside the rooms."""
    with open(ROOT / "pyproject.toml", "rb") as stream:
        contracts = tomllib.load(stream)["tool"]["importlinter"]["contracts"]
    told = next(contract["layers"] for contract in contracts if contract["type"] == "layers")
    rows = [[name.strip() for name in row.split("|")] for row in told]
    next(row for row in rows if "factors" in row).append("plugins")
    return rows


def _lines(name: str) -> int:
    base = ROOT / name if name == "plugins" else ROOT / "latentstudio" / name
    files = base.rglob("*.py") if base.is_dir() else [base.with_suffix(".py")]
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in files if "tests" not in path.parts)


def _places(rows: list[list[str]], lines: dict[str, int]) -> dict[str, tuple[float, float, float]]:
    """Left edge, upper edge and width of every box; a row is spread over the whole width."""
    places = {}
    for number, row in enumerate(rows):
        widths = [max(LEAST, SIGN * len(name) + 24.0, 8.0 * lines[name] ** 0.4) for name in row]
        gap = (WIDTH - 2 * EDGE - sum(widths)) / (len(row) + 1)
        x = EDGE + gap
        for name, width in zip(row, widths, strict=True):
            places[name] = (x, EDGE + ROW * number, width)
            x += width + gap
    return places


def _imports(graph: grimp.ImportGraph, names: set[str]) -> Counter[tuple[str, str]]:
    """How many imports lead from one package to another."""
    found: Counter[tuple[str, str]] = Counter()
    for module in graph.modules:
        upper = _package(module)
        for other in graph.find_modules_directly_imported_by(module):
            lower = _package(other)
            if upper != lower and {upper, lower} <= names:
                found[upper, lower] += 1
    return found


def _package(module: str) -> str:
    first, _, rest = module.partition(".")
    return "plugins" if first == "plugins" else rest.partition(".")[0]


if __name__ == "__main__":
    main()
