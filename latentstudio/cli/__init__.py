"""The command line: one file a verb, each a thin caller of a room, each with ``--json``."""
