"""Owns the geometry and the drawing of 3D skeletons: capsules for bones, spheres for joints, in one vertex buffer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from OpenGL import GL
from pyqtgraph.opengl.GLGraphicsItem import GLGraphicsItem
from PySide6.QtGui import QColor, QMatrix4x4, QOpenGLContext, QVector4D
from PySide6.QtOpenGL import QOpenGLBuffer, QOpenGLShader, QOpenGLShaderProgram

from app.look.theme import rgb
from mpm_core.capsules import axes_along, unit_capsule
from mpm_core.skeleton import MPM16

_RIM = 0.8  # cosine of the angle between surface and eye, from which on a rim has the outline's colour

_PROGRAM = "skeletons"

_SIDES, _RINGS = 12, 4
_FLOATS = 10  # position, normal, colour, hollowness

_VERTEX_SHADER = """
attribute vec3 a_position;
attribute vec3 a_normal;
attribute vec3 a_colour;
attribute float a_hollow;
uniform mat4 u_mvp;
uniform mat4 u_model_view;
varying vec3 v_normal;
varying vec3 v_place;
varying vec3 v_colour;
varying float v_hollow;
void main() {
    v_normal = (u_model_view * vec4(a_normal, 0.0)).xyz;
    v_place = (u_model_view * vec4(a_position, 1.0)).xyz;
    v_colour = a_colour;
    v_hollow = a_hollow;
    gl_Position = u_mvp * vec4(a_position, 1.0);
}
"""

# Hollow parts keep only their rim as seen from the camera: an outline that looks the same from every side.
_FRAGMENT_SHADER = """
#ifdef GL_ES
precision highp float;
#endif
uniform float u_alpha;
uniform vec4 u_outline;
varying vec3 v_normal;
varying vec3 v_place;
varying vec3 v_colour;
varying float v_hollow;
void main() {
    vec3 normal = normalize(v_normal);
    vec3 to_eye = normalize(-v_place);
    float facing = abs(dot(normal, to_eye));
    if (v_hollow > 0.5 && facing > 0.62) discard;
    float key = max(dot(normal, normalize(vec3(0.35, 0.75, 0.6))), 0.0);
    vec3 colour = v_colour * (0.58 + 0.42 * key) + vec3(0.10) * pow(key, 8.0);
    colour = mix(colour, v_colour, v_hollow);
    if (facing < u_outline.a) colour = u_outline.rgb;
    gl_FragColor = vec4(colour, u_alpha);
}
"""


_DIRECTIONS, _ENDS, _FACES = unit_capsule(_SIDES, _RINGS)
_DIRECTIONS = _DIRECTIONS.astype(np.float32)
_PARTS = len(MPM16.bones) + len(MPM16)
_ALL_FACES = (_FACES[None] + (np.arange(_PARTS) * len(_DIRECTIONS))[:, None, None]).reshape(-1, 3).astype(np.uint32)


def build_vertices(
    points: NDArray[np.floating],
    colours: NDArray[np.floating],
    hollow: NDArray[np.bool_],
    bone_radius: float,
    joint_radius: NDArray[np.floating],
) -> NDArray[np.float32]:
    """(vertices, 10) floats for a pose: points (16, 3) metres, colours (16, 3), hollow (16,), joint_radius (16,) metres.

    A bone takes the colour of its child and is hollow when either end is. Joints at NaN, and their bones, collapse to
    nothing.
    """
    parents, children = (np.array(side) for side in zip(*MPM16.bones, strict=True))
    start = np.concatenate((points[parents], points))
    end = np.concatenate((points[children], points))
    radius = np.concatenate((np.full(len(parents), bone_radius), joint_radius))
    colour = np.concatenate((colours[children], colours))
    is_hollow = np.concatenate((hollow[parents] | hollow[children], hollow)).astype(np.float32)
    gone = ~np.isfinite(start + end).all(1)
    start, end = np.where(gone[:, None], 0, start), np.where(gone[:, None], 0, end)
    radius = np.where(gone, 0, radius)
    axes = axes_along(end - start)  # (parts, 3, 3)
    count = len(_DIRECTIONS)
    out = np.empty((len(start), count, _FLOATS), np.float32)
    normal = np.matmul(_DIRECTIONS, axes.transpose(0, 2, 1).astype(np.float32))  # (parts, vertices, 3)
    ends = np.where(_ENDS[None, :, None] > 0, end[:, None], start[:, None])
    out[..., 0:3], out[..., 3:6] = ends + normal * radius[:, None, None], normal
    out[..., 6:9], out[..., 9] = colour[:, None], is_hollow[:, None]
    return out.reshape(-1, _FLOATS)


def build_ellipsoids(
    centres: NDArray[np.floating], shapes: NDArray[np.floating], colours: NDArray[np.floating]
) -> NDArray[np.float32]:
    """(vertices, 10) floats for at most as many ellipsoids as a skeleton has parts: centres (n, 3) metres, shapes (n, 3, 3)
    what turns a unit sphere to each, symmetric and of full rank, metres; colours (n, 3)."""
    out = np.zeros((len(centres), len(_DIRECTIONS), _FLOATS), np.float32)
    out[..., 0:3] = centres[:, None] + _DIRECTIONS @ shapes
    normal = _DIRECTIONS @ np.linalg.inv(shapes)
    out[..., 3:6] = normal / np.linalg.norm(normal, axis=-1, keepdims=True)
    out[..., 6:9] = colours[:, None]
    return out.reshape(-1, _FLOATS)


def _program_of(context: QOpenGLContext) -> QOpenGLShaderProgram:
    """The skeletons' shaders: once for each context, as a driver takes up to 2 MB for each program, and gone with it."""
    program = context.findChild(QOpenGLShaderProgram, _PROGRAM)
    if program is not None:
        return program
    program = QOpenGLShaderProgram(context)
    program.setObjectName(_PROGRAM)
    program.addShaderFromSourceCode(QOpenGLShader.ShaderTypeBit.Vertex, _VERTEX_SHADER)
    program.addShaderFromSourceCode(QOpenGLShader.ShaderTypeBit.Fragment, _FRAGMENT_SHADER)
    for place, name in enumerate(("a_position", "a_normal", "a_colour", "a_hollow")):
        program.bindAttributeLocation(name, place)
    if not program.link():
        reason = program.log()
        program.setParent(None)
        raise RuntimeError(f"the skeleton's shaders do not link: {reason}")
    return program


