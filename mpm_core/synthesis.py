"""Owns procedural motion: a person who walks, turns, waves, sits down and gets up, made from footsteps and joint angles."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mpm_core.camera import Intrinsics, to_camera
from mpm_core.clip import Clip
from mpm_core.skeleton import MPM16

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Body:
    """Lengths in metres."""

    hip: float = 0.10
    thigh: float = 0.43
    shin: float = 0.42
    low_back: float = 0.24
    high_back: float = 0.26
    head: float = 0.30
    clavicle: float = 0.17
    upper_arm: float = 0.29
    forearm: float = 0.25
    ankle_height: float = 0.09


@dataclass(frozen=True)
class Stage:
    """Where a camera stands, and the picture it takes."""

    image_size: tuple[int, int] = (1080, 1080)
    focal_px: float = 1060.0
    distance_m: float = 4.4
    height_m: float = 1.45
    down_deg: float = 7.0


# The story of the demo, in seconds.
_WALK_END, _TURN_END = 3.2, 4.9
_WAVE, _SIT, _RISE = (5.3, 8.5), (9.1, 10.7), (12.3, 13.8)
DEMO_SECONDS = 14.6

_STEP_S = 0.56
_SWING_SHARE = 0.62  # of a step that the foot is in the air
_LIFT_M = 0.09
_SEAT_HEIGHT_M, _SEAT_BACK_M = 0.50, 0.42
_LEG_STRETCH = 0.985  # a leg is never quite straight


def demo_motion(fps: float = 50.0, body: Body | None = None) -> Array:
    """(frames, 16, 3) world metres, Z up: the demo's story, starting on the left and ending in the middle."""
    body = body or Body()
    times = np.arange(round(DEMO_SECONDS * fps)) / fps
    path, heading = _path(times)
    feet = _footsteps(times, path, heading, body)
    sit = _ease(times, *_SIT) - _ease(times, *_RISE)
    lean = _bump(times, *_SIT) + _bump(times, *_RISE)
    forward = np.stack((np.cos(heading), np.sin(heading), np.zeros_like(heading)), axis=-1)
    pelvis = _pelvis(times, path, feet, forward, sit, lean, body, fps)
    walking = 1 - _ease(times, _TURN_END - 0.4, _TURN_END + 0.4)
    swing = np.stack([((foot - pelvis) * forward).sum(-1) for foot in feet], axis=-1) * walking[:, None]
    frame = _trunk_frames(heading, swing, lean, sit)
    points = _trunk_and_head(pelvis, frame, body)
    points |= _legs(points, feet, frame["pelvis"], body)
    points |= _arms(times, points, frame["chest"], swing, sit, body)
    return np.stack([points[name] for name in MPM16.joints], axis=1)


def demo_clip(fps: float = 50.0, stage: Stage | None = None, noise_px: float = 1.0, seed: int = 7) -> Clip:
    """The demo's story as a camera sees it, with a detector's small errors in 2D and the exact 3D as ground truth."""
    stage = stage or Stage()
    down = np.radians(stage.down_deg)
    rotation = np.array(
        [[1, 0, 0], [0, -np.sin(down), -np.cos(down)], [0, np.cos(down), -np.sin(down)]]
    )  # looks along the world's y
    place = np.array([0.0, -stage.distance_m, stage.height_m])
    truth = to_camera(demo_motion(fps), rotation, -rotation @ place)
    width, height = stage.image_size
    camera = Intrinsics((stage.focal_px, stage.focal_px), (width / 2, height / 2))
    rng = np.random.default_rng(seed)
    drift = _smooth(rng.normal(size=(len(truth), len(MPM16), 2)), fps * 0.08)
    keypoints = camera.project(truth) + noise_px * drift / drift.std()
    x, y, z = (float(v) for v in rotation[:, 2])
    return Clip.from_arrays(
        keypoints, stage.image_size, fps, ground_truth=truth, camera=camera, up=(x, y, z), source="demo"
    )  # fmt: skip


def _ease(times: Array, start: float, end: float) -> Array:
    """0 before start, 1 after end, with a smooth rise between (zero first and second derivatives at both ends)."""
    s = np.clip((times - start) / (end - start), 0, 1)
    return s**3 * (s * (6 * s - 15) + 10)


def _bump(times: Array, start: float, end: float) -> Array:
    """0 outside start and end, 1 in the middle between them."""
    s = np.clip((times - start) / (end - start), 0, 1)
    return 16 * s**2 * (1 - s) ** 2


