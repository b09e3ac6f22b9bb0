"""Raw: the latent's own coordinates and principal directions."""
