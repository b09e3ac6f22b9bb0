"""Autoencoding: models that know both ways, from pictures to latents and back."""
