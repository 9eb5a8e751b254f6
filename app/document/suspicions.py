"""Owns what was found suspicious in the clip and its answer, and going through it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal

from app.document.words import frames_in_words, joint_in_words
from mpm_core.skeleton import LIMBS, MPM16
from mpm_core.suspicions import CHECKS, Suspicion

_KEYS_AT_BOTH_ENDS = "place a key where the error starts and one where it ends"

ADVICE = {
    "jump": "Hide the joints there, or drag them to where they are.",
    "correction": f"{_KEYS_AT_BOTH_ENDS.capitalize()}: frames beyond your keys go by what was measured.",
    "bone": f"Hide the joints there, or correct them; beside your own keys, {_KEYS_AT_BOTH_ENDS}.",
    "sides": "Swap left and right there (X), or hide the joints.",
    "confidence": "Hide the joints there, or raise the threshold in the tab Video.",
    "reprojection": "Hide the joints there, or drag them to where they are.",
    "feet": "Hiding does not move the feet: see in the tab Video whether up is right.",
    "gap": "There is nothing to hide: where you see the joint, drag it to where it is.",
}
"""What a person can do about each kind of CHECKS."""


class Suspicions(QObject):
    """The list, in the order of time. It is outdated from a change until somebody has looked again."""

    changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._items: tuple[Suspicion, ...] | None = None
        self._is_outdated = False
        self._only = ""
        self._marks = np.zeros(0, bool)

    @property
    def items(self) -> tuple[Suspicion, ...] | None:
        """What was found; None before anybody has looked."""
        return self._items

    @property
    def is_outdated(self) -> bool:
        """Whether something has changed since."""
        return self._is_outdated

    def set_items(self, items: tuple[Suspicion, ...] | None, frames: int) -> None:
        """Take over what was found in a clip of so many frames; None when nobody has looked."""
        self._items, self._is_outdated = items, False
        self._marks = np.zeros(frames, bool)
        for item in items or ():
            self._marks[item.first : item.last + 1] = True
        self.changed.emit()

    def set_outdated(self) -> None:
        """Something has changed; somebody will look again."""
        if self._items is not None and not self._is_outdated:
            self._is_outdated = True
            self.changed.emit()

    @property
    def marks(self) -> NDArray[np.bool_]:
        """(frames,) those in which something is suspicious. Not to be written to."""
        return self._marks

    def at(self, frame: int) -> tuple[Suspicion, ...]:
        """Those on show whose span holds a frame."""
        return tuple(item for item in self.shown if item.first <= frame <= item.last)

    @property
    def only(self) -> str:
        """The one kind that is on show; nothing for all."""
        return self._only

    def set_only(self, kind: str) -> None:
        """Show one kind, or all with an empty name."""
        if kind != self._only:
            self._only = kind
            self.changed.emit()

    @property
    def shown(self) -> tuple[Suspicion, ...]:
        """Those of the kind on show."""
        return tuple(item for item in self._items or () if self._only in ("", item.kind))

    def beyond(self, frame: int, direction: int) -> Suspicion | None:
        """Of those on show the next one whose worst frame comes after a frame, or the last before it; None without any."""
        ahead = [item for item in self.shown if (item.worst - frame) * direction > 0]
        return min(ahead, key=lambda item: abs(item.worst - frame), default=None)


def joints_text(joints: tuple[int, ...]) -> str:
    """Joints for people: limbs where they are whole."""
    if len(joints) == len(MPM16):
        return "all joints"
    left, parts = set(joints), []
    for limb in LIMBS:
        of_limb = set(MPM16.limb(limb))
        if len(of_limb) > 1 and of_limb <= left:
            parts.append(limb)
            left -= of_limb
    return ", ".join(parts + [joint_in_words(joint) for joint in sorted(left)])


def sentence_of(item: Suspicion) -> str:
    """A suspicion in one line."""
    frames = frames_in_words(item.first, item.last)
    return f"{CHECKS[item.kind].label}: {joints_text(item.joints)}, {frames}, {item.badness:.1f} times what counts as usual"
