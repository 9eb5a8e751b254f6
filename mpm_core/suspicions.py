"""Owns the suspicions: spans of a clip and of the answer to it that look wrong although nobody knows the truth.

Each check tells of every joint in every frame how bad it is, in times of its limit. The limits are such that hardly anything
is suspected in motion that was seen exactly; docs/suspicions.md has how often it happens, and how much of noisy 2D is found.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.grounding.floor import ANKLE_HEIGHT_M, FEET, find_floor
from mpm_core.grounding.up import find_up
from mpm_core.masking import Mask
from mpm_core.metrics import reprojection_errors
from mpm_core.prediction import Prediction
from mpm_core.refiners.base import frame_period, person_height
from mpm_core.refiners.swaps import SWAP_GROUPS, find_breaks, find_exchangeable, find_swaps
from mpm_core.skeleton import LIMBS, MPM16

Badness = NDArray[np.float64]
"""(frames, 16): 1 and more is suspicious, as a multiple of the limit; 0 where nothing is known."""

LOW_CONFIDENCE = 0.4
"""Joints that the detector is less sure of are doubtful."""

_USUAL_HEIGHT_M = 1.7 * 0.9  # of the box of joints of somebody who stands
_WORST = 99.0
_FLAGGED, _EXCHANGED = 1.0, 2.0  # how bad it is where left and right were exchanged, or seem to be now
_ROOT_IS_UNKNOWN_M = 0.2
_CHILDREN = np.array([child for _, child in MPM16.bones])
_PARENTS = np.array([parent for parent, _ in MPM16.bones])


@dataclass(frozen=True)
class SuspicionLimits:
    """jump_m_s2: acceleration across the line of sight, and of the answer from Hip; a single frame of it is `least_jump_m` at
    least and `most_jump_m` at most, so that neither a fast camera's trembling keypoints nor a slow one's strides are jumps.
    bone_share: by how much a bone of the answer differs from its usual length; seen_bone_share: by how much one looks longer
    than it is. reprojection_m: between keypoint and answer, across the line of sight. under_floor_m: of an ankle, under where
    ankles stand. gap_s: a gap of so long is as bad as the limit; shorter ones are listed too. joined_s: what is apart by less
    is one span. beside_s: so long the answer takes to go over from a person's correction to what was measured."""

    jump_m_s2: float = 400.0
    least_jump_m: float = 0.12
    most_jump_m: float = 0.5
    bone_share: float = 0.2
    seen_bone_share: float = 0.35
    low_confidence: float = LOW_CONFIDENCE
    reprojection_m: float = 0.12
    under_floor_m: float = 0.04
    gap_s: float = 0.2
    joined_s: float = 0.1
    beside_s: float = 0.15


@dataclass(frozen=True, eq=False)
class Evidence:
    """What is looked at. clip: in MPM-16 joints; answer: to it as it is now, whole, or None. masked: (frames, 16) what a person
    hid: its keypoints do no harm any more; missing: what the clip lacks, or has with too little confidence; flags: (frames,)
    those in which left and right were exchanged back, or may have to be."""

    clip: Clip
    answer: Prediction | None
    masked: Mask
    missing: Mask
    flags: NDArray[np.bool_]
    limits: SuspicionLimits = SuspicionLimits()

    @property
    def shown(self) -> Mask:
        """(frames, 16) keypoints that the lifter goes by."""
        if self.clip.keypoints is None:
            return np.zeros(self.masked.shape, bool)
        return self.clip.visible & ~self.masked & ~self.missing

    @property
    def metres_per_pixel(self) -> NDArray[np.float64]:
        """(frames,) across the line of sight, at the distance of the person."""
        clip = self.clip
        usual = _USUAL_HEIGHT_M / person_height(clip)
        if self.answer is None or self.answer.task != "lift":
            return np.full(len(clip), usual)
        depth = self.answer.root[:, 2].astype(np.float64)
        return np.where(depth > _ROOT_IS_UNKNOWN_M, depth / np.mean(clip.camera.focal), usual)


