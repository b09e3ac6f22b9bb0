"""Backend for the beta-VAEs of the papers (encoder and decoder, 64 x 64, one channel)."""
