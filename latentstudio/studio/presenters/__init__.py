"""Presenters: what happens in a panel becomes changes of the session, and changes become what the panel shows."""
