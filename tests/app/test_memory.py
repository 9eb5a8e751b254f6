"""What is over goes: dialogs that were answered, skeletons of answers that are not on show, what a worker was asked."""

import gc
import weakref

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtGui import QOpenGLContext
from PySide6.QtOpenGL import QOpenGLShaderProgram
from PySide6.QtWidgets import QApplication, QDialog

from app.views.capsules import SkeletonMesh
from app.views.graphics import start_drawing
from app.workers.lifters import load_lifter
from app.workers.newest_wins import NewestWins
from tests.app.conftest import WAIT_MS


def dialogs_of(window):
    return [dialog for dialog in window.findChildren(QDialog) if dialog is not window.reading_dialog]


def test_a_dialog_goes_when_it_has_been_answered(qtbot, demo_window):
    window, met = demo_window, []
    qtbot.waitUntil(lambda: not window.session.state.is_busy and window.session.renewal.marks is None, timeout=WAIT_MS)

    def answer():
        dialog = QApplication.activeModalWidget()
        if dialog is not None:
            met.append(type(dialog).__name__)
            dialog.reject()

    before = dialogs_of(window)
    timer = QTimer()
    timer.timeout.connect(answer)
    timer.start(30)
    for name in ("keys", "commands", "messages", "history", "export", "export_film", "save_mask"):
        met.clear()
        QTimer.singleShot(0, window.actions_by_name[name].trigger)
        qtbot.waitUntil(lambda: bool(met) and QApplication.activeModalWidget() is None, timeout=WAIT_MS)
        qtbot.waitUntil(lambda: dialogs_of(window) == before, timeout=WAIT_MS)
    timer.stop()


def test_skeletons_leave_the_scene_with_their_answers_and_share_their_shaders(qtbot, demo_window):
    window = demo_window
    if window.scene_view is None:
        pytest.skip("there is no scene without OpenGL")
    scene, kept = window.scene_view, window.session.kept

    def meshes():
        scene.drawn()
        return [item for item in scene.items if isinstance(item, SkeletonMesh)]

    before = len(meshes())
    for _ in range(3):
        window.actions_by_name["keep_answer"].trigger()
    assert len(kept.shown) == 3 and len(meshes()) == before + 3
    start_drawing()
    assert len(QOpenGLContext.currentContext().findChildren(QOpenGLShaderProgram)) == 1
    gone = weakref.ref(meshes()[-1])
    kept.set_shown(kept.answers[1].number, False)
    assert len(meshes()) == before + 2
    for _ in range(3):
        window.session.undo_stack.undo()
    assert len(meshes()) == before
    gc.collect()
    assert gone() is None


def test_a_worker_lets_go_of_what_it_was_asked(qtbot):
    class Request:
        pass

    done = []
    worker = NewestWins(lambda request: done.append(type(request)))
    worker.start()
    try:
        request = Request()
        gone = weakref.ref(request)
        worker.ask(request)
        del request
        qtbot.waitUntil(lambda: bool(done), timeout=WAIT_MS)
        qtbot.waitUntil(lambda: gone() is None, timeout=WAIT_MS)
    finally:
        worker.stop()


def test_workers_share_a_lifter_for_as_long_as_one_of_them_holds_it():
    first, second = load_lifter("tcn", "cpu"), load_lifter("tcn", "cpu")
    assert first is second and first.name == "tcn"
    assert load_lifter("stmo", "cpu") is not first
    gone = weakref.ref(first)
    del first, second
    gc.collect()
    assert gone() is None
