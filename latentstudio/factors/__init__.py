"""Factors of variation."""
