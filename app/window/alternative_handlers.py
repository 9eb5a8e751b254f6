"""Owns what the actions on alternatives of hidden joints do, and the worker that draws them."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction

from app.document.alternatives import FEW, MANY
from app.document.editor import Editor
from app.document.session import Session
from app.views.scene_area import SceneArea
from app.workers.alternatives import AlternativesJob
from mpm_core.skeleton import MPM16


class AlternativeHandlers(QObject):
    """Binds the table of actions and the scene to the session's alternatives."""

    def __init__(self, session: Session, editor: Editor, scene: SceneArea) -> None:
        super().__init__()
        self._session, self._editor = session, editor
        self._actions: Mapping[str, QAction] = {}
        self.job = AlternativesJob(session)
        scene.then(lambda view: view.alternative_taken.connect(editor.choosing.take))
        session.alternatives.changed.connect(self._show)

    def use(self, actions: Mapping[str, QAction]) -> None:
        """The window's actions by name, which show what is on."""
        self._actions = actions

    def set_alternatives(self, is_on: bool) -> None:
        is_many = self._actions["alternatives_many"].isChecked()
        self._session.alternatives.set_wanted(samples=(MANY if is_many else FEW) if is_on else 0)

    def set_many_alternatives(self, is_many: bool) -> None:
        """The number for when they are on."""
        if self._session.alternatives.samples:
            self._session.alternatives.set_wanted(samples=MANY if is_many else FEW)

    def set_ellipsoids(self, is_on: bool) -> None:
        self._session.alternatives.set_wanted(are_ellipsoids=is_on)

    def let_alternatives_go(self) -> None:
        """Of the selected joints, or all, at the frame or in the range."""
        session = self._session
        if len(session):
            joints = session.selection or frozenset(range(len(MPM16)))
            self._editor.choosing.let_go(joints, *(session.range or (session.frame, session.frame)))

    def stop(self) -> None:
        """End the worker; call before the application quits."""
        self._editor.choosing.stop()
        self.job.stop()

    def _show(self) -> None:
        if self._actions:
            shown = self._session.alternatives
            if shown.samples:
                self._actions["alternatives_many"].setChecked(shown.samples == MANY)
            self._actions["alternatives"].setChecked(shown.samples > 0)
            self._actions["ellipsoids"].setChecked(shown.are_ellipsoids)
