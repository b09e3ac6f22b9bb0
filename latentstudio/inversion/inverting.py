"""Inversion: the latent whose picture comes closest to a given one (equations 1 to 3 of Plumerault et al. 2020)."""

from __future__ import annotations

import time
from collections.abc import Generator as Steps
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from latentstudio.errors import CapabilityError, UsageError
from latentstudio.generators.conditions import NONE, Conditions
from latentstudio.generators.contract import Generator
from latentstudio.inversion.results import Inversion, InversionStep
from latentstudio.inversion.searches import Search, choose_optimiser, gives_gradients, search_for
from latentstudio.inversion.settings import STEPS, InversionSettings
from latentstudio.inversion.starts import Start, starts
from latentstudio.inversion.task import Task, make_task
from latentstudio.losses import blurred_error, squared_error, structural_dissimilarity

SHOW_EVERY = 10
HALVE_AT = (0.1, 0.2, 0.3)
PATIENCE = {"adam": 30, "lbfgs": 5}
_FEW = 2


def invert(
    generator: Generator,
    target: Tensor,
    settings: InversionSettings | None = None,
    *,
    start: Tensor | None = None,
    mask: Tensor | None = None,
    conditions: Conditions = NONE,
) -> Iterator[InversionStep]:
    """Find the latent of a picture; yields frozen steps, the last one with the ``result``.

    Closing the iterator stops; the last step's latent is the best so far. The first step with a preview is the start
    itself. A loss that is not finite ends the search, and the result says so.

    Args:
        target: (3, H, W) or (1, 3, H, W) in [0, 1]; resized to the model's size.
        start: latents of the model's shape, one or several, for ``start="given"`` or ``"auto"``.
        mask: (H, W) or broadcastable, 1 where the target counts.

    Raises:
        CapabilityError: an encoder was asked for and there is none, or the model has neither gradients nor encoder.
        UsageError: a target or start of another shape.
    """
    task = make_task(generator, target, settings or InversionSettings(), mask=mask, conditions=conditions)
    run = _Run(task)
    chosen: Start | None = None
    for found in starts(task, start):
        chosen = found
        if found is None:
            yield InversionStep(0.0, "looking for a start", seconds=run.seconds)
    assert chosen is not None
    run.hold_near(chosen.latents[:1])
    yield from run.follow(chosen)


class _Run:
    """One inversion under way: the best so far, and the clock."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._began = time.perf_counter()
        self._best: Tensor | None = None
        self._loss = float("inf")
        self._steps = 0
        self._notes: list[str] = []

    @property
    def seconds(self) -> float:
        """Since the beginning."""
        return time.perf_counter() - self._began

    def hold_near(self, centre: Tensor) -> None:
        """From now on the settings' distance counts from ``centre`` (1, d)."""
        self._task = replace(self._task, centre=centre.detach().clone())

    def follow(self, start: Start) -> Steps[InversionStep, None, None]:
        """From the start to the result."""
        task = self._task
        exact = task.exact_losses(start.latents)
        self._offer(start.latents, exact)
        if self._best is None:
            self._best = start.latents[0]  # nothing finite was seen; the result says so
        yield self._step(0.0, f"started ({start.name})", shown=True)
        first = self._best[None].clone()
        if not gives_gradients(task, start.latents):
            ended, optimiser = self._without_gradients(start.name), ""
        else:
            optimiser, why = choose_optimiser(task, start.latents)
            self._notes += [why] if why else []
            ended = yield from self._search(optimiser, start.latents)
        result = self._result(start.name, first, optimiser, ended)
        yield self._step(1.0, ended, result=result, shown=True)

    def _without_gradients(self, start: str) -> str:
        name = self._task.generator.card.name
        if start != "encoder":
            raise CapabilityError(f"the model '{name}' gives no gradients",
                                  action="start with an encoder, whose answer is then the result")
        self._notes.append(f"{name} gives no gradients: this is the encoder's answer, not refined")
        return "not refined"

    def _search(self, optimiser: str, latents: Tensor) -> Steps[InversionStep, None, str]:
        settings = self._task.settings
        most = settings.steps or STEPS[optimiser]
        search = search_for(self._task, optimiser, latents, most)
        history: list[float] = []
        halvings = [max(1, round(share * most)) for share in HALVE_AT]
        for step in range(1, most + 1):
            for _ in search.pieces():
                yield self._step((step - 1) / most, f"step {step} of {most}")
                if self._late:
                    self._take(search)
                    return "the time was up"
            self._steps = step
            if self._broken(search):
                self._notes.append(f"the loss was not finite at step {step}; the best before it was kept")
                return "the loss was not finite"
            self._take(search)
            history.append(self._loss)
            shown = optimiser != "adam" or step % SHOW_EVERY == 0
            yield self._step(step / most, f"step {step} of {most}", shown=shown)
            if _settled(history, PATIENCE.get(optimiser, _FEW), settings.tolerance):
                return "nothing more to gain"
            if len(search.losses) > 1 and step in halvings:
                search.keep(_better_half(search.losses))
        return "all steps made"

    def _broken(self, search: Search) -> bool:
        """No start has a finite loss; a careful search takes no such step, so it is asked again where it stands."""
        if not bool(torch.isfinite(search.losses).any()):
            return True
        if float(search.losses.min()) < self._loss:
            return False
        return not bool(torch.isfinite(self._task.exact_losses(search.latents)).any())

    @property
    def _late(self) -> bool:
        limit = self._task.settings.seconds
        return limit is not None and self.seconds > limit

    def _take(self, search: Search) -> None:
        self._offer(search.latents, search.losses)

    def _offer(self, latents: Tensor, losses: Tensor) -> None:
        known = torch.nan_to_num(losses.detach(), nan=float("inf"))
        row = int(known.argmin())
        if float(known[row]) < self._loss:
            self._loss, self._best = float(known[row]), latents[row].detach().clone()

    def _step(
        self, fraction: float, message: str, *, shown: bool = False, result: Inversion | None = None
    ) -> InversionStep:
        assert self._best is not None
        norm = float(self._best.norm())
        shape = self._task.space.shape
        return InversionStep(
            fraction, message, preview=as_bytes(self._drawn(self._best[None])[0]) if shown else None,
            metrics={"loss": self._loss, "norm": norm}, latent=self._best.cpu().numpy().reshape(shape).copy(),
            loss=self._loss, norm=norm, step=self._steps, seconds=self.seconds, result=result,
        )

    def _drawn(self, latents: Tensor) -> Tensor:
        return self._task.draw_exactly(latents)

    def _result(self, start: str, first: Tensor, optimiser: str, ended: str) -> Inversion:
        task, seconds = self._task, self.seconds
        assert self._best is not None
        # the optimiser saw a shrunken or bfloat16 picture; what counts is float32
        losses = torch.nan_to_num(task.exact_losses(torch.stack([first[0], self._best])), nan=float("inf"))
        if float(losses[0]) < float(losses[1]):
            self._best = first[0]
        if bool(torch.isfinite(losses.min())):
            self._loss = float(losses.min())
        start_mse = float(squared_error(self._drawn(first), task.target, task.mask))
        found = _measured(task, self._best, start=start, start_mse=start_mse)
        return replace(found, steps=self._steps, seconds=seconds, optimiser=optimiser, ended=ended,
                       notes=tuple(self._notes))


