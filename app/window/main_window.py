"""Puts the window together: views, panels, menus, toolbar and status bar; no logic."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray, QSettings, Qt, Signal
from PySide6.QtGui import QAction, QCloseEvent, QDragEnterEvent, QDropEvent, QGuiApplication, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QApplication,
    QDockWidget,
    QMainWindow,
    QScrollArea,
    QSplitter,
    QStyle,
    QVBoxLayout,
    QWidget,
)

from app.document.answer_parts import AnswerParts
from app.document.document import Document
from app.document.editor import Editor
from app.document.playback import Playback
from app.document.recent import Recent
from app.document.session import Session
from app.look.icons import app_icon, themed_icon
from app.look.theme import THEMES, Theme, apply_theme, system_theme
from app.panels.corrections import CorrectionsPanel
from app.panels.folders import keep_folder, restore_folder
from app.panels.joints import JointsPanel
from app.panels.lifting import LiftingPanel
from app.panels.metrics import MetricsPanel
from app.panels.reading_dialog import ReadingDialog
from app.panels.side_panel import SidePanel
from app.panels.video import VideoPanel
from app.views.image_view import ImageView
from app.views.scene_area import SceneArea
from app.views.selecting_layer import SelectingLayer
from app.views.timeline import Timeline
from app.window.actions import ACTIONS, build_actions
from app.window.alternative_handlers import AlternativeHandlers
from app.window.announcements import connect_messages
from app.window.answers import Answers
from app.window.correction_handlers import CorrectionHandlers
from app.window.edit_handlers import EditHandlers
from app.window.file_handlers import FileHandlers
from app.window.film_handlers import FilmHandlers
from app.window.first_sight import FirstSight
from app.window.look_handlers import LookHandlers
from app.window.menus import Menus, build_toolbar
from app.window.messages import Messages
from app.window.panel_width import PanelWidth
from app.window.project_handlers import ProjectHandlers
from app.window.scene_handlers import SceneHandlers
from app.window.status import StatusLine
from app.window.truth_handlers import TruthHandlers
from app.window.upright import UprightMarks
from app.window.video_connections import connect_video
from app.window.video_handlers import VideoHandlers
from app.window.view_handlers import ViewHandlers
from app.window.view_state import ViewState
from app.workers.answer_curves import AnswerCurvesJob
from app.workers.backdrop import Backdrop
from app.workers.bystanders import BystandersJob
from app.workers.detection import DetectJob
from app.workers.figures import FiguresJob
from app.workers.lifting import LiftJob
from app.workers.loading import LoadJob
from app.workers.opening import Opener
from app.workers.truth import TruthJob
from mpm_core.skeleton import MPM16

if TYPE_CHECKING:
    from app.views.scene_view import SceneView

_LOADED_LATER = ("app.views.scene_view", "app.views.curves")
"""What these draw with, OpenGL and pyqtgraph, takes as long to import as everything that the window's first picture needs."""

_FIRST_SIZE = (1280, 800)


