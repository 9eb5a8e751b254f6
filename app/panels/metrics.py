"""The metrics panel: figures of the answer against the ground truth; without one it says so."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFormLayout, QGroupBox, QLabel, QVBoxLayout, QWidget

from app.jobs import Figures
from app.session import Session

_ROWS = {
    "mpjpe": ("MPJPE", "mm", "Mean error of all joints, Hip at zero"),
    "hidden": ("hidden joints", "mm", "Mean error of the joints that the lifter was not shown"),
    "visible": ("visible joints", "mm", "Mean error of the joints that it was shown"),
    "p_mpjpe": ("P-MPJPE", "mm", "After the best move, turn and scale of every frame (Procrustes)"),
    "n_mpjpe": ("N-MPJPE", "mm", "After the best scale of every frame"),
    "velocity": ("velocity error", "mm/s", "Mean difference of the joints' velocities"),
}


class MetricsPanel(QWidget):
    """Figures over the range or the clip, and what is known of the clip."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 8, 10, 10)
        self._scope = QLabel()
        self._scope.setProperty("role", "muted")
        self._scope.setWordWrap(True)
        layout.addWidget(self._scope)
        self._table = QWidget()
        form = QFormLayout(self._table)
        form.setContentsMargins(0, 4, 0, 0)
        self._values: dict[str, QLabel] = {}
        self._names: dict[str, QLabel] = {}
        for name, (label, _, tip) in _ROWS.items():
            self._names[name], self._values[name] = QLabel(label), QLabel()
            self._values[name].setAlignment(Qt.AlignmentFlag.AlignRight)
            self._names[name].setToolTip(tip)
            form.addRow(self._names[name], self._values[name])
        layout.addWidget(self._table)
        layout.addWidget(self._build_clip())
        layout.addStretch()
        session.clip_changed.connect(self._show_clip)
        self.show_figures(None)
        self._show_clip()

    def _build_clip(self) -> QGroupBox:
        box = QGroupBox("Clip")
        column = QVBoxLayout(box)
        column.setContentsMargins(0, 8, 0, 0)
        self._clip, self._notes = QLabel(), QLabel()
        self._notes.setProperty("role", "warning")
        for label in (self._clip, self._notes):
            label.setWordWrap(True)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            column.addWidget(label)
        return box

    def show_figures(self, figures: Figures | None) -> None:
        """Take over new figures; None when there is no ground truth, or no answer yet."""
        clip = self._session.clip
        self._table.setVisible(figures is not None)
        if figures is None:
            has_truth = clip is not None and clip.ground_truth is not None
            text = "Lifting …" if has_truth else "No ground truth in this clip, so there is nothing to compare with."
            self._scope.setText("" if clip is None else text)
            return
        whole = figures.summary.frames == len(self._session)
        self._scope.setText("Whole clip" if whole else f"Frames {figures.first} – {figures.last}")
        for name, (_, unit, _) in _ROWS.items():
            value = getattr(figures.summary, name)
            is_known = bool(np.isfinite(value))
            self._values[name].setText(f"{value:.1f} {unit}" if is_known else "")
            self._values[name].setVisible(is_known)
            self._names[name].setVisible(is_known)

    def _show_clip(self) -> None:
        clip = self._session.clip
        if clip is None:
            self._clip.setText("Nothing is open.")
            self._notes.setText("")
            return
        seconds = float(clip.times[-1] - clip.times[0])
        camera = "assumed" if clip.camera.is_assumed else "known"
        lines = [
            f"<b>{clip.name}</b>",
            f"{len(clip)} frames, {clip.fps:g} frames/s, {seconds:.1f} s",
        ]
        if clip.keypoints is not None:
            lines.append(
                f"{clip.image_size[0]} × {clip.image_size[1]} px, focal length {clip.camera.focal[0]:.0f} px ({camera})"
            )
        derived = [name for n, name in enumerate(clip.skeleton.joints) if clip.derived[:, n].any()]
        if derived:
            lines.append(f"Derived, not measured: {', '.join(derived)}")
        self._clip.setText("<br>".join(lines))
        self._notes.setText("\n".join(note[0].upper() + note[1:] + "." for note in clip.notes))
        self._notes.setVisible(bool(clip.notes))
