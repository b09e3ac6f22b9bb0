"""Train: models of one's own."""
