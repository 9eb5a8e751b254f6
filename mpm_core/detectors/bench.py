"""Owns the speed figures of detection: from a video file to its keypoints."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from mpm_core.bench import Speed
from mpm_core.detectors.base import DetectOptions
from mpm_core.detectors.detection import Sighting, record
from mpm_core.progress import Progress


def bench_video(path: Path) -> Iterator[Progress | Speed]:
    """Frames a second from the file to the keypoints, for one and for two people; model files are fetched before.

    UserError for a video that cannot be used.
    """
    for people in (1, 2):
        with tempfile.TemporaryDirectory() as cache:
            start, frames = 0.0, 0
            for step in record(path, DetectOptions(people=people), cache=Path(cache)):
                if isinstance(step, Sighting):
                    start = start or time.perf_counter()
                    frames += 1
                    yield step
            seconds = time.perf_counter() - start
        name = "1 person" if people == 1 else f"up to {people} people"
        yield Speed(f"detect with MediaPipe, {name}, {path.name}", (frames - 1) / seconds, "frames/s")
