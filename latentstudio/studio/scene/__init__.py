"""Scene: objects in boxes."""
