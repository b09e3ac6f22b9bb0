"""Second-order steps for small latents: Jacobians by forward mode, damped normal equations. Needs torch."""
