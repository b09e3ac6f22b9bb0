"""The smallest move of a latent that brings several wanted coordinates about at once. numpy only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from latentstudio.errors import UsageError

DoubleArray = NDArray[np.float64]

PARALLEL = 0.99
_ROUNDING = 1e-10


def smallest_move(axes: DoubleArray, moves: DoubleArray, *, kept: int = 0) -> DoubleArray:
    """The shortest vectors (..., d) whose scalar products with ``axes`` U (k, d) are ``moves`` m (..., k).

    Where the axes differ this is m (U U')^-1 U, whatever their angles. Two axes with a cosine beyond ``PARALLEL`` say
    almost the same: to set them apart would take a move many times as long, so what they cannot have both is settled
    by least squares (the Gram matrix's small eigenvalues are left out). The first ``kept`` axes come first: the others
    get only what leaves those where they are wanted.
    """
    held, free = axes[:kept], axes[kept:]
    move = moves[..., :kept] @ _inverse(held, 1.0 - PARALLEL) @ held
    if len(free):
        aside = free - (free @ held.T) @ _inverse(held, _ROUNDING) @ held
        cut = 1.0 - PARALLEL**2 if kept else 1.0 - PARALLEL
        move = move + (moves[..., kept:] - move @ free.T) @ _inverse(aside, cut) @ aside
    return move


def _inverse(axes: DoubleArray, cut: float) -> DoubleArray:
    """(U U')^-1 (k, k) without the eigenvectors whose eigenvalue is at most ``cut``."""
    values, vectors = np.linalg.eigh(axes @ axes.T)
    chosen = values > cut
    found: NDArray[np.float64] = (vectors[:, chosen] / values[chosen]) @ vectors[:, chosen].T
    return found


def clean_axis(axis: NDArray[np.float32], against: list[NDArray[np.float32]]) -> NDArray[np.float32]:
    """The unit vector (d,) of what ``axis`` (d,) has beside the axes ``against``.

    It is the projection onto the complement of the others: moving along it leaves their coordinates as they are.

    Raises:
        UsageError: the axis lies almost in the span of the others (what is left is shorter than 0.14, which is a
            cosine beyond ``PARALLEL``), or the sizes differ.
    """
    if any(other.shape != axis.shape for other in against):
        raise UsageError(f"axes of {axis.size} and {[other.size for other in against]} values",
                         expected="axes of one model")
    unit = axis.astype(np.float64)
    if not against:
        return (unit / np.linalg.norm(unit)).astype(np.float32)
    others = np.stack(against).astype(np.float64)
    left = unit - (unit @ others.T) @ _inverse(others, _ROUNDING) @ others
    length = float(np.linalg.norm(left))
    if length**2 <= 1.0 - PARALLEL**2:
        raise UsageError(f"only {length:.2f} of the axis is left beside the others",
                         expected=f"more than {(1.0 - PARALLEL**2) ** 0.5:.2f}", action="clean it against fewer")
    return (left / length).astype(np.float32)
