"""THE table of actions: menus, shortcuts, the shortcut sheet and the action search are all made from it."""

from __future__ import annotations

from dataclasses import dataclass

from latentstudio.studio.features import FEATURES

MENUS = ("File", "Edit", "Sample", "View", "Help")


@dataclass(frozen=True)
class Action:
    """One thing a person can do.

    Attributes:
        id: short name; the window connects it to ``on_<id>`` of whoever serves it.
        title: the words in menus and search, sentence case.
        shortcuts: key sequences in Qt's portable spelling; the first is shown.
        group: the menu it stands in, one of ``MENUS``.
        icon: name of an icon, or empty.
        separated: a separator stands before it in its menu.
        checkable: it is on or off, and its menu entry has a check mark while it is on.
    """

    id: str
    title: str
    shortcuts: tuple[str, ...] = ()
    group: str = "File"
    icon: str = ""
    separated: bool = False
    checkable: bool = False

    @property
    def shortcut(self) -> str:
        """The shortcut to show, or empty."""
        return self.shortcuts[0] if self.shortcuts else ""


ACTIONS: tuple[Action, ...] = (
    Action("open", "Open a photo, picture, session or model…", ("Ctrl+O",), "File", "open"),
    Action("add_model", "Add a model folder…", (), "File", "plus"),
    Action("train", "Train a model of your own…", (), "File", "plus"),
    Action("save_picture", "Save picture…", ("Ctrl+S",), "File", "save", True),
    Action("save_session", "Save session…", ("Ctrl+Shift+S",), "File", "save"),
    Action("export_strip", "Export strip of the chosen slider…", ("Ctrl+E",), "File", "strip"),
    Action("export_traversal", "Export traversal of the chosen slider…", ("Ctrl+Shift+E",), "File", "strip"),
    Action("paste_back", "Paste the face back into the photo…", ("Ctrl+Shift+V",), "File", "save"),
    Action("export_scene", "Export the scene…", (), "File", "save"),
    Action("export_layers", "Export the scene's layers…", (), "File", "save"),
    Action("quit", "Quit", ("Ctrl+Q",), "File", "close", True),
    Action("undo", "Undo", ("Ctrl+Z",), "Edit", "undo"),
    Action("redo", "Redo", ("Ctrl+Shift+Z", "Ctrl+Y"), "Edit", "redo"),
    Action("reset_factors", "Reset all sliders", ("Ctrl+R",), "Edit", "reset"),
    Action("exact", "Match this picture exactly", ("Ctrl+T",), "Edit", "exact"),
    Action("forget_factor", "Remove my slider", (), "Edit"),
    Action("duplicate_object", "Duplicate the chosen objects", ("Ctrl+D",), "Edit", "", True),
    Action("delete_object", "Delete the chosen objects", ("Del",), "Edit"),
    Action("copy_picture", "Copy picture", ("Ctrl+C",), "Edit", "", True),
    Action("paste_photo", "Paste a photo", ("Ctrl+V",), "Edit"),
    Action("copy_python", "Copy as Python", ("Ctrl+Shift+C",), "Edit"),
    Action("copy_command", "Copy as command line", ("Ctrl+Alt+C",), "Edit"),
    Action("new_sample", "New sample", ("Space",), "Sample", "dice"),
    Action("enter_seed", "Enter a seed", ("Ctrl+G",), "Sample"),
    Action("keep_sliders", "Keep the sliders for new pictures", (), "Sample", checkable=True),
    Action("find_sliders", "Find sliders in this model", ("Ctrl+F",), "Sample", "search", True),
    Action("learn", "Learn a slider", (), "Sample"),
    Action("before", "Compare with the picture before editing (or hold B)", ("B",), "Sample", "compare",
           checkable=True),
    Action("fit", "Fit the picture", ("Ctrl+0",), "View", "fit"),
    Action("zoom_in", "Zoom in", ("Ctrl++", "Ctrl+="), "View", "zoom-in"),
    Action("zoom_out", "Zoom out", ("Ctrl+-",), "View", "zoom-out"),
    Action("smooth", "Smooth pixels", ("N",), "View", checkable=True),
    *(Action(f"show_{one.id}", one.words, (one.shortcut,), "View", separated=one.id == FEATURES[0].id, checkable=True)
      for one in sorted(FEATURES, key=lambda one: one.shortcut)),
    Action("undock_panel", "Undock or dock the panel in front", ("Ctrl+U",), "View"),
    Action("workspace_play", "Workspace: Play", ("F5",), "View", "", True, checkable=True),
    Action("workspace_photo", "Workspace: Photo", ("F7",), "View", checkable=True),
    Action("workspace_scene", "Workspace: Scene", ("F9",), "View", checkable=True),
    Action("workspace_reconstruct", "Workspace: Reconstruct", ("F8",), "View", checkable=True),
    Action("workspace_research", "Workspace: Research", ("F6",), "View", checkable=True),
    Action("theme_system", "Theme: follow the system", (), "View", "", True, checkable=True),
    Action("theme_dark", "Theme: dark", (), "View", checkable=True),
    Action("theme_light", "Theme: light", (), "View", checkable=True),
    Action("full_screen", "Full screen", ("F11",), "View", "", True, checkable=True),
    Action("cancel_job", "Cancel the running job", ("Ctrl+.",), "Help"),
    Action("search", "Search actions", ("Ctrl+K",), "Help", "search", True),
    Action("shortcuts", "Shortcuts", ("F1",), "Help", "help"),
    Action("hints", "Show the first hints again", (), "Help"),
    Action("about", "About this model and its licence", (), "Help"),
)


def action_named(name: str) -> Action:
    """The action with this id; an unknown id is a defect of the program."""
    return next(action for action in ACTIONS if action.id == name)
