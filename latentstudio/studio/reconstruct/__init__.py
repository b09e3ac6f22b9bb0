"""Reconstruct: pictures through encoder and generator."""
