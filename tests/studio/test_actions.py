"""The one table of actions: complete, free of doubles, and all of it wired."""

from __future__ import annotations

from collections import Counter
from typing import get_args

from PySide6.QtGui import QKeySequence

from latentstudio.studio.shell.actions import ACTIONS, MENUS
from latentstudio.studio.shell.commands import Commands
from latentstudio.studio.shell.docks import LEFT, RIGHT, WORKSPACES
from latentstudio.studio.shell.icons import icon_names
from latentstudio.studio.shell.window import MainWindow
from latentstudio.studio.theme import Choice


def test_ids_and_shortcuts_are_unique():
    assert max(Counter(action.id for action in ACTIONS).values()) == 1
    keys = Counter(QKeySequence(keys).toString() for action in ACTIONS for keys in action.shortcuts)
    assert max(keys.values()) == 1, keys.most_common(2)


def test_every_shortcut_is_a_key_that_qt_knows():
    for action in ACTIONS:
        for keys in action.shortcuts:
            assert QKeySequence(keys).toString(), f"{action.id}: {keys}"


def test_every_action_has_a_menu_a_handler_and_an_icon_that_exists():
    by_name = {f"show_{name}" for name in (*LEFT, *RIGHT)} | {f"workspace_{name.lower()}" for name in WORKSPACES}
    by_name |= {f"theme_{name}" for name in get_args(Choice)}
    for action in ACTIONS:
        assert action.group in MENUS
        assert not action.icon or action.icon in icon_names()
        served = action.id in by_name or hasattr(Commands, f"on_{action.id}") or hasattr(MainWindow, f"on_{action.id}")
        assert served, f"nobody serves {action.id}"
    assert by_name <= {action.id for action in ACTIONS}
