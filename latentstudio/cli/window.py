"""``latentstudio``: the window; where there is no display, the drag story offscreen."""

from __future__ import annotations

import argparse
import contextlib
from pathlib import Path

from latentstudio.cli.demo import play
from latentstudio.cli.options import Parser, add_common, verb_parser
from latentstudio.cli.output import Output
from latentstudio.cli.qt import import_studio
from latentstudio.cli.screen import go_offscreen, has_display
from latentstudio.generators.catalogue import find_catalogue

STORY_FOLDER = Path("latentstudio-story")


def parser() -> Parser:
    """The verb's options."""
    verb = verb_parser("window", "Open the window.")
    verb.add_argument("open", nargs="?", metavar="FILE|MODEL", help="a picture, session or model to open first")
    add_common(verb)
    return verb


def _first(asked: str | None) -> tuple[Path | None, str]:
    """What to open first: a file or folder, or else a model that is installed."""
    if asked is None:
        return None, ""
    with contextlib.suppress(OSError):  # a name too long for a path is no path
        if Path(asked).exists():
            return Path(asked), ""
    return None, find_catalogue().model(asked).name


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Open the window and stay until it is closed."""
    if has_display():
        path, model = _first(arguments.open)
        code: int = import_studio("studio.app").run_window(path, device=arguments.device, model=model)
        return code
    output.note(f"no display here: playing the drag story offscreen into {STORY_FOLDER}")
    go_offscreen()
    play("drag", STORY_FOLDER, None, output)
    return 0
