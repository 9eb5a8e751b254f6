"""Puts together what compares and checks answers: two panels, the dock of curves, their workers, and what joins them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QDockWidget, QMainWindow

from app.document.answer_commands import remove_answers, rename_answer
from app.document.curve_choice import usual_kind, why_nothing
from app.document.editor import Editor
from app.document.later import Later
from app.document.session import Session
from app.look.theme import Theme
from app.panels.predictions import PredictionsPanel
from app.panels.suspicions import SuspicionsPanel
from app.views.timeline import Timeline
from app.window.answer_handlers import AnswerHandlers
from app.window.together_handlers import TogetherHandlers
from app.workers.answers import AnswersJob
from app.workers.comparing import CompareJob
from app.workers.curves import CurvesJob
from app.workers.opening import Opener
from app.workers.suspicions import SuspicionsJob
from app.workers.together import TogetherJob
from mpm_core.curves import CURVES

if TYPE_CHECKING:
    from app.views.curves import CurvesView


class Answers:
    """The panels `predictions` and `suspicions`, the view `curves` in its `dock`, and the handlers of their actions."""

    def __init__(
        self, window: QMainWindow, session: Session, editor: Editor, timeline: Timeline, opener: Opener, theme: Theme
    ) -> None:  # fmt: skip
        self._session, self._timeline = session, timeline
        self.predictions, self.suspicions = PredictionsPanel(session, theme), SuspicionsPanel(session, timeline.as_it_counts)
        self._theme, self._palette_name = theme, "field"
        self._curves = Later(self._make_curves)
        self._kind = ""  # nobody has chosen
        self.dock = QDockWidget("Curves", window)
        self.dock.setObjectName("curves")
        self.dock.setFeatures(
            QDockWidget.DockWidgetFeature.DockWidgetClosable | QDockWidget.DockWidgetFeature.DockWidgetMovable
        )
        window.setCorner(Qt.Corner.BottomRightCorner, Qt.DockWidgetArea.RightDockWidgetArea)
        window.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, self.dock)
        self.dock.hide()
        self.compare_job, self.answers_job = CompareJob(session), AnswersJob(session)
        self.together_job = TogetherJob(session)
        self.curves_job, self.suspicions_job = CurvesJob(session), SuspicionsJob(session)
        self.handlers = AnswerHandlers(
            window, session, editor, self.compare_job, self.together_job, self.predictions, self.suspicions, self._curves,
            self.dock,
        )  # fmt: skip
        self.together = TogetherHandlers(window, session, opener, self.together_job, self.compare_job)
        self._connect()

    @property
    def curves(self) -> CurvesView:
        """The view of the curves, built now unless it is there."""
        return self._curves.now()

    @property
    def kind_of_curves(self) -> str:
        """A key of CURVES: what the curves show, or will."""
        if self._curves.is_made:
            return self.curves.choice().kind
        return self._chosen_kind() or (next(iter(CURVES)) if self._session.clip is None else usual_kind(self._session.clip))

    def choose_curves(self, kind: str) -> None:
        """Have the curves show this, a key of CURVES."""
        self._kind = kind
        if self._curves.is_made:
            self.curves.choose(kind)

    def _chosen_kind(self) -> str:
        """What was chosen before the curves are built, of clips that have such alone."""
        clip = self._session.clip
        return "" if clip is not None and why_nothing(self._kind, clip, None) else self._kind

    def _make_curves(self) -> CurvesView:
        from app.views.curves import CurvesView  # what it draws with is slow to import, and not needed to open a window

        curves = CurvesView(self._session, self._theme)
        curves.set_theme(self._theme, self._palette_name)
        self._connect_curves(curves)
        if kind := self._chosen_kind():
            curves.choose(kind)
        curves.show_span(*self._timeline.in_view[:2])
        curves.closed.connect(self.dock.close)
        self.dock.setTitleBarWidget(curves.bar)
        self.dock.setWidget(curves)  # which shows it where the dock is on show
        return curves

    def _connect(self) -> None:
        session, panel, handlers = self._session, self.predictions, self.handlers
        panel.keep_chosen.connect(handlers.keep_answer)
        panel.compare_chosen.connect(handlers.compare_lifters)
        for job in (self.compare_job, self.together_job):  # one at a time
            panel.cancel_chosen.connect(job.cancel)
            job.progressed.connect(panel.show_progress)
        panel.save_chosen.connect(handlers.save_answers)
        panel.removed.connect(lambda numbers: remove_answers(session, numbers))
        panel.renamed.connect(lambda number, name: rename_answer(session, number, name))
        panel.seen.connect(self.answers_job.set_wanted)
        self.answers_job.changed.connect(panel.show_figures)
        self.suspicions.chosen.connect(handlers.go_to)
        self.suspicions.worst_chosen.connect(handlers.go_to_most_suspicious)
        self.suspicions.hide_chosen.connect(handlers.hide_suspicious)

    def _connect_curves(self, curves: CurvesView) -> None:
        curves.choice_changed.connect(self.curves_job.set_choice)
        curves.wanted.connect(self.curves_job.set_wanted)
        curves.frame_chosen.connect(self._session.set_frame)
        curves.save_chosen.connect(self.handlers.save_curves)
        curves.span_chosen.connect(self._timeline.show_span)
        self._timeline.span_changed.connect(curves.show_span)
        self.curves_job.changed.connect(curves.show_curves)
        self.curves_job.set_choice(curves.choice())
        self._timeline.edges_changed.connect(curves.line_up)
        self._timeline.unit_changed.connect(curves.axis.set_seconds)
        curves.line_up(self._timeline.scale().left, self._timeline.scale().right)
        curves.axis.set_seconds(self._timeline.shows_seconds)

    def bind(self, curves_action: QAction) -> None:
        """The action that shows the curves follows the dock, which can also be closed by itself."""
        self.dock.visibilityChanged.connect(self._show_curves)
        self.dock.visibilityChanged.connect(lambda _: curves_action.setChecked(not self.dock.isHidden()))

    def _show_curves(self, is_visible: bool) -> None:
        if is_visible:
            self._curves.now()

    def restyle(self, theme: Theme, palette_name: str) -> None:
        """Take over colours."""
        self.predictions.set_theme(theme)
        self._theme, self._palette_name = theme, palette_name
        if self._curves.is_made:
            self.curves.set_theme(theme, palette_name)

    def stop(self) -> None:
        """End the workers; call before the application quits."""
        for job in (self.compare_job, self.together_job, self.answers_job, self.curves_job, self.suspicions_job):
            job.stop()
