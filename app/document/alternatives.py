"""Owns the alternatives of hidden joints that are on show: how many are wanted, and the cloud of them around the cursor."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from app.document.words import joint_in_words
from mpm_core.lifters.chosen import attached, followed
from mpm_core.masking import Mask
from mpm_core.skeleton import LIMBS, MPM16

if TYPE_CHECKING:
    from app.document.session import Session

FEW, MANY = 5, 20
"""How many alternatives a person can ask for, beside none."""

_CM_PER_M = 100

Question = tuple[object, ...]


@dataclass(frozen=True, eq=False)
class Cloud:
    """Alternatives to an answer in frames first to last (both included). hypotheses: (samples, frames, 16, 3) metres from Hip
    in camera axes. positions: (frames, 16, 3) of the answer, on whose visible joints they stand. hidden: (frames, 16) from it.
    question: to what the answer is one, see question_of. is_whole: whether these are all frames that are wanted, or the nearest
    to the cursor, to be looked at until the others are there."""

    first: int
    hypotheses: NDArray[np.float32]
    positions: NDArray[np.float32]
    hidden: Mask
    question: Question
    is_whole: bool = True

    @property
    def last(self) -> int:
        return self.first + len(self.hidden) - 1

    @property
    def samples(self) -> int:
        return len(self.hypotheses)

    @cached_property
    def placed(self) -> NDArray[np.float32]:
        """(samples, frames, 16, 3) metres from Hip, hidden joints where each alternative puts them on the answer's body."""
        return attached(self.positions, self.hypotheses, self.hidden)

    @cached_property
    def spread(self) -> NDArray[np.float32]:
        """(frames, 16) metres: root mean square distance of the alternatives from their mean; NaN at visible joints."""
        off = np.square(self.placed - self.placed.mean(0)).sum(-1).mean(0)
        return np.where(self.hidden, np.sqrt(off), np.float32(np.nan))

    def at(self, frame: int) -> NDArray[np.float32]:
        """(samples, 16, 3) of a frame."""
        return self.placed[:, frame - self.first]

    def hidden_at(self, frame: int) -> NDArray[np.bool_]:
        """(16,) joints that differ in a frame; Hip does not, since everything is measured from there."""
        hidden = self.hidden[frame - self.first].copy()
        hidden[MPM16.root] = False
        return hidden

    def widest(self, frame: int) -> tuple[int, float] | None:
        """The hidden joint at which two alternatives are farthest apart in a frame, and how far, metres."""
        joints = np.flatnonzero(self.hidden_at(frame))
        if not len(joints):
            return None
        points = self.at(frame)[:, joints]
        apart = np.linalg.norm(points[:, None] - points[None], axis=-1).max((0, 1))
        return int(joints[apart.argmax()]), float(apart.max())


class ShownAlternatives(QObject):
    """What a person wants to see of alternatives, and what there is. The worker puts clouds in; nobody else."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._samples, self._are_ellipsoids = 0, False
        self._cloud: Cloud | None = None
        self._is_pending = False

    @property
    def samples(self) -> int:
        """How many are wanted; 0: none."""
        return self._samples

    @property
    def are_ellipsoids(self) -> bool:
        """Whether they are drawn as ellipsoids of uncertainty instead of skeletons."""
        return self._are_ellipsoids

    @property
    def is_pending(self) -> bool:
        """Whether alternatives are on their way."""
        return self._is_pending

    def set_wanted(self, samples: int | None = None, are_ellipsoids: bool | None = None) -> None:
        """How many, and how they are drawn; None leaves it."""
        samples = self._samples if samples is None else samples
        are_ellipsoids = self._are_ellipsoids if are_ellipsoids is None else are_ellipsoids
        if (samples, are_ellipsoids) != (self._samples, self._are_ellipsoids):
            self._samples, self._are_ellipsoids = samples, are_ellipsoids
            self.changed.emit()

    def put(self, cloud: Cloud | None, is_pending: bool) -> None:
        """Take over a cloud, or that there is none."""
        if cloud is not self._cloud or is_pending != self._is_pending:
            self._cloud, self._is_pending = cloud, is_pending
            self.changed.emit()

    def cloud_of(self, session: Session) -> Cloud | None:
        """The cloud, if it belongs to what is hidden and asked now."""
        cloud = self._cloud
        if cloud is None or not self._samples or session.clip is None or not is_same(cloud.question, question_of(session)):
            return None
        return cloud

    def cloud_here(self, session: Session) -> Cloud | None:
        """The same, if it has the frame at hand, something is hidden there, and nothing of it is being renewed."""
        cloud, frame = self.cloud_of(session), session.frame
        if cloud is None or not cloud.first <= frame <= cloud.last or session.renewal.is_outdated(frame):
            return None
        return cloud if cloud.hidden_at(frame).any() else None


def question_of(session: Session) -> Question:
    """All that alternatives depend on. What was taken among them is no part of it: then they stay on show."""
    clip = session.clip
    assert clip is not None
    of_clip = (clip.keypoints, clip.visible, clip.confidence, clip.ground_truth, clip.times, clip.camera, clip.height_m)
    return (*of_clip, session.options, session.hidden)


def is_same(one: Question, other: Question) -> bool:
    return all(a is b or _is_equal(a, b) for a, b in zip(one, other, strict=True))


def _is_equal(one: Any, other: Any) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        are_both = isinstance(one, np.ndarray) and isinstance(other, np.ndarray)
        return are_both and one.dtype == bool and np.array_equal(one, other)  # others are replaced when they change
    return bool(one == other)


def alternatives_text(session: Session) -> str:
    """What there is at the frame at hand in a few words; nothing where no alternatives are wanted or there are none."""
    shown = session.alternatives
    if not shown.samples or session.clip is None:
        return ""
    cloud = shown.cloud_here(session)
    if cloud is None:
        is_coming = shown.is_pending and not session.state.error  # without an answer there are none to it
        return f"{shown.samples} alternatives …" if is_coming else ""
    widest = cloud.widest(session.frame)
    if widest is None:
        return ""
    joint, apart = widest
    return f"{cloud.samples} alternatives, {_CM_PER_M * apart:.0f} cm apart at the {joint_in_words(joint).lower()}"


def followed_text(session: Session, frames: slice = slice(None)) -> str:
    """'2 frames follow an alternative that was taken', whichever lifter answers; nothing where none of these frames does."""
    chosen = None if session.clip is None else session.clip.chosen
    if chosen is None:
        return ""
    count = int(followed(chosen[frames], session.hidden[frames]).any(1).sum())
    return f"{count} frame{'s follow' if count > 1 else ' follows'} an alternative that was taken" if count else ""


def followed_here(session: Session) -> str:
    """Which limbs follow one in the frame at hand, in a few words; nothing where none does."""
    if session.clip is None or session.clip.chosen is None:
        return ""
    part = slice(session.frame, session.frame + 1)
    follows = followed(session.clip.chosen[part], session.hidden[part])
    limbs = limbs_in_words(np.flatnonzero(follows[0]).tolist())
    return f"{limbs}: an alternative taken" if limbs else ""


def limbs_in_words(joints: Collection[int]) -> str:
    """'Left arm, right leg' of some of their joints."""
    names = [limb for limb in LIMBS if set(MPM16.limb(limb)) & set(joints)]
    return ", ".join(names).capitalize()


def limb_of(joints: Collection[int]) -> frozenset[int]:
    """All joints of the limb that these are in."""
    return frozenset(
        joint for limb in LIMBS if set(MPM16.limb(limb)) & set(joints) for joint in MPM16.limb(limb)
    )  # fmt: skip
