"""The history: an undo tree of frozen sessions. Nothing is overwritten; going back and on is free."""

from __future__ import annotations

import time as clock
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from latentstudio.document.origin import Origin
from latentstudio.document.session import Session
from latentstudio.document.view import View
from latentstudio.errors import UnknownNameError, UsageError

BytePicture = NDArray[np.uint8]

HISTORY_LIMIT = 1_000
THUMBNAIL_SIDE = 64
THUMBNAIL_LIMIT = 300


@dataclass(frozen=True)
class Entry:
    """One value in the tree: its number, the one it came from (None for the root), what was done, and when.

    ``label`` is for people, ``origin`` says to the program what kind of step it was. ``time`` is in seconds since the
    epoch and never before that of the entry made before it, whatever the clock says.
    """

    id: int
    parent: int | None
    session: Session
    label: str
    time: float
    origin: Origin = Origin.EDIT


@dataclass(frozen=True)
class History:
    """An immutable tree of sessions; every method that changes something returns another history.

    Attributes:
        entries: all values, by growing id; an empty history has none.
        current: id of the value that stands now; None only when empty.
        latest: for each entry with children, the child that was committed or visited last (redo goes there).
        thumbnails: id to uint8 (H, W, 3), read-only, sides at most ``THUMBNAIL_SIDE``; old ones have none.
        limit: at most this many entries; the oldest that can go without cutting the tree goes first.
        next_id: the number of the next entry; numbers are never used again.
    """

    entries: tuple[Entry, ...] = ()
    current: int | None = None
    latest: Mapping[int, int] = field(default_factory=dict)
    thumbnails: Mapping[int, BytePicture] = field(default_factory=dict, compare=False, repr=False)
    limit: int = HISTORY_LIMIT
    next_id: int = 0

    @classmethod
    def start(
        cls, session: Session, label: str = "start", *, origin: Origin = Origin.FILE, time: float | None = None
    ) -> History:
        """A history that holds only ``session``."""
        return cls().commit(session, label, origin=origin, time=time)

    @cached_property
    def _by_id(self) -> dict[int, Entry]:
        return {entry.id: entry for entry in self.entries}

    @cached_property
    def _children(self) -> dict[int, list[int]]:
        children: dict[int, list[int]] = {entry.id: [] for entry in self.entries}
        for entry in self.entries:
            if entry.parent is not None:
                children[entry.parent].append(entry.id)
        return children

    def entry(self, id: int) -> Entry:
        """The entry of this number.

        Raises:
            UnknownNameError: there is none, or it was dropped because the history is full.
        """
        try:
            return self._by_id[id]
        except KeyError:
            raise UnknownNameError(f"the history has no entry {id}", expected="one that is kept") from None

    def __contains__(self, id: object) -> bool:
        return id in self._by_id

    def __len__(self) -> int:
        return len(self.entries)

    @property
    def current_entry(self) -> Entry | None:
        """The entry that stands now; None when the history is empty."""
        return None if self.current is None else self._by_id[self.current]

    @property
    def can_undo(self) -> bool:
        """Whether there is a value before the current one."""
        return self.current is not None and self._by_id[self.current].parent is not None

    @property
    def can_redo(self) -> bool:
        """Whether there is a value after the current one."""
        return self.current is not None and bool(self._children[self.current])

    def commit(
        self, session: Session, label: str, *, origin: Origin = Origin.EDIT, time: float | None = None
    ) -> History:
        """Put ``session`` after the current value and stand there; the same value again changes nothing."""
        standing = self.current_entry
        if standing is not None and standing.session == session:
            return self
        moment = clock.time() if time is None else time
        # a clock that was set back must not put an entry before those that it came after
        moment = max(moment, self.entries[-1].time) if self.entries else moment
        entry = Entry(self.next_id, self.current, session, label, moment, origin)
        latest = dict(self.latest)
        if self.current is not None:
            latest[self.current] = entry.id
        grown = replace(
            self, entries=(*self.entries, entry), current=entry.id, latest=latest, next_id=entry.id + 1
        )
        return grown.bounded(self.limit)

    def undo(self) -> History:
        """Stand at the value before; the same history at the root."""
        standing = self.current_entry
        if standing is None or standing.parent is None:
            return self
        return replace(self, current=standing.parent, latest={**self.latest, standing.parent: standing.id})

    def redo(self) -> History:
        """Stand at the value after, on the branch committed or visited last; the same history at its end."""
        following = None if self.current is None else self._following(self.current)
        return self if following is None else replace(self, current=following)

    def go(self, id: int) -> History:
        """Stand at entry ``id``; redo and ``path`` follow its branch from now on.

        Raises:
            UnknownNameError: there is no such entry.
        """
        latest = dict(self.latest)
        entry = self.entry(id)
        while entry.parent is not None:
            latest[entry.parent] = entry.id
            entry = self._by_id[entry.parent]
        return replace(self, current=id, latest=latest)

    def path(self) -> tuple[Entry, ...]:
        """The branch that is shown: from the root through the current value to its latest descendant."""
        if self.current is None:
            return ()
        ids = [self.current]
        while (parent := self._by_id[ids[0]].parent) is not None:
            ids.insert(0, parent)
        while (following := self._following(ids[-1])) is not None:
            ids.append(following)
        return tuple(self._by_id[id] for id in ids)

    def grafted(self, other: History) -> History:
        """This history with all of ``other`` as a branch of the value that stands, standing where ``other`` stands."""
        if other.current is None:
            return self
        first = self.next_id
        moved = tuple(
            replace(entry, id=first + entry.id, parent=self.current if entry.parent is None else first + entry.parent)
            for entry in other.entries
        )
        whole = replace(
            self, entries=(*self.entries, *moved), next_id=first + other.next_id,
            latest={**self.latest, **{first + above: first + below for above, below in other.latest.items()}},
            thumbnails={**self.thumbnails, **{first + id: picture for id, picture in other.thumbnails.items()}},
        )
        return whole.go(first + other.current).bounded(self.limit)

    def renamed(self, name_of: Callable[[View], str]) -> History:
        """The same history where models bear other names (``Session.renamed``)."""
        sessions = [entry.session.renamed(name_of) for entry in self.entries]
        if all(entry.session is session for entry, session in zip(self.entries, sessions, strict=True)):
            return self
        return replace(self, entries=tuple(
            replace(entry, session=session) for entry, session in zip(self.entries, sessions, strict=True)
        ))

    def original(self, view: View) -> View:
        """The view before any editing: no factors moved, at the latent, or the scene, that its edits began with.

        ``view`` is that of the value that stands, a live preview included.
        """
        plain, entry = view.with_reset(), self.current_entry
        while entry is not None and entry.origin is Origin.EDIT and entry.parent is not None:
            entry = self._by_id[entry.parent]
        first = None if entry is None else entry.session.view
        if first is None or (first.model, first.shape, first.photo) != (view.model, view.shape, view.photo):
            return plain
        return replace(plain, latent=first.latent, seed=first.seed, scene=first.scene)

    def _following(self, id: int) -> int | None:
        children = self._children[id]
        if not children:
            return None
        chosen = self.latest.get(id)
        return chosen if chosen in children else children[-1]

    def attach_thumbnail(self, id: int, array: BytePicture) -> History:
        """Give entry ``id`` a picture, uint8 (H, W, 3); large ones are made smaller.

        An entry that was dropped meanwhile is passed over. Beyond ``THUMBNAIL_LIMIT`` the picture attached first goes.

        Raises:
            UsageError: not uint8 (H, W, 3).
        """
        if id not in self:
            return self
        pictures = {other: picture for other, picture in self.thumbnails.items() if other != id}
        if len(pictures) >= THUMBNAIL_LIMIT:
            del pictures[next(iter(pictures))]
        return replace(self, thumbnails={**pictures, id: _small(array)})

    def bounded(self, limit: int) -> History:
        """The history with at most ``limit`` entries (one or more): the oldest left out, the current kept."""
        if len(self.entries) <= max(limit, 1):
            return self
        kept, children = dict(self._by_id), {id: list(below) for id, below in self._children.items()}
        while len(kept) > max(limit, 1):
            gone = next(id for id in kept if id != self.current and _can_go(kept[id], children[id]))
            parent = kept.pop(gone).parent
            if parent is not None:
                children[parent].remove(gone)
            for child in children.pop(gone):
                kept[child] = replace(kept[child], parent=None)
        return replace(
            self,
            entries=tuple(kept.values()),
            latest={above: below for above, below in self.latest.items() if above in kept and below in kept},
            thumbnails={id: picture for id, picture in self.thumbnails.items() if id in kept},
        )


