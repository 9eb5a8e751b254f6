"""Owns what a project keeps of how it was looked at."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QTabWidget

from app.views import viewpoints
from app.views.image_view import ImageView
from app.views.scene_view import SceneView
from app.views.timeline import Timeline
from app.window.actions import ACTIONS
from mpm_core.formats.project import Part

_NAME = "view"
_SWITCHES = tuple(spec.name for spec in ACTIONS if spec.is_checkable and spec.menu in ("View", "Play") and spec.name != "turn")


class ViewState:
    """Kept with a project, but no work: nobody is asked to save it."""

    def __init__(
        self, image: ImageView, scene: SceneView | None, timeline: Timeline, panels: QTabWidget, actions: Mapping[str, QAction]
    ) -> None:
        self._image, self._scene, self._timeline, self._panels, self._actions = image, scene, timeline, panels, actions

    def owns(self, name: str) -> bool:
        """See Kept."""
        return name == _NAME

    def parts(self) -> Mapping[str, Part]:
        """See Kept."""
        note = {
            "image": viewpoints.image_viewpoint(self._image),
            "timeline": viewpoints.timeline_viewpoint(self._timeline),
            "scene": {} if self._scene is None else viewpoints.scene_viewpoint(self._scene),
            "switches": {name: self._actions[name].isChecked() for name in _SWITCHES},
            "panel": self._panels.tabText(self._panels.currentIndex()),
        }
        return {_NAME: Part(note)}

    def restore(self, parts: Mapping[str, Part]) -> None:
        """See Kept."""
        note = parts[_NAME].note if _NAME in parts else {}
        kept = {name: value if isinstance(value := note.get(name), dict) else {} for name in ("image", "timeline", "scene")}
        switches = note.get("switches")
        for name, is_on in switches.items() if isinstance(switches, dict) else ():
            if name in _SWITCHES and isinstance(is_on, bool):
                self._actions[name].setChecked(is_on)
        for place in range(self._panels.count()):
            if self._panels.tabText(place) == note.get("panel"):
                self._panels.setCurrentIndex(place)
        viewpoints.zoom_there(self._image, kept["image"])
        viewpoints.scroll_there(self._timeline, kept["timeline"])
        if self._scene is not None:
            viewpoints.look_from_there(self._scene, kept["scene"])
