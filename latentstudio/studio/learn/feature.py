"""How the panel learn is built."""

from __future__ import annotations

from latentstudio.studio.bench import Bench
from latentstudio.studio.learn.find import FindPresenter
from latentstudio.studio.learn.find_panel import FindPanel
from latentstudio.studio.learn.panel import LearnPanel
from latentstudio.studio.learn.presenter import LearnPresenter
from latentstudio.studio.learn.unkept import UnkeptPresenter
from latentstudio.studio.widgets.pieces import put_on_top


def build(bench: Bench) -> LearnPanel:
    """The panel that learns one slider, with the card that finds all of them on top."""
    panel, find_panel = bench.add(LearnPanel()), bench.add(FindPanel())
    put_on_top(find_panel, panel)
    learn = bench.add(LearnPresenter(bench.desk, panel, parent=bench.parent))
    bench.add(FindPresenter(bench.desk, find_panel, parent=bench.parent))
    bench.add(UnkeptPresenter(bench.desk, learn, parent=bench.parent))
    return panel
