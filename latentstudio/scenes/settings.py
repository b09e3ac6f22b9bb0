"""Numbers that a recipe of the method ``scenes`` may set under ``[settings]``. No torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from latentstudio.settings import Setting, Settings


@dataclass(frozen=True)
class SceneSettings(Settings):
    """Of ``scenes`` and (with other numbers) plain SPACE; equations are those of thesis chapter 5."""

    background_steps: Annotated[int, Setting("Steps of the first stage", 0, why="the background alone")] = 1500
    object_steps: Annotated[int, Setting("Steps of the second stage", 0, why="objects in random boxes")] = 2000
    glimpses: Annotated[int, Setting("Random boxes a picture", 1, why="in the second stage")] = 6
    sigma: Annotated[float, Setting("Deviation of both likelihoods", 0.01)] = 0.12
    beta_box: Annotated[float, Setting("Weight of the boxes' divergence", 0, why="5.4, 5.5")] = 0.3
    beta_what: Annotated[float, Setting("Weight of the contents' divergence", 0, why="5.4, 5.5")] = 0.6
    beta_presence: Annotated[float, Setting("Weight of the presences' divergence", 0, why="5.4, 5.5")] = 1.0
    beta_background: Annotated[float, Setting("Weight of the background's divergence", 0, why="5.4, 5.5")] = 1.0
    object_prior: Annotated[float, Setting("Weight of the object prior", 0, why="5.5.2")] = 150.0
    object_sigma: Annotated[float, Setting("Deviation of the object prior", 0.01, why="5.5.2")] = 0.4
    rotation: Annotated[float, Setting("Weight of the rotation's loss", 0)] = 100.0
    boundary: Annotated[float, Setting("Weight of the boundary's loss", 0)] = 0.0
    penalty: Annotated[float, Setting("Nats that every box costs", 0)] = 25.0
    penalty_late: Annotated[float, Setting("Nats that every box costs later", 0, why="from the 6,000th joint step on"
                                           )] = 15.0
    most: Annotated[int, Setting("Boxes a picture that are processed", 1)] = 12
    late: Annotated[float, Setting("Joint step of the whole object prior", 0)] = 1500.0
    skip: Annotated[float, Setting("Presence below which a box is left out", 0)] = 0.01
    glimpse_from: Annotated[float, Setting("Least half-size of a random box", 0.005)] = 0.13
    glimpse_to: Annotated[float, Setting("Largest half-size of a random box", 0.005)] = 0.5
    background_rate: Annotated[float, Setting("Learning rate of the first stage", 0)] = 3e-3
    object_rate: Annotated[float, Setting("Learning rate of the second stage", 0)] = 2e-3
    space_presence: Annotated[float, Setting("Presence that SPACE expects", 1e-6)] = 0.05


@dataclass(frozen=True)
class SceneStudySettings(Settings):
    """How long every model of the study is trained."""

    kind: Annotated[str, Setting("Kind of the scenes")] = "flat"
    background: Annotated[int, Setting("Steps of the first stage", 1)] = 1000
    objects: Annotated[int, Setting("Steps of the second stage", 1)] = 1500
    joint: Annotated[int, Setting("Steps of the last stage", 1)] = 3500
    seed: Annotated[int, Setting("Seed", 0, why="shifts the seeds of all rows")] = 0
    batch: Annotated[int, Setting("Pictures a step", 1)] = 16
