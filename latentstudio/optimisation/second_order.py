"""Levenberg-Marquardt on latents: unit tangents pushed through the generator, damped normal equations.

A latent has tens or hundreds of coordinates and a picture thousands of pixels, so J'J is small, and a few of these
steps go where hundreds of gradient steps do not (Nocedal and Wright 2006, section 10.3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.func import jvp, vmap

Residual = Callable[[Tensor], Tensor]

PICTURES_AT_ONCE = 512
FIRST_DAMPING, LEAST_DAMPING, MOST_DAMPING = 1e-2, 1e-6, 1e6
STEP_FACTOR = 4.0
LARGEST_WITHIN = 512  # coordinates; the eigenvectors of more of them take longer than a cancel may
_HALVINGS = 60


@dataclass(frozen=True)
class Ball:
    """Latents whose distance from ``centre`` ((1, d) or a number) is at most ``radius``."""

    radius: float
    centre: Tensor | float = 0.0


def tangents(residual: Residual, latent: Tensor) -> Tensor:
    """The Jacobian (N, P, d) of ``residual`` at ``latent`` (N, d), by forward mode: all unit tangents in one pass.

    Args:
        residual: latents (N, d) -> residuals (N, P), row by row.
    """
    pieces = list(tangent_pieces(residual, latent, pictures_at_once=PICTURES_AT_ONCE))
    return torch.cat(pieces, dim=2)


def tangent_pieces(residual: Residual, latent: Tensor, *, pictures_at_once: int) -> Iterator[Tensor]:
    """The Jacobian's columns, a few at a time (N, P, k), so that something else may be done between two passes."""
    count, size = latent.shape
    unit = torch.eye(size, dtype=latent.dtype, device=latent.device)

    def push(tangent: Tensor) -> Tensor:
        pushed: Tensor = jvp(residual, (latent,), (tangent.expand_as(latent),))[1]
        return pushed

    for some in unit.split(max(1, pictures_at_once // count)):
        with torch.no_grad():
            columns: Tensor = vmap(push)(some)
        yield columns.permute(1, 2, 0)


class LevenbergMarquardt:
    """Damped Gauss-Newton steps on N latents side by side; each has its own damping and only ever gets better.

    The damping is a multiple of the mean diagonal of J'J, alike for all coordinates: coordinates without effect, which
    a beta-VAE has, must not run away.

    Attributes:
        latent: (N, d).
        loss: mean square of the residual (N,) at ``latent``.
    """

    def __init__(
        self, residual: Residual, latent: Tensor, *, project: Callable[[Tensor], Tensor] | None = None,
        ball: Ball | None = None,
    ) -> None:
        """``ball`` must hold every latent that ``project`` leaves as it is."""
        self._residual = residual
        self._ball = ball if latent.shape[1] <= LARGEST_WITHIN else None
        self._project = project if project is not None else _as_it_is
        self.latent = self._project(latent.detach().clone())
        self._damping = torch.full((len(latent),), FIRST_DAMPING, device=latent.device)
        self._value = self._at(self.latent)
        self.loss = self._value.square().mean(dim=1)

    def _at(self, latent: Tensor) -> Tensor:
        with torch.no_grad():
            return self._residual(latent)

    def advance(self, *, tries: int = 3) -> None:
        """One step: the Jacobian once, then up to ``tries`` dampings until each latent improves."""
        for _ in self.advance_in_pieces(tries=tries, pictures_at_once=PICTURES_AT_ONCE):
            continue

    def advance_in_pieces(self, *, tries: int = 3, pictures_at_once: int = 32) -> Iterator[None]:
        """As ``advance``, with a pause after each pass of tangents and after each damping tried."""
        parts = []
        for part in tangent_pieces(self._residual, self.latent, pictures_at_once=pictures_at_once):
            parts.append(part)
            yield
        jacobian = torch.cat(parts, dim=2)
        pixels = jacobian.shape[1]
        normal = jacobian.transpose(1, 2) @ jacobian / pixels
        slope = (jacobian.transpose(1, 2) @ self._value[:, :, None])[:, :, 0] / pixels
        size = normal.diagonal(dim1=1, dim2=2).mean(dim=1) + torch.finfo(normal.dtype).tiny
        ball = self._ball
        moves = _free_moves(normal, slope) if ball is None else _moves_within(ball, self.latent, normal, slope)
        waiting = torch.ones_like(self._damping, dtype=torch.bool)
        for _ in range(tries):
            move = moves(self._damping * size)
            waiting &= ~self._take(self.latent + torch.nan_to_num(move, posinf=0.0, neginf=0.0), waiting)
            if not bool(waiting.any()):
                return
            yield

    def keep(self, rows: Tensor) -> None:
        """Go on with some of the latents only; the residual of a row must not depend on where the row stands."""
        self.latent, self.loss = self.latent[rows], self.loss[rows]
        self._damping, self._value = self._damping[rows], self._value[rows]

    def _take(self, tried: Tensor, waiting: Tensor) -> Tensor:
        """Where a waiting latent got better it moves; returns where (N,)."""
        tried = self._project(tried)
        value = self._at(tried)
        loss = value.square().mean(dim=1)
        better = waiting & (loss < self.loss)
        self.latent = torch.where(better[:, None], tried, self.latent)
        self._value = torch.where(better[:, None], value, self._value)
        self.loss = torch.where(better, loss, self.loss)
        worse = waiting & ~better
        eased = torch.where(better, self._damping / STEP_FACTOR, self._damping)
        self._damping = torch.where(worse, eased * STEP_FACTOR, eased).clamp(LEAST_DAMPING, MOST_DAMPING)
        return better


def _as_it_is(latent: Tensor) -> Tensor:
    return latent


def _free_moves(normal: Tensor, slope: Tensor) -> Callable[[Tensor], Tensor]:
    """Dampings (N,) -> the steps (N, d) to the least of each damped quadratic model."""
    unit = torch.eye(normal.shape[-1], dtype=normal.dtype, device=normal.device)

    def moves(damping: Tensor) -> Tensor:
        damped = normal + damping[:, None, None] * unit
        found: Tensor = torch.linalg.solve_ex(damped, -slope[:, :, None])[0][:, :, 0]
        return found

    return moves


def _moves_within(ball: Ball, latent: Tensor, normal: Tensor, slope: Tensor) -> Callable[[Tensor], Tensor]:
    """As ``_free_moves``, to the least of each model inside the ball.

    There, (H + mu) y = H (latent - centre) - slope for the place y counted from the centre, with mu = 0 or the one that
    makes y as long as the radius (Nocedal and Wright 2006, theorem 4.1). H is taken apart once, in double precision.
    """
    finite = torch.nan_to_num(normal.double(), posinf=0.0, neginf=0.0)
    values, vectors = torch.linalg.eigh(finite)
    values = values.clamp_min(0.0)
    place = (latent - ball.centre).double()

    def turned(vector: Tensor) -> Tensor:
        found: Tensor = (vectors.transpose(1, 2) @ vector[:, :, None])[:, :, 0]
        return found

    standing, downhill = turned(place), turned(torch.nan_to_num(slope.double(), posinf=0.0, neginf=0.0))

    def moves(damping: Tensor) -> Tensor:
        damped = values + damping.double()[:, None]
        wanted = damped * standing - downhill
        low = torch.zeros_like(damping, dtype=torch.float64)
        high = wanted.norm(dim=1) / ball.radius
        for _ in range(_HALVINGS):
            middle = 0.5 * (low + high)
            outside = (wanted / (damped + middle[:, None])).norm(dim=1) > ball.radius
            low, high = torch.where(outside, middle, low), torch.where(outside, high, middle)
        free = (wanted / damped).norm(dim=1) <= ball.radius
        pressure = torch.where(free, torch.zeros_like(high), high)
        reached = (vectors @ (wanted / (damped + pressure[:, None]))[:, :, None])[:, :, 0]
        found: Tensor = (reached - place).to(latent.dtype)
        return found

    return moves
