"""Boxes in which one of several named values is chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PySide6.QtWidgets import QComboBox

from app.document.session import Session

_FEWEST_LETTERS = 8
"""Of a choice that are in view however narrow the panel and large the text."""


def box_of(labels: Mapping[Any, str]) -> QComboBox:
    """A box of values, each shown by its label."""
    box = QComboBox()
    box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)  # large text must fit too
    box.setMinimumContentsLength(_FEWEST_LETTERS)
    for value, label in labels.items():
        box.addItem(label, value)
    return box


def answer_box(session: Session) -> QComboBox:
    """A box of answers: the one on show, which is None, and those kept."""
    labels: dict[Any, str] = {None: "Current answer"}
    return box_of(labels | {answer: answer.name for answer in session.kept.answers})
