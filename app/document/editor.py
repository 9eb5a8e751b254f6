"""Owns the edits that a person makes: hiding, showing, moving and swapping joints, each as an undo command."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.document.choosing import Choosing
from app.document.commands import EditKeypoints, SetMask
from app.document.corrections import Corrections
from app.document.session import Session
from app.document.words import frames_in_words, joint_in_words, joints_in_words
from mpm_core.corrections import FIELDS
from mpm_core.masking import COMPLETION_PRESETS, OCCLUSION_PRESETS, Mask, MaskRatios, draw_mask
from mpm_core.skeleton import MPM16

PRESETS = {**OCCLUSION_PRESETS, **COMPLETION_PRESETS}
"""Limbs by the name of the paper's preset (tables 3 and 4)."""

RANDOM_JOINT_PRESETS = {"1 random joint": 1, "2 random joints": 2}
"""Presets that hide so many joints, drawn at random, for the whole range (table 3)."""


class Editor(QObject):
    """Edits the session. A gesture is one press of the mouse: whatever it changes is undone in one step."""

    mask_copied = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._gesture = 0
        self._last_click: tuple[frozenset[int], int, bool] | None = None
        self._rng = np.random.default_rng()
        self._copied: Mask | None = None
        self._moving = 0
        self.corrections, self.choosing = Corrections(session), Choosing(session)
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
        text = f"{'Hide' if hide else 'Show'} {joints_in_words(columns)}, {frames_in_words(first, last)}"
        self._push(first, patch, text, gesture)

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

    def apply_preset(self, name: str, replaces: bool = False) -> None:
        """Hide a preset too, over the range or over the whole clip without one; or it alone, in place of what was hidden."""
        first, last = self._scope()
        patch = np.zeros((last - first + 1, len(MPM16)), bool)
        if name in RANDOM_JOINT_PRESETS:
            patch[:, self._rng.choice(len(MPM16), RANDOM_JOINT_PRESETS[name], replace=False)] = True
        else:
            for limb in PRESETS[name]:
                patch[:, list(MPM16.limb(limb))] = True
        self._add(first, patch, f"Hide {name}", replaces)

    def apply_random(self, sampler: str, ratios: MaskRatios, replaces: bool = False) -> None:
        """Hide at random too, over the range or over the whole clip without one; or that alone."""
        first, last = self._scope()
        patch = draw_mask(sampler, last - first + 1, ratios, self._rng)
        self._add(first, patch, f"Hide at random ({sampler})", replaces)

    def invert(self) -> None:
        """Hide what is shown and show what is hidden, in the range or the whole clip."""
        first, last = self._scope()
        self._push(first, ~self._session.mask[first : last + 1], f"Invert the mask, {frames_in_words(first, last)}")

    @property
    def has_copied(self) -> bool:
        """Whether there is a mask to be put somewhere."""
        return self._copied is not None

    def copy_mask(self, frame: int | None = None) -> None:
        """Keep the mask of the range, or of a frame, by default the one at hand, to be put elsewhere."""
        first, last = self._frames_of_click(self._session.frame if frame is None else frame)
        self._copied = self._session.mask[first : last + 1].copy()
        if len(self._copied):
            self.mask_copied.emit()
            count = int(self._copied.any(1).sum())
            words = f"Copied the mask of {frames_in_words(first, last)}, {count} with something hidden"
            self._session.message.emit(f"{words}: Paste puts it at another frame or range.")

    def paste_mask(self, frame: int | None = None) -> None:
        """Put the copied mask from a frame on, by default the one at hand; or all over the range, again and again if that is
        longer."""
        copied, count = self._copied, len(self._session)
        if copied is None or not len(copied) or not count:
            self._session.warning.emit("No mask is copied: choose a range and copy its mask first.")
            return
        first = self._session.frame if frame is None else frame
        last = min(first + len(copied) - 1, count - 1)
        if self._session.range is not None and self._session.range[0] < self._session.range[1]:
            first, last = self._session.range
        patch = copied[np.arange(last - first + 1) % len(copied)]
        self._push(first, patch, f"Paste the mask into {frames_in_words(first, last)}")

    def replace_mask(self, mask: Mask, text: str) -> None:
        """Another mask for the whole clip."""
        self._push(0, mask, text)

    def move_joint(self, joint: int, frame: int, x: float, y: float, gesture: int) -> None:
        """Put a 2D joint where a person says it is, in pixels, as a step of a gesture; all selected joints go along if it is
        one of them. See Corrections."""
        if gesture != self._moving:
            self._moving = gesture
            self.corrections.begin()
        selection = self._session.selection
        self.corrections.move_to(selection if joint in selection else (joint,), joint, frame, x, y)

    def swap_sides(self, joints: Iterable[int] | None = None, frames: tuple[int, int] | None = None) -> None:
        """Exchange left and right of the 2D keypoints, in some frames, or else the range or the frame: of some joints and those
        across from them, or of all."""
        session, clip = self._session, self._session.clip
        if clip is None or clip.keypoints is None:
            session.warning.emit("This clip has no 2D keypoints to swap.")
            return
        first, last = frames or self._frames_of_click(session.frame)
        chosen = frozenset(range(len(MPM16)) if joints is None else joints)
        order = [MPM16.mirror[j] if chosen & {j, MPM16.mirror[j]} else j for j in range(len(MPM16))]
        if order == list(range(len(MPM16))):
            session.warning.emit(f"{joints_in_words(chosen)}: in the middle of the body, so there is nothing to swap.")
            return
        patch = {name: getattr(clip, name)[first : last + 1][:, order] for name in FIELDS}
        whose = "" if joints is None else f" of {joints_in_words(chosen)}"
        text = f"Swap left and right{whose}, {frames_in_words(first, last)}"
        session.undo_stack.push(EditKeypoints(session, first, patch, text))

    def _scope(self) -> tuple[int, int]:
        return self._session.range or (0, len(self._session) - 1)

    def _frames_of_click(self, frame: int) -> tuple[int, int]:
        return self._session.range or (frame, frame)

    def _add(self, first: int, patch: Mask, text: str, replaces: bool) -> None:
        hidden = self._session.mask[first : first + len(patch)]
        if not replaces:
            patch = patch | hidden
        if np.array_equal(patch, hidden) and len(patch):
            self._session.message.emit(f"{text}: that is hidden already.")
        self._push(first, patch, text)

    def _push(self, first: int, patch: np.ndarray, text: str, gesture: int = 0) -> None:
        if not np.array_equal(self._session.mask[first : first + len(patch)], patch):
            self._session.undo_stack.push(SetMask(self._session, first, patch, text, gesture))

    def _explain_missing(self, joints: list[int], frame: int) -> None:
        """Say why a joint that was never measured cannot be shown."""
        names, where_in_time = ", ".join(joint_in_words(j) for j in joints), frames_in_words(frame)
        clip = self._session.clip
        where = clip.name if clip is not None else "the clip"
        what = "position" if self._session.options.task == "complete" else "measurement"
        if self._session.unsure[frame, joints].any():
            limit = f"the threshold of {self._session.threshold:.2f}"
            self._session.warning.emit(f"{names}: less sure than {limit} in {where_in_time}, so it stays hidden.")
            return
        self._session.warning.emit(f"{names}: {where} has no {what} in {where_in_time}, so it stays hidden.")

    def _forget_click(self) -> None:
        self._last_click = None
