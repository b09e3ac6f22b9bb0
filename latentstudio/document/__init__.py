"""The document: the session as a frozen value, its undo tree, its files, the preferences. No torch, no Qt."""
