"""Owns the edits by which alternatives are taken for hidden joints and let go again, and what is said of those that rest."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject

from app.document.alternatives import limbs_in_words
from app.document.commands import EditKeypoints
from app.document.session import Session
from app.document.timers import single_shot
from app.document.words import frames_in_words
from mpm_core.lifters.chosen import choose, let_go
from mpm_core.skeleton import MPM16

_REST_MS = 400
"""A mask that is being painted has come to rest: during it a sentence a cell would be too many."""


class Choosing(QObject):
    """Takes alternatives of the cloud on show. What is taken counts where its joints are hidden; where they are shown it rests,
    and that is said."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._resting = np.zeros((0, len(MPM16)), bool)
        self._rest = single_shot(self, self._tell, _REST_MS)
        session.clip_changed.connect(self._on_clip_changed)
        for signal in (session.mask_changed, session.keypoints_changed, session.threshold_changed, session.options_changed):
            signal.connect(self._look)

    def stop(self) -> None:
        """Tell nobody anything any more; call before the application quits."""
        self._rest.stop()

    def take(self, number: int, joints: Collection[int] = ()) -> None:
        """The alternative of a number, from 0: all joints that are hidden at the frame at hand, or those of them named, over
        the frames of the cloud in which they are hidden."""
        session = self._session
        cloud, prediction = session.alternatives.cloud_here(session), session.prediction
        if cloud is None or prediction is None or session.clip is None:
            return
        if not cloud.is_whole:
            session.warning.emit("The alternatives are still being drawn: take one in a moment.")
            return
        hidden = frozenset(np.flatnonzero(cloud.hidden_at(session.frame)).tolist())
        chosen = sorted(hidden & frozenset(joints) if joints else hidden)
        if not chosen or number >= cloud.samples:
            return
        rows = choose(session.clip, prediction, cloud.first, cloud.hypotheses[number], chosen, session.frame)
        frames = np.flatnonzero(cloud.hidden[:, chosen].any(1)) + cloud.first
        where = frames_in_words(int(frames[0]), int(frames[-1]))
        text = f"Take alternative {number + 1} of {cloud.samples} for {limbs_in_words(chosen)}, {where}"
        session.undo_stack.push(EditKeypoints(session, cloud.first, {"chosen": rows}, text))
        session.message.emit(f"Taken: alternative {number + 1} of {cloud.samples} for {limbs_in_words(chosen)}, {where}.")

    def let_go(self, joints: Collection[int], first: int, last: int) -> None:
        """What was taken for some joints in stretches that reach into frames first to last, both included."""
        session = self._session
        gone = None if session.clip is None else let_go(session.clip, first, last, joints)
        if gone is None:
            where = f"{limbs_in_words(joints)}, {frames_in_words(first, last)}"
            session.warning.emit(f"{where}: no alternative was taken there.")
            return
        begin, rows = gone
        where = frames_in_words(begin, begin + len(rows) - 1)
        text = f"Let the alternative go of {limbs_in_words(joints)}, {where}"
        session.undo_stack.push(EditKeypoints(session, begin, {"chosen": rows}, text))

    def _on_clip_changed(self) -> None:
        self._rest.stop()
        self._resting = self._find_resting()

    def _look(self, *_: object) -> None:
        if self._resting.any() or (self._session.clip is not None and self._session.clip.chosen is not None):
            self._rest.start()

    def _find_resting(self) -> NDArray[np.bool_]:
        """(frames, 16) where something was taken for a joint that is shown."""
        session = self._session
        if session.clip is None or session.clip.chosen is None:
            return np.zeros((len(session), len(MPM16)), bool)
        return (session.clip.chosen[..., 3] > 0) & ~session.hidden

    def _tell(self) -> None:
        before, now = self._resting, self._find_resting()
        self._resting = now
        if before.shape != now.shape or self._session.clip is None or self._session.clip.chosen is None:
            return
        is_hidden = (self._session.clip.chosen[..., 3] > 0) & ~now
        for cells, words in (
            (now & ~before, "the alternative taken there rests until it is hidden again"),
            (before & is_hidden, "the alternative taken there counts again"),
        ):
            if cells.any():
                frames, joints = np.flatnonzero(cells.any(1)), np.flatnonzero(cells.any(0))
                where = frames_in_words(int(frames[0]), int(frames[-1]))
                self._session.message.emit(f"{limbs_in_words(joints.tolist())}, {where}: {words}.")
