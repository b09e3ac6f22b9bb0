"""Colours, type and measures of the studio in dark and light, and the one style sheet made from them.

A ``Theme`` belongs to the application object; ``app_theme()`` finds it. Widgets read ``theme.tokens`` when they paint,
so a change of the system's colour scheme needs nothing of them: the new palette makes Qt repaint everything.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, get_args

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QFontInfo, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

from latentstudio.errors import UsageError
from latentstudio.places import bundled

Choice = Literal["system", "dark", "light"]
Role = Literal["body", "small", "heading", "name", "value", "title"]

BASE_PIXELS = 13
_GENERIC_FAMILIES = ("sans", "sans serif", "sans-serif", "dejavu sans", "bitstream vera sans", "")
_PREFERRED_FAMILY = "Inter"
_ROLES: dict[str, tuple[float, QFont.Weight]] = {
    "body": (13, QFont.Weight.Normal),
    "small": (12, QFont.Weight.Normal),
    "heading": (11, QFont.Weight.DemiBold),
    "name": (13, QFont.Weight.DemiBold),
    "value": (14, QFont.Weight.DemiBold),
    "title": (15, QFont.Weight.DemiBold),
}


@dataclass(frozen=True)
class Tokens:
    """The named colours of one scheme, as ``#rrggbb``."""

    dark: bool
    background: str
    panel: str
    raised: str
    line: str
    text: str
    dim: str
    accent: str
    on_accent: str
    known: str
    track: str
    knob: str
    good: str
    bad: str

    def colour(self, name: str, alpha: float = 1.0) -> QColor:
        """The colour of this name, at an opacity in [0, 1]."""
        colour = QColor(getattr(self, name))
        colour.setAlphaF(alpha)
        return colour


DARK = Tokens(
    dark=True,
    background="#16181d",
    panel="#1d2027",
    raised="#252932",
    line="#2f3440",
    text="#e6e8ec",
    dim="#8b93a1",
    accent="#f2a65a",
    on_accent="#16181d",
    known="#4c566a",
    track="#323845",
    knob="#e6e8ec",
    good="#7fc8a9",
    bad="#e07a7a",
)
LIGHT = Tokens(
    dark=False,
    background="#eceef1",
    panel="#f7f8fa",
    raised="#ffffff",
    line="#d8dce3",
    text="#1c2027",
    dim="#69717f",
    accent="#c8671a",
    on_accent="#16181d",
    known="#b7c0cd",
    track="#dfe3ea",
    knob="#1c2027",
    good="#2f8f6b",
    bad="#c24a4a",
)


