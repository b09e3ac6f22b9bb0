"""Settings to look at and to change, made from the frozen dataclass that holds them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import Field, fields, replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from latentstudio.errors import UsageError
from latentstudio.studio.widgets.base import Link, Text
from latentstudio.studio.widgets.choice_link import ChoiceLink

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Editor = QLineEdit | QCheckBox | ChoiceLink
Settings = TypeVar("Settings", bound="DataclassInstance")


class AdvancedSettings(QWidget, Generic[Settings]):
    """A link that opens name, value and reason of every setting. The rows are made when they are first opened.

    Signals:
        changed(): a value was changed or all were put back.
    """

    changed = Signal()

    def __init__(
        self, usual: Settings, *, reasons: Mapping[str, str], choices: Mapping[str, tuple[str, ...]] | None = None,
        without: Collection[str] = (), put_back: str = "All settings as they usually are",
        parent: QWidget | None = None,
    ) -> None:
        """``without`` names the fields that are set somewhere else; they stay as ``set_usual`` gave them."""
        super().__init__(parent)
        self._usual = usual
        self._reasons = reasons
        self._choices = choices or {}
        self._fields = tuple(field for field in fields(self._usual) if field.name not in without)
        self.editors: dict[str, Editor] = {}
        self.toggle = Link("Advanced ▸", role="small", parent=self)
        self.reset = Link("Put back", role="small", parent=self)
        self.reset.setToolTip(put_back)
        self.reset.hide()
        self.body = QWidget(self)
        self.body.hide()
        self._rows = QVBoxLayout(self.body)
        self._rows.setContentsMargins(0, 4, 0, 0)
        self._rows.setSpacing(10)
        head = QHBoxLayout()
        head.addWidget(self.toggle)
        head.addStretch(1)
        head.addWidget(self.reset)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addLayout(head)
        layout.addWidget(self.body)
        self.toggle.clicked.connect(self._on_toggle)
        self.reset.clicked.connect(self._on_reset)

    def set_usual(self, settings: Settings) -> None:
        """Other usual values; changes made before are put back."""
        self._usual = settings
        self._show()

    def settings(self) -> Settings:
        """What the rows say.

        Raises:
            UsageError: a value that is none, or that the dataclass refuses.
        """
        changed: Settings = replace(self._usual, **self._changes())
        return changed

    def _changes(self) -> dict[str, Any]:
        return {field.name: self._value(field) for field in self._fields if field.name in self.editors}

    def _value(self, field: Field[Any]) -> Any:
        editor = self.editors[field.name]
        if isinstance(editor, QCheckBox):
            return editor.isChecked()
        if isinstance(editor, ChoiceLink):
            return editor.current
        text = editor.text().strip()
        kind: Any = type(field.default)
        try:
            if kind is tuple:
                return tuple(int(part) for part in text.split(",") if part.strip())
            return kind(text)
        except ValueError:
            expected = {int: "a whole number", float: "a number"}.get(kind, "whole numbers with commas between")
            raise UsageError(f"{field.name} is '{text}'", expected=expected) from None

    def _on_toggle(self) -> None:
        opened = self.body.isHidden()
        if opened and not self.editors:
            self._build_rows()
        self.body.setVisible(opened)
        self.reset.setVisible(opened)
        self.toggle.setText("Advanced ▾" if opened else "Advanced ▸")

    def _on_reset(self) -> None:
        self._show()
        self.changed.emit()

    def _build_rows(self) -> None:
        why = self._reasons
        for field in self._fields:
            editor = self._build_editor(field)
            self.editors[field.name] = editor
            name = field.name.replace("_", " ")
            editor.setAccessibleName(name)
            editor.setToolTip(why.get(field.name, ""))
            label = Text(name, parent=self.body)
            label.setToolTip(why.get(field.name, ""))
            row = QHBoxLayout()
            row.addWidget(label)
            row.addStretch(1)
            row.addWidget(editor)
            reason = Text(why.get(field.name, ""), role="small", colour="dim", parent=self.body)
            reason.setWordWrap(True)
            block = QVBoxLayout()
            block.setSpacing(0)
            block.addLayout(row)
            block.addWidget(reason)
            self._rows.addLayout(block)
        self._show()

    def _build_editor(self, field: Field[Any]) -> Editor:
        if isinstance(field.default, bool):
            box = QCheckBox(self.body)
            box.clicked.connect(self.changed)
            return box
        if field.name in self._choices:
            link = ChoiceLink(field.name, self._choices[field.name], parent=self.body)
            link.chosen.connect(self.changed)
            return link
        line = QLineEdit(self.body)
        line.setFixedWidth(96)
        line.textEdited.connect(self.changed)
        return line

    def _show(self) -> None:
        for name, editor in self.editors.items():
            value = getattr(self._usual, name)
            if isinstance(editor, QCheckBox):
                editor.setChecked(bool(value))
            elif isinstance(editor, ChoiceLink):
                editor.set_current(str(value))
            else:
                editor.setText(", ".join(map(str, value)) if isinstance(value, (list, tuple)) else f"{value:g}"
                               if isinstance(value, float) else str(value))
