"""Owns the input forms: how 2D and 3D points become what the encoders eat, and how answers turn back.

Everything here depends on at most SUPPORT frames to either side, never on the window: so a frame is prepared once for
all the windows that hold it, and a changed mask leaves frames further away exactly as they were.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from mpm_core.networks.turning import best_turn
from mpm_core.on_device import numbers
from mpm_core.skeleton import MPM16

REACH = 40
"""Frames over which a lost centre is carried on or interpolated: half a window of 81."""

SCALE_REACH = 13
"""Frames to either side over which the apparent size is averaged."""

SUPPORT = 2 * REACH + 2 * SCALE_REACH
"""How far the preparation of one frame can look."""

# The mean pose of the training motions, in metres from Hip, facing the camera: x to its left, y down, z to its back. The
# fourth number says how much a joint counts when a pose is turned to it.
_MEAN_POSE = {
    "Hip": (0.00, 0.00, 0.00, 1.0), "Spine": (0.00, -0.26, 0.01, 1.0), "Thorax": (0.00, -0.52, 0.01, 1.0),
    "Head": (0.00, -0.81, -0.05, 1.0), "RHip": (-0.09, 0.00, 0.00, 1.0), "LHip": (0.09, 0.00, 0.00, 1.0),
    "RKnee": (-0.10, 0.36, -0.12, 0.25), "LKnee": (0.10, 0.36, -0.12, 0.25), "RAnkle": (-0.10, 0.76, 0.01, 0.1),
    "LAnkle": (0.10, 0.76, 0.01, 0.1), "RShoulder": (-0.16, -0.50, 0.02, 1.0), "LShoulder": (0.16, -0.50, 0.02, 1.0),
    "RElbow": (-0.22, -0.29, -0.03, 0.25), "LElbow": (0.22, -0.29, -0.03, 0.25), "RWrist": (-0.19, -0.26, -0.16, 0.1),
    "LWrist": (0.19, -0.26, -0.16, 0.1),
}  # fmt: skip
_MEAN_POINTS = tuple(_MEAN_POSE[joint][:3] for joint in MPM16.joints)
_MEAN_WEIGHTS = tuple(_MEAN_POSE[joint][3] for joint in MPM16.joints)

_UPRIGHT_PULL = 1e-3  # towards the camera's axes, where the visible joints leave the turn open

# Root mean square distance from Hip across the line of sight, in metres, over the training motions.
_SPREAD = {
    "RKnee": 0.40, "LKnee": 0.40, "RAnkle": 0.78, "LAnkle": 0.78, "RHip": 0.07, "LHip": 0.07, "Spine": 0.26, "Thorax": 0.52,
    "Head": 0.81, "LShoulder": 0.51, "RShoulder": 0.51, "LElbow": 0.36, "RElbow": 0.36, "LWrist": 0.41, "RWrist": 0.41,
}  # fmt: skip
_SPREAD_SQUARED = tuple(_SPREAD.get(joint, 0.0) ** 2 for joint in MPM16.joints)

_TYPICAL_SCALE = 0.2  # of a person five metres away
_LARGEST_CHANGE = 2.0  # metres in SCALE_REACH frames: a sprinter's
_LARGEST_COORDINATE = 4.0  # in body-sized units; a keypoint further out is a gross error, and its direction is enough


@dataclass(frozen=True)
class PreparedInput:
    """What the encoders take, and what it takes to turn an answer back.

    points: (batch, frames, joints, axes), zero where hidden. extras: (batch, frames, n) or None. turn: (batch, frames,
    3, 3) from camera axes to the axes of the answer, or None when they are the same. centre: (batch, frames, axes) and
    scale: (batch, frames), which took the points to where they are.
    """

    points: Tensor
    extras: Tensor | None
    turn: Tensor | None
    centre: Tensor
    scale: Tensor | None


class InputForm(Protocol):
    """A way to feed poses. `takes_rays`: 2D from (X/Z, Y/Z), else from VideoPose3D's screen coordinates.

    `extras`, `extras_3d`: how many numbers go in beside the points of a 2D or a 3D pose; in threes, of which a mirror
    image turns the sign of the first.
    """

    extras: int
    extras_3d: int
    takes_rays: bool

    def prepare(self, points: Tensor, hidden: Tensor) -> PreparedInput: ...

    def follow(self, points: Tensor, prepared: PreparedInput) -> Tensor: ...

    def prepare_3d(self, points: Tensor, hidden: Tensor) -> PreparedInput: ...


class ScreenForm:
    """The paper's: screen coordinates as they are."""

    extras = 0
    extras_3d = 0
    takes_rays = False

    def prepare(self, points: Tensor, hidden: Tensor) -> PreparedInput:
        """points: (batch, frames, joints, 2) with hidden: (batch, frames, joints)."""
        shown = points.masked_fill(hidden[..., None], 0.0)
        return PreparedInput(shown, None, None, torch.zeros_like(points[:, :, 0]), None)

    def follow(self, points: Tensor, prepared: PreparedInput) -> Tensor:
        """Bring other points of the same frames to the same form."""
        return points

    def prepare_3d(self, points: Tensor, hidden: Tensor) -> PreparedInput:
        """Centre (batch, frames, joints, 3) metres on the hip, or where it is taken to be when it is hidden."""
        centre = track_centre(points, hidden)
        shown = (points - centre[:, :, None]).masked_fill(hidden[..., None], 0.0)
        return PreparedInput(shown, None, None, centre, None)


