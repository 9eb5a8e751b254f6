"""Owns a person's corrections of 2D joints: keys, the frames between them, offsets over a range, and what was there before.

A key is a joint in a frame that a person has put somewhere. It may be joined to the next one: then the frames between are
filled, in a straight line or by a smooth curve, and count as edited too. What was measured stays with the clip
(Clip.original), so that everything can be restored, and a list can say how far each key was moved. Nothing is joined across a
pause of the clip.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import KEY_ALONE, KEY_LINEAR, KEY_SMOOTH, Clip
from mpm_core.pauses import goes_on

FIELDS = ("keypoints", "visible", "derived", "edited", "confidence", "keys", "original")
"""Fields of a clip that a correction changes or moves along."""

FILLS = {"smooth": KEY_SMOOTH, "linear": KEY_LINEAR, "none": KEY_ALONE}
"""How frames up to the next key are filled, by name."""

REACH_S = 1.0
"""Keys that are farther apart are not joined by themselves: between them lie frames that nobody has complained of."""

_SOFT_S, _SOFT_SHARE = 0.2, 1 / 3
"""How long an offset takes to begin and to end, and which share of its range at most."""


@dataclass(frozen=True)
class Key:
    """A key of a clip, as a list shows it. first, last: the frames around that are edited with it, as far as no other key has a
    say there. moved_px: from where it was measured; NaN where it was not, or nobody knows. fill: one of FILLS."""

    joint: int
    frame: int
    first: int
    last: int
    moved_px: float
    fill: str


def with_keys(clip: Clip) -> Clip:
    """The same with arrays for what it does not say of its corrections: each edited joint is a key, and what was measured
    there is unknown."""
    keys, original = clip.keys, clip.original
    if keys is not None and original is not None:
        return clip
    if keys is None:
        keys = np.where(clip.edited, KEY_ALONE, 0).astype(np.uint8)
    if original is None:
        original = np.zeros((*clip.edited.shape, 3), np.float32)
        original[clip.edited] = np.nan
    return replace(clip, keys=keys, original=original)


def rows_of(clip: Clip, names: Iterable[str], frames: slice) -> dict[str, NDArray[Any]]:
    """Copies of some frames of a clip's fields; zeros of what was taken where nothing was (Clip.chosen)."""
    found = {}
    for name in names:
        array = getattr(clip, name)
        count = len(range(*frames.indices(len(clip))))
        found[name] = np.zeros((count, len(clip.skeleton), 4), np.float32) if array is None else array[frames].copy()
    return found


def patched(clip: Clip, first: int, patch: Mapping[str, NDArray[Any]]) -> Clip:
    """The clip with rows from frame `first` on in place of its own, in fields by their names; without what was taken where
    nothing is left of it."""
    arrays: dict[str, Any] = {}
    for name, rows in patch.items():
        arrays[name] = rows_of(clip, (name,), slice(None))[name]
        arrays[name][first : first + len(rows)] = rows
    if "chosen" in arrays and not arrays["chosen"].any():
        arrays["chosen"] = None
    return replace(clip, **arrays)


def list_keys(clip: Clip) -> tuple[Key, ...]:
    """In the order of joints, then frames."""
    if clip.keypoints is None or clip.keys is None or clip.original is None:
        return ()
    names = {value: name for name, value in FILLS.items()}
    found, starts = [], np.append(_starts(clip), len(clip))
    for joint in np.flatnonzero(np.any(clip.keys > 0, axis=0)):
        frames = np.flatnonzero(clip.keys[:, joint] > 0)
        ends = np.flatnonzero(~clip.edited[:, joint] | (clip.keys[:, joint] > 0))
        places = np.searchsorted(ends, frames)
        firsts = np.where(places > 0, ends[places - 1] + 1, 0)
        lasts = np.append(ends, len(clip))[places + 1] - 1
        piece = np.searchsorted(starts, frames, side="right")
        firsts, lasts = np.maximum(firsts, starts[piece - 1]), np.minimum(lasts, starts[piece] - 1)
        x, y, confidence = clip.original[frames, joint].T
        px = np.where(confidence > 0, np.hypot(*(clip.keypoints[frames, joint] - np.stack((x, y), axis=-1)).T), np.nan)
        for frame, first, last, moved in zip(frames, firsts, lasts, px, strict=True):
            fill = names.get(int(clip.keys[frame, joint]), "none")
            found.append(Key(int(joint), int(frame), int(first), int(last), float(moved), fill))
    return tuple(found)


def _starts(clip: Clip) -> NDArray[np.int64]:
    """The first frame of each piece between pauses."""
    return np.append(0, np.flatnonzero(~goes_on(clip.times, clip.fps)) + 1)


