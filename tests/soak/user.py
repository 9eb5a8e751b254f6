"""Owns the random user: real mouse and key events, every action of the table, and whatever dialog comes up is answered."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import shiboken6
from PySide6.QtCore import QEventLoop, QObject, QPoint, QPointF, Qt, QTimer
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QMenu, QMessageBox, QWidget

from app.window.actions import ACTIONS
from app.window.main_window import MainWindow

_NOT_PRESSED = {
    "quit": "ends the program",
    "open_video": "detecting takes a detector's model",
}
_SHIFT, _CTRL, _PLAIN = Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier, Qt.KeyboardModifier.NoModifier
_KEYS = (
    Qt.Key.Key_Left, Qt.Key.Key_Right, Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_H, Qt.Key.Key_X, Qt.Key.Key_Space,
    Qt.Key.Key_BracketLeft, Qt.Key.Key_BracketRight, Qt.Key.Key_Escape, Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_C, Qt.Key.Key_B,
    Qt.Key.Key_Z, Qt.Key.Key_Up, Qt.Key.Key_Down, Qt.Key.Key_Delete,
)  # fmt: skip


def live(wait_ms: int) -> None:
    """Let the window live so long. QTest.qWait would keep the workers from Python's lock."""
    loop = QEventLoop()
    QTimer.singleShot(wait_ms, loop.quit)
    loop.exec()


def _soon(owner: QObject, call: Callable[[], object]) -> None:
    """Once the timer's slot has returned: what comes up then, as whether a file may be replaced, is answered by it too. A
    dialog that has been closed by then has no button that anybody could press."""

    def answer() -> None:
        if shiboken6.isValid(owner) and (not isinstance(owner, QWidget) or owner.isVisible()):
            call()

    QTimer.singleShot(0, answer)


