"""A process that opens attacked files, one after the other, and says how each ended.

``python -m tests.attack.worker FOLDER SEEDS``: a line of JSON in, a line out. The home is below FOLDER, whatever the
user's is; ``FOLDER/input`` is what is being opened now, so that whoever kills this process knows what it was.

Processor time is measured, not the clock's, so that a crowded machine accuses nobody; memory is the highest that the
process held while the file was opened (VmHWM, set back before) less what it held before.
"""

from __future__ import annotations

import faulthandler
import json
import os
import resource
import sys
import traceback
import warnings
from pathlib import Path

HOMES = {"LATENTSTUDIO_HOME": "home", "HOME": "home/user", "XDG_CONFIG_HOME": "home/xdg", "XDG_DATA_HOME": "home/xdg",
         "XDG_CACHE_HOME": "home/xdg", "XDG_STATE_HOME": "home/xdg", "TMPDIR": "home/tmp"}
ROOM = 6 << 30  # of address space beyond what stands at the start: a guard of the machine, not the limit
OPENED, REFUSED, SLOW, LARGE = "opened", "refused", "slow", "large"
UNTYPED, CRASHED, HUNG = "untyped", "crashed", "hung"
GOOD = (OPENED, REFUSED)


def surroundings(folder: Path) -> dict[str, str]:
    """The environment of a worker: every folder of a user lies below ``folder``."""
    homes = {name: str(folder / inside) for name, inside in HOMES.items()}
    for path in homes.values():
        Path(path).mkdir(parents=True, exist_ok=True)
    return {**os.environ, **homes, "OMP_NUM_THREADS": "1", "QT_QPA_PLATFORM": "offscreen", "PYTHONFAULTHANDLER": "1"}


def main(arguments: list[str]) -> int:
    """Serve until the other side closes."""
    folder, seeds = Path(arguments[0]), Path(arguments[1])
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # whatever prints goes to the log
    warnings.simplefilter("ignore")
    faulthandler.enable()
    os.chdir(folder)
    from tests.attack import kinds  # torch and all that

    room = kinds.Room(folder, seeds)
    for name, kind in kinds.KINDS.items():  # what is imported at first need is not the file's doing
        sound = sorted(path for path in (seeds / name).iterdir() if path.is_file())[0]
        kind.open(sound.read_bytes(), room, sound.name)
    held = _pages()[0]
    resource.setrlimit(resource.RLIMIT_AS, (held + ROOM, held + ROOM))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    print(json.dumps({"ready": True}), file=answers)
    for line in sys.stdin:
        asked = json.loads(line)
        data = (folder / "input").read_bytes()
        print(json.dumps(judged(kinds.KINDS[asked["kind"]], data, asked["name"], room)), file=answers)
    return 0


def judged(kind: object, data: bytes, name: str, room: object) -> dict[str, object]:
    """Open it, and tell how that ended, with processor seconds and bytes of memory."""
    from latentstudio.errors import StudioError

    before = _forget_peak()
    began = _processor_seconds()
    outcome, words, where = OPENED, "", ""
    try:
        kind.open(data, room, name)
    except StudioError as problem:
        outcome, words = REFUSED, problem.sentence
    except BaseException as problem:  # whatever is no typed error is what we are here for
        outcome, words = UNTYPED, f"{type(problem).__name__}: {problem}"[:300]
        where = _place_of(problem)
    seconds, grown = _processor_seconds() - began, _peak() - before
    if outcome in GOOD and seconds > kind.seconds:
        outcome, words = SLOW, f"{seconds:.1f} s of processor time; {words}"
    elif outcome in GOOD and grown > kind.bytes:
        outcome, words = LARGE, f"{grown >> 20} MiB; {words}"
    return {"outcome": outcome, "words": words, "where": where, "seconds": seconds, "bytes": grown}


def _place_of(problem: BaseException) -> str:
    """The innermost line of the program itself, or of a plugin."""
    ours = [frame for frame in traceback.extract_tb(problem.__traceback__)
            if "/latentstudio/" in frame.filename or "/plugins/" in frame.filename]
    last = ours[-1] if ours else traceback.extract_tb(problem.__traceback__)[-1]
    return f"{type(problem).__name__} in {'/'.join(Path(last.filename).parts[-2:])}:{last.lineno} {last.name}"


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime + children.ru_utime + children.ru_stime


def _pages() -> tuple[int, int]:
    size, resident = Path("/proc/self/statm").read_text().split()[:2]
    return int(size) * resource.getpagesize(), int(resident) * resource.getpagesize()


def _forget_peak() -> int:
    Path("/proc/self/clear_refs").write_text("5")
    return _pages()[1]


def _peak() -> int:
    lines = Path("/proc/self/status").read_text().splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
