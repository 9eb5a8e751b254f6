"""Owns what the actions on answers do: keeping, comparing, curves, and going through bad frames."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtWidgets import QDockWidget, QMainWindow

from app.document.answer_commands import keep_answers
from app.document.editor import Editor
from app.document.later import Later
from app.document.predictions import keep, usual_name
from app.document.session import Session
from app.document.suspicions import joints_text, sentence_of
from app.document.words import frames_in_words
from app.document.worst import find_worst
from app.panels.predictions import PredictionsPanel
from app.panels.questions import ask_where
from app.panels.suspicions import SuspicionsPanel
from app.views.curves_files import SUFFIXES
from app.workers.comparing import CompareJob
from app.workers.together import TogetherJob
from mpm_core.comparison import table_text
from mpm_core.errors import UserError
from mpm_core.files import written_whole
from mpm_core.suspicions import Suspicion

if TYPE_CHECKING:
    from app.views.curves import CurvesView

_WAS_SHOWN = "was_shown"
AT_WORK = "Lifters are at work already: the tab Answers says how far, and cancels them."
_NOT_WHOLE = "The answer is not complete yet: wait until the status line no longer says 'lifting'."

_NO_FIGURES = "There are no figures to save yet: the tab Answers computes them while it is open."


class AnswerHandlers(QObject):
    """Binds the table of actions to kept answers, curves and suspicions."""

    comparing = Signal()  # lifters begin to answer: the list of answers tells how far they are

    def __init__(
        self, window: QMainWindow, session: Session, editor: Editor, compare_job: CompareJob, together_job: TogetherJob,
        answers: PredictionsPanel, suspicions: SuspicionsPanel, curves: Later[CurvesView], curves_dock: QDockWidget,
    ) -> None:  # fmt: skip
        super().__init__()
        self._window, self._session, self._editor, self._compare_job = window, session, editor, compare_job
        self._together_job = together_job
        self._answers, self._suspicions, self._curves, self._dock = answers, suspicions, curves, curves_dock

    def keep_answer(self) -> None:
        """Keep the answer on show under a name, which can be changed in the list."""
        session = self._session
        if session.prediction is None or session.state.is_busy or session.renewal.marks is not None:
            session.warning.emit(_NOT_WHOLE)
            return
        assert session.clip is not None
        name = usual_name(session.prediction, session.options, session.clip)
        answer = keep(name, session.prediction, session.options.aids, session.clip)
        name = session.kept.free_name(answer.name)
        if keep_answers(session, [answer], f"Keep {name}"):
            session.message.emit(f"Kept as '{name}': the tab Answers lists it, a double click there renames it.")

    def compare_lifters(self) -> None:
        if self._together_job.is_running:
            self._session.warning.emit(AT_WORK)
            return
        self._compare_job.start()
        if self._compare_job.is_running:
            self.comparing.emit()

    def set_curves(self, shows: bool) -> None:
        """A fifth of the window, the first time."""
        is_first = self._dock.property(_WAS_SHOWN) is None
        self._dock.setVisible(shows)
        if shows and is_first:
            self._dock.setProperty(_WAS_SHOWN, True)
            self._window.resizeDocks([self._dock], [self._window.height() // 5], Qt.Orientation.Vertical)

    def go_suspicion(self, direction: int) -> None:
        """To the next suspicion of those on show."""
        session, suspicions = self._session, self._session.suspicions
        found = suspicions.beyond(session.frame, direction)
        if found is not None:
            self.go_to(found)
            self._suspicions.select(found)
        elif suspicions.items is None and session.clip is not None:
            session.message.emit("Still looking for bad frames …")
        elif session.clip is not None and not suspicions.shown:
            session.message.emit("There are no bad frames of this kind." if suspicions.only else "There are no bad frames.")
        elif session.clip is not None:
            kind = " of this kind" if suspicions.only else ""
            session.message.emit(f"No bad frame{kind} further on: the tab Bad frames lists {len(suspicions.shown)}.")

    def go_to(self, item: Suspicion) -> None:
        """To where a suspicion is worst, with its joints selected."""
        self._session.set_frame(item.worst)
        self._session.set_selection(frozenset(item.joints))
        others = [other for other in self._session.suspicions.at(item.worst) if other != item]
        also = f" (and {len(others)} more here)" if others else ""
        old = "; found before the last change" if self._session.suspicions.is_outdated else ""
        self._session.message.emit(sentence_of(item) + also + old)

    def go_to_most_suspicious(self) -> None:
        """To the frame of the largest suspicion, of the range if there is one, whatever is known of errors."""
        self.go_to_worst(by_error=False)

    def go_to_worst(self, by_error: bool = True) -> None:
        """To the frame of the largest error, or where nobody knows errors of the largest suspicion; of the range if there is
        one."""
        session = self._session
        if session.clip is None:
            return
        worst = find_worst(session, by_error)
        if worst.frame is None:
            session.message.emit(worst.words)
            return
        session.set_frame(worst.frame)
        if worst.suspicion is not None:
            session.set_selection(frozenset(worst.suspicion.joints))
            self._suspicions.select(worst.suspicion)
        session.message.emit(worst.words + ("" if worst.is_sure else " (frames that are lifted again now are left out)"))

    def hide_suspicious(self, items: Sequence[Suspicion] = ()) -> None:
        """Hide the joints of suspicions over their spans, as one step; without any, of the selected ones."""
        items = items or self._suspicions.hideable()
        if not items:
            self._session.warning.emit(
                "Choose bad frames in the tab Bad frames first: gaps and feet cannot be mended by hiding."
            )
            return
        stack = self._session.undo_stack
        before = stack.index()
        first, *others = items
        words = f"{len(items)} spans" if others else f"{joints_text(first.joints)}, {frames_in_words(first.first, first.last)}"
        stack.beginMacro(f"Hide {words}")
        for item in items:
            self._editor.set_hidden(item.joints, item.first, item.last, True)
        stack.endMacro()
        if stack.index() != before:
            self._session.message.emit(f"Hidden: {words}. The lifter fills them in.")

    def save_answers(self) -> None:
        """The table of answers as CSV."""
        if self._session.clip is None:
            return
        if not self._answers.has_figures:
            self._session.warning.emit(_NO_FIGURES)
            return
        path = self._ask_where("Save the table of answers", "answers", "CSV table", ".csv")
        if path is not None:
            self._write(path, table_text(self._answers.rows()))

    def save_curves(self, suffix: str) -> None:
        """The curves as a picture, a drawing or a table."""
        if self._session.clip is None:
            return
        if self._session.renewal.marks is not None:
            self._session.warning.emit(_NOT_WHOLE)
            return
        path = self._ask_where("Save the curves", self._curves.now().choice().kind, SUFFIXES[suffix], suffix)
        if path is None:
            return
        try:
            self._curves.now().save(path)
        except UserError as error:
            self._session.failure.emit(str(error))
        else:
            self._session.message.emit(f"Saved {path}.")

    def _ask_where(self, title: str, what: str, label: str, suffix: str) -> Path | None:
        clip = self._session.clip
        assert clip is not None
        return ask_where(self._window, title, f"{clip.file_stem}_{what}{suffix}", label, suffix)

    def _write(self, path: Path, text: str) -> None:
        try:
            with written_whole(path) as partial:
                partial.write_text(text, encoding="utf-8")
        except UserError as error:
            self._session.failure.emit(str(error))
        else:
            self._session.message.emit(f"Saved {path}.")
