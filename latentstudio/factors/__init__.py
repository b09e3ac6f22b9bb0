"""Factors of variation: learn their axes, calibrate them in true units, set them on a sample.

Importing this package needs numpy only; ``latentstudio.factors.learning`` needs torch.
"""

from latentstudio.factors.calibration import MeasuredCalibration, MonotoneCurve
from latentstudio.factors.control import Applied, apply_factors, parse_settings, standing
from latentstudio.factors.factor import Evidence, Factor, FactorSet
from latentstudio.factors.settings import LearnSettings
from latentstudio.factors.solving import clean_axis
from latentstudio.factors.storage import factor_places, keep_factor, load_factors, read_factor, write_factor
from latentstudio.factors.traversing import ALPHAS, parse_alphas, place_at, set_coordinate, traverse

__all__ = [
    "ALPHAS",
    "Applied",
    "Evidence",
    "Factor",
    "FactorSet",
    "LearnSettings",
    "MeasuredCalibration",
    "MonotoneCurve",
    "apply_factors",
    "clean_axis",
    "factor_places",
    "keep_factor",
    "load_factors",
    "parse_alphas",
    "parse_settings",
    "place_at",
    "read_factor",
    "set_coordinate",
    "standing",
    "traverse",
    "write_factor",
]