class Theme(QObject):
    """The look in force. ``changed`` comes after palette and style sheet were set anew.

    Args:
        app: the application that owns this theme and is dressed by it.
        text_scale: 1 for the ordinary text size; None takes it from the system's interface font (13 px or larger).
    """

    changed = Signal()

    def __init__(self, app: QApplication, *, text_scale: float | None = None) -> None:
        super().__init__(app)
        self.setObjectName("theme")
        self._app = app
        self._choice: Choice = "system"
        system = QFontInfo(app.font())
        self._family = _interface_family(app.font())
        self.text_scale = text_scale if text_scale is not None else max(1.0, system.pixelSize() / BASE_PIXELS)
        self._scheme = QGuiApplication.styleHints().colorScheme()
        self.tokens = self._resolve()
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._on_scheme)

    @property
    def choice(self) -> Choice:
        """What was asked for: ``system``, ``dark`` or ``light``."""
        return self._choice

    def set_choice(self, choice: Choice) -> None:
        """Dress the application: ``system`` follows the desktop's colour scheme from now on.

        Raises:
            UsageError: there is no such choice.
        """
        if choice not in get_args(Choice):
            raise UsageError(f"unknown theme '{choice}'", expected=", ".join(get_args(Choice)))
        self._choice = choice
        self._tell_desktop()
        self._dress()

    def set_text_scale(self, scale: float) -> None:
        """Make all text ``scale`` times the drawing's size."""
        self.text_scale = scale
        self._dress()

    def px(self, size: float) -> int:
        """A measure of the drawing in logical pixels, grown with the text."""
        return max(1, round(size * self.text_scale))

    def font(self, role: Role = "body") -> QFont:
        """The font of a role; figures are tabular in values and small words."""
        pixels, weight = _ROLES[role]
        font = QFont(self._family)
        font.setPixelSize(self.px(pixels))
        font.setWeight(weight)
        if role == "heading":
            font.setCapitalization(QFont.Capitalization.AllUppercase)
            font.setLetterSpacing(QFont.SpacingType.AbsoluteSpacing, 0.2 * self.text_scale)
        if role in ("value", "small"):
            font.setFeature(QFont.Tag("tnum"), 1)
        return font

    def _resolve(self) -> Tokens:
        if self._choice == "system":
            return LIGHT if self._scheme == Qt.ColorScheme.Light else DARK
        return DARK if self._choice == "dark" else LIGHT

    def _tell_desktop(self) -> None:
        """Let title bars and native dialogs follow the choice."""
        hints = QGuiApplication.styleHints()
        if self._choice == "system":
            hints.unsetColorScheme()
            self._scheme = hints.colorScheme()
        else:
            hints.setColorScheme(Qt.ColorScheme.Dark if self._choice == "dark" else Qt.ColorScheme.Light)

    def _on_scheme(self, scheme: Qt.ColorScheme) -> None:
        self._scheme = scheme
        if self._choice == "system":
            self._dress()

    def _dress(self) -> None:
        self.tokens = self._resolve()
        self._app.setFont(self.font("body"))
        self._app.setPalette(palette_of(self.tokens))
        self._app.setStyleSheet(style_sheet(self.tokens))
        self.changed.emit()


def apply_theme(app: QApplication, choice: Choice = "system") -> Theme:
    """Dress the application and return its theme (made at the first call, the same one ever after)."""
    theme = app.findChild(Theme) or Theme(app)
    if app.style().objectName().lower() != "fusion":
        app.setStyle("Fusion")
    theme.set_choice(choice)
    return theme


def app_theme() -> Theme:
    """The running application's theme; made undressed where nobody called ``apply_theme`` yet."""
    app = QApplication.instance()
    assert isinstance(app, QApplication), "widgets need a QApplication"
    return app.findChild(Theme) or Theme(app)


def current_tokens() -> Tokens:
    """The colours in force."""
    return app_theme().tokens


def palette_of(tokens: Tokens) -> QPalette:
    """Qt's palette of these tokens, so that even undressed widgets fit in."""
    palette = QPalette()
    role = QPalette.ColorRole
    pairs = {
        role.Window: "panel",
        role.WindowText: "text",
        role.Base: "background",
        role.AlternateBase: "panel",
        role.Text: "text",
        role.PlaceholderText: "dim",
        role.Button: "raised",
        role.ButtonText: "text",
        role.BrightText: "bad",
        role.Highlight: "accent",
        role.HighlightedText: "on_accent",
        role.Link: "accent",
        role.LinkVisited: "accent",
        role.ToolTipBase: "raised",
        role.ToolTipText: "text",
        role.Light: "raised",
        role.Midlight: "line",
        role.Mid: "line",
        role.Dark: "background",
        role.Shadow: "background",
        role.Accent: "accent",
    }
    for which, name in pairs.items():
        palette.setColor(which, tokens.colour(name))
    for which in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, tokens.colour("dim"))
    return palette


def style_sheet(tokens: Tokens) -> str:
    """The program's one style sheet with the tokens filled in."""
    sheet = (bundled("resources") / "theme" / "studio.qss").read_text(encoding="utf-8")
    for field in fields(tokens):
        sheet = sheet.replace("{" + field.name + "}", str(getattr(tokens, field.name)))
    return sheet


def _interface_family(system: QFont) -> str:
    """The system's interface font; where it is only the generic fallback, Inter if installed."""
    asked = system.family().lower()
    if asked in _GENERIC_FAMILIES and _PREFERRED_FAMILY in QFontDatabase.families():
        return _PREFERRED_FAMILY
    return system.family()
