"""Checks of what a transformation gave back; they cost two reductions and are done for built-in ones too."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

import torch
from torch import Tensor

from latentstudio.errors import StudioError, TransformationError
from latentstudio.transformations.facts import Facts

OVERSHOOT = 0.01
_LONGEST = 200


@dataclass(frozen=True)
class Origin:
    """Where a transformation of the user's own stands: its file, and the line that its function begins at."""

    path: Path
    line: int

    def at(self, line: int | None = None) -> str:
        """``warmth.py, line 4: ``, the beginning of every complaint about it."""
        return f"{self.path.name}, line {self.line if line is None else line}: "


def first_line(problem: BaseException) -> str:
    """An exception's type and the first line of its message."""
    text = (str(problem).strip().splitlines() or [""])[0][:_LONGEST]
    return f"{type(problem).__name__}: {text}" if text else type(problem).__name__


def line_in(path: Path, trace: TracebackType | None) -> int | None:
    """The last line of this file that a traceback went through, or None."""
    line = None
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(path):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def raised(facts: Facts, origin: Origin, problem: BaseException) -> TransformationError:
    """The complaint about an exception that a transformation of the user's own let out."""
    line = line_in(origin.path, problem.__traceback__)
    if isinstance(problem, StudioError):
        return TransformationError(f"{origin.at(line)}{problem.sentence}")
    return TransformationError(f"{origin.at(line)}'{facts.name}' raised {first_line(problem)}",
                               expected="(images, mask)")


def checked(facts: Facts, origin: Origin | None, images: Tensor, result: object) -> tuple[Tensor, Tensor]:
    """The pictures and the mask of a result that keeps the contract; a mask of truth values becomes one of numbers.

    Raises:
        TransformationError: it is no pair of tensors, of another size, kind or device, or holds values that pictures do
            not have; the message says which.
    """
    size, mask_size = tuple(images.shape), (len(images), 1, *images.shape[2:])
    if not (isinstance(result, tuple | list) and len(result) == 2 and all(isinstance(x, Tensor) for x in result)):
        raise _wrong(facts, origin, f"gave {_named(result)}", "two tensors, the pictures and their mask")
    moved, mask = result
    if tuple(moved.shape) != size:
        raise _wrong(facts, origin, f"gave pictures of {_size(moved.shape)}", f"{_size(size)}, as it was given")
    if tuple(mask.shape) != mask_size:
        raise _wrong(facts, origin, f"gave a mask of {_size(mask.shape)}", _size(mask_size))
    if mask.dtype == torch.bool:
        mask = mask.to(images.dtype)
    for what, tensor in (("pictures", moved), ("a mask", mask)):
        if tensor.dtype != images.dtype or tensor.device != images.device:
            raise _wrong(facts, origin, f"gave {what} of {_kind(tensor)}", _kind(images))
        low, high = _range(tensor)
        if not (_fine(low, high) or (tensor is moved and not _fine(*_range(images)))):  # no blame for a broken model
            raise _values(facts, origin, what, low, high)
    return moved, mask


def _range(tensor: Tensor) -> tuple[float, float]:
    if not tensor.numel():
        return 0.0, 0.0
    low, high = tensor.detach().aminmax()
    return float(low), float(high)


def _fine(low: float, high: float) -> bool:
    return low >= -OVERSHOOT and high <= 1.0 + OVERSHOOT


def _values(facts: Facts, origin: Origin | None, what: str, low: float, high: float) -> TransformationError:
    if math.isfinite(low) and math.isfinite(high):
        return _wrong(facts, origin, f"gave {what} with values from {low:.3g} to {high:.3g}", "0 to 1",
                      "end with .clamp(0, 1)")
    return _wrong(facts, origin, f"gave {what} with NaN or infinite values", "finite numbers",
                  "look for a division or a root of 0")


def check_something_valid(facts: Facts, origin: Origin | None, mask: Tensor, t: Tensor) -> None:
    """Refuse a mask (N, 1, H, W) that leaves a picture without one valid pixel.

    Raises:
        TransformationError: it names the first such t.
    """
    if not mask.numel():
        return
    empty = mask.detach().amax(dim=(1, 2, 3)) <= 0
    if not bool(empty.any()):
        return
    side = int(mask.shape[-1])
    largest, worst = facts.largest(side), float(t[empty][0])
    shown, limit = facts.unit.format(worst), facts.unit.format(largest)
    if abs(worst) > largest * (1.0 + 1e-5):  # t is a float32
        raise _wrong(facts, origin, f"by {shown} leaves nothing of pictures {side} px wide valid",
                     f"at most {limit}", "lower the reach")
    raise _wrong(facts, origin, f"by {shown} gave an empty mask", "1 where the picture is defined")


def _wrong(facts: Facts, origin: Origin | None, found: str, expected: str, action: str = "") -> TransformationError:
    return TransformationError(f"{origin.at() if origin else ''}'{facts.name}' {found}", expected=expected,
                               action=action)


def _size(shape: tuple[int, ...]) -> str:
    return " x ".join(map(str, shape)) or "a single number"


def _kind(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} on {tensor.device}"


def _named(result: object) -> str:
    if isinstance(result, tuple | list):
        return f"{len(result)} values ({', '.join(type(value).__name__ for value in result)})"
    return "nothing" if result is None else f"one {type(result).__name__}"
