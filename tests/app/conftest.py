"""The real window, on the demo or empty, with settings of its own."""

from __future__ import annotations

import functools
import time

import numpy as np
import pytest
from PySide6.QtCore import QCoreApplication, QEvent, QSettings, Qt, QTimer
from PySide6.QtWidgets import QApplication

from app.document.document import Document
from app.document.editor import Editor
from app.document.session import Session
from app.look.theme import DARK
from app.panels.together_dialog import TogetherDialog
from app.window.main_window import MainWindow
from app.workers.lifting import LiftJob
from mpm_core import Clip, read_clip, write
from mpm_core.assets import find_asset
from mpm_core.errors import UserError
from mpm_core.lifters import load_lifter
from mpm_core.skeleton import MPM16
from tests.cameras import as_toml, camera_at, seen_by
from tests.squares import SIZE
from tests.videos import write_video

WAIT_MS = 120_000
"""However busy a machine is; whoever waits goes on as soon as it is so."""
LEFT = Qt.MouseButton.LeftButton
VIEW_FRAMES = 80
"""Of what two calibrated cameras saw."""

FRAMES = 50
"""Of the video of squares."""


@pytest.fixture
def settings(tmp_path):
    return QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)


def close_unasked(window):
    """Closing must not ask about what a test has changed."""
    window.may_close_unasked = True


@functools.cache
def shared_lifter(name, device):
    """Loaded once for all windows: a lifter does not change."""
    return load_lifter(name, device)


@pytest.fixture
def window(qtbot, settings, monkeypatch):
    """An empty window on screen. What it says stays, however long a busy machine takes until a test looks."""
    monkeypatch.setattr("app.window.messages._MS_A_LETTER", 10_000)
    monkeypatch.setattr("app.workers.lifting.load_lifter", shared_lifter)
    window = MainWindow(settings, DARK)
    qtbot.addWidget(window, before_close_func=close_unasked)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow, timeout=WAIT_MS)  # shortcuts work in the active window alone
    yield window
    forget(window)


def forget(window):
    """Let a window that is closed go. Its parts know one another by way of Qt, where Python's garbage collector does not look:
    each window would keep 80 MB."""
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    window.__dict__.clear()


def show_panel(window, name):
    """Bring the panel of a name to the front."""
    panels = window.panels
    panels.setCurrentIndex(next(n for n in range(panels.count()) if panels.tabText(n) == name))


def every_error(session):
    """(frames, 16) mm of the answer on show."""
    return np.stack([session.errors_at(frame) for frame in range(len(session))])


def save_and_reopen(qtbot, window, monkeypatch, path):
    """Save the document as a project, and open that."""
    monkeypatch.setattr("app.window.project_handlers.ask_where", lambda *_: path)
    window.actions_by_name["save"].trigger()
    qtbot.waitUntil(lambda: window.document.path == path and not window.document.is_unsaved(), timeout=WAIT_MS)
    before = window.session.clip
    window.file_handlers.open_path(path)
    qtbot.waitUntil(lambda: window.session.clip is not None and window.session.clip is not before, timeout=WAIT_MS)


def stop_answers(monkeypatch):
    """From now on no answer comes: each question waits until there is a newer one, or the window closes."""

    def wait(job, _):
        while not job._thread.is_outdated():
            time.sleep(0.005)
        raise UserError("no answer comes in this test")

    monkeypatch.setattr(LiftJob, "_task_for", wait)


def wait_for_lift(qtbot, window):
    """Until the prediction belongs to the mask on show."""

    def is_lifted():  # without assert, which would print the whole answer every time that it is not there yet
        session = window.session
        prediction = session.prediction
        return prediction is not None and not session.state.is_busy and np.array_equal(prediction.hidden, session.hidden)

    qtbot.waitUntil(is_lifted, timeout=WAIT_MS)


