"""Scenes: pictures as objects with explicit boxes. Nothing is built here yet."""
