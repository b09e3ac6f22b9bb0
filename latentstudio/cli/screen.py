"""Whether there is a screen, and what of the system Qt lacks; nothing of Qt is imported here."""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import sys
from pathlib import Path

from latentstudio.places import bundled

_PLATFORM = "QT_QPA_PLATFORM"


def has_display() -> bool:
    """True when a window can be shown: a platform was chosen by hand, or a Wayland or X server answers."""
    if os.environ.get(_PLATFORM) or not sys.platform.startswith("linux"):
        return True
    if os.environ.get("WAYLAND_DISPLAY"):
        return True
    display = os.environ.get("DISPLAY", "")
    return bool(display) and _answers(display)


def go_offscreen() -> None:
    """Let the windows of this process and its children be drawn in memory, unless a platform was chosen by hand."""
    os.environ.setdefault(_PLATFORM, "offscreen")


def missing_packages() -> tuple[str, ...]:
    """Debian packages whose libraries a Qt window needs and this system lacks; empty off Linux."""
    if not sys.platform.startswith("linux"):
        return ()
    try:
        lines = (bundled("packaging") / "debian-packages.txt").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ()
    rows = (line.split() for line in lines if line and not line.startswith("#"))
    return tuple(row[0] for row in rows if "tests" not in row[2:] and not _is_there(row[1]))


def install_command(packages: tuple[str, ...]) -> str:
    """The exact command that installs these packages on Debian or Ubuntu."""
    root = hasattr(os, "geteuid") and os.geteuid() == 0
    return ("" if root else "sudo ") + "apt-get install -y --no-install-recommends " + " ".join(packages)


def _answers(display: str) -> bool:
    """True unless it is a display of this machine on which nobody listens; a remote one is believed."""
    host, _, number = display.rpartition(":")
    if host not in ("", "unix"):
        return True
    path = f"/tmp/.X11-unix/X{number.partition('.')[0]}"
    for address in (path, f"\0{path}"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
            probe.settimeout(1.0)
            try:
                probe.connect(address)
            except OSError:
                continue
            return True
    return False


def _is_there(sign: str) -> bool:
    kind, _, name = sign.partition(":")
    if kind == "file":
        return Path(name).exists()
    if kind == "program":
        return shutil.which(name) is not None
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True
