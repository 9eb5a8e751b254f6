"""Names over the views: of a joint under the mouse in the scene, and of the picture while arrows nudge what is selected."""

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QToolTip

from app.views.picture_place import name_box
from mpm_core.skeleton import MPM16
from tests.app.conftest import LEFT, WAIT_MS
from tests.app.test_window import place

WRIST = MPM16.index("LWrist")


def test_a_joint_under_the_mouse_in_the_scene_says_its_name(qtbot, demo_window):
    scene = demo_window.scene_view
    demo_window.session.set_frame(300)
    spot = place(scene, WRIST)

    def says_it():
        qtbot.mouseMove(scene, spot + QPoint(1, 0))  # again, if another window of the display took the pointer away
        qtbot.mouseMove(scene, spot)
        return "Left wrist" in QToolTip.text()

    qtbot.waitUntil(says_it, timeout=WAIT_MS)
    assert "error" in QToolTip.text() and scene.cursor().shape() == Qt.CursorShape.PointingHandCursor
    edge = QPoint(3, scene.height() // 2)

    def is_left():
        qtbot.mouseMove(scene, edge + QPoint(1, 0))
        qtbot.mouseMove(scene, edge)
        return scene.cursor().shape() == Qt.CursorShape.ArrowCursor

    qtbot.waitUntil(is_left, timeout=WAIT_MS)
    assert not demo_window.session.mask.any()


def test_what_arrows_do_is_written_over_all_of_the_pictures_name(qtbot, demo_window):
    view = demo_window.image_view
    demo_window.resize(1024, 700)
    qtbot.mouseClick(view, LEFT, Qt.KeyboardModifier.ControlModifier, place(view, WRIST))
    view.setFocus()
    picture = view.grab().toImage()
    box = name_box(view.name(), view.fontMetrics())
    right = QPoint(int(min(box.right(), view.width())) - 4, int(box.top()) + 3)
    assert picture.pixelColor(right).name() == view.theme.accent
