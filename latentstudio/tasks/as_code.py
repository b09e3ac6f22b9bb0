"""The session as words: one line of Python, one command line. Pure text."""

from __future__ import annotations

import shlex

from latentstudio.document.view import View
from latentstudio.factors import FactorSet
from latentstudio.generators.conditions import LABEL, NOISE_SEED, TRUNCATION

FLAGS = (LABEL, TRUNCATION, NOISE_SEED)


def settings_of(view: View, factors: FactorSet) -> dict[str, str]:
    """Factor positions as people type them: ``{"x": "+6.2px", "scale": "1.08x"}``."""
    found = {}
    for name, t in view.positions:
        if name in factors.names:
            unit = factors.get(name).unit
            number = unit.to_display(t)
            found[name] = f"{number:.6g}{unit.symbol}"
    return found


def as_command(view: View, factors: FactorSet, *, out: str = "out.png") -> str:
    """``latentstudio factors apply MODEL --seed S --set x=8px ... --out out.png``; a raw edit needs a saved session."""
    words = ["latentstudio", "factors", "apply", view.model]
    if view.seed is not None:
        words += ["--seed", str(view.seed)]
        for name, value in view.told.items():
            flag = f"--{name.replace('_', '-')}"
            words += [flag, f"{value}"] if name in FLAGS else ["--condition", f"{name}={value}"]
    else:
        words += ["--from", "session.latentstudio"]
    for name, value in settings_of(view, factors).items():
        words += ["--set", f"{name}={value}"]
    for name in view.kept:
        words += ["--keep", name]
    return shlex.join([*words, "--out", out])


def as_python(view: View, factors: FactorSet) -> str:
    """A snippet that draws the same picture with the library."""
    settings = settings_of(view, factors)
    lines = ["import latentstudio", "", f"model = latentstudio.open_model({view.model!r})"]
    if view.seed is not None:
        lines.append(f"latent = latentstudio.sample(model, seed={view.seed})")
    else:
        values = ", ".join(f"{value:.9g}" for value in view.latent_array().reshape(-1))
        lines += ["import numpy", f"latent = numpy.array([{values}], dtype=numpy.float32)"]
    options = [f"keep={view.kept!r}"] if view.kept else []
    conditions = ", ".join(f"{name}={value!r}" for name, value in view.told.items())
    options += [f"conditions=latentstudio.Conditions.of({conditions})"] if conditions else []
    lines.append(f"picture = latentstudio.apply({', '.join(['model', 'latent', repr(settings), *options])})")
    return "\n".join(lines) + "\n"
