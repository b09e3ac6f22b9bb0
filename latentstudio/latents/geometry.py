"""Balls, spheres and paths, for numpy arrays and torch tensors alike; the last axis is the latent."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor

Array = TypeVar("Array", NDArray[np.float32], NDArray[np.float64], "Tensor")
_TINY = 1e-12


def _norm(latent: Array) -> Array:
    found: Array = ((latent * latent).sum(-1)[..., None]) ** 0.5
    return found


def project_to_ball(latent: Array, radius: float) -> Array:
    """Scale latents longer than ``radius`` back to it; shorter ones stay (equation 2 of Plumerault et al. 2020)."""
    norm = _norm(latent)
    factor = (radius / (norm + _TINY)).clip(None, 1.0)
    found: Array = latent * factor
    return found


def project_to_sphere(latent: Array, radius: float) -> Array:
    """Scale latents to the length ``radius``; the direction stays."""
    found: Array = latent * (radius / (_norm(latent) + _TINY))
    return found


def hold_near(latent: Array, centre: Array, distance: float) -> Array:
    """Bring latents further than ``distance`` from ``centre`` back to it along a straight line; nearer ones stay."""
    away = latent - centre
    length = ((away * away).sum(-1)[..., None] + _TINY**2) ** 0.5  # has a derivative at the centre too
    found: Array = centre + away * (distance / length).clip(None, 1.0)
    return found


def hold_near_shell(latent: Array, radius: float, distance: float) -> Array:
    """Scale latents to a length between ``radius`` - ``distance`` and ``radius`` + ``distance``."""
    length = _norm(latent)
    found: Array = latent * (length.clip(max(0.0, radius - distance), radius + distance) / (length + _TINY))
    return found


def lerp(start: Array, end: Array, fraction: float) -> Array:
    """Straight line: ``start`` at 0, ``end`` at 1."""
    found: Array = start + (end - start) * fraction
    return found


def slerp(start: Array, end: Array, fraction: float) -> Array:
    """Great circle between the directions, with the length interpolated linearly; a straight line where both agree.

    Shapes: one latent each, (d,).
    """
    start_norm, end_norm = float(_norm(start)[..., 0]), float(_norm(end)[..., 0])
    if start_norm < _TINY or end_norm < _TINY:
        return lerp(start, end, fraction)
    cosine = float((start * end).sum() / (start_norm * end_norm))
    angle = math.acos(max(-1.0, min(1.0, cosine)))
    if angle < 1e-4 or angle > math.pi - 1e-4:
        return lerp(start, end, fraction)
    left = math.sin((1.0 - fraction) * angle) / math.sin(angle)
    right = math.sin(fraction * angle) / math.sin(angle)
    length = start_norm + (end_norm - start_norm) * fraction
    direction: Array = start * (left / start_norm) + end * (right / end_norm)
    found: Array = direction * length
    return found
