"""The frame around the panels: window, docks, menus, bars."""
