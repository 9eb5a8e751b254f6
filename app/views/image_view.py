"""The image view: the video frame or a blank image with the 2D skeleton on it; a click hides, a drag corrects.

While a video is looked at, it shows the preview instead.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QImage, QMouseEvent, QPainter, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QToolTip, QWidget

from app.document.preview import Preview
from app.document.session import Session
from app.look import theme as look
from app.look.theme import Theme
from app.views.backdrop_item import draw_backdrop
from app.views.horizon import draw_horizon
from app.views.joint_text import joint_tip
from app.views.others import NOBODY, PeopleOnShow, draw_others, nearest_person, others_on
from app.views.picture_place import PicturePlace, draw_name, flat_pose, person_box
from app.views.preview_item import draw_preview
from app.views.projected_item import draw_projected, projected
from app.views.region_tool import RegionTool, draw_region
from app.views.skeleton_item import SkeletonState, draw_skeleton, nearest_joint
from app.views.upright_tool import Line, UprightTool
from mpm_core.clip import Clip
from mpm_core.skeleton import MPM16
from mpm_core.suspicions import LOW_CONFIDENCE

_DRAG_PX = 5.0
# How much of the view a pose without an image fills.
_POSE_SHARE = 0.8


class ImageView(QWidget):
    """Draws the session's frame. Signals tell what the mouse did; it changes nothing by itself."""

    joint_clicked = Signal(int, bool, bool)  # joint, with Shift, with Ctrl
    joint_moved = Signal(int, float, float, bool)  # joint, x and y in image pixels, whether the drag begins here
    person_clicked = Signal(int)  # number of another person of the recording
    preview_changed = Signal(bool)  # whether a video is on show that is no clip yet
    region_drawn = Signal(int, int, int, int)  # left, top, width, height in image pixels
    upright_marked = Signal(float, float, float, float)  # x and y of both ends in image pixels
    upright_ended = Signal()  # marked or given up
    place_changed = Signal(bool)  # whether the person fills the view

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__()
        self._session = session
        self.theme = theme
        self.palette_name = "field"
        self._picture: QImage | None = None
        self.shows_answer = False
        self._picture_name, self._is_picture_old = "", False
        self._place = PicturePlace()
        self._person_of: tuple[Clip, NDArray[np.float64] | None] | None = None
        self._hovered: int | None = None
        self._pressed: tuple[int, QPointF] | None = None
        self._is_dragging = False
        self._panned_from: QPointF | None = None
        self._preview: Preview | None = None
        self._people: PeopleOnShow = NOBODY
        self._upright, self._region = UprightTool(), RegionTool()
        self.setMouseTracking(True)
        self.setMinimumSize(200, 160)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        for signal in (
            session.frame_changed, session.mask_changed, session.keypoints_changed, session.prediction_changed,
            session.selection_changed, session.options_changed, session.truth_changed, session.threshold_changed,
            session.camera_changed, session.up_changed, session.renewal.changed, self.place_changed,
        ):  # fmt: skip
            signal.connect(self.update)
        for signal in (session.frame_changed, session.keypoints_changed):
            signal.connect(self._forget_people)
        session.clip_changed.connect(self.reset_view)

    def sizeHint(self) -> QSize:
        return QSize(420, 420)

    def set_picture(self, picture: QImage | None) -> None:
        """The video frame to draw under the skeleton, or None for a blank image."""
        self._picture = picture
        self.update()

    def set_picture_old(self, is_old: bool) -> None:
        """Whether the picture on show belongs to another frame, while that of this frame is on its way."""
        self._is_picture_old = is_old
        self.update()

    def name_picture(self, name: str) -> None:
        """What the picture is of: it is written over it."""
        self._picture_name = name
        self.update()

    def reset_view(self) -> None:
        """What another clip begins with."""
        self._place.reset()
        self._picture, self._picture_name = None, ""
        self.end_upright()
        self.show_preview(None)
        self._forget_people()

    def show_person(self, fills: bool) -> None:
        """Whether the person fills the view, which follows; else the whole picture is on show, unless it was put by hand."""
        if fills:
            self._place.show_person()
        elif self._place.mode == "person":
            self._place.show_whole()
        self.place_changed.emit(self._place.mode == "person")

    @property
    def picture_place(self) -> tuple[str, float, QPointF]:
        """See PicturePlace.kept."""
        return self._place.kept

    def put_picture(self, mode: str, zoom: float, offset: QPointF) -> None:
        """What picture_place gave, another time."""
        self._place.put(mode, zoom, offset)
        self.place_changed.emit(self._place.mode == "person")

    def show_preview(self, preview: Preview | None) -> None:
        """A video's frame with everybody who was found on it, instead of the clip; None for the clip again."""
        if (preview is None) != (self._preview is None):
            self.end_upright()
            self.preview_changed.emit(preview is not None)
        self._preview = preview
        if preview is None:
            self.draw_region(False)
        self.update()

    def draw_region(self, is_drawing: bool) -> None:
        """Whether the next drag on the preview draws a region; a region that is there goes away."""
        self._region.begin(is_drawing)
        self.update()
        self.setCursor(Qt.CursorShape.CrossCursor if is_drawing else Qt.CursorShape.ArrowCursor)

    @property
    def has_picture(self) -> bool:
        """Whether there is something to see under the skeleton."""
        return self._picture is not None

    @property
    def takes_edits(self) -> bool:
        """Whether a clip is on show, and the mouse edits it."""
        return self._session.clip is not None and self._preview is None and not self._upright.is_on

    def begin_upright(self, lines: Sequence[Line]) -> None:
        """The next two clicks mark something upright; lines that were marked before are drawn beside it."""
        self._upright.begin(lines)
        self.setCursor(Qt.CursorShape.CrossCursor)
        self.update()

    def end_upright(self) -> bool:
        """Click joints again; whether something was being marked."""
        was_on = self._upright.is_on
        if was_on:
            self._upright.end()
            self.setCursor(Qt.CursorShape.ArrowCursor)
            self.update()
            self.upright_ended.emit()
        return was_on

    def _image_size(self) -> tuple[int, int]:
        """(width, height) of what is on show, in its own pixels."""
        if self._preview is not None:
            return self._preview.size
        clip = self._session.clip
        if clip is None and self._picture is not None:
            return self._picture.width(), self._picture.height()
        return (1, 1) if clip is None or clip.keypoints is None else clip.image_size

    def _forget_people(self, *_: object) -> None:
        self._people, self._person_of = NOBODY, None
        self.update()

    def _others(self) -> PeopleOnShow:
        """The other people on the frame, found anew when it changes."""
        if self._people is NOBODY:
            self._people = others_on(self._session)
        return self._people

    def _image_rect(self) -> QRectF:
        """Where the image lies in the widget."""
        clip, size = self._session.clip, self._image_size()
        person = None if clip is None or self._preview is not None else self._person(clip)
        return self._place.rect(size, self.size(), person)

    def _person(self, clip: Clip) -> NDArray[np.float64] | None:
        """Where the person of the frame is, looked up once."""
        if self._person_of is None or self._person_of[0] is not clip:
            self._person_of = (clip, person_box(clip, self._session.frame))
        return self._person_of[1]

    def _to_widget(self, pixels: NDArray[np.floating]) -> NDArray[np.float64]:
        """(..., 2) image pixels -> widget pixels."""
        rect = self._image_rect()
        return pixels * (rect.width() / self._image_size()[0]) + np.array([rect.x(), rect.y()])

    def _to_image(self, place: QPointF) -> tuple[float, float]:
        rect = self._image_rect()
        scale = self._image_size()[0] / rect.width()
        return (place.x() - rect.x()) * scale, (place.y() - rect.y()) * scale

    def joint_places(self) -> NDArray[np.float64]:
        """(16, 2) where the joints of the frame are drawn, in widget pixels; NaN where they are not."""
        clip, frame = self._session.clip, self._session.frame
        if clip is None:
            return np.full((len(MPM16), 2), np.nan)
        if clip.keypoints is None:
            return self._flat_places()
        completed = self._completed_places()
        measured = self._to_widget(clip.keypoints[frame].astype(np.float64))
        return np.where(clip.visible[frame][:, None], measured, completed)

    def _flat_places(self) -> NDArray[np.float64]:
        """A clip without 2D: its 3D as seen from the camera, without perspective, in the middle of the view."""
        clip, rect = self._session.clip, self._image_rect()
        assert clip is not None
        flat = flat_pose(clip, self._session.prediction, self._session.frame)
        return flat * (rect.width() * _POSE_SHARE / 2) + np.array([rect.center().x(), rect.center().y()])

    def _completed_places(self) -> NDArray[np.float64]:
        """(16, 2) the prediction as the camera sees it; NaN without one."""
        clip, prediction = self._session.clip, self._session.prediction
        if clip is None or prediction is None or prediction.task != "lift":
            return np.full((len(MPM16), 2), np.nan)
        return self._to_widget(projected(prediction, clip, self._session.frame))

    def _state(self) -> SkeletonState:
        session = self._session
        assert session.clip is not None
        hidden = session.hidden[session.frame]
        completed = np.where(hidden[:, None], self._completed_places(), np.nan)
        points = self.joint_places()
        if session.clip.keypoints is not None:
            points = np.where(session.clip.visible[session.frame][:, None], points, np.nan)
        doubtful = session.clip.visible[session.frame] & (session.clip.confidence[session.frame] < LOW_CONFIDENCE)
        old = session.renewal.is_outdated(session.frame)
        return SkeletonState(points, hidden, doubtful, completed, session.selection, self._hovered, old)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(self.theme.window))
        clip = self._session.clip
        if self._preview is not None:
            self._paint_preview(painter, self._preview)
            return
        if clip is None:
            if self._picture is not None:  # a camera that sees nobody
                painter.drawImage(self._image_rect(), self._picture)
            return
        rect = self._image_rect()
        if clip.keypoints is None:
            painter.fillRect(self.rect(), QColor(self.theme.scene))
        else:
            draw_backdrop(painter, self._picture, rect, self._is_picture_old, self.theme)
        others = self._others()
        if clip.keypoints is not None:
            draw_horizon(painter, clip.camera, self._session.up, rect, self._to_widget, self.theme)
        draw_others(painter, self._to_widget(others.poses), others.numbers, self.theme)
        self._draw_answer(painter)
        draw_skeleton(painter, self._state(), self.theme, self.theme.palettes[self.palette_name])
        draw_name(painter, self.name(), self.theme)
        if self._upright.is_on:
            self._upright.paint(painter, QRectF(self.rect()), self._to_widget, self.theme)

    def _draw_answer(self, painter: QPainter) -> None:
        clip, prediction, frame = self._session.clip, self._session.prediction, self._session.frame
        if self.shows_answer and clip is not None and prediction is not None:
            depths = prediction.positions[frame][:, 2]
            points = self._to_widget(projected(prediction, clip, frame))
            draw_projected(painter, points, depths, self.theme, self.theme.palettes[self.palette_name])

    def name(self) -> str:
        """What is written over the picture: what is on show, and how much of it."""
        clip = self._session.clip
        if clip is None or clip.keypoints is None:
            return "3D from the camera"
        words = "loading the picture …" if self._is_picture_old else self._place.words()
        return f"{self._picture_name or '2D keypoints'}  ·  {words}"

    def _paint_preview(self, painter: QPainter, preview: Preview) -> None:
        draw_preview(painter, preview, self._image_rect(), self.theme, self.theme.palettes[self.palette_name])
        if self._region.corners is not None:
            draw_region(painter, self._to_widget(self._region.corners), self.theme)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        place = event.position()
        if event.button() == Qt.MouseButton.MiddleButton:
            self._panned_from = place
        if event.button() != Qt.MouseButton.LeftButton:
            return
        if self._upright.is_on:
            self._mark(place)
            return
        if self._region.is_on and self._preview is not None:
            self._region.press(*self._to_image(place))
            return
        if self._session.clip is None or self._preview is not None:
            self._panned_from = place
            return
        joint = nearest_joint(self.joint_places(), place.x(), place.y(), look.PICK_RADIUS)
        if joint is None:
            others = self._others()
            person = nearest_person(self._to_widget(others.poses), place.x(), place.y())
            if person is None:
                self._panned_from = place
            else:
                self.person_clicked.emit(others.numbers[person])
            return
        self._pressed, self._is_dragging = (joint, place), False
        self._place.hold(self._image_rect())
        keys = event.modifiers()
        self.joint_clicked.emit(
            joint, bool(keys & Qt.KeyboardModifier.ShiftModifier), bool(keys & Qt.KeyboardModifier.ControlModifier)
        )

    def _mark(self, place: QPointF) -> None:
        line = self._upright.press(*self._to_image(place))
        self.update()
        if line is not None:
            self.end_upright()
            self.upright_marked.emit(*line)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        place = event.position()
        if self._upright.is_on and self._panned_from is None:
            self._upright.move(*self._to_image(place))
            self.update()
        elif self._region.is_on and self._region.corners is not None:
            self._region.move(*self._to_image(place))
            self.update()
        elif self._panned_from is not None:
            self._place.pan(place - self._panned_from, self._image_rect(), self.size(), self._image_size())
            self._panned_from = place
            self.place_changed.emit(self._place.mode == "person")
        elif self._pressed is not None:
            self._drag(place)
        else:
            self._hover(place)

    def _drag(self, place: QPointF) -> None:
        assert self._pressed is not None
        joint, start = self._pressed
        clip = self._session.clip
        if clip is None or clip.keypoints is None:
            return
        if not self._is_dragging and (place - start).manhattanLength() < _DRAG_PX:
            return
        begins, self._is_dragging = not self._is_dragging, True
        x, y = self._to_image(place)
        self.joint_moved.emit(joint, x, y, begins)

    def _hover(self, place: QPointF) -> None:
        joint = None
        if self._session.clip is not None and self._preview is None:
            joint = nearest_joint(self.joint_places(), place.x(), place.y(), look.PICK_RADIUS)
        if joint != self._hovered:
            self._hovered = joint
            self.setCursor(Qt.CursorShape.ArrowCursor if joint is None else Qt.CursorShape.PointingHandCursor)
            self.update()
        if joint is not None:
            QToolTip.showText(self.mapToGlobal(place).toPoint(), joint_tip(self._session, joint, self.theme, True), self)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._pressed, self._is_dragging, self._panned_from = None, False, None
        self._place.hold(None)
        self.update()
        if self._region.is_on and self._region.corners is not None:
            region = self._region.finish(self._image_size())
            self.setCursor(Qt.CursorShape.ArrowCursor)
            self.region_drawn.emit(*region)

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:
        """On the background: the whole image again. On a joint, or while something is marked: a second click."""
        place = event.position()
        if self._upright.is_on:
            self.mousePressEvent(event)
            return
        joint = nearest_joint(self.joint_places(), place.x(), place.y(), look.PICK_RADIUS)
        if self._preview is not None or joint is None:
            self._place.show_whole()
            self.place_changed.emit(self._place.mode == "person")
        else:
            self.mousePressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:
        """Zoom about the mouse."""
        steps = event.angleDelta().y() / 120
        self._place.zoom(steps, event.position(), self._image_rect(), self.size(), self._image_size())
        self.place_changed.emit(self._place.mode == "person")

    def leaveEvent(self, event: object) -> None:
        self._hovered = None
        self.update()
