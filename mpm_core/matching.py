"""Owns whether calibrated cameras saw one person at one moment: how their clips fit, what is assumed at that, or why not.

A joint that two cameras see lies, in the image of one, on the line on which the other sees it (the epipolar line): how far
beside it is told by the calibration, the moment and the detector, and by no pose. What is constant of it for a joint is the
detector's or the calibration's; what moves with the person is another moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mpm_core.beside import Beside
from mpm_core.calibrated import CalibratedCamera
from mpm_core.clip import CAMERA_NOTE, TRUTH_NOTE, Clip
from mpm_core.errors import UserError
from mpm_core.masking import Mask
from mpm_core.skeleton import MPM16
from mpm_core.stature import SMALLEST_M, TALLEST_M, stature
from mpm_core.truth.sampling import at_times

_SAME_TIME_S = 1e-3
_SAME_RATE = 1e-3
_CLOSEST_M = 0.05
"""Cameras that stand nearer to each other see one picture, or their places are in another unit."""

_FARTHEST_S, _FASTEST_GRID, _MOST_FRAMES = 10.0, 60.0, 600
"""Shifts that are looked for, at so many frames/s at most, and in so many frames of the clip."""

_LEAST_OVERLAP, _SHORTEST_S, _MOST_NEEDED, _FEWEST_FRAMES = 0.3, 1.0, 0.8, 10
"""What must overlap at a shift that is weighed: a share of the shorter clip, seconds (no larger share than that), frames."""

_BESIDE_S, _AGREES, _CLEARLY = 0.25, 0.5, 0.7
"""A shift is sure where less than half of the movement is left unexplained, and no shift that is not next to it leaves less
than 1 / 0.7 of that."""

_AS_GOOD, _AS_GOOD_PLUS = 1.1, 0.005
"""What was recorded together begins together unless that leaves clearly more."""

_STILL_PX = 0.5

_DOUBTFUL, _WRONG = 0.03, 0.05
"""Of the person's size in the picture, that joints lie beside where the other camera says (the median). MediaPipe in two
calibrated videos: 0.018, with both cameras exchanged 0.07."""

_FEWEST_JOINTS, _FEW = 16, 0.5
_OTHER_HEIGHT = 0.06
_IN_FRONT = 0.9

_BENT, _FEWEST_BENDS = 0.04, 20
_BACKWARD, _FORWARD = 0.25, 0.7
"""Knees that bend less, as a share of the leg, or more rarely tell nothing. Of the others less than the one share bends forward
where cameras are exchanged, and more than the other one where they are not."""


@dataclass(frozen=True, eq=False)
class View:
    """What a calibrated camera saw. clip: in MPM-16 joints, as it was read; hidden: (frames, 16), not to be believed of it;
    shift_s: how many seconds after the first camera's clip it begins, None where both shall tell by how they move."""

    clip: Clip
    camera: CalibratedCamera
    hidden: Mask | None = None
    shift_s: float | None = None


@dataclass(frozen=True)
class Fit:
    """How another camera's clip fits the first one's. off_px: the median distance of joints from where the other camera says;
    off_share: the same as a share of the person; height_m: of the person by both, None where too little is seen by both. notes:
    what was found or assumed; doubts: what looks wrong."""

    shift_s: float
    off_px: float
    off_share: float
    height_m: float | None
    notes: tuple[str, ...]
    doubts: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Matched:
    """Clips of all cameras as pinhole cameras see them, in the frames of the first, with how the others fit it."""

    clips: tuple[Clip, ...]
    cameras: tuple[CalibratedCamera, ...]
    fits: tuple[Fit, ...]
    notes: tuple[str, ...]

    @property
    def doubts(self) -> tuple[str, ...]:
        """What looks wrong of all."""
        return tuple(doubt for fit in self.fits for doubt in fit.doubts)


def match_views(views: Sequence[View]) -> Matched:
    """Bring what calibrated cameras saw to the frames of the first one. UserError, with the clip's name and the reason, for
    what cannot be of one person, one moment and this calibration."""
    first, *others = views
    seen, notes = _seen(first)
    clips, fits = [seen], []
    for view in others:
        own, said = _seen(view)
        clip, fit = _matched(seen, first.camera, own, view)
        clips.append(clip)
        fits.append(fit)
        notes += (*said, *fit.notes)
    return Matched(tuple(clips), tuple(view.camera for view in views), tuple(fits), (*notes, *_guess_notes(clips)))


def _guess_notes(clips: Sequence[Clip]) -> tuple[str, ...]:
    """That some joints are not seen by two cameras, so that their depth, or all of their place, is a guess."""
    cameras = np.sum([clip.visible for clip in clips], axis=0)
    by_one, by_none = (100 * float((cameras == count).mean()) for count in (1, 0))
    if len(clips) < 2 or by_one + by_none == 0:
        return ()
    return (f"{by_one:.1f} % of all joints are seen by one camera alone and {by_none:.1f} % by none: those are guesses",)


