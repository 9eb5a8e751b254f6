"""The window for a camera: its picture with keypoints, the 3D beside it, how far behind that is, and a clip at the end."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QComboBox, QDialog, QHBoxLayout, QLabel, QPushButton, QSplitter, QVBoxLayout, QWidget

from app.document.session import Session
from app.look.pictures import to_small_image
from app.look.theme import Theme
from app.views.graphics import why_no_scene
from app.views.image_view import ImageView
from app.views.scene_view import SceneView
from app.workers.live import LiveJob
from mpm_core.clip import Clip
from mpm_core.detectors import find_detector
from mpm_core.detectors.live import LiveFrame, LiveOptions, as_clip
from mpm_core.errors import UserError

_CAMERAS = ("0", "1", "2")
_SIZE = (960, 560)
_PICTURE_PX = 1280
_SOURCE_WIDTH = 160


class LiveDialog(QDialog):
    """Watches a camera. take: called with a Clip of everything that was seen since Start; whether it was taken."""

    def __init__(self, theme: Theme, take: Callable[[Clip], bool], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._take = take
        self.setWindowTitle("Webcam")
        self.resize(*_SIZE)
        self._session = Session()
        self._job = LiveJob()
        self._picture_size = (1, 1)
        self._is_pausing = False
        self._image = ImageView(self._session, theme)
        self._scene: QWidget = QLabel(why_no_scene())
        if not why_no_scene():
            scene = SceneView(self._session, theme)
            scene.follows_root = True
            self._scene = scene
        views = QSplitter(Qt.Orientation.Horizontal)
        views.addWidget(self._image)
        views.addWidget(self._scene)
        views.setSizes([_SIZE[0] // 2, _SIZE[0] // 2])
        layout = QVBoxLayout(self)
        layout.addWidget(views, 1)
        layout.addLayout(self._build_controls())
        self._job.answered.connect(self._show)
        self._job.failed.connect(self._note.setText)
        self._job.ended.connect(self._on_ended)
        self._show_running()

    def _build_controls(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self.source = QComboBox()
        self.source.setEditable(True)
        self.source.addItems(_CAMERAS)
        self.source.setMinimumWidth(_SOURCE_WIDTH)
        self.source.setToolTip("A camera's number, or the address of a stream")
        self.start_button, self.keep_button = QPushButton("Start"), QPushButton("Open as clip")
        self.start_button.setAutoDefault(False)
        self.keep_button.setAutoDefault(False)
        self.keep_button.setToolTip("Stops the camera and opens what was seen")
        self.start_button.clicked.connect(self._toggle)
        self.keep_button.clicked.connect(self._keep)
        self._note = QLabel()
        self._note.setProperty("role", "muted")
        row.addWidget(QLabel("Camera"))
        row.addWidget(self.source)
        row.addWidget(self.start_button)
        row.addWidget(self.keep_button)
        row.addWidget(self._note, 1)
        return row

    def note(self) -> str:
        """What is said about the speed, or what is wrong."""
        return self._note.text()

    def _toggle(self) -> None:
        self._is_pausing = self._job.is_running
        if self._job.is_running:
            self._job.pause()
            return
        self._note.setText("starting …")
        self._job.start(LiveOptions(self.source.currentText().strip()))
        self._show_running()

    def _show(self, frame: LiveFrame) -> None:
        if not self._job.is_running:
            return
        self._picture_size = (frame.picture.shape[1], frame.picture.shape[0])
        self._session.show_live(frame.clip, frame.prediction)
        self._image.set_picture(to_small_image(frame.picture, _PICTURE_PX))
        self._note.setText(f"{frame.latency_ms:.0f} ms behind the camera, {frame.per_second:.0f} frames/s")
        self._show_running()
        QTimer.singleShot(0, self._job.was_shown)  # after what is drawn now

    def _on_ended(self) -> None:
        if "behind" in self._note.text():
            self._note.setText("The camera has stopped." if self._is_pausing else "The stream has ended.")
        self._show_running()

    def _keep(self) -> None:
        self._job.pause()
        skeleton = find_detector(LiveOptions().detector).skeleton
        try:
            clip = as_clip(tuple(self._job.seen), self._picture_size, skeleton, f"camera {self.source.currentText()}")
        except UserError:
            self._note.setText("Nobody was seen, so there is nothing to open.")
            return
        if self._take(clip):
            self.accept()

    def _show_running(self) -> None:
        self.start_button.setText("Stop" if self._job.is_running else "Start")
        self.source.setEnabled(not self._job.is_running)
        self.keep_button.setEnabled(bool(self._job.seen))

    def done(self, result: int) -> None:
        """However the window goes away, the camera is given back."""
        self._job.stop()
        super().done(result)
