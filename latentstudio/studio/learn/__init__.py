"""Learn: new sliders, one or many."""
