"""Set this checkout up: system packages that Qt needs, ``.venv``, every dependency in its exact version.

Standard library only, so that it runs on a machine with nothing but Python. A stamp makes the next run instant.

    python3 packaging/prepare.py          what the program needs
    python3 packaging/prepare.py --dev    the tools for tests and checks as well
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
CONSTRAINTS = ROOT / "packaging" / "constraints.txt"
SYSTEM_PACKAGES = ROOT / "packaging" / "debian-packages.txt"
OLDEST, NEWEST = (3, 11), (3, 13)
PIP_FOR_OTHERS = (22, 3)


def main() -> int:
    """Prepare; returns 0, or 1 with the reason on stderr."""
    options = argparse.ArgumentParser(description="Set this checkout up.")
    options.add_argument("--dev", action="store_true", help="with the tools for tests and checks")
    dev = options.parse_args().dev
    python = suitable_python()
    if python is None:
        return fail(f"Python {sys.version.split()[0]} is not supported and no other was found; install Python 3.11, "
                    "3.12 or 3.13, or say which: make PYTHON=/path/to/python3.12")
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        return subprocess.call([python, __file__, *sys.argv[1:]])
    stamp = VENV / (".prepared-dev" if dev else ".prepared")
    wanted = fingerprint(dev)
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == wanted:
        return 0
    try:
        install_system_packages(dev)
        make_environment()
        install_dependencies(dev)
        stamp.write_text(wanted, encoding="utf-8")
        if dev:
            (VENV / ".prepared").write_text(fingerprint(False), encoding="utf-8")
    except subprocess.CalledProcessError as problem:
        return fail(f"this step failed with exit code {problem.returncode}: {' '.join(map(str, problem.cmd))}")
    except MissingError as problem:
        return fail(str(problem))
    except OSError as problem:
        return fail(f"{problem.filename or VENV} cannot be written ({problem.strerror or problem}); "
                    "is this checkout your own?")
    return 0


class MissingError(Exception):
    """Something of the system is missing without which nothing can go on; the message says how to get it."""


def suitable_python() -> str | None:
    """This interpreter if its version is supported, else the newest supported one on the path that really starts."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return sys.executable
    names = (f"python3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1))
    return next((found for name in names if (found := shutil.which(name)) and starts_as(found, name)), None)


def starts_as(program: str, name: str) -> bool:
    """True when the program is the Python that its name says; version managers leave names that lead nowhere."""
    asked = [program, "-c", "import sys; print('python%d.%d' % sys.version_info[:2])"]
    answer = subprocess.run(asked, check=False, capture_output=True, text=True)
    return answer.returncode == 0 and answer.stdout.strip() == name


def fingerprint(dev: bool) -> str:
    """Changes whenever the set-up has to be done again."""
    digest = hashlib.sha256(f"{sys.version}{dev}{ROOT}".encode())
    for path in (CONSTRAINTS, SYSTEM_PACKAGES, ROOT / "pyproject.toml", Path(__file__)):
        digest.update(path.read_bytes())
    return digest.hexdigest()


def missing_system_packages(dev: bool) -> list[str]:
    """Names from ``debian-packages.txt`` whose sign is absent; those for tests only with ``dev``."""
    rows = (line.split() for line in SYSTEM_PACKAGES.read_text(encoding="utf-8").splitlines())
    return [
        row[0] for row in rows
        if row and not row[0].startswith("#") and (dev or "tests" not in row[2:]) and not is_there(row[1])
    ]


def is_there(sign: str) -> bool:
    """True when the library loads, the file exists or the program is on the path."""
    kind, _, name = sign.partition(":")
    if kind == "program":
        return shutil.which(name) is not None
    if kind == "file":
        return Path(name).exists()
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def install_system_packages(dev: bool) -> None:
    """Install what is missing when this is Debian and we are root; else print the exact command and go on."""
    if not sys.platform.startswith("linux"):
        return
    missing = missing_system_packages(dev)
    if not has_venv() and os.geteuid() == 0:
        missing += [venv_package()]
    if not missing:
        return
    if shutil.which("apt-get") is None:
        say("Qt needs these libraries of the system (Debian's names): " + " ".join(missing))
    elif os.geteuid() != 0:
        command = "sudo apt-get install -y --no-install-recommends " + " ".join(missing)
        say(f"please install what Qt's window needs: {command}")
    else:
        say("installing " + " ".join(missing))
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing]
        try:
            run(["apt-get", "update", "-qq"], env=quiet)
            run(command, env=quiet)
        except subprocess.CalledProcessError:
            say(f"that did not work; later, when the network is there: {' '.join(command)}")


def has_venv() -> bool:
    """Debian splits ensurepip off into a package of its own."""
    asked = [sys.executable, "-c", "import ensurepip, venv; ensurepip.version()"]
    return subprocess.run(asked, check=False, capture_output=True).returncode == 0


def venv_package() -> str:
    """Debian's package of the rest of venv for this Python."""
    return f"python{sys.version_info.major}.{sys.version_info.minor}-venv"


def make_environment() -> None:
    """``.venv`` with this Python; one made by another Python, or left half made, is replaced.

    Raises:
        MissingError: neither ensurepip nor a pip of the system can put pip into it.
    """
    python = environment_python()
    if python.exists():
        asked = "import sys, pip; print(sys.version)"
        answer = subprocess.run([python, "-c", asked], check=False, capture_output=True, text=True)
        if answer.returncode == 0 and answer.stdout.strip() == sys.version:
            return
    if VENV.exists():
        shutil.rmtree(VENV)
    if has_venv():
        say("making .venv")
        run([sys.executable, "-m", "venv", str(VENV)])
    elif system_pip() >= PIP_FOR_OTHERS:
        say("making .venv with the system's pip, since this Python has no ensurepip")
        run([sys.executable, "-m", "venv", "--without-pip", str(VENV)])
        pip = [sys.executable, "-m", "pip", "--python", str(python), "--disable-pip-version-check"]
        run([*pip, "install", "-q", "pip"])
    else:
        raise MissingError("this Python cannot make .venv: its ensurepip is missing; install it, then run make again: "
                           f"sudo apt-get install -y --no-install-recommends {venv_package()}")


def system_pip() -> tuple[int, ...]:
    """Version of the pip that belongs to this Python, (0,) where there is none."""
    asked = [sys.executable, "-c", "import pip; print(pip.__version__)"]
    answer = subprocess.run(asked, check=False, capture_output=True, text=True)
    parts = answer.stdout.strip().split(".")[:2] if answer.returncode == 0 else []
    return tuple(int(part) for part in parts if part.isdecimal()) or (0,)


def environment_python() -> Path:
    """The interpreter inside ``.venv``."""
    return VENV / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")


def install_dependencies(dev: bool) -> None:
    """Exact versions from ``constraints.txt``, then the checkout itself, editable."""
    say("installing the dependencies (torch is large: a few minutes the first time)")
    pip = [str(environment_python()), "-m", "pip", "--disable-pip-version-check"]
    pip += ["install", "-q", "-c", str(CONSTRAINTS)]
    run([*pip, "hatchling", "editables"])
    run([*pip, "--no-build-isolation", "-e", f"{ROOT}[dev]" if dev else str(ROOT)])


def run(command: list[str], *, env: dict[str, str] | None = None) -> None:
    """Run a step; it raises when the step fails."""
    subprocess.run(command, check=True, env=env, stdin=subprocess.DEVNULL)


def say(text: str) -> None:
    """One line about what is going on."""
    print(f"prepare: {text}", flush=True)


def fail(reason: str) -> int:
    """The reason on stderr, exit code 1."""
    print(f"prepare: {reason}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