def conclude(
    generator: Generator, target: Tensor, settings: InversionSettings, step: InversionStep, *,
    mask: Tensor | None = None, conditions: Conditions = NONE,
) -> Inversion:
    """The result of an inversion that was closed before its end: the best that ``step`` had seen.

    Raises:
        UsageError: the step comes before the start was found.
    """
    if step.latent is None:
        raise UsageError("an inversion that was cancelled before it had a start", action="start it again")
    task = make_task(generator, target, settings, mask=mask, conditions=conditions)
    best = torch.from_numpy(step.latent).reshape(-1).to(task.target.device)
    return replace(_measured(task, best, start=settings.start, start_mse=float("nan")), steps=step.step,
                   seconds=step.seconds, ended="cancelled", notes=("cancelled: the best so far was kept",))


def _measured(task: Task, latent: Tensor, *, start: str, start_mse: float) -> Inversion:
    shape, picture = task.space.shape, task.draw_exactly(latent.reshape(1, -1))
    one = (picture, task.target, task.mask)
    return Inversion(
        latent=latent.cpu().numpy().reshape(shape).copy(), picture=picture[0].cpu().numpy().copy(),
        target=task.target[0].cpu().numpy().copy(), loss=float(task.loss(*one)),
        blurred_loss=float(blurred_error(*one, sigma=task.settings.sigma)), mse=float(squared_error(*one)),
        dssim=float(structural_dissimilarity(*one)), norm=float(latent.norm()), steps=0, seconds=0.0, start=start,
        start_mse=start_mse, optimiser="", ended="",
    )


def _settled(history: list[float], patience: int, tolerance: float) -> bool:
    if len(history) <= patience:
        return False
    before = history[-patience - 1]
    return before - history[-1] < tolerance * before


def _better_half(losses: Tensor) -> Tensor:
    known = torch.nan_to_num(losses, nan=float("inf"))
    return known.argsort()[: max(1, (len(losses) + 1) // 2)].sort().values


def as_bytes(picture: Tensor) -> NDArray[np.uint8]:
    """uint8 (H, W, 3) of one picture (3, H, W) in [0, 1]."""
    scaled = picture.clamp(0.0, 1.0).mul(255.0).round().to(torch.uint8)
    return np.ascontiguousarray(scaled.permute(1, 2, 0).cpu().numpy())
