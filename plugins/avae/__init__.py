"""Backend for VAEs, GANs and AVAEs: encoder, decoder, generator and critic in one model, whichever of them it has."""
