"""The command ``latentstudio``: finds the verb, runs it, and turns what goes wrong into one line and an exit code."""

from __future__ import annotations

import errno
import importlib
import os
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from latentstudio.cli.options import Parser
from latentstudio.cli.output import Output, table
from latentstudio.errors import StudioError, UnknownNameError
from latentstudio.places import state_folder
from latentstudio.version import VERSION

DONE, FAILED, USER_ERROR, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 130, 141

VERBS = {
    "window": "open the window (what happens without a verb)",
    "models": "list, fetch, describe, add and remove models",
    "sample": "draw pictures from a model",
    "factors": "list, learn and apply factors of variation",
    "map": "draw the map of a model's samples and of its factors' trajectories",
    "invert": "find the latent of a photograph",
    "invert-study": "compare ways of inverting on a model, as a report",
    "render": "make a saved picture or session again and compare",
    "bench": "measure rendering and startup",
    "demo": "drive the real window through a story and write screenshots",
    "doctor": "say what works on this machine, and the fix where something lacks",
    "plugins": "list backend plugins, check anyone's plugin",
    "train": "train a model from a recipe",
    "reconstruct": "encode pictures and draw them again with a model's decoder or generator",
    "scene": "take pictures apart into objects, edit and draw scenes, make new ones",
    "scene-study": "compare the scene model with and without its additions",
    "autoencoding-study": "compare VAE, GAN, VAE/GAN, BiGAN and AVAE on the same pictures",
    "autoencoding-toy": "the two-dimensional experiment that shows what an AVAE does",
}


@dataclass(frozen=True)
class Verb:
    """A verb's two halves: ``parser()`` builds its options, ``run(arguments, output)`` does it, exit code or None."""

    parser: Callable[[], Parser]
    run: Callable[[Any, Output], int | None]


def load_verb(name: str) -> Verb:
    """Import the module of this verb now; the others stay unread, so ``--version`` costs nothing.

    Raises:
        UnknownNameError: there is no such verb.
    """
    if name not in VERBS:
        raise UnknownNameError(f"there is no verb '{name}'", expected=f"one of: {', '.join(VERBS)}")
    module = importlib.import_module(f"latentstudio.cli.{name.replace('-', '_')}")
    return Verb(module.parser, module.run)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns 0, or 2 for the user's mistakes, 130 for Ctrl-C, 1 for a defect of ours.

    Without arguments the window opens.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    output = Output(as_json="--json" in words)
    try:
        code = _dispatch(words, output)
        sys.stdout.flush()
        return code
    except StudioError as problem:
        return _complain(problem.sentence, output, USER_ERROR)
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # whoever read our output has gone; the interpreter's own flush at exit must not complain either
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return BROKEN_PIPE
    except MemoryError:
        return _complain("there is not enough memory for this; ask for fewer or smaller pictures", output, USER_ERROR)
    except Exception as problem:  # the outermost border
        if isinstance(problem, OSError) and problem.errno == errno.ENAMETOOLONG:
            return _complain("a name is too long for a file's; give a shorter one", output, USER_ERROR)
        return _complain(_defect(problem, words), output, FAILED)


def _dispatch(words: list[str], output: Output) -> int:
    if words and words[0] in ("-h", "--help", "help"):
        output.say(_help())
        return DONE
    if words and words[0] in ("-V", "--version"):
        print(f"latentstudio {VERSION}")
        return DONE
    if not words or words[0].startswith("-"):
        words = ["window", *words]
    verb = load_verb(words[0])
    parser = verb.parser()
    try:
        arguments = parser.parse_args(words[1:])
    except SystemExit as leaving:  # --help prints and leaves
        return int(leaving.code or 0)
    return verb.run(arguments, output) or DONE


def _help() -> str:
    rows = [(f"  {name}", summary) for name, summary in VERBS.items()]
    return "\n".join((
        "usage: latentstudio [VERB] [options]      without a verb the window opens", "",
        table(rows), "",
        "`latentstudio VERB --help` tells the options of a verb; --json, --seed and --device go with every verb.",
        "`latentstudio --version` prints the version.",
    ))


def _complain(sentence: str, output: Output, code: int) -> int:
    print(f"latentstudio: {sentence}", file=sys.stderr)
    output.result({"error": sentence})
    return code


def _defect(problem: Exception, words: list[str]) -> str:
    what = " ".join(f"{type(problem).__name__}: {problem}".split())
    try:
        path = _write_log(problem, words)
    except OSError:
        return f"something went wrong inside the program ({what}); the log folder cannot be written"
    return f"something went wrong inside the program ({what}); the whole story is in {path}"


def _write_log(problem: Exception, words: list[str]) -> Path:
    folder = state_folder() / "logs"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"error-{time.strftime('%Y%m%d-%H%M%S')}-{os.getpid()}.log"
    story = "".join(traceback.format_exception(problem))
    path.write_text(f"latentstudio {VERSION}\narguments: {words}\n\n{story}", encoding="utf-8")
    return path
