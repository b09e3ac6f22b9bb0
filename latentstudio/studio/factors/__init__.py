"""Factors: one card for each slider."""
