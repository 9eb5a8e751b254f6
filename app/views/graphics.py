"""Owns what is known of OpenGL on this computer: whether the scene can be drawn, and how smooth its edges may be."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache

from PySide6.QtGui import QGuiApplication, QOffscreenSurface, QOpenGLContext

_GL_RENDERER = 0x1F01  # of OpenGL's headers; PyOpenGL, which has its name, takes longer to import than the window may to show
_SMOOTH_SAMPLES = 4
_SOFTWARE = ("llvmpipe", "softpipe", "swrast", "swiftshader", "gdi generic", "software")
"""In the names of renderers that draw with the processor. Each pixel drawn four times would take them half of the time that a
frame has."""


@dataclass(frozen=True, eq=False)
class _Found:
    version: tuple[int, int]
    renderer: str
    context: QOpenGLContext
    surface: QOffscreenSurface


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


def make_context() -> tuple[QOpenGLContext, QOffscreenSurface] | None:
    """An OpenGL context that is current, and the surface that it needs; None where there is none."""
    surface, context = QOffscreenSurface(), QOpenGLContext()
    surface.create()
    shared = QOpenGLContext.globalShareContext()
    if shared is not None:  # programs of pyqtgraph's items are one for the whole process
        context.setShareContext(shared)
    if not context.create() or not context.makeCurrent(surface):
        return None
    return context, surface


def start_drawing() -> int:
    """Have the context of all scenes of the window's thread current. Returns with how many samples a pixel they are drawn:
    several where a graphics card draws, 0, for one, where the processor does."""
    found = _look()
    if found is None or not found.context.makeCurrent(found.surface):
        raise RuntimeError("the scene's OpenGL context is gone")
    return samples_of(found.renderer)


def samples_of(renderer: str) -> int:
    """See start_drawing; for a renderer of this name (GL_RENDERER)."""
    return 0 if draws_in_software(renderer) else _SMOOTH_SAMPLES


def draws_in_software(renderer: str) -> bool:
    """Whether a renderer of this name (GL_RENDERER) is a program, not a graphics card."""
    return any(name in renderer.lower() for name in _SOFTWARE)


@lru_cache(maxsize=1)
def _look() -> _Found | None:
    """Once, as it takes a moment."""
    made = make_context()
    if made is None:
        return None
    context, surface = made
    renderer = context.functions().glGetString(_GL_RENDERER) or ""
    return _Found(context.format().version(), renderer, context, surface)
