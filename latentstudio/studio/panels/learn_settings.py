"""The settings of learning to look at and to change, made from ``LearnSettings`` itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import Field, fields, replace
from typing import Any

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from latentstudio.errors import UsageError
from latentstudio.factors.settings import AXES, OPTIMISERS, LearnSettings, reasons
from latentstudio.studio.widgets.base import Link, Text
from latentstudio.studio.widgets.choice_link import ChoiceLink

_CHOICES = {"axis": AXES, "optimiser": OPTIMISERS}
Editor = QLineEdit | QCheckBox | ChoiceLink


class AdvancedSettings(QWidget):
    """A link that opens name, value and reason of every setting. The rows are made when they are first opened.

    Signals:
        changed(): a value was changed or all were put back.
    """

    changed = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._usual = LearnSettings()
        self.editors: dict[str, Editor] = {}
        self.toggle = Link("Advanced ▸", role="small", parent=self)
        self.reset = Link("Put back", role="small", parent=self)
        self.reset.setToolTip("All settings as the chosen effort has them")
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

    def set_usual(self, settings: LearnSettings) -> None:
        """What the chosen effort has; changes made before are put back."""
        self._usual = settings
        self._show()

    def settings(self) -> LearnSettings:
        """What the rows say.

        Raises:
            UsageError: a value that is none, or that ``LearnSettings`` refuses.
        """
        return replace(self._usual, **self._changes())

    def _changes(self) -> dict[str, Any]:
        return {field.name: self._value(field) for field in fields(LearnSettings) if field.name in self.editors}

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
        why = reasons()
        for field in fields(LearnSettings):
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
        if field.name in _CHOICES:
            link = ChoiceLink(field.name, _CHOICES[field.name], parent=self.body)
            link.chosen.connect(self.changed)
            return link
        line = QLineEdit(self.body)
        line.setFixedWidth(96)
        line.textEdited.connect(self.changed)
        return line

    def _show(self) -> None:
        values: Mapping[str, Any] = self._usual.as_dict()
        for name, editor in self.editors.items():
            value = values[name]
            if isinstance(editor, QCheckBox):
                editor.setChecked(bool(value))
            elif isinstance(editor, ChoiceLink):
                editor.set_current(str(value))
            else:
                editor.setText(", ".join(map(str, value)) if isinstance(value, list) else f"{value:g}"
                               if isinstance(value, float) else str(value))
