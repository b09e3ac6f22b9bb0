"""The paper's comparisons of inversions, measured on one model: losses, the ball, recursive targets, optimisers.

Every part is an iterator of steps whose last one has a table of plain numbers (``StudyStep.table``), which
``study_report.py`` writes down.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from latentstudio.generators.capabilities import Encodes
from latentstudio.generators.contract import Generator
from latentstudio.inversion.inverting import as_bytes, invert
from latentstudio.inversion.searches import Adam
from latentstudio.inversion.settings import Constraint, InversionSettings, Optimiser, Start
from latentstudio.inversion.task import Task, make_task
from latentstudio.latents import sample_prior
from latentstudio.losses import Features, feature_error, squared_error, structural_dissimilarity
from latentstudio.steps import Step
from latentstudio.transformations import Transformation

SEED = 40_000_006
LOSSES = ("blurred", "mse", "l1", "dssim")
CONSTRAINTS: tuple[Constraint, ...] = ("ball", "none")
AT_ONCE = 10
LOSS_STEPS = 100
TARGETS, STEPS_A_TARGET = 10, 10
TEXTURE, WAVES = 0.12, (3.0, 6.0)
SHOWN = 6
RESTARTS = 4
GRID = (0.0, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0)
_STILL = 10**9


@dataclass(frozen=True)
class StudyStep(Step):
    """Progress; the last step of a part has its ``table`` and perhaps ``pictures`` (rows of uint8 (H, W, 3))."""

    table: Mapping[str, object] = field(default_factory=dict)
    pictures: tuple[tuple[np.ndarray, ...], ...] = ()


def own_pictures(generator: Generator, count: int, *, seed: int = SEED) -> Tensor:
    """Pictures (count, 3, H, W) of held-out samples."""
    drawn = torch.from_numpy(sample_prior(generator.card.spaces[0], count=count, seed=seed))
    device = next(generator.network.parameters()).device
    with torch.no_grad():
        return torch.cat([generator.generate(piece.to(device)) for piece in drawn.split(AT_ONCE)])


def textured(pictures: Tensor, *, seed: int = SEED, strength: float = TEXTURE) -> Tensor:
    """The pictures with a grating on each, its direction and wavelength (pixels) at random: no model draws that."""
    source = np.random.Generator(np.random.PCG64(seed))
    height, width = pictures.shape[-2:]
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    waves = []
    for _ in range(len(pictures)):
        angle, length = source.uniform(0.0, math.pi), source.uniform(*WAVES)
        along = math.cos(angle) * columns + math.sin(angle) * rows
        waves.append(torch.sin(2.0 * math.pi * along / length + source.uniform(0.0, 2.0 * math.pi)))
    return (pictures + strength * torch.stack(waves)[:, None].to(pictures)).clamp(0.0, 1.0)


def compare_losses(generator: Generator, targets: Tensor, features: Features, *, seed: int = 0) -> Iterator[StudyStep]:
    """Every loss with and without the ball on the same targets (N, 3, H, W), judged by the features (Table 2).

    All are minimised by Adam from the same samples of the prior, as in the paper.
    """
    start = torch.from_numpy(sample_prior(generator.card.spaces[0], count=len(targets), seed=seed)).flatten(1)
    rows: list[dict[str, object]] = []
    shown = [[as_bytes(picture) for picture in targets[:SHOWN]]]
    combinations = [(loss, constraint) for loss in LOSSES for constraint in CONSTRAINTS]
    for number, (loss, constraint) in enumerate(combinations):
        settings = InversionSettings(loss=loss, constraint=constraint)
        found: list[dict[str, Tensor]] = []
        for done in range(0, len(targets), AT_ONCE):
            task = _task(generator, targets[done : done + AT_ONCE], settings)
            search = Adam(task, task.project(start[done : done + AT_ONCE].to(task.target.device)), LOSS_STEPS)
            for _ in range(LOSS_STEPS):
                for _ in search.pieces():
                    share = (number + done / len(targets)) / len(combinations)
                    yield StudyStep(share, f"{loss}, constraint {constraint}")
            found.append(_judged(task, search.latents, features))
        values = {name: torch.cat([part[name] for part in found]) for name in found[0]}
        pictures = values.pop("pictures")
        if constraint == "ball":
            shown.append([as_bytes(picture) for picture in pictures[:SHOWN]])
        told = {name: _spread(value) for name, value in values.items()}
        rows.append({"loss": loss, "constraint": constraint, **told})
    table = {"count": len(targets), "steps": LOSS_STEPS, "optimiser": "adam", "rows": rows}
    yield StudyStep(1.0, "losses compared", table=table, pictures=tuple(tuple(row) for row in shown))


def compare_usual(generator: Generator, targets: Tensor, features: Features) -> Iterator[StudyStep]:
    """Every loss with the optimiser and the start that it gets by itself, on the same targets (N, 3, H, W).

    Judged by the features; differences from the best one have a 95 % interval (paired bootstrap over the targets).
    """
    found: dict[str, dict[str, list[float]]] = {}
    for number, loss in enumerate(LOSSES):
        told: dict[str, list[float]] = {"features": [], "mse": [], "seconds": []}
        settings = InversionSettings(loss=loss)
        for index, target in enumerate(targets):
            began = time.process_time()
            for step in invert(generator, target, settings):
                share = (number + (index + step.fraction) / len(targets)) / len(LOSSES)
                yield StudyStep(share, f"{loss}, picture {index + 1} of {len(targets)}")
            told["seconds"].append(time.process_time() - began)
            assert step.result is not None
            task = _task(generator, target[None], settings)
            latent = torch.from_numpy(step.result.latent).reshape(1, -1).to(task.target.device)
            judged = _judged(task, latent, features)
            for name in ("features", "mse"):
                told[name].append(float(judged[name]))
        found[loss] = told
    best = min(LOSSES, key=lambda loss: float(np.mean(found[loss]["features"])))
    rows = []
    for loss, told in found.items():
        apart = np.asarray(told["features"]) - np.asarray(found[best]["features"])
        rows.append({"loss": loss, **{name: float(f"{np.mean(values):.5g}") for name, values in told.items()},
                     "behind": float(f"{apart.mean():.4g}"), "interval": _interval(apart)})
    yield StudyStep(1.0, "usual settings compared", table={"count": len(targets), "best": best, "rows": rows})


def _interval(values: np.ndarray) -> list[float]:
    """The 95 % interval of a mean by bootstrap over its values (N,)."""
    drawn = np.random.Generator(np.random.PCG64(0)).integers(0, len(values), (2_000, len(values)))
    return [float(f"{end:.4g}") for end in np.percentile(values[drawn].mean(axis=1), [2.5, 97.5])]


def compare_following(
    generator: Generator, transformation: Transformation, t: float, *, count: int = 50, seed: int = SEED + 1
) -> Iterator[StudyStep]:
    """Recursive against naive targets (Figure 10): equally many Adam steps of one rate from the same samples.

    The loss is always that to the last target; ``steps_naive`` and ``steps_recursive`` say when each reaches, in the
    median, the worse one's last loss.
    """
    losses: dict[str, Tensor] = {}
    total = TARGETS * STEPS_A_TARGET
    for kind, targets in (("naive", 1), ("recursive", TARGETS)):
        parts = []
        for done in range(0, count, AT_ONCE):
            drawn = torch.from_numpy(sample_prior(generator.card.spaces[0], count=count, seed=seed))
            latents = drawn[done : done + AT_ONCE].flatten(1).to(next(generator.network.parameters()).device)
            curve: list[Tensor] = []
            for losses_now in _follow(generator, latents, transformation, t, targets):
                curve.append(losses_now)
                share = (done + len(latents) * len(curve) / total) / count
                yield StudyStep(0.5 * ((kind == "recursive") + share), f"{transformation.name}, {kind}")
            parts.append(torch.stack(curve, dim=1))
        losses[kind] = torch.cat(parts)
    medians = {kind: part.median(dim=0).values for kind, part in losses.items()}
    level = max(float(part[-1]) for part in medians.values())
    last = {kind: part[:, -1] for kind, part in losses.items()}
    table = {
        "transformation": transformation.name, "t": t, "count": count, "steps": total, "targets": TARGETS,
        "level": level, "better_recursive": float((last["recursive"] < last["naive"]).float().mean()),
        **{f"steps_{kind}": int((part <= level * 1.0001).float().argmax()) + 1 for kind, part in medians.items()},
        **{f"loss_{kind}": _spread(part) for kind, part in last.items()},
        **{f"curve_{kind}": [float(f"{value:.4g}") for value in part] for kind, part in medians.items()},
    }
    yield StudyStep(1.0, "recursive and naive compared", table=table)


def compare_optimisers(generator: Generator, *, count: int = 10, seed: int = SEED + 2) -> Iterator[StudyStep]:
    """Starts and optimisers on the model's own samples: the median MSE over the seconds, and what each ends at."""
    pictures = own_pictures(generator, count, seed=seed)
    starts: tuple[Start, ...] = ("encoder", "random") if isinstance(generator, Encodes) else ("random",)
    tried: tuple[Optimiser, ...] = ("gauss-newton", "lbfgs", "adam")
    combinations = [(start, name) for start in starts for name in tried]
    rows = []
    for number, (start, optimiser) in enumerate(combinations):
        restarts = 1 if start == "encoder" else RESTARTS
        settings = InversionSettings(loss="mse", start=start, optimiser=optimiser, restarts=restarts)
        curves, last, seconds = [], [], []
        for index, picture in enumerate(pictures):
            curve: list[tuple[float, float]] = []
            for step in invert(generator, picture, settings):
                curve.append((step.seconds, step.loss))
                share = (number + (index + step.fraction) / count) / len(combinations)
                yield StudyStep(share, f"{start}, {optimiser}")
            assert step.result is not None
            last.append(step.result.mse)
            seconds.append(step.result.seconds)
            curves.append(_on_grid(curve))
        rows.append({
            "start": start, "optimiser": optimiser, "seconds": _middle(seconds), "mse": _middle(last),
            "mse_95": float(np.quantile(last, 0.95)), "curve": [_finite(v) for v in np.median(curves, axis=0)],
        })
    yield StudyStep(1.0, "optimisers compared", table={"count": count, "grid": list(GRID), "rows": rows})


