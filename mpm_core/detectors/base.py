"""Owns the interface of a 2D detector: pictures in, the poses of everybody on them out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from mpm_core.decoding import Picture
from mpm_core.errors import UserError
from mpm_core.skeleton import Skeleton
from mpm_core.video import VideoPart

FoundPose = tuple[NDArray[np.float32], NDArray[np.float32]]
"""One person: (joints, 2) pixels of the picture, and (joints,) confidence from 0 to 1."""


@dataclass(frozen=True)
class DetectOptions:
    """What is asked of a detector. detector: a name of DETECTORS. people: the most to look for; looking for one alone is
    faster, but whoever walks by may take that one's place. part: of the video."""

    detector: str = "mediapipe"
    people: int = 2
    part: VideoPart = field(default_factory=VideoPart)

    def __post_init__(self) -> None:
        if not 1 <= self.people <= MOST_PEOPLE:
            raise UserError(f"between 1 and {MOST_PEOPLE} people can be looked for, not {self.people}")


MOST_PEOPLE = 10


class PoseFinder(Protocol):
    """A detector at work on one video: it may use what it saw in the frames before."""

    def find(self, picture: Picture, time_s: float) -> list[FoundPose]:
        """The poses on a picture; times rise from call to call."""
        ...

    def close(self) -> None:
        """Give the network's memory back."""
        ...


@dataclass(frozen=True)
class Detector:
    """One line of DETECTORS. skeleton: of the poses it finds. models: names of the model files it needs. package: what must
    be installed, by the extra of that name. start: a finder for so many people, with the model files by name."""

    name: str
    label: str
    skeleton: Skeleton
    models: tuple[str, ...]
    package: str
    extra: str
    start: Callable[[int, Mapping[str, Path]], PoseFinder]

    def why_missing(self) -> str:
        """A sentence that says how to install what is not there; empty when everything is."""
        if find_spec(self.package) is None:
            return f"{self.label} is not installed: pip install 'mpm-viewer[{self.extra}]'."
        if find_spec("cv2") is None:
            return "Reading a video needs OpenCV: install it with pip install 'mpm-viewer[video]'."
        return ""
