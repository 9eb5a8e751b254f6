"""Owns the worker that lets all lifters answer to the same mask, so that they can be compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, Signal

from app.document.answer_commands import keep_answers
from app.document.lift_options import LiftOptions
from app.document.predictions import KeptAnswer, keep, usual_name
from app.document.session import Session
from app.workers.lifters import load_lifter
from app.workers.newest_wins import NewestWins
from mpm_core.clip import Clip
from mpm_core.lifters import LIFTERS, SAMPLING_LIFTERS
from mpm_core.masking import Mask
from mpm_core.prediction import Prediction
from mpm_core.progress import Progress


@dataclass(frozen=True, eq=False)
class _Asked:
    """What is lifted, and what is there of it already: the answer on show, if it is whole."""

    clip: Clip
    mask: Mask
    options: LiftOptions
    on_show: Prediction | None
    number: int


class CompareJob(QObject):
    """Keeps an answer of each lifter to the mask as it was when that was asked for; the window goes on meanwhile."""

    progressed = Signal(object)  # Progress, in per cent of all; None when it has ended
    _advanced = Signal(object, int)
    _compared = Signal(object, object)  # the answers, and the request

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._number = 0
        self._is_running = False
        self._thread = NewestWins(self._work)
        self._thread.failed.connect(self._on_failed)
        self._advanced.connect(self._on_advanced)
        self._compared.connect(self._on_compared)
        session.clip_changed.connect(self.cancel)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        """Whether lifters are at work."""
        return self._is_running

    def start(self) -> None:
        """Compare all lifters on the mask at hand; a message says why that cannot be."""
        session = self._session
        if session.clip is None or self._is_running:
            return
        if session.clip.keypoints is None:
            session.warning.emit("This clip has no 2D to lift, and only MPM completes 3D: there is nothing to compare.")
            return
        is_old = session.state.is_busy or session.renewal.marks is not None
        on_show = None if is_old or session.options.task != "lift" else session.prediction
        self._number += 1
        self._is_running = True
        options = session.options if session.options.task == "lift" else session.options.with_task("lift")
        asked = _Asked(session.clip, session.mask | session.unsure, options, on_show, self._number)
        self.progressed.emit(Progress(0, 100, "loading"))
        self._thread.ask(asked)

    def cancel(self) -> None:
        """Give up what is at work; nothing of it is kept."""
        if self._is_running:
            self._number += 1
            self._end()

    def stop(self) -> None:
        """End the worker; call before the application quits."""
        self._number += 1
        self._thread.stop()

    def _work(self, asked: _Asked) -> None:
        """In the worker: the lifters one after the other."""
        found: list[KeptAnswer] = []
        networks = [name for name in LIFTERS if name not in SAMPLING_LIFTERS]
        for place, name in enumerate(networks):
            options = replace(asked.options, lifter=name)
            answer = asked.on_show if name == asked.options.lifter else None
            if answer is None:
                task = load_lifter(name, options.device).start(asked.clip, "lift", options.mode, options.aids, hypotheses=False)
                for step in task.update(asked.mask):
                    if asked.number != self._number or self._thread.is_outdated():
                        return
                    done = (place + step.done / max(step.total, 1)) / len(networks)
                    self._advanced.emit(Progress(min(round(100 * done), 99), 100, name.upper()), asked.number)
                answer = task.prediction()
            found.append(keep(usual_name(answer, options), answer, options.aids))
        self._compared.emit(found, asked)

    def _on_advanced(self, progress: Progress, number: int) -> None:
        if number == self._number:
            self.progressed.emit(progress)

    def _on_compared(self, found: Sequence[KeptAnswer], asked: _Asked) -> None:
        """In the window's thread. Answers that somebody has given up come too late."""
        if asked.number != self._number:
            return
        self._end()
        if keep_answers(self._session, found, "Compare lifters"):
            changed = "" if (self._session.mask | self._session.unsure == asked.mask).all() else ", to the mask as it was then"
            self._session.message.emit(f"{len(found)} lifters have answered{changed}: the tab Answers has their figures.")

    def _on_failed(self, text: str, request: tuple[_Asked]) -> None:
        if request[0].number == self._number:
            self._end()
            self._session.failure.emit(text)

    def _end(self) -> None:
        self._is_running = False
        self.progressed.emit(None)
