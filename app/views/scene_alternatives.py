"""The alternatives of hidden joints in the scene: a cloud of thin limbs, or ellipsoids of how far they lie apart; and what the
mouse does with them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from OpenGL import GL
from pyqtgraph.opengl import GLGraphicsItem, GLLinePlotItem
from PySide6.QtCore import QObject, QPointF, Signal

from app.document.alternatives import Cloud, limb_of, limbs_in_words
from app.document.scene_positions import in_scene
from app.document.session import Session
from app.document.words import frames_in_words
from app.look import theme as look
from app.look.theme import Theme
from app.views.capsules import SkeletonMesh, build_ellipsoids
from mpm_core.skeleton import MPM16

_WIDTH, _STRONG_WIDTH = 2.0, 4.0
_AGREEING = 3
"""So many alternatives that agree with a drag are shown strongly."""

_FAINT_ALPHA = 0.07
_LEAST_M = 0.004
"""An ellipsoid is at least so thick, to be seen."""

_PICK_PX, _CLICK_PX = 6.0, 4.0
"""How near the mouse has to be to an alternative, and by how much it may move in a click."""

Points = NDArray[np.floating]


class AlternativesCloud:
    """Draws the cloud of the session's frame: only bones that end at a hidden joint, all alternatives in one call."""

    def __init__(self) -> None:
        self._lines, self._strong = (
            GLLinePlotItem(mode="lines", antialias=True, width=width) for width in (_WIDTH, _STRONG_WIDTH)
        )
        self._ellipsoids = SkeletonMesh(look.ELLIPSOID_ALPHA)
        for line in (self._lines, self._strong):
            line.setGLOptions("translucent")
            line.setDepthValue(4)
        self._strong.updateGLOptions({GL.GL_DEPTH_TEST: False})  # over what is in the same place
        self._ellipsoids.setDepthValue(5)
        self.items: tuple[GLGraphicsItem.GLGraphicsItem, ...] = (self._lines, self._strong, self._ellipsoids)
        self.cloud: Cloud | None = None
        self.places: NDArray[np.float32] = np.zeros((0, len(MPM16), 3), np.float32)
        self.bones: list[tuple[int, int]] = []
        self._colours: NDArray[np.float32] = np.zeros((len(MPM16), 3), np.float32)
        self._first: int | None = None
        self._agreeing: tuple[int, ...] = ()
        self._limb: frozenset[int] = frozenset()

    @property
    def legend(self) -> str:
        """What is to be seen and who draws it, whichever lifter answers, for the key of the scene; nothing where there is
        nothing."""
        if self.cloud is None:
            return ""
        return f"{self.cloud.samples} alternatives by the denoiser{', 1σ' if self._ellipsoids.visible() else ''}"

    def refresh(self, session: Session, theme: Theme, palette_name: str, root: Points) -> None:
        """Bring the cloud up to the session's frame. root: (3,) of Hip in the scene, metres."""
        self.cloud = session.alternatives.cloud_here(session)
        if self.cloud is None:
            self._first, self._agreeing = None, ()
            for item in self.items:
                item.setVisible(False)
            return
        hidden = self.cloud.hidden_at(session.frame)
        self.places = in_scene(self.cloud.at(session.frame), session.up.direction) + root.astype(np.float32)
        self.bones = [(parent, child) for parent, child in MPM16.bones if hidden[parent] or hidden[child]]
        self._colours = theme.palettes[palette_name].joints
        are_ellipsoids = session.alternatives.are_ellipsoids
        self._ellipsoids.setVisible(are_ellipsoids)
        if are_ellipsoids:
            self._ellipsoids.set_vertices(self._build_ellipsoids(np.flatnonzero(hidden)))
        self._lines.setVisible(not are_ellipsoids)
        self._draw_lines()

    def highlight(self, first: int | None, limb: frozenset[int] = frozenset(), agreeing: tuple[int, ...] = ()) -> bool:
        """Draw one of them strongly, or none; of a limb alone if one is given. With some that agree all others are faint.
        Returns whether that is new."""
        wanted = (first, limb, agreeing)
        if wanted == (self._first, self._limb, self._agreeing):
            return False
        self._first, self._limb, self._agreeing = wanted
        if self.cloud is not None:
            self._draw_lines()
        return True

    def _draw_lines(self) -> None:
        assert self.cloud is not None
        samples, ends = self.cloud.samples, np.array(self.bones)
        points = self.places[:, ends]  # (samples, bones, 2, 3)
        colours = np.ones((samples, len(ends), 2, 4), np.float32)
        colours[..., :3] = self._colours[ends[:, 1]][:, None]
        usual = look.CLOUD_ALPHA / samples
        colours[..., 3] = min(max(usual, look.FAINTEST_ALTERNATIVE), look.STRONGEST_ALTERNATIVE)
        if self._agreeing:
            colours[..., 3] = _FAINT_ALPHA
            colours[list(self._agreeing), :, :, 3] = look.STRONGEST_ALTERNATIVE
        self._lines.setData(pos=points.reshape(-1, 3), color=colours.reshape(-1, 4))
        chosen = [bone for bone, (_, child) in enumerate(self.bones) if not self._limb or child in self._limb]
        self._strong.setVisible(self._first is not None and self._first < samples and bool(chosen))
        if self._strong.visible():
            shades = colours[self._first, chosen].reshape(-1, 4)  # a copy: the other line keeps its own
            shades[:, 3] = 1.0
            self._strong.setData(pos=points[self._first, chosen].reshape(-1, 3), color=shades)

    def _build_ellipsoids(self, joints: NDArray[np.int64]) -> NDArray[np.float32]:
        """Of one standard deviation along each axis."""
        points = self.places[:, joints].astype(np.float64)  # (samples, joints, 3)
        off = points - points.mean(0)
        spread = np.einsum("sji,sjk->jik", off, off) / max(len(off) - 1, 1)
        values, axes = np.linalg.eigh(spread)
        lengths = np.maximum(np.sqrt(np.maximum(values, 0)), _LEAST_M)
        shapes = np.einsum("jik,jk,jlk->jil", axes, lengths, axes)
        return build_ellipsoids(points.mean(0), shapes, self._colours[joints])


