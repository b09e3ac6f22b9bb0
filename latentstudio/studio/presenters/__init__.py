"""Presenters: each turns what happens in one panel into changes of the session, and changes into what the panel shows."""
