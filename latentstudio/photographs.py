"""What needs a model's factors and an inverted photograph together; ``latentstudio.api`` hands it on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from latentstudio.factors import apply_factors, load_factors
from latentstudio.generators.conditions import NONE, Conditions
from latentstudio.generators.opening import Model
from latentstudio.inversion.frames import Frame, paste_back
from latentstudio.inversion.photos import Photo
from latentstudio.picture_files import to_profile
from latentstudio.pixels import from_bytes, to_bytes


def edit_anchors(
    model: Model, picture: NDArray[np.float32], latent: NDArray[np.float32], *, mask: NDArray[np.float32] | None = None,
    shares: Sequence[float] = (-0.9, -0.45, 0.45, 0.9),
) -> Any:
    """What a photo (3, H, W) should look like when the model's sliders are moved, for ``tune_steps``; None without any.

    Every factor whose effect can be measured is put at ``shares`` of its known range around ``latent``; the target is
    the photo under the factor's transformation, where that is defined. Imports torch.
    """
    import torch

    from latentstudio.factors.kept import measurable
    from latentstudio.inversion.tuning import Anchors
    from latentstudio.transformations import transformation_named

    known, flat = load_factors(model.folder, model.card), np.asarray(latent, dtype=np.float32).reshape(-1)
    photo = torch.from_numpy(picture)[None]
    inside = torch.ones_like(photo[:, :1]) if mask is None else torch.from_numpy(mask)[None, None]
    latents, targets, masks = [], [], []
    for name in measurable(known, model.card):
        low, high = known.get(name).range_at(flat)
        for share in shares:
            t = -share * low if share < 0 else share * high
            moved, defined = transformation_named(name).apply(photo, torch.tensor([t], dtype=torch.float32))
            covered, _ = transformation_named(name).apply(inside.expand(-1, 3, -1, -1), torch.tensor([float(t)]))
            latents.append(torch.from_numpy(apply_factors(flat, {name: t}, known).latent.astype(np.float32)))
            targets.append(moved[0])
            masks.append(defined[0] * (inside[0] if t == 0.0 else (covered[0, :1] > 0.5).float()))
    if not latents:
        return None
    return Anchors(torch.stack(latents).reshape(len(latents), -1), torch.stack(targets), torch.stack(masks))


def pasted(
    model: Model, latents: tuple[NDArray[np.float32], NDArray[np.float32]], photo: Photo, frame: Frame,
    *, conditions: Conditions = NONE,
) -> NDArray[np.uint8]:
    """The photo uint8 (H, W, 3) with the model's picture back in its frame, at the photo's full size.

    The answer is in the photo's own colours (of ``photo.profile``): the model's picture is converted into them, so that
    every pixel outside the frame stays as it was.

    ``latents``, each float32 (*shape): with the edits and without them; the second tells how the model's colours lie
    to those of the photo.
    """
    edited, before = model.pictures(np.stack(latents).astype(np.float32), conditions=conditions)
    if photo.own is None:
        return paste_back(photo.pixels, frame, edited, before=before)
    drawn = to_bytes(np.stack([edited, before]))
    edited, before = from_bytes(np.stack([to_profile(one, photo.profile) for one in drawn]))
    return paste_back(photo.own, frame, edited, before=before)


def kept_effect_steps(
    model: Model, tuned: Model, latent: NDArray[np.float32], names: Sequence[str] | None = None, *,
    conditions: Conditions = NONE,
) -> Iterator[Any]:
    """The frozen steps of measuring how much of their effect around ``latent`` the factors keep on a tuned model.

    The last step's ``effects`` say it for each of ``names`` (all factors whose effect can be measured when None).
    Imports torch.
    """
    from latentstudio.factors.kept import kept_effects, measurable

    known = load_factors(model.folder, model.card)
    chosen = measurable(known, model.card) if names is None else names
    return kept_effects(model.generator, tuned.generator, latent, known, chosen, conditions=conditions)
