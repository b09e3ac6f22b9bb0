"""``latentstudio``: the window; where there is no display, the drag story offscreen."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Sequence
from pathlib import Path

from latentstudio.cli.demo import play
from latentstudio.cli.options import Parser, add_common, verb_parser
from latentstudio.cli.output import Output
from latentstudio.cli.qt import import_studio
from latentstudio.cli.screen import go_offscreen, has_display
from latentstudio.generators.card import CARD_FILE
from latentstudio.generators.catalogue import find_catalogue
from latentstudio.picture_files import SUFFIXES

MOST_PHOTOS = 24  # of a folder; they wait for one another in the Photo panel
STORY_FOLDER = Path("latentstudio-story")


def parser() -> Parser:
    """The verb's options."""
    verb = verb_parser("window", "Open the window.")
    verb.add_argument("open", nargs="*", metavar="FILE|MODEL",
                      help="pictures, a folder of them, a session, a factor file, a model's folder or its name")
    add_common(verb)
    return verb


def first_of(asked: Sequence[str]) -> tuple[tuple[Path, ...], str]:
    """What to open first: files and folders, of a folder of pictures these; or else one model that is installed.

    Raises:
        UnknownNameError: neither a file nor a model.
    """
    found: list[Path] = []
    model = ""
    for word in asked:
        path = Path(word)
        with contextlib.suppress(OSError, ValueError):  # a name too long for a path is no path
            if path.is_dir() and not (path / CARD_FILE).is_file():
                inside = sorted(one for one in path.iterdir() if one.suffix.lower() in SUFFIXES)
                found += inside[:MOST_PHOTOS] or [path]
                continue
            if path.exists():
                found.append(path)
                continue
        model = find_catalogue().model(word).name
    return tuple(found), model


def run(arguments: argparse.Namespace, output: Output) -> int:
    """Open the window and stay until it is closed."""
    if has_display():
        paths, model = first_of(arguments.open)
        code: int = import_studio("studio.app").run_window(paths, device=arguments.device, model=model)
        return code
    output.note(f"no display here: playing the drag story offscreen into {STORY_FOLDER}")
    go_offscreen()
    play("drag", STORY_FOLDER, None, output)
    return 0
