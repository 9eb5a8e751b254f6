"""Owns the sentence about a correction: what was moved, by how much, and how the 3D has followed."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from app.document.corrections import Corrections
from app.document.session import Session
from app.document.timers import single_shot
from app.document.words import frames_in_words, joints_in_words

_REST_MS = 120
"""A drag has come to rest for now: during it a sentence a step would be too many."""


class CorrectionNotes(QObject):
    """Says it once per drag that has come to rest, and once the answer to it is there."""

    def __init__(self, session: Session, corrections: Corrections) -> None:
        super().__init__()
        self._session, self._corrections = session, corrections
        self._joints: list[int] = []
        self._frame, self._gesture = 0, 0
        self._before: NDArray[np.float64] | None = None
        self._is_due = False
        self._rest = single_shot(self, self._say)
        corrections.corrected.connect(self._on_corrected)
        session.prediction_changed.connect(self._on_answer)
        session.clip_changed.connect(self._forget)

    def _on_corrected(self, joints: frozenset[int], frame: int) -> None:
        if self._corrections.gesture != self._gesture:
            self._gesture, self._before = self._corrections.gesture, self._places(frame)
        self._joints, self._frame, self._is_due = sorted(joints), frame, True
        self._rest.start(_REST_MS)

    def _on_answer(self) -> None:
        if self._is_due and not self._rest.isActive():
            self._say()

    def _forget(self) -> None:
        self._is_due = False
        self._rest.stop()

    def _places(self, frame: int) -> NDArray[np.float64] | None:
        """(16, 3) metres where the joints are in the answer on show."""
        prediction = self._session.prediction
        if prediction is None or frame >= len(prediction):
            return None
        return (prediction.positions[frame] + prediction.root[frame]).astype(np.float64)

    def _say(self) -> None:
        session = self._session
        if not self._is_due or session.state.is_busy or session.clip is None:
            return
        self._is_due = False
        words, places, is_lift = [self._moved()], self._places(self._frame), session.options.task == "lift"
        if is_lift and session.hidden[self._frame, self._joints].all():
            words.append("hidden there, so the 3D does not follow")
        elif is_lift and places is not None and self._before is not None:
            mm = 1000 * np.linalg.norm(places - self._before, axis=-1)[self._joints].max()
            if np.isfinite(mm):
                words.append(f"3D follows: {mm:.0f} mm")
        session.message.emit("; ".join(words))

    def _moved(self) -> str:
        """'Right wrist moved by 14 px, frame 121, 19 frames around it follow'."""
        clip, begun, frame = self._session.clip, self._corrections.begun, self._frame
        assert clip is not None and clip.keypoints is not None and clip.keys is not None
        name = joints_in_words(self._joints)
        if begun is None or begun.keypoints is None or not begun.visible[frame, self._joints].all():
            text = f"{name} put to where you say, {frames_in_words(frame)}"
        else:
            off = clip.keypoints[frame, self._joints] - begun.keypoints[frame, self._joints]
            text = f"{name} moved by {np.linalg.norm(off, axis=-1).max():.0f} px, {frames_in_words(frame)}"
        follow = (clip.edited & (clip.keys == 0))[:, self._joints].any(1)
        before = np.zeros_like(follow)
        if begun is not None and begun.keys is not None:
            before = (begun.edited & (begun.keys == 0))[:, self._joints].any(1)
        count = int((follow & ~before).sum())
        return text + (f", {count} frames around it follow" if count else "")
