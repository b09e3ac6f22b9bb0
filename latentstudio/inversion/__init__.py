"""Inversion: the latent of a given picture, from the photograph to the edited face pasted back."""
