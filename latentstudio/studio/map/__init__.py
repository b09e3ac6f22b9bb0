"""Map: trajectories in principal components."""
