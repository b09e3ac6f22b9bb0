"""The window's own loop: what measures it sees a block, and the collector does not make one."""

from __future__ import annotations

import gc
import time

from PySide6.QtCore import QEventLoop, QTimer

from latentstudio.stories.benchmarks import LoopProbe
from latentstudio.studio.shell.housekeeping import Housekeeper

BLOCK = 0.06


def block() -> None:
    """Hold the thread, as a slot that computes."""
    end = time.perf_counter() + BLOCK
    while time.perf_counter() < end:
        pass


def live(milliseconds: int) -> None:
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def test_the_probe_sees_what_blocks_the_loop(qapp) -> None:
    probe = LoopProbe()
    probe.start()
    QTimer.singleShot(10, block)
    live(120)
    probe.stop()
    assert BLOCK - 0.005 <= probe.longest < BLOCK + 5.0  # however busy the machine is


def test_the_probe_counts_a_block_that_is_not_over_and_nothing_after_the_end(qapp) -> None:
    probe = LoopProbe()
    probe.start()
    block()
    probe.stop()
    assert probe.longest >= BLOCK - 0.005
    seen = probe.longest
    QTimer.singleShot(0, block)
    live(100)
    assert probe.longest == seen


def test_what_comes_in_bulk_is_set_aside_unscanned(qapp) -> None:
    keeper = Housekeeper()
    keeper.start()
    try:
        before = gc.get_freeze_count()
        few = [[] for _ in range(100)]
        keeper._collect_young()
        assert gc.get_freeze_count() == before
        many = [[] for _ in range(30_000)]
        keeper._collect_young()
        assert gc.get_freeze_count() >= before + len(many) + len(few)
    finally:
        keeper.stop()