def _can_go(entry: Entry, children: list[int]) -> bool:
    """A leaf, or a root with one child: what is left is still one tree."""
    return not children or (entry.parent is None and len(children) == 1)


def _small(array: BytePicture) -> BytePicture:
    if array.dtype != np.uint8 or array.ndim != 3 or array.shape[2] != 3 or 0 in array.shape:
        raise UsageError(f"a thumbnail of {array.dtype} {array.shape}", expected="uint8 (H, W, 3)")
    if max(array.shape[:2]) > THUMBNAIL_SIDE:
        image = Image.fromarray(np.ascontiguousarray(array))
        image.thumbnail((THUMBNAIL_SIDE, THUMBNAIL_SIDE), Image.Resampling.BOX)
        small: BytePicture = np.array(image)
    else:
        small = array.copy()
    small.setflags(write=False)
    return small


def rebuilt(
    entries: Iterable[Entry], current: int | None, latest: Mapping[int, int],
    thumbnails: Mapping[int, BytePicture], *, limit: int = HISTORY_LIMIT,
) -> History:
    """A history from stored parts.

    Raises:
        UsageError: the parts are no tree (numbers that do not grow, a missing parent, two roots, no current).
    """
    ordered = tuple(entries)
    seen: set[int] = set()
    last = -1
    for entry in ordered:
        if entry.id <= last:
            raise UsageError(f"history entry {entry.id} stands after {last}", expected="growing numbers")
        if (entry.parent is None) != (not seen) or (entry.parent is not None and entry.parent not in seen):
            raise UsageError(f"history entry {entry.id} has the parent {entry.parent}", expected="one tree")
        seen.add(entry.id)
        last = entry.id
    if current not in seen and (ordered or current is not None):
        raise UsageError(f"the history stands at entry {current}", expected="one of its entries")
    parents = {entry.id: entry.parent for entry in ordered}
    whole = History(
        entries=ordered, current=current, limit=limit, next_id=last + 1,
        latest={parent: child for parent, child in latest.items() if parents.get(child, -1) == parent},
        thumbnails={id: _small(thumbnails[id]) for id in sorted(seen & thumbnails.keys())[-THUMBNAIL_LIMIT:]},
    )
    return whole.bounded(limit)