@pytest.fixture
def demo_window(qtbot, window):
    """The window with the demo open and lifted."""
    window.opener.open_demo()
    qtbot.waitUntil(lambda: window.session.clip is not None, timeout=WAIT_MS)
    wait_for_lift(qtbot, window)
    return window


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return write_video(tmp_path_factory.mktemp("video") / "squares.mp4", np.arange(FRAMES) / 25, SIZE)


@pytest.fixture
def chosen(qtbot, window, squares, cache, video):
    """The window with a video chosen, and the detector of squares."""
    panel = window.video_panel
    panel._detector.addItem(squares.label, squares.name)
    window.file_handlers.open_path(video)
    qtbot.waitUntil(lambda: window.detect_job.video is not None, timeout=WAIT_MS)
    panel._detector.setCurrentIndex(panel._detector.findData("squares"))
    panel._show_detector()
    return window


@pytest.fixture
def detected(qtbot, chosen):
    """The same with what was found open and lifted."""
    qtbot.mouseClick(chosen.video_panel.detect_button, LEFT)
    qtbot.waitUntil(lambda: chosen.session.clip is not None, timeout=WAIT_MS)
    wait_for_lift(qtbot, chosen)
    return chosen


@pytest.fixture
def fan(monkeypatch):
    from tests.app.fan import Fan  # which needs what is above

    fan = Fan()
    fan.loads = 0

    def load(device):
        fan.loads += 1
        return fan

    monkeypatch.setattr("app.workers.alternatives.load_alternatives", load)
    return fan


@pytest.fixture
def arm_window(qtbot, fan, demo_window):
    """The left arm is hidden in frames 280 to 330, and the cursor there."""
    session = demo_window.session
    session.set_frame(300)
    demo_window.editor.set_hidden(MPM16.indices(("LElbow", "LWrist")), 280, 330, True)
    wait_for_lift(qtbot, demo_window)
    return demo_window


@pytest.fixture
def session(qapp, demo):
    """A short clip, without a window."""
    session = Session()
    session.open_clip(Clip.from_arrays(demo.keypoints[:100], demo.image_size, 50, source="walk.json"))
    return session


@pytest.fixture
def document(qapp, session):
    document = Document(session)
    document.mark_opened()
    return document


@pytest.fixture
def editor(session):
    return Editor(session)


@pytest.fixture(scope="session")
def motion():
    """(frames, 16, 3) in the axes of the first camera."""
    return read_clip(find_asset("demo/demo.npz")).to_mpm16().ground_truth[100 : 100 + VIEW_FRAMES]


@pytest.fixture
def folder(tmp_path, motion):
    """Two cameras' clips, whose detectors err by a pixel, and their calibration."""
    cameras = camera_at(motion, 0, "cam01"), camera_at(motion, 80, "cam02")
    for n, camera in enumerate(cameras):
        write(seen_by(camera, motion, noise_px=1.0, seed=n), tmp_path / f"{camera.name}.npz")
    (tmp_path / "calib.toml").write_text(as_toml(*cameras))
    return tmp_path


@pytest.fixture
def first_window(qtbot, window, folder):
    """The window with the first camera's clip open and lifted."""
    window.file_handlers.open_path(folder / "cam01.npz")
    qtbot.waitUntil(lambda: window.session.clip is not None, timeout=WAIT_MS)
    wait_for_lift(qtbot, window)
    return window


@pytest.fixture
def ask(qtbot, first_window):
    """Opens the dialog from the panel, and hands it to somebody; when they are done with it, it is closed."""

    def ask(person):
        failed = []

        def sit_down():
            dialog = QApplication.activeModalWidget()
            try:
                assert isinstance(dialog, TogetherDialog)
                person(dialog)
            except BaseException as error:
                failed.append(error)
            finally:
                if dialog is not None and dialog.isVisible():
                    dialog.reject()

        QTimer.singleShot(0, sit_down)
        show_panel(first_window, "Lifting")
        qtbot.mouseClick(first_window.lifting_panel.together_button, LEFT)
        if failed:
            raise failed[0]

    return ask
