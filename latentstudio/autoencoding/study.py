"""Table 3.1 of the thesis at a small size: every method on the same pictures, several seeds, one table, two figures.

Each network gets the same number of steps in every method. The AVAE's rows start from the VAE of the same seed, which
is what their own first phase would train to the last bit.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from latentstudio.autoencoding.evaluating import Judge, evaluate
from latentstudio.autoencoding.finishing import averaged, bench_of, judged_model, make_judge
from latentstudio.autoencoding.parts import Bench
from latentstudio.autoencoding.settings import StudySettings
from latentstudio.errors import TrainingError
from latentstudio.files import storage_error, write_whole
from latentstudio.generators.values import below, number
from latentstudio.measures.inception import NAME as INCEPTION
from latentstudio.pixels import grid, to_bytes, write_png
from latentstudio.readers import kept_json
from latentstudio.steps import Step
from latentstudio.training.building import FindsBackends, build_network
from latentstudio.training.checkpoint import load_checkpoint, save_checkpoint
from latentstudio.training.pictures import PictureSet, as_floats
from latentstudio.training.recipe import Recipe
from latentstudio.training.sources import read_pictures
from latentstudio.training.train import train_recipe

SHOWN = 10
_VAE, _WHOLE = ("encoder", "decoder"), ("encoder", "decoder", "generator", "critic")
_SAMPLE_SEED = 90_000_001


@dataclass(frozen=True)
class Row:
    """A row of the table: its title, the method, the networks it needs and the settings that make it what it is."""

    key: str
    title: str
    method: str
    parts: tuple[str, ...]
    settings: Mapping[str, float]
    noise_size: int = 0

    @property
    def drawn_by(self) -> str:
        """The network whose figures the table shows."""
        return "decoder" if self.parts == _VAE else "generator"


ROWS = (
    Row("vae", "VAE", "vae", _VAE, {}),
    Row("gan", "GAN", "gan", ("generator", "critic"), {}),
    Row("vae-gan", "VAE/GAN", "vae-gan", ("encoder", "generator", "critic"),
        {"beta": 5.0, "feature_weight": 1e-2}),
    Row("bigan", "BiGAN", "bigan", ("encoder", "generator", "joint-critic"), {}),
    Row("avae-a-xi", "AVAE with xi, L_Z^a", "avae-a", _WHOLE, {}, noise_size=100),
    Row("avae-a", "AVAE, L_Z^a", "avae-a", _WHOLE, {}),
    Row("avae-b", "AVAE, L_Z^b", "avae", _WHOLE, {}),
)


@dataclass(frozen=True)
class StudyStep(Step):
    """A step of the study; the last one carries the table: row key -> figures of each seed."""

    table: Mapping[str, list[Mapping[str, object]]] | None = None


def recipe_of(row: Row, settings: StudySettings, seed: int) -> Recipe:
    """The recipe of a row and seed."""
    is_avae = row.parts == _WHOLE
    config = {
        "side": settings.side, "channels": settings.channels, "latent_size": settings.latent_size,
        "width": settings.width, "kernel": 5, "parts": list(row.parts), "noise_size": row.noise_size,
    }
    more = {"vae_steps": float(settings.steps)} if is_avae else {}
    is_vae = row.parts == _VAE
    return Recipe(
        f"study-{row.key}-{seed}", row.method, "avae", settings.data, steps=settings.steps * (2 if is_avae else 1),
        batch=settings.batch, learning_rate=1e-3 if is_avae or is_vae else 2e-4, seed=seed, data_seed=seed,
        checkpoint_every=500, final_decay=0.5 if is_vae else 0.25 * (0.5 if is_avae else 1.0), config=config,
        settings={**row.settings, **more},
    )


def study_steps(settings: StudySettings, out: Path, *, catalogue: FindsBackends) -> Iterator[StudyStep]:
    """Train and measure everything below ``out``; what is there already is kept, so a stopped study goes on.

    Raises:
        TrainingError: a run diverged, or data that cannot be used.
        StorageError: ``out`` may not be written, or the disk is full.
    """
    try:
        (out / "runs").mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise storage_error(out, problem) from problem
    found = [part for part in read_pictures(recipe_of(ROWS[0], settings, 0)) if isinstance(part, PictureSet)]
    pictures = found[-1]
    judge = make_judge(pictures, Path(settings.inception) if settings.inception else None)
    table: dict[str, list[Mapping[str, object]]] = {row.key: [] for row in ROWS}
    models: dict[str, nn.Module] = {}
    total = settings.seeds * len(ROWS)
    for index, (seed, row) in enumerate((seed, row) for seed in range(settings.seed, settings.seed + settings.seeds)
                                       for row in ROWS):
        recipe, folder = recipe_of(row, settings, seed), out / "runs" / f"{row.key}-{seed}"
        for step in _train(recipe, folder, catalogue, pictures):
            share = (index + 0.95 * step.fraction) / total
            yield StudyStep(share, f"{row.title}, seed {seed}: {step.message}", step.preview, step.metrics)
        model = _finished(recipe, folder, catalogue)
        figures: Mapping[str, object] = {}
        for found_figures in _measured(model, folder, judge):
            figures = found_figures
            yield StudyStep((index + 0.97) / total, f"{row.title}, seed {seed}: measuring")
        table[row.key].append(below(figures, row.drawn_by))
        if seed == settings.seed:
            models[row.key] = model
        write_whole(out / "table.json", json.dumps(_told(table, settings), indent=1).encode() + b"\n")
    _draw(models, pictures, out)
    write_whole(out / "table.md", table_text(table, judge).encode())
    yield StudyStep(1.0, "done", table=table)


def _train(recipe: Recipe, folder: Path, catalogue: FindsBackends, pictures: PictureSet) -> Iterator[Step]:
    folder.mkdir(exist_ok=True)
    if load_checkpoint(folder) is None and "vae_steps" in recipe.settings:
        start_from_vae(recipe, folder, folder.with_name(f"vae-{recipe.seed}"), catalogue=catalogue)
    yield from train_recipe(recipe, folder, catalogue=catalogue, resume=True, pictures=pictures)


def start_from_vae(recipe: Recipe, folder: Path, vae: Path, *, catalogue: FindsBackends) -> None:
    """Write the checkpoint that an AVAE's run would have after its VAE phase, from a finished VAE of the same seed.

    Raises:
        TrainingError: there is no such VAE.
    """
    trained = load_checkpoint(vae)
    steps = int(recipe.settings["vae_steps"])
    if trained is None or trained.step != steps:
        raise TrainingError(f"{vae} holds no VAE of {steps:,} steps", action="train it first")
    bench = Bench(build_network(recipe, catalogue=catalogue), averages=True)
    shared = ("model.encoder", "model.decoder")
    kept = {name: value for name, value in trained.weights.items() if name.startswith(shared)}
    bench.load_state_dict({**bench.state_dict(), **kept})
    save_checkpoint(folder, step=steps, network=bench, optimisers=(), recipe=recipe.as_dict(), data=trained.data)


def _finished(recipe: Recipe, folder: Path, catalogue: FindsBackends) -> nn.Module:
    checkpoint = load_checkpoint(folder)
    assert checkpoint is not None
    return averaged(bench_of(checkpoint, recipe, catalogue))


def _measured(model: nn.Module, folder: Path, judge: Judge) -> Iterator[dict[str, object]]:
    """The figures of a run, kept beside it; yields empty ones while it works."""
    path = folder / "figures.json"
    kept = kept_json(path, dict[str, object])
    if kept is not None:
        yield kept
        return
    for figures in evaluate(judged_model(model), judge):
        if figures is not None:
            write_whole(path, json.dumps(figures, indent=1).encode() + b"\n")
        yield figures or {}


def _told(table: Mapping[str, list[Mapping[str, object]]], settings: StudySettings) -> dict[str, object]:
    return {"settings": asdict(settings), "rows": {key: list(rows) for key, rows in table.items()}}


def summary(rows: list[Mapping[str, object]], key: str) -> tuple[float, float] | None:
    """Mean and standard deviation (of the sample) of a figure over seeds; None where the method has none."""
    values = [number(row, key) for row in rows if key in row]
    if not values:
        return None
    return float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def table_text(table: Mapping[str, list[Mapping[str, object]]], judge: Judge) -> str:
    """The table as Markdown; MSE of pictures in [0, 1] (the thesis' numbers are 4 times as large)."""
    name = "none" if judge.features is None else judge.features.name
    realism = ("frechet", f"Frechet ({name})") if name != INCEPTION else ("fid", "FID")
    columns = (("mse_drawn", "MSE (z drawn)"), ("mse", "MSE (z mean)"), ("feature_distance", f"distance ({name})"),
               realism, ("effective", "classes"), ("sharpness", "sharpness"))
    lines = ["| | " + " | ".join(title for _, title in columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for row in ROWS:
        cells = []
        for key, _ in columns:
            found = summary(table[row.key], key)
            cells.append("" if found is None else f"{found[0]:.4g} ± {found[1]:.2g}")
        lines.append(f"| {row.title} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


@torch.no_grad()
def _draw(models: Mapping[str, nn.Module], pictures: PictureSet, out: Path) -> None:
    """Figures 3.8 (originals and reconstructions) and 3.9 (samples); a row for each method, in the table's order."""
    originals = as_floats(pictures.held_out[:SHOWN])
    rebuilt, drawn = [originals], []
    for row in ROWS:
        model = judged_model(models[row.key])
        draw = model.decode if row.drawn_by == "decoder" else model.generate
        assert draw is not None
        if model.encode is not None:
            rebuilt.append(draw(model.encode(originals)))
        source = torch.Generator().manual_seed(_SAMPLE_SEED)
        drawn.append(draw(torch.randn(SHOWN, model.latent_size, generator=source)))
    for name, rows in (("reconstructions.png", rebuilt), ("samples.png", drawn)):
        write_png(out / name, grid(to_bytes(_rgb(torch.cat(rows))), columns=SHOWN))


def _rgb(pictures: Tensor) -> NDArray[np.float32]:
    rgb: NDArray[np.float32] = pictures.clamp(0.0, 1.0).expand(-1, 3, -1, -1).float().numpy()
    return rgb