def _seen(view: View) -> tuple[Clip, tuple[str, ...]]:
    """The clip as a pinhole camera saw it, without what is hidden, and what is to be said of that."""
    seen = view.camera.seen(view.clip)
    left_out = (CAMERA_NOTE, TRUTH_NOTE)  # its camera is known now, and its ground truth is another matter
    notes = tuple(f"{view.clip.name}: {note}" for note in seen.notes if not any(part in note for part in left_out))
    if view.hidden is not None:
        seen = _shown(seen, ~view.hidden)
    return seen, notes


def _shown(clip: Clip, shown: Mask) -> Clip:
    visible = clip.visible & shown
    return replace(clip, visible=visible, confidence=np.where(visible, clip.confidence, 0).astype(np.float32))


def _matched(first: Clip, camera: CalibratedCamera, other: Clip, view: View) -> tuple[Clip, Fit]:
    name, beside = other.name, Beside(camera, view.camera)
    if np.linalg.norm(beside.offset) < _CLOSEST_M:
        raise UserError(
            f"{name}: its camera '{view.camera.name}' stands where '{camera.name}' does, so that both see the same: is the"
            " calibration's translation in another unit?"
        )
    shift, told = (view.shift_s, "as was said") if view.shift_s is not None else _find_shift(first, other, beside)
    clip = _on_frames_of(first, other, shift)
    both = first.visible & clip.visible
    if both.sum() < _FEWEST_JOINTS:
        raise UserError(_why_too_little(first, other, both, shift))
    off = np.abs(beside.distances(first.keypoints, clip.keypoints)[both])
    off_px, size = float(np.median(off)), min(_size(first), _size(clip))
    share = off_px / size
    if share > _WRONG:
        raise UserError(
            f"{name}: does not fit {first.name}: joints lie {off_px:.0f} px ({100 * share:.0f} % of the person) beside where"
            f" '{camera.name}' sees them; is the calibration of other cameras, are these two exchanged, or is it another person"
            " or moment?"
        )
    height, wrong = _check_body(first, clip, both, beside)
    notes = [
        _shift_sentence(name, shift, first.fps, told),
        f"'{view.camera.name}' agrees with '{camera.name}' to {off_px:.1f} px"
        + ("" if height is None else f"; by both the person is {height:.2f} m tall: if they are not, the calibration is wrong"),
        *_time_notes(first, camera, other, shift),
    ]
    far = f"joints lie {100 * share:.1f} % of the person beside where '{camera.name}' sees them: check the calibration"
    few = f"only {int(both.any(1).sum())} of {len(first)} frames are seen by both"
    tall = "" if height is None or not first.height_m else _height_doubt(height, first.height_m)
    doubted = (far if share > _DOUBTFUL else "", wrong, tall, few if both.any(1).mean() < _FEW else "")
    doubts = tuple(f"{name}: {text}" for text in doubted if text)
    return clip, Fit(shift, off_px, share, height, tuple(notes), doubts)


def _why_too_little(first: Clip, other: Clip, both: Mask, shift_s: float) -> str:
    """Why no more joints are seen by both cameras than these."""
    for clip in (first, other):
        if not clip.visible.any():
            return f"{clip.name}: all of it is hidden, or not sure enough: there is nothing to see the person by"
    wanted = _wanted(first, other, shift_s)
    if not ((wanted >= other.times[0] - _SAME_TIME_S) & (wanted <= other.times[-1] + _SAME_TIME_S)).any():
        return f"{other.name}: shows nothing at the times at which {first.name} does: is it of another moment?"
    count = "no joint is" if not both.any() else f"only {int(both.sum())} joints of all frames are"
    return f"{other.name}: {count} seen both by it and by {first.name}: show more of them, or is it of another moment?"


def _height_doubt(height_m: float, said_m: float) -> str:
    if abs(height_m / said_m - 1) <= _OTHER_HEIGHT:
        return ""
    return f"by this calibration the person is {height_m:.2f} m tall, and {said_m:.2f} m was said: check it"


def _time_notes(first: Clip, camera: CalibratedCamera, other: Clip, shift_s: float) -> list[str]:
    """What is to be said of the rates and of frames that one alone has."""
    notes, name = [], other.name
    if abs(other.fps - first.fps) > _SAME_RATE * first.fps:
        notes.append(f"{name} has {other.fps:g} frames/s, and is brought to {first.fps:g}")
    wanted, slack = _wanted(first, other, shift_s), _SAME_TIME_S
    alone = int(((wanted < other.times[0] - slack) | (wanted > other.times[-1] + slack)).sum())
    if alone:
        notes.append(f"{name} has nothing for {alone} of {len(first)} frames, which '{camera.name}' sees without it")
    return notes


