"""Owns virtual cameras: random views of world-space motion, drawn on the fly."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from mpm_core.data.augment import Draw
from mpm_core.skeleton import MPM16


@dataclass(frozen=True)
class CameraConfig:
    """Ranges of the virtual cameras.

    focal: focal length over half the image width (landscape) or half the height (portrait). Angles in degrees.
    """

    focal: tuple[float, float] = (1.0, 3.2)
    distance_m: tuple[float, float] = (1.8, 10.0)
    elevation: float = 12.0  # standard deviation of the angle from which the hips are seen
    elevation_mean: float = 6.0
    roll: float = 4.0
    steep_share: float = 0.4  # of the cameras look from anywhere within the next two
    steep_elevation: tuple[float, float] = (-20.0, 50.0)
    steep_roll: float = 30.0  # to either side
    portrait_share: float = 0.4
    off_centre: float = 0.35  # standard deviation of the hips' place, in half images
    nearest_m: float = 0.7  # no joint is nearer than this along the optical axis


@dataclass(frozen=True)
class View:
    """Motion as one camera per sample sees it.

    positions: (count, frames, joints, 3) metres in camera axes, absolute. rays: (count, frames, joints, 2), X/Z and Y/Z.
    focal: (count,), focal length over half the image width. up: (count, 3) unit vectors in camera axes.
    """

    positions: Tensor
    rays: Tensor
    focal: Tensor
    up: Tensor


def view(draw: Draw, world: Tensor, config: CameraConfig) -> View:
    """Look at (count, frames, 16, 3) world positions (Z up) with one random camera each."""
    count = len(world)
    target = world[:, :, MPM16.root].mean(1)  # (count, 3)
    rotation, focal = _draw_orientation(draw, count, config)
    low, high = (math.log(d) for d in config.distance_m)
    distance = draw.uniform(count, low=low, high=high).exp()
    # The middle of the path of the hips is put on a ray of the image, at that distance.
    aspect = torch.where(draw.chance(config.portrait_share, count), 16 / 9, 9 / 16)
    place = (config.off_centre * draw.normal(count, 2)).clamp(-0.9, 0.9)
    ray = torch.stack((place[:, 0], place[:, 1] * aspect, focal), dim=-1)
    middle = ray / ray.norm(dim=-1, keepdim=True) * distance[:, None]
    positions = torch.einsum("cij,cfnj->cfni", rotation, world - target[:, None, None]) + middle[:, None, None]
    too_near = (config.nearest_m - positions[..., 2].amin((1, 2))).clamp(min=0.0)
    positions[..., 2] += too_near[:, None, None]
    return View(positions, positions[..., :2] / positions[..., 2:], focal, rotation[..., 2])


def _draw_orientation(draw: Draw, count: int, config: CameraConfig) -> tuple[Tensor, Tensor]:
    """(count, 3, 3) rotation from world to camera axes, (count,) focal lengths."""
    low, high = (math.log(f) for f in config.focal)
    focal = draw.uniform(count, low=low, high=high).exp()
    azimuth = draw.uniform(count, high=2 * math.pi)
    steep, (low, high) = draw.chance(config.steep_share, count), config.steep_elevation
    pitch = (config.elevation_mean + config.elevation * draw.normal(count)).clamp(-70, 70)
    pitch = torch.deg2rad(torch.where(steep, draw.uniform(count, low=low, high=high), pitch))
    roll = config.roll * draw.normal(count)
    roll = torch.deg2rad(torch.where(steep, draw.uniform(count, low=-1, high=1) * config.steep_roll, roll))
    forward = torch.stack((azimuth.cos() * pitch.cos(), azimuth.sin() * pitch.cos(), -pitch.sin()), dim=-1)
    right = torch.stack((azimuth.sin(), -azimuth.cos(), torch.zeros_like(azimuth)), dim=-1)
    down = torch.linalg.cross(forward, right)
    c, s = roll.cos()[:, None], roll.sin()[:, None]
    return torch.stack((c * right + s * down, c * down - s * right, forward), dim=1), focal
