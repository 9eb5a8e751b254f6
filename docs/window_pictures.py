"""Owns a real window for pictures of the docs: opened, waited for, taken and closed."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from PySide6.QtCore import QEventLoop, QPoint, QRect, QSettings, Qt, QTimer
from PySide6.QtGui import QImage, QPainter, QSurfaceFormat
from PySide6.QtWidgets import QApplication, QWidget

from app.look.theme import DARK, Theme
from app.window.main_window import MainWindow

_SIZE = (1280, 800)
_TIMEOUT_S = 300.0
_HERE = Path(__file__).parent


@contextmanager
def shown_window(theme: Theme = DARK) -> Iterator[MainWindow]:
    """A window with settings of its own, in the one application that there can be."""
    app = QApplication.instance() or _application()
    with tempfile.TemporaryDirectory() as folder:
        window = MainWindow(QSettings(str(Path(folder) / "settings.ini"), QSettings.Format.IniFormat), theme)
        window.resize(*_SIZE)
        window.show()
        yield window
        window.may_close_unasked = True
        window.close()
    app.processEvents()


def _application() -> QApplication:
    os.environ["QT_SCALE_FACTOR"] = "1"
    surface = QSurfaceFormat()
    surface.setSamples(4)
    surface.setDepthBufferSize(24)
    QSurfaceFormat.setDefaultFormat(surface)
    QApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
    return QApplication(["mpm-viewer"])


def settle(window: MainWindow) -> None:
    """Until the answer on show is whole and drawn."""
    wait(300)
    until(lambda: window.session.prediction is not None and not window.session.state.is_busy)
    wait(1500)  # figures and curves come a little later


def wait(wait_ms: int) -> None:
    """Let the window live so long. QTest.qWait would keep the workers from Python's lock."""
    loop = QEventLoop()
    QTimer.singleShot(wait_ms, loop.quit)
    loop.exec()


def until(is_so: Callable[[], bool]) -> None:
    """Let the window live until something is so; TimeoutError where it does not come."""
    end = time.monotonic() + _TIMEOUT_S
    while not is_so():
        if time.monotonic() > end:
            raise TimeoutError("the window did not come to where a picture of it is taken")
        wait(50)


def shot(window: MainWindow, part: QWidget | None = None) -> QImage:
    """The window as it is on the screen, or a part of it."""
    area = QRect() if part is None else QRect(part.mapTo(window, QPoint(0, 0)), part.size())
    place = (0, 0, -1, -1) if part is None else (area.x(), area.y(), area.width(), area.height())
    return QApplication.primaryScreen().grabWindow(window.winId(), *place).toImage()


def save(name: str, *shots: QImage) -> None:
    """Write docs/NAME.png, of one or of several beside one another."""
    whole = QImage(sum(each.width() for each in shots), shots[0].height(), QImage.Format.Format_RGB32)
    painter = QPainter(whole)
    left = 0
    for each in shots:
        painter.drawImage(left, 0, each)
        left += each.width()
    painter.end()
    whole.save(str(_HERE / f"{name}.png"), "PNG", 0)
