"""Optimisers of a task: several latents side by side, one step in pieces short enough to serve a picture between."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Protocol

import torch
from torch import Tensor
from torch.func import jvp

from latentstudio.inversion.settings import AUTO, GAUSS_NEWTON
from latentstudio.inversion.task import Task
from latentstudio.loss_names import SQUARED, parse_loss
from latentstudio.optimisation.second_order import LevenbergMarquardt

BETAS = (0.9, 0.99)
LARGEST = 1024  # coordinates; beyond it the Jacobian of a picture costs more than it saves
PICTURES_AT_ONCE = 16
_MEMORY, _BACKTRACKS, _SUFFICIENT, _FIRST_LENGTH = 10, 8, 1e-4, 1.0


class Search(Protocol):
    """N latents on their way. ``latents`` (N, d) obey the constraint, ``losses`` (N,) are those at ``latents``."""

    @property
    def latents(self) -> Tensor: ...

    @property
    def losses(self) -> Tensor: ...

    def pieces(self) -> Iterator[None]:
        """One optimiser step, with pauses."""
        ...

    def keep(self, rows: Tensor) -> None:
        """Go on with these rows only."""
        ...


def search_for(task: Task, optimiser: str, start: Tensor, steps: int) -> Search:
    """The search of this name from ``start`` (N, d)."""
    if optimiser == GAUSS_NEWTON:
        return GaussNewton(task, start)
    return Lbfgs(task, start) if optimiser == "lbfgs" else Adam(task, start, steps)


def choose_optimiser(task: Task, start: Tensor) -> tuple[str, str]:
    """The optimiser's name, and why it is not the one that was asked for (empty where it is)."""
    asked = task.settings.optimiser
    if asked not in (AUTO, GAUSS_NEWTON):
        return asked, ""
    squared = all(name in SQUARED for _, name in parse_loss(task.settings.loss))
    if asked == AUTO and (not squared or start.shape[1] > LARGEST):
        return "lbfgs", ""
    try:
        with torch.no_grad():
            jvp(task.residual, (start[:1],), (torch.ones_like(start[:1]),))
    except (RuntimeError, NotImplementedError):
        return "lbfgs", "this generator has no forward derivatives, so L-BFGS looks instead of Gauss-Newton"
    return GAUSS_NEWTON, ""


def gives_gradients(task: Task, start: Tensor) -> bool:
    """Whether the generator's pictures depend on the latent in a way that torch can follow back."""
    latent = start[:1].detach().clone().requires_grad_(True)
    return bool(task.losses(latent).requires_grad)


class Adam:
    """Adam with the constraint after every step (equation 2) and a rate that falls along a cosine to zero."""

    def __init__(self, task: Task, start: Tensor, steps: int) -> None:
        self._task, self._steps, self._done = task, steps, 0
        self._latents = start.detach().clone().requires_grad_(True)
        self._optimiser = torch.optim.Adam([self._latents], lr=task.settings.learning_rate, betas=BETAS)
        self._seen = self._latents.detach().clone()
        self._losses = torch.full((len(start),), float("inf"), device=start.device)

    @property
    def latents(self) -> Tensor:
        """Where the losses were measured last: one step behind the optimiser."""
        return self._seen

    @property
    def losses(self) -> Tensor:
        """Losses (N,) at ``latents``."""
        return self._losses

    @property
    def standing(self) -> Tensor:
        """Where the optimiser stands after the last step, not measured yet."""
        return self._latents.detach()

    def pieces(self) -> Iterator[None]:
        """One forward and backward pass."""
        share = min(1.0, self._done / self._steps)
        for group in self._optimiser.param_groups:
            group["lr"] = self._task.settings.learning_rate * 0.5 * (1.0 + math.cos(math.pi * share))
        losses = self._task.losses(self._latents)
        self._seen, self._losses = self._latents.detach().clone(), losses.detach()
        (self._latents.grad,) = torch.autograd.grad(losses.sum(), self._latents)
        self._optimiser.step()
        with torch.no_grad():
            self._latents.copy_(self._task.project(self._latents))
        self._done += 1
        yield

    def keep(self, rows: Tensor) -> None:
        """Go on with these rows, their moments kept."""
        state = self._optimiser.state[self._latents]
        kept = {name: value[rows] if value.dim() == 2 else value for name, value in state.items()}
        self._latents = self._latents.detach()[rows].clone().requires_grad_(True)
        self._seen, self._losses = self._seen[rows], self._losses[rows]
        self._optimiser = torch.optim.Adam([self._latents], lr=self._task.settings.learning_rate, betas=BETAS)
        self._optimiser.state[self._latents] = kept


