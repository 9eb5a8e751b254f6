"""Owns reading Human3.6M's 3D in VideoPose3D's layout (data_3d_h36m.npz), and other files of that layout."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from mpm_core.data.published.recording import Recording
from mpm_core.formats.h36m_npz import read_worlds

_FPS = 50.0
_SPLITS = {"S1": "train", "S5": "train", "S6": "train", "S7": "train", "S8": "train", "S9": "val", "S11": "val"}
"""The published protocol's subjects."""


def read_h36m(path: Path) -> Iterator[Recording]:
    """Every subject and action; UserError for another kind of file."""
    for subject, action, joints in read_worlds(path):
        yield Recording(f"h36m/{subject} {action}", subject, joints, _FPS, _SPLITS.get(subject))
