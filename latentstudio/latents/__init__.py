"""Latent spaces and their priors, balls and spheres, interpolation, principal components."""

from latentstudio.latents.components import PrincipalComponents, gradual_components, principal_components
from latentstudio.latents.geometry import (
    hold_near,
    hold_near_shell,
    lerp,
    project_to_ball,
    project_to_sphere,
    slerp,
)
from latentstudio.latents.spaces import LatentSpace, check_latent, check_shape, sample_prior

__all__ = [
    "LatentSpace",
    "PrincipalComponents",
    "check_latent",
    "check_shape",
    "gradual_components",
    "hold_near",
    "hold_near_shell",
    "lerp",
    "principal_components",
    "project_to_ball",
    "project_to_sphere",
    "sample_prior",
    "slerp",
]
