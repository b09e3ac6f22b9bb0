"""The samples with which a known model introduces itself: clear, frontal, in the middle, with room for every slider."""

from __future__ import annotations

FIRST_SEEDS: dict[str, tuple[int, ...]] = {
    "fashion-avae": (14, 7, 10, 8, 0, 6, 15, 19, 1, 9, 11, 16, 4, 18, 13, 5, 17),
    "fashion-avae-xi": (8, 10, 14, 7, 1, 15, 26, 4, 23, 22, 25, 24, 0, 5, 6, 27, 29),
    "fashion-bigan": (13, 19, 5, 4, 12, 0, 18, 7, 1, 6, 8, 2, 15, 17, 14, 9, 10),
    "fashion-svae": (0, 3, 4, 6, 2, 10, 1, 12, 8, 14, 15, 16, 11, 5, 9, 17, 18),
    "fashion-vaegan": (3, 10, 17, 0, 8, 1, 18, 5, 12, 2, 13, 6, 15, 9, 14, 7, 11),
    "faces": (345, 390, 249, 69, 239, 172, 29, 289, 372, 62, 25, 54, 393, 355, 167, 297, 222),
    "faces-gan": (131, 73, 84, 38, 20, 87, 37, 94, 129, 157, 120, 101, 30, 116, 45, 154, 19),
    "scenes": (54, 21, 37, 7, 8, 19, 32, 55, 18, 36, 57, 6, 72, 20, 41, 58, 49),
    "scenes-many": (69, 13, 37, 27, 49, 6, 35, 8, 19, 25, 41, 82, 92, 87, 44, 1, 61),
    "sprites-b1": (197, 2, 38, 12, 66, 49, 179, 175, 192, 36, 109, 163, 1, 106, 35, 57, 113),
    "sprites-b5": (27, 34, 143, 171, 77, 188, 78, 122, 29, 91, 114, 110, 62, 94, 49, 159, 75),
    "sprites-b10": (6, 37, 57, 27, 3, 8, 33, 11, 21, 13, 24, 36, 42, 7, 18, 30, 62),
    "sprites-b20": (156, 105, 25, 142, 163, 11, 48, 193, 29, 57, 144, 130, 162, 184, 117, 157, 148),
}


def first_seed(model: str) -> int | None:
    """The seed of the first sample of this model, or None for a model that nobody chose one for."""
    seeds = FIRST_SEEDS.get(model)
    return None if seeds is None else seeds[0]


def seeds_beside(model: str, seed: int | None, count: int) -> tuple[int, ...]:
    """``count`` seeds to offer beside ``seed``: chosen ones beside a model's first sample, else those that follow."""
    chosen = FIRST_SEEDS.get(model, ())
    if chosen and seed == chosen[0] and len(chosen) > count:
        return chosen[1 : count + 1]
    first = 0 if seed is None else seed + 1
    return tuple(range(first, first + count))
