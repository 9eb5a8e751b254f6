"""The controls of refining: whether it is done, how far it is, and what it has done."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QProgressBar, QPushButton, QSizePolicy, QWidget

from app.document.session import Session

_MS_PER_FRAME = 3
"""Processor time, on one core."""


class RefineControls(QWidget):
    """A box to tick, and beside it a bar with a way to stop while an answer is refined, or what came of it: nothing below moves
    when it is ticked. To stop is to untick: the answer is then what it was before."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._box = QCheckBox("Refine")
        self._box.clicked.connect(self._set)
        self._bar = QProgressBar()
        self._bar.setTextVisible(True)
        self._bar.setFormat("refining %p %")
        self._cancel = QPushButton("Cancel")
        self._cancel.setToolTip("Leave the answer as it was before it was refined")
        self._cancel.clicked.connect(lambda _=False: self._set(False))
        self._outcome = QLabel()
        self._outcome.setProperty("role", "muted")
        self._outcome.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._box)
        row.addWidget(self._bar, 1)
        row.addWidget(self._cancel)
        row.addWidget(self._outcome, 1)
        self.setMinimumHeight(self._cancel.sizeHint().height())
        for signal in (session.options_changed, session.clip_changed, session.state_changed, session.prediction_changed):
            signal.connect(self._refresh)
        self._refresh()

    def _set(self, is_wanted: bool) -> None:
        options = self._session.options
        self._session.set_options(replace(options, aids=replace(options.aids, refine=is_wanted)))

    def _refresh(self) -> None:
        session = self._session
        options, state = session.options, session.state
        self._box.setChecked(options.aids.refine)
        why_not = options.why_not("refine")
        self._box.setEnabled(not why_not)
        seconds = _MS_PER_FRAME * len(session) / 1000
        takes = f" Takes about {seconds:.0f} s here." if seconds >= 1 else ""
        self._box.setToolTip(
            why_not
            or "Optimises what the network knows until joints lie on their keypoints (UAO); hidden joints stay near the answer."
            + takes
        )
        is_refining = options.aids.refine and options.task == "lift" and state.is_streaming
        self._bar.setVisible(is_refining)
        self._cancel.setVisible(is_refining)
        self._bar.setRange(0, max(state.total, 1))
        self._bar.setValue(state.done)
        done = None if session.prediction is None or is_refining else session.prediction.refinement
        whole = "" if done is None else done.sentence(session.prediction.scale if session.prediction else 1.0)
        self._outcome.setText("" if done is None else f"{done.after_px:.1f} px from the 2D, was {done.before_px:.1f}")
        self._outcome.setToolTip(whole[:1].upper() + whole[1:])
        self._outcome.setVisible(done is not None)
