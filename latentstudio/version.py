"""The one place where the version is written for Python; ``pyproject.toml`` repeats it and a test compares the two."""

VERSION = "0.1.0"
