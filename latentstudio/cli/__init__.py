"""Latent spaces and generators: see the modules of this package."""
