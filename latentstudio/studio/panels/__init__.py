"""Panels: each lays widgets out and passes their signals on; decisions are made by its presenter."""