class SkeletonMesh(GLGraphicsItem):
    """A pose in the scene. With alpha below one it is drawn see-through, but never through itself. `outline`: the colour of its
    rim as seen from the camera, or None."""

    def __init__(self, alpha: float = 1.0, outline: QColor | None = None) -> None:
        super().__init__()
        self.outline = outline
        self.setGLOptions("opaque" if alpha >= 1 else "translucent")
        self._alpha = alpha
        self._vertices = np.zeros((0, _FLOATS), np.float32)
        self._is_new = False
        self._program: QOpenGLShaderProgram | None = None
        self._vertex_buffer = QOpenGLBuffer(QOpenGLBuffer.Type.VertexBuffer)
        self._index_buffer = QOpenGLBuffer(QOpenGLBuffer.Type.IndexBuffer)

    def set_vertices(self, vertices: NDArray[np.float32]) -> None:
        """Show what build_vertices or build_ellipsoids made."""
        self._vertices, self._is_new = vertices, True
        self.update()

    def initializeGL(self) -> None:
        self._program = _program_of(QOpenGLContext.currentContext())
        self._index_buffer.create()
        self._index_buffer.bind()
        self._index_buffer.allocate(_ALL_FACES.tobytes(), _ALL_FACES.nbytes)
        self._index_buffer.release()
        self._vertex_buffer.create()

    def paint(self) -> None:
        if self._program is None or not len(self._vertices):
            return
        self.setupGLState()
        self._upload()
        self._program.bind()
        self._program.setUniformValue(self._program.uniformLocation("u_mvp"), QMatrix4x4(self.mvpMatrix()))
        self._program.setUniformValue(self._program.uniformLocation("u_model_view"), QMatrix4x4(self.modelViewMatrix()))
        self._program.setUniformValue1f(self._program.uniformLocation("u_alpha"), self._alpha)
        rim = QVector4D()  # none
        if self.outline is not None:
            red, green, blue = rgb(self.outline).tolist()
            rim = QVector4D(red, green, blue, _RIM)
        self._program.setUniformValue(self._program.uniformLocation("u_outline"), rim)
        corners = _FACES.size * (len(self._vertices) // len(_DIRECTIONS))
        self._vertex_buffer.bind()
        self._index_buffer.bind()
        for place, (offset, size) in enumerate(((0, 3), (3, 3), (6, 3), (9, 1))):
            self._program.enableAttributeArray(place)
            self._program.setAttributeBuffer(place, GL.GL_FLOAT, offset * 4, size, _FLOATS * 4)
        GL.glEnable(GL.GL_CULL_FACE)  # the far side of a part is behind its near one
        if self._alpha < 1:
            # First the depth alone, so that only the nearest surface is blended and inner ones do not shine through.
            GL.glColorMask(False, False, False, False)
            GL.glDrawElements(GL.GL_TRIANGLES, corners, GL.GL_UNSIGNED_INT, None)
            GL.glColorMask(True, True, True, True)
            GL.glDepthFunc(GL.GL_LEQUAL)
        GL.glDrawElements(GL.GL_TRIANGLES, corners, GL.GL_UNSIGNED_INT, None)
        GL.glDepthFunc(GL.GL_LESS)
        GL.glDisable(GL.GL_CULL_FACE)
        for place in range(4):
            self._program.disableAttributeArray(place)
        self._index_buffer.release()
        self._vertex_buffer.release()
        self._program.release()

    def _upload(self) -> None:
        if not self._is_new:
            return
        self._vertex_buffer.bind()
        self._vertex_buffer.allocate(self._vertices.tobytes(), self._vertices.nbytes)
        self._vertex_buffer.release()
        self._is_new = False
