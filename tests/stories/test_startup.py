"""The way to the first window: nothing heavy is imported, and the first picture needs no torch."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

HEAVY = ("torch", "onnxruntime", "pyqtgraph", "scipy", "sklearn", "onnx")
UNTIL_PAINT = """
import json, sys
from PySide6.QtCore import QTimer
from latentstudio.studio.app import build_window, make_application
app = make_application()
window = build_window()
found = {}
start = window.parts.runner.start
def look():
    found["at_paint"] = [name for name in %r if name in sys.modules]
    start()
window.parts.runner.start = look
def end(painted):
    found["at_picture"] = [name for name in %r if name in sys.modules]
    QTimer.singleShot(0, window.close)
window.parts.picture.painted.connect(end)
window.show()
app.exec()
found["thread_left"] = window.parts.runner.running
print(json.dumps(found))
"""


def test_nothing_heavy_before_the_first_paint_and_no_torch_before_the_first_picture(story_home):
    code = UNTIL_PAINT % (HEAVY, HEAVY)
    run = subprocess.run(
        [sys.executable, "-W", "error::DeprecationWarning", "-c", code], capture_output=True, text=True, timeout=60,
        check=False, cwd=Path(__file__).parents[2], env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout.strip().splitlines()[-1])
    assert found["at_paint"] == []
    assert "torch" not in found["at_picture"]
    assert "onnxruntime" in found["at_picture"]
    assert found["thread_left"] is False
