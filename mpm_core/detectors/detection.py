"""Owns the way from a video to keypoints: frames are decoded ahead, looked at, and what was seen is kept."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mpm_core.clip import Clip
from mpm_core.decoding import Picture
from mpm_core.detectors import find_detector
from mpm_core.detectors.background import BackgroundWatch
from mpm_core.detectors.base import DetectOptions, Detector, FoundPose, PoseFinder
from mpm_core.detectors.keeper import Keeper, cache_folder
from mpm_core.detectors.model_store import fetch_model
from mpm_core.detectors.recording import Recording
from mpm_core.errors import UserError
from mpm_core.progress import Progress
from mpm_core.video import VideoFrame, VideoInfo, inspect_video, read_frames

# How often an unfinished recording is kept, and over how long the speed is measured.
_KEEP_EVERY_S = 30.0
_RATE_OVER_S = 2.0


@dataclass(frozen=True, eq=False)
class Sighting(Progress):
    """Progress with what was seen last. picture: the whole frame or the region of it; None for a frame not looked at. poses: in
    pixels of the whole frame. per_second: frames a second lately; left_s: seconds until the end at this speed."""

    picture: Picture | None = None
    poses: tuple[FoundPose, ...] = ()
    per_second: float = 0.0
    left_s: float = 0.0


def record(
    path: Path | str,
    options: DetectOptions | None = None,
    is_fresh: bool = False,
    cache: Path | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Generator[Progress | Recording, None, None]:
    """Look at a video; yields Progress (while model files are fetched), Sightings, and at last the Recording.

    A video that was seen before, with the same options, is not looked at again, and one that was cancelled goes on where it
    stopped. is_fresh: it is looked at again all the same; what was seen before is kept until that has come to its end, and a
    fresh look that was cancelled goes on where it stopped. should_stop is asked after every frame: where it says so, what was
    seen until then comes as a Recording that is not whole, and going on with the iterator goes on as if nothing had happened.
    Closing it cancels, and keeps what was seen; the next time the detector begins anew there, and may need a while to find
    people again. cache: the folder for that, the user's by default. UserError for a video, options or a detector that cannot be
    used.
    """
    options = options or DetectOptions()
    detector = find_detector(options.detector)
    info = inspect_video(Path(path))
    options.part.check(info)
    models = yield from fetch_models(detector)
    keeper = Keeper(cache or cache_folder(), info, options, detector, models, is_fresh)
    before = keeper.load()
    if before is not None and before.is_whole:
        if before.background is None:
            before = yield from _watch_background(before, keeper, should_stop)
        yield Progress(len(before), len(before), "seen before")
        yield before
        return
    yield from _Looking(info, options, detector, keeper, before).look(models, should_stop)


def detect(path: Path | str, options: DetectOptions | None = None, person: int = 0) -> Iterator[Progress | Clip]:
    """A video's keypoints: Progress, and at last the Clip of one person in MPM-16 joints. See record."""
    for step in record(path, options):
        yield step.clip(person) if isinstance(step, Recording) else step


def fetch_models(detector: Detector) -> Generator[Progress, None, Mapping[str, Path]]:
    """The model files that a detector needs, by name; yields Progress while they are fetched."""
    found = {}
    for name in detector.models:
        with closing(fetch_model(name)) as steps:
            for step in steps:
                if isinstance(step, Path):
                    found[name] = step
                else:
                    yield step
    return found