class RayForm:
    """Camera-aware: each frame's rays are panned and tilted until the hip is on the axis, then scaled to body size.

    The pan, the tilt and the logarithm of the scale are extra inputs; the answer is turned back. So the network need
    not learn the same pose anew for every place in the image and every distance. 3D poses are turned to the body's own
    axes, so that it need not learn them anew for every heading either; what that takes away goes in beside them, as
    five vectors in these axes: up in the image, and how the hip moves and the body turns before and after the frame.
    """

    extras = 3
    extras_3d = 15
    takes_rays = True

    def prepare(self, points: Tensor, hidden: Tensor) -> PreparedInput:
        """points: (batch, frames, joints, 2) rays with hidden: (batch, frames, joints)."""
        centre = track_centre(points, hidden)
        pan, tilt = _pan_tilt(centre)
        turn = _turning(pan, tilt)
        flat = _turn_rays(points, turn).masked_fill(hidden[..., None], 0.0)
        scale = _apparent_scale(flat, hidden)
        extras = torch.stack((pan, tilt, scale.log() - math.log(_TYPICAL_SCALE)), dim=-1)
        return PreparedInput(_to_body_size(flat, scale), extras, turn, centre, scale)

    def follow(self, points: Tensor, prepared: PreparedInput) -> Tensor:
        """Bring other points of the same frames to the same form."""
        assert prepared.turn is not None and prepared.scale is not None
        return _to_body_size(_turn_rays(points, prepared.turn), prepared.scale)

    def prepare_3d(self, points: Tensor, hidden: Tensor) -> PreparedInput:
        """Centre (batch, frames, joints, 3) metres on the hip, then turn them to the body's own axes."""
        centre = track_centre(points, hidden)
        shown = (points - centre[:, :, None]).masked_fill(hidden[..., None], 0.0)
        turn = _turn_to_body(shown)
        vectors = [-turn[..., 1]]
        for step in (-SCALE_REACH, SCALE_REACH):
            for path in (centre, turn[..., 2, :]):  # camera axes: where the hip is, where the body's back points
                vectors.append(torch.einsum("bfij,bfj->bfi", turn, _change(path, step)))
        extras = torch.cat(vectors, dim=-1)
        return PreparedInput(torch.einsum("bfij,bfnj->bfni", turn, shown), extras, turn, centre, None)


INPUT_FORMS: Mapping[str, InputForm] = {"screen": ScreenForm(), "rays": RayForm()}


def turn_back(positions: Tensor, prepared: PreparedInput) -> Tensor:
    """(batch, frames, joints, 3) in the axes of the answer -> camera axes."""
    if prepared.turn is None:
        return positions
    return torch.einsum("bfji,bfnj->bfni", prepared.turn, positions)


def turn_forth(positions: Tensor, prepared: PreparedInput) -> Tensor:
    """(batch, frames, joints, 3) in camera axes -> the axes of the answer."""
    if prepared.turn is None:
        return positions
    return torch.einsum("bfij,bfnj->bfni", prepared.turn, positions)


def track_centre(points: Tensor, hidden: Tensor) -> Tensor:
    """(batch, frames, axes): where Hip is, or is taken to be, in every frame.

    In order: Hip; the middle of both hips; the same interpolated in time (or carried on) for up to REACH frames; the
    mean of the visible joints, interpolated likewise; zero.
    """
    visible = ~hidden
    root, right, left = MPM16.indices(("Hip", "RHip", "LHip"))
    has_hips = visible[..., right] & visible[..., left]
    middle = (points[..., right, :] + points[..., left, :]) / 2
    centre = torch.where(visible[..., root, None], points[..., root, :], middle)
    known = visible[..., root] | has_hips
    centre, known = _carry_on(centre, known)
    count = visible.sum(-1)
    mean = points.masked_fill(hidden[..., None], 0.0).sum(-2) / count.clamp(min=1)[..., None]
    centre = torch.where(known[..., None], centre, mean)
    centre, known = _carry_on(centre, known | (count > 0))
    return centre.masked_fill(~known[..., None], 0.0)


