"""Owns what is known of OpenGL on this computer: whether the scene can be drawn, and how smooth its edges may be."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache

from OpenGL import GL
from PySide6.QtGui import QGuiApplication, QOffscreenSurface, QOpenGLContext, QSurfaceFormat

_SMOOTH_SAMPLES = 4
_SOFTWARE = ("llvmpipe", "softpipe", "swrast", "swiftshader", "gdi generic", "software")
"""In the names of renderers that draw with the processor. Each pixel drawn four times would take them half of the time that a
frame has."""


@dataclass(frozen=True)
class _Found:
    version: tuple[int, int]
    renderer: str


def why_no_scene() -> str:
    """A sentence that says why 3D cannot be drawn here, or nothing when it can."""
    if QGuiApplication.platformName() in ("offscreen", "minimal"):
        return "The 3D scene needs a real or virtual display (Qt runs without one here); everything else works."
    if os.environ.get("MPM_VIEWER_NO_GL"):
        return "The 3D scene is switched off by MPM_VIEWER_NO_GL; everything else works."
    found = _look()
    if found is None:
        return "No OpenGL context can be had on this computer, so there is no 3D scene; everything else works."
    if found.version < (2, 1):
        version = ".".join(str(part) for part in found.version)
        return f"OpenGL {version} is too old for the 3D scene (2.1 is needed); everything else works."
    return ""


def scene_format() -> QSurfaceFormat:
    """For the scene alone: with several samples a pixel where a graphics card draws, with one where the processor does."""
    surface, found = QSurfaceFormat.defaultFormat(), _look()
    surface.setDepthBufferSize(24)
    surface.setSamples(0 if found is None or draws_in_software(found.renderer) else _SMOOTH_SAMPLES)
    return surface


def draws_in_software(renderer: str) -> bool:
    """Whether a renderer of this name (GL_RENDERER) is a program, not a graphics card."""
    return any(name in renderer.lower() for name in _SOFTWARE)


@lru_cache(maxsize=1)
def _look() -> _Found | None:
    """Once, as it takes a moment."""
    surface, context = QOffscreenSurface(), QOpenGLContext()
    surface.create()
    if not context.create() or not context.makeCurrent(surface):
        return None
    renderer = GL.glGetString(GL.GL_RENDERER) or b""
    context.doneCurrent()
    return _Found(context.format().version(), renderer.decode("utf-8", "replace"))
