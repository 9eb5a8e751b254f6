"""What shows motion in the scene beside the pose of the frame: trails of joints, ghosts, shadows of the feet."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from pyqtgraph.opengl import GLGraphicsItem, GLLinePlotItem, GLMeshItem, MeshData
from PySide6.QtGui import QColor

from app.document.scene_positions import predicted_in_scene, root_in_scene, ways_in_scene
from app.document.session import Session
from app.look import theme as look
from app.look.theme import Theme
from app.views.capsules import SkeletonMesh, build_vertices
from mpm_core.grounding.floor import ANKLE_HEIGHT_M, FEET
from mpm_core.skeleton import MPM16

_TRAIL_S = 1.0
_PAST_ALPHA, _AHEAD_ALPHA = 0.9, 0.35  # what is still to come is fainter
_MOST_GHOSTS = 3  # on each side; more would hide the person
_SHADOW_M, _SHADOW_CORNERS, _SHADOW_ABOVE_M = 0.13, 24, 0.002
_SHADOW_FADES_M = 0.25  # a foot so high over the floor has a shadow of a third


class Trails:
    """The way of the chosen joints, a second back and a second ahead; of Hip where none is chosen."""

    def __init__(self) -> None:
        self.is_on = False
        self._line = GLLinePlotItem(mode="lines", antialias=True, width=2.0)
        self._line.setGLOptions("translucent")
        self.items: tuple[GLGraphicsItem.GLGraphicsItem, ...] = (self._line,)

    def refresh(self, session: Session, theme: Theme, palette_name: str) -> None:
        """Bring the trails up to the session's frame and selection."""
        steps = np.zeros((0, 2, 3))
        colours = np.zeros((0, 2, 4))
        if self.is_on and session.clip is not None and session.prediction is not None:
            reach = round(_TRAIL_S * session.clip.fps)
            first, last = max(session.frame - reach, 0), min(session.frame + reach, len(session) - 1)
            joints = sorted(session.selection) or [MPM16.root]
            ways = ways_in_scene(session, first, last, joints)  # (frames, joints, 3)
            steps = np.stack((ways[:-1], ways[1:]), axis=2)  # (frames, joints, 2 ends, 3)
            is_past = np.arange(first, last) < session.frame
            colours = np.ones((*steps.shape[:3], 4))
            colours[..., :3] = theme.palettes[palette_name].joints[joints][:, None]
            colours[..., 3] = np.where(is_past, _PAST_ALPHA, _AHEAD_ALPHA)[:, None, None]
            known = np.isfinite(steps).all((2, 3))
            steps, colours = steps[known], colours[known]
        self._line.setVisible(len(steps) > 0)
        if len(steps):
            points, shades = steps.reshape(-1, 3).astype(np.float32), colours.reshape(-1, 4).astype(np.float32)
            self._line.setData(pos=points, color=shades)


class Ghosts:
    """The person a few frames before and after, see-through. reach: how far the outermost ghosts are, in frames; 0: none."""

    def __init__(self) -> None:
        self.reach = 0
        self._meshes = [SkeletonMesh(look.GHOST_ALPHA) for _ in range(2 * _MOST_GHOSTS)]
        for mesh in self._meshes:
            mesh.setDepthValue(3)
        self.items: tuple[GLGraphicsItem.GLGraphicsItem, ...] = tuple(self._meshes)

    def refresh(self, session: Session, theme: Theme, palette_name: str) -> None:
        """Bring the ghosts up to the session's frame."""
        colours = theme.palettes[palette_name].joints
        radius = np.full(len(MPM16), look.JOINT_RADIUS_M * look.GHOST_SHARE)
        frames = [session.frame + step for step in ghost_steps(self.reach)]
        for mesh, frame in zip(self._meshes, [*frames, *[-1] * (len(self._meshes) - len(frames))], strict=True):
            pose = places_in_scene(session, frame) if 0 <= frame < len(session) else None
            mesh.setVisible(pose is not None)
            if pose is not None:
                shown = np.zeros(len(MPM16), bool)
                mesh.set_vertices(build_vertices(pose, colours, shown, look.BONE_RADIUS_M * look.GHOST_SHARE, radius))


class FootShadows:
    """A dark disc on the floor under each foot, the fainter the higher the foot is."""

    def __init__(self) -> None:
        around = np.linspace(0, 2 * np.pi, _SHADOW_CORNERS, endpoint=False)
        rim = np.stack((np.cos(around), np.sin(around), np.zeros(_SHADOW_CORNERS)), axis=1) * _SHADOW_M
        corner = np.arange(_SHADOW_CORNERS)
        faces = np.stack((np.zeros_like(corner), corner + 1, (corner + 1) % _SHADOW_CORNERS + 1), axis=1)
        disc = MeshData(vertexes=np.vstack((np.zeros(3), rim)).astype(np.float32), faces=faces)
        self._discs = [GLMeshItem(meshdata=disc, smooth=False, glOptions="translucent") for _ in FEET]
        self.items: tuple[GLGraphicsItem.GLGraphicsItem, ...] = tuple(self._discs)

    def refresh(self, session: Session, floor: float, theme: Theme) -> None:
        """Under the feet of the session's frame."""
        pose = places_in_scene(session, session.frame) if len(session) else None
        for disc, foot in zip(self._discs, FEET, strict=True):
            disc.setVisible(pose is not None)
            if pose is None:
                continue
            height = max(float(pose[foot, 2]) - ANKLE_HEIGHT_M - floor, 0.0)
            colour = QColor(theme.shadow)
            colour.setAlphaF(look.SHADOW_ALPHA * float(np.exp(-height / _SHADOW_FADES_M)))
            disc.setColor(colour)
            disc.resetTransform()
            disc.translate(float(pose[foot, 0]), float(pose[foot, 1]), floor + _SHADOW_ABOVE_M)


def ghost_steps(reach: int) -> list[int]:
    """How many frames from the one on show the ghosts are: evenly spaced, the outermost at `reach`."""
    count = min(reach, _MOST_GHOSTS)
    ahead = sorted({round(reach * k / count) for k in range(1, count + 1)}) if count else []
    return [*(-step for step in reversed(ahead)), *ahead]


def places_in_scene(session: Session, frame: int) -> NDArray[np.float32] | None:
    """(16, 3) where the predicted joints of a frame are in the scene, metres; None before there are any."""
    pose = predicted_in_scene(session, frame)
    return None if pose is None else pose + root_in_scene(session, frame)
