"""Owns the scene of a film: the window's scene, drawn into a buffer that nobody sees."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from OpenGL import GL
from pyqtgraph.opengl import GLGraphicsItem, GLLinePlotItem
from PySide6.QtCore import QPoint, QSize
from PySide6.QtGui import QImage, QPainter, QResizeEvent, QVector3D
from PySide6.QtOpenGL import QOpenGLFramebufferObject, QOpenGLFramebufferObjectFormat
from PySide6.QtWidgets import QWidget

from app.document.scene_positions import root_in_scene
from app.document.session import Session
from app.films.display import make_film_context
from app.look import theme as look
from app.look.theme import Theme
from app.views.scene_view import SceneView

_SAMPLES = 4
_USUAL_SIDE_PX = 720
"""The shorter one; of larger films text and legends are larger."""

_ROOM = 1.25
"""Times the person's way and height, of what is to be seen of a scene that does not go along."""

_PERSON_M = 1.9


class FilmScene(SceneView):
    """As large as its part of the film. Its items are drawn in a context of its own; text and legends over the finished
    picture, where they need no OpenGL."""

    def __init__(self, session: Session, theme: Theme, size: tuple[int, int]) -> None:
        self._gl, self._surface = make_film_context()
        super().__init__(session, theme)
        self.resize(*size)
        self._gl.makeCurrent(self._surface)  # a widget may have let it go
        whole = QOpenGLFramebufferObjectFormat()
        whole.setSamples(_SAMPLES)
        whole.setAttachment(QOpenGLFramebufferObject.Attachment.CombinedDepthStencil)
        self._buffer = QOpenGLFramebufferObject(QSize(*size), whole)
        self._resolved = QOpenGLFramebufferObject(QSize(*size))
        self._pixels = np.zeros((size[1], size[0], 4), np.uint8)
        for item in self.items:
            _blend_lines(item)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Nothing: its legends are placed when they are written."""

    def draw(self) -> NDArray[np.uint8]:
        """(height, width, 4) the frame at hand, valid until the next one."""
        self._gl.makeCurrent(self._surface)
        height, width = self._pixels.shape[:2]
        self._buffer.bind()
        GL.glViewport(0, 0, width, height)
        self.paint(region=(0, 0, width, height), viewport=(0, 0, width, height))
        self._buffer.release()
        QOpenGLFramebufferObject.blitFramebuffer(self._resolved, self._buffer)
        self._resolved.bind()
        GL.glReadPixels(0, 0, width, height, GL.GL_RGBA, GL.GL_UNSIGNED_BYTE, self._pixels)
        self._resolved.release()
        return self._pixels[::-1]

    def write_on(self, picture: QImage, left: int) -> None:
        """Text of the scene and its legends, where the scene begins at `left`."""
        larger = max(min(self.width(), self.height()) / _USUAL_SIDE_PX, 1.0)
        painter = QPainter(picture)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
        painter.setClipRect(left, 0, self.width(), self.height())
        painter.translate(left, 0)
        self.write_texts(painter, larger)
        for legend, is_below in ((self._key, False), (self._legend, True)):
            if not legend.isHidden():
                top = self.height() - (legend.height() + look.MARGIN) * larger if is_below else look.MARGIN * larger
                painter.save()
                painter.translate(look.MARGIN * larger, top)
                painter.scale(larger, larger)
                legend.render(painter, QPoint(), renderFlags=QWidget.RenderFlag.DrawChildren)
                painter.restore()
        painter.end()

    def set_angle(self, angle_deg: float, aspect: float = 0.0) -> None:
        """As it is: fit_view says what it is in this picture."""
        self.opts["fov"] = angle_deg

    def fit_view(self, distance: float | None, half_angle_deg: float | None = None) -> None:
        """Have the angle of the view across the shorter side of the picture, so that a wide one cuts nobody's head and feet.
        distance: metres to the person, None as it is."""
        narrow = math.tan(math.radians(self.opts["fov"] / 2 if half_angle_deg is None else half_angle_deg))
        across = narrow * self.width() / min(self.width(), self.height())
        self.opts["fov"] = math.degrees(2 * math.atan(across))
        if distance is not None:
            self.opts["distance"] = distance

    def stand_still(self, first: int, last: int, keeps_distance: bool) -> None:
        """Look at all of the way from a frame to another, both included, and stay there."""
        places = np.stack([root_in_scene(self._session, frame) for frame in range(first, last + 1)]).astype(float)
        low, high = places.min(0), places.max(0)
        self.opts["center"] = QVector3D(*(float(v) for v in (low + high) / 2))
        if not keeps_distance:
            reach = (float(np.linalg.norm(high - low)) + _PERSON_M) / 2 * _ROOM
            narrow = math.tan(math.radians(self.opts["fov"] / 2)) * min(1.0, self.height() / self.width())
            self.opts["distance"] = max(self.opts["distance"], reach / narrow)

    def close_gl(self) -> None:
        """Let everything of OpenGL go while its context is still there."""
        self._gl.makeCurrent(self._surface)
        del self._buffer, self._resolved
        self._gl.doneCurrent()


def _blend_lines(item: GLGraphicsItem.GLGraphicsItem) -> None:
    """Blend smooth lines as they are on a desktop's OpenGL: elsewhere they keep what they began with, adding up to white."""
    if isinstance(item, GLLinePlotItem):
        over = (GL.GL_SRC_ALPHA, GL.GL_ONE_MINUS_SRC_ALPHA, GL.GL_ONE, GL.GL_ONE_MINUS_SRC_ALPHA)
        item.updateGLOptions({"glBlendFunc": None, "glBlendFuncSeparate": over})
    for child in item.childItems():
        _blend_lines(child)
