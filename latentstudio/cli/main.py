"""The command ``latentstudio``: finds the verb, runs it, and turns what goes wrong into one line and an exit code."""

from __future__ import annotations

import argparse
import contextlib
import difflib
import errno
import importlib
import io
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from latentstudio.cli.options import Parser
from latentstudio.cli.output import Output, named_inputs, table
from latentstudio.errors import StudioError, UnknownNameError
from latentstudio.files import never_over, remove_left_over
from latentstudio.places import own_folders, state_folder
from latentstudio.version import VERSION

DONE, FAILED, USER_ERROR, INTERRUPTED, BROKEN_PIPE, TERMINATED = 0, 1, 2, 130, 141, 143

VERBS = {
    "window": "open the window (what happens without a verb, or with files alone)",
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
TIDYING = ("models", "factors", "train")  # verbs that write much below the user's folders; the window does it idly


@dataclass(frozen=True)
class Verb:
    """A verb's two halves: ``parser()`` builds its options, ``run(arguments, output)`` does it, exit code or None."""

    parser: Callable[[], Parser]
    run: Callable[[argparse.Namespace, Output], int | None]


def load_verb(name: str) -> Verb:
    """Import the module of this verb now; the others stay unread, so ``--version`` costs nothing.

    Raises:
        UnknownNameError: there is no such verb.
    """
    if name not in VERBS:
        near = difflib.get_close_matches(name, VERBS, n=1)
        raise UnknownNameError(f"there is no verb '{name}', and no file of this name",
                               expected=f"one of: {', '.join(VERBS)}",
                               action=f"did you mean '{near[0]}'?" if near else "")
    module = importlib.import_module(f"latentstudio.cli.{name.replace('-', '_')}")
    return Verb(module.parser, module.run)


class Terminated(KeyboardInterrupt):
    """The system asked the program to end (SIGTERM); verbs that keep their best on an interrupt keep it then, too."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; answers with an exit code.

    0: done. 2: something the user can mend, such as a full disk or a stdout that takes nothing. 130 and 143: stopped by
    Ctrl-C or by SIGTERM. 141: whoever read the answer has gone. 1: a defect of ours. Without words the window opens.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    _mend_streams()
    output = Output(as_json="--json" in words)
    with _ended_by_the_system() as signals:
        code = _run(words, output)
    return _delivered(TERMINATED if code == INTERRUPTED and signals else code, output)


def _run(words: list[str], output: Output) -> int:
    try:
        return _dispatch(words, output)
    except StudioError as problem:
        return _complain(problem.sentence, output, USER_ERROR)
    except KeyboardInterrupt:
        return _complain("interrupted", output, INTERRUPTED)
    except BrokenPipeError:
        return BROKEN_PIPE
    except MemoryError:
        return _complain("there is not enough memory for this; ask for fewer or smaller pictures", output, USER_ERROR)
    except Exception as problem:  # the outermost border
        if isinstance(problem, OSError) and problem.errno == errno.ENAMETOOLONG:
            return _complain("a name is too long for a file's; give a shorter one", output, USER_ERROR)
        return _complain(_defect(problem, words), output, FAILED)


def _mend_streams() -> None:
    """Give a stream that was closed somewhere to go (else the next file that is opened would be taken for it), and
    write letters that a stream's encoding lacks by their numbers."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest free number, which is this one
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - open as long as the program
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


@contextmanager
def _ended_by_the_system() -> Iterator[list[int]]:
    """SIGTERM ends the work as Ctrl-C does, so that nothing stays half written; the list gets it when it comes."""
    signals: list[int] = []

    def on_signal(number: int, frame: object) -> None:
        signals.append(number)
        raise Terminated

    if (threading.current_thread() is not threading.main_thread()
            or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL):
        yield signals
        return
    signal.signal(signal.SIGTERM, on_signal)
    try:
        yield signals
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _delivered(code: int, output: Output) -> int:
    """Hand over what stdout still holds; the interpreter's own attempt at exit must not complain after this one."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        code = BROKEN_PIPE
    except OSError as problem:
        if code == DONE:
            output.note(f"latentstudio: the answer cannot be written ({problem.strerror}); give stdout somewhere to go")
            code = USER_ERROR
    else:
        if code != BROKEN_PIPE:
            return code
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return code


def _dispatch(words: list[str], output: Output) -> int:
    if words and words[0] in ("-h", "--help", "help"):
        output.say(_help())
        return DONE
    if words and words[0] in ("-V", "--version"):
        Output().say(f"latentstudio {VERSION}")
        return DONE
    if not words or words[0].startswith("-") or (words[0] not in VERBS and _exists(words[0])):
        words = ["window", *words]
    verb = load_verb(words[0])
    parser = verb.parser()
    try:
        arguments = parser.parse_args(words[1:])
    except SystemExit as leaving:  # --help prints and leaves
        return int(leaving.code or 0)
    output.begin(arguments)
    if words[0] in TIDYING:
        for folder in own_folders():
            remove_left_over(folder)
    with never_over(named_inputs(arguments)):
        return verb.run(arguments, output) or DONE


def _exists(word: str) -> bool:
    try:
        return Path(word).exists()
    except (OSError, ValueError):  # too long for a path, or with a sign that none may hold
        return False


def _help() -> str:
    rows = [(f"  {name}", summary) for name, summary in VERBS.items()]
    return "\n".join((
        "usage: latentstudio [VERB] [options]      without a verb the window opens, with the FILES that are named", "",
        table(rows), "",
        "`latentstudio VERB --help` tells the options of a verb; --json, --seed and --device go with every verb.",
        "`latentstudio --version` prints the version.",
        "Exit codes: 0 done, 2 something you can mend, 130 Ctrl-C, 143 SIGTERM, 141 the reader has gone, 1 our defect.",
    ))


def _complain(sentence: str, output: Output, code: int) -> int:
    output.note(sentence if code == INTERRUPTED else f"latentstudio: {sentence}")
    try:
        output.result({"error": sentence})
    except BrokenPipeError:
        return BROKEN_PIPE
    except StudioError:
        return code
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
