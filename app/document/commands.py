"""Owns the undo commands: every edit of the document is one of these."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QUndoCommand

from app.document.session import Session
from app.document.truth_origin import TruthOrigin
from mpm_core.camera import Intrinsics
from mpm_core.corrections import rows_of
from mpm_core.grounding.up import Direction
from mpm_core.masking import Mask
from mpm_core.rates import at_rate

_SET_MASK_ID = 1
_MOVE_JOINT_ID = 2
_SET_CAMERA_ID = 3
_SET_THRESHOLD_ID = 4
_SET_UP_ID = 5
_SET_HEIGHT_ID = 6
_SET_RATE_ID = 7
_ATTACH_TRUTH_ID = 8


Patch = Mapping[str, NDArray[np.generic]]
"""Rows of some frames for fields of a clip: see mpm_core.corrections.FIELDS."""


class Merging(QUndoCommand):
    """An edit that may take in the one after it."""

    def takes_in(self, other: QUndoCommand) -> bool:
        """Become both edits, if a later one belongs to this one; whether it does."""
        raise NotImplementedError

    def mergeWith(self, other: QUndoCommand) -> bool:
        """For Qt, which gives `other` up then. PySide keeps its Python half for ever: what it holds, clips too, must go."""
        is_merged = self.takes_in(other)
        if is_merged:
            vars(other).clear()
        return is_merged


class SetMask(Merging):
    """Replace the mask over some frames. Commands of the same gesture (one press of the mouse) become one."""

    def __init__(self, session: Session, first: int, patch: Mask, text: str, gesture: int = 0) -> None:
        super().__init__(text)
        self._session = session
        self._gesture = gesture
        self._first = first
        self._before = session.mask[first : first + len(patch)].copy()
        self._after = patch.copy()

    def redo(self) -> None:
        self._session.set_mask(self._first, self._after)

    def undo(self) -> None:
        self._session.set_mask(self._first, self._before)

    def id(self) -> int:
        return _SET_MASK_ID

    def takes_in(self, other: QUndoCommand) -> bool:
        """Take in a later command of the same gesture."""
        if not isinstance(other, SetMask) or not self._gesture or other._gesture != self._gesture:
            return False
        first = min(self._first, other._first)
        last = max(self._first + len(self._after), other._first + len(other._after))
        after = self._session.mask[first:last].copy()
        before = after.copy()
        before[other._first - first : other._first - first + len(other._before)] = other._before
        before[self._first - first : self._first - first + len(self._before)] = self._before
        self._first, self._before, self._after = first, before, after
        return True


class EditKeypoints(Merging):
    """Replace the 2D of some frames: keypoints, visibility, confidence and marks; or what was taken of hidden joints. Gestures
    merge as in SetMask.

    flags: (frames of the clip,) those that deserve a look from then on; None leaves them.
    """

    def __init__(
        self, session: Session, first: int, patch: Patch, text: str, gesture: int = 0, flags: NDArray[np.bool_] | None = None
    ) -> None:
        super().__init__(text)
        self._session = session
        self._gesture = gesture
        self._first, self._after = first, patch
        self._flags_before, self._flags_after = session.flags, session.flags if flags is None else flags
        frames = slice(first, first + len(next(iter(patch.values()))))
        assert session.clip is not None
        self._before: Patch = rows_of(session.clip, patch, frames)

    def redo(self) -> None:
        self._session.patch_keypoints(self._first, self._after)
        self._session.set_flags(self._flags_after)

    def undo(self) -> None:
        self._session.patch_keypoints(self._first, self._before)
        self._session.set_flags(self._flags_before)

    def id(self) -> int:
        return _MOVE_JOINT_ID

    def takes_in(self, other: QUndoCommand) -> bool:
        """Take in a later command of the same gesture, on the same frames or more."""
        if not isinstance(other, EditKeypoints) or not self._gesture or other._gesture != self._gesture:
            return False
        part = slice(self._first - other._first, self._first - other._first + len(self._after["keypoints"]))
        if part.start < 0 or part.stop > len(other._after["keypoints"]):
            return False
        for name, rows in other._before.items():
            rows[part] = self._before[name]
        self._first, self._before, self._after = other._first, other._before, other._after
        return True


class SetThreshold(Merging):
    """Hide joints of less confidence. Steps of a slider become one command."""

    def __init__(self, session: Session, threshold: float) -> None:
        super().__init__(f"Hide below a confidence of {threshold:.2f}")
        self._session = session
        self._before, self._after = session.threshold, threshold

    def redo(self) -> None:
        self._session.set_threshold(self._after)

    def undo(self) -> None:
        self._session.set_threshold(self._before)

    def id(self) -> int:
        return _SET_THRESHOLD_ID

    def takes_in(self, other: QUndoCommand) -> bool:
        """Take in a later change."""
        if not isinstance(other, SetThreshold):
            return False
        self._after = other._after
        self.setText(other.text())
        return True


class SetCamera(Merging):
    """See the keypoints with another camera. Steps of a spin box become one command."""

    def __init__(self, session: Session, camera: Intrinsics, text: str) -> None:
        super().__init__(text)
        assert session.clip is not None
        self._session = session
        clip, other = session.clip, session.clip.with_camera(camera)
        self._before, self._after = (clip.camera, clip.notes), (other.camera, other.notes)

    def redo(self) -> None:
        self._session.set_camera(*self._after)

    def undo(self) -> None:
        self._session.set_camera(*self._before)

    def id(self) -> int:
        return _SET_CAMERA_ID

    def takes_in(self, other: QUndoCommand) -> bool:
        """Take in a later change."""
        if not isinstance(other, SetCamera):
            return False
        self._after = other._after
        self.setText(other.text())
        return True


class SetUp(Merging):
    """Say which way is up, in camera axes, or leave it to the lifter with None. Steps of a spin box become one command."""

    def __init__(self, session: Session, up: Direction | None, text: str, is_step: bool = True) -> None:
        super().__init__(text)
        assert session.clip is not None
        self._session, self._is_step = session, is_step
        self._before, self._after = session.clip.up, up

    def redo(self) -> None:
        self._session.set_up(self._after)

    def undo(self) -> None:
        self._session.set_up(self._before)

    def id(self) -> int:
        return _SET_UP_ID

    def takes_in(self, other: QUndoCommand) -> bool:
        """Take in a later change."""
        if not isinstance(other, SetUp) or not (self._is_step and other._is_step):
            return False
        if other._after is None or self._after is None:
            return False
        self._after = other._after
        self.setText(other.text())
        return True


class SetHeight(Merging):
    """Say how tall the person is, in metres, or leave it to the lifter with None. Steps of a spin box become one command."""

    def __init__(self, session: Session, height_m: float | None, text: str) -> None:
        super().__init__(text)
        assert session.clip is not None
        self._session = session
        self._before, self._after = session.clip.height_m, height_m

    def redo(self) -> None:
        self._session.set_height(self._after)

    def undo(self) -> None:
        self._session.set_height(self._before)

    def id(self) -> int:
        return _SET_HEIGHT_ID

    def takes_in(self, other: QUndoCommand) -> bool:
        """Take in a later change."""
        if not isinstance(other, SetHeight) or other._after is None or self._after is None:
            return False
        self._after = other._after
        self.setText(other.text())
        return True


class SetRate(Merging):
    """Say at how many frames/s the clip was taken; the file's own are its own. Steps of a spin box become one command."""

    def __init__(self, session: Session, fps: float) -> None:
        clip, own = session.clip, session.opened
        assert clip is not None and own is not None
        super().__init__(f"Frame rate {fps:g} frames/s{'' if fps == own.fps else f' instead of {own.fps:g}'}")
        self._session = session
        other = at_rate(clip, fps, "the Video panel says", own)
        self._before = (clip.fps, clip.times, clip.notes, clip.own_fps)
        self._after = (fps, other.times, other.notes, other.own_fps)

    def redo(self) -> None:
        self._session.set_rate(*self._after)

    def undo(self) -> None:
        self._session.set_rate(*self._before)

    def id(self) -> int:
        return _SET_RATE_ID

    def takes_in(self, other: QUndoCommand) -> bool:
        """Take in a later change."""
        if not isinstance(other, SetRate):
            return False
        self._after = other._after
        self.setText(other.text())
        return True


