"""Library: models and their samples."""
