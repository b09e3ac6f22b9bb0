"""Learn the factors that ship with the program: x, y, scale and rotation of the sprites models, x, y, scale and
brightness of faces-gan and faces. What a model does not have is said and left out; labels that were given stay.

    make learn-factors
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from latentstudio.factors import Factor, read_factor, write_factor

ROOT = Path(__file__).resolve().parent.parent
SPRITES = ("sprites-b1", "sprites-b5", "sprites-b10", "sprites-b20")
FACTORS = dict.fromkeys(SPRITES, ("x", "y", "scale", "rotation")) | {
    "faces-gan": ("x", "y", "scale", "brightness"),
    "faces": ("x", "y", "scale", "brightness"),
}
# single faces differ much more than sprites: their median needs more of them
FOR_MODEL = {"faces-gan": ("--judged", "768"), "faces": ("--judged", "768")}
# these faces are centred: further targets find an axis that carries them further
OPTIONS = {("faces-gan", "x"): ("--reach", "1.4", "--steps", "14")}
FOLDERS = {name: ROOT / "models" / name / "factors" for name in (*SPRITES, "faces")} | {
    "faces-gan": ROOT / "resources" / "factors" / "faces-gan",
}


def main() -> int:
    """Learn one after the other; 1 when one could not be learned."""
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    options.add_argument("--model", choices=list(FACTORS), default=None, help="only this model's")
    wanted = options.parse_args().model
    worst = 0
    for model, names in FACTORS.items():
        if wanted not in (None, model):
            continue
        for name in names:
            out = FOLDERS[model] / f"{name}.safetensors"
            out.parent.mkdir(parents=True, exist_ok=True)
            words = ["factors", "learn", model, "--factor", name, "--out", str(out)]
            words += [*FOR_MODEL.get(model, ()), *OPTIONS.get((model, name), ())]
            before = read_factor(out) if out.exists() else None
            if subprocess.call([sys.executable, "-m", "latentstudio", *words], cwd=ROOT):
                worst = 1
            elif before is not None:
                keep_name(before, out)
    return worst


def keep_name(before: Factor, path: Path) -> None:
    """Give a factor that was learned anew the label and the title of the one that it replaced, where that had a label.
    Notes are figures of the old axis, so they go: measure the new one.
    """
    if before.label:
        write_factor(path, replace(read_factor(path), label=before.label, title=before.title))
        print(f"{path.name} is still called {before.label}; `make landmarks` measures whether it does that", flush=True)


if __name__ == "__main__":
    sys.exit(main())
