"""The map: where the samples of the model lie, and the way that the present edit takes among them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, QTimer

from latentstudio.document.view import View
from latentstudio.document.workspace import Change
from latentstudio.engine import Result
from latentstudio.engine.loading import call, named
from latentstudio.factors.mapping import MapData, MapLine
from latentstudio.factors.settings import MapSpace
from latentstudio.studio.desk import Desk
from latentstudio.studio.map.hand import MapHand
from latentstudio.studio.map.panel import EMPTY, LATENTS, PATHS, PICTURES, MapPanel
from latentstudio.studio.map.store import MapStore
from latentstudio.tasks.draw import OpenModel, Render
from latentstudio.tasks.map import DrawnPath, FollowedPicture, MapKey, draw_path, sentence_of
from latentstudio.tasks.map_scenes import WORDS, map_scene, pixel_scene, pixel_words
from latentstudio.tasks.map_sight import Sight
from latentstudio.tasks.map_trail import MapTrail
from latentstudio.tasks.map_values import Moving

REST_MS = 700
FOLLOW_MS = 20
SECONDS = 15.0
COUNTS = {PICTURES: 2_000, LATENTS: 5_000}
SPACES: dict[str, MapSpace] = {PICTURES: "images", LATENTS: "z"}
LEAVE_MS = 500
NO_TRAJECTORIES = "{} keeps no trajectories: it was learned by an older version. Learn it again to see them."
WAITING = "The map waits for its turn…"
SLOW = "{:,} samples in 15 s. Choose more to have them drawn."
FLAT = "This latent space has one dimension only: there is no plane to look at."


class MapPresenter(QObject):
    """Draws the map while somebody looks and the hands rest; path and live point follow every picture."""

    def __init__(
        self, desk: Desk, panel: MapPanel, *, rest_ms: int = REST_MS, leave_ms: int = LEAVE_MS,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._desk = desk
        self._panel = panel
        self._store = MapStore(desk, parent=self)
        self._trail = MapTrail()
        self._hand: MapHand | None = None
        self._seen = False
        self._asked_plot = False
        self._view = PICTURES
        self._counts = dict(COUNTS)
        self._factor = ""
        self._shown: MapKey | None = None
        self._followed: tuple[View, FollowedPicture] | None = None
        self._rest = self._timer(rest_ms, self.refresh)
        self._soon = self._timer(0, self.refresh)
        self._leave = self._timer(leave_ms, self._give_up)  # docks pass out of sight for a moment when they move
        self._follow = self._timer(FOLLOW_MS, self._show_moving)
        panel.count.set_current(str(self._counts[self._view]))
        self._connect()

    def _timer(self, interval: int, call: Callable[[], None]) -> QTimer:
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.setInterval(interval)
        timer.timeout.connect(call)
        return timer

    def _connect(self) -> None:
        desk, panel, store = self._desk, self._panel, self._store
        panel.seen.connect(self._on_seen)
        panel.view_chosen.connect(self._on_view)
        panel.components_chosen.connect(self._on_components)
        panel.count_chosen.connect(self._on_count)
        panel.transformation_chosen.connect(self._on_transformation)
        panel.again_requested.connect(self._on_again)
        panel.fit_requested.connect(self._on_fit)
        store.progressed.connect(self._on_progress)
        store.drawn.connect(self._on_map)
        store.refused.connect(self._on_refused)
        store.placed.connect(self._on_placed)
        desk.model_changed.connect(self._on_model)
        desk.factors_changed.connect(self._on_model)
        desk.drawn.connect(self._on_drawn)
        desk.workspace.subscribe(self._on_change)

    @property
    def data(self) -> MapData | None:
        """The map that is shown."""
        return self._store.get(self._shown)

    @property
    def still(self) -> bool:
        """Whether no map is being drawn and nothing waits to be shown."""
        waiting = any(timer.isActive() for timer in (self._rest, self._soon, self._follow))
        return not waiting and not self._store.busy

    def set_factor(self, name: str) -> None:
        """Show the trajectories of another factor."""
        self._factor = name
        self._show_map(fits=False)

    def refresh(self) -> None:
        """Show what is asked for, or have it drawn; nothing while nobody looks."""
        view = self._desk.workspace.view
        opened = self._desk.opened_for(view)
        if not self._seen or view is None or opened is None:
            return
        if self._panel.plot is None:
            self._request_plot()
        elif self._view == PATHS:
            self._request_pixels(opened, view)
        else:
            self._request_map(opened, view)

    def _request_plot(self) -> None:
        if not self._asked_plot:
            self._asked_plot = True
            self._panel.say("Preparing the map…")
            work = partial(named, "latentstudio.studio.map.plot:MapPlot")  # pyqtgraph takes a tenth of a second
            self._desk.worker.request("map plane", work, self._on_plot)

    def _on_plot(self, result: Result) -> None:
        if not isinstance(result.value, type):
            self._asked_plot = False
            self._panel.say(sentence_of(result.error or RuntimeError("no answer")), again=True)
            return
        plot = result.value()
        self._panel.take_plot(plot)
        self._hand = MapHand(self._desk, plot, parent=self)
        self._hand.pins_changed.connect(self._on_pins)
        self._soon.start()  # the plane was one piece of work for the window, what is on it is another

    def _key(self, opened: OpenModel, view: View) -> MapKey:
        space, count = SPACES[self._view], self._counts[self._view]
        seconds = SECONDS if self._view == PICTURES and count == COUNTS[PICTURES] else None
        weights = opened.model.card.weights_sha256
        return MapKey(opened.name, weights, space, count, view.told, seconds)

    def _request_map(self, opened: OpenModel, view: View) -> None:
        key = self._key(opened, view)
        if self._store.get(key) is not None:
            fits = key != self._shown
            self._shown = key
            self._show_map(fits=fits)
        elif self._store.request(key, opened):
            self._shown = None
            self._panel.say("Waiting…")

    def _on_progress(self, words: str) -> None:
        if self._shown is None and self._view != PATHS:
            self._panel.say(words)

    def _on_map(self, key: MapKey) -> None:
        self.refresh()

    def _on_refused(self, key: MapKey, sentence: str) -> None:
        if self._view != PATHS:
            self._panel.say(sentence, again=True)

    def _called(self) -> str:
        """What people call the slider whose trajectories are seen."""
        opened = self._desk.current
        return next((one.shown for one in opened.factors if one.name == self._factor), "") if opened else ""

    def _on_placed(self, key: MapKey, factor: str) -> None:
        if key == self._shown and factor == self._factor:
            self._show_map(fits=False)

    def _on_pins(self) -> None:
        self._show_map(fits=False)

    def _show_map(self, *, fits: bool) -> None:
        key, data, plot, hand = self._shown, self.data, self._panel.plot, self._hand
        if key is None or data is None or plot is None or hand is None or self._view == PATHS:
            return
        if data.cloud.shape[1] < 2:
            self._panel.say(FLAT)
            return
        pair = self._pair(data)
        lines, note = self._lines_of(key)
        if not note and len(data.cloud) < key.count:
            note = SLOW.format(len(data.cloud))
        self._panel.words.setText(WORDS[data.space])
        self._panel.share.setText(f"{100 * sum(data.explained(*pair)):.1f} %")
        self._panel.again.hide()
        hand.look(Sight(data, lines, self._trail.path))
        marks = hand.pin_marks(data, pair)
        plot.set_scene(map_scene(data, pair, lines, marks, note, called=self._called()), fits=False)
        self._panel.show_plot(True)
        self._show_moving()
        if fits:
            plot.fit()
            self._request_path()

    def _pair(self, data: MapData) -> tuple[int, int]:
        """The chosen components; the first two where the map has fewer."""
        pair = self._panel.components
        return pair if max(pair) <= data.cloud.shape[1] else (1, 2)

    def _lines_of(self, key: MapKey) -> tuple[tuple[MapLine, ...], str]:
        """The trajectories of the chosen factor as far as they are placed, and what to say where there are none."""
        opened = self._desk.current
        if opened is None or opened.name != key.model or self._factor not in opened.factors.names:
            return (), ""
        factor = opened.factors.get(self._factor)
        if factor.evidence is None:
            return (), NO_TRAJECTORIES.format(factor.name) if factor.is_learned else ""
        return self._store.lines(key, opened, factor), ""

    def _request_pixels(self, opened: OpenModel, view: View) -> None:
        name = self._panel.transformation.current or self._factor
        if self._followed is not None and (self._followed[0], self._followed[1].path.name) == (view, name):
            self._show_pixels()
            return
        self._panel.words.setText("following the picture…")
        if self._followed is None:
            self._panel.say("Following the picture…")
        work = partial(call, "latentstudio.tasks.follow:follow_picture", opened, view, name)
        self._desk.worker.request("map pixels", work, partial(self._on_followed, view))

    def _on_followed(self, view: View, result: Result) -> None:
        if result.error is not None:
            self._followed = None
            if self._view == PATHS:
                self._panel.say(sentence_of(result.error))
        elif isinstance(result.value, FollowedPicture):
            self._followed = view, result.value
            self._panel.transformation.set_choices(result.value.names)
            self._panel.transformation.set_current(result.value.path.name)
            self._show_pixels()

    def _show_pixels(self) -> None:
        plot, hand = self._panel.plot, self._hand
        if self._followed is None or plot is None or hand is None or self._view != PATHS:
            return
        path = self._followed[1].path
        self._panel.words.setText(pixel_words(path))
        self._panel.again.hide()
        hand.look(Sight(pixels=path))
        plot.set_moving(Moving())
        plot.set_scene(pixel_scene(path))
        self._panel.show_plot(True)

    def _request_path(self) -> None:
        """The path of the edit that stands; where nothing is moved there is none."""
        view = self._desk.workspace.view
        opened = self._desk.opened_for(view)
        if view is None or opened is None or self.data is None or self._view == PATHS or not self._seen:
            return
        if view.positions:
            self._desk.worker.request("map path", partial(draw_path, opened, view), self._on_path)
        else:
            self._take_path(None)

    def _on_path(self, result: Result) -> None:
        if result.error is not None:
            self._desk.tell_error(result.error, doing="Drawing the path of the edit")
        elif isinstance(result.value, DrawnPath) and result.value.view == self._desk.workspace.view:
            self._take_path(result.value)

    def _take_path(self, path: DrawnPath | None) -> None:
        self._trail.take_path(path)
        self._show_moving()

    def _show_moving(self) -> None:
        """Path, trail and live point, as far as they are known."""
        key, data, plot, hand = self._shown, self.data, self._panel.plot, self._hand
        if key is None or data is None or plot is None or hand is None or self._view == PATHS:
            return
        hand.look(Sight(data, self._lines_of(key)[0], self._trail.path))
        plot.set_moving(self._trail.moving(data, self._pair(data)))

    def _on_drawn(self, drawn: Render) -> None:
        looked_at = self.data if self._seen and self._view != PATHS else None
        self._trail.take_picture(drawn, looked_at, held=self._desk.workspace.has_preview)
        if looked_at is not None and not self._follow.isActive():
            self._follow.start()  # the canvas is painted first

    def _on_change(self, change: Change) -> None:
        if change.kind == "preview" or not self._seen:
            return
        opened = self._desk.opened_for(change.new)
        other_map = self._view != PATHS and opened is not None and self._key(opened, change.new) != self._shown
        if self._view == PATHS or other_map:
            self._rest.start()
            return
        if change.kind != "apply" or (change.old is not None and change.old.latent != change.new.latent):
            self._trail.take_path(None)
        self._request_path()

    def _on_seen(self, seen: bool) -> None:
        self._seen = seen
        if seen:
            self._rest.start()
        else:
            self._leave.start()

    def _give_up(self) -> None:
        """What nobody looks at takes no time from what is in the hand; a large map that was asked for goes on."""
        if not self._seen:
            self._store.stop_bounded()

    def _on_model(self, opened: OpenModel) -> None:
        if self._shown is not None and self._shown.model != opened.name:
            self._shown = None
            self._panel.say("")
        self._store.stop()
        self._store.forgive()
        self._store.forget_lines(opened.name)
        self._trail.take_path(None)
        if self._panel.ground.words == EMPTY:
            self._panel.say(WAITING)
        self._rest.start()

    def _on_view(self, view: str) -> None:
        self._view = view
        self._store.forgive()
        self._shown = None
        self._panel.words.setText("")
        self._panel.share.setText("")
        if view != PATHS:
            self._panel.count.set_current(str(self._counts[view]))
        self.refresh()

    def _on_components(self, across: int, up: int) -> None:
        self._show_map(fits=True)

    def _on_count(self, count: int) -> None:
        if self._view != PATHS:
            self._counts[self._view] = count
            self.refresh()

    def _on_transformation(self, name: str) -> None:
        self.refresh()

    def _on_again(self) -> None:
        self._store.forgive()
        self.refresh()

    def _on_fit(self) -> None:
        if self._panel.plot is not None:
            self._panel.plot.fit()