class AttachTruth(Merging):
    """Put ground truth (frames, 16, 3) beside the clip, with what is noted of it and the recording that it is from. Other
    shifts of one recording become one command."""

    def __init__(
        self,
        session: Session,
        truth: NDArray[np.float32],
        notes: tuple[str, ...] | None = None,
        origin: TruthOrigin | None = None,
        is_shift: bool = False,
    ) -> None:
        super().__init__("Shift ground truth" if is_shift else "Add ground truth")
        clip = session.clip
        assert clip is not None
        self._session, self._is_shift = session, is_shift
        self._before = (clip.ground_truth, clip.notes, session.truth_origin, clip.completed)
        self._after = (truth, clip.notes if notes is None else notes, origin, None)

    def redo(self) -> None:
        self._session.attach_truth(*self._after)

    def undo(self) -> None:
        self._session.attach_truth(*self._before)

    def id(self) -> int:
        return _ATTACH_TRUTH_ID

    def takes_in(self, other: QUndoCommand) -> bool:
        """Take in a later shift of the same recording."""
        if not isinstance(other, AttachTruth) or not (self._is_shift and other._is_shift):
            return False
        self._after = other._after
        return True


SETTINGS = (SetThreshold, SetCamera, SetUp, SetHeight, SetRate)
"""Edits of a value that there is once: of several the last one alone counts."""