@dataclass(frozen=True)
class Suspicion:
    """kind: a key of CHECKS. first, last: frames, both included. joints: those concerned. badness: times the limit, at worst;
    worst: the frame of it."""

    kind: str
    first: int
    last: int
    joints: tuple[int, ...]
    badness: float
    worst: int


@dataclass(frozen=True)
class Check:
    """label: for people; tip: a sentence that says what is suspected; can_hide: whether hiding the joints there helps, since
    the lifter is then not shown what looks wrong; find: how bad each joint is."""

    label: str
    tip: str
    can_hide: bool
    find: Callable[[Evidence], Badness]


def find_suspicions(evidence: Evidence, kinds: Iterable[str] | None = None) -> tuple[Suspicion, ...]:
    """What looks wrong, in the order of time; of some kinds only, if given (keys of CHECKS)."""
    found = [one for kind in kinds or CHECKS for one in spans_of(kind, CHECKS[kind].find(evidence), evidence)]
    return tuple(sorted(found, key=lambda one: (one.first, -one.badness)))


def spans_of(kind: str, badness: Badness, evidence: Evidence) -> list[Suspicion]:
    """The spans in which something is as bad as its limit or worse: each limb's own, and as one where they are the same."""
    apart = max(round(evidence.limits.joined_s / frame_period(evidence.clip)), 1)
    spans: list[tuple[int, int, list[int]]] = []
    for limb in LIMBS:
        joints = np.array(MPM16.limb(limb))
        for first, last in _runs(np.any(badness[:, joints] >= 1, axis=1), apart):
            concerned = joints[np.any(badness[first : last + 1, joints] >= 1, axis=0)].tolist()
            same = next((s for s in reversed(spans) if abs(s[0] - first) <= apart and abs(s[1] - last) <= apart), None)
            if same is None:
                spans.append((first, last, concerned))
            else:
                spans[spans.index(same)] = (min(same[0], first), max(same[1], last), same[2] + concerned)
    return [_suspicion(kind, badness, first, last, joints) for first, last, joints in spans]


def _suspicion(kind: str, badness: Badness, first: int, last: int, joints: list[int]) -> Suspicion:
    of_frames = badness[first : last + 1, joints].max(1)
    worst = int(of_frames.argmax())
    return Suspicion(kind, first, last, tuple(sorted(joints)), min(float(of_frames[worst]), _WORST), first + worst)


def _runs(marks: NDArray[np.bool_], apart: int) -> list[tuple[int, int]]:
    """First and last frame of each run of marks (frames,); runs with fewer than `apart` frames between them are one."""
    frames = np.flatnonzero(marks)
    if not len(frames):
        return []
    parts = np.split(frames, np.flatnonzero(np.diff(frames) > apart) + 1)
    return [(int(part[0]), int(part[-1])) for part in parts]


def _jumps(evidence: Evidence) -> Badness:
    """Joints that are thrown off and come back, or go on elsewhere, of the keypoints or of the answer."""
    limits, period = evidence.limits, frame_period(evidence.clip)
    limit = float(np.clip(limits.jump_m_s2 * period**2, limits.least_jump_m, limits.most_jump_m))
    follows = np.diff(evidence.clip.times) < 1.5 * period
    badness = np.zeros(evidence.masked.shape)
    if evidence.clip.keypoints is not None:
        points = np.where(evidence.shown[..., None], evidence.clip.keypoints, np.nan).astype(np.float64)
        badness = _bends(points, follows) * evidence.metres_per_pixel[:, None] / limit
    if evidence.answer is not None:
        badness = np.maximum(badness, _bends(evidence.answer.positions.astype(np.float64), follows) / limit)
    return badness


def _elsewhere(find: Callable[[Evidence], Badness], is_jump: bool) -> Callable[[Evidence], Badness]:
    """The same, but for what a person's own corrections have made of the frames at their ends; see _of_corrections."""

    def find_elsewhere(evidence: Evidence) -> Badness:
        ends = _beside_corrections(evidence, is_jump)
        return find(evidence) if ends is None else np.where(ends, 0.0, find(evidence))

    return find_elsewhere


