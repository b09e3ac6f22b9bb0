"""The session as words: one line of Python, one command line. Pure text."""

from __future__ import annotations

import shlex

from latentstudio.document.session import Session
from latentstudio.factors import FactorSet


def settings_of(session: Session, factors: FactorSet) -> dict[str, str]:
    """Factor positions as people type them: ``{"x": "+6.2px", "scale": "1.08x"}``."""
    found = {}
    for name, t in session.positions:
        if name in factors.names:
            unit = factors.get(name).unit
            number = unit.to_display(t)
            found[name] = f"{number:.6g}{unit.symbol}"
    return found


def as_command(session: Session, factors: FactorSet, *, out: str = "out.png") -> str:
    """``latentstudio factors apply MODEL --seed S --set x=8px ... --out out.png``; a raw edit needs a saved session."""
    words = ["latentstudio", "factors", "apply", session.model]
    if session.seed is not None:
        words += ["--seed", str(session.seed)]
        words += ["--label", str(session.label)] if session.label is not None else []
        words += ["--truncation", f"{session.truncation:.6g}"] if session.truncation != 1.0 else []
    else:
        words += ["--from", "session.latentstudio"]
    for name, value in settings_of(session, factors).items():
        words += ["--set", f"{name}={value}"]
    for name in session.kept:
        words += ["--keep", name]
    return shlex.join([*words, "--out", out])


def as_python(session: Session, factors: FactorSet) -> str:
    """A snippet that draws the same picture with the library."""
    settings = settings_of(session, factors)
    lines = ["import latentstudio", "", f"model = latentstudio.open_model({session.model!r})"]
    if session.seed is not None:
        lines.append(f"latent = latentstudio.sample(model, seed={session.seed})")
    else:
        values = ", ".join(f"{value:.9g}" for value in session.latent_array().reshape(-1))
        lines += ["import numpy", f"latent = numpy.array([{values}], dtype=numpy.float32)"]
    options = [f"keep={session.kept!r}"] if session.kept else []
    options += [f"label={session.label}"] if session.label is not None else []
    options += [f"truncation={session.truncation!r}"] if session.truncation != 1.0 else []
    lines.append(f"picture = latentstudio.apply({', '.join(['model', 'latent', repr(settings), *options])})")
    return "\n".join(lines) + "\n"
