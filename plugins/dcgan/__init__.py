"""Backend for DCGAN generators (Radford et al. 2016): transposed convolutions from z to RGB."""
