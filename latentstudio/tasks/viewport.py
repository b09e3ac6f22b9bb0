"""Where a picture lies in the canvas: zoom, pan and fit as pure arithmetic on a frozen value."""

from __future__ import annotations

from dataclasses import dataclass, replace

LARGEST_PIXEL = 96.0
_MINIMUM = 1e-6


@dataclass(frozen=True)
class Viewport:
    """A window of ``width`` x ``height`` logical pixels on a picture of ``columns`` x ``rows`` pixels.

    ``scale`` is logical pixels a picture pixel (pixels stay square); ``x``, ``y`` is the point of the picture, in its
    pixels from the top-left corner, that lies in the middle of the window. A ``fitted`` viewport stays fitted when
    window or picture change size.
    """

    width: float = 1.0
    height: float = 1.0
    columns: int = 1
    rows: int = 1
    scale: float = 1.0
    x: float = 0.5
    y: float = 0.5
    fitted: bool = True

    @property
    def fit_scale(self) -> float:
        """The scale at which the whole picture just fits."""
        return max(_MINIMUM, min(self.width / self.columns, self.height / self.rows))

    @property
    def rectangle(self) -> tuple[float, float, float, float]:
        """Left, top, width, height of the picture in the window."""
        left = self.width / 2 - self.x * self.scale
        top = self.height / 2 - self.y * self.scale
        return left, top, self.columns * self.scale, self.rows * self.scale

    @property
    def visible(self) -> tuple[float, float, float, float]:
        """Left, top, width, height of the part of the window that the picture covers."""
        left, top, width, height = self.rectangle
        right, bottom = min(left + width, self.width), min(top + height, self.height)
        left, top = max(0.0, left), max(0.0, top)
        return left, top, max(0.0, right - left), max(0.0, bottom - top)

    @property
    def zoomed(self) -> bool:
        """Whether a part of the picture lies outside, so that it can be panned."""
        return self.scale > self.fit_scale * (1 + 1e-9)

    def fit(self) -> Viewport:
        """The whole picture, centred and as large as it can be."""
        return replace(self, scale=self.fit_scale, x=self.columns / 2, y=self.rows / 2, fitted=True)

    def resized(self, width: float, height: float) -> Viewport:
        """The same view in a window of another size."""
        return replace(self, width=max(1.0, width), height=max(1.0, height))._settled()

    def showing(self, columns: int, rows: int) -> Viewport:
        """The same view of a picture of another size: the same part of it is seen."""
        if (columns, rows) == (self.columns, self.rows):
            return self
        grown = replace(
            self,
            x=self.x * columns / self.columns,
            y=self.y * rows / self.rows,
            scale=self.scale * self.columns / columns,
            columns=columns,
            rows=rows,
        )
        return grown._settled()

    def zoom_by(self, factor: float, at: tuple[float, float] | None = None) -> Viewport:
        """Zoom by ``factor`` so that the picture point under ``at`` (window pixels) stays where it is."""
        px, py = at if at is not None else (self.width / 2, self.height / 2)
        fixed_x, fixed_y = self.to_picture(px, py)
        smallest = self.fit_scale
        scale = min(max(LARGEST_PIXEL, smallest), max(smallest, self.scale * factor))
        if scale <= smallest * (1 + 1e-9):
            return self.fit()
        x = fixed_x - (px - self.width / 2) / scale
        y = fixed_y - (py - self.height / 2) / scale
        return replace(self, scale=scale, x=x, y=y, fitted=False)._held()

    def panned(self, dx: float, dy: float) -> Viewport:
        """Move the picture by window pixels, never further than its edge."""
        return replace(self, x=self.x - dx / self.scale, y=self.y - dy / self.scale)._held()

    def to_window(self, x: float, y: float) -> tuple[float, float]:
        """A point of the picture (its pixels from the top-left corner) in window pixels."""
        return (x - self.x) * self.scale + self.width / 2, (y - self.y) * self.scale + self.height / 2

    def to_picture(self, px: float, py: float) -> tuple[float, float]:
        """A point of the window in picture pixels."""
        return (px - self.width / 2) / self.scale + self.x, (py - self.height / 2) / self.scale + self.y

    def _settled(self) -> Viewport:
        if self.fitted or self.scale < self.fit_scale:
            return self.fit()
        return self._held()

    def _held(self) -> Viewport:
        """Keep the picture over the window where it is larger, and centred where it is smaller."""
        x = _held_axis(self.x, self.columns, self.width / self.scale)
        y = _held_axis(self.y, self.rows, self.height / self.scale)
        return replace(self, x=x, y=y)


def _held_axis(centre: float, size: float, seen: float) -> float:
    if seen >= size:
        return size / 2
    return min(max(centre, seen / 2), size - seen / 2)
