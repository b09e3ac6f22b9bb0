"""What a generative model offers, which backends and models are there, and how a model is opened. No torch here."""
