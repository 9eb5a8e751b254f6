"""Owns live work: a camera's newest frame is looked at and lifted with the second before it, so that the answer never lags."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from mpm_core.camera import Intrinsics
from mpm_core.clip import Clip
from mpm_core.decoding import Picture
from mpm_core.detectors import find_detector
from mpm_core.detectors.base import FoundPose
from mpm_core.detectors.detection import fetch_models
from mpm_core.detectors.recording import ASSUMED_FIELD_OF_VIEW_DEG
from mpm_core.errors import UserError
from mpm_core.lifters.aids import Aids
from mpm_core.lifters.base import Lifter
from mpm_core.masking import UNSURE_BELOW, unsure_joints
from mpm_core.prediction import Prediction
from mpm_core.progress import Progress
from mpm_core.skeleton import Skeleton
from mpm_core.video import import_cv2

# How much of the past the lifter is shown with each frame: the length of its window at the rate that it was trained at.
_PAST_S = 1.6

# A camera that gives nothing for so long is gone.
_LONGEST_WAIT_S = 5.0

_RATE_OVER_FRAMES = 30


Seen = tuple[float, FoundPose | None]
"""When a frame came, in seconds, and the pose on it."""


@dataclass(frozen=True)
class LiveOptions:
    """source: a camera's number, or the address or path of a stream; a file is played at its own speed. threshold: joints of
    less confidence are hidden from the lifter."""

    source: str = "0"
    detector: str = "mediapipe"
    threshold: float = UNSURE_BELOW


@dataclass(frozen=True, eq=False)
class LiveFrame:
    """One frame with its answer. seen: when it came, in seconds from the start, and the pose on it, for as_clip. clip: of this
    frame alone, in MPM-16 joints, None where nobody is seen. latency_ms: from the moment the camera gave the frame to the
    answer. per_second: frames answered a second."""

    picture: Picture
    seen: Seen
    clip: Clip | None
    prediction: Prediction | None
    latency_ms: float
    per_second: float


def watch(options: LiveOptions, lifter: Lifter) -> Generator[Progress | LiveFrame, None, None]:
    """Answers for a camera's frames as they come; frames that come while one is at work are left out. Close it to stop.

    UserError for a camera that cannot be opened or stops, or a detector that is not there.
    """
    detector = find_detector(options.detector)
    models = yield from fetch_models(detector)
    with closing(_Camera(options.source)) as camera, closing(detector.start(1, models)) as finder:
        past: deque[Seen] = deque()
        answered: deque[float] = deque(maxlen=_RATE_OVER_FRAMES)
        while (grabbed := camera.newest()) is not None:
            seconds, picture = grabbed
            poses = finder.find(picture, seconds)
            past.append((seconds, poses[0] if poses else None))
            while past[0][0] < seconds - _PAST_S:
                past.popleft()
            clip, prediction = _answer(past, picture, detector.skeleton, lifter, options)
            answered.append(time.perf_counter())
            span = answered[-1] - answered[0]
            per_second = (len(answered) - 1) / span if span else 0.0
            yield LiveFrame(picture, past[-1], clip, prediction, 1000 * (camera.now() - seconds), per_second)


def _answer(
    past: deque[Seen], picture: Picture, skeleton: Skeleton, lifter: Lifter, options: LiveOptions
) -> tuple[Clip | None, Prediction | None]:
    """The newest frame's keypoints and 3D; None where nobody is seen."""
    if past[-1][1] is None:
        return None, None
    size = (picture.shape[1], picture.shape[0])
    clip = as_clip(list(past), size, skeleton, f"camera {options.source}")
    mask = unsure_joints(clip, options.threshold)
    last = len(clip) - 1
    # Of so few frames a body cannot be learnt well enough to keep it from one answer to the next.
    task = lifter.start(clip, "lift", "fast", aids=Aids(mirror=False, fit=False))
    for _ in task.update(mask, last):
        pass
    whole = task.prediction()
    newest = Prediction(
        whole.positions[last:].copy(), whole.root[last:].copy(), whole.hidden[last:].copy(), whole.is_prior_only[last:].copy(),
        whole.times[last:].copy(), whole.fps, whole.lifter, whole.task, whole.mode,
    )  # fmt: skip
    return clip.cut(last, last), newest


def as_clip(seen: Sequence[Seen], size: tuple[int, int], skeleton: Skeleton, source: str) -> Clip:
    """What was seen at rising times as a clip in MPM-16 joints, from when somebody was; UserError where nobody was."""
    there = [n for n, (_, pose) in enumerate(seen) if pose is not None]
    if not there:
        raise UserError(f"{source}: nobody was seen")
    seen = seen[there[0] : there[-1] + 1]
    nobody = np.full((len(skeleton), 2), np.nan), np.zeros(len(skeleton))
    poses = [nobody if pose is None else pose for _, pose in seen]
    times = np.array([seconds - seen[0][0] for seconds, _ in seen])
    fps = (len(times) - 1) / float(times[-1] - times[0]) if len(times) > 1 else 30.0
    camera = Intrinsics.assumed(size, ASSUMED_FIELD_OF_VIEW_DEG)
    return Clip.from_arrays(
        np.stack([points for points, _ in poses]), size, fps, skeleton.name, np.stack([scores for _, scores in poses]),
        times=times, camera=camera, source=source,
    ).to_mpm16()  # fmt: skip


class _Camera:
    """Reads a camera in a thread and holds its newest frame. Times are seconds from the opening."""

    def __init__(self, source: str) -> None:
        self._cv2 = import_cv2()
        self._source = source
        self._capture: Any = self._cv2.VideoCapture(int(source) if source.isdigit() else source)
        if not self._capture.isOpened():
            self._capture.release()
            raise UserError(f"camera {source}: cannot be opened (is it plugged in, and in use by no other program?)")
        self._start = time.perf_counter()
        self._frame: tuple[float, Any] | None = None
        self._is_over = False
        self._changed = threading.Condition()
        self._is_file = Path(source).is_file()
        self._thread = threading.Thread(target=self._read, name="camera", daemon=True)
        self._thread.start()

    def now(self) -> float:
        """Seconds from the opening."""
        return time.perf_counter() - self._start

    def newest(self) -> tuple[float, Picture] | None:
        """The newest frame that was not given out yet, and when it came; None at the end of a file."""
        with self._changed:
            came = self._changed.wait_for(lambda: self._frame is not None or self._is_over, _LONGEST_WAIT_S)
            if not came or (self._frame is None and not self._is_file):
                raise UserError(f"camera {self._source}: gives no more pictures")
            if self._frame is None:
                return None
            (seconds, picture), self._frame = self._frame, None
        return seconds, self._cv2.cvtColor(picture, self._cv2.COLOR_BGR2RGB)

    def close(self) -> None:
        self._is_over = True
        self._thread.join(_LONGEST_WAIT_S)
        self._capture.release()

    def _read(self) -> None:
        while not self._is_over:
            is_read, picture = self._capture.read()
            if not is_read:
                break
            if self._is_file:
                wait = float(self._capture.get(self._cv2.CAP_PROP_POS_MSEC)) / 1000 - self.now()
                time.sleep(max(wait, 0))
            with self._changed:
                self._frame = (self.now(), picture)
                self._changed.notify()
        with self._changed:
            self._is_over = True
            self._changed.notify()