class AlternativesTool(QObject):
    """Hovering shows an alternative, a click takes it; dragging a hidden joint looks for the one that agrees.

    project: (n, 3) places of the scene -> (n, 2) pixels, NaN behind the eye. redraw: called when something looks different.
    """

    taken = Signal(int, tuple)  # number of the alternative, joints; none for all
    joint_clicked = Signal(int, bool, bool)  # see SceneView

    def __init__(
        self, session: Session, cloud: AlternativesCloud, project: Callable[[Points], Points], redraw: Callable[[], None]
    ) -> None:
        super().__init__()
        self._session, self._cloud, self._project, self._redraw = session, cloud, project, redraw
        self._pressed: QPointF | None = None
        self._joint: int | None = None
        self._number: int | None = None
        self._is_dragging = False
        self._keys = (False, False)

    @property
    def are_limbs(self) -> bool:
        """Whether thin limbs are drawn, one of which may be under the mouse."""
        return self._cloud.cloud is not None and not self._session.alternatives.are_ellipsoids

    def press(self, place: QPointF, joint: int | None, has_shift: bool, has_ctrl: bool) -> bool:
        """The left button goes down, on a joint or beside; whether the scene has nothing more to do."""
        self._pressed = self._joint = self._number = None
        cloud, frame = self._cloud.cloud, self._session.frame
        if cloud is None:
            return False
        self._keys = (has_shift, has_ctrl)
        if joint is None:
            found = self._under(place)
            if found is not None:
                self._pressed, self._number = place, found[0]
            return False
        if has_shift or has_ctrl or not cloud.hidden_at(frame)[joint]:
            return False
        self._pressed, self._joint, self._is_dragging = place, joint, False
        return True

    def move(self, place: QPointF) -> bool:
        """The mouse moves with the button down; whether a joint is being dragged."""
        if self._joint is None or self._pressed is None:
            return False
        self._is_dragging = self._is_dragging or _distance(place, self._pressed) > _CLICK_PX
        if self._cloud.cloud is None:  # what it was dragged among is no longer the answer
            self._pressed = self._joint = None
        elif self._is_dragging:
            order = self._nearest(self._joint, place)
            if self._cloud.highlight(order[0], limb_of((self._joint,)), tuple(order[:_AGREEING])):
                self._redraw()
        return True

    def release(self, place: QPointF) -> None:
        """The button goes up: a click or a drag ends."""
        pressed, joint, number = self._pressed, self._joint, self._number
        self._pressed = self._joint = self._number = None
        if pressed is None or self._cloud.cloud is None:
            return
        is_click = _distance(place, pressed) <= _CLICK_PX
        if joint is not None and not self._is_dragging:
            self.joint_clicked.emit(joint, *self._keys)
        elif joint is not None:
            self._cloud.highlight(None)
            self._redraw()
            if not is_click:  # back where it began: nothing is meant
                self.taken.emit(self._nearest(joint, place)[0], tuple(sorted(limb_of((joint,)))))
        elif number is not None and is_click:
            found = self._under(place)
            limb = () if found is None or not self._keys[0] else tuple(sorted(limb_of((found[1],))))
            self.taken.emit(number, limb)

    def hover(self, place: QPointF | None) -> str:
        """Show the alternative under the mouse, if any, and return what it is and does."""
        found = None if place is None or self._cloud.cloud is None else self._under(place)
        if self._cloud.highlight(None if found is None else found[0]):
            self._redraw()
        if found is None or self._cloud.cloud is None:
            return ""
        cloud, (number, joint) = self._cloud.cloud, found
        where, limb = frames_in_words(cloud.first, cloud.last), limbs_in_words((joint,)).lower()
        return (
            f"Alternative {number + 1} of {cloud.samples}, drawn by the denoiser"
            f"\nClick: take it in {where}, wherever the joint is hidden"
            f"\nShift+click: the {limb} alone"
        )

    def _under(self, place: QPointF) -> tuple[int, int] | None:
        """The alternative whose drawn bone lies nearest to a place within reach, and the joint at the bone's end."""
        if not self.are_limbs or not self._cloud.bones:
            return None
        ends = np.array(self._cloud.bones)
        places = self._cloud.places
        pixels = self._project(places.reshape(-1, 3)).reshape(len(places), -1, 2)
        start, end = pixels[:, ends[:, 0]], pixels[:, ends[:, 1]]  # (samples, bones, 2)
        here, along = np.array((place.x(), place.y())), end - start
        share = ((here - start) * along).sum(-1) / np.maximum(np.square(along).sum(-1), 1e-9)
        distance = np.linalg.norm(start + np.clip(share, 0, 1)[..., None] * along - here, axis=-1)
        if not np.isfinite(distance).any() or np.nanmin(distance) > _PICK_PX:
            return None
        number, bone = np.unravel_index(np.nanargmin(distance), distance.shape)
        return int(number), int(ends[bone, 1])

    def _nearest(self, joint: int, place: QPointF) -> list[int]:
        """The alternatives by how far a joint of theirs is from a place, as it is seen: nearest first."""
        pixels = self._project(self._cloud.places[:, joint])
        distance = np.linalg.norm(pixels - (place.x(), place.y()), axis=-1)
        return [int(number) for number in np.nan_to_num(distance, nan=np.inf).argsort(kind="stable")]


def _distance(one: QPointF, other: QPointF) -> float:
    return float(np.hypot(one.x() - other.x(), one.y() - other.y()))
