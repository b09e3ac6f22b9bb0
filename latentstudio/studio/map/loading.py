"""Brings the plane of the map: pyqtgraph takes a tenth of a second and more, so it is imported in the worker."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from latentstudio.studio.map.plot import MapPlot

PLOT = "latentstudio.studio.map.plot"


def load_plot() -> type[MapPlot]:
    """The plane's class; for the worker, never for the window's thread."""
    return cast("type[MapPlot]", importlib.import_module(PLOT).MapPlot)