class GaussNewton:
    """Levenberg-Marquardt on the blurred, shrunken residual: all unit tangents of the latent through the generator."""

    def __init__(self, task: Task, start: Tensor) -> None:
        self._steps = LevenbergMarquardt(task.residual, start, project=task.project, ball=task.ball)

    @property
    def latents(self) -> Tensor:
        """Where the search stands."""
        return self._steps.latent

    @property
    def losses(self) -> Tensor:
        """Mean squares (N,) of the residual."""
        return self._steps.loss

    def pieces(self) -> Iterator[None]:
        """One damped step."""
        yield from self._steps.advance_in_pieces(pictures_at_once=PICTURES_AT_ONCE)
        yield

    def keep(self, rows: Tensor) -> None:
        """Go on with these rows."""
        self._steps.keep(rows)


class Lbfgs:
    """L-BFGS with backtracking (Nocedal and Wright 2006, algorithms 7.4 and 3.1), every latent with its own memory.

    The constraint is part of the function: what is searched is any vector, and the latent is its projection.
    """

    def __init__(self, task: Task, start: Tensor) -> None:
        self._task = task
        self._point = start.detach().clone()
        self._moves: list[Tensor] = []
        self._changes: list[Tensor] = []
        self._losses, self._gradient = self._evaluate(self._point)

    @property
    def latents(self) -> Tensor:
        """The projected points."""
        return self._task.project(self._point)

    @property
    def losses(self) -> Tensor:
        """Losses (N,) at ``latents``."""
        return self._losses

    def pieces(self) -> Iterator[None]:
        """One iteration: a direction, then shorter and shorter steps until each latent has got better."""
        direction = self._direction()
        slope = (direction * self._gradient).sum(dim=1)
        direction = torch.where((slope < 0)[:, None], direction, -self._gradient)
        slope = (direction * self._gradient).sum(dim=1)
        length = torch.ones_like(slope)
        if not self._moves:
            length = _FIRST_LENGTH / direction.norm(dim=1).clamp_min(1e-12)
        point, losses, gradient = self._point, self._losses, self._gradient
        waiting = torch.ones_like(slope, dtype=torch.bool)
        for _ in range(_BACKTRACKS):
            tried = self._point + length[:, None] * direction
            value, downhill = self._evaluate(tried)
            better = waiting & (value <= self._losses + _SUFFICIENT * length * slope)
            point = torch.where(better[:, None], tried, point)
            losses, gradient = torch.where(better, value, losses), torch.where(better[:, None], downhill, gradient)
            waiting &= ~better
            yield
            if not bool(waiting.any()):
                break
            length = torch.where(waiting, length * 0.3, length)
        self._remember(point - self._point, gradient - self._gradient, forget=waiting)
        self._point, self._losses, self._gradient = point, losses, gradient

    def keep(self, rows: Tensor) -> None:
        """Go on with these rows."""
        self._point, self._losses, self._gradient = self._point[rows], self._losses[rows], self._gradient[rows]
        self._moves = [part[rows] for part in self._moves]
        self._changes = [part[rows] for part in self._changes]

    def _evaluate(self, point: Tensor) -> tuple[Tensor, Tensor]:
        leaf = point.detach().clone().requires_grad_(True)
        losses = self._task.losses(self._task.project(leaf))
        (gradient,) = torch.autograd.grad(losses.sum(), leaf)
        return losses.detach(), gradient

    def _direction(self) -> Tensor:
        """The two-loop recursion; pairs without positive curvature count for nothing in their row."""
        direction = -self._gradient
        weights = []
        for move, change in zip(reversed(self._moves), reversed(self._changes), strict=True):
            share = (move * direction).sum(dim=1) * _inverse((move * change).sum(dim=1))
            direction = direction - share[:, None] * change
            weights.append(share)
        if self._moves:
            move, change = self._moves[-1], self._changes[-1]
            scale = (move * change).sum(dim=1) * _inverse(change.square().sum(dim=1))
            direction = direction * torch.where(scale > 0, scale, torch.ones_like(scale))[:, None]
        for move, change, share in zip(self._moves, self._changes, reversed(weights), strict=True):
            back = (change * direction).sum(dim=1) * _inverse((move * change).sum(dim=1))
            direction = direction + move * (share - back)[:, None]
        return direction

    def _remember(self, move: Tensor, change: Tensor, *, forget: Tensor) -> None:
        if bool(forget.any()):  # a row that found nothing better starts over along the gradient
            self._moves = [torch.where(forget[:, None], torch.zeros_like(part), part) for part in self._moves]
            self._changes = [torch.where(forget[:, None], torch.zeros_like(part), part) for part in self._changes]
        curved = (move * change).sum(dim=1) > 1e-10 * change.square().sum(dim=1)
        self._moves = [*self._moves, torch.where(curved[:, None], move, torch.zeros_like(move))][-_MEMORY:]
        self._changes = [*self._changes, torch.where(curved[:, None], change, torch.zeros_like(change))][-_MEMORY:]


def _inverse(value: Tensor) -> Tensor:
    return torch.where(value > 0, 1.0 / value.clamp_min(1e-30), torch.zeros_like(value))
