"""Owns Qt and OpenGL for a process that shows nothing: on Linux they need no display, where Mesa or a driver brings EGL."""

from __future__ import annotations

import ctypes
import ctypes.util
import os
import sys

from PySide6.QtCore import QCoreApplication, QMessageLogContext, Qt, QtMsgType, qInstallMessageHandler
from PySide6.QtGui import QGuiApplication, QOffscreenSurface, QOpenGLContext
from PySide6.QtWidgets import QApplication

from app.display import why_no_display
from app.views.graphics import make_context
from mpm_core.errors import UserError

_PLATFORM = "QT_QPA_PLATFORM"

# Qt's platform for embedded devices draws through EGL alone. Mesa's "surfaceless" platform has neither a screen nor windows to
# it, which is all that a film needs; the frame buffer's file is opened for nothing but its size, which is given here.
_WITHOUT_DISPLAY = {
    _PLATFORM: "eglfs",
    "EGL_PLATFORM": "surfaceless",
    "PYOPENGL_PLATFORM": "egl",
    "QT_QPA_EGLFS_INTEGRATION": "none",
    "QT_QPA_EGLFS_FB": os.devnull,
    "QT_QPA_EGLFS_WIDTH": "1280",
    "QT_QPA_EGLFS_HEIGHT": "720",
    "QT_QPA_EGLFS_PHYSICAL_WIDTH": "340",
    "QT_QPA_EGLFS_PHYSICAL_HEIGHT": "190",
    "QT_QPA_EGLFS_DISABLE_INPUT": "1",
    "QT_QPA_EGLFS_HIDECURSOR": "1",
}
_POINTS = 9

_EGL_PLATFORM_SURFACELESS = 0x31DD
_EGL_OPENGL_ES_API, _EGL_CONTEXT_MAJOR_VERSION, _EGL_NONE = 0x30A0, 0x3098, 0x3038

_NO_GL = (
    "the 3D scene cannot be drawn here: there is neither EGL (Debian: apt install libegl1 libgl1-mesa-dri) nor a display"
    " ('xvfb-run -a mpm render …' makes one); --view overlay needs neither"
)


def start_qt(needs_gl: bool) -> None:
    """Have a Qt that can draw, in 3D if that is needed; UserError that says what is missing. An application that is there
    already is taken as it is. It comes before PyOpenGL is imported, which asks for its platform only then."""
    if QCoreApplication.instance() is None:
        _choose_platform(needs_gl)
        qInstallMessageHandler(_keep_silent)
        QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
        app = QApplication([sys.argv[0]])
        font = app.font()
        font.setPointSize(_POINTS)  # where no desktop says otherwise, it is larger
        app.setFont(font)
        _applications.append(app)
    if needs_gl and QGuiApplication.platformName() in ("offscreen", "minimal"):
        raise UserError(_NO_GL)


_applications: list[QApplication] = []
"""What keeps Qt alive until the process ends."""


def _choose_platform(needs_gl: bool) -> None:
    if not sys.platform.startswith("linux"):
        return
    if os.environ.get(_PLATFORM, "") not in ("", "offscreen", "minimal"):
        return
    if _has_egl():
        os.environ.update(_WITHOUT_DISPLAY)
    elif needs_gl:
        os.environ.pop(_PLATFORM, None)
        if why_no_display():
            raise UserError(_NO_GL)
    else:
        os.environ[_PLATFORM] = "offscreen"


def _has_egl() -> bool:
    """Whether EGL gives a context without any display, asked before Qt is, which only aborts."""
    try:
        egl = ctypes.CDLL("libEGL.so.1")
        for name in ("eglGetPlatformDisplay", "eglCreateContext"):
            getattr(egl, name).restype = ctypes.c_void_p
    except (OSError, AttributeError):
        return False
    display = ctypes.c_void_p(egl.eglGetPlatformDisplay(_EGL_PLATFORM_SURFACELESS, None, None))
    if not display or not egl.eglInitialize(display, None, None) or not egl.eglBindAPI(_EGL_OPENGL_ES_API):
        return False
    wanted = (ctypes.c_int * 3)(_EGL_CONTEXT_MAJOR_VERSION, 3, _EGL_NONE)
    context = ctypes.c_void_p(egl.eglCreateContext(display, None, None, wanted))
    if not context:
        return False
    egl.eglDestroyContext(display, context)
    return True


def make_film_context() -> tuple[QOpenGLContext, QOffscreenSurface]:
    """An OpenGL context that is current, and the surface that it needs; UserError where there is none."""
    made = make_context()
    if made is None:
        raise UserError(_NO_GL)
    return made


def _keep_silent(kind: QtMsgType, context: QMessageLogContext, text: str) -> None:
    """Qt's platforms tell of screens and cursors that they lack; what goes wrong is found out and said above."""
