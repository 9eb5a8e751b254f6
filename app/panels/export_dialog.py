"""The export dialog: what to write, in which format, over which frames."""

from __future__ import annotations

from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from app.document.session import Session
from app.document.words import COUNTED_FROM_ONE, frames_in_words
from mpm_core.formats import writers
from mpm_core.formats.base import Format, WriteOptions


class ExportDialog(QDialog):
    """`format()` and `options()` hold the choice; the file is asked for afterwards."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export the prediction")
        self._session = session
        layout = QVBoxLayout(self)
        form = QFormLayout()
        layout.addLayout(form)
        self._format, self._frames, self._unit = QComboBox(), QComboBox(), QComboBox()
        for writer in writers():
            self._format.addItem(writer.label, writer)
        self._format.setCurrentIndex(self._format.findText("BVH motion"))
        self._frames.addItem(f"Whole clip ({len(session)} frames)", None)
        if session.range is not None:
            first, last = session.range
            self._frames.addItem(f"Range ({frames_in_words(first, last)})", session.range)
            self._frames.setCurrentIndex(1)
        self._frames.setToolTip(COUNTED_FROM_ONE)
        self._unit.addItem("Centimetres", 100.0)
        self._unit.addItem("Metres", 1.0)
        self._long = QCheckBox("A row per joint instead of a row per frame")
        form.addRow("Format", self._format)
        form.addRow("Frames", self._frames)
        form.addRow("Unit", self._unit)
        form.addRow("", self._long)
        self._note = QLabel()
        self._note.setProperty("role", "muted")
        self._note.setWordWrap(True)
        layout.addWidget(self._note)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout.addWidget(buttons)
        self._format.currentIndexChanged.connect(self._on_format_changed)
        self._layout_form = form
        self._on_format_changed()
        self.setMinimumWidth(360)

    def format(self) -> Format:
        """The chosen format."""
        return self._format.currentData()

    def options(self) -> WriteOptions:
        """The chosen frames and settings."""
        first, last = self._frames.currentData() or (None, None)
        return WriteOptions(
            first, last, self._session.clip, unit_per_m=self._unit.currentData(), long=self._long.isChecked()
        )  # fmt: skip

    def _on_format_changed(self) -> None:
        notes = {
            "bvh": "A rig with constant bone lengths, fitted to the positions; Y up, for Blender and game engines.",
            "csv": "Positions in metres, camera axes, with the source of every value.",
            "npz": "Arrays for NumPy, nothing pickled.",
        }
        name = self.format().name
        self._note.setText(notes.get(name, ""))
        self._layout_form.setRowVisible(self._unit, name == "bvh")
        self._layout_form.setRowVisible(self._long, name == "csv")
