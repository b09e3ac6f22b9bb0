"""Backend for scene models: a background and objects in boxes, found by a grid of recurrent proposals."""