def _smooth(values: Array, frames: float) -> Array:
    """Gaussian smoothing over the first axis."""
    reach = int(np.ceil(3 * frames))
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / frames) ** 2)
    padded = np.pad(values, [(reach, reach)] + [(0, 0)] * (values.ndim - 1), mode="edge")
    return np.apply_along_axis(lambda v: np.convolve(v, kernel / kernel.sum(), mode="valid"), 0, padded)


def _path(times: Array) -> tuple[Array, Array]:
    """Where the person goes (frames, 2) and which way they face (frames,) in radians: right, then round to the camera."""
    heading = np.radians(-68.0 * _ease(times, _WALK_END - 0.4, _TURN_END))
    speed = 1.05 * (1 - _ease(times, _TURN_END - 1.4, _TURN_END)) * (0.25 + 0.75 * _ease(times, 0.0, 0.9))
    step = np.diff(times, prepend=times[0])
    path = np.stack((np.cumsum(speed * np.cos(heading) * step), np.cumsum(speed * np.sin(heading) * step)), axis=-1)
    # The story ends at the origin, to the right of the camera's middle.
    return path - path[-1] + [1.62, 0.0], heading


def _footsteps(times: Array, path: Array, heading: Array, body: Body) -> list[Array]:
    """Ankle paths (frames, 3) of the left and the right foot: planted, except for steps onto where the body will be."""

    def target(foot: int, when: float) -> Array:
        x, y, angle = (np.interp(when, times, v) for v in (path[:, 0], path[:, 1], heading))
        side = (body.hip + 0.01) * (1 if foot == 0 else -1)
        return np.array([x - side * np.sin(angle), y + side * np.cos(angle), body.ankle_height])

    planted = [target(0, 0.0), target(1, 0.0)]
    ankles = [np.tile(p, (len(times), 1)) for p in planted]
    for number in range(int((_TURN_END + 0.5) / _STEP_S)):
        foot, start = number % 2, 0.1 + number * _STEP_S
        landing = start + _STEP_S * 2 * _SWING_SHARE / (2 * _SWING_SHARE + 0.4)
        goal = target(foot, landing + _STEP_S / 2)
        share = _ease(times, start, landing)[:, None]
        lift = _LIFT_M * np.sin(np.pi * np.clip((times - start) / (landing - start), 0, 1)) ** 2
        if np.linalg.norm(goal - planted[foot]) < 0.02:
            continue
        moved = planted[foot] + (goal - planted[foot]) * share
        moved[:, 2] += lift
        after = times >= start
        ankles[foot][after] = moved[after]
        planted[foot] = goal
    return ankles


def _pelvis(
    times: Array, path: Array, feet: list[Array], forward: Array, sit: Array, lean: Array, body: Body, fps: float
) -> Array:
    """(frames, 3): over the path, as high as both legs reach, lower and further back when sitting."""
    place = np.c_[path, np.zeros(len(times))] - forward * (_SEAT_BACK_M * sit)[:, None]
    longest = (body.thigh + body.shin) * _LEG_STRETCH
    reach = [longest**2 - np.square((foot - place)[:, :2]).sum(-1) for foot in feet]
    standing = np.min([np.sqrt(np.maximum(r, 0.04)) + foot[:, 2] for r, foot in zip(reach, feet, strict=True)], axis=0)
    # The lowest height nearby, then smoothed, so that no leg is ever overstretched.
    window = max(1, int(0.06 * fps))
    lowest = np.min(
        [np.roll(np.pad(standing, window, mode="edge"), k)[window:-window] for k in range(-window, window + 1)], axis=0
    )
    height = _smooth(lowest, 0.05 * fps) - 0.012
    place[:, 2] = np.minimum(height, height * (1 - sit) + _SEAT_HEIGHT_M * sit)
    return place


def _rotation(axis: str, angle: Array) -> Array:
    """(frames, 3, 3) rotation about x (to the left leans right), y or z."""
    c, s, o, i = np.cos(angle), np.sin(angle), np.zeros_like(angle), np.ones_like(angle)
    rows = {
        "x": (i, o, o, o, c, -s, o, s, c),
        "y": (c, o, s, o, i, o, -s, o, c),
        "z": (c, -s, o, s, c, o, o, o, i),
    }[axis]
    return np.stack(rows, axis=-1).reshape(-1, 3, 3)


def _trunk_frames(heading: Array, swing: Array, lean: Array, sit: Array) -> dict[str, Array]:
    """Orientations (frames, 3, 3) whose columns are forward, left and up, of pelvis, back, chest and head."""
    twist = np.clip(swing[:, 1] - swing[:, 0], -0.6, 0.6) * 0.18
    upright = _rotation("z", heading)
    tilt = np.radians(4 + 34 * lean + 3 * sit)
    return {
        "pelvis": upright @ _rotation("z", twist) @ _rotation("y", np.radians(3 + 14 * lean - 12 * sit)),
        "back": upright @ _rotation("y", tilt * 0.8),
        "chest": upright @ _rotation("z", -twist) @ _rotation("y", tilt),
        "head": upright @ _rotation("y", np.radians(8 + 6 * lean)),
    }


