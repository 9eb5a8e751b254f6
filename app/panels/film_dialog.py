"""The film dialog: what a film or picture is to show, how large and fast it is."""

from __future__ import annotations

from dataclasses import dataclass

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

from app.document.session import Session
from app.document.words import COUNTED_FROM_ONE, frames_in_words
from mpm_core.films.options import USUAL_TURN_DEG_PER_S


@dataclass(frozen=True)
class FilmKind:
    """A kind of file. suffix: its ending; is_series: numbered pictures; is_still: the frame at hand alone."""

    label: str
    suffix: str
    is_series: bool = False
    is_still: bool = False


_KINDS = (
    FilmKind("Film (MP4, H.264)", ".mp4"),
    FilmKind("Film (GIF)", ".gif"),
    FilmKind("Numbered pictures (PNG)", ".png", is_series=True),
    FilmKind("Picture of this frame (PNG)", ".png", is_still=True),
)
_VIEWS = {"Scene": "scene", "Answer over the picture": "overlay", "Both, side by side": "both"}
_SIZES = ("1280x720", "1920x1080", "3840x2160", "1080x1080", "1080x1920", "640x360")
_GIF_SIZE = "640x360"
_PLACES = {
    "As in the window now": "saved", "From the front": "front", "From the left": "side", "From above": "top",
    "As the camera": "camera",
}  # fmt: skip
_THEMES = {"As the window": "", "Dark": "dark", "Light": "light"}
_FASTEST = 240.0


class FilmDialog(QDialog):
    """kind() and arguments() hold the choice; the file is asked for afterwards."""

    def __init__(self, session: Session, has_scene: bool, theme_name: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export a film or pictures")
        self._session, self._theme_name = session, theme_name
        layout, form = QVBoxLayout(self), QFormLayout()
        layout.addLayout(form)
        self._kind, self._view, self._frames = QComboBox(), QComboBox(), QComboBox()
        for kind in _KINDS:
            self._kind.addItem(kind.label, kind)
        has_picture = session.clip is not None and session.clip.keypoints is not None
        _fill(self._view, _VIEWS if has_picture else {"Scene": "scene"})
        self._frames.addItem(f"Whole clip ({len(session)} frames)", None)
        if session.range is not None:
            self._frames.addItem(f"Range ({frames_in_words(*session.range)})", session.range)
            self._frames.setCurrentIndex(1)
        self._frames.setToolTip(COUNTED_FROM_ONE)
        self._size, self._place, self._theme = QComboBox(), QComboBox(), QComboBox()
        self._size.setEditable(True)
        self._size.addItems(_SIZES)
        self._size.setToolTip("Width x height in pixels")
        places = _PLACES if has_scene else {"Half from the front": "start", **_PLACES}
        _fill(self._place, {label: name for label, name in places.items() if has_scene or name != "saved"})
        _fill(self._theme, _THEMES)
        self._rate, self._speed = QDoubleSpinBox(), QDoubleSpinBox()
        self._rate.setRange(0, _FASTEST)
        self._rate.setSpecialValueText("As the clip")
        self._rate.setSuffix(" frames/s")
        self._speed.setRange(0.05, 20)
        self._speed.setSingleStep(0.25)
        self._speed.setValue(1)
        self._speed.setSuffix(" ×")
        self._turns = QCheckBox(f"Turntable ({USUAL_TURN_DEG_PER_S:g}° a second)")
        for label, widget in (
            ("File", self._kind), ("View", self._view), ("Frames", self._frames), ("Size", self._size), ("Rate", self._rate),
            ("Speed", self._speed), ("Camera", self._place), ("", self._turns), ("Theme", self._theme),
        ):  # fmt: skip
            form.addRow(label, widget)
        note = QLabel("Ground truth, error colours, ghosts, trails and kept answers are drawn as they are on show.")
        note.setProperty("role", "muted")
        note.setWordWrap(True)
        layout.addWidget(note)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout.addWidget(buttons)
        self._form = form
        self._kind.currentIndexChanged.connect(self._on_changed)
        self._view.currentIndexChanged.connect(self._on_changed)
        self._on_changed()
        self.setMinimumWidth(380)

    def kind(self) -> FilmKind:
        """The chosen kind of file."""
        return self._kind.currentData()

    def arguments(self) -> list[str]:
        """The choice, as `mpm render` takes it."""
        kind, view = self.kind(), self._view.currentData()
        theme = self._theme.currentData() or self._theme_name
        said = ["--view", view, "--size", self._size.currentText().replace("×", "x").replace(" ", ""), "--theme", theme]
        if view != "overlay":
            said += ["--from", self._place.currentData()]
        if kind.is_still:
            return [*said, "--frame", str(self._session.frame)]
        if self._rate.value():
            said += ["--rate", f"{self._rate.value():g}"]
        if self._frames.currentData() is not None:
            said += ["--frames", "{}-{}".format(*self._frames.currentData())]
        if self._turns.isChecked() and view != "overlay":
            said.append("--turntable")
        return [*said, "--speed", f"{self._speed.value():g}"]

    def _on_changed(self) -> None:
        kind = self.kind()
        has_scene = self._view.currentData() != "overlay"
        for widget in (self._frames, self._rate, self._speed):
            self._form.setRowVisible(widget, not kind.is_still)
        self._form.setRowVisible(self._place, has_scene)
        self._form.setRowVisible(self._turns, has_scene and not kind.is_still)
        if self._size.currentText() in (_SIZES[0], _GIF_SIZE):
            self._size.setCurrentText(_GIF_SIZE if kind.suffix == ".gif" else _SIZES[0])
        self.adjustSize()


def _fill(box: QComboBox, names: dict[str, str]) -> None:
    for label, value in names.items():
        box.addItem(label, value)
