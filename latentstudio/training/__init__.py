"""One training loop for every method: recipe in, checkpoints and frozen steps out."""
