"""Settings to look at and to change: a form that is read from the frozen dataclass that holds them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Generic

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from latentstudio.settings import AnySettings, Field, Value, without
from latentstudio.studio.widgets.base import Link, Text
from latentstudio.studio.widgets.choice_link import ChoiceLink

Editor = QLineEdit | QCheckBox | ChoiceLink


class AdvancedSettings(QWidget, Generic[AnySettings]):
    """A link that opens name, value and reason of every setting. The rows are made when they are first opened.

    Signals:
        changed(): a value was changed or all were put back.
    """

    changed = Signal()

    def __init__(
        self, usual: AnySettings, *, elsewhere: Collection[str] = (),
        put_back: str = "All settings as they usually are", parent: QWidget | None = None,
    ) -> None:
        """``elsewhere`` names the fields that are set in another place; they stay as ``set_usual`` gave them."""
        super().__init__(parent)
        self._usual = usual
        self._fields = without(type(usual), elsewhere)
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

    def set_usual(self, settings: AnySettings) -> None:
        """Other usual values; changes made before are put back."""
        self._usual = settings
        self._show()

    def settings(self) -> AnySettings:
        """What the rows say.

        Raises:
            UsageError: a value that is none, or that the dataclass refuses.
        """
        return replace(self._usual, **self._changes())

    def _changes(self) -> Mapping[str, Value]:
        return {field.name: self._value(field) for field in self._fields if field.name in self.editors}

    def _value(self, field: Field) -> Value:
        editor = self.editors[field.name]
        if isinstance(editor, QCheckBox):
            return editor.isChecked()
        if isinstance(editor, ChoiceLink):
            return editor.current
        return field.read(editor.text())

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
        for field in self._fields:
            editor = self._build_editor(field)
            self.editors[field.name] = editor
            editor.setAccessibleName(field.setting.label)
            label = Text(field.setting.label, parent=self.body)
            for widget in (editor, label):
                widget.setToolTip(field.help)
            row = QHBoxLayout()
            row.addWidget(label)
            row.addStretch(1)
            row.addWidget(editor)
            why = field.setting.why
            reason = Text(why[:1].upper() + why[1:], role="small", colour="dim", parent=self.body)
            reason.setWordWrap(True)
            block = QVBoxLayout()
            block.setSpacing(0)
            block.addLayout(row)
            block.addWidget(reason)
            self._rows.addLayout(block)
        self._show()

    def _build_editor(self, field: Field) -> Editor:
        if field.kind is bool:
            box = QCheckBox(self.body)
            box.clicked.connect(self.changed)
            return box
        if field.choices:
            link = ChoiceLink(field.setting.label, field.choices, parent=self.body)
            link.chosen.connect(self.changed)
            return link
        line = QLineEdit(self.body)
        line.setFixedWidth(96)
        line.setPlaceholderText(field.setting.usual)
        line.textEdited.connect(self.changed)
        return line

    def _show(self) -> None:
        for field in self._fields:
            editor, value = self.editors.get(field.name), getattr(self._usual, field.name)
            if isinstance(editor, QCheckBox):
                editor.setChecked(bool(value))
            elif isinstance(editor, ChoiceLink):
                editor.set_current(str(value))
            elif editor is not None:
                editor.setText(field.written(value))
                editor.setCursorPosition(0)
