"""Relocation: linear maps between latent spaces. Nothing is built here yet."""