class MainWindow(QMainWindow):
    """The window with its session and workers."""

    closed = Signal()
    restyled = Signal(str, str)  # names of the theme and of the palette

    def __init__(self, settings: QSettings, theme: Theme | None = None) -> None:
        super().__init__()
        self.setWindowTitle("mpm-viewer")
        self.setWindowIcon(app_icon())
        self.setAcceptDrops(True)
        self._settings = settings
        self.may_close_unasked = False  # its person was asked already
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        self.theme = theme or THEMES.get(str(settings.value("theme", "")), system_theme(app))
        self.palette_name = str(settings.value("palette", "field"))
        apply_theme(app, self.theme)
        self.session = Session()
        self.editor = Editor(self.session)
        self.playback = Playback(self.session)
        self.document = Document(self.session)
        self.recent = Recent(settings)
        self.opener = Opener(self.session, settings, self.recent)
        self.backdrop = Backdrop(self.session)
        self.detect_job = DetectJob()
        self.lift_job = LiftJob(self.session)
        self.figures_job = FiguresJob(self.session)
        self.curves_job = AnswerCurvesJob(self.session)
        self.first_sight, self.load_job = FirstSight(self), LoadJob(_LOADED_LATER)
        self._build_views()
        self.project_handlers = ProjectHandlers(self, self.session, self.document, self.backdrop, self.detect_job, self.recent)
        self.file_handlers = FileHandlers(
            self, self.session, self.document, self.opener, self.backdrop, self.detect_job, self.project_handlers.may_leave
        )  # fmt: skip
        self.edit_handlers = EditHandlers(self.session, self.editor, self.image_view)
        self.view_handlers = ViewHandlers(self, self.session, self.playback, self.restyle, lambda: self.timeline.shows_seconds)
        self.messages = Messages(self.views, self.timeline.as_it_counts)
        self.film_handlers = FilmHandlers(
            self, self.session, self.document, self.scene_area, self.backdrop, lambda: (self.theme.name, self.palette_name)
        )
        self.look_handlers = LookHandlers(self, self.timeline, self.image_view, self.messages, settings)
        self.truth_job = TruthJob()
        self.truth_handlers = TruthHandlers(self, self.session, self.opener, self.truth_job)
        self.bystanders_job = BystandersJob(self.session, self.opener)
        self.scene_handlers = SceneHandlers(self, self.session, self.scene_area, self.bystanders_job)
        self.video_handlers = VideoHandlers(
            self, self.session, self.document, self.detect_job, self.image_view, self.backdrop,
            self.project_handlers.may_leave, self.project_handlers.save_and_wait, lambda: self.theme,
        )  # fmt: skip
        self.selecting_layer = SelectingLayer(self.session, self.image_view)
        self.correction_handlers = CorrectionHandlers(
            self, self.session, self.editor, self.selecting_layer, self.timeline, self.scene_area
        )  # fmt: skip
        self.answers = Answers(self, self.session, self.editor, self.timeline, self.opener, self.theme)
        self.alternatives = AlternativeHandlers(self.session, self.editor, self.scene_area)
        self.upright = UprightMarks(self.session, self.image_view)
        self.edit_handlers.upright_asked.connect(lambda: self.upright.choose(True))
        self.actions_by_name: Mapping[str, QAction] = build_actions(
            self, (
                self.project_handlers, self.file_handlers, self.truth_handlers, self.edit_handlers, self.view_handlers,
                self.scene_handlers, self.look_handlers, self.correction_handlers, self.answers.handlers, self.film_handlers,
                self.alternatives, self.answers.together,
            ),
        )  # fmt: skip
        self.alternatives.use(self.actions_by_name)
        self._build_panels()
        self.correction_handlers.use(self.actions_by_name, self.joints_panel)
        views = ViewState(
            self.session, self.playback, self.editor.corrections, self.image_view, self.scene_area, self.timeline,
            self.answers, self.panels, {"views": self.views, "timeline": self._column}, self.actions_by_name,
        )  # fmt: skip
        for kept in (AnswerParts(self.session), self.bystanders_job, views):  # what is shown has to be there first
            self.document.keep(kept)
        self.menus = Menus(
            self, self.actions_by_name, lambda limb: self.edit_handlers.toggle_joints(MPM16.limb(limb)),
            self.editor.apply_preset, self.file_handlers.open_path,
        )  # fmt: skip
        self._show_recent()
        self.toolbar = build_toolbar(self, self.actions_by_name)
        self.status_line = StatusLine(self.session, self.playback, self.messages, lambda: self.timeline.shows_seconds)
        self.setStatusBar(self.status_line)
        self._connect()
        self.restyle(None, None)
        self._restore()

    @property
    def scene_view(self) -> SceneView | None:
        """The scene, built now unless it is there; None where it cannot be drawn."""
        return self.scene_area.view

    def _build_views(self) -> None:
        self.image_view = ImageView(self.session, self.theme)
        self.timeline = Timeline(self.session, self.theme)
        self.scene_area = SceneArea(self.session, self.theme)
        self.views = QSplitter(Qt.Orientation.Horizontal)
        self.views.addWidget(self.image_view)
        self.views.addWidget(self.scene_area)
        self.views.setStretchFactor(0, 2)
        self.views.setStretchFactor(1, 3)
        self.views.setSizes([400, 560])
        self._timeline_area = QScrollArea()
        self._timeline_area.setWidget(self.timeline)
        self._timeline_area.setWidgetResizable(True)
        self._timeline_area.setMinimumHeight(self.timeline.minimumSizeHint().height())  # joints' rows can be scrolled to
        column = QSplitter(Qt.Orientation.Vertical)
        column.addWidget(self.views)
        column.addWidget(self._timeline_area)
        column.setStretchFactor(0, 1)
        column.setCollapsible(1, False)
        self._column = column
        self.timeline.rows_changed.connect(self._fit_timeline)
        centre = QWidget()
        layout = QVBoxLayout(centre)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(column)
        self.setCentralWidget(centre)

    def _fit_timeline(self) -> None:
        """All rows of the timeline are to be seen, as long as the views keep half of the room."""
        room = sum(self._column.sizes())
        wanted = min(self.timeline.sizeHint().height() + 2, room // 2)
        if self._column.sizes()[1] < wanted:
            self._column.setSizes([room - wanted, wanted])

    def _build_panels(self) -> None:
        self.joints_panel = JointsPanel(self.session, self.theme)
        self.lifting_panel = LiftingPanel(self.session)
        self.metrics_panel = MetricsPanel(self.session)
        self.corrections_panel = CorrectionsPanel(self.session, self.editor.corrections)
        self.video_panel = VideoPanel(self.session, self.detect_job)
        self.side_panel = SidePanel()
        self.panels = self.side_panel.tabs
        panels = {
            "Lifting": self.lifting_panel,
            "Joints": self.joints_panel,
            "Metrics": self.metrics_panel,
            "Corrections": self.corrections_panel,
            "Answers": self.answers.predictions,
            "Bad frames": self.answers.suspicions,
            "Video": self.video_panel,
        }
        for label, widget in panels.items():
            self.side_panel.add(label, widget, moves_below=widget is self.joints_panel)
        self.panel_dock = QDockWidget("Side panel", self)
        self.panel_dock.setObjectName("panels")
        self.panel_dock.setTitleBarWidget(QWidget())
        self.panel_dock.setWidget(self.side_panel)
        self.panel_dock.visibilityChanged.connect(self._show_panel_action)
        self.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, self.panel_dock)
        self.panel_width = PanelWidth(self, self.panel_dock, self._settings)

    def _show_panel_action(self, is_visible: bool) -> None:
        if not self.isMinimized():
            self.actions_by_name["side_panel"].setChecked(is_visible)

    def _show_recent(self) -> None:
        self.menus.show_recent(self.recent.files())

    def _connect(self) -> None:
        session, handlers = self.session, self.edit_handlers
        connect_messages(self)
        self.image_view.joint_clicked.connect(handlers.click_joint)
        self.image_view.joint_moved.connect(handlers.drag_joint)
        self.scene_area.then(lambda scene: scene.joint_clicked.connect(handlers.click_joint))
        self.timeline.frame_chosen.connect(session.set_frame)
        self.timeline.range_chosen.connect(self.view_handlers.select_frames)
        self.timeline.cell_pressed.connect(handlers.press_cell)
        self.timeline.cell_dragged.connect(handlers.drag_cell)
        self.timeline.limb_clicked.connect(handlers.toggle_joints)
        self.timeline.ruler_clicked.connect(self.actions_by_name["seconds"].trigger)
        self.curves_job.changed.connect(self.timeline.show_curves)
        self.joints_panel.toggled.connect(handlers.toggle_joints)
        self.joints_panel.selected.connect(handlers.select_joints)
        self.corrections_panel.key_chosen.connect(self.correction_handlers.go_to_key)
        self.lifting_panel.preset_chosen.connect(self.editor.apply_preset)
        self.lifting_panel.random_chosen.connect(self.editor.apply_random)
        handlers.random_asked.connect(self.lifting_panel.choose_random)
        self.lifting_panel.show_all_chosen.connect(self.editor.show_all)
        self.lifting_panel.together_chosen.connect(self.answers.together.lift_together)
        self.figures_job.changed.connect(self.metrics_panel.show_figures)
        self.figures_job.outdated.connect(self.metrics_panel.show_outdated)
        self.metrics_panel.worst_chosen.connect(self.actions_by_name["worst"].trigger)
        self.answers.bind(self.actions_by_name["curves"])
        for begun in (self.answers.handlers.comparing, self.answers.together.begun):
            begun.connect(lambda: self.actions_by_name["side_panel"].setChecked(True))
            begun.connect(lambda: self.side_panel.bring_up(self.answers.predictions))
        connect_video(self)
        self.backdrop.picture_changed.connect(self.image_view.set_picture)
        self.backdrop.picture_changed.connect(self.scene_area.set_picture)
        self.backdrop.lagged.connect(self.image_view.set_picture_old)
        self.first_sight.seen.connect(self.lift_job.prepare)
        self.first_sight.seen.connect(self.load_job.start)
        self.load_job.loaded.connect(self.scene_area.build)
        self.opener.asked.connect(
            lambda path, contents, beside: self.file_handlers.ask_and_read(path, contents, beside, self.theme)
        )
        self.reading_dialog = ReadingDialog(self.opener, self)
        self.metrics_panel.truth_box.shift_chosen.connect(self.truth_handlers.set_shift)
        self.opener.may_leave = self.project_handlers.may_leave
        self.opener.project_read.connect(self.project_handlers.take)
        self.recent.changed.connect(self._show_recent)
        self.menus.recent.menuAction().hovered.connect(self._show_recent)  # it is later now; other windows open files too
        self.playback.playing_changed.connect(self._show_playing)
        for signal in (session.clip_changed, self.document.changed, self.detect_job.chosen, self.detect_job.adopted):
            signal.connect(self._show_title)
        stack = session.undo_stack
        stack.canUndoChanged.connect(self.actions_by_name["undo"].setEnabled)
        stack.canRedoChanged.connect(self.actions_by_name["redo"].setEnabled)
        stack.undoTextChanged.connect(lambda text: self.actions_by_name["undo"].setText(f"Undo {text}".strip()))
        stack.redoTextChanged.connect(lambda text: self.actions_by_name["redo"].setText(f"Redo {text}".strip()))
        for name, is_on in (("undo", False), ("redo", False)):
            self.actions_by_name[name].setEnabled(is_on)
        self.image_view.place_changed.connect(self.actions_by_name["zoom"].setChecked)
        self.backdrop.opened.connect(self.image_view.name_picture)
        self.look_handlers.panel_asked.connect(self.panel_dock.setVisible)
        for name in ("truth", "zoom"):
            self.actions_by_name[name].setChecked(True)
        self.actions_by_name["loop"].setChecked(True)
        self.actions_by_name["follow"].setChecked(True)
        self.look_handlers.use(self.actions_by_name["seconds"])

    def _show_playing(self, is_playing: bool) -> None:
        self.actions_by_name["play"].setIcon(themed_icon("pause" if is_playing else "play", self.theme))

    def _show_title(self, *_: object) -> None:
        name = self.project_handlers.name()
        self.setWindowTitle(f"{name}[*] – mpm-viewer" if name else "mpm-viewer")
        self.setWindowModified(self.document.is_unsaved())

    def restyle(self, theme_name: str | None, palette_name: str | None) -> None:
        """Change the theme or the palette; None keeps what there is."""
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        if theme_name:
            apply_theme(app, THEMES[theme_name])
            self._settings.setValue("theme", theme_name)
        if palette_name:
            self._settings.setValue("palette", palette_name)
        self.take_colours(THEMES[theme_name] if theme_name else self.theme, palette_name or self.palette_name)
        self.restyled.emit(self.theme.name, self.palette_name)

    def take_colours(self, theme: Theme, palette_name: str) -> None:
        """Draw in these from now on."""
        self.theme, self.palette_name = theme, palette_name
        for spec in ACTIONS:
            if spec.icon:
                self.actions_by_name[spec.name].setIcon(themed_icon(spec.icon, self.theme))
            if spec.is_choice:
                self.actions_by_name[spec.name].setChecked(spec.argument in (theme.name, palette_name))
        self._show_playing(self.playback.is_playing)
        self.image_view.theme, self.image_view.palette_name = self.theme, self.palette_name
        self.image_view.update()
        self.timeline.restyle(self.theme, self.palette_name)
        self.scene_area.take_colours(self.theme, self.palette_name)
        self.joints_panel.set_colours(self.theme, self.palette_name)
        self.answers.restyle(self.theme, self.palette_name)

    def _restore(self) -> None:
        """The size and layout of the last time, if they fit this screen."""
        restore_folder(self, self._settings)
        geometry = self._settings.value("geometry")
        screen = QGuiApplication.primaryScreen().availableGeometry()
        frame = self.style().pixelMetric(QStyle.PixelMetric.PM_TitleBarHeight)  # it is told only once the window is there
        self.resize(min(_FIRST_SIZE[0], screen.width()), min(_FIRST_SIZE[1], screen.height() - frame))
        if isinstance(geometry, QByteArray):
            self.restoreGeometry(geometry)
        state = self._settings.value("state")
        if isinstance(state, QByteArray):
            self.restoreState(state)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.panel_width.give_room()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.panel_width.give_room()

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        urls = [url for url in event.mimeData().urls() if url.isLocalFile()]
        if urls:
            self.file_handlers.open_path(Path(urls[0].toLocalFile()))

    def may_leave(self) -> bool:
        """Whether nothing would be lost, or a person gives it up."""
        return self.file_handlers.may_close() and self.project_handlers.may_leave()

    def closeEvent(self, event: QCloseEvent) -> None:
        """End the workers before Qt takes their objects away, unless unsaved work is to be kept."""
        if not (self.may_close_unasked or self.may_leave()):
            event.ignore()
            return
        self._settings.setValue("geometry", self.saveGeometry())
        self._settings.setValue("state", self.saveState())
        self.panel_width.keep()
        keep_folder(self, self._settings)
        self.hide()  # what is at work may need a moment to end
        self.playback.pause()
        self.session.undo_stack.blockSignals(True)
        workers = (
            self.load_job, self.lift_job, self.bystanders_job, self.figures_job, self.curves_job, self.opener, self.truth_job,
            self.backdrop, self.detect_job, self.file_handlers, self.film_handlers, self.video_handlers, self.project_handlers,
            self.document, self.answers, self.alternatives,
        )  # fmt: skip
        for worker in workers:
            worker.stop()
        event.accept()
        self.closed.emit()
