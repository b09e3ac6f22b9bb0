"""How the window stands, in the toolkit's own bytes, and what they were made for."""

from __future__ import annotations

from PySide6.QtCore import qVersion
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMainWindow

from latentstudio.document.preferences import Layout
from latentstudio.version import VERSION


def toolkit_and_screens() -> str:
    """Versions of the program and of Qt, and the screens: a layout is restored only where all are as they were."""
    screens = (
        f"{area.width()} x {area.height()} + {area.x()} + {area.y()} at {screen.devicePixelRatio():g}"
        for screen in QGuiApplication.screens() for area in (screen.availableGeometry(),)
    )
    return f"latentstudio {VERSION}; Qt {qVersion()}; {', '.join(screens)}"


def layout_of(window: QMainWindow) -> Layout:
    """How the window stands now, sealed."""
    geometry, state = bytes(window.saveGeometry().data()), bytes(window.saveState().data())
    return Layout(geometry, state, toolkit_and_screens()).sealed()