def _shift_sentence(name: str, shift_s: float, fps: float, told: str) -> str:
    frames = shift_s * fps
    if abs(frames) < 0.05:
        return f"{name} begins at the same moment, {told}"
    return f"{name} begins {abs(frames):.1f} frames ({abs(shift_s):.2f} s) {'later' if frames > 0 else 'sooner'}, {told}"


def _check_body(first: Clip, other: Clip, both: Mask, beside: Beside) -> tuple[float | None, str]:
    """How tall the person is by both cameras, None where too little is seen by both, and what looks wrong with them, if
    anything; UserError where that is no person, or lies behind a camera."""
    assert first.keypoints is not None and other.keypoints is not None
    places, name = beside.places(first.keypoints, other.keypoints), other.name
    there = places @ beside.rotation.T + beside.offset
    if ((places[..., 2] > 0) & (there[..., 2] > 0))[both].mean() < _IN_FRONT:
        raise UserError(f"{name}: by this calibration the person would be behind a camera: are the cameras exchanged?")
    bends = _knee_bends(places, both)
    forward = float((bends > 0).mean()) if len(bends) >= _FEWEST_BENDS else 1.0
    if forward < _BACKWARD:
        raise UserError(f"{name}: by this calibration knees would bend backwards: are the cameras exchanged?")
    height = stature(places, ~both) if both.any(0).all() else None
    if height is not None and not SMALLEST_M <= height <= TALLEST_M:
        raise UserError(
            f"{name}: by this calibration the person would be {height:.3g} m tall: in which unit is its translation?"
        )
    return height, "" if forward >= _FORWARD else "by this calibration knees often bend backwards: are the cameras exchanged?"


def _knee_bends(places: NDArray[np.floating], seen: Mask) -> NDArray[np.float64]:
    """By how much knees lie before the line from hip to ankle, as shares of the leg, where they bend at all. Where two cameras
    stand alike, exchanging them turns a body inside out, which nothing else tells: it is as large and as close to all rays."""
    hips, trunk = MPM16.indices(("LHip", "RHip")), MPM16.indices(("Hip", "Thorax"))
    before = np.cross(places[:, hips[0]] - places[:, hips[1]], places[:, trunk[1]] - places[:, trunk[0]])
    before /= np.maximum(np.linalg.norm(before, axis=-1, keepdims=True), 1e-9)
    found = []
    for side in "LR":
        leg = MPM16.indices([f"{side}{joint}" for joint in ("Hip", "Knee", "Ankle")])
        hip, knee, ankle = (places[:, joint] for joint in leg)
        line = ankle - hip
        along = ((knee - hip) * line).sum(-1) / np.maximum((line * line).sum(-1), 1e-9)
        bend = ((knee - hip - along[:, None] * line) * before).sum(-1)
        long = np.linalg.norm(knee - hip, axis=-1) + np.linalg.norm(ankle - knee, axis=-1)
        known = seen[:, [*leg, *hips, *trunk]].all(1)
        found.append((bend / np.maximum(long, 1e-9))[known])
    bends = np.concatenate(found)
    return bends[np.abs(bends) > _BENT]


def _size(clip: Clip) -> float:
    """Pixels: the diagonal of what is seen of the person, in the middle of the frames."""
    assert clip.keypoints is not None
    low = np.where(clip.visible[..., None], clip.keypoints, np.inf).min(1)
    high = np.where(clip.visible[..., None], clip.keypoints, -np.inf).max(1)
    whole = clip.visible.sum(1) > len(MPM16) // 2
    frames = whole if whole.any() else clip.visible.any(1)
    return max(float(np.median(np.linalg.norm((high - low)[frames], axis=-1))), 1.0)


def _wanted(first: Clip, other: Clip, shift_s: float) -> NDArray[np.float64]:
    """(frames,) the times of the other clip at the first one's frames."""
    return np.asarray(first.times - first.times[0] - shift_s + other.times[0])


def _on_frames_of(first: Clip, other: Clip, shift_s: float) -> Clip:
    """The other clip at the first one's times; it shows nothing where it has no frame."""
    wanted = _wanted(first, other, shift_s)
    points, sure = _points(other), np.where(other.visible, other.confidence, np.nan)[..., None]
    if len(wanted) == len(other) and np.abs(wanted - other.times).max() < _SAME_TIME_S:
        wanted = other.times
    pixels, sure = at_times(points, other.times, wanted), at_times(sure, other.times, wanted)[..., 0]
    visible: Mask = np.asarray(np.isfinite(pixels).all(-1))
    nearest = np.clip(np.searchsorted((other.times[1:] + other.times[:-1]) / 2, wanted), 0, len(other) - 1)
    derived = (other.derived & ~other.edited)[nearest] & visible
    none, pixels = np.zeros_like(visible), np.where(visible[..., None], pixels, 0)
    return replace(
        other, keypoints=pixels.astype(np.float32), visible=visible, derived=derived, edited=none,
        confidence=np.where(visible, np.clip(np.nan_to_num(sure), 0, None), 0).astype(np.float32), ground_truth=None, keys=None,
        original=None, chosen=None, completed=None, times=first.times, fps=first.fps,
    )  # fmt: skip