class JointTrack:
    """One joint of a clip over time, being corrected. Methods change it; changes says what differs from the clip."""

    def __init__(self, clip: Clip, joint: int) -> None:
        """clip: one with 2D, and with arrays of keys; see with_keys."""
        assert clip.keypoints is not None and clip.keys is not None and clip.original is not None
        self._clip, self._joint, self._fps = clip, joint, clip.fps
        self._starts = np.append(_starts(clip), len(clip))
        self.points = clip.keypoints[:, joint].copy()
        self.visible, self.edited = clip.visible[:, joint].copy(), clip.edited[:, joint].copy()
        self.confidence, self.keys = clip.confidence[:, joint].copy(), clip.keys[:, joint].copy()
        self.original = clip.original[:, joint].copy()

    def set_key(self, frame: int, x: float, y: float, fill: str, reach: int) -> None:
        """A person says where the joint is in a frame, in pixels. Neighbouring keys at most `reach` frames away are joined to a
        new one, unless fill is 'none'; a key that is there stays joined as it was."""
        is_new = not self.keys[frame]
        self._put(np.array([frame]), np.array([(x, y)]))
        if is_new:
            before, after = self._neighbours(frame)
            is_between = before is not None and after is not None and self._is_joined(before, after)
            self.keys[frame] = self.keys[before] if is_between else KEY_ALONE
            if fill != "none" and not is_between:
                if before is not None and frame - before <= reach and self._follow(before, frame):
                    self.keys[before] = FILLS[fill]
                    self._mark(before, frame)
                if after is not None and after - frame <= reach and self._follow(frame, after):
                    self.keys[frame] = FILLS[fill]
                    self._mark(frame, after)
        self._fill_chain(frame)

    def shift(self, frame: int, first: int, last: int, dx: float, dy: float) -> None:
        """Move the joint by some pixels over frames first to last, softly at both ends; wholly in one of them, which becomes a
        key. Frames in which it was not measured are left."""
        soft = min(round(_SOFT_S * self._fps), int((last - first) * _SOFT_SHARE))
        frames = np.arange(first, last + 1)
        rise = _ramp(frames - first + 1, min(soft, frame - first) + 1)
        fall = _ramp(last - frames + 1, min(soft, last - frame) + 1)
        moved = self.visible[frames] | (frames == frame)
        share = np.minimum(rise, fall)[moved, None]
        self._put(frames[moved], self.points[frames[moved]] + share * (dx, dy))
        self.keys[frame] = self.keys[frame] or KEY_ALONE

    def set_fill(self, frame: int, fill: str) -> None:
        """Fill the frames from a key up to the next one otherwise, or give back what was measured there."""
        _, after = self._neighbours(frame)
        if after is None or not self._follow(frame, after):
            return
        was_joined = self._is_joined(frame, after)
        self.keys[frame] = FILLS[fill]
        if fill == "none":
            if was_joined:
                self._restore(frame + 1, after - 1)
        else:
            self._mark(frame, after)
        self._refill((frame, after))

    def clear_key(self, frame: int) -> None:
        """Take a key away. The keys around it are joined to each other if they were to this one; what hung on it alone is as
        it was measured again."""
        before, after = self._neighbours(frame)
        from_before = before is not None and self._is_joined(before, frame)
        to_after = after is not None and self._is_joined(frame, after)
        self.keys[frame] = 0
        if from_before and to_after:
            self._fill_chain(before)
            return
        first, last = _around(self.edited & (self.keys == 0), frame)
        end = int(np.searchsorted(self._starts, frame, side="right"))
        self._restore(max(first, int(self._starts[end - 1])), min(last, int(self._starts[end]) - 1))
        self._refill((before, after))

    def restore(self, first: int, last: int) -> None:
        """What was measured in frames first to last, where that is known."""
        beside = self._neighbours(first)[0], self._neighbours(last)[1]
        self._restore(first, last)
        self._refill(beside)

    def changes(self) -> tuple[int, int] | None:
        """First and last frame that differ from the clip."""
        clip, joint = self._clip, self._joint
        assert clip.keypoints is not None and clip.keys is not None
        differ = np.any(self.points != clip.keypoints[:, joint], axis=1) | (self.edited != clip.edited[:, joint])
        differ |= (self.keys != clip.keys[:, joint]) | (self.visible != clip.visible[:, joint])
        frames = np.flatnonzero(differ)
        return (int(frames[0]), int(frames[-1])) if len(frames) else None

    def _put(self, frames: NDArray[np.int64], places: NDArray[np.floating]) -> None:
        """Put the joint to places (frames, 2), and keep what was measured there."""
        new = frames[~self.edited[frames]]
        self.original[new, :2] = self.points[new]
        self.original[new, 2] = np.where(self.visible[new], self.confidence[new], 0)
        self.points[frames] = places
        self.visible[frames] = self.edited[frames] = True
        self.confidence[frames] = 1.0

    def _mark(self, first: int, last: int) -> None:
        """Frames between two keys are edited; where they are is told by _fill_chain."""
        between = np.arange(first + 1, last)
        self._put(between, self.points[between])

    def _restore(self, first: int, last: int) -> None:
        frames = np.flatnonzero(self.edited[first : last + 1]) + first
        frames = frames[np.isfinite(self.original[frames]).all(-1)]
        self.points[frames], self.confidence[frames] = self.original[frames, :2], self.original[frames, 2]
        self.visible[frames] = self.original[frames, 2] > 0
        self.edited[frames], self.keys[frames], self.original[frames] = False, 0, 0

    def _refill(self, beside: tuple[int | None, int | None]) -> None:
        """Keys beside what has changed: no longer joined where the frames between are as measured, else filled anew."""
        keys = [int(key) for key in np.flatnonzero(self.keys)]
        for place, key in enumerate(keys):
            if key == keys[-1] or not self._is_joined(key, keys[place + 1]):
                self.keys[key] = KEY_ALONE
        for changed in beside:
            self._fill_chain(changed)

    def _neighbours(self, frame: int) -> tuple[int | None, int | None]:
        """The keys before and after a frame."""
        keys = np.flatnonzero(self.keys)
        before, after = keys[keys < frame], keys[keys > frame]
        return (int(before[-1]) if len(before) else None), (int(after[0]) if len(after) else None)

    def _is_joined(self, key: int, following: int) -> bool:
        """Whether the frames between two keys that follow one another hang on both."""
        is_joined = self.keys[key] > KEY_ALONE and self.edited[key : following + 1].all()
        return bool(is_joined) and self._follow(key, following)

    def _follow(self, frame: int, later: int) -> bool:
        """Whether no pause lies between two frames: nobody knows where a joint was in between."""
        return bool(np.searchsorted(self._starts, frame, side="right") == np.searchsorted(self._starts, later, side="right"))

    def _fill_chain(self, frame: int | None) -> None:
        """Fill the frames between all keys that are joined to one, or on both sides of a frame that is no key."""
        keys = np.flatnonzero(self.keys)
        if frame is None or not len(keys):
            return
        joined = np.array([self._is_joined(int(a), int(b)) for a, b in pairwise(keys)], bool)
        place = int(np.clip(np.searchsorted(keys, frame), 0, len(keys) - 1))
        first = last = place
        while first > 0 and joined[first - 1]:
            first -= 1
        while last < len(keys) - 1 and joined[last]:
            last += 1
        chain = keys[first : last + 1]
        if len(chain) < 2:
            return
        curve = self._curve(chain)
        for a, b in pairwise(chain):
            between = np.arange(a + 1, b)
            if self.keys[a] == KEY_SMOOTH:
                self.points[between] = curve(between)
            else:
                share = ((between - a) / (b - a))[:, None]
                self.points[between] = self.points[a] * (1 - share) + self.points[b] * share

    def _curve(self, chain: NDArray[np.int64]) -> Any:
        """A curve through keys that does not overshoot (PCHIP: Fritsch and Carlson, SIAM J. Numer. Anal. 1980), which comes
        from and goes on to what was measured beside them."""
        from scipy.interpolate import PchipInterpolator  # slow to import, and not needed to open a window

        knots = list(chain)
        for beside, at in ((chain[0] - 1, 0), (chain[-1] + 1, len(knots) + 1)):
            is_there = 0 <= beside < len(self.points) and self._follow(*sorted((int(beside), int(chain[0 if at == 0 else -1]))))
            if is_there and self.visible[beside] and not self.edited[beside]:
                knots.insert(at, beside)
        return PchipInterpolator(knots, self.points[knots].astype(np.float64), axis=0)


def patch_of(clip: Clip, tracks: dict[int, JointTrack], first: int, last: int) -> dict[str, NDArray[Any]]:
    """Rows of FIELDS, frames first to last, of a clip whose joints have these tracks."""
    part = slice(first, last + 1)
    patch = {name: getattr(clip, name)[part].copy() for name in FIELDS}
    for joint, track in tracks.items():
        patch["keypoints"][:, joint] = track.points[part]
        for name in ("visible", "edited", "confidence", "keys", "original"):
            patch[name][:, joint] = getattr(track, name)[part]
    return patch


def _around(chosen: NDArray[np.bool_], frame: int) -> tuple[int, int]:
    """The ends of the stretch of chosen frames about a frame, which counts as chosen."""
    before, after = np.flatnonzero(~chosen[:frame]), np.flatnonzero(~chosen[frame + 1 :])
    first = int(before[-1]) + 1 if len(before) else 0
    return first, frame + int(after[0]) if len(after) else len(chosen) - 1


def _ramp(steps: NDArray[np.int64], length: int) -> NDArray[np.float64]:
    """From 0 to 1 within so many steps, without a corner."""
    return 0.5 - 0.5 * np.cos(np.pi * np.clip(steps / length, 0, 1))
