"""Steering: walks learned end to end. Nothing is built here yet."""
