"""What a panel is built with: the desk, the canvas, and the others that were built before it."""

from __future__ import annotations

from typing import TypeVar

from PySide6.QtCore import QObject

from latentstudio.studio.canvas.panel import PicturePanel
from latentstudio.studio.canvas.presenter import PicturePresenter
from latentstudio.studio.desk import Desk

Made = TypeVar("Made")


class Bench:
    """Hands out what a panel needs, and keeps panels and presenters by their class.

    Args:
        desk: the models that stand open.
        picture_panel, picture: the canvas and what draws on it.
        parent: owns the presenters.
    """

    def __init__(self, desk: Desk, picture_panel: PicturePanel, picture: PicturePresenter, parent: QObject) -> None:
        self.desk = desk
        self.picture_panel = picture_panel
        self.picture = picture
        self.parent = parent
        self._made: dict[type[object], object] = {}

    def add(self, made: Made) -> Made:
        """Keep a panel or presenter, one of each class, for those that are built after it."""
        self._made[type(made)] = made
        return made

    def get(self, kind: type[Made]) -> Made:
        """The panel or presenter of this class; a row that asks for a later one is a defect of the table."""
        found = self._made[kind]
        assert isinstance(found, kind)
        return found
