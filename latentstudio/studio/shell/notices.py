"""Sentences for the user: the newest one stands in the bar, with its one action."""

from __future__ import annotations

from PySide6.QtCore import QObject, QTimer

from latentstudio.studio.desk import Desk, Notice
from latentstudio.studio.widgets.notice_bar import NoticeBar

GOOD_STAYS_MS = 6_000


class NoticesPresenter(QObject):
    """Shows notices; good news goes by itself, the rest stays until it is closed or replaced."""

    def __init__(self, desk: Desk, bar: NoticeBar, *, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._bar = bar
        self.last: Notice | None = None
        self.shown: list[Notice] = []
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(bar.hide_notice)
        desk.noticed.connect(self._on_notice)
        bar.action_requested.connect(self._on_action)

    def _on_notice(self, notice: Notice) -> None:
        self._timer.stop()
        self.last = notice
        self.shown = [*self.shown[-19:], notice]
        self._bar.show_notice(notice.kind, notice.sentence, notice.action_text)
        if notice.kind == "good":
            self._timer.start(GOOD_STAYS_MS)

    def _on_action(self) -> None:
        notice = self.last
        self._bar.hide_notice()
        if notice is not None and notice.action is not None:
            notice.action()
