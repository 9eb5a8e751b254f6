"""Owns the corrections of a session's 2D: joints moved by hand, their keys, and what was measured; each edit can be undone."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.document.commands import EditKeypoints
from app.document.session import Session
from app.document.words import frames_in_words, joint_in_words, joints_in_words
from mpm_core.clip import Clip
from mpm_core.corrections import REACH_S, JointTrack, Key, list_keys, patch_of

_FIRST_GESTURE = 1_000_000_000
"""Gestures of corrections are told apart from those of other edits."""


class Corrections(QObject):
    """Moves joints of the session. A gesture is one drag, or nudges of the same joints in the same frame: it is one step to
    undo.

    fill: how frames between two keys are filled, one of FILLS; reach_s: for keys at most so far apart.
    """

    settings_changed = Signal()
    corrected = Signal(object, int)  # joints, frame: a person has put them somewhere

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._fill, self._reach_s = "smooth", REACH_S
        self._gesture, self._begun, self._span = _FIRST_GESTURE, session.clip, (0, -1)
        self._nudged: tuple[frozenset[int], int, Clip | None] = (frozenset(), 0, None)
        self._nudge = (0.0, 0.0)
        self._keys: tuple[Key, ...] = ()
        self._keys_of: Clip | None = None
        session.clip_changed.connect(self._end)

    @property
    def gesture(self) -> int:
        """Which drag, or row of nudges, the last correction belongs to."""
        return self._gesture

    @property
    def begun(self) -> Clip | None:
        """The clip as it was before that; None where none has begun in this clip."""
        return self._begun

    @property
    def fill(self) -> str:
        return self._fill

    @property
    def reach_s(self) -> float:
        return self._reach_s

    def set_fill(self, fill: str, reach_s: float) -> None:
        """How new keys are joined to those around them."""
        if (fill, reach_s) != (self._fill, self._reach_s):
            self._fill, self._reach_s = fill, reach_s
            self.settings_changed.emit()

    def keys(self) -> tuple[Key, ...]:
        """All keys of the clip, joint by joint."""
        clip = self._session.clip
        if clip is not self._keys_of:
            self._keys, self._keys_of = (() if clip is None else list_keys(clip)), clip
        return self._keys

    def begin(self) -> None:
        """A drag begins: what it changes is one step, seen from here."""
        self._gesture += 1
        self._begun, self._span = self._session.clip, (len(self._session), -1)

    def _end(self) -> None:
        """There is another clip: a drag that goes on would bring it what the one before holds."""
        self._gesture += 1
        self._begun, self._span = None, (0, -1)

    def move_to(self, joints: Iterable[int], held: int, frame: int, x: float, y: float) -> None:
        """Since the drag began, the joint that is held has come here, in pixels; the others go along by as much. With a range
        around the frame, all of the range is moved, softly at its ends."""
        clip = self._begun
        if clip is None or clip.keypoints is None:
            return
        moved = frozenset(joints) | {held}
        if len(moved) == 1 and not clip.visible[frame, held]:
            self._apply(moved, frame, lambda track, _: track.set_key(frame, x, y, self._fill, self._reach()), "Put")
            return
        dx, dy = (float(v) for v in np.array((x, y)) - clip.keypoints[frame, held])
        self._move_by(moved, frame, dx, dy)

    def nudge(self, joints: Iterable[int], dx: float, dy: float) -> None:
        """Move measured joints by some pixels in the frame, or over the range around it."""
        moved, frame, clip = frozenset(joints), self._session.frame, self._session.clip
        if clip is None or clip.keypoints is None or not moved:
            return
        if not clip.visible[frame, sorted(moved)].any():
            name = joints_in_words(moved)
            self._session.warning.emit(f"{name}: not measured in {frames_in_words(frame)}; drag it to where it is.")
            return
        if self._nudged != (moved, frame, clip):
            self.begin()
            self._nudge = (0.0, 0.0)
        self._nudge = (self._nudge[0] + dx, self._nudge[1] + dy)
        self._move_by(moved, frame, *self._nudge)
        self._nudged = (moved, frame, self._session.clip)

    def _move_by(self, joints: frozenset[int], frame: int, dx: float, dy: float) -> None:
        clip, span = self._begun, self._session.range
        assert clip is not None and clip.keypoints is not None
        start, visible = clip.keypoints[frame], clip.visible[frame]
        over_range = span is not None and span[0] < span[1] and span[0] <= frame <= span[1]

        def change(track: JointTrack, joint: int) -> None:
            if over_range and span is not None:
                track.shift(frame, *span, dx, dy)
            elif visible[joint]:
                track.set_key(frame, float(start[joint, 0] + dx), float(start[joint, 1] + dy), self._fill, self._reach())

        self._apply(joints, frame, change, "Move", span if over_range else None)

    def clear_keys(self, joints: Iterable[int], frame: int) -> None:
        """Take the keys of some joints in a frame away, with what hangs on them alone."""
        clip = self._session.clip
        if clip is None or clip.keys is None:
            return
        keyed = frozenset(joint for joint in joints if clip.keys[frame, joint])
        text = f"Clear key of {joints_in_words(keyed)}, {frames_in_words(frame)}" if keyed else ""
        self._edit(keyed, lambda track, _: track.clear_key(frame), text)

    def restore(self, joints: Iterable[int], first: int, last: int) -> None:
        """What was measured of some joints over frames, both ends included."""
        chosen, clip = frozenset(joints), self._session.clip
        if clip is None or clip.original is None:
            return
        columns = sorted(chosen)
        edited = clip.edited[first : last + 1, columns]
        if not edited.any():
            self._session.warning.emit(f"{joints_in_words(chosen)}: nothing is corrected in {frames_in_words(first, last)}.")
            return
        lost = (edited & np.isnan(clip.original[first : last + 1, columns, 2])).any(1).sum()
        text = f"Restore {joints_in_words(chosen)}, {frames_in_words(first, last)}"
        self._edit(chosen, lambda track, _: track.restore(first, last), text)
        if lost:
            words = f"In {lost} of these frames nobody knows what was measured"
            self._session.warning.emit(f"{words}: the file was saved without it.")

    def set_fill_of(self, joint: int, frame: int, fill: str) -> None:
        """Fill the frames after a key otherwise."""
        text = f"{fill.capitalize()} from {joint_in_words(joint)}, {frames_in_words(frame)}"
        self._edit(frozenset({joint}), lambda track, _: track.set_fill(frame, fill), text)

    def _reach(self) -> int:
        clip = self._begun
        return 0 if clip is None else max(round(self._reach_s * clip.fps), 1)

    def _apply(
        self, joints: frozenset[int], frame: int, change: Callable[[JointTrack, int], None], verb: str,
        span: tuple[int, int] | None = None,
    ) -> None:  # fmt: skip
        """A step of the gesture, always from where that began."""
        text = f"{verb} {joints_in_words(joints)}, {frames_in_words(*(span or (frame, frame)))}"
        if self._push(self._begun, joints, change, text, self._gesture):
            self.corrected.emit(joints, frame)

    def _edit(self, joints: frozenset[int], change: Callable[[JointTrack, int], None], text: str) -> None:
        """A whole edit of its own."""
        if joints:
            self._gesture += 1
            self._begun, self._span = self._session.clip, (len(self._session), -1)
            self._push(self._begun, joints, change, text, 0)

    def _push(
        self, clip: Clip | None, joints: frozenset[int], change: Callable[[JointTrack, int], None], text: str, gesture: int
    ) -> bool:
        if clip is None or clip.keypoints is None or clip.keys is None:
            return False
        tracks = {joint: JointTrack(clip, joint) for joint in joints}
        for joint, track in tracks.items():
            change(track, joint)
        spans = [span for track in tracks.values() if (span := track.changes()) is not None]
        # What an earlier step of the gesture has changed is told anew too: this step may not touch it any more.
        first, last = min([self._span[0], *(a for a, _ in spans)]), max([self._span[1], *(b for _, b in spans)])
        if last < first:
            return False
        self._span = (first, last)
        patch = patch_of(clip, tracks, first, last)
        self._session.undo_stack.push(EditKeypoints(self._session, first, patch, text, gesture))
        return True
