"""Inversion: the latent code of a given picture. Nothing is built here yet."""
