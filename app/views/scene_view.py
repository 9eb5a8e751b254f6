"""The scene view: prediction and ground truth in 3D, to be orbited and clicked."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from pyqtgraph.opengl import GLGridItem
from PySide6.QtCore import QEvent, QPointF, Qt, Signal
from PySide6.QtGui import QColor, QImage, QKeyEvent, QMouseEvent, QResizeEvent, QVector3D, QWheelEvent
from PySide6.QtWidgets import QToolTip

from app.document.alternatives import followed_here
from app.document.lift_options import unusual_lifter
from app.document.scene_floor import floor_of_answer, floor_of_truth
from app.document.scene_positions import MOST_BYSTANDERS, heading_in_scene, predicted_in_scene, root_in_scene, true_in_scene
from app.document.session import Session
from app.look import theme as look
from app.look.theme import Theme
from app.views.capsules import SkeletonMesh, build_vertices
from app.views.gravity import GravityArrow
from app.views.joint_text import joint_tip
from app.views.kept_skeletons import KeptSkeletons
from app.views.scene_alternatives import AlternativesCloud, AlternativesTool
from app.views.scene_angle import StepBack, refitted
from app.views.scene_camera import CameraPyramid, camera_axes, eye_of_camera
from app.views.scene_canvas import SceneCanvas
from app.views.scene_legends import ErrorLegend, SolidityKey
from app.views.scene_motion import FootShadows, Ghosts, Trails
from app.views.scene_people import Bystanders
from app.views.skeleton_item import nearest_joint
from mpm_core.skeleton import MPM16

VIEWS = ("front", "side", "top", "camera")
"""Preset views: the person from the front, from their left, from above, and as the camera sees them."""

_FIELD_OF_VIEW_DEG = 38.0
_DISTANCE_M = 4.2
_LEAST_DISTANCE_M = 0.5
_ORBIT_DEG_PER_PX = 0.4
_SIDE_BY_SIDE_M = 1.0
_SMALLEST_BALL_PX = 5.0
"""From far away a joint can still be hit."""


class SceneView(SceneCanvas):
    """Draws the session's frame in 3D. Signals tell what the mouse did; it changes nothing by itself."""

    joint_clicked = Signal(int, bool, bool)  # joint, with Shift, with Ctrl
    alternative_taken = Signal(int, tuple)  # its number, joints; none for all

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__()
        self._session = session
        self.theme, self.palette_name = theme, "field"
        self.shows_errors = False
        self.shows_truth = True
        self.is_side_by_side = False
        self.follows_root = False
        self.is_in_camera = False  # it stands where the camera stood, whoever walks on
        self._aspect, self._step_back = self._shape(), StepBack()
        self._mouse = QPointF()
        self._is_orbiting = self._is_panning = False
        self._floor, self._is_floor_found, self._has_looked = 0.0, False, False
        self._floor_drawn: tuple[object, ...] = ()
        self._grid = GLGridItem(size=QVector3D(look.GRID_SIZE_M, look.GRID_SIZE_M, 1))
        self._grid.setSpacing(look.GRID_SPACING_M, look.GRID_SPACING_M, 1)
        self._camera = CameraPyramid()
        self.trails, self.ghosts, self._shadows = Trails(), Ghosts(), FootShadows()
        self.bystanders = Bystanders(MOST_BYSTANDERS)
        self._cloud = AlternativesCloud()
        self._alternatives = AlternativesTool(session, self._cloud, self.screen_places, self.update)
        self._alternatives.taken.connect(self.alternative_taken)
        self._alternatives.joint_clicked.connect(self.joint_clicked)
        self._truth = SkeletonMesh(look.TRUTH_ALPHA)
        self._prediction = SkeletonMesh()
        self._truth.setDepthValue(2)
        self._gravity = GravityArrow()
        for item in (
            self._grid, *self._shadows.items, *self._camera.items, *self._gravity.items, *self.trails.items, self._prediction,
            self._truth, *self.bystanders.items, *self.ghosts.items, *self._cloud.items,
        ):  # fmt: skip
            self.addItem(item)
        self._kept = KeptSkeletons(self)
        self._legend = ErrorLegend(self, theme)
        self._key = self.key = SolidityKey(self, theme)
        self._key.move(look.MARGIN, look.MARGIN)
        self.setMouseTracking(True)
        self.setMinimumSize(*look.SMALLEST_SCENE)
        self.take_colours(theme, "field")
        self._connect()
        self._on_clip_changed()
        self._on_prediction_changed()

    def _connect(self) -> None:
        session = self._session
        session.clip_changed.connect(self._on_clip_changed)
        session.truth_changed.connect(self._on_clip_changed)
        for signal in (
            session.frame_changed, session.selection_changed, session.threshold_changed, session.camera_changed,
            session.up_changed, session.kept.changed, session.kept.shown_changed, session.alternatives.changed,
        ):  # fmt: skip
            signal.connect(self.refresh)
        for signal in (session.mask_changed, session.keypoints_changed, session.renewal.changed):
            signal.connect(self.refresh_soon)
        session.prediction_changed.connect(self._on_prediction_changed)
        for signal in (session.up_changed, session.height_changed):
            signal.connect(self._on_ground_changed)

    def take_colours(self, theme: Theme, palette_name: str) -> None:
        """Draw in these from now on."""
        self.theme, self.palette_name = theme, palette_name
        self.setBackgroundColor(QColor(theme.scene))
        self._grid.setColor(QColor(theme.grid))
        self._legend.theme = self._key.theme = theme
        self._place_floor()
        self.refresh()

    def set_shows(self, errors: bool | None = None, truth: bool | None = None, side_by_side: bool | None = None) -> None:
        """Switch error colours, the ground truth, or its place beside the prediction."""
        self.shows_errors = self.shows_errors if errors is None else errors
        self.shows_truth = self.shows_truth if truth is None else truth
        self.is_side_by_side = self.is_side_by_side if side_by_side is None else side_by_side
        if side_by_side is not None:
            needed = (self._row_reach() + _SIDE_BY_SIDE_M / 2) / math.tan(math.radians(_FIELD_OF_VIEW_DEG / 2))
            self.opts["distance"] = self._step_back.distance(self.opts["distance"], needed if side_by_side else None)
        self.refresh()

    def refresh(self, *_: object) -> None:
        """The session's frame, or how it is to be drawn, is another; see SceneCanvas."""
        session, frame = self._session, self._session.frame
        has_truth = self.shows_truth and len(session) > 0 and true_in_scene(session, frame) is not None
        is_outdated = session.prediction is not None and session.renewal.is_outdated(frame)
        self._legend.setVisible(self.shows_errors and session.has_errors)
        kept = tuple((session.kept.place(answer.number), answer.name) for answer in session.kept.shown)
        root = root_in_scene(session, frame) if len(session) else np.zeros(3, np.float32)
        self._cloud.refresh(session, self.theme, self.palette_name, root)
        key = self._cloud.legend, followed_here(session), unusual_lifter(session.prediction), self.bystanders.are_there
        self._key.show_rows(has_truth, is_outdated, kept, *key)
        self.aside_m = self._row_reach() if self.is_side_by_side and not self.is_in_camera else 0.0
        if self.is_in_camera and _is_place(root):
            self._look_through_camera(root.astype(float))  # which way is up, or the camera, may be known better now
        elif self.follows_root and not self.is_in_camera:
            self.opts["center"] = QVector3D(*(float(v) for v in root))
        if self.follows_root:
            self._place_floor()
        super().refresh()

    def bring_up(self) -> None:
        """Bring skeletons, and what is around them, up to the session's frame."""
        session, frame = self._session, self._session.frame
        root = root_in_scene(session, frame) if len(session) else np.zeros(3, np.float32)
        prediction = predicted_in_scene(session, frame) if len(session) else None
        truth = true_in_scene(session, frame) if len(session) and self.shows_truth else None
        if prediction is not None:
            self._prediction.set_vertices(self._vertices(prediction + root, session.hidden[frame], 1.0))
        self._prediction.setVisible(prediction is not None)
        beside = self._right() * _SIDE_BY_SIDE_M if self.is_side_by_side else np.zeros(3)
        if truth is not None:
            nothing_hidden = np.zeros(len(MPM16), bool)
            self._truth.set_vertices(self._vertices(truth + root + beside, nothing_hidden, look.TRUTH_SHARE))
        self._truth.setVisible(truth is not None)
        self._kept.show(session, root, beside, self._has_truth(), self.theme, self.palette_name)
        for more in (self.trails, self.ghosts, self.bystanders):
            more.refresh(session, self.theme, self.palette_name)
        self._shadows.refresh(session, self._floor, self.theme)

    def _has_truth(self) -> bool:
        """Whether a place is for the ground truth, which some frames may lack."""
        return self.shows_truth and self._session.clip is not None and self._session.clip.ground_truth is not None

    def _row_reach(self) -> float:
        """How far from the middle of their row the outermost stand who are side by side, metres."""
        return (self._has_truth() + len(self._session.kept.shown)) * _SIDE_BY_SIDE_M / 2

    def _vertices(self, points: NDArray[np.floating], hidden: NDArray[np.bool_], share: float) -> NDArray[np.float32]:
        colours = self.theme.palettes[self.palette_name].joints
        errors = self._session.errors_at(self._session.frame) if self.shows_errors and share == 1.0 else None
        if share == 1.0 and self._session.renewal.is_outdated(self._session.frame):
            colours = np.tile(look.rgb(QColor(self.theme.muted)), (len(colours), 1))
        elif errors is not None:
            colours = look.error_colours(errors, self.theme)
        radius = np.where(hidden, look.HIDDEN_JOINT_RADIUS_M, look.JOINT_RADIUS_M) * share
        for joint in self._session.selection:
            radius[joint] *= 1.35
        return build_vertices(points, colours, hidden, look.BONE_RADIUS_M * share, radius)

    def _on_clip_changed(self) -> None:
        """Put the floor under the feet and look at the person; without ground truth once there is a prediction."""
        self._floor, self._is_floor_found = -0.95, False
        self._stand_on(floor_of_truth(self._session))
        self._has_looked = self._is_floor_found
        self.look_from("start")
        self.refresh()

    def _on_prediction_changed(self) -> None:
        if not self._is_floor_found and not self._session.state.is_busy and self._session.prediction is not None:
            self._stand_on(floor_of_answer(self._session))
            if self._is_floor_found and not self._has_looked:
                self._has_looked = True
                self.look_from("start")
            self._place_floor()
        self.refresh()

    def _on_ground_changed(self) -> None:
        """Up or the person's size is another, so the floor is elsewhere: under the truth now, else under the next answer."""
        self._is_floor_found = False
        self._stand_on(floor_of_truth(self._session))
        self._place_floor()

    def _stand_on(self, floor: float | None) -> None:
        """Take over where the floor is, if that is known."""
        if floor is not None:
            self._floor, self._is_floor_found = floor, True

    def _place_floor(self) -> None:
        root = root_in_scene(self._session, self._session.frame)
        spacing = look.GRID_SPACING_M
        centre = (*(round(float(value) / spacing) * spacing for value in root[:2]), self._floor)
        up = self._session.up if len(self._session) else None
        place = (centre, up, self.theme.name)
        if place != self._floor_drawn:  # it follows the person from square to square
            self._floor_drawn = place
            self._grid.resetTransform()
            self._grid.translate(*centre)
            self._gravity.show(np.array(centre), up, self.theme)
        self._place_frustum()

    def _place_frustum(self) -> None:
        """The camera at the origin, when the person's place is known."""
        is_known = _is_place(root_in_scene(self._session, self._session.frame))
        self._camera.show(self._session.clip, camera_axes(self._session.up.direction) if is_known else None, self.theme)

    def picture(self) -> QImage:
        """What is to be seen now, with what is written over it."""
        self.refresh()
        return self.grab().toImage()

    def set_picture(self, picture: QImage | None) -> None:
        """What the camera sees in this frame."""
        self._camera.set_picture(picture)
        self._place_frustum()
        self.update()

    def look_from(self, name: str) -> None:
        """Go to one of VIEWS, or to 'start': half from the camera's side, half from the front."""
        self.set_angle(_FIELD_OF_VIEW_DEG)
        centre = root_in_scene(self._session, self._session.frame).astype(float)
        self.is_in_camera = name == "camera" and _is_place(centre)
        if self.is_in_camera:
            self._look_through_camera(centre)
        else:
            heading = heading_in_scene(self._session, self._session.frame)
            azimuth, elevation = {
                "front": (heading, 4.0),
                "side": (heading + 90.0, 4.0),
                "top": (heading, 89.9),
                "camera": (-90.0, 0.0),
                "start": (-62.0, 14.0),
            }[name]
            self.setCameraPosition(pos=QVector3D(*centre), distance=_DISTANCE_M, elevation=elevation, azimuth=azimuth)
        self._place_floor()
        self.update()

    def set_angle(self, angle_deg: float, aspect: float = 0.0) -> None:
        """Look with the angle that shows as much as this one does in a view of such an aspect, width to height."""
        self._aspect = self._shape()
        self.opts["fov"] = refitted(angle_deg, aspect, self._aspect)

    def _shape(self) -> float:
        return self.width() / max(self.height(), 1)

    def stay(self) -> None:
        """Look from where a person chose, also once it is known where the floor is."""
        self._has_looked = True

    def _look_through_camera(self, centre: NDArray[np.float64]) -> None:
        clip, self._aspect = self._session.clip, self._shape()
        assert clip is not None
        self.opts["fov"], place = eye_of_camera(clip, self._session.up.direction, centre, self._aspect)
        self.setCameraPosition(**place)

    def _right(self) -> NDArray[np.float64]:
        """To the right on the screen, along the ground."""
        azimuth = math.radians(self.opts["azimuth"])
        return np.array([-math.sin(azimuth), math.cos(azimuth), 0.0])

    def joint_places(self) -> NDArray[np.float64]:
        """(16, 2) where the predicted joints are drawn, in widget pixels; NaN behind the eye or without a prediction."""
        pose = predicted_in_scene(self._session, self._session.frame) if len(self._session) else None
        if pose is None:
            return np.full((len(MPM16), 2), np.nan)
        return self.screen_places(pose + root_in_scene(self._session, self._session.frame))

    def screen_places(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """(n, 2) pixels of the widget where places (n, 3) of the scene are seen; NaN behind the eye."""
        view = (0, 0, self.width(), self.height())
        matrix = np.array((self.projectionMatrix(view, view) * self.viewMatrix()).copyDataTo(), np.float64).reshape(4, 4)
        seen = points.astype(np.float64) @ matrix[:, :3].T + matrix[:, 3]
        depth = np.where(seen[:, 3:] > 0, seen[:, 3:], np.nan)
        x, y = (seen[:, :2] / depth).T
        return np.stack(((x + 1) / 2 * self.width(), (1 - y) / 2 * self.height()), axis=-1)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self._mouse = event.position()
        joint = self._joint_under(self._mouse)
        is_left, keys = event.button() == Qt.MouseButton.LeftButton, event.modifiers()
        pressed = tuple(bool(keys & key) for key in (Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier))
        if is_left and self._alternatives.press(self._mouse, joint, *pressed):
            return
        if is_left and joint is not None:
            self.joint_clicked.emit(joint, *pressed)
            return
        self._is_orbiting = is_left
        self._is_panning = not self._is_orbiting

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = event.position()
        step, self._mouse = place - self._mouse, place
        if self._alternatives.move(place):
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        elif self._is_orbiting:
            self.is_in_camera = False
            self.orbit(-step.x() * _ORBIT_DEG_PER_PX, step.y() * _ORBIT_DEG_PER_PX)
            if self.is_side_by_side:
                self.refresh()
        elif self._is_panning:
            self.is_in_camera = False
            self.pan(step.x(), step.y(), 0, relative="view")
        else:
            joint = self._joint_under(place)
            alternative = self._alternatives.hover(place if joint is None else None)
            text = alternative if joint is None else joint_tip(self._session, joint, self.theme, can_drag=False)
            self.setCursor(Qt.CursorShape.PointingHandCursor if text else Qt.CursorShape.ArrowCursor)
            if text:
                QToolTip.showText(self.mapToGlobal(place).toPoint(), text, self)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._is_orbiting = self._is_panning = False
        if event.button() == Qt.MouseButton.LeftButton:
            self._alternatives.release(event.position())

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        self._alternatives.hover(None)

    def wheelEvent(self, event: QWheelEvent) -> None:
        self.is_in_camera = False
        self.opts["distance"] = min(max(self.opts["distance"] * 0.999 ** event.angleDelta().y(), 0.4), 40.0)
        self.update()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Leave keys to the window: pyqtgraph would take the arrows for itself."""
        event.ignore()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        event.ignore()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.set_angle(self.opts["fov"], self._aspect)
        self._legend.move(look.MARGIN, self.height() - self._legend.height() - look.MARGIN)

    def _joint_under(self, place: QPointF) -> int | None:
        """The joint that a place is near to; while alternatives are drawn, the one whose own ball is there: it must not take
        clicks from the thin limbs around."""
        places = self.joint_places()
        joint = nearest_joint(places, place.x(), place.y(), look.PICK_RADIUS)
        if joint is None or not self._alternatives.are_limbs:
            return joint
        off = np.linalg.norm(places[joint] - (place.x(), place.y()))
        return joint if off <= max(self._ball_px(joint), _SMALLEST_BALL_PX) else None

    def _ball_px(self, joint: int) -> float:
        """The radius of a predicted joint as it is drawn."""
        pose, session = predicted_in_scene(self._session, self._session.frame), self._session
        assert pose is not None
        is_hidden = session.hidden[session.frame, joint]
        radius = look.HIDDEN_JOINT_RADIUS_M if is_hidden else look.JOINT_RADIUS_M
        middle = pose[joint] + root_in_scene(session, session.frame)
        start, end = self.screen_places(np.stack((middle, middle + radius * self._right())))
        return float(np.linalg.norm(end - start))


def _is_place(root: NDArray[np.floating]) -> bool:
    """Whether a person is known to be there; where nobody tells, they are at the camera."""
    return float(np.linalg.norm(root)) > _LEAST_DISTANCE_M
