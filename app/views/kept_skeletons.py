"""The kept answers in the scene: the body's own colours in an outline that is the answer's, with its letter over the head."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PySide6.QtGui import QFont

from app.document.scene_positions import answer_in_scene
from app.document.session import Session
from app.look import theme as look
from app.look.theme import Theme
from app.views.capsules import SkeletonMesh, build_vertices
from app.views.scene_canvas import SceneCanvas, SceneText
from mpm_core.skeleton import MPM16

_SHARE = 0.8  # of the prediction's radii, so that one that agrees with it is inside
_LABEL_PX = 13
_OVER_HEAD_M = 0.16
_LETTER_PX = 16.0  # from the middle of one letter to that of the next where they are in a row
_HEAD = MPM16.index("Head")


class KeptSkeletons:
    """As many skeletons as there are answers on show, each on the hip of the prediction, or beside it."""

    def __init__(self, scene: SceneCanvas) -> None:
        self._scene = scene
        self._items: list[tuple[SkeletonMesh, SceneText]] = []

    def show(
        self, session: Session, root: NDArray[np.floating], beside: NDArray[np.floating], has_truth: bool, theme: Theme,
        palette_name: str,
    ) -> None:  # fmt: skip
        """The answers of the frame at hand. root: (3,) of the prediction's hip; beside: (3,) how far the next one stands, zero
        for an overlay, to the right in the order of the list; has_truth: whether that takes the first place there."""
        shown = session.kept.shown
        while len(self._items) < len(shown):
            self._add()
        while len(self._items) > len(shown):
            self._remove()
        colours = theme.palettes[palette_name].joints
        heads: list[tuple[SceneText, NDArray[np.floating]]] = []
        for step, (answer, (mesh, label)) in enumerate(zip(shown, self._items, strict=True), 1 + has_truth):
            pose = answer_in_scene(session, answer.prediction, session.frame)
            mesh.setVisible(pose is not None)
            label.setVisible(pose is not None)
            if pose is None:
                continue
            points = pose + root + beside * step
            place = session.kept.place(answer.number)
            mesh.outline = look.outline_of(place, theme)
            radius = np.full(len(MPM16), look.JOINT_RADIUS_M * _SHARE)
            hidden = np.zeros(len(MPM16), bool)
            mesh.set_vertices(build_vertices(points, colours, hidden, look.BONE_RADIUS_M * _SHARE, radius))
            heads.append((label, points[_HEAD] + np.array((0.0, 0.0, _OVER_HEAD_M))))
            label.setData(text=look.letter_of(place), color=mesh.outline)
        _place_letters(heads, not beside.any())

    def _add(self) -> None:
        mesh, font = SkeletonMesh(outline=look.outline_of(0, look.DARK)), QFont()
        font.setPixelSize(_LABEL_PX)
        font.setBold(True)
        label = SceneText(font=font)
        for item in (mesh, label):
            self._scene.addItem(item)
        self._items.append((mesh, label))

    def _remove(self) -> None:
        for item in self._items.pop():
            self._scene.removeItem(item)


def _place_letters(heads: list[tuple[SceneText, NDArray[np.floating]]], is_overlay: bool) -> None:
    """Each over its own head; of skeletons that lie over one another in a row over all of them."""
    if not heads:
        return
    above = np.mean([head for _, head in heads], axis=0)
    reach = _LETTER_PX * (len(heads) - 1) / 2 if is_overlay else 0.0
    for number, (label, head) in enumerate(heads):
        label.shift_px, label.reach_px = _LETTER_PX * number - reach if is_overlay else 0.0, reach
        label.setData(pos=above if is_overlay else head)