def measure_own(generator: Generator, *, count: int = 100, seed: int = SEED + 3) -> Iterator[StudyStep]:
    """The second-order inversion of held-out samples by squares: the encoder's error, the end's, and the time."""
    before, after, seconds = [], [], []
    for index, picture in enumerate(own_pictures(generator, count, seed=seed)):
        began = time.perf_counter()
        for step in invert(generator, picture, InversionSettings(loss="mse")):
            yield StudyStep((index + step.fraction) / count, f"sample {index + 1} of {count}")
        assert step.result is not None
        before.append(step.result.start_mse)
        after.append(step.result.mse)
        seconds.append(time.perf_counter() - began)
    limits = (0.0002, 0.001)
    table = {
        "count": count, "start_mse": float(np.mean(before)), "mse_median": _middle(after),
        "mse_95": float(np.quantile(after, 0.95)), "seconds_median": _middle(seconds),
        **{f"below_{limit:g}": int(np.sum(np.asarray(after) <= limit)) for limit in limits},
    }
    yield StudyStep(1.0, "own samples measured", table=table)


def _follow(
    generator: Generator, latents: Tensor, transformation: Transformation, t: float, targets: int
) -> Iterator[Tensor]:
    """The loss (N,) to the last target after every step."""
    settings = InversionSettings(loss="blurred", optimiser="adam", mixed_precision=False)
    shape = generator.card.spaces[0].shape
    with torch.no_grad():
        before = generator.generate(latents.reshape(-1, *shape))
    tasks = []
    for number in range(1, targets + 1):
        amount = torch.full((len(latents),), t * number / targets, device=latents.device)
        picture, mask = transformation.apply(before, amount)
        tasks.append(replace(_task(generator, picture, settings), mask=mask))
    for task in tasks:
        search = Adam(task, latents, _STILL)  # so many steps that the rate does not fall within these
        for _ in range(TARGETS * STEPS_A_TARGET // targets):
            for _ in search.pieces():
                latents = search.standing
            yield tasks[-1].exact_losses(latents)


def _task(generator: Generator, targets: Tensor, settings: InversionSettings) -> Task:
    """One task for several pictures: row n of the latents looks for target n."""
    task = make_task(generator, targets[0], settings)
    return replace(task, target=targets.to(task.target.device))


def _judged(task: Task, latents: Tensor, features: Features) -> dict[str, Tensor]:
    with torch.no_grad():
        pictures = task.draw_exactly(latents).cpu()
        target, mask = task.target.cpu(), task.mask.cpu()
        distance = feature_error(pictures.to(task.target.device), task.target, task.mask, features=features).cpu()
    return {
        "features": distance, "mse": squared_error(pictures, target, mask),
        "dssim": structural_dissimilarity(pictures, target, mask), "norm": latents.norm(dim=1).cpu(),
        "pictures": pictures,
    }


def _spread(values: Tensor) -> dict[str, float]:
    return {"mean": float(f"{float(values.mean()):.4g}"), "std": float(f"{float(values.std()):.4g}"),
            "median": float(f"{float(values.median()):.4g}")}


def _middle(values: list[float]) -> float:
    return float(f"{float(np.median(values)):.4g}")


def _on_grid(curve: list[tuple[float, float]]) -> list[float]:
    """The best loss known at each of ``GRID``'s seconds; NaN before the first."""
    return [min((loss for second, loss in curve if second <= at and math.isfinite(loss)), default=math.nan)
            for at in GRID]


def _finite(value: float) -> float | None:
    return float(f"{value:.4g}") if math.isfinite(value) else None
