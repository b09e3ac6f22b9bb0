"""Reconstruction errors between pictures; every one is masked, batched and differentiable, with one value a picture.

All have one signature: (images, targets, mask) -> (N,), with images and targets (N, C, H, W) in [0, 1] and mask
(N, 1, H, W) of ones where the target is defined; targets and mask of one row serve all images. Undefined pixels have no
influence, whatever stands there, and equal pictures have the error 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from latentstudio.generators.capabilities import ExtractsFeatures
from latentstudio.generators.contract import Generator
from latentstudio.generators.feature_network import find_features, missing_features
from latentstudio.loss_names import FEATURES, SIGMA, needs_features, parse_loss

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]
Features = Callable[[Tensor], Sequence[Tensor]]

WINDOW_SIGMA = 1.5
_RADIUS = 5
_STEADY_MEAN, _STEADY_VARIANCE = 0.01**2, 0.03**2


def gaussian_kernel(sigma: float) -> Tensor:
    """A normalised one-dimensional Gaussian (2 ceil(3 sigma) + 1,), standard deviation ``sigma`` in pixels."""
    radius = max(1, math.ceil(3 * sigma))
    offsets = torch.arange(-radius, radius + 1, dtype=torch.float32)
    weights = torch.exp(-0.5 * (offsets / sigma) ** 2)
    return weights / weights.sum()


def blur(images: Tensor, sigma: float) -> Tensor:
    """Convolve (N, C, H, W) with a normalised Gaussian of ``sigma`` pixels; beyond the border lies zero."""
    if sigma <= 0:
        return images
    kernel = gaussian_kernel(sigma).to(images)
    channels, radius = images.shape[1], len(kernel) // 2
    vertical = kernel[None, None, :, None].expand(channels, 1, -1, 1)
    horizontal = kernel[None, None, None, :].expand(channels, 1, 1, -1)
    smoothed = functional.conv2d(images, vertical, padding=(radius, 0), groups=channels)
    return functional.conv2d(smoothed, horizontal, padding=(0, radius), groups=channels)


def blurred_error(images: Tensor, targets: Tensor, mask: Tensor, *, sigma: float) -> Tensor:
    """Mean squared error of low-passed pictures (equation 3 of Plumerault et al. 2020), undefined pixels ignored.

    The difference is masked before it is blurred, so that nothing leaks from the undefined region into the defined one.

    Args:
        images, targets: (N, C, H, W) in [0, 1].
        mask: (N, 1, H, W), 1 where the target is defined.
        sigma: standard deviation of the Gaussian as a fraction of the picture's height; 0 gives the plain masked MSE.

    Returns:
        (N,), the mean over channels and defined pixels.
    """
    difference = blur((images - targets) * mask, sigma * images.shape[-2])
    defined = mask.mean(dim=(1, 2, 3)).clamp_min(1e-6)
    return difference.square().mean(dim=(1, 2, 3)) / defined


def squared_error(images: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """Mean squared error (N,) over channels and defined pixels."""
    return _mean((images - targets).square(), mask)


def absolute_error(images: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """Mean absolute error (N,) over channels and defined pixels."""
    return _mean((images - targets).abs(), mask)


def structural_dissimilarity(images: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
    """DSSIM = (1 - SSIM) / 2 (N,): 0 for equal pictures, 1/2 for unrelated ones, 1 for inverted structure.

    SSIM of Wang et al. (2004) for a range of 1: an 11 x 11 Gaussian window of 1.5 pixels, constants 0.01^2 and 0.03^2,
    the mean over channels and over windows whose centre is defined. Where others write DSSIM = 1 - SSIM, theirs is
    twice this one. Windows weigh defined pixels only, so the border and holes need no filling.
    """
    mask = mask.expand(len(images), -1, -1, -1)
    share = _window(mask).clamp_min(1e-6)
    one, other = images * mask, targets * mask
    mean_one, mean_other = _window(one) / share, _window(other) / share
    variance_one = _window(one * images) / share - mean_one.square()
    variance_other = _window(other * targets) / share - mean_other.square()
    covariance = _window(one * targets) / share - mean_one * mean_other
    likeness = (2.0 * mean_one * mean_other + _STEADY_MEAN) * (2.0 * covariance + _STEADY_VARIANCE) / (
        (mean_one.square() + mean_other.square() + _STEADY_MEAN) * (variance_one + variance_other + _STEADY_VARIANCE)
    )
    return _mean((1.0 - likeness) / 2.0, mask)


def feature_error(images: Tensor, targets: Tensor, mask: Tensor, *, features: Features) -> Tensor:
    """Distance (N,) of what a network sees in pictures: 0 for equal ones, 4 at most.

    As the unweighted distance of Zhang et al. (2018, equation 1): at every level each position's channels are brought
    to length 1, squared differences are averaged over defined positions, and the levels are averaged. Undefined pixels
    are mid grey in both pictures. ``features`` takes (N, 3, H, W) in [0, 1] to maps (N, C, h, w).
    """
    seen, wanted = (features(part * mask + 0.5 * (1.0 - mask)) for part in (images, targets))
    levels = []
    for one, other in zip(seen, wanted, strict=True):
        apart = (functional.normalize(one, dim=1) - functional.normalize(other, dim=1)).square().sum(dim=1)
        weight = functional.adaptive_avg_pool2d(mask, (one.shape[-2], one.shape[-1]))[:, 0]
        levels.append((apart * weight).mean(dim=(1, 2)) / weight.mean(dim=(1, 2)).clamp_min(1e-6))
    return torch.stack(levels).mean(dim=0)


def features_for(generator: Generator, *, doing: str = "the loss 'features'") -> Features:
    """The add-on's features on the generator's device, or its critic's where the add-on is not installed.

    Raises:
        CapabilityError: there is neither; the message says how to get the add-on.
        ModelFileError: the add-on's files are broken.
    """
    network = find_features(device=next(generator.network.parameters()).device)
    if network is not None:
        return network
    if not isinstance(generator, ExtractsFeatures):
        raise missing_features(doing)
    critic = generator

    def single(images: Tensor) -> Sequence[Tensor]:
        return (critic.features(images)[:, :, None, None],)

    return single


def weighted_sum(parts: Sequence[tuple[float, Loss]]) -> Loss:
    """The loss that adds up ``parts``, pairs of weight and loss."""
    chosen = tuple(parts)

    def total(images: Tensor, targets: Tensor, mask: Tensor) -> Tensor:
        return torch.stack([weight * loss(images, targets, mask) for weight, loss in chosen]).sum(dim=0)

    return total


def loss_named(text: str, *, sigma: float = SIGMA, features: Features | None = None) -> Loss:
    """The loss that ``text`` means (see ``parse_loss``); ``sigma`` is the blurred one's, in heights of the picture.

    Raises:
        CapabilityError: the loss needs ``features`` (see ``features_for``) and they are None.
    """
    if features is None and needs_features(text):
        raise missing_features(f"the loss '{text}'")
    known: dict[str, Loss] = {
        "blurred": partial(blurred_error, sigma=sigma), "mse": squared_error, "l1": absolute_error,
        "dssim": structural_dissimilarity,
    }
    if features is not None:
        known[FEATURES] = partial(feature_error, features=features)
    parts = parse_loss(text)
    if len(parts) == 1 and parts[0][0] == 1.0:
        return known[parts[0][1]]
    return weighted_sum([(weight, known[name]) for weight, name in parts])


def _mean(errors: Tensor, mask: Tensor) -> Tensor:
    defined = mask.mean(dim=(1, 2, 3)).clamp_min(1e-6)
    return torch.where(mask > 0, errors * mask, torch.zeros_like(errors)).mean(dim=(1, 2, 3)) / defined


def _window(images: Tensor) -> Tensor:
    offsets = torch.arange(-_RADIUS, _RADIUS + 1, dtype=images.dtype, device=images.device)
    weights = torch.exp(-0.5 * (offsets / WINDOW_SIGMA) ** 2)
    weights = weights / weights.sum()
    channels = images.shape[1]
    down = functional.conv2d(images, weights[None, None, :, None].expand(channels, 1, -1, 1),
                             padding=(_RADIUS, 0), groups=channels)
    return functional.conv2d(down, weights[None, None, None, :].expand(channels, 1, 1, -1),
                             padding=(0, _RADIUS), groups=channels)