def _watch_background(
    recording: Recording, keeper: Keeper, should_stop: Callable[[], bool]
) -> Generator[Sighting, None, Recording]:
    """A recording by version 0.1.0, which did not watch the camera, and now does, without the detector; as it was where that is
    stopped."""
    part, watch = recording.options.part, BackgroundWatch()
    corner = np.array((part.region or (0, 0))[:2], np.float32)
    with closing(read_frames(recording.info, part)) as frames:
        for number, frame in enumerate(frames):
            if frame.picture is not None and number // part.every < len(recording.seen):
                poses = [(points - corner, scores) for points, scores in recording.seen[number // part.every]]
                watch.look(frame.picture, frame.time_s, poses)
            yield Sighting(number + 1, max(len(recording), number + 1), "looking at the background")
            if should_stop():
                return recording
    recording = replace(recording, background=watch.path())
    keeper.save(recording)
    return recording


class _Looking:
    """A detector at work on a video, with what was seen so far."""

    def __init__(
        self, info: VideoInfo, options: DetectOptions, detector: Detector, keeper: Keeper, before: Recording | None
    ) -> None:
        self._info, self._options, self._detector, self._keeper = info, options, detector, keeper
        self._times: list[float] = [] if before is None else before.times.tolist()
        self._seen: list[Sequence[FoundPose]] = [] if before is None else list(before.seen)
        self._background = BackgroundWatch(None if before is None else before.background)
        part = options.part
        end = info.duration_s if part.last_s is None else min(part.last_s, info.duration_s or part.last_s)
        self._total = max(round((end - part.first_s) * info.fps), 1)
        self._speed: deque[float] = deque()
        self._kept_at = time.monotonic()

    def look(self, models: Mapping[str, Path], should_stop: Callable[[], bool]) -> Generator[Progress | Recording, None, None]:
        """Look at the frames that were not seen yet; whatever ends this, what was seen is kept."""
        yield Progress(len(self._times), self._total, f"loading {self._detector.label}")
        is_whole = False
        after_s = self._times[-1] if self._times else None
        with closing(self._detector.start(self._options.people, models)) as finder:
            frames = read_frames(self._info, self._options.part, len(self._times), after_s)
            try:
                with closing(frames):
                    for frame in frames:
                        yield self._look_at(finder, frame)
                        if should_stop():
                            self._keeper.save(self._recording(False))
                            yield self._recording(False)
                is_whole = True
            finally:
                if self._times:
                    # Where the file breaks off it may go on another time, once the network drive is back.
                    recording = self._recording(is_whole)
                    self._keeper.save(replace(recording, is_whole=is_whole and not recording.frames_lacking), is_whole)
        if not self._times:
            raise UserError(f"{self._info.path}: nothing was seen of it yet")
        yield self._recording(True)

    def _look_at(self, finder: PoseFinder, frame: VideoFrame) -> Sighting:
        poses: Sequence[FoundPose] = ()
        if len(self._times) % self._options.part.every == 0:
            if frame.picture is not None:
                found = finder.find(frame.picture, frame.time_s)
                self._background.look(frame.picture, frame.time_s, found)
                poses = self._moved(found)
            self._seen.append(poses)
        self._times.append(frame.time_s)
        self._keep_now_and_then()
        done = len(self._times)
        per_second = self._measure_speed()
        left_s = max(self._total - done, 0) / per_second if per_second else 0.0
        return Sighting(
            done, max(self._total, done), f"{per_second:.0f} frames/s", frame.picture, tuple(poses), per_second, left_s
        )

    def _keep_now_and_then(self) -> None:
        if time.monotonic() - self._kept_at > _KEEP_EVERY_S:
            self._keeper.save(self._recording(False))
            self._kept_at = time.monotonic()

    def _moved(self, poses: Sequence[FoundPose]) -> Sequence[FoundPose]:
        """From pixels of the region to pixels of the whole frame."""
        region = self._options.part.region
        if region is None:
            return poses
        corner = np.array(region[:2], np.float32)
        return [(points + corner, scores) for points, scores in poses]

    def _measure_speed(self) -> float:
        """Frames a second over the last moments."""
        now = time.monotonic()
        self._speed.append(now)
        while now - self._speed[0] > _RATE_OVER_S:
            self._speed.popleft()
        return (len(self._speed) - 1) / (now - self._speed[0]) if now > self._speed[0] else 0.0

    def _recording(self, is_whole: bool) -> Recording:
        return Recording(
            self._info, self._options, self._detector.skeleton, np.array(self._times), tuple(self._seen), is_whole,
            self._background.path(),
        )  # fmt: skip
