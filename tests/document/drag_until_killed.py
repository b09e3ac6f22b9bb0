"""Run as a program by the autosave's test: drags for ever and prints the time of each movement before it is saved."""

from __future__ import annotations

import threading
import time

import numpy as np

from latentstudio.document.autosave import Autosave, claim_slot
from latentstudio.document.view import View
from latentstudio.document.workspace import Workspace


def main() -> None:
    """Move the slider 200 times a second; commit (with a thumbnail) every tenth time."""
    slot = claim_slot()
    workspace = Workspace(View("toy", "", bytes(400), (100,)))
    autosave = Autosave(slot.folder)
    pace = threading.Event()
    for count in range(1_000_000):
        moment = time.time()
        view = View("toy", "", bytes(400), (100,)).with_position("moment", moment)
        if count % 10:
            workspace.apply_preview(view)
        else:
            workspace.apply(view, "drag")
            picture = np.full((64, 64, 3), count % 251, np.uint8)
            workspace.attach_thumbnail(workspace.history.current or 0, picture)
        autosave.save(workspace.session, workspace.history)
        print(repr(moment), flush=True)
        pace.wait(0.005)


main()
