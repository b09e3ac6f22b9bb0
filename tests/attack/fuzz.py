"""``make fuzz``: feeds the program changed files of every kind that it reads, and says what each did to it.

Every input is made from a sound file of the program's own, by a change that knows the file's structure or by one that
does not, from ``--seed`` and its number alone. It must open, or end in a typed error, within 2 s of processor time and
500 MB (photographs: 5 s and 1.5 GB). Anything else is a finding: it is made smaller, and written to ``--out`` with a
note of its kind, seed and number.

Time is processor time, because other programs may use the machine too; a watchdog ends what uses several times its
limit, or stands still for ``WALL`` seconds of the clock.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import queue
import select
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from tests.attack.worker import CRASHED, GOOD, HUNG, LARGE, OPENED, REFUSED, SLOW, UNTYPED, surroundings

ROOT = Path(__file__).resolve().parents[2]
OUTCOMES = (OPENED, REFUSED, SLOW, LARGE, UNTYPED, CRASHED, HUNG)
WORKERS = 2
WALL = 300.0
PATIENCE = 4.0  # times the limit, until a process is ended
SAME = 3  # findings kept of the same kind at the same place
TRIES, SLOW_TRIES = 60, 10
COUNT, SEED = 10_000, 1


@dataclass(frozen=True)
class Verdict:
    """How an input ended: one of ``OUTCOMES``, in words, and where in the program."""

    outcome: str
    words: str = ""
    where: str = ""
    seconds: float = 0.0
    bytes: int = 0

    @property
    def good(self) -> bool:
        """Whether it opened or was refused, within its limits."""
        return self.outcome in GOOD

    def sign(self, kind: str) -> str:
        """What two findings have in common that are one fault."""
        return f"{kind} {self.outcome} {self.where}"


class Worker:
    """A process that opens files; started at first need, and again whenever it has died."""

    def __init__(self, folder: Path, seeds: Path) -> None:
        self.folder, self._seeds = folder, seeds
        self._process: subprocess.Popen[str] | None = None
        self.starts = 0

    def open(self, kind: str, name: str, data: bytes, *, seconds: float) -> Verdict:
        """Have it opened; ``seconds`` of processor time are allowed."""
        process = self._process or self._start()
        (self.folder / "input").write_bytes(data)
        began = _used(process.pid)
        assert process.stdin is not None
        process.stdin.write(json.dumps({"kind": kind, "name": name}) + "\n")
        process.stdin.flush()
        answer = self._answer(process, began + PATIENCE * seconds)
        if isinstance(answer, Verdict):
            self.close()
            return answer
        return Verdict(**answer)

    def _start(self) -> subprocess.Popen[str]:
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        shutil.copytree(self._seeds / "home", self.folder / "home")
        with open(self.folder.with_suffix(".log"), "ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.attack.worker", str(self.folder), str(self._seeds)], cwd=ROOT, text=True,
                env=surroundings(self.folder) | {"PYTHONPATH": str(ROOT)}, stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        self.starts += 1
        ready = self._answer(self._process, float("inf"))
        if isinstance(ready, Verdict):
            last = self.folder.with_suffix(".log").read_text(errors="replace")[-2000:]
            raise SystemExit(f"a worker does not start: {ready.words}\n{last}")
        return self._process

    def _answer(self, process: subprocess.Popen[str], most: float) -> dict | Verdict:
        end = time.monotonic() + WALL
        assert process.stdout is not None
        while True:
            if select.select([process.stdout], [], [], 0.5)[0]:
                line = process.stdout.readline()
                if line:
                    return json.loads(line)
                code = process.wait()
                return Verdict(CRASHED, f"the process ended with {code}", self._told())
            if _used(process.pid) > most:
                return Verdict(HUNG, f"more than {PATIENCE:g} times the processor time that is allowed")
            if time.monotonic() > end:
                return Verdict(HUNG, f"no answer in {WALL:g} s")

    def _told(self) -> str:
        """Where it crashed, from the last trace in its log."""
        lines = self.folder.with_suffix(".log").read_text(errors="replace").splitlines()
        frames = [line.strip() for line in lines[-200:] if line.strip().startswith("File") and "/latentstudio/" in line]
        return frames[0].rpartition("/")[2] if frames else ""

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


def _used(pid: int) -> float:
    """Processor seconds of a process so far."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def prepare(scratch: Path) -> Path:
    """Write sound files of every kind below ``scratch``; their folder."""
    seeds = scratch / "seeds"
    seeds.mkdir(parents=True)
    subprocess.run([sys.executable, "-m", "tests.attack.fuzz", "--write-seeds", str(seeds)], cwd=ROOT, check=True,
                   env=surroundings(seeds) | {"PYTHONPATH": str(ROOT)}, stdin=subprocess.DEVNULL)
    return seeds


