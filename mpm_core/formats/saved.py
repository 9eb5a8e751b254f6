"""Owns what was saved beside a clip, in an NPZ or a project: what a person has hidden, and below which confidence."""

from __future__ import annotations

from pathlib import Path

from mpm_core.formats.mpm_npz import read_mask, read_threshold
from mpm_core.formats.project import is_project, read_project
from mpm_core.masking import Mask


def read_saved(path: Path, frames: int) -> tuple[Mask | None, float]:
    """The mask (frames, 16) that was saved with a clip, None when there is none, and the threshold of confidence, 0 when there
    is none. UserError when they do not fit."""
    if path.is_file() and is_project(path):
        project = read_project(path)
        return project.mask, project.threshold
    return read_mask(path, frames), read_threshold(path)
