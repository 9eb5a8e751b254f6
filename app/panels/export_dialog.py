"""The export dialog: what to write, in which format, over which frames."""

from __future__ import annotations

from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from app.document.predictions import KeptAnswer
from app.document.session import Session
from app.document.words import COUNTED_FROM_ONE, frames_in_words
from app.panels.choices import answer_box
from mpm_core.formats import writers
from mpm_core.formats.base import IN_WORLD, Format, WriteOptions
from mpm_core.limits import RATES

_UNITS = {"The format's own": None, "Metres": "m", "Centimetres": "cm", "Millimetres": "mm"}
_UP_AXES = {"The format's own": None, "Y up": "y", "Z up": "z"}
_PREFIXES = {"none": "", "mixamorig:": "mixamorig:"}
_LABELS = {"unit": "Unit", "up_axis": "Axes", "fps": "Rate", "prefix": "Joints' prefix"}
_TIDY = "Tidy: units in the columns' names, no comments"
_NOTES = {
    "bvh": "A rig with constant bone lengths, fitted to the positions; Y up and centimetres, for Blender and game engines.",
    "glb": "The same rig with a body of capsules, for viewers and game engines; Y up and metres.",
    "csv": "Positions in metres, camera axes, with the source of every value. Tidy: on the floor, for pandas, R and Excel.",
    "npz": "Arrays for NumPy, nothing pickled.",
    "trc-3d": "A marker per joint, on the floor; Y up and metres, for OpenSim.",
    "c3d": "A point per joint, on the floor; Z up and millimetres. Filled-in joints have a residual of 0.",
    "mmpose-3d": "A frame per entry, Z up and metres. Filled-in joints have a score of 0.",
    "mot": "Joint angles by the names of OpenSim's full-body models.",
    "angles": "Joint angles in degrees, each defined in the header.",
}


class ExportDialog(QDialog):
    """`format()` and `options()` hold the choice; the file is asked for afterwards."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export the prediction")
        self._session = session
        layout = QVBoxLayout(self)
        form = QFormLayout()
        layout.addLayout(form)
        self._format, self._frames, self._answer = QComboBox(), QComboBox(), answer_box(session)
        form.addRow("Answer", self._answer)
        form.setRowVisible(self._answer, bool(session.kept.answers))
        for writer in writers():
            self._format.addItem(writer.label, writer)
        self._format.setCurrentIndex(self._format.findText("BVH motion"))
        self._frames.addItem(f"Whole clip ({len(session)} frames)", None)
        if session.range is not None:
            first, last = session.range
            self._frames.addItem(f"Range ({frames_in_words(first, last)})", session.range)
            self._frames.setCurrentIndex(1)
        self._frames.setToolTip(COUNTED_FROM_ONE)
        self._unit, self._up, self._prefix = _choice(_UNITS), _choice(_UP_AXES), _choice(_PREFIXES)
        self._prefix.setEditable(True)
        self._fps = QDoubleSpinBox()
        self._fps.setRange(0, RATES[1])
        self._fps.setSpecialValueText("As the clip")
        self._fps.setSuffix(" frames/s")
        self._in_place = QCheckBox("Stay in place (no travel)")
        self._long, self._tidy = QCheckBox("A row per joint instead of a row per frame"), QCheckBox(_TIDY)
        form.addRow("Format", self._format)
        form.addRow("Frames", self._frames)
        self._rows: dict[str, QWidget] = {
            "unit": self._unit, "up_axis": self._up, "fps": self._fps, "prefix": self._prefix, "in_place": self._in_place,
            "long": self._long, "tidy": self._tidy,
        }  # fmt: skip
        for name, widget in self._rows.items():
            form.addRow(_LABELS.get(name, ""), widget)
        self._tidy.toggled.connect(self._on_format_changed)
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

    def kept(self) -> KeptAnswer | None:
        """The kept answer to write; None for the one on show."""
        return self._answer.currentData()

    def options(self) -> WriteOptions:
        """The chosen frames and settings."""
        first, last = self._frames.currentData() or (None, None)
        choices: dict[str, object] = {
            "unit": self._unit.currentData(), "up_axis": self._up.currentData(), "fps": self._fps.value() or None,
            "prefix": _PREFIXES.get(self._prefix.currentText(), self._prefix.currentText()),
            "in_place": self._in_place.isChecked(), "long": self._long.isChecked(), "tidy": self._tidy.isChecked(),
        }  # fmt: skip
        shown = {name: value for name, value in choices.items() if name in self._on_show()}
        return WriteOptions(first, last, self._session.clip, **shown)  # type: ignore[arg-type]

    def _on_show(self) -> set[str]:
        """What can be chosen for the format: of CSV more where it is tidy, as the other one is in camera axes."""
        names = set(self.format().choices)
        return names - set(IN_WORLD) if "tidy" in names and not self._tidy.isChecked() and "unit" in names else names

    def _on_format_changed(self) -> None:
        self._note.setText(_NOTES.get(self.format().name, ""))
        for name, widget in self._rows.items():
            self._layout_form.setRowVisible(widget, name in self._on_show())
        self.adjustSize()


def _choice(names: dict[str, str | None] | dict[str, str]) -> QComboBox:
    box = QComboBox()
    for label, value in names.items():
        box.addItem(label, value)
    return box
