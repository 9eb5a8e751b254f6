"""The controls of hypotheses: how many, in how many steps, from where they start, and how they become one answer."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from PySide6.QtWidgets import QFormLayout, QHBoxLayout, QLabel, QSpinBox, QWidget

from app.document.session import Session
from app.panels.choices import box_of
from mpm_core.diffusion.options import MOST_SAMPLES, MOST_STEPS
from mpm_core.lifters import SAMPLING_LIFTERS

_STARTS = {"noise": "Plain noise", "uncertain": "First answer"}
_AGGREGATES = {"weighted": "Weighted JPMA", "jpma": "JPMA", "mean": "Their mean"}

_ABOUT_STARTS = "What hypotheses begin with: noise (D3DP), or the first answer and how unsure it is, joint by joint (DiffPose)"
_ABOUT_AGGREGATES = "How hypotheses become one answer: joint by joint by what the camera sees of them (JPMA), or as they are"
_ALIKE = "In one step from noise all hypotheses are the same."


class SamplingControls(QWidget):
    """Steps and start, which alternatives are drawn by too; the rest for lifters that answer by hypotheses, and only there."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._form = form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        self._samples, self._steps = _number(1, MOST_SAMPLES), _number(1, MOST_STEPS)
        self._samples.setToolTip("So many whole motions are drawn, and make the answer together")
        self._steps.setToolTip("In so many steps each is denoised: more take longer, and lie farther apart")
        self._start, self._aggregate = box_of(_STARTS), box_of(_AGGREGATES)
        self._start.setToolTip(_ABOUT_STARTS)
        self._alike = QLabel(_ALIKE)
        self._alike.setProperty("role", "muted")
        self._alike.setWordWrap(True)
        steps = QHBoxLayout()
        steps.addWidget(self._steps)
        steps.addWidget(QLabel("from"))
        steps.addWidget(self._start, 1)
        self._answer = QWidget()
        answer = QHBoxLayout(self._answer)
        answer.setContentsMargins(0, 0, 0, 0)
        answer.addWidget(self._samples)
        answer.addWidget(QLabel("as"))
        answer.addWidget(self._aggregate, 1)
        form.addRow("Hypotheses", self._answer)
        form.addRow("Steps", steps)
        form.addRow(self._alike)
        self._samples.valueChanged.connect(lambda value: self._set(samples=value))
        self._steps.valueChanged.connect(lambda value: self._set(steps=value))
        self._start.activated.connect(lambda: self._set(start=self._start.currentData()))
        self._aggregate.activated.connect(lambda: self._set(aggregate=self._aggregate.currentData()))
        session.options_changed.connect(self._refresh)
        self._refresh()

    def _set(self, **change: Any) -> None:
        options = self._session.options
        self._session.set_options(replace(options, sampling=replace(options.sampling, **change)))

    def _refresh(self) -> None:
        options = self._session.options
        sampling, answers = options.sampling, options.lifter in SAMPLING_LIFTERS
        for number, value in ((self._samples, sampling.samples), (self._steps, sampling.steps)):
            number.blockSignals(True)
            number.setValue(value)
            number.blockSignals(False)
        for box, name in ((self._start, sampling.start), (self._aggregate, sampling.aggregate)):
            box.setCurrentIndex(box.findData(name))
        self._form.setRowVisible(self._answer, answers)
        lifts = options.task == "lift"
        self._aggregate.setEnabled(lifts)
        self._aggregate.setToolTip(_ABOUT_AGGREGATES if lifts else "3D that is completed has no camera: it is always the mean")
        self._form.setRowVisible(self._alike, sampling.steps == 1 and sampling.start == "noise")


def _number(least: int, most: int) -> QSpinBox:
    box = QSpinBox()
    box.setRange(least, most)
    box.setKeyboardTracking(False)  # nothing is drawn for the 2 of a 20 that is being typed
    return box
