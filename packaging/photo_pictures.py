"""Two real photographs, from the file to the edited paste-back: docs/photos/NAME.png and figures.json.

The astronaut comes with scikit-image (NASA, public domain); grace_hopper.jpg lies beside the pictures (US Navy, public
domain; the copy that matplotlib carries).
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw
from skimage import data

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from latentstudio import api, pixels  # noqa: E402 (the checkout itself, wherever this is called from)

FOLDER = ROOT / "docs" / "photos"
SIDE = 256
EDITS = ({"brightness": "+15%"}, {"scale": "1.15x"})
STRIP = 8


def main() -> None:
    """Write a sheet for each photograph, and one file with all figures."""
    model = api.open_model("faces-gan")
    figures = {}
    for name, photo in photos().items():
        figures[name] = sheet(model, name, photo)
        print(name, json.dumps(figures[name]))
    (FOLDER / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def photos() -> dict[str, Any]:
    """The two photographs."""
    return {"astronaut": api.Photo(data.astronaut()), "grace_hopper": api.read_photo(FOLDER / "grace_hopper.jpg")}


def sheet(model: Any, name: str, photo: Any) -> dict[str, Any]:
    """Photo, crop, encoder, refined, tuned, each edit, each paste-back; and a strip of samples near the pivot."""
    placed = api.place_photo(model, photo)
    first = found = result = None
    for step in api.invert_steps(model, placed.picture, mask=placed.inside):
        first = step.preview if first is None and step.preview is not None else first
        found = step.result
    anchors = api.edit_anchors(model, placed.picture, found.latent, mask=placed.inside)
    for step in api.tune_steps(model, placed.picture, found.latent, mask=placed.inside, anchors=anchors):
        result = step.result
    tuned = api.tuned_model(model, result.tuning)
    edits = [api.apply(tuned, found.latent, edit) for edit in EDITS]
    before = result.picture
    pasted = [
        api.paste_back(photo.pixels, placed.frame, pixels.from_bytes(edit.pixels[None])[0], before=before)
        for edit in edits
    ]
    target = pixels.to_bytes(placed.picture[None])[0]
    small = [target, first, pixels.to_bytes(found.picture[None])[0], pixels.to_bytes(before[None])[0],
             *(edit.pixels for edit in edits)]
    row = [framed(photo.pixels, placed.frame), *map(Image.fromarray, small), *map(Image.fromarray, pasted)]
    write_sheet(FOLDER / f"{name}.png", row)
    near = (found.latent + 0.5 * (api.sample(model, seed=7, count=STRIP) - found.latent)).astype(np.float32)
    rows = np.concatenate([pixels.to_bytes(one.pictures(near)) for one in (model, tuned)])
    pixels.write_png(FOLDER / f"{name}-neighbours.png", pixels.grid(rows, columns=STRIP))
    kept = {}
    for step in api.kept_effect_steps(model, tuned, found.latent):
        kept = {
            effect.name: {part: round(getattr(effect, part), 3) for part in ("kept", "told_before", "told_after")}
            for effect in step.effects
        }

    def seen(picture: Any) -> float | None:
        return api.feature_distance(model, picture, found.target, placed.inside)

    return {
        "frame": asdict(placed.frame), "encoder": {"mse": found.start_mse},
        "refined": {"mse": found.mse, "dssim": found.dssim, "features": seen(found.picture), "seconds": found.seconds},
        "tuned": {"mse": result.mse, "dssim": result.dssim, "features": seen(before), "seconds": result.seconds,
                  "steps": result.steps, "bytes": len(result.tuning.data)},
        "kept": kept,
    }


def framed(photo: Any, frame: Any) -> Image.Image:
    """The photo with its frame drawn."""
    picture = Image.fromarray(photo)
    corners = np.array([(0, 0, 1), (63, 0, 1), (63, 63, 1), (0, 63, 1)]) @ frame.to_photo((64, 64)).T
    ImageDraw.Draw(picture).polygon([tuple(corner) for corner in corners], outline=(255, 200, 0), width=4)
    return picture


def write_sheet(path: Path, row: list[Image.Image]) -> None:
    """The pictures side by side, all of one height."""
    sized = [picture.resize((round(picture.width * SIDE / picture.height), SIDE), Image.Resampling.BICUBIC)
             for picture in row]
    whole = Image.new("RGB", (sum(picture.width + 4 for picture in sized) - 4, SIDE), "white")
    left = 0
    for picture in sized:
        whole.paste(picture, (left, 0))
        left += picture.width + 4
    whole.save(path, optimize=True)


if __name__ == "__main__":
    main()