def _along(frame: Array, forward: float, left: float, up: float) -> Array:
    return frame @ np.array([forward, left, up])


def _trunk_and_head(pelvis: Array, frame: dict[str, Array], body: Body) -> dict[str, Array]:
    spine = pelvis + _along(frame["back"], 0.0, 0.0, body.low_back)
    thorax = spine + _along(frame["chest"], 0.0, 0.0, body.high_back)
    return {
        "Hip": pelvis,
        "LHip": pelvis + _along(frame["pelvis"], 0.0, body.hip, 0.0),
        "RHip": pelvis + _along(frame["pelvis"], 0.0, -body.hip, 0.0),
        "Spine": spine,
        "Thorax": thorax,
        "Head": thorax + _along(frame["head"], 0.0, 0.0, body.head),
        "LShoulder": thorax + _along(frame["chest"], 0.0, body.clavicle, -0.03),
        "RShoulder": thorax + _along(frame["chest"], 0.0, -body.clavicle, -0.03),
    }


def _legs(points: dict[str, Array], feet: list[Array], pelvis: Array, body: Body) -> dict[str, Array]:
    """Knees and ankles by two-bone inverse kinematics; the knee points where the pelvis does."""
    legs = {}
    for side, ankle in zip("LR", feet, strict=True):
        hip = points[f"{side}Hip"]
        reach = ankle - hip
        distance = np.clip(np.linalg.norm(reach, axis=-1), 0.1, (body.thigh + body.shin) * 0.999)
        along = reach / np.linalg.norm(reach, axis=-1, keepdims=True)
        share = (body.thigh**2 - body.shin**2 + distance**2) / (2 * distance)
        out = np.sqrt(np.maximum(body.thigh**2 - share**2, 0))
        ahead = pelvis[:, :, 0]
        ahead = ahead - (ahead * along).sum(-1, keepdims=True) * along
        ahead /= np.linalg.norm(ahead, axis=-1, keepdims=True)
        legs[f"{side}Knee"] = hip + along * share[:, None] + ahead * out[:, None]
        legs[f"{side}Ankle"] = hip + along * distance[:, None]
    return legs


def _arms(times: Array, points: dict[str, Array], chest: Array, swing: Array, sit: Array, body: Body) -> dict[str, Array]:
    """Elbows and wrists: swinging against the legs, the right one waving, both on the thighs while sitting."""
    arms = {}
    wave = _ease(times, _WAVE[0], _WAVE[0] + 0.8) - _ease(times, _WAVE[1] - 0.8, _WAVE[1])
    shake = np.sin(2 * np.pi * 1.7 * (times - _WAVE[0])) * wave
    for n, (side, sign) in enumerate((("L", 1.0), ("R", -1.0))):
        raised = wave if side == "R" else np.zeros_like(wave)
        # Angles in degrees: flexion forwards, abduction sideways, bend of the elbow.
        flexion = 4 + np.degrees(np.arctan(swing[:, 1 - n] * 1.1)) * (1 - raised) + 28 * sit
        abduction = 9 + 72 * raised + 2 * sit
        bend = 16 + 0.5 * np.maximum(flexion, 0) * (1 - sit) + 34 * sit
        upper = chest @ _rotation("x", np.radians(sign * abduction)) @ _rotation("y", -np.radians(flexion))
        elbow = points[f"{side}Shoulder"] + _along(upper, 0.0, 0.0, -body.upper_arm)
        hanging = upper @ _rotation("y", -np.radians(bend))
        # A waving forearm points up and swings from side to side in the plane of the chest.
        waving = chest @ _rotation("x", np.radians(sign * (168 + 22 * shake)))
        down = (1 - raised)[:, None] * hanging[:, :, 2] + raised[:, None] * waving[:, :, 2]
        down = np.where((raised > 0)[:, None], _between(hanging[:, :, 2], waving[:, :, 2], raised), down)
        arms[f"{side}Elbow"] = elbow
        arms[f"{side}Wrist"] = elbow - down * body.forearm
    return arms


def _between(a: Array, b: Array, share: Array) -> Array:
    """Unit vectors on the great circle from a to b."""
    angle = np.arccos(np.clip((a * b).sum(-1), -0.9999, 0.9999))[:, None]
    s = share[:, None]
    return (np.sin((1 - s) * angle) * a + np.sin(s * angle) * b) / np.sin(angle)
