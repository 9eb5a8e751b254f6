"""Owns putting ground truth from another file beside a clip: in its frames, and in the axes of its camera."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import TRUTH_NOTE, Clip
from mpm_core.errors import UserError
from mpm_core.formats.motion.reading import VIRTUAL_NOTE
from mpm_core.truth.placing import Placed, Sight, as_it_is, place
from mpm_core.truth.sampling import at_times
from mpm_core.truth.timing import Timing, find_shift

# Median distance in the picture, in heights of the person: what was measured of one body at one time is nearer.
_SURELY_FITS, _SAME_AXES, _FITS, _NEVER_FITS = 0.015, 0.03, 0.06, 0.12
# The person's own path is kept unless leaving it brings the truth so much nearer.
_NO_PATH = 0.6
_SHORTEST_S = 0.2
_SAME_LENGTH_FRAMES = 1.5


class DoubtfulTruthError(UserError):
    """Nothing tells that, or when, the ground truth belongs to the clip: a shift that a person gives settles it."""


@dataclass(frozen=True)
class AttachedTruth:
    """clip: in MPM-16 joints, with the ground truth and the notes about it. timing: when the truth begins. error_px: median
    distance in the picture of the truth from the keypoints; share: of the person's height. notes: what was found and
    assumed, for people."""

    clip: Clip
    timing: Timing
    error_px: float
    share: float
    notes: tuple[str, ...]

    def notes_beside(self, others: tuple[str, ...]) -> tuple[str, ...]:
        """Notes of a clip with these about its ground truth, instead of older ones about it."""
        kept = tuple(note for note in others if not note.startswith(TRUTH_NOTE))
        return (*kept, *(TRUTH_NOTE + note for note in self.notes))

    @property
    def is_sure(self) -> bool:
        """Whether the truth is that of the clip, at its time, as far as movement and picture tell."""
        return self.timing.is_sure and self.share <= _FITS


def attach_truth(clip: Clip, motion: Clip, shift_s: float | None = None) -> AttachedTruth:
    """A clip of 2D with the 3D of another file as ground truth, in the clip's frames and in its camera's axes.

    motion: a clip with 3D, as read_clip gives it of BVH, C3D, TRC and others. shift_s: how many seconds after the clip's first
    frame the motion begins (negative: before); None to find it by how both move. Frames outside of the motion get no truth.
    Axes that are not the camera's are found by the keypoints; the camera has to stand still. UserError, with the motion's
    file; DoubtfulTruthError when it seems not to belong to the clip: the message says what was found. A shift that is given is
    taken as it is.

    >>> import mpm_core
    >>> from mpm_core.assets import find_asset
    >>> demo = mpm_core.read_clip(find_asset("demo/demo.npz"))
    >>> _ = mpm_core.write(demo, "walk.c3d")
    >>> found = mpm_core.attach_truth(demo.cut(50, 400), mpm_core.read_clip("walk.c3d"))
    >>> found.is_sure, round(found.timing.shift_s, 2), found.clip.ground_truth.shape
    (True, -1.0, (351, 16, 3))
    """
    clip, (motion, guesses) = clip.to_mpm16(), _measured(motion.to_mpm16())
    where = f"{motion.source or 'the ground truth'}: "
    if clip.keypoints is None:
        raise UserError(f"{clip.source or 'the clip'}: holds 3D itself, so that it takes no ground truth from another file")
    if motion.ground_truth is None:
        raise UserError(f"{where}holds no 3D positions")
    if shift_s is not None and not np.isfinite(shift_s):
        raise UserError("the shift must be a number of seconds")
    timing = _find_shift(clip, motion, where) if shift_s is None else Timing(shift_s, is_given=True)
    world = _in_frames_of(clip, motion, timing.shift_s)
    known = np.any(np.isfinite(world), axis=(1, 2))
    if known.sum() < max(2, _SHORTEST_S * clip.fps):
        raise UserError(f"{where}{timing.sentence(clip.fps)}, where only {int(known.sum())} frames of the clip have any")
    placed = _placed(clip, motion, world, where)
    if not timing.is_given:
        _refuse_strangers(timing, placed, clip, where)
    truth = np.where(np.isfinite(placed.positions).all(-1, keepdims=True), placed.positions, np.nan).astype(np.float32)
    others = (note for note in motion.notes if note != VIRTUAL_NOTE)
    told = (timing.sentence(clip.fps), *guesses, *_say_placed(placed, known), *others)
    found = AttachedTruth(replace(clip, ground_truth=truth, completed=None), timing, placed.error_px, placed.share, told)
    return replace(found, clip=replace(found.clip, notes=found.notes_beside(clip.notes)))


def _measured(motion: Clip) -> tuple[Clip, tuple[str, ...]]:
    """The motion without what a lifter filled in, and what to say of it."""
    if motion.ground_truth is None or motion.completed is None or not motion.completed.any():
        return motion, ()
    truth = np.where(motion.completed[..., None], np.float32(np.nan), motion.ground_truth)
    note = f"{100 * motion.completed.mean():.2g} % of its joints are left out, as a lifter filled them in"
    return replace(motion, ground_truth=truth), (note,)


def _find_shift(clip: Clip, motion: Clip, where: str) -> Timing:
    """DoubtfulTruthError where nothing tells, unless both are of one length, so that they probably begin together."""
    timing = find_shift(clip, motion)
    lengths = [len(one) / one.fps for one in (clip, motion)]
    if timing.explained is None and abs(lengths[0] - lengths[1]) > _SAME_LENGTH_FRAMES / clip.fps:
        raise DoubtfulTruthError(
            f"{where}lasts {lengths[1]:.2f} s and the clip {lengths[0]:.2f} s, and too little moves, or for too short a time,"
            " to tell when one began in the other: the shift has to be given"
        )
    return timing


def _in_frames_of(clip: Clip, motion: Clip, shift_s: float) -> NDArray[np.float64]:
    """(frames of the clip, 16, 3), NaN where the motion has none."""
    assert motion.ground_truth is not None
    return at_times(motion.ground_truth, motion.times - motion.times[0], clip.times - clip.times[0] - shift_s)


def _placed(clip: Clip, motion: Clip, world: NDArray[np.float64], where: str) -> Placed:
    assert clip.keypoints is not None
    sight = Sight.of(clip.keypoints, clip.visible, world)
    if sight is None:
        raise UserError(f"{where}has hardly a joint in the frames in which the clip shows one")
    found = as_it_is(sight, world, clip.camera)
    if not motion.is_virtual and found.share <= _SAME_AXES:
        return found
    ways = place(sight, world, clip.camera)
    if not ways:
        raise UserError(f"{where}cannot be seen through the clip's camera: no view of it fits the keypoints")
    path = next((way for way in ways if way.is_absolute), None)
    best = min(ways, key=lambda way: way.share)
    chosen = path if path is not None and (path.share <= _FITS or best.share > _NO_PATH * path.share) else best
    return found if not motion.is_virtual and found.share <= chosen.share else chosen


def _refuse_strangers(timing: Timing, placed: Placed, clip: Clip, where: str) -> None:
    """DoubtfulTruthError for a motion that moves otherwise than the clip, or does not lie on it."""
    moves_otherwise = not timing.is_moving_alike and placed.share > _SURELY_FITS
    if moves_otherwise or placed.share > _NEVER_FITS:
        raise DoubtfulTruthError(
            f"{where}does not belong to this clip, as far as can be told: {timing.sentence(clip.fps)}, and there it lies"
            f" {placed.error_px:.0f} px ({100 * placed.share:.0f} % of the person's height) from the keypoints; a shift that is"
            " given is taken all the same"
        )


def _say_placed(placed: Placed, known: NDArray[np.bool_]) -> tuple[str, ...]:
    off = f"{placed.error_px:.1f} px ({100 * placed.share:.1f} % of the person's height) from the keypoints (median)"
    how = "seen through the clip's camera, whose place was found by them"
    if np.allclose(placed.rotation, np.eye(3)):
        how = "in the axes of the clip's camera, as the file has it"
    notes = [f"it lies {off}, {how}"]
    if placed.share > _FITS:
        notes.append("that is far: the shift, the joints or the person may be others")
    if not placed.is_absolute:
        notes.append("it is relative to Hip: the file's path does not fit the picture, or it has none")
    if not known.all():
        notes.append(f"{int((~known).sum())} of {len(known)} frames lie outside of it and have none")
    return tuple(notes)
