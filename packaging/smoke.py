"""Try a built wheel as a stranger would: a fresh environment outside the checkout, the command, a window, a picture.

    python packaging/smoke.py dist/latentstudio-0.1.0-py3-none-any.whl
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CONSTRAINTS = ROOT / "packaging" / "constraints.txt"
MUST_HOLD = (
    "latentstudio/cli/main.py",
    "latentstudio/_bundled/plugins/beta_vae/plugin.toml",
    "latentstudio/_bundled/plugins/dcgan/plugin.toml",
    "latentstudio/_bundled/models/sprites-b10/card.json",
    "latentstudio/_bundled/models/sprites-b10/weights.safetensors",
    "latentstudio/_bundled/resources/addons/faces-gan.toml",
    "latentstudio/_bundled/packaging/debian-packages.txt",
)
LICENCES = ("LICENSE", "THIRD_PARTY_NOTICES.md")


def main() -> int:
    """0 when the wheel holds what it must and the installed program works."""
    if len(sys.argv) != 2:
        print("usage: python packaging/smoke.py WHEEL", file=sys.stderr)
        return 2
    built = Path(sys.argv[1]).resolve()
    problems = contents_problems(built)
    for problem in problems:
        print(f"smoke: {problem}", file=sys.stderr)
    if problems:
        return 1
    with tempfile.TemporaryDirectory(prefix="latentstudio-smoke-") as name:
        return try_it(built, Path(name))


def contents_problems(built: Path) -> list[str]:
    """What is missing from the wheel, or lies in it and should not."""
    with zipfile.ZipFile(built) as opened:
        names = opened.namelist()
    missing = [name for name in MUST_HOLD if name not in names]
    missing += [f"a licence file {word}" for word in LICENCES if not any(name.endswith(f"/{word}") for name in names)]
    stray = [name for name in names if "/tests/" in name or "__pycache__" in name or name.startswith("tests/")]
    return [f"the wheel lacks {name}" for name in missing] + [f"the wheel should not hold {name}" for name in stray]


def try_it(built: Path, folder: Path) -> int:
    """Install into ``folder`` and use the program there."""
    subprocess.run([sys.executable, "-m", "venv", str(folder / "venv")], check=True)
    programs = folder / "venv" / ("Scripts" if sys.platform == "win32" else "bin")
    pip = [str(programs / "python"), "-m", "pip", "--disable-pip-version-check", "install", "-q"]
    subprocess.run([*pip, "-c", str(CONSTRAINTS), str(built)], check=True)
    surroundings = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "DISPLAY")}
    surroundings |= {"LATENTSTUDIO_HOME": str(folder / "home"), "QT_QPA_PLATFORM": "offscreen"}
    command = str(programs / "latentstudio")
    for words in (
        ["--version"],
        ["doctor"],
        ["models", "list", "--json"],
        ["sample", "sprites-b10", "--count", "4", "--out", "four.png", "--json"],
        ["factors", "apply", "sprites-b10", "--seed", "3", "--set", "x=5px", "--out", "moved.png", "--json"],
        ["render", "moved.png", "--out", "again.png", "--json"],
        ["demo", "--story", "drag", "--out", "story"],
    ):
        done = subprocess.run(
            [command, *words], cwd=folder, env=surroundings, capture_output=True, text=True, timeout=600, check=False,
        )
        print(f"smoke: latentstudio {' '.join(words)}: exit {done.returncode}", flush=True)
        if done.returncode:
            print(done.stdout, done.stderr, sep="\n", file=sys.stderr)
            return 1
        if words[0] == "render" and json.loads(done.stdout)["max_difference"] != 0:
            print(f"smoke: the picture did not come back the same: {done.stdout}", file=sys.stderr)
            return 1
    pictures = sorted((folder / "story").glob("*.png"))
    print(f"smoke: the story wrote {len(pictures)} pictures")
    return 0 if pictures else 1


if __name__ == "__main__":
    sys.exit(main())
