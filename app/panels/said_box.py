"""Owns fields for what somebody may know better than the program, which until then show what it assumes or tells."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QDoubleSpinBox


class SaidBox(QDoubleSpinBox):
    """A number that is changed or typed. said: the number; also when it is typed as it stands there, as long as holds_guess
    says that nobody has said it yet."""

    said = Signal(float)

    def __init__(self) -> None:
        super().__init__()
        self.holds_guess = False
        self._is_typed = False
        self.setKeyboardTracking(False)
        self.valueChanged.connect(self._on_changed)
        self.lineEdit().textEdited.connect(self._on_typed)
        self.editingFinished.connect(self._on_finished)

    def forget_typed(self) -> None:
        """What was typed until now was not meant."""
        self._is_typed = False

    def _on_typed(self, _text: str) -> None:
        self._is_typed = True

    def _on_changed(self, value: float) -> None:
        self._is_typed = False
        self.said.emit(value)

    def _on_finished(self) -> None:
        is_typed, self._is_typed = self._is_typed, False
        if is_typed and self.holds_guess:
            self.said.emit(self.value())
