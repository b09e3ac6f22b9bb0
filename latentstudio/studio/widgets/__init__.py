"""The studio's widgets: views without knowledge of models, sessions or threads."""
