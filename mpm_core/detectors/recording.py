"""Owns Recording, what a detector saw in a video: who is in it, and the clip of each of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mpm_core.camera import Intrinsics
from mpm_core.clip import CAMERA_NOTE, Clip
from mpm_core.detectors.background import BackgroundPath
from mpm_core.detectors.base import DetectOptions, FoundPose
from mpm_core.errors import UserError
from mpm_core.joint_maps import map_to_mpm16
from mpm_core.people import Detection, Detections, Track, find_people
from mpm_core.provenance import with_notes
from mpm_core.rates import TIMES_NOTE
from mpm_core.skeleton import MPM16, Skeleton
from mpm_core.video import VideoInfo

# What is assumed of a video whose camera is not known: between the lens of a phone (65 to 72 degrees along the longer side)
# and a camera's normal lens (40 to 47).
ASSUMED_FIELD_OF_VIEW_DEG = 55.0

# Keypoints of a person who was corrected by hand, or smoothed, stay the same person's so far, in heights.
_SAME_PERSON_HEIGHTS = 0.12


_SHORTEST_VISIT_S = 0.3

# A container's number of frames is often off by a few: only a larger lack means that the file was cut short.
_FRAMES_THAT_MAY_LACK = 0.03


@dataclass(frozen=True, eq=False)
class Recording:
    """Everything that a detector saw.

    times: (frames,) seconds from the video's start. seen: the poses of every frame that was looked at, one in
    options.part.every. is_whole: False for one that was cancelled, which ends with the last frame seen. background: what was
    seen of the camera's motion; None where nobody looked for it.
    """

    info: VideoInfo
    options: DetectOptions
    skeleton: Skeleton
    times: NDArray[np.float64]
    seen: Sequence[Sequence[FoundPose]]
    is_whole: bool
    background: BackgroundPath | None = None

    def __len__(self) -> int:
        return len(self.times)

    @cached_property
    def people(self) -> Sequence[Track]:
        """Who is to be seen, the one seen longest and largest first. Their detections are numbered by looks, not frames."""
        found = [
            Detection(look, points.astype(np.float64), scores.astype(np.float64))
            for look, poses in enumerate(self.seen)
            for points, scores in poses
        ]
        if not found:
            return ()
        people = find_people(Detections.of(found), self.skeleton)
        # Ghosts that a detector sees for a moment are no people, unless there is nobody else.
        fewest = _SHORTEST_VISIT_S * self.info.fps / self.options.part.every
        lasting = [track for track in people if len(track.detections) >= fewest]
        return tuple(lasting or people)

    def clip(self, person: int = 0) -> Clip:
        """The keypoints of a person in MPM-16 joints, over all frames; UserError when there is no such person.

        Between frames that were looked at, joints are interpolated and marked as derived.
        """
        path = self.info.path
        if not self.people:
            raise UserError(f"{path}: no person was found in any of the {len(self.seen)} frames that were looked at")
        if not 0 <= person < len(self.people):
            raise UserError(f"{path}: there is no person {person} (people are numbered 0 to {len(self.people) - 1})")
        points, scores = self.people[person].arrays(np.arange(len(self.seen)), len(self.skeleton))
        looked = np.arange(len(self.seen)) * self.options.part.every
        is_between = np.ones(len(self), bool)
        is_between[looked] = False
        clip = Clip.from_arrays(
            _spread(points, looked, len(self)), self.info.image_size, self._fps(), self.skeleton.name,
            confidence=np.nan_to_num(_spread(scores, looked, len(self))), times=self.times, camera=self._camera(),
            source=str(path), notes=self._notes(),
        ).to_mpm16()  # fmt: skip
        source = f"{path} (keypoints by {self.options.detector}, person {person} of {len(self.people)})"
        history = with_notes((), source, clip.notes)
        return replace(clip, derived=clip.derived | clip.visible & is_between[:, None], history=history)

    def others_at(self, frame: int, pose: NDArray[np.floating]) -> tuple[tuple[int, ...], NDArray[np.float64]]:
        """Who else is seen in a frame than the one with this pose (16, 2), whose sides may have been exchanged.

        Returns numbers of people, and (people, 16, 2) pixels in MPM-16 joints, NaN where a joint is not seen.
        """
        numbers, poses = [], []
        for track in self.people:
            other = self._pose_at(track, frame)
            if other is None or min(_apart(other, pose), _apart(other, pose[list(MPM16.mirror)])) < _SAME_PERSON_HEIGHTS:
                continue
            numbers.append(track.person.number)
            poses.append(other)
        return tuple(numbers), np.array(poses).reshape(-1, len(MPM16), 2)

    def _pose_at(self, track: Track, frame: int) -> NDArray[np.float64] | None:
        """(16, 2) pixels of a person in a frame, linear between looks, NaN where a joint is not seen; None without a look."""
        look, rest = divmod(frame, self.options.part.every)
        ends = [track.at(look), track.at(look + 1) if rest else None]
        if ends[0] is None or (rest and ends[1] is None):
            return None
        share = rest / self.options.part.every
        pose = np.zeros((len(MPM16), 2))
        for found, weight in zip(ends, (1 - share, share), strict=True):
            if found is not None:
                mapped = map_to_mpm16(self.skeleton).apply(found.points[None], found.seen[None])
                pose = pose + weight * np.where(mapped.visible[0][:, None], mapped.points[0], np.nan)
        return pose

    @property
    def frames_lacking(self) -> int:
        """How many frames fewer than the file states were there; 0 for a few, as the statement is often off by some."""
        part = self.options.part
        end_s = self.info.duration_s if part.last_s is None else min(part.last_s, self.info.duration_s)
        lacking = round((end_s - part.first_s) * self.info.fps) - len(self)
        return lacking if lacking > _FRAMES_THAT_MAY_LACK * self.info.frames + 1 else 0

    def _fps(self) -> float:
        """The mean rate of the frames: what a file states is off by a frame or so, and says nothing about a part of it."""
        if len(self) < 2:
            return self.info.fps
        return round((len(self) - 1) / float(self.times[-1] - self.times[0]), 3)

    def _camera(self) -> Intrinsics:
        camera = self.info.camera
        return Intrinsics.assumed(self.info.image_size, ASSUMED_FIELD_OF_VIEW_DEG) if camera.is_assumed else camera

    def _notes(self) -> tuple[str, ...]:
        notes = []
        if self.info.camera.is_assumed:
            angle = f"{ASSUMED_FIELD_OF_VIEW_DEG:g}° along the longer side"
            notes.append(f"the video does not tell its camera's {CAMERA_NOTE}: {angle} assumed")
        if not self.info.has_times:
            notes.append(f"{TIMES_NOTE}: {self.info.fps:g} frames/s assumed")
        if self.background is not None and self.background.motion is not None:
            notes.append(self.background.motion.sentence())
        if not self.is_whole:
            notes.append(f"cancelled after {len(self)} of about {self.info.frames} frames")
        elif self.frames_lacking:
            notes.append(f"the video breaks off after frame {len(self)} of {len(self) + self.frames_lacking}")
        return tuple(notes)


def _spread(values: NDArray[np.float64], looked: NDArray[np.int64], frames: int) -> NDArray[np.float64]:
    """(looks, ...) values -> (frames, ...), linear in between; NaN where one of both neighbours is NaN."""
    flat = values.reshape(len(values), -1)
    place = np.interp(np.arange(frames), looked, np.arange(len(looked)))
    before = np.floor(place).astype(int)
    after, share = np.ceil(place).astype(int), (place - before)[:, None]
    spread = np.where(share > 0, flat[before] * (1 - share) + flat[after] * share, flat[before])
    # After the last look there is nothing to interpolate to.
    spread[np.arange(frames) > looked[-1]] = np.nan
    return spread.reshape(frames, *values.shape[1:])


def _apart(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """The median distance of joints that both poses (16, 2) have, in heights of the first; infinite without any."""
    distance = np.linalg.norm(one - other, axis=-1)
    if not np.isfinite(distance).any():
        return float("inf")
    height = float(np.ptp(one[np.isfinite(one).all(-1)], axis=0).max())
    return float(np.nanmedian(distance)) / max(height, 1.0)