def write_seeds(seeds: Path) -> None:
    """What ``prepare`` runs in a process with a home of its own."""
    from tests.attack import sound

    sound.make_home()
    sound.make_seeds(seeds)


class Attack:
    """Inputs to open, workers that open them, and what came of it."""

    def __init__(self, *, kinds: list[str], seed: int, count: int, seeds: Path, out: Path) -> None:
        from tests.attack import kinds as every

        self.kinds, self.seed, self.seeds, self.out = kinds, seed, seeds, out
        self.outcomes: Counter[tuple[str, str]] = Counter()
        self.findings: Counter[str] = Counter()
        self._make, self._known = every.make_input, every.KINDS
        self._numbers: queue.SimpleQueue[int] = queue.SimpleQueue()
        for number in range(count):
            self._numbers.put(number)
        self._lock = threading.Lock()
        self._broken: list[BaseException] = []

    def bad(self) -> dict[str, int]:
        """Findings by kind."""
        return {kind: sum(self.outcomes[kind, outcome] for outcome in OUTCOMES if outcome not in GOOD)
                for kind in self.kinds}

    def run(self, scratch: Path) -> None:
        """Open all inputs, in ``WORKERS`` processes."""
        threads = [threading.Thread(target=self._work, args=(scratch / f"worker-{index}",)) for index in range(WORKERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if self._broken:
            raise self._broken[0]

    def _work(self, folder: Path) -> None:
        worker = Worker(folder, self.seeds)
        try:
            while not self._numbers.empty() and not self._broken:
                try:
                    number = self._numbers.get_nowait()
                except queue.Empty:
                    return
                self._one(worker, number)
        except BaseException as problem:  # a mistake of the attack's own must not look like a quiet end
            self._broken.append(problem)
        finally:
            worker.close()

    def _one(self, worker: Worker, number: int) -> None:
        one = self._make(self.kinds, self.seed, number, self.seeds)
        allowed = self._known[one.kind].seconds
        verdict = worker.open(one.kind, one.name, one.data, seconds=allowed)
        with self._lock:
            self.outcomes[one.kind, verdict.outcome] += 1
            done = sum(self.outcomes.values())
            if done % 500 == 0:
                print(f"{done:,} inputs, {sum(self.findings.values())} findings", flush=True)
            if verdict.good:
                return
            self.findings[verdict.sign(one.kind)] += 1
            seen = self.findings[verdict.sign(one.kind)]
        if seen > SAME:
            return
        data = one.data
        if seen == 1:
            data = smaller(worker, one.kind, one.name, one.data, verdict, seconds=allowed)
        path = write_finding(self.out, one.kind, one.name, data, verdict, {"seed": self.seed, "number": number})
        print(f"{verdict.outcome}: {one.kind} {verdict.where} {verdict.words[:160]}\n    {path} ({len(data):,} bytes)",
              flush=True)


def smaller(worker: Worker, kind: str, name: str, data: bytes, verdict: Verdict, *, seconds: float) -> bytes:
    """The same finding with pieces left out, as far as some tries lead."""
    tries = TRIES if verdict.outcome == UNTYPED else SLOW_TRIES
    size = len(data) // 2
    while size >= 1 and tries > 0:
        at = 0
        while at < len(data) and tries > 0:
            shorter = data[:at] + data[at + size :]
            tries -= 1
            if worker.open(kind, name, shorter, seconds=seconds).sign(kind) == verdict.sign(kind):
                data = shorter
            else:
                at += size
        size //= 2
    return data


def write_finding(
    out: Path, kind: str, name: str, data: bytes, verdict: Verdict, origin: dict[str, int]
) -> Path:
    """The input and a note beside it; ``--again`` opens it once more."""
    out.mkdir(parents=True, exist_ok=True)
    path = out / f"{kind}--{hashlib.sha256(data).hexdigest()[:10]}--{name}"
    path.write_bytes(data)
    note = {"kind": kind, "outcome": verdict.outcome, "words": verdict.words, "where": verdict.where, **origin}
    path.with_name(path.name + ".json").write_text(json.dumps(note, indent=1) + "\n", encoding="utf-8")
    return path


def parts_of(path: Path) -> tuple[str, str]:
    """Kind and name of the sound file, as a finding's name tells them."""
    kind, _, name = path.name.split("--", 2)
    return kind, name


def again(paths: list[Path]) -> int:
    """Open findings once more, and say what becomes of each."""
    from tests.attack.kinds import KINDS

    bad = 0
    with tempfile.TemporaryDirectory(prefix="latentstudio-fuzz-") as scratch:
        worker = Worker(Path(scratch) / "worker", prepare(Path(scratch)))
        for path in paths:
            kind, name = parts_of(path)
            verdict = worker.open(kind, name, path.read_bytes(), seconds=KINDS[kind].seconds)
            print(f"{path.name}: {verdict.outcome} {verdict.where} {verdict.words} "
                  f"({verdict.seconds:.2f} s, {verdict.bytes >> 20} MiB)", flush=True)
            bad += not verdict.good
        worker.close()
    return 1 if bad else 0


def table(attack: Attack) -> str:
    """Counts by kind and outcome."""
    rows = [("", *OUTCOMES)]
    rows += [(kind, *(str(attack.outcomes[kind, outcome] or "·") for outcome in OUTCOMES)) for kind in attack.kinds]
    rows.append(("all", *(str(sum(attack.outcomes[kind, outcome] for kind in attack.kinds)) for outcome in OUTCOMES)))
    return "\n".join(f"{row[0]:18}" + "".join(f"{cell:>9}" for cell in row[1:]) for row in rows)


def main() -> int:
    """The command; 1 when anything was found."""
    options = argparse.ArgumentParser(prog="make fuzz", description=(__doc__ or "").split("\n")[0])
    options.add_argument("--count", type=int, default=COUNT)
    options.add_argument("--seed", type=int, default=SEED)
    options.add_argument("--kinds", default="", help="names with commas between; all when left out")
    options.add_argument("--out", type=Path, default=ROOT / "out" / "fuzz", help="where findings go")
    options.add_argument("--report", type=Path, help="where to write the number of findings by kind, as JSON")
    options.add_argument("--again", type=Path, nargs="+", help="open these findings once more, nothing else")
    options.add_argument("--write-seeds", type=Path, help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.write_seeds is not None:
        write_seeds(asked.write_seeds)
        return 0
    if asked.again:
        return again([path for path in asked.again if not path.with_suffix("").is_file()])
    from tests.attack.kinds import KINDS

    kinds = [name for name in KINDS if not asked.kinds or name in asked.kinds.split(",")]
    began = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="latentstudio-fuzz-") as scratch:
        seeds = prepare(Path(scratch))
        attack = Attack(kinds=kinds, seed=asked.seed, count=asked.count, seeds=seeds, out=asked.out)
        attack.run(Path(scratch))
    print(table(attack))
    for sign, count in attack.findings.most_common():
        print(f"{count:6} x {sign}")
    if asked.report is not None:
        asked.report.write_text(json.dumps(attack.bad()), encoding="utf-8")
    found = sum(attack.findings.values())
    print(f"fuzz: {asked.count:,} inputs, {found} findings ({len(attack.findings)} kinds), seed {asked.seed}, "
          f"{time.strftime('%Y-%m-%d')}, {time.perf_counter() - began:.0f} s", flush=True)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
