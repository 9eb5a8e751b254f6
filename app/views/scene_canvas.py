"""Owns the widget that a scene is drawn in: by OpenGL into a buffer of its own, from which it is painted like any other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from OpenGL import GL
from pyqtgraph.opengl import GLTextItem
from pyqtgraph.opengl.GLGraphicsItem import GLGraphicsItem
from pyqtgraph.opengl.GLViewWidget import GLViewMixin
from PySide6.QtCore import QPointF, QRectF, QSize, Qt
from PySide6.QtGui import QFontMetricsF, QImage, QMatrix4x4, QPainter, QPaintEvent, QVector3D
from PySide6.QtOpenGL import QOpenGLFramebufferObject, QOpenGLFramebufferObjectFormat
from PySide6.QtWidgets import QWidget

from app.document.timers import single_shot
from app.views.graphics import start_drawing
from app.views.scene_legends import SolidityKey

Place = tuple[int, int, int, int]
"""x, y, width, height."""


class SceneText(GLTextItem):
    """shift_px: how far right of its place it is written, so that texts at one place do not cover one another; reach_px: how
    far to either side of its place these go. Where they would be under the key they are written beside it."""

    shift_px = reach_px = 0.0


class SceneCanvas(GLViewMixin, QWidget):
    """What pyqtgraph's GLViewWidget does, without QOpenGLWidget: where one of those is in a window, Qt puts the whole window
    together by OpenGL whatever has changed in it, which takes longer than the scene itself where the processor draws."""

    def __init__(self) -> None:
        self.aside_m = 0.0
        self._drawn: QImage | None = None
        self._is_behind = self._is_catching_up = False
        super().__init__()
        self.key: SolidityKey | None = None
        self._buffers: tuple[QOpenGLFramebufferObject, ...] = ()
        self._soon = single_shot(self, self.refresh)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)

    def viewMatrix(self) -> QMatrix4x4:
        """See GLViewWidget; with everything moved aside, so that what reaches to the right alone is in the middle."""
        aside = QMatrix4x4()
        aside.translate(-self.aside_m, 0.0, 0.0)
        return aside * super().viewMatrix()

    def isValid(self) -> bool:
        """False: items are made ready for OpenGL when they are drawn for the first time, not when they are added."""
        return False

    def update(self, *_: object) -> None:
        """Something in the scene is another."""
        self._drawn = None
        if not self._is_catching_up:
            super().update()

    def refresh(self, *_: object) -> None:
        """What the scene is of is another: its items are brought up to it once, when it is drawn, however much changes."""
        self._soon.stop()
        self._is_behind = True
        self.update()

    def refresh_soon(self, *_: object) -> None:
        """As refresh, but once everything else that waits to be painted has been: what a click changes beside the scene must
        not wait for it."""
        self._is_behind, self._drawn = True, None  # whoever asks for it before gets no older one
        self._soon.start()

    def bring_up(self) -> None:
        """Bring the items up to what they show; see refresh."""

    def paint(self, *, region: Place, viewport: Place, useItemNames: bool = False) -> None:
        """See GLViewWidget."""
        if self._is_behind:
            self._is_catching_up = True
            try:
                self.bring_up()
                self._is_behind = False  # what goes wrong leaves it behind: an old frame is never painted as the new one
            finally:
                self._is_catching_up = False
        prepare(self.items)
        super().paint(region=region, viewport=viewport, useItemNames=useItemNames)

    def paintEvent(self, event: QPaintEvent) -> None:
        drawn = self.drawn()  # what goes wrong in it must not leave a painter behind
        painter = QPainter(self)
        painter.drawImage(0, 0, drawn)
        painter.end()

    def drawn(self) -> QImage:
        """The scene as it is now, without the legends over it; drawn anew when something in it has changed."""
        ratio = self.devicePixelRatioF()
        size = self.size() * ratio
        if self._drawn is None or self._drawn.size() != size or self._drawn.devicePixelRatio() != ratio:
            self._drawn = self._draw(size)
            self._drawn.setDevicePixelRatio(ratio)
            painter = QPainter(self._drawn)
            painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
            self.write_texts(painter)
            painter.end()
        return self._drawn

    def _draw(self, size: QSize) -> QImage:
        samples = start_drawing()
        if not self._buffers or self._buffers[0].size() != size:
            self._buffers = _make_buffers(size, samples)
        whole, resolved = self._buffers[0], self._buffers[-1]
        whole.bind()
        GL.glViewport(0, 0, size.width(), size.height())
        self.paint(region=self.getViewport(), viewport=self.getViewport())
        whole.release()
        if resolved is not whole:
            QOpenGLFramebufferObject.blitFramebuffer(resolved, whole)
        drawn = resolved.toImage()
        drawn.reinterpretAsFormat(QImage.Format.Format_RGB32)  # what is see-through in it has been blended
        return drawn

    def drawItemTree(self, item: GLGraphicsItem | None = None, useItemNames: bool = False) -> None:
        """See GLViewWidget, which prints what goes wrong and goes on: nobody would see that something is lacking. Text comes
        over the finished picture, where it needs no OpenGL."""
        items = [top for top in self.items if top.parentItem() is None] if item is None else [*item.childItems(), item]
        for part in sorted(items, key=lambda one: one.depthValue()):
            if not part.visible() or isinstance(part, GLTextItem):
                continue
            if item is not None and part is item:
                item.paint()
                continue
            self._modelViewStack.append(self.currentModelView() * part.transform())
            self.drawItemTree(part)
            self._modelViewStack.pop()

    def write_texts(self, painter: QPainter, larger: float = 1.0) -> None:
        """Text of the scene, so many times its size."""
        for item, place in self.text_places(larger):
            font = item.font
            if larger != 1.0:
                font = type(font)(font)
                font.setPixelSize(round(font.pixelSize() * larger))
            painter.setPen(item.color)
            painter.setFont(font)
            painter.drawText(item.align_text(place), item.text)

    def text_places(self, larger: float = 1.0) -> Iterator[tuple[GLTextItem, QPointF]]:
        """The texts that are to be seen, and where each is in the widget."""
        covered = () if self.key is None or self.key.isHidden() else self.key.covered(larger)
        for item in self.items:
            if not isinstance(item, GLTextItem) or not item.visible():
                continue
            seen, shift = _on_screen(item, item.pos), 0.0
            if isinstance(item, SceneText):
                shift, high = item.shift_px * larger, QFontMetricsF(item.font).height() * larger
                wide = high + 2 * item.reach_px * larger
                row = QRectF(seen.x() - wide / 2, seen.y() - high / 2, wide, high)
                seen += _out_of(row, covered, self.width()) if item.reach_px else _below(row, covered)
            yield item, seen + QPointF(shift, 0.0)


def _out_of(row: QRectF, covered: Sequence[QRectF], width: float) -> QPointF:
    """By how much a row of several letters is to be moved so that it lies on nothing that is covered, in a view of that width:
    to the right where there is room, so that it goes along the edge while people walk by behind; else down."""
    whole = QRectF()
    for part in covered:
        whole = whole.united(part)
    if not whole.intersects(row):
        return QPointF()
    if whole.right() + row.width() <= width:
        return QPointF(whole.right() - row.left(), 0.0)
    return QPointF(0.0, whole.bottom() - row.top())


def _below(row: QRectF, covered: Sequence[QRectF]) -> QPointF:
    """The same of a letter by itself, which stays with whom it is over."""
    moved = QRectF(row)
    while under := next((part for part in covered if part.intersects(moved)), None):
        moved.moveTop(under.bottom())
    return moved.topLeft() - row.topLeft()


def _on_screen(item: GLTextItem, place: NDArray[np.floating]) -> QPointF:
    """Where a place of the scene is in the widget."""
    return item.compute_projection().map(QVector3D(*(float(v) for v in place))).toPointF()


def prepare(items: list[GLGraphicsItem]) -> None:
    """Make items ready for OpenGL that are not yet; its context is current."""
    for item in items:
        if not item.isInitialized():
            item.initialize()
        prepare(item.childItems())


def _make_buffers(size: QSize, samples: int) -> tuple[QOpenGLFramebufferObject, ...]:
    """What is drawn into, and where pixels have several samples also what those are put together in."""
    kind = QOpenGLFramebufferObjectFormat()
    kind.setSamples(samples)
    kind.setAttachment(QOpenGLFramebufferObject.Attachment.CombinedDepthStencil)
    whole = QOpenGLFramebufferObject(size, kind)
    return (whole, QOpenGLFramebufferObject(size)) if samples else (whole,)
