"""Other people in the scene, see-through."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pyqtgraph.opengl import GLGraphicsItem

from app.document.scene_positions import in_scene
from app.document.session import Session
from app.look import theme as look
from app.look.theme import Theme
from app.views.capsules import SkeletonMesh, build_vertices
from mpm_core.skeleton import MPM16


class Bystanders:
    """As many as there are items for. places: of each person (frames, 16, 3) metres in camera axes, NaN where not seen."""

    def __init__(self, most: int) -> None:
        self._meshes = [SkeletonMesh(look.OTHERS_ALPHA) for _ in range(most)]
        self._places: Sequence[NDArray[np.float32]] = ()
        self.items: tuple[GLGraphicsItem.GLGraphicsItem, ...] = tuple(self._meshes)

    def show(self, places: Sequence[NDArray[np.float32]]) -> None:
        """Whom to draw from the next refresh on."""
        self._places = places

    @property
    def are_there(self) -> bool:
        """Whether there is anybody to draw in some frame."""
        return bool(self._places)

    def refresh(self, session: Session, theme: Theme, palette_name: str) -> None:
        """Bring everybody up to the session's frame."""
        colours = theme.palettes[palette_name].joints
        radius = np.full(len(MPM16), look.JOINT_RADIUS_M)
        for number, mesh in enumerate(self._meshes):
            places = self._places[number] if number < len(self._places) else None
            is_seen = places is not None and session.frame < len(places) and bool(np.isfinite(places[session.frame]).all())
            mesh.setVisible(is_seen)
            if places is not None and is_seen:
                points = in_scene(places[session.frame], session.up.direction)
                mesh.set_vertices(build_vertices(points, colours, np.zeros(len(MPM16), bool), look.BONE_RADIUS_M, radius))
