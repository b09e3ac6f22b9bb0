"""How close faces-gan comes to 100 samples of its own that nothing was trained on: what verdicts on photographs are
measured by. Writes ``resources/recoders/faces-gan/held_out.json``; half an hour on one core at most."""

from __future__ import annotations

from pathlib import Path

from latentstudio.generators.opening import open_model
from latentstudio.inversion.honesty import measure_held_out, write_held_out
from latentstudio.inversion.settings import InversionSettings

MODEL, COUNT = "faces-gan", 100
PATH = Path(__file__).parents[1] / "resources" / "recoders" / MODEL / "held_out.json"


def main() -> None:
    """Measure and write."""
    generator = open_model(MODEL).generator
    for step in measure_held_out(generator, InversionSettings(), count=COUNT, store=False):
        if step.held_out is not None:
            write_held_out(PATH, step.held_out)
            losses = step.held_out.losses
            print(f"{len(losses)} samples: median loss {losses[len(losses) // 2]:.2g}, worst {losses[-1]:.2g}")


if __name__ == "__main__":
    main()