class RandomUser(QObject):
    """Works in a window by a seed. files: what may be opened; folder: where things are saved. done: what was done, for the
    message of a failure."""

    def __init__(self, window: MainWindow, seed: int, files: list[Path], folder: Path) -> None:
        super().__init__()
        self._window, self._random = window, random.Random(seed)
        self._files, self._folder = files, folder
        self.done: list[str] = []
        self._steps = {
            self._click: 8, self._drag: 5, self._wheel: 4, self._press_key: 8, self._press_action: 6, self._undo: 4,
            self._scrub: 5, self._preset: 2, self._open: 1, self._tab: 2, self._resize: 1, self._wait: 3,
        }  # fmt: skip
        self._answering = QTimer(self)
        self._answering.setInterval(40)
        self._answering.timeout.connect(self._answer)
        self._answering.start()

    def step(self) -> None:
        """One thing that a person may do."""
        (step,) = self._random.choices([*self._steps], [*self._steps.values()])
        self.done.append(step.__name__)
        step()
        QApplication.processEvents()

    def stop(self) -> None:
        """Answer no dialog any more."""
        self._answering.stop()

    def _views(self) -> list[QWidget]:
        window = self._window
        views: list[QWidget | None] = [window.image_view, window.timeline, window.scene_view]
        return [view for view in views if view is not None and view.isVisible()]

    def _place(self, view: QWidget) -> QPoint:
        """Somewhere in a view, often on a joint if it shows any."""
        places = getattr(view, "joint_places", None)
        if places is not None and len(self._window.session) and self._random.random() < 0.6:
            x, y = self._random.choice([*places()])
            if x == x and 0 <= x < view.width() and 0 <= y < view.height():
                return QPoint(int(x), int(y))
        return QPoint(self._random.randrange(max(view.width(), 1)), self._random.randrange(max(view.height(), 1)))

    def _click(self) -> None:
        view = self._random.choice(self._views())
        keys = self._random.choice((_PLAIN, _PLAIN, _SHIFT, _CTRL))
        button = self._random.choice((Qt.MouseButton.LeftButton,) * 5 + (Qt.MouseButton.RightButton,))
        QTest.mouseClick(view, button, keys, self._place(view))

    def _drag(self) -> None:
        view = self._random.choice(self._views())
        keys = self._random.choice((_PLAIN, _PLAIN, _SHIFT))
        start, end = self._place(view), self._place(view)
        QTest.mousePress(view, Qt.MouseButton.LeftButton, keys, start)
        for share in (0.2, 0.6, 1.0):
            QTest.mouseMove(view, start + (end - start) * share)
            QApplication.processEvents()
        QTest.mouseRelease(view, Qt.MouseButton.LeftButton, keys, end)

    def _wheel(self) -> None:
        view = self._random.choice(self._views())
        place, step = QPointF(self._place(view)), self._random.choice((-120, 120))
        event = QWheelEvent(
            place, QPointF(view.mapToGlobal(place.toPoint())), QPoint(), QPoint(0, step), Qt.MouseButton.NoButton,
            self._random.choice((_PLAIN, _SHIFT)), Qt.ScrollPhase.NoScrollPhase, False,
        )  # fmt: skip
        QApplication.sendEvent(view, event)

    def _press_key(self) -> None:
        for _ in range(self._random.randrange(1, 6)):
            QTest.keyClick(self._window, self._random.choice(_KEYS), self._random.choice((_PLAIN, _PLAIN, _SHIFT, _CTRL)))

    def _press_action(self) -> None:
        name = self._random.choice([spec.name for spec in ACTIONS if spec.name not in _NOT_PRESSED])
        self.done[-1] += f" {name}"
        self._window.actions_by_name[name].trigger()

    def _undo(self) -> None:
        name = self._random.choice(("undo", "undo", "redo"))
        for _ in range(self._random.randrange(1, 5)):
            self._window.actions_by_name[name].trigger()

    def _scrub(self) -> None:
        session = self._window.session
        for _ in range(8):
            session.set_frame(self._random.randrange(max(len(session), 1)))
            QApplication.processEvents()

    def _preset(self) -> None:
        if self._window.session.clip is not None:
            self._window.editor.apply_preset(self._random.choice(("2 legs", "left arm", "1 random joint")))

    def _open(self) -> None:
        path = self._random.choice(self._files)
        self.done[-1] += f" {path.name}"
        self._window.file_handlers.open_path(path)

    def _tab(self) -> None:
        self._window.panels.setCurrentIndex(self._random.randrange(self._window.panels.count()))

    def _resize(self) -> None:
        self._window.resize(*self._random.choice(((1024, 700), (1280, 800), (1200, 760))))

    def _wait(self) -> None:
        live(self._random.randrange(20, 200))

    def _answer(self) -> None:
        """Whatever waits for an answer gets one: a file, one of its buttons, or Esc."""
        menu = QApplication.activePopupWidget()
        if isinstance(menu, QMenu):
            actions = [action for action in menu.actions() if action.isEnabled() and action.menu() is None and action.text()]
            menu.close()
            if actions and self._random.random() < 0.7:
                action = self._random.choice(actions)
                if action not in [self._window.actions_by_name[name] for name in _NOT_PRESSED]:
                    _soon(action, action.trigger)
            return
        dialog = QApplication.activeModalWidget()
        if isinstance(dialog, QFileDialog):
            self._answer_file(dialog)
        elif isinstance(dialog, QMessageBox):
            _soon(dialog, self._random.choice(dialog.buttons()).click)
        elif isinstance(dialog, QDialog):
            _soon(dialog, dialog.accept if self._random.random() < 0.6 else dialog.reject)

    def _answer_file(self, dialog: QFileDialog) -> None:
        if self._random.random() < 0.3:
            _soon(dialog, dialog.reject)
        elif dialog.acceptMode() == QFileDialog.AcceptMode.AcceptSave:
            dialog.selectFile(str(self._folder / f"saved-{self._random.randrange(5)}"))
            _soon(dialog, dialog.accept)
        else:
            dialog.selectFile(str(self._random.choice(self._files)))
            _soon(dialog, dialog.accept)
