"""The process that the crash story kills: ``python -m ...stories.crash_child drag|report OUT MODEL MOVES``.

It is the real window with the user's own slot (the home is the story's). ``drag`` moves a slider back and forth until
it is killed and writes each move as a line [time, t]; ``report`` starts as ever and prints what stands.
"""

from __future__ import annotations

import json
import math
import os
import sys
import time
from pathlib import Path

from latentstudio.document.autosave import claim_slot
from latentstudio.stories.driver import Driver, story_window


def main(arguments: list[str]) -> int:
    """Play one of the two parts."""
    mode, out, model, moves = arguments
    with story_window(
        Path(out),
        model=model if mode == "drag" else None,
        slot=claim_slot(),
        first_number=1 if mode == "drag" else 2,
    ) as driver:
        if mode == "drag":
            drag_for_ever(driver, Path(moves))
        report(driver)
    return 0


def drag_for_ever(driver: Driver, moves: Path) -> None:
    """Move the first slider in small, never repeated steps; ends with the process, or when the story itself is gone."""
    story = os.getppid()
    name = driver.parts.desk.current.factors.names[0]  # type: ignore[union-attr]
    low, high = driver.card(name).slider.minimum(), driver.card(name).slider.maximum()
    driver.press(name)
    with open(moves, "a", encoding="utf-8", buffering=1) as log:
        for step in range(1_000_000):
            if os.getppid() != story:
                break
            driver.move(name, low + (high - low) * (0.5 + 0.3 * math.sin(step / 11.0)))
            log.write(json.dumps([time.time(), driver.view.position(name)]) + "\n")
            driver.live(0.016)
            if step == 20:
                driver.shoot("crash-mid-drag")


def report(driver: Driver) -> None:
    """Print what stands after the start, as one JSON object."""
    driver.shoot("crash-restored")
    view = driver.view
    position = view.positions[0][1] if view.positions else None
    found = {
        "restored": bool(view.positions),
        "position": position,
        "model": view.model,
        "entries": len(driver.parts.workspace.history),
    }
    print(json.dumps(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
