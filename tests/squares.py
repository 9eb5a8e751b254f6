"""A detector that needs no network: it takes the white square of the tests' videos for a person."""

from __future__ import annotations

import numpy as np

from mpm_core.skeleton import COCO17
from tests.videos import SIDE

SIZE = (160, 120)
"""(width, height) of the videos that it is shown."""


class SquareFinder:
    """Takes the white square for a person, and a smaller copy beside it for a second one; counts the pictures it sees."""

    looks = 0

    def __init__(self, people, models):
        self.people = people

    def find(self, picture, time_s):
        type(self).looks += 1
        rows, columns = np.nonzero(picture[..., 1] > 200)
        if len(rows) < 50:
            return []
        corner = np.array([columns.min(), rows.min()], np.float32)
        pose = np.random.default_rng(7).random((len(COCO17), 2)).astype(np.float32) * SIDE
        scores = np.linspace(0.1, 1, len(COCO17)).astype(np.float32)
        poses = [(corner + pose, scores), (corner + pose * 0.5 + [0, 60], scores)]
        return poses[: self.people]

    def close(self):
        pass
