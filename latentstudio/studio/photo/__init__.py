"""Photo: frame, likeness and paste-back."""
