"""What other people's landmarks say of the sliders of faces-gan: MTCNN finds eyes, nose, mouth and the face's box on
new faces before and after each slider moves, and pictures moved by known amounts tell how true it reads.

    make landmarks        docs/studies/landmarks: README.md, landmarks.json, landmarks.csv

The shipped files of the two sliders that do something else than what they were learned from get their names from this,
and say it in their verdicts.

The detector (facenet-pytorch 2.6.0, MIT; weights inside the wheel) had no part in learning these sliders. Its package
pins old versions of torch and torchvision, so it is unpacked beside the checkout and only its detector is imported.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib
import json
import subprocess
import sys
import types
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

import latentstudio
from latentstudio.factors import FactorSet, apply_factors, read_factor, write_factor
from latentstudio.figures import write_csv
from latentstudio.latents import sample_prior
from latentstudio.pixels import to_bytes
from latentstudio.version import VERSION

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "docs" / "studies" / "landmarks"
PACKAGE, WHERE = "facenet-pytorch==2.6.0", ROOT / "out" / "landmarks"
MODEL, SEED, COUNT = "faces-gan", 777_003, 100
SIDE, BORDER, LARGER = 64, 24, 3  # the detector wants faces of 80 pixels and more, with something around them
SURE = 0.9
SHIFTS = (-6, -4, 4, 6)
STATIONS = 7
POINTS = ("eyes", "nose", "mouth", "box")
DRAWS = 2_000
Found = NDArray[np.float64]


def main() -> None:
    """Measure and write."""
    options = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    options.add_argument("--count", type=int, default=COUNT, help="new faces")
    options.add_argument("--seed", type=int, default=SEED, help="of the faces, and of the intervals")
    chosen = options.parse_args()
    find = _finder()
    model = latentstudio.open_model(MODEL)
    latents = sample_prior(model.card.spaces[0], count=chosen.count, seed=chosen.seed)
    pictures = _draw(model, latents)
    before = find(pictures)
    rows = []
    for shift in SHIFTS:
        moved = np.roll(np.pad(pictures, ((0, 0), (0, 0), (8, 8), (0, 0)), mode="edge"), shift, axis=2)[:, :, 8:-8]
        rows.append({"slider": "known shift of the picture, x", "asked": shift, **_shifts(before, find(moved), 0)})
    for factor in latentstudio.factors_of(model):
        alone = FactorSet((factor,))
        low, high = factor.reach
        for t in np.linspace(low, high, STATIONS):
            if abs(t) < 0.05 * (high - low):
                continue
            applied = [apply_factors(latent, {factor.name: float(t)}, alone) for latent in latents]
            after = find(_draw(model, np.stack([one.latent for one in applied])))
            after[[bool(one.clamped) for one in applied]] = np.nan  # these could not be asked for so much
            if factor.unit.symbol == "px":
                told = _shifts(before, after, 1 if factor.name == "y" else 0)
            elif factor.name == "scale":
                told = _sizes(before, after)
            else:
                continue  # landmarks say nothing of light
            rows.append({"slider": factor.name, "asked": round(factor.unit.to_display(float(t)), 3), **told})
            print(rows[-1], flush=True)
    _write(rows, model, chosen.count, chosen.seed, float(np.isfinite(before[:, 0]).mean()))


def _draw(model: latentstudio.Model, latents: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Pictures uint8 (N, H, W, 3) of latents (N, *shape)."""
    pieces = np.array_split(latents, len(latents) // 16 + 1)
    return np.concatenate([to_bytes(model.pictures(piece)) for piece in pieces])


def _shifts(before: Found, after: Found, along: int) -> dict[str, object]:
    """Medians of how far each point moved in pixels, with their 95 % intervals; ``along`` 0 is x, 1 is y."""
    moved = after - before
    return {"faces": int(np.isfinite(moved[:, 0]).sum()),
            **{name: _median(moved[:, 2 * index + along]) for index, name in enumerate(POINTS)}}


def _sizes(before: Found, after: Found) -> dict[str, object]:
    """Medians of how many times larger the face became."""
    ratio = after[:, 8:] / before[:, 8:]
    names = ("eyes apart", "eyes to mouth", "box width", "box height")
    return {"faces": int(np.isfinite(ratio[:, 0]).sum()),
            **{name: _median(ratio[:, index]) for index, name in enumerate(names)}}


def _median(values: NDArray[np.float64]) -> list[float]:
    """[median, lower, upper]: the 95 % interval by bootstrap over faces."""
    there = values[np.isfinite(values)]
    drawn = np.random.default_rng(0).integers(0, len(there), (DRAWS, len(there)))
    low, high = np.percentile(np.median(there[drawn], axis=1), [2.5, 97.5])
    return [round(float(value), 3) for value in (np.median(there), low, high)]


def _finder() -> Callable[[NDArray[np.uint8]], Found]:
    """Pictures uint8 (N, 64, 64, 3) to (N, 12): eyes, nose, mouth, box centre (x, y each), and four sizes; NaN where
    no face was found."""
    if not (WHERE / "facenet_pytorch").is_dir():
        subprocess.check_call([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(WHERE),
                               PACKAGE])
    sys.path.insert(0, str(WHERE))
    _stand_ins()
    detector = importlib.import_module("facenet_pytorch.models.mtcnn").MTCNN(
        keep_all=False, select_largest=True, min_face_size=60, post_process=False, thresholds=[0.5, 0.6, 0.6]
    )

    def find(pictures: NDArray[np.uint8]) -> Found:
        return np.stack([row for piece in np.array_split(pictures, len(pictures) // 16 + 1)
                         for row in _found(detector, piece)])

    return find


def _found(detector: object, pictures: NDArray[np.uint8]) -> Iterator[Found]:
    side = (SIDE + 2 * BORDER) * LARGER
    padded = np.pad(pictures, ((0, 0), (BORDER, BORDER), (BORDER, BORDER), (0, 0)), mode="edge")
    large = np.stack([np.asarray(Image.fromarray(one).resize((side, side), Image.Resampling.BICUBIC))
                      for one in padded])
    for box, chance, points in zip(*detector.detect(large, landmarks=True), strict=True):  # type: ignore[attr-defined]
        if box is None or chance[0] is None or chance[0] < SURE:
            yield np.full(12, np.nan)
            continue
        left, right, nose, *mouth = points[0] / LARGER - BORDER
        x0, y0, x1, y1 = box[0] / LARGER - BORDER
        eyes, lips = (left + right) / 2, np.mean(mouth, axis=0)
        yield np.array([*eyes, *nose, *lips, (x0 + x1) / 2, (y0 + y1) / 2,
                        np.linalg.norm(left - right), np.linalg.norm(lips - eyes), x1 - x0, y1 - y0])


def _stand_ins() -> None:
    """The detector uses one function of torchvision, and its package imports a recogniser that we do not need."""
    for name in ("facenet_pytorch", "facenet_pytorch.models"):
        module = types.ModuleType(name)
        module.__path__ = [str(WHERE / name.replace(".", "/"))]
        sys.modules[name] = module
    for name in ("torchvision", "torchvision.transforms", "torchvision.transforms.functional", "torchvision.ops"):
        sys.modules[name] = types.ModuleType(name)
    sys.modules["torchvision.transforms"].functional = sys.modules["torchvision.transforms.functional"]  # type: ignore[attr-defined]
    boxes = types.ModuleType("torchvision.ops.boxes")
    boxes.batched_nms = _best_boxes  # type: ignore[attr-defined]
    sys.modules["torchvision.ops.boxes"] = boxes


def _best_boxes(boxes: torch.Tensor, scores: torch.Tensor, groups: torch.Tensor, most: float) -> torch.Tensor:
    """Indices of boxes (N, 4) by falling score, without those that overlap a better one of their group by ``most``."""
    apart = boxes + (groups.to(boxes) * (boxes.max() + 1.0) if len(boxes) else groups)[:, None]
    area = (apart[:, 2] - apart[:, 0]) * (apart[:, 3] - apart[:, 1])
    kept, left = [], scores.argsort(descending=True)
    while len(left):
        best, left = left[0], left[1:]
        kept.append(best)
        low, high = torch.maximum(apart[best, :2], apart[left, :2]), torch.minimum(apart[best, 2:], apart[left, 2:])
        common = (high - low).clamp(min=0).prod(dim=1)
        left = left[common / (area[best] + area[left] - common) <= most]
    return torch.stack(kept) if kept else torch.zeros(0, dtype=torch.int64)


def _write(rows: list[dict[str, object]], model: latentstudio.Model, count: int, seed: int, share: float) -> None:
    OUT.mkdir(parents=True, exist_ok=True)
    weights = hashlib.sha256((WHERE / "facenet_pytorch" / "data" / "onet.pt").read_bytes()).hexdigest()
    told = {"version": VERSION, "seed": seed, "count": count, "model": MODEL, "model_sha256": model.card.weights_sha256,
            "ruler": PACKAGE, "ruler_sha256": weights, "found_on": round(share, 3), "rows": rows}
    (OUT / "landmarks.json").write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
    write_csv(OUT / "landmarks.csv", *as_table(rows))
    (OUT / "README.md").write_text(_report(rows, told), encoding="utf-8")
    _name(rows)
    print(f"{len(rows)} rows in {OUT}")


def as_table(rows: list[dict[str, object]]) -> tuple[list[str], list[list[object]]]:
    """Names and rows of the table: a figure that has an interval becomes three columns."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    one = ("slider", "asked", "faces")
    columns = [part for name in names
               for part in ([name] if name in one else [name, f"{name}, lower", f"{name}, upper"])]
    cells: list[list[object]] = []
    for row in rows:
        found = (row.get(name, None if name in one else [None] * 3) for name in names)
        cells.append([part for value in found for part in (value if isinstance(value, list) else [value])])
    return columns, cells


def _report(rows: list[dict[str, object]], told: dict[str, object]) -> str:
    """The study in words and tables."""
    parts = [
        "# What landmarks of other people say of the sliders of faces-gan\n",
        f"`make landmarks`: {told['count']} new faces (seed {told['seed']}), the detector MTCNN ({PACKAGE}; it had no "
        f"part in learning these sliders), found on {100 * float(str(told['found_on'])):.0f} % of them. Medians over "
        "the faces that could be asked for so much, with 95 % intervals by bootstrap over faces; x to the right, y "
        "downwards. All numbers: `landmarks.json`, `landmarks.csv`.\n",
        "**The sliders learned as x and y turn and nod the head: eyes, nose and outline go different ways, so they "
        "are called turn and nod.** The ruler that they were learned and graded with, a registration of the whole "
        "picture, agrees with itself and cannot see it. Pictures that were moved by known amounts (first table) are "
        "read back to 0.3 px, so it is not the detector. scale has the right direction; the eyes come apart as asked "
        "or more, while the distance from eyes to mouth stays.\n",
    ]
    titles = {"x": "turn (learned as x), px to the right", "y": "nod (learned as y), px downwards",
              "scale": "scale, times"}
    for slider in dict.fromkeys(str(row["slider"]) for row in rows):
        mine = [row for row in rows if row["slider"] == slider]
        names = [name for name in mine[0] if name not in ("slider", "asked", "faces")]
        parts.append(f"## {titles.get(slider, slider)}\n")
        parts.append("| asked | faces | " + " | ".join(names) + " |\n|" + "---|" * (2 + len(names)))
        parts += [f"| {row['asked']:g} | {row['faces']} | " + " | ".join(_cell(row[name]) for name in names) + " |"
                  for row in mine]
        parts.append("")
    return "\n".join(parts)


def _cell(value: object) -> str:
    assert isinstance(value, list)
    middle, low, high = value
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


def _name(rows: list[dict[str, object]]) -> None:
    """Give the two shipped sliders the names of what they do, and a sentence with these figures."""
    for name, label, title in (
        ("x", "turn", "turns the head: the nose to the left (+) or the right (−); px by registration of the picture"),
        ("y", "nod", "nods: the nose up (+) or down (−) against the eyes; px by registration of the picture"),
    ):
        path = ROOT / "resources" / "factors" / MODEL / f"{name}.safetensors"
        last = next(row for row in reversed(rows) if row["slider"] == name)
        moved = {point: _first(last[point]) for point in POINTS}
        note = (f"landmarks of other people on new faces: at {_first([last['asked']]):+.1f} px eyes "
                f"{moved['eyes']:+.1f}, nose {moved['nose']:+.1f}, outline {moved['box']:+.1f} px; "
                "the head moves, not the face")
        factor = read_factor(path)
        write_factor(path, replace(factor, label=label, title=title, figures={**factor.figures, "notes": [note]}))


def _first(values: object) -> float:
    assert isinstance(values, list)
    return float(values[0])


if __name__ == "__main__":
    main()
