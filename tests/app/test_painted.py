"""What a person does is painted at once, not when something else happens to be drawn anew."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtGui import QImage, QWheelEvent
from PySide6.QtWidgets import QApplication

from tests.app.conftest import LEFT, WAIT_MS
from tests.app.test_corrections import CTRL, NO, SHIFT, drag


def pixels(image):
    """(height, width, 3)."""
    image = image.convertToFormat(QImage.Format.Format_RGB32)
    flat = np.frombuffer(image.constBits(), np.uint8)
    return flat.reshape(image.height(), image.width(), 4)[..., :3].astype(int)


def part_of(picture, widget):
    """What of a picture of the window shows a widget of it."""
    return pixels(picture.copy(QRect(widget.mapTo(widget.window(), QPoint(0, 0)), widget.size())))


def fresh(widget):
    """A widget as it would be painted now."""
    return part_of(widget.window().grab().toImage(), widget)


def on_screen(widget):
    """What was painted of a widget at last, whoever asked for it."""
    return part_of(widget.window().backingStore().paintDevice(), widget)


def wheel(widget, keys=NO):
    spot = QPointF(widget.width() / 2, widget.height() / 2)
    event = QWheelEvent(
        spot, widget.mapToGlobal(spot), QPoint(), QPoint(0, 240), Qt.MouseButton.NoButton, keys, Qt.ScrollPhase.NoScrollPhase,
        False,
    )  # fmt: skip
    QApplication.sendEvent(widget, event)


GESTURES = {
    "image_view": {
        "the wheel zooms": lambda qtbot, view: wheel(view),
        "a drag moves the picture": lambda qtbot, view: drag(qtbot, view, QPoint(4, 200), (50, 30)),
        "a double click shows all of it": lambda qtbot, view: qtbot.mouseDClick(view, LEFT, pos=QPoint(4, 200)),
        "Z follows the person": lambda qtbot, view: qtbot.keyClick(view.window(), Qt.Key.Key_Z),
        "a rubber band selects": lambda qtbot, view: drag(qtbot, view, QPoint(4, 40), (view.width() - 10, 300), CTRL),
        "a click beside lets go": lambda qtbot, view: qtbot.mouseClick(view, LEFT, pos=QPoint(4, 200)),
    },
    "timeline": {
        "the wheel zooms": lambda qtbot, view: wheel(view),
        "with Shift it scrolls": lambda qtbot, view: wheel(view, SHIFT),
        "a range": lambda qtbot, view: drag(qtbot, view, QPoint(300, 8), (120, 0), SHIFT),
        "a limb unfolds": lambda qtbot, view: qtbot.mouseClick(view, LEFT, pos=QPoint(12, int(view.lanes()[1].top + 6))),
    },
    "scene_view": {
        "a drag turns it": lambda qtbot, view: drag(qtbot, view, QPoint(8, 200), (60, 20)),
        "the wheel": lambda qtbot, view: wheel(view),
        "3 looks from above": lambda qtbot, view: qtbot.keyClick(view.window(), Qt.Key.Key_3),
    },
}


@pytest.mark.parametrize("name", GESTURES)
def test_what_a_person_does_is_painted_at_once(qtbot, demo_window, name):
    view, session = getattr(demo_window, name), demo_window.session
    session.set_frame(300)

    def is_painted():
        wanted, painted = fresh(view), on_screen(view)
        return wanted.shape == painted.shape and (np.abs(wanted - painted) <= 8).all()

    qtbot.waitUntil(is_painted, timeout=WAIT_MS)
    for what, do in GESTURES[name].items():
        before = fresh(view)
        do(qtbot, view)
        assert not np.array_equal(before, fresh(view)), what
        qtbot.waitUntil(is_painted, timeout=10_000)
