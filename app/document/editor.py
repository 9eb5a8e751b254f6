"""Owns the edits that a person makes: hiding, showing, moving and swapping joints, each as an undo command."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from PySide6.QtCore import QObject

from app.document.commands import EditKeypoints, SetMask
from app.document.session import Session
from mpm_core.masking import COMPLETION_PRESETS, OCCLUSION_PRESETS, MaskRatios, draw_mask
from mpm_core.skeleton import MPM16

PRESETS = {**OCCLUSION_PRESETS, **COMPLETION_PRESETS}
"""Limbs by the name of the paper's preset (tables 3 and 4)."""

RANDOM_JOINT_PRESETS = {"1 joint": 1, "2 joints": 2}
"""Presets that hide so many joints, drawn at random, for the whole range (table 3)."""


class Editor(QObject):
    """Edits the session. A gesture is one press of the mouse: whatever it changes is undone in one step."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._gesture = 0
        self._last_click: tuple[frozenset[int], int, bool] | None = None
        self._rng = np.random.default_rng()
        session.clip_changed.connect(self._forget_click)

    @property
    def current_gesture(self) -> int:
        """The gesture of the last click."""
        return self._gesture

    def begin_gesture(self) -> int:
        """A number that marks the edits up to the next call as one."""
        self._gesture += 1
        return self._gesture

    def click_joints(self, joints: Iterable[int], frame: int, extend: bool = False) -> bool | None:
        """Hide the joints, or show them if all are hidden: at a frame, over the chosen range, or since the last click.

        extend: from the last click to here, with what that click did. Returns whether they are hidden now; None, with
        a message why, when none of them can be shown.
        """
        chosen = frozenset(joints)
        session = self._session
        if not chosen or not len(session):
            return None
        first, last = self._frames_of_click(frame)
        if extend and self._last_click is not None:
            chosen, other, hide = self._last_click
            first, last = sorted((other, frame))
        else:
            columns = sorted(chosen)
            # What is seen decides: the frame, or the whole range when the frame lies outside.
            shown = slice(frame, frame + 1) if first <= frame <= last else slice(first, last + 1)
            missing, masked = session.missing[shown, columns], session.mask[shown, columns]
            hide = not bool((masked | missing).all())
            if not hide and missing.all():
                self._explain_missing(columns, frame)
                if not masked.any():
                    return None
        self._last_click = (chosen, frame, hide)
        self.set_hidden(chosen, first, last, hide, self.begin_gesture())
        return hide

    def set_hidden(self, joints: Iterable[int], first: int, last: int, hide: bool, gesture: int = 0) -> None:
        """Hide or show joints over frames, both ends included."""
        columns = sorted(joints)
        patch = self._session.mask[first : last + 1].copy()
        patch[:, columns] = hide
        names = MPM16.joints[columns[0]] if len(columns) == 1 else f"{len(columns)} joints"
        frames = f"frame {first + 1}" if first == last else f"frames {first + 1}–{last + 1}"
        self._push(first, patch, f"{'Hide' if hide else 'Show'} {names}, {frames}", gesture)

    def hide_frame(self) -> None:
        """Hide every joint of the frame or the range, or show them if they are all hidden."""
        self.click_joints(range(len(MPM16)), self._session.frame)

    def hide_selected(self) -> None:
        """Hide or show the selected joints."""
        if self._session.selection:
            self.click_joints(self._session.selection, self._session.frame)
        else:
            self._session.warning.emit("Select joints first: in the panel, or with Ctrl and a click.")

    def show_all(self) -> None:
        """Remove the whole mask."""
        self._push(0, np.zeros_like(self._session.mask), "Show everything")

    def apply_preset(self, name: str) -> None:
        """Hide a preset over the range, or over the whole clip without one; what was hidden there before is shown."""
        first, last = self._scope()
        patch = np.zeros((last - first + 1, len(MPM16)), bool)
        if name in RANDOM_JOINT_PRESETS:
            patch[:, self._rng.choice(len(MPM16), RANDOM_JOINT_PRESETS[name], replace=False)] = True
        else:
            for limb in PRESETS[name]:
                patch[:, list(MPM16.limb(limb))] = True
        self._push(first, patch, f"Hide {name}")

    def apply_random(self, sampler: str, ratios: MaskRatios) -> None:
        """Hide at random over the range, or over the whole clip without one."""
        first, last = self._scope()
        patch = draw_mask(sampler, last - first + 1, ratios, self._rng)
        self._push(first, patch, f"Hide at random ({sampler})")

    def move_joint(self, joint: int, frame: int, x: float, y: float, gesture: int) -> None:
        """Put a 2D joint where a person says it is, in pixels; it is then measured, and marked as edited."""
        clip = self._session.clip
        if clip is None or clip.keypoints is None:
            return
        new = {"keypoints": (x, y), "visible": True, "edited": True, "confidence": 1.0}
        patch = {name: getattr(clip, name)[frame : frame + 1].copy() for name in new}
        for name, value in new.items():
            patch[name][0, joint] = value
        text = f"Move {MPM16.joints[joint]}, frame {frame + 1}"
        self._session.undo_stack.push(EditKeypoints(self._session, frame, patch, text, gesture))

    def swap_sides(self) -> None:
        """Exchange left and right of the 2D keypoints, in the range or the frame."""
        clip = self._session.clip
        if clip is None or clip.keypoints is None:
            self._session.warning.emit("This clip has no 2D keypoints to swap.")
            return
        first, last = self._frames_of_click(self._session.frame)
        fields, order = ("keypoints", "visible", "derived", "edited", "confidence"), list(MPM16.mirror)
        patch = {name: getattr(clip, name)[first : last + 1][:, order] for name in fields}
        self._session.undo_stack.push(EditKeypoints(self._session, first, patch, "Swap left and right"))

    def _scope(self) -> tuple[int, int]:
        return self._session.range or (0, len(self._session) - 1)

    def _frames_of_click(self, frame: int) -> tuple[int, int]:
        return self._session.range or (frame, frame)

    def _push(self, first: int, patch: np.ndarray, text: str, gesture: int = 0) -> None:
        if not np.array_equal(self._session.mask[first : first + len(patch)], patch):
            self._session.undo_stack.push(SetMask(self._session, first, patch, text, gesture))

    def _explain_missing(self, joints: list[int], frame: int) -> None:
        """Say why a joint that was never measured cannot be shown."""
        names = ", ".join(MPM16.joints[j] for j in joints)
        clip = self._session.clip
        where = clip.name if clip is not None else "the clip"
        what = "position" if self._session.options.task == "complete" else "measurement"
        if self._session.unsure[frame, joints].any():
            limit = f"the threshold of {self._session.threshold:.2f}"
            self._session.warning.emit(f"{names}: less sure than {limit} in frame {frame + 1}, so it stays hidden.")
            return
        self._session.warning.emit(f"{names}: {where} has no {what} in frame {frame + 1}, so it stays hidden.")

    def _forget_click(self) -> None:
        self._last_click = None
