"""Learn the factors that ship with the program: x, y and scale of sprites-b10, and brightness too of faces-gan.

    make learn-factors
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FACTORS = {"sprites-b10": ("x", "y", "scale"), "faces-gan": ("x", "y", "scale", "brightness")}
# these faces are centred: further targets find an axis that carries them further
OPTIONS = {("faces-gan", "x"): ("--reach", "1.4", "--steps", "14")}
FOLDERS = {
    "sprites-b10": ROOT / "models" / "sprites-b10" / "factors",
    "faces-gan": ROOT / "resources" / "factors" / "faces-gan",
}


def main() -> int:
    """Learn one after the other; stops at the first that fails."""
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    options.add_argument("--model", choices=list(FACTORS), default=None, help="only this model's")
    wanted = options.parse_args().model
    for model, names in FACTORS.items():
        if wanted not in (None, model):
            continue
        for name in names:
            out = FOLDERS[model] / f"{name}.safetensors"
            out.parent.mkdir(parents=True, exist_ok=True)
            words = ["factors", "learn", model, "--factor", name, "--out", str(out)]
            words += OPTIONS.get((model, name), ())
            code = subprocess.call([sys.executable, "-m", "latentstudio", *words], cwd=ROOT)
            if code:
                return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
