"""The session: one frozen value that holds what stands on the canvas, one view for each picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from latentstudio.document.view import View
from latentstudio.errors import UsageError

SESSION_VERSION = 6
MOST_VIEWS = 8


@dataclass(frozen=True)
class Session:
    """Views, each with its model; compared and hashed by content.

    Attributes:
        views: one, or several where models stand side by side.
        front: index of the view that is worked on.
        version: version of this format; 2 brought ``kept``, 3 ``tuning``, 4 ``photo``, 5 ``scene``, 6 views and
            their conditions.

    Raises:
        UsageError: no view, too many, or none in front.
    """

    views: tuple[View, ...]
    front: int = 0
    version: int = SESSION_VERSION

    def __post_init__(self) -> None:
        if not 1 <= len(self.views) <= MOST_VIEWS:
            raise UsageError(f"a session of {len(self.views)} views", expected=f"1 to {MOST_VIEWS}")
        if not 0 <= self.front < len(self.views):
            raise UsageError(f"view {self.front} in front of {len(self.views)}", expected="one of them")

    @property
    def view(self) -> View:
        """The view in front."""
        return self.views[self.front]

    def with_view(self, view: View) -> Session:
        """The same session with another view in front; those beside it stay."""
        return replace(self, views=(*self.views[: self.front], view, *self.views[self.front + 1 :]))

    def renamed(self, name_of: Callable[[View], str]) -> Session:
        """The same session where models bear other names: ``name_of`` tells that of a view's model."""
        names = [name_of(view) for view in self.views]
        if names == [view.model for view in self.views]:
            return self
        views = (replace(view, model=name) for view, name in zip(self.views, names, strict=True))
        return replace(self, views=tuple(views))
