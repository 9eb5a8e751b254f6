"""The metrics panel: figures of the answer against the ground truth or else the keypoints, and of standing feet."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFormLayout, QGroupBox, QLabel, QPushButton, QVBoxLayout, QWidget

from app.document.alternatives import followed_text
from app.document.measured import NOTHING_TO_MEASURE
from app.document.session import Session
from app.document.words import frames_in_words, joint_in_words
from app.panels.joint_table import JointTable
from app.panels.truth import TruthBox
from mpm_core.clip import TRUTH_NOTE
from mpm_core.figures import ROWS, Figures, figure_texts

OLD_FIGURES = "Lifting again: grey figures are those from before."


class MetricsPanel(QWidget):
    """Figures over the range or the clip, and what is known of the clip and its ground truth."""

    worst_chosen = Signal()

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
        for name, (label, _, tip) in ROWS.items():
            self._names[name], self._values[name] = QLabel(label), QLabel()
            self._values[name].setAlignment(Qt.AlignmentFlag.AlignRight)
            self._names[name].setToolTip(tip)
            form.addRow(self._names[name], self._values[name])
        layout.addWidget(self._table)
        self.worst_button = QPushButton("Go to the worst frame")
        self.worst_button.setToolTip(
            "Where MPJPE is largest, or without ground truth where most looks wrong; of the range if set (W)"
        )
        self.worst_button.clicked.connect(lambda _=False: self.worst_chosen.emit())
        layout.addWidget(self.worst_button, 0, Qt.AlignmentFlag.AlignLeft)
        self.joints = JointTable()
        layout.addWidget(self.joints)
        self.truth_box = TruthBox(session)
        layout.addWidget(self.truth_box)
        layout.addWidget(self._build_clip())
        layout.addStretch()
        for signal in (session.clip_changed, session.camera_changed, session.rate_changed, session.truth_changed):
            signal.connect(self._show_clip)
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
        """Take over new figures; None when there is no answer yet."""
        for part in (self._table, self.joints, self.worst_button):
            part.setVisible(figures is not None)
            part.setEnabled(True)
        self.joints.setVisible(figures is not None and bool(figures.joints))
        if figures is None:
            self._scope.setText("" if self._session.clip is None else "Lifting …")
            return
        is_whole = (figures.first, figures.last) == (0, len(self._session) - 1)
        text = "Whole clip" if is_whole else frames_in_words(figures.first, figures.last).capitalize()
        if figures.summary is None and self._session.clip is not None and self._session.clip.ground_truth is not None:
            text += f". {NOTHING_TO_MEASURE}"
        elif figures.summary is None:
            text += ". There is no ground truth: this only tells whether 3D and 2D agree and feet stand, "
            text += "not whether the depth is right."
        if follows := followed_text(self._session, slice(figures.first, figures.last + 1)):
            text += f"{'' if text.endswith('.') else '.'} {follows}."
        self._scope.setText(text)
        texts = dict.fromkeys(ROWS, "") | figure_texts(figures)
        self.joints.show_figures(figures.joints)
        for name, shown in texts.items():
            self._values[name].setText(shown)
            self._values[name].setVisible(bool(shown))
            self._names[name].setVisible(bool(shown))

    def show_outdated(self) -> None:
        """The figures on show are no longer those of what is: they turn grey until new ones come."""
        if self._table.isEnabled() and not self._table.isHidden():
            for part in (self._table, self.joints):
                part.setEnabled(False)
            self._scope.setText(f"{OLD_FIGURES} {self._scope.text()}")

    def _show_clip(self) -> None:
        clip = self._session.clip
        if clip is None:
            self._clip.setText("Nothing is open.")
            self._notes.setText("")
            return
        seconds = float(clip.times[-1] - clip.times[0])
        camera = "virtual" if clip.is_virtual else "assumed" if clip.camera.is_assumed else "known or given"
        lines = [
            f"<b>{clip.name}</b>",
            f"{len(clip)} frames, {clip.fps:g} frames/s, {seconds:.1f} s",
        ]
        if clip.keypoints is not None:
            lines.append(
                f"{clip.image_size[0]} × {clip.image_size[1]} px, focal length {clip.camera.focal[0]:.0f} px ({camera})"
            )
        derived = [joint_in_words(joint) for joint in np.flatnonzero(np.any(clip.derived, axis=0)).tolist()]
        if derived:
            lines.append(f"Derived, not measured: {', '.join(derived)}")
        self._clip.setText("<br>".join(lines))
        notes = [note for note in clip.notes if not note.startswith(TRUTH_NOTE)]  # those stand beside the ground truth
        self._notes.setText("\n".join(note[0].upper() + note[1:] + "." for note in notes))
        self._notes.setVisible(bool(notes))
