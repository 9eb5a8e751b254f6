"""Owns what the actions do: each method is named in the table of actions."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QFileDialog, QInputDialog, QMessageBox, QWidget

from app.backdrop import Backdrop
from app.commands import AttachTruth
from app.detection import DetectJob
from app.editor import Editor
from app.jobs import NewestWins
from app.opening import Opener
from app.panels.export_dialog import ExportDialog
from app.panels.help import CommandPalette, KeysDialog
from app.panels.open_dialog import OpenDialog
from app.panels.questions import ask_to_save, ask_where
from app.playback import SPEEDS, Playback
from app.session import Session
from app.theme import Theme
from app.views.image_view import ImageView
from app.views.scene_view import SceneView
from mpm_core.about import version_text
from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.files import VIDEO_SUFFIXES
from mpm_core.formats import write
from mpm_core.formats.base import Contents, Format, WriteOptions
from mpm_core.masking import MaskRatios
from mpm_core.prediction import Prediction
from mpm_core.skeleton import MPM16

_READABLE = "Keypoints (*.json *.npz *.csv);;All files (*)"
_VIDEOS = " ".join(f"*{suffix} *{suffix.upper()}" for suffix in VIDEO_SUFFIXES)
_OPENABLE = f"Keypoints and videos (*.json *.npz *.csv {_VIDEOS});;All files (*)"
_NOT_WHOLE = "The prediction is not complete yet: export it when the lifter is done."


class Handlers(QObject):
    """Binds the table of actions to the session, the editor and the dialogs."""

    upright_asked = Signal()
    """To mark something upright in the picture."""
    _written = Signal(str)

    def __init__(
        self, window: QWidget, session: Session, editor: Editor, opener: Opener, playback: Playback, backdrop: Backdrop,
        image: ImageView, scene: SceneView | None, restyle: Callable[[str | None, str | None], None], detect_job: DetectJob,
    ) -> None:  # fmt: skip
        super().__init__()
        self._window, self._session, self._editor = window, session, editor
        self._opener, self._playback, self._backdrop, self._image, self._scene = opener, playback, backdrop, image, scene
        self._restyle, self._detect_job = restyle, detect_job
        self._anchor = 0
        self._click_was_edit = False
        self._drag_gesture = self._paint_gesture = 0
        self._painted: bool | None = None
        self._is_writing = False
        self._writer = NewestWins(self._write)
        for outcome in (self._written, self._writer.failed):
            outcome.connect(self._on_write_ended)
        self._writer.start()

    # Files

    def open_file(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self._window, "Open keypoints or a video", "", _OPENABLE)
        if name:
            self.open_path(Path(name))

    def open_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self._window, "Open a folder of OpenPose files")
        if name:
            self.open_path(Path(name))

    def open_path(self, path: Path) -> None:
        """Open keypoints, or choose a video to detect them in."""
        if path.suffix.lower() not in VIDEO_SUFFIXES:
            self._opener.open(path)
        elif self._detect_job.state.is_running:
            self._session.message.emit("A video is being looked at: cancel that first.")
        else:
            self._detect_job.choose(path)

    def open_video(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self._window, "Open a video", "", f"Videos ({_VIDEOS});;All files (*)")
        if name:
            self.open_path(Path(name))

    def open_backdrop(self) -> None:
        title = "Video behind the skeleton"
        name, _ = QFileDialog.getOpenFileName(self._window, title, "", f"Videos ({_VIDEOS});;All files (*)")
        if name:
            self._backdrop.open(Path(name))

    def open_truth(self) -> None:
        if self._session.clip is None:
            return
        name, _ = QFileDialog.getOpenFileName(self._window, "3D positions of the same frames", "", _READABLE)
        if name:
            self._opener.open_truth(Path(name))

    def attach_truth(self, clip: Clip, other: Clip) -> None:
        """3D that was read for a clip, if that clip is still open."""
        here = self._session.clip
        # Edits made meanwhile replace the clip, but never its times.
        if here is not None and here.times is clip.times and other.ground_truth is not None:
            self._session.undo_stack.push(AttachTruth(self._session, other.ground_truth))
            self._session.message.emit("; ".join((f"Ground truth from {other.name}", *other.notes)))

    def open_demo(self) -> None:
        self._opener.open_demo()

    def ask_and_read(self, path: Path, contents: Contents, truth_for: Clip | None, theme: Theme) -> None:
        """Ask for what a file lacks, then read it."""
        dialog = OpenDialog(path, contents, theme, self._window)
        if dialog.exec():
            self._opener.read(path, dialog.options(), truth_for)

    def may_leave(self) -> bool:
        """Whether the clip may be left: there is nothing to lose, or it was saved, or a person gives it up."""
        if self._session.undo_stack.isClean():
            return True
        choice = ask_to_save(self._window)
        return choice == QMessageBox.StandardButton.Discard or (choice == QMessageBox.StandardButton.Save and self.save())

    def save(self) -> bool:
        """Ask for a place and save; whether it was done."""
        clip = self._session.clip
        if clip is None:
            return False
        path = ask_where(self._window, "Save clip and mask", f"{clip.file_stem}.npz", "mpm-viewer NPZ", ".npz")
        if path is None:
            return False
        try:
            write(clip, path, WriteOptions(mask=self._session.mask, threshold=self._session.threshold))
        except UserError as error:
            QMessageBox.warning(self._window, "Not written", str(error))
            return False
        self._session.undo_stack.setClean()
        self._session.message.emit(f"Wrote {path}")
        return True

    def export(self) -> None:
        """Ask what to write and where, then write it in the background."""
        session = self._session
        if session.prediction is None:
            session.message.emit("There is no prediction to export yet.")
        elif session.state.is_busy:
            session.message.emit(_NOT_WHOLE)
        elif self._is_writing:
            session.message.emit("An export is still being written: try again when it is done.")
        else:
            dialog = ExportDialog(session, self._window)
            if dialog.exec():
                self._export_as(dialog.format(), dialog.options(), session.prediction)

    def _export_as(self, chosen: Format, options: WriteOptions, prediction: Prediction) -> None:
        if not np.isfinite(prediction.positions[options.frames(len(prediction.positions))]).all():
            self._session.message.emit(_NOT_WHOLE)
            return
        clip = self._session.clip
        stem = clip.file_stem if clip is not None else "prediction"
        suffix = chosen.suffixes[0]
        path = ask_where(self._window, "Export", stem + suffix, chosen.label, suffix)
        if path is not None:
            self._is_writing = True
            self._session.message.emit(f"Writing {path} …")
            self._writer.ask(prediction, path, options)

    def _write(self, prediction: Prediction, path: Path, options: WriteOptions) -> None:
        """In the writer's thread."""
        write(prediction, path, options)
        self._written.emit(f"Wrote {path}")

    def _on_write_ended(self, text: str) -> None:
        """In the window's thread: say that it is written, or why not."""
        self._is_writing = False
        self._session.message.emit(text)

    def stop(self) -> None:
        """Finish what is being written; call before the application quits."""
        self._writer.stop()

    def quit(self) -> None:
        QApplication.closeAllWindows()

    # Edits

    def undo(self) -> None:
        self._session.undo_stack.undo()

    def redo(self) -> None:
        self._session.undo_stack.redo()

    def hide_selected(self) -> None:
        self._editor.hide_selected()

    def hide_frame(self) -> None:
        self._editor.hide_frame()

    def hide_random(self) -> None:
        self._editor.apply_random("spatio-temporal", MaskRatios())

    def show_all(self) -> None:
        self._editor.show_all()

    def swap_sides(self) -> None:
        self._editor.swap_sides()

    def mark_upright(self) -> None:
        self.upright_asked.emit()

    def range_in(self) -> None:
        last = self._session.range[1] if self._session.range else len(self._session) - 1
        self._session.set_range(self._session.frame, max(last, self._session.frame))

    def range_out(self) -> None:
        first = self._session.range[0] if self._session.range else 0
        self._session.set_range(min(first, self._session.frame), self._session.frame)

    def range_none(self) -> None:
        """Give up what is being marked in the image, or else the range."""
        if not self._image.end_upright():
            self._session.set_range(None, None)

    # Going through frames

    def play(self) -> None:
        self._playback.toggle()

    def step(self, count: int) -> None:
        self._playback.pause()
        self._session.set_frame(self._session.frame + count)

    def select_step(self, count: int) -> None:
        self._select_to(self._session.frame + count)

    def go_first(self) -> None:
        self._session.set_frame(self._playback_ends()[0])

    def go_last(self) -> None:
        self._session.set_frame(self._playback_ends()[1])

    def select_first(self) -> None:
        self._select_to(0)

    def select_last(self) -> None:
        self._select_to(len(self._session) - 1)

    def go_to(self) -> None:
        last = len(self._session) - 1
        frame, is_chosen = QInputDialog.getInt(self._window, "Go to frame", f"Frame (0 – {last})", self._session.frame, 0, last)
        if is_chosen:
            self._session.set_frame(frame)

    def go_flag(self, direction: int) -> None:
        """To the next stretch of frames in which the clip lacks a joint, nothing at all was seen, or sides were exchanged."""
        flagged = np.any(self._session.missing, axis=1) | self._session.flags
        prediction = self._session.prediction
        if prediction is not None:
            flagged = flagged | prediction.is_prior_only
        starts = np.flatnonzero(flagged & ~np.roll(flagged, 1) | flagged & (np.arange(len(flagged)) == 0))
        ahead = starts[starts > self._session.frame] if direction > 0 else starts[starts < self._session.frame][::-1]
        if len(ahead):
            self._session.set_frame(int(ahead[0]))
        else:
            self._session.message.emit("No flagged frame further on: flagged are frames in which a joint was not measured.")

    def set_loops(self, loops: bool) -> None:
        self._playback.set_loops(loops)

    def change_speed(self, direction: int) -> None:
        place = SPEEDS.index(self._playback.speed) + direction
        self._playback.set_speed(SPEEDS[max(0, min(place, len(SPEEDS) - 1))])

    def _select_to(self, frame: int) -> None:
        """Move and choose all frames passed, from where choosing began."""
        chosen, here = self._session.range, self._session.frame
        if chosen is None or here not in chosen:
            self._anchor = here
        else:
            self._anchor = chosen[0] if here == chosen[1] else chosen[1]
        self._session.set_frame(frame)
        self._session.set_range(self._anchor, self._session.frame)

    def _playback_ends(self) -> tuple[int, int]:
        return self._session.range or (0, len(self._session) - 1)

    # Lifting and looking

    def set_task(self, task: str) -> None:
        self._session.set_options(self._session.options.with_task(task))

    def look_from(self, name: str) -> None:
        if self._scene is not None:
            self._scene.look_from(name)

    def zoom_to_person(self) -> None:
        self._image.zoom_to_person()

    def set_follows(self, follows: bool) -> None:
        if self._scene is not None:
            self._scene.follows_root = follows
            self._scene.refresh()

    def set_errors(self, shows: bool) -> None:
        if self._scene is not None:
            self._scene.set_shows(errors=shows)

    def set_truth(self, shows: bool) -> None:
        if self._scene is not None:
            self._scene.set_shows(truth=shows)

    def set_side_by_side(self, is_beside: bool) -> None:
        if self._scene is not None:
            self._scene.set_shows(side_by_side=is_beside)

    def set_theme(self, name: str) -> None:
        self._restyle(name, None)

    def set_palette(self, name: str) -> None:
        self._restyle(None, name)

    # Help

    def show_palette(self) -> None:
        CommandPalette(self._window).exec()

    def show_keys(self) -> None:
        KeysDialog(self._window).exec()

    def show_about(self) -> None:
        text = (
            f"<b>mpm-viewer {version_text()}</b><p>Masked pose modelling, after Zhang et al., arXiv 2306.17201.</p>"
            "<p>Trained on motion from mocap.cs.cmu.edu, created with funding from NSF EIA-0196217, and on ReActIdle.</p>"
        )
        QMessageBox.about(self._window, "About mpm-viewer", text)

    # Clicks of the views and panels

    def click_joint(self, joint: int, has_shift: bool, has_ctrl: bool) -> None:
        """A joint in the image or the scene: hide or show it; with Ctrl select it."""
        before = self._session.undo_stack.index()
        if has_ctrl:
            self._session.set_selection(self._session.selection ^ {joint})
        else:
            self._editor.click_joints((joint,), self._session.frame, has_shift)
        self._click_was_edit = self._session.undo_stack.index() != before

    def drag_joint(self, joint: int, x: float, y: float, begins: bool) -> None:
        """A press became a drag: take the click back and move the joint instead."""
        if begins:
            if self._click_was_edit:
                self._session.undo_stack.undo()
            self._drag_gesture = self._editor.begin_gesture()
        self._editor.move_joint(joint, self._session.frame, x, y, self._drag_gesture)

    def press_cell(self, joints: tuple[int, ...], frame: int, has_shift: bool) -> None:
        """A cell of the timeline: hide or show, and go there."""
        self._painted = self._editor.click_joints(joints, frame, has_shift)
        self._paint_gesture = self._editor.current_gesture
        self._session.set_frame(frame)

    def drag_cell(self, joints: tuple[int, ...], first: int, last: int) -> None:
        """Drag on from a cell: do the same to all cells on the way."""
        if self._painted is not None:
            low, high = sorted((first, last))
            self._editor.set_hidden(joints, low, high, self._painted, self._paint_gesture)
        self._session.set_frame(last)

    def select_joints(self, joints: tuple[int, ...]) -> None:
        self._session.set_selection(frozenset(joints) & frozenset(range(len(MPM16))))

    def toggle_joints(self, joints: tuple[int, ...], has_shift: bool = False) -> None:
        """A limb's name, or a tick box."""
        self._editor.click_joints(joints, self._session.frame, has_shift)
