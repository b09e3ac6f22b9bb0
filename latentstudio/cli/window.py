"""``latentstudio``: the window; where there is no display, the drag story offscreen."""

from __future__ import annotations

import argparse
from pathlib import Path

from latentstudio.cli.demo import play
from latentstudio.cli.options import Parser, add_common, verb_parser
from latentstudio.cli.output import Output
from latentstudio.cli.qt import import_studio
from latentstudio.cli.screen import go_offscreen, has_display

STORY_FOLDER = Path("latentstudio-story")


def parser() -> Parser:
    """The verb's options."""
    verb = verb_parser("window", "Open the window.")
    verb.add_argument("open", nargs="?", metavar="FILE|MODEL", help="a picture, session or model to open first")
    add_common(verb)
    return verb


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Open the window and stay until it is closed."""
    if has_display():
        code: int = import_studio("app").run_window([arguments.open] if arguments.open else [])
        return code
    output.note(f"no display here: playing the drag story offscreen into {STORY_FOLDER}")
    go_offscreen()
    play("drag", STORY_FOLDER, None, output)
    return 0
