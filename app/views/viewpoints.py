"""From where the views are looked at, as plain values that a project keeps."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QPointF
from PySide6.QtGui import QVector3D

from app.views.image_view import ImageView
from app.views.picture_place import MODES
from app.views.timeline import Timeline

if TYPE_CHECKING:
    from app.views.scene_view import SceneView

_SCENE = ("distance", "elevation", "azimuth", "fov")


def scene_viewpoint(view: SceneView) -> dict[str, Any]:
    """Where the eye is, metres and degrees, in a view of which aspect (width to height), and how far ghosts reach, in
    frames."""
    centre = view.opts["center"]
    numbers = {name: float(view.opts[name]) for name in _SCENE}
    aspect = view.width() / max(view.height(), 1)
    place = {"centre": [centre.x(), centre.y(), centre.z()], "is_in_camera": view.is_in_camera}
    return {**place, "ghosts": view.ghosts.reach, "aspect": aspect, **numbers}


def look_from_there(view: SceneView, kept: Mapping[str, Any]) -> None:
    """Go where scene_viewpoint was taken; values that are none are left out."""
    numbers = _numbers(kept, _SCENE)
    centre, ghosts = kept.get("centre"), kept.get("ghosts")
    if type(ghosts) is int and ghosts >= 0:
        view.ghosts.reach = ghosts
        view.refresh()
    if numbers is None or not isinstance(centre, list) or len(centre) != 3 or not all(map(_is_number, centre)):
        return
    shape = _numbers(kept, ("aspect",))
    view.set_angle(numbers["fov"], 0.0 if shape is None else shape["aspect"])
    view.stay()
    view.is_in_camera = kept.get("is_in_camera") is True
    view.setCameraPosition(
        pos=QVector3D(*centre), distance=numbers["distance"], elevation=numbers["elevation"], azimuth=numbers["azimuth"]
    )


def image_viewpoint(view: ImageView) -> dict[str, Any]:
    """What of the picture is on show, by how much it is larger than it fits, and how far its middle is off, as shares of the
    view."""
    mode, zoom, offset = view.picture_place
    return {"mode": mode, "zoom": zoom, "x": offset.x() / max(view.width(), 1), "y": offset.y() / max(view.height(), 1)}


def zoom_there(view: ImageView, kept: Mapping[str, Any]) -> None:
    """As image_viewpoint was taken, whatever the size of the view is now."""
    numbers = _numbers(kept, ("zoom", "x", "y"))
    if numbers is not None and kept.get("mode") in MODES:
        view.put_picture(kept["mode"], numbers["zoom"], QPointF(numbers["x"] * view.width(), numbers["y"] * view.height()))


def timeline_viewpoint(view: Timeline) -> dict[str, Any]:
    """Which frames are in view, which limbs are unfolded, and how much of the height the curve has."""
    first, count, unfolded, curve_px = view.in_view
    return {"first": first, "count": count, "unfolded": sorted(unfolded), "curve_px": curve_px}


def scroll_there(view: Timeline, kept: Mapping[str, Any]) -> None:
    """As timeline_viewpoint was taken."""
    numbers, unfolded = _numbers(kept, ("first", "count")), kept.get("unfolded")
    if numbers is not None and isinstance(unfolded, list):
        curve = _numbers(kept, ("curve_px",))
        limbs = [limb for limb in unfolded if isinstance(limb, str)]
        view.show_frames(numbers["first"], numbers["count"], limbs, None if curve is None else curve["curve_px"])


def _numbers(kept: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, float] | None:
    return {name: float(kept[name]) for name in names} if all(_is_number(kept.get(name)) for name in names) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and math.isfinite(value)
