"""The canvas: the picture, zoomed and panned, with the gesture drawn over it."""
