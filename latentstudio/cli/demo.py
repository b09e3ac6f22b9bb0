"""``latentstudio demo --story drag|undo|crash|library|learn|photo --out DIR``: real window, real events, pictures."""

from __future__ import annotations

import argparse
from pathlib import Path

import msgspec

from latentstudio.cli.options import Parser, add_common, verb_parser
from latentstudio.cli.output import Output
from latentstudio.cli.qt import import_studio
from latentstudio.cli.screen import go_offscreen, has_display

STORIES = ("drag", "undo", "crash", "library", "learn", "photo", "reconstruct", "train", "scene")


def parser() -> Parser:
    """The verb's options."""
    verb = verb_parser("demo", "Drive the real window with mouse and keys through a story and write screenshots.")
    verb.add_argument("--story", choices=STORIES, required=True)
    verb.add_argument("--out", type=Path, required=True, metavar="DIR")
    verb.add_argument("--model", default=None, help="the model to play with (default: what the window opens first)")
    add_common(verb)
    return verb


def run(arguments: argparse.Namespace, output: Output) -> None:
    """Play the story; without a display it is played offscreen."""
    if not has_display():
        output.note("no display: playing offscreen")
        go_offscreen()
    play(arguments.story, arguments.out, arguments.model, output)


def play(story: str, out: Path, model: str | None, output: Output) -> None:
    """Play one story into the folder ``out`` and name the pictures that it wrote."""
    report = import_studio("stories").run_story(story, out, model=model)
    pictures = [str(path) for path in report.pictures]
    for path in pictures:
        output.say(path)
    output.result({"story": story, "pictures": pictures, "facts": msgspec.to_builtins(report.facts)})
