"""Owns the menu of a right click on joints, limbs, lanes and cells: what can be done with them, in the frame and the range."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget

from app.document.editor import Editor
from app.document.session import Session
from app.document.words import frames_in_words, joints_in_words
from mpm_core.lifters.chosen import let_go
from mpm_core.skeleton import LIMBS, MPM16

_FILLS = {"smooth": "Smooth curve", "linear": "Straight line", "none": "As measured"}


class JointMenus:
    """Makes menus for a window; actions: its own by name."""

    def __init__(self, window: QWidget, session: Session, editor: Editor, actions: Mapping[str, QAction]) -> None:
        self._window, self._session, self._editor, self._actions = window, session, editor, actions

    def menu(self, joints: Iterable[int], frame: int) -> QMenu:
        """For joints in a frame; for all that are selected if these are among them; without any, for the mask."""
        session, menu = self._session, QMenu(self._window)
        chosen = frozenset(joints)
        if chosen and chosen < session.selection:
            chosen = session.selection
        if chosen and len(session):
            title = menu.addAction(f"{joints_in_words(chosen)}, {frames_in_words(frame)}")
            title.setEnabled(False)
            spans = {"here": (frame, frame)}
            if session.range is not None:
                spans[f"in {frames_in_words(*session.range)}"] = session.range
            self._add_hiding(menu, chosen, spans)
            if session.clip is not None and let_go(session.clip, frame, frame, chosen) is not None:
                menu.addAction("Let the alternative go", partial(self._editor.choosing.let_go, chosen, frame, frame))
            menu.addSeparator()
            self._add_correcting(menu, chosen, frame, spans)
            menu.addSeparator()
            self._add_selecting(menu, chosen)
            menu.addSeparator()
        else:
            menu.addAction(self._actions["select_all"])
            menu.addSeparator()
        self._add_masks(menu, frame)
        return menu

    def _add_masks(self, menu: QMenu, frame: int) -> None:
        """Of the frame that was clicked, which need not be the one at hand."""
        chosen, editor = self._session.range, self._editor
        words = frames_in_words(*(chosen or (frame,)))
        menu.addAction(f"Copy the mask of {words}", partial(editor.copy_mask, frame))
        is_all_over = chosen is not None and chosen[0] < chosen[1]
        where = f"all over {words}" if is_all_over else f"from {frames_in_words(frame)} on"
        paste = menu.addAction(f"Paste the mask {where}", partial(editor.paste_mask, frame))
        paste.setEnabled(editor.has_copied)
        menu.addAction(self._actions["invert_mask"])

    def _add_hiding(self, menu: QMenu, joints: frozenset[int], spans: Mapping[str, tuple[int, int]]) -> None:
        for words, (first, last) in spans.items():
            hidden = self._session.mask[first : last + 1, sorted(joints)].all()
            text = f"{'Show' if hidden else 'Hide'} {words}"
            menu.addAction(text, partial(self._editor.set_hidden, joints, first, last, not hidden))

    def _add_correcting(self, menu: QMenu, joints: frozenset[int], frame: int, spans: Mapping[str, tuple[int, int]]) -> None:
        clip, columns, corrections = self._session.clip, sorted(joints), self._editor.corrections
        if clip is None or clip.keypoints is None or clip.keys is None:
            return
        if clip.keys[frame, columns].any():
            menu.addAction("Clear key", partial(corrections.clear_keys, joints, frame))
        if len(joints) == 1 and clip.keys[frame, columns[0]] and clip.keys[frame + 1 :, columns[0]].any():
            fills = menu.addMenu("Up to the next key")
            for name, label in _FILLS.items():
                fills.addAction(label, partial(corrections.set_fill_of, columns[0], frame, name))
        for words, (first, last) in {**spans, "everywhere": (0, len(clip) - 1)}.items():
            if clip.edited[first : last + 1, columns].any():
                menu.addAction(f"Restore what was measured {words}", partial(corrections.restore, joints, first, last))
        if any(MPM16.mirror[joint] != joint for joint in joints):
            for words, span in spans.items():
                menu.addAction(f"Swap left and right {words}", partial(self._editor.swap_sides, joints, span))

    def _add_selecting(self, menu: QMenu, joints: frozenset[int]) -> None:
        limbs = [frozenset(MPM16.limb(limb)) for limb in LIMBS if joints & frozenset(MPM16.limb(limb))]
        for group in dict.fromkeys((joints, *limbs)):
            if group != self._session.selection:
                words = joints_in_words(group)
                menu.addAction(f"Select {words[0].lower()}{words[1:]}", partial(self._session.set_selection, group))
        more = self._session.selection | joints
        if self._session.selection and more != self._session.selection:
            menu.addAction("Add to the selection", partial(self._session.set_selection, more))