def _points(clip: Clip) -> NDArray[np.floating]:
    assert clip.keypoints is not None
    return np.where(clip.visible[..., None], clip.keypoints, np.nan)


def _find_shift(first: Clip, other: Clip, beside: Beside) -> tuple[float, str]:
    """How many seconds after the first clip the other begins, and how that is known."""
    rate = min(first.fps, other.fps, _FASTEST_GRID)
    lags, left, evidence = _left_by_shift(_on_grid(first, rate), _on_grid(other, rate), beside, rate)
    if not np.isfinite(evidence).any():
        return 0.0, "which is assumed: too little is seen by both to tell"
    top, at_zero = int(np.nanargmax(evidence)), int(np.flatnonzero(lags == 0)[0])
    if left[at_zero] <= _AS_GOOD * left[top] + _AS_GOOD_PLUS:
        top = at_zero
    apart = np.isfinite(evidence) & (np.abs(lags - lags[top]) > _BESIDE_S * rate)
    rival = left[np.where(apart, evidence, -np.inf).argmax()] if apart.any() else 0.0
    if left[top] > min(_AGREES, _CLEARLY * rival):
        return 0.0, "which is assumed: how both move does not tell"
    return float(lags[top]) / rate, "as how both move tells"


def _on_grid(clip: Clip, rate: float) -> NDArray[np.float64]:
    """(grid frames, 16, 2) pixels from the clip's first frame on, NaN where nothing is seen."""
    count = int((clip.times[-1] - clip.times[0]) * rate + 1e-6) + 1
    return at_times(_points(clip), clip.times - clip.times[0], np.arange(count) / rate)


def _left_by_shift(
    first: NDArray[np.float64], other: NDArray[np.float64], beside: Beside, rate: float
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Shifts in grid frames; for each the share of the movement across the other camera's lines that the other does not make as
    well; and how good that and the overlap make it. NaN where too little overlaps or moves.

    Each joint counts about its own mean: detectors see it elsewhere from each side, but always.
    """
    most = max(min(round(_FARTHEST_S * rate), len(first) - 1, len(other) - 1), 0)
    lags = np.arange(-most, most + 1)
    frames = np.unique(np.linspace(0, len(first) - 1, min(len(first), _MOST_FRAMES)).round().astype(int))
    _, lines, one = beside.lines(first[frames], True)
    rays, _, two = beside.lines(other, False)
    seen = np.isfinite(lines[..., 0]), np.isfinite(rays[..., 0])
    lines, rays, one, two = (np.nan_to_num(values) for values in (lines, rays, one, two))
    shorter, dense = min(len(first), len(other)) * len(frames) / len(first), len(frames) / len(first)
    needed = max(_LEAST_OVERLAP * shorter, min(_SHORTEST_S * rate * dense, _MOST_NEEDED * shorter), _FEWEST_FRAMES)
    left, evidence = np.full(len(lags), np.nan), np.full(len(lags), np.nan)
    for place, lag in enumerate(lags):
        inside = (frames - lag >= 0) & (frames - lag < len(other))
        there = frames[inside] - lag
        both = (seen[0][inside] & seen[1][there])[..., None]
        count = int(both.any((1, 2)).sum())
        if count < needed:
            continue
        ray, line = rays[there], lines[inside]
        steady_ray, steady_line = _mean(ray, both), _mean(line, both)
        products = np.stack(((ray * line).sum(-1), (steady_ray * line).sum(-1), (ray * steady_line).sum(-1)), axis=-1)
        products /= np.sqrt(np.maximum(one[inside] + two[there], 1e-18))[..., None]
        moves = np.square(np.abs((products - _mean(products, both)) * both).sum((0, 1)) / both.sum())
        if moves[1] + moves[2] > _STILL_PX**2:
            left[place] = moves[0] / (moves[1] + moves[2])
            evidence[place] = -np.log(max(min(left[place], 1.0), 1e-9)) * np.sqrt(count / shorter)
    return lags, left, evidence


def _mean(values: NDArray[np.float64], counts: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(1, joints, values): over the frames that count."""
    return np.asarray((values * counts).sum(0, keepdims=True) / np.maximum(counts.sum(0, keepdims=True), 1))
