"""Owns what a project keeps of how it was looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QSplitter, QTabWidget

from app.document.corrections import Corrections
from app.document.playback import SPEEDS, Playback
from app.document.session import Session
from app.views import viewpoints
from app.views.image_view import ImageView
from app.views.scene_area import SceneArea
from app.views.timeline import Timeline
from app.window.actions import ACTIONS
from app.window.answers import Answers
from mpm_core.clip import Clip
from mpm_core.corrections import FILLS
from mpm_core.curves import CURVES
from mpm_core.formats.project import Part
from mpm_core.suspicions import CHECKS

_NAME = "view"
_SWITCHES = tuple(
    spec.name
    for spec in ACTIONS
    if spec.is_checkable and not spec.is_choice and spec.menu in ("View", "Play") and spec.name != "turn"
)
_LONGEST_REACH_S = 60.0


@dataclass(frozen=True, eq=False)
class ViewState:
    """Kept with a project, but no work: nobody is asked to save it. splitters: by name, whose parts share the room; asked: from
    where to look at the scene once it is built, and the clip that this was said of."""

    session: Session
    playback: Playback
    corrections: Corrections
    image: ImageView
    scene: SceneArea
    timeline: Timeline
    compared: Answers
    panels: QTabWidget
    splitters: Mapping[str, QSplitter]
    actions: Mapping[str, QAction]
    asked: list[tuple[Clip | None, Mapping[str, Any]]] = field(default_factory=list)

    def owns(self, name: str) -> bool:
        """See Kept."""
        return name == _NAME

    def parts(self) -> Mapping[str, Part]:
        """See Kept."""
        note = {
            "image": viewpoints.image_viewpoint(self.image),
            "timeline": viewpoints.timeline_viewpoint(self.timeline),
            "scene": self._scene_viewpoint(),
            "switches": {name: self.actions[name].isChecked() for name in _SWITCHES},
            "panel": self.panels.tabText(self.panels.currentIndex()),
            "answers": [answer.name for answer in self.session.kept.shown],
            "curves": self.compared.kind_of_curves,
            "bad_frames": self.session.suspicions.only,
            "speed": self.playback.speed,
            "between_keys": {"fill": self.corrections.fill, "reach_s": self.corrections.reach_s},
            "shares": {name: splitter.sizes() for name, splitter in self.splitters.items()},
        }
        return {_NAME: Part(note)}

    def restore(self, parts: Mapping[str, Part]) -> None:
        """See Kept."""
        note = parts[_NAME].note if _NAME in parts else {}
        for name, is_on in _dict(note, "switches").items():
            if name in _SWITCHES and isinstance(is_on, bool):
                self.actions[name].setChecked(is_on)
        for place in range(self.panels.count()):
            if self.panels.tabText(place) == note.get("panel"):
                self.panels.setCurrentIndex(place)
        self._restore_choices(note)
        for name, sizes in _dict(note, "shares").items():
            if name in self.splitters and isinstance(sizes, list) and all(type(size) is int and size >= 0 for size in sizes):
                self.splitters[name].setSizes(sizes)
        viewpoints.zoom_there(self.image, _dict(note, "image"))
        viewpoints.scroll_there(self.timeline, _dict(note, "timeline"))
        self.asked[:] = [(self.session.opened, _dict(note, "scene"))]
        self.scene.then(lambda view: viewpoints.look_from_there(view, self._asked()))

    def _scene_viewpoint(self) -> Mapping[str, Any]:
        """From where the scene is looked at; until it is there, from where it is to be."""
        view = self.scene.view if self.scene.is_built else None
        return self._asked() if view is None else viewpoints.scene_viewpoint(view)

    def _asked(self) -> Mapping[str, Any]:
        """What was asked for of the clip that is open, and of no other one."""
        return next((note for opened, note in self.asked if opened is self.session.opened), {})

    def _restore_choices(self, note: Mapping[str, Any]) -> None:
        """What of the answers, curves and bad frames is shown, how fast it is played, and how new keys are joined."""
        kept = self.session.kept
        if isinstance(names := note.get("answers"), list):
            for answer in kept.answers:
                kept.set_shown(answer.number, answer.name in names)
        curves, only = str(note.get("curves")), str(note.get("bad_frames"))
        if curves in CURVES:
            self.compared.choose_curves(curves)
        if only in ("", *CHECKS):
            self.session.suspicions.set_only(only)
        if note.get("speed") in SPEEDS:
            self.playback.set_speed(note["speed"])
        between = _dict(note, "between_keys")
        fill, reach_s = between.get("fill"), between.get("reach_s")
        if isinstance(fill, str) and fill in FILLS and isinstance(reach_s, (int, float)) and 0 < reach_s <= _LONGEST_REACH_S:
            self.corrections.set_fill(fill, float(reach_s))


def _dict(note: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = note.get(name)
    return value if isinstance(value, dict) else {}