def _carry_on(values: Tensor, known: Tensor) -> tuple[Tensor, Tensor]:
    """Fill unknown frames from known ones at most REACH away: between two by interpolation, else with the one there is.

    values: (batch, frames, axes), known: (batch, frames). Returns both, filled.
    """
    # Asking a GPU costs more than it saves.
    if not known.is_cuda and bool(known.all()):
        return values, known
    frames = known.shape[1]
    now = torch.arange(frames, device=values.device).expand_as(known)
    before = torch.where(known, now, -frames - REACH).cummax(1).values
    after = torch.where(known, now, 2 * frames + REACH).flip(1).cummin(1).values.flip(1)
    has_before, has_after = now - before <= REACH, after - now <= REACH
    before, after = torch.where(has_before, before, after), torch.where(has_after, after, before)
    reached = has_before | has_after
    before, after = before.clamp(0, frames - 1), after.clamp(0, frames - 1)
    share = (now - before) / (after - before).clamp(min=1)  # (batch, frames)
    first = values.gather(1, before[..., None].expand_as(values))
    last = values.gather(1, after[..., None].expand_as(values))
    return first + (last - first) * share[..., None], reached


def _pan_tilt(rays: Tensor) -> tuple[Tensor, Tensor]:
    """Angles, in radians, that bring rays (..., 2) onto the optical axis."""
    pan = rays[..., 0].atan()
    tilt = (rays[..., 1] / (1 + rays[..., 0] ** 2).sqrt()).atan()
    return pan, tilt


def _turning(pan: Tensor, tilt: Tensor) -> Tensor:
    """(..., 3, 3) rotation that turns the camera by pan, then tilt: upright people stay upright."""
    cp, sp, ct, st = pan.cos(), pan.sin(), tilt.cos(), tilt.sin()
    zero = torch.zeros_like(pan)
    rows = (cp, zero, -sp, -st * sp, ct, -st * cp, ct * sp, st, ct * cp)
    return torch.stack(rows, dim=-1).unflatten(-1, (3, 3))


def _turn_to_body(shown: Tensor) -> Tensor:
    """(batch, frames, 3, 3) rotations that lay poses (batch, frames, joints, 3), zero where hidden, on the mean pose.

    The trunk counts most, averaged over SCALE_REACH frames.
    """
    mean = numbers(_MEAN_POINTS, shown) * numbers(_MEAN_WEIGHTS, shown)[:, None]
    products = torch.einsum("bfna,nc->bacf", shown, mean)
    summed = _sum_around(products.flatten(0, 2)).unflatten(0, products.shape[:3]).permute(0, 3, 1, 2)
    summed = summed + _UPRIGHT_PULL * torch.eye(3, device=shown.device)
    return best_turn(summed)


def _change(path: Tensor, step: int) -> Tensor:
    """(batch, frames, 3): how far a path goes in so many frames; at an end of the clip, at the rate it has up to there."""
    now = torch.arange(path.shape[1], device=path.device)
    then = (now + step).clamp(0, path.shape[1] - 1)
    rate = abs(step) / (then - now).abs().clamp(min=1)
    return ((path[:, then] - path) * rate[:, None]).clamp(-_LARGEST_CHANGE, _LARGEST_CHANGE)


def _turn_rays(rays: Tensor, turn: Tensor) -> Tensor:
    """Rays (batch, frames, joints, 2) seen by the turned camera."""
    directions = torch.cat((rays, torch.ones_like(rays[..., :1])), dim=-1)
    turned = torch.einsum("bfij,bfnj->bfni", turn, directions)
    return turned[..., :2] / turned[..., 2:].clamp(min=0.05)


def _to_body_size(rays: Tensor, scale: Tensor) -> Tensor:
    return (rays / scale[..., None, None]).clamp(-_LARGEST_COORDINATE, _LARGEST_COORDINATE)


def _apparent_scale(rays: Tensor, hidden: Tensor) -> Tensor:
    """(batch, frames): image size over body size, about one over the distance; averaged over SCALE_REACH frames."""
    spread = numbers(_SPREAD_SQUARED, rays).to(rays.dtype)
    visible = (~hidden).to(rays.dtype)
    seen = _sum_around((rays.square().sum(-1) * visible).sum(-1))
    typical = _sum_around((visible * spread).sum(-1))
    scale = (seen / typical.clamp(min=1e-6)).sqrt().clamp(0.02, 2.0)
    return torch.where(typical > 1e-6, scale, _TYPICAL_SCALE)


def _sum_around(values: Tensor) -> Tensor:
    """(batch, frames): the sum over SCALE_REACH frames to either side."""
    kernel = 2 * SCALE_REACH + 1
    pooled = torch.nn.functional.avg_pool1d(values[:, None], kernel, stride=1, padding=SCALE_REACH)
    return pooled[:, 0] * kernel
