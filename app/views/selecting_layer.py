"""The selecting layer of the image view: a rubber band or a lasso selects joints, arrow keys nudge them, a right click asks for
a menu. It lies over the view, looks at its events first, and draws what is being selected."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, QRectF, Qt, Signal
from PySide6.QtGui import QColor, QContextMenuEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF
from PySide6.QtWidgets import QWidget

from app.document.session import Session
from app.document.words import joints_in_words
from app.look import theme as look
from app.views.image_view import ImageView
from app.views.picture_place import name_box
from app.views.skeleton_item import nearest_bone, nearest_joint
from mpm_core.skeleton import LIMBS, MPM16

_CTRL, _SHIFT = Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.ShiftModifier
_ARROWS = {
    int(Qt.Key.Key_Left): (-1, 0),
    int(Qt.Key.Key_Right): (1, 0),
    int(Qt.Key.Key_Up): (0, -1),
    int(Qt.Key.Key_Down): (0, 1),
}
_FAST_PX = 10.0
_STILL_PX = 4.0
_BONE_RADIUS = 8.0
_HINT_MARGIN_PX = 8


class SelectingLayer(QWidget):
    """Tells what was selected; it changes nothing by itself."""

    selected = Signal(object)  # the joints that are selected from now on
    nudged = Signal(float, float)  # image pixels to the right and down
    menu_asked = Signal(object, QPoint)  # joints under the mouse, if any, and where on the screen

    def __init__(self, session: Session, view: ImageView) -> None:
        super().__init__(view)
        self._session, self._view = session, view
        self._band: list[QPointF] = []
        self._is_lasso = False
        self._pressed_beside: QPointF | None = None
        self._toggles = False
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.resize(view.size())
        view.installEventFilter(self)
        session.selection_changed.connect(self.update)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The view's events, before it has them; True for those that it shall not have."""
        kind = event.type()
        if kind == QEvent.Type.Resize:
            self.resize(self._view.size())
        elif kind in (QEvent.Type.FocusIn, QEvent.Type.FocusOut):
            self.update()
        elif not self._view.takes_edits:
            return False
        elif isinstance(event, QMouseEvent):
            return self._on_mouse(event)
        elif isinstance(event, QKeyEvent) and kind in (QEvent.Type.ShortcutOverride, QEvent.Type.KeyPress):
            return self._on_key(event)
        elif isinstance(event, QContextMenuEvent):
            self.menu_asked.emit(self._joints_at(QPointF(event.pos())), event.globalPos())
            return True
        return False

    def _on_mouse(self, event: QMouseEvent) -> bool:
        kind, place = event.type(), event.position()
        if kind == QEvent.Type.MouseButtonPress and event.button() == Qt.MouseButton.LeftButton:
            is_beside = nearest_joint(self._view.joint_places(), place.x(), place.y(), look.PICK_RADIUS) is None
            has_ctrl = bool(event.modifiers() & _CTRL)
            self._pressed_beside = place if is_beside and not event.modifiers() else None
            self._toggles = has_ctrl and not is_beside
            if is_beside and has_ctrl:
                self._band, self._is_lasso = [place], bool(event.modifiers() & _SHIFT)
                return True
        elif kind == QEvent.Type.MouseMove and self._band:
            self._band = [*self._band, place] if self._is_lasso else [self._band[0], place]
            self.update()
            return True
        elif kind == QEvent.Type.MouseMove and self._toggles:
            return True  # a click that selects is not the beginning of a drag
        elif kind == QEvent.Type.MouseButtonRelease and event.button() == Qt.MouseButton.LeftButton:
            self._toggles = False
            if self._band:
                self._finish()
                return True
            if self._pressed_beside is not None and (place - self._pressed_beside).manhattanLength() < _STILL_PX:
                self.selected.emit(frozenset())
            self._pressed_beside = None
        return False

    def _finish(self) -> None:
        """Select what lies inside too."""
        shape = self._shape()
        places = self._view.joint_places()
        found = {
            joint
            for joint in np.flatnonzero(np.isfinite(places).all(-1)).tolist()
            if shape.containsPoint(QPointF(*(float(v) for v in places[joint])), Qt.FillRule.OddEvenFill)
        }
        self._band = []
        self.update()
        self.selected.emit(self._session.selection | found)

    def _shape(self) -> QPolygonF:
        if self._is_lasso:
            return QPolygonF(self._band)
        return QPolygonF(QRectF(self._band[0], self._band[-1]).normalized())

    def _on_key(self, event: QKeyEvent) -> bool:
        step = _ARROWS.get(event.key())
        keys = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier
        clip = self._session.clip
        if step is None or keys & ~_SHIFT or not self._session.selection or clip is None or clip.keypoints is None:
            return False
        if event.type() == QEvent.Type.ShortcutOverride:
            event.accept()  # else the keys of frames would have it
            return True
        pixels = _FAST_PX if keys & _SHIFT else 1.0
        self.nudged.emit(step[0] * pixels, step[1] * pixels)
        return True

    def _joints_at(self, place: QPointF) -> frozenset[int]:
        """The joint under the mouse, else the limb whose bone is."""
        places = self._view.joint_places()
        joint = nearest_joint(places, place.x(), place.y(), look.PICK_RADIUS)
        if joint is not None:
            return frozenset({joint})
        child = nearest_bone(places, place.x(), place.y(), _BONE_RADIUS)
        limbs = [frozenset(MPM16.limb(limb)) for limb in LIMBS]
        return next((limb for limb in limbs if child in limb), frozenset())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        theme = self._view.theme
        if len(self._band) > 1:
            fill = QColor(theme.accent)
            fill.setAlpha(40)
            painter.setPen(QPen(QColor(theme.accent), 1.2))
            painter.setBrush(fill)
            painter.drawPolygon(self._shape())
        if self._view.hasFocus() and self._session.selection and self._view.takes_edits:
            self._draw_hint(painter)

    def _draw_hint(self, painter: QPainter) -> None:
        """What the arrows do now, as they do something else without a selection."""
        theme, name = self._view.theme, joints_in_words(self._session.selection)
        metrics, room = painter.fontMetrics(), self.width() - 4 * _HINT_MARGIN_PX
        texts = f"Arrows nudge: {name}  ·  a click beside lets go", f"Arrows nudge: {name}"
        text = next((text for text in texts if metrics.horizontalAdvance(text) <= room), texts[-1])
        box = QRectF(_HINT_MARGIN_PX, _HINT_MARGIN_PX, metrics.horizontalAdvance(text) + 14, metrics.height() + 6)
        box |= name_box(self._view.name(), metrics)  # of which nothing is to stand out
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.accent))
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(QColor(theme.accent_text))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, text)
