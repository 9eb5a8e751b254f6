"""Owns what calibrated cameras see of one person, as guidance takes it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mpm_core.clip import Clip
from mpm_core.diffusion.guidance import View
from mpm_core.lifters.resampling import Resampling
from mpm_core.masking import Mask


@dataclass(frozen=True, eq=False)
class Sight:
    """A clip in MPM-16 joints, hidden (frames, 16) in it, and where its camera stands: a point p (3,) in the axes of the first
    camera, in metres, is rotation @ p + offset in those of this one."""

    clip: Clip
    hidden: Mask
    rotation: NDArray[np.floating]
    offset: NDArray[np.floating]

    @classmethod
    def first(cls, clip: Clip, hidden: Mask) -> Sight:
        """Of the camera in whose axes everything is."""
        return cls(clip, hidden, np.eye(3), np.zeros(3))

    def view(self, resampling: Resampling, first: int, last: int, turn: Tensor) -> View:
        """On grid frames first to last (excluded). turn: (grid frames, 3, 3), from the first camera's axes to those of the
        answer. A joint counts by its confidence."""
        clip, device = self.clip, turn.device
        assert clip.keypoints is not None
        rays = np.where(clip.visible[..., None], clip.camera.rays(clip.keypoints), 0)
        confidence = np.clip(np.nan_to_num(clip.confidence), 0, 1)[..., None]
        rows = np.concatenate((rays, confidence), axis=-1).astype(np.float32)
        on_grid, unseen = resampling.to_grid(rows, self.hidden | ~clip.visible, first, last)
        table = torch.from_numpy(np.ascontiguousarray(on_grid)).to(device)
        weights = table[..., 2].masked_fill(torch.from_numpy(np.ascontiguousarray(unseen)).to(device), 0.0)
        rotation = torch.from_numpy(np.asarray(self.rotation, np.float32)).to(device)
        offset = torch.from_numpy(np.asarray(self.offset, np.float32)).to(device)
        return View(rotation @ turn.transpose(-1, -2), offset, table[..., :2], weights)
