"""Owns which way is up: known from the camera or told by a person, else as the lifter tells it, else a level camera's."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mpm_core.camera import LEVEL_CAMERA_UP
from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.prediction import Prediction

Direction = tuple[float, float, float]


@dataclass(frozen=True)
class Up:
    """direction: away from the ground, in camera axes (x right, y down, z forward). source: 'clip' (its file knew the camera,
    or a person said so), 'lifter' or 'level' (nobody knows: a level camera is assumed). error_deg: how far it is off, in the
    middle of cases like this one; None where nobody knows."""

    direction: Direction = LEVEL_CAMERA_UP
    source: str = "level"
    error_deg: float | None = None

    @property
    def pitch_deg(self) -> float:
        """By how much the camera looks down."""
        return math.degrees(math.asin(max(-1.0, min(1.0, -self.direction[2]))))

    @property
    def roll_deg(self) -> float:
        """By how much the camera is turned about its axis, clockwise as it looks."""
        return math.degrees(math.atan2(-self.direction[0], -self.direction[1]))

    def sentence(self) -> str:
        """Where up is from, for people."""
        angles = f"the camera looks down by {round(self.pitch_deg)}° and is rolled by {round(self.roll_deg)}°"
        if self.source == "level":
            return "up is not known: the camera is taken to be level"
        if self.source == "lifter":
            return f"up as the lifter tells it, off by about {self.error_deg:.0f}°: {angles}"
        return f"up as it is known: {angles}"


def find_up(clip: Clip | None, prediction: Prediction | None = None) -> Up:
    """Which way is up in a clip and in the answer to it."""
    if clip is not None and clip.up is not None:
        return Up(_unit(clip.up), "clip")
    if prediction is not None and prediction.up is not None:
        x, y, z = (float(value) for value in prediction.up)
        return Up((x, y, z), "lifter", prediction.up_error_deg)
    return Up()


def up_of_camera(pitch_deg: float, roll_deg: float = 0.0) -> Direction:
    """Up in the axes of a camera that looks down by `pitch_deg` and is rolled clockwise by `roll_deg`."""
    pitch, roll = math.radians(pitch_deg), math.radians(roll_deg)
    level = math.cos(pitch)
    return -math.sin(roll) * level, -math.cos(roll) * level, -math.sin(pitch)


def up_as_given(up: Direction | None, pitch_deg: float | None, roll_deg: float | None) -> Direction | None:
    """What a person says of up, as a direction or by angles of the camera; None where nothing is said. UserError for both, for
    angles out of range and for no direction."""
    if up is not None and (pitch_deg is not None or roll_deg is not None):
        raise UserError("say which way is up by a direction or by the camera's pitch and roll, not by both")
    if up is not None:
        if not np.isfinite(up).all() or not any(up):
            raise UserError(f"up must be a direction of three numbers, not {', '.join(f'{value:g}' for value in up)}")
        return _unit(up)
    if pitch_deg is None and roll_deg is None:
        return None
    pitch, roll = pitch_deg or 0.0, roll_deg or 0.0
    if not (-90 <= pitch <= 90 and -180 <= roll <= 180):
        limits = "a pitch between -90 and 90 degrees and a roll between -180 and 180"
        raise UserError(f"a camera has {limits}, not {pitch:g} and {roll:g}")
    return up_of_camera(pitch, roll)


def _unit(up: Direction) -> Direction:
    length = math.hypot(*up)
    return up[0] / length, up[1] / length, up[2] / length
