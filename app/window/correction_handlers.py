"""Owns what the actions on keys, selections and masks do, and the right clicks that ask for a menu of them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, QPoint, Qt
from PySide6.QtGui import QAction, QContextMenuEvent, QMouseEvent
from PySide6.QtWidgets import QMessageBox, QWidget

from app.document.editor import Editor
from app.document.session import Session
from app.look import theme as look
from app.panels.joints import JointsPanel
from app.panels.questions import ask_for_file, ask_where
from app.views.scene_area import SceneArea
from app.views.selecting_layer import SelectingLayer
from app.views.skeleton_item import nearest_joint
from app.views.timeline import Timeline
from app.window.correction_notes import CorrectionNotes
from app.window.joint_menu import JointMenus
from mpm_core.errors import UserError
from mpm_core.skeleton import MPM16

if TYPE_CHECKING:
    from app.views.scene_view import SceneView

_MASK_FILES = "Masks (*.npz *.csv);;All files (*)"


class CorrectionHandlers(QObject):
    """Binds the table of actions, the selecting layer and right clicks to the editor."""

    def __init__(
        self, window: QWidget, session: Session, editor: Editor, layer: SelectingLayer, timeline: Timeline, scene: SceneArea
    ) -> None:
        super().__init__()
        self._window, self._session, self._editor = window, session, editor
        self._timeline = timeline
        self._scene: SceneView | None = None
        self._menus: JointMenus | None = None
        self._joints_panel: JointsPanel | None = None
        self.notes = CorrectionNotes(session, editor.corrections)
        layer.selected.connect(session.set_selection)
        layer.nudged.connect(lambda dx, dy: editor.corrections.nudge(session.selection, dx, dy))
        layer.menu_asked.connect(lambda joints, place: self.ask(joints, session.frame, place))
        timeline.installEventFilter(self)
        scene.then(self._watch)

    def use(self, actions: Mapping[str, QAction], joints_panel: JointsPanel) -> None:
        """The window's actions, for menus, and the panel whose rows have menus too."""
        self._menus = JointMenus(self._window, self._session, self._editor, actions)
        self._joints_panel = joints_panel
        actions["paste_mask"].setEnabled(False)
        self._editor.mask_copied.connect(lambda: actions["paste_mask"].setEnabled(True))
        joints_panel.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        joints_panel.customContextMenuRequested.connect(self._ask_about_row)

    # Keys

    def clear_key(self) -> None:
        """The keys of the selected joints in this frame, or all of this frame."""
        clip, frame = self._session.clip, self._session.frame
        if clip is None or clip.keys is None:
            return
        joints = self._session.selection or frozenset(range(len(MPM16)))
        if not clip.keys[frame, sorted(joints)].any():
            self._session.warning.emit("There is no key in this frame: diamonds on the timeline show where keys are.")
        self._editor.corrections.clear_keys(joints, frame)

    def restore(self) -> None:
        """What was measured of the selected joints, or of all, in the range or the frame."""
        joints = self._session.selection or frozenset(range(len(MPM16)))
        if len(self._session):
            self._editor.corrections.restore(joints, *(self._session.range or (self._session.frame,) * 2))

    def go_to_key(self, joint: int, frame: int) -> None:
        """A key of the list."""
        self._session.set_selection(frozenset({joint}))
        self._session.set_frame(frame)

    def select_all(self) -> None:
        self._session.set_selection(frozenset(range(len(MPM16))))

    # Masks

    def copy_mask(self) -> None:
        self._editor.copy_mask()

    def paste_mask(self) -> None:
        self._editor.paste_mask()

    def invert_mask(self) -> None:
        self._editor.invert()

    def load_mask(self) -> None:
        """Another mask in place of this one, from a file."""
        if not len(self._session):
            return
        path = ask_for_file(self._window, "Load a mask", _MASK_FILES)
        if path is not None:
            self.read_mask(path)

    def read_mask(self, path: Path) -> None:
        """Take over a mask file, or say why not."""
        from mpm_core.mask_files import read_mask_file  # not needed to open a window

        try:
            mask = read_mask_file(path, len(self._session))
        except UserError as error:
            QMessageBox.warning(self._window, "Not loaded", str(error))
            return
        self._editor.replace_mask(mask, f"Load the mask {path.name}")
        self._session.message.emit(f"Mask from {path.name}: {int(mask.any(1).sum())} frames with something hidden")

    def save_mask(self) -> None:
        """The mask alone, for other clips of the same length or other programs."""
        clip = self._session.clip
        if clip is None:
            return
        path = ask_where(self._window, "Save the mask", f"{clip.file_stem}-mask.csv", "Mask as CSV", ".csv")
        if path is None:
            return
        from mpm_core.mask_files import write_mask_file

        try:
            write_mask_file(self._session.mask, path)
        except UserError as error:
            QMessageBox.warning(self._window, "Not written", str(error))
            return
        self._session.message.emit(f"Wrote {path}")

    # Right clicks

    def ask(self, joints: frozenset[int], frame: int, place: QPoint) -> None:
        """Show the menu of some joints at a place of the screen."""
        if self._menus is not None and self._session.clip is not None:
            menu = self._menus.menu(joints, frame)
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(place)

    def _watch(self, scene: SceneView) -> None:
        self._scene = scene
        scene.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Right clicks on lanes, their names and cells; and on joints of the scene, which the right button pans elsewhere."""
        if not len(self._session) or not isinstance(event, (QContextMenuEvent, QMouseEvent)):
            return False
        if watched is self._scene:
            return self._on_scene(self._scene, event)
        if isinstance(event, QMouseEvent):
            return False
        x, y = event.pos().x(), event.pos().y()
        lane = next((lane for lane in self._timeline.lanes() if lane.top <= y < lane.top + lane.height), None)
        frame = self._session.frame if x < look.LANE_LABEL_WIDTH else self._timeline.frame_at(x)
        self.ask(frozenset() if lane is None else frozenset(lane.joints), frame, event.globalPos())
        return True

    def _on_scene(self, scene: SceneView, event: QContextMenuEvent | QMouseEvent) -> bool:
        is_press = event.type() == QEvent.Type.MouseButtonPress
        if isinstance(event, QMouseEvent) and (not is_press or event.button() != Qt.MouseButton.RightButton):
            return False
        place = event.position() if isinstance(event, QMouseEvent) else event.pos()
        joint = nearest_joint(scene.joint_places(), place.x(), place.y(), look.PICK_RADIUS)
        if joint is not None and isinstance(event, QContextMenuEvent):
            self.ask(frozenset({joint}), self._session.frame, event.globalPos())
        return joint is not None

    def _ask_about_row(self, place: QPoint) -> None:
        assert self._joints_panel is not None
        joints = self._joints_panel.joints_at(place)
        if joints:
            self.ask(frozenset(joints), self._session.frame, self._joints_panel.viewport().mapToGlobal(place))