def _of_corrections(evidence: Evidence) -> Badness:
    """A person has put a joint somewhere, and what was measured beside that does not fit: mostly that is still wrong."""
    badness = np.zeros(evidence.masked.shape)
    for find, is_jump in ((_jumps, True), (_bones, False), (_reprojection, False)):
        ends = _beside_corrections(evidence, is_jump)
        if ends is not None:
            badness = np.maximum(badness, np.where(ends, find(evidence), 0.0))
    return badness


def _beside_corrections(evidence: Evidence, is_jump: bool) -> NDArray[np.bool_] | None:
    """(frames, 16) the frames at the ends of where a joint is corrected: those between which it jumps, or else all in which the
    answer still goes over from one to the other. None without any."""
    edited, period = evidence.clip.edited, frame_period(evidence.clip)
    if not edited.any():
        return None
    is_end = edited[1:] != edited[:-1]
    reach = 1 if is_jump else max(round(evidence.limits.beside_s / period), 1)
    beside = np.zeros(edited.shape, bool)
    for step in range(reach):
        beside[step + 1 :] |= is_end[: len(is_end) - step]
        beside[: len(is_end) - step] |= is_end[step:]
    return beside


def _bends(points: NDArray[np.float64], follows: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(frames, joints): how far each is from the middle of the frames before and after, doubled; 0 where one is not known.
    follows: (frames - 1,) whether a frame comes right after the one before."""
    bends = np.zeros(points.shape[:2])
    if len(points) > 2:
        inner = np.linalg.norm(np.diff(points, 2, axis=0), axis=-1)
        bends[1:-1] = np.where(np.isfinite(inner) & (follows[1:] & follows[:-1])[:, None], inner, 0)
    return bends


def _bones(evidence: Evidence) -> Badness:
    """Bones of the answer that are not as long as usual, and keypoints farther apart than any camera can see a bone.

    The joint that is farther from Hip is suspected.
    """
    badness, answer, limits = np.zeros(evidence.masked.shape), evidence.answer, evidence.limits
    if answer is None or not np.isfinite(answer.positions[:, 0, 0]).any():
        return badness
    lengths = np.linalg.norm(answer.positions[:, _CHILDREN] - answer.positions[:, _PARENTS], axis=-1).astype(np.float64)
    usual = np.maximum(np.nanmedian(lengths, axis=0), 1e-6)
    badness[:, _CHILDREN] = np.nan_to_num(np.abs(np.log(np.maximum(lengths, 1e-6) / usual))) / np.log1p(limits.bone_share)
    if evidence.clip.keypoints is not None:
        apart = np.linalg.norm(evidence.clip.keypoints[:, _CHILDREN] - evidence.clip.keypoints[:, _PARENTS], axis=-1)
        both = evidence.shown[:, _CHILDREN] & evidence.shown[:, _PARENTS]
        seen = np.where(both, apart * evidence.metres_per_pixel[:, None], 0)
        excess = np.log(np.maximum(seen / usual, 1)) / np.log1p(limits.seen_bone_share)
        badness[:, _CHILDREN] = np.maximum(badness[:, _CHILDREN], excess)
    return badness


def _sides(evidence: Evidence) -> Badness:
    """Arms or legs whose tracks are continued better with left and right exchanged, and frames that are flagged for it."""
    badness = np.zeros(evidence.masked.shape)
    badness[evidence.flags] = np.where(_of_pairs(), _FLAGGED, 0.0)
    if evidence.clip.keypoints is None:
        return badness
    swapped = _swapped(evidence.clip)
    for group, limbs in enumerate(SWAP_GROUPS.values()):
        exchanged = np.zeros(badness.shape, bool)
        exchanged[:, [joint for limb in limbs for joint in MPM16.limb(limb)]] = swapped[:, group, None]
        badness[exchanged & evidence.shown] = _EXCHANGED
    return badness


@functools.lru_cache(maxsize=1)
def _swapped(clip: Clip) -> NDArray[np.bool_]:
    """See find_swaps, which takes a while and knows nothing of masks and answers; most clips need not be asked about."""
    if not (find_breaks(clip)[1:] & find_exchangeable(clip)[1:]).any():
        return np.zeros((len(clip), len(SWAP_GROUPS)), bool)
    return find_swaps(clip)


def _of_pairs() -> NDArray[np.bool_]:
    """(16,) joints that have a left and a right."""
    return np.array(MPM16.mirror) != np.arange(len(MPM16))


def _confidence(evidence: Evidence) -> Badness:
    clip, limit = evidence.clip, evidence.limits.low_confidence
    doubtful = evidence.shown & ~clip.derived & ~clip.edited & (clip.confidence < limit)
    return np.where(doubtful, limit / np.maximum(clip.confidence, limit / _WORST), 0.0)


def _reprojection(evidence: Evidence) -> Badness:
    """Keypoints that the answer does not believe."""
    if evidence.answer is None or evidence.answer.task != "lift" or evidence.clip.keypoints is None:
        return np.zeros(evidence.masked.shape)
    apart = reprojection_errors(evidence.answer, evidence.clip) * evidence.metres_per_pixel[:, None]
    return np.where(evidence.shown, np.nan_to_num(apart), 0) / evidence.limits.reprojection_m


def _feet(evidence: Evidence) -> Badness:
    badness, answer = np.zeros(evidence.masked.shape), evidence.answer
    if answer is None or answer.task != "lift" or answer.contact is None or not np.any(answer.root):
        return badness
    up = np.array(find_up(evidence.clip, answer).direction)
    places = answer.absolute()
    floor = find_floor(places, up, answer.contact)
    if floor is not None:
        heights = places[:, list(FEET)].astype(np.float64) @ up
        badness[:, list(FEET)] = np.nan_to_num(floor + ANKLE_HEIGHT_M - heights) / evidence.limits.under_floor_m
    return badness


def _gaps(evidence: Evidence) -> Badness:
    """Joints that were not measured, by how long; all of them where nothing was for as long as the lifter looks around."""
    missing = evidence.missing.copy()
    if evidence.answer is not None:
        missing |= evidence.answer.is_prior_only[:, None]
    seconds = _lengths_of_runs(missing) * frame_period(evidence.clip)
    return np.where(missing, np.maximum(seconds / evidence.limits.gap_s, 1), 0)


def _lengths_of_runs(marks: Mask) -> NDArray[np.float64]:
    """(frames, joints): in how many frames on end a joint is marked, around each frame."""
    padded = np.zeros((len(marks) + 1, marks.shape[1]), bool)
    padded[:-1] = marks
    flat = padded.T.ravel()  # joint after joint, with a frame in between
    number = np.cumsum(np.diff(flat, prepend=False) & flat)
    lengths = np.bincount(number[flat], minlength=int(number[-1]) + 1 if len(number) else 1)
    return np.where(flat, lengths[number], 0).reshape(padded.T.shape).T[:-1].astype(np.float64)


CHECKS: Mapping[str, Check] = {
    "jump": Check("Jump", "A joint is thrown off its way from one frame to the next", True, _elsewhere(_jumps, True)),
    "correction": Check(
        "Jump by a key",
        "A joint jumps next to a corrected key: what was measured there does not fit it",
        False,
        _of_corrections,
    ),
    "bone": Check(
        "Bone length",
        "A bone is longer or shorter than it usually is, or looks longer than it can",
        True,
        _elsewhere(_bones, False),
    ),
    "sides": Check("Left/right", "Left and right seem exchanged, or were exchanged back", True, _sides),
    "confidence": Check("Low confidence", "The detector was unsure, yet the lifter goes by it", True, _confidence),
    "reprojection": Check(
        "Reprojection", "The 3D, seen by the camera, is far from the keypoint", True, _elsewhere(_reprojection, False)
    ),
    "feet": Check("Under the floor", "An ankle is lower than ankles that stand on the floor", False, _feet),
    "gap": Check("Gap", "Not measured, so that the lifter fills it in", False, _gaps),
}
"""Kinds of suspicions by name."""
