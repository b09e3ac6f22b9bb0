"""The processes that ``make kills`` kills, besides the verbs of the command line.

``drag LOG TAG``: the real window with the user's own slot; tells what came back as a line [time, t], then drags a
slider and writes every move twice: what it aims at before, [time, t, width of a pixel], since the kill may come before
the window has answered; and where the slider went, [time, t]. ``save LOG TAG OUT``: saves a session, a picture and a
pasted photograph again and again, as the window's worker does, and writes a line [time, name, number] after each.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TextIO

import numpy as np
from PIL import Image

MODEL = "sprites-b10"
PHOTO = "photo.png"


def main(arguments: list[str]) -> int:
    """Play one of the parts until the end of this process, or of the one that started it."""
    mode, log, tag, *more = arguments
    with open(log, "a", encoding="utf-8", buffering=1) as lines:
        if mode == "drag":
            drag(lines, int(tag))
        else:
            save(lines, int(tag), Path(more[0]))
    return 0


def drag(lines: TextIO, tag: int) -> None:
    """Start as ever (the first time with a model), say what stands, and drag."""
    from latentstudio.document.autosave import claim_slot
    from latentstudio.stories.driver import story_window

    watcher = os.getppid()
    with story_window(Path("/nowhere"), model=MODEL if tag == 0 else None, slot=claim_slot()) as driver:
        name = driver.parts.desk.current.factors.names[0]
        lines.write(json.dumps([time.time(), driver.view.position(name)]) + "\n")
        slider = driver.card(name).slider
        low, high = slider.minimum(), slider.maximum()
        pixel = (high - low) / (slider.position_of(high) - slider.position_of(low))
        driver.press(name)
        for step in itertools.count():
            if os.getppid() != watcher:
                return
            aim = slider.kept(low + (high - low) * (0.5 + (0.2 + 0.001 * tag) * math.sin(step / 11.0 + tag)))
            lines.write(json.dumps([time.time(), aim, pixel]) + "\n")
            driver.move(name, aim)
            lines.write(json.dumps([time.time(), driver.view.position(name)]) + "\n")
            driver.live(0.016)
            if step % 40 == 39:  # let go now and then, so that the history and its pictures are written too
                driver.release(name, driver.view.position(name))
                driver.press(name)


def save(lines: TextIO, tag: int, out: Path) -> None:
    """Save three kinds of file by turns; every number is higher than any before."""
    from latentstudio import api
    from latentstudio.document.history import History
    from latentstudio.document.session import Session
    from latentstudio.document.session_file import Saved, write_session
    from latentstudio.document.view import View
    from latentstudio.inversion.frames import Frame

    watcher = os.getppid()
    photo_path = out.parent / PHOTO
    if not photo_path.exists():
        ramp = np.linspace(0, 255, 300 * 400 * 3).reshape(300, 400, 3)
        Image.fromarray(ramp.astype(np.uint8)).save(photo_path)
    model = api.open_model(MODEL)
    photo = api.read_photo(photo_path)
    start = View.start(model.card, api.sample(model, seed=1), 1)
    start = start.with_photo(api.photo_place(PHOTO, photo, Frame(200.0, 150.0, 180.0)))
    history = History.start(Session((start,)))
    for number in itertools.count(1_000_000 * (tag + 1)):
        if os.getppid() != watcher:
            return
        view = replace(start, seed=number)
        session = Session((view,))
        history = history.commit(session, "save").bounded(30)
        write_session(out / "a.latentstudio", Saved(session, history))
        lines.write(json.dumps([time.time(), "a.latentstudio", number]) + "\n")
        picture = api.draw(model, view)
        picture.save(out / "b.png")
        lines.write(json.dumps([time.time(), "b.png", number]) + "\n")
        pasted = api.draw_pasted(model, view, photo=photo)
        pasted.save(out / "c.png")
        lines.write(json.dumps([time.time(), "c.png", number]) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
