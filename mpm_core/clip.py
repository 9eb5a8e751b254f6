"""Owns Clip: a sequence of 2D keypoints (or of 3D alone), perhaps with ground truth, as it was read."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mpm_core.camera import Intrinsics
from mpm_core.errors import UserError
from mpm_core.joint_maps import map_to_mpm16
from mpm_core.limits import (
    LONGEST_S,
    LONGEST_SPAN_S,
    check_camera,
    check_frames,
    check_rate,
    check_scores,
    check_size,
    check_up,
)
from mpm_core.provenance import History, Step
from mpm_core.skeleton import MPM16, Skeleton, find_skeleton
from mpm_core.stature import check_height

# A keypoint this many image sizes away is not a detection but a broken number.
_FARTHEST_IMAGES = 20.0
_FARTHEST_M = 1000.0

# What a step in time that is longer, and longer than usual, counts of what is recorded: the rest of it is a pause.
_LONGEST_STEP_S = 60.0

CAMERA_NOTE = "field of view"
"""What notes about an assumed camera speak of."""

MOVING_CAMERA_NOTE = "the camera moves"
"""What notes about a camera that does not stand begin with. They hold for as long as the clip is used, so files keep them."""

KEY_ALONE, KEY_LINEAR, KEY_SMOOTH = 1, 2, 3
"""Keys, by how the frames up to the next one are filled: not at all, in a straight line, by a smooth curve. See
corrections.py."""

TRUTH_NOTE = "ground truth: "
"""What notes about ground truth from another file begin with. They hold for as long as the ground truth is there."""

_SELECTION = re.compile(r"(.*) \[(.*)\]", re.DOTALL)
_UNSAFE_IN_NAMES = re.compile(r'[\\/:*?"<>|\[\]]+')


@dataclass(frozen=True, eq=False)
class Clip:
    """Keypoints of one person over time, in the joints of `skeleton`.

    keypoints: (frames, joints, 2) float32 pixels, zero where not measured; None for a clip that holds 3D only.
    visible, derived, edited: (frames, joints) bool: whether the joint was measured, was computed from other joints, was
    corrected by a person. confidence: (frames, joints) float32. ground_truth: (frames, joints, 3) float32 metres in camera
    axes (x right, y down, z forward), absolute or relative to Hip, NaN where unknown; or None. times: (frames,) float64
    seconds. image_size: (width, height) pixels. up: the direction away from the ground, in camera axes, None where
    nobody knows (see grounding/up.py). height_m: of the person, from sole to crown, None where nobody knows; what is lifted
    is scaled to it (see lifters/sized.py). is_virtual: the keypoints are the ground truth as a camera would see it that there
    never was; nobody measured them. keys: (frames, joints) uint8, KEY_ALONE and others where a person said where a joint is,
    0 elsewhere; edited joints that are no keys follow from keys; None: each edited joint is one. original: (frames, joints, 3)
    float32, what was measured where joints are edited: x, y and confidence, which is 0 where nothing was, NaN where nobody
    knows; None where nobody knows any. chosen: (frames, 16, 4) float32, of joints for which a person took an alternative:
    x, y, z metres in camera axes of the bone that leads there from its parent, before any height is known, and
    0 to 1 how far that counts, which is 0 elsewhere; it counts where the joint is hidden (see lifters/chosen.py); None where
    there is none. completed: (frames, joints) bool, which places of the ground truth nobody measured, as a
    lifter filled them in; None where there are none. own_fps: frames/s by which its file's or video's own times go, where
    somebody said another rate; None where `fps` is that. source: where it came from, for people to read: a path, with
    ' [selection]' after it when the file holds many clips. notes: what had to be assumed while reading. history: what was done
    to it so far, see provenance.py. The arrays are read-only.

    >>> import numpy as np
    >>> from mpm_core import Clip
    >>> keypoints = np.full((25, 17, 2), 400.0)  # frames, joints, pixels
    >>> clip = Clip.from_arrays(keypoints, image_size=(1920, 1080), fps=25, skeleton="coco17")
    >>> len(clip), clip.skeleton.joints[0], clip.to_mpm16().keypoints.shape
    (25, 'Nose', (25, 16, 2))
    """

    keypoints: NDArray[np.float32] | None
    visible: NDArray[np.bool_]
    derived: NDArray[np.bool_]
    edited: NDArray[np.bool_]
    confidence: NDArray[np.float32]
    ground_truth: NDArray[np.float32] | None
    times: NDArray[np.float64]
    fps: float
    image_size: tuple[int, int]
    skeleton: Skeleton
    camera: Intrinsics
    up: tuple[float, float, float] | None = None
    height_m: float | None = None
    source: str = ""
    notes: tuple[str, ...] = ()
    is_virtual: bool = False
    keys: NDArray[np.uint8] | None = None
    original: NDArray[np.float32] | None = None
    chosen: NDArray[np.float32] | None = None
    completed: NDArray[np.bool_] | None = None
    history: History = ()
    own_fps: float | None = None

    def __post_init__(self) -> None:
        marks = (self.visible, self.derived, self.edited, self.keys, self.original, self.chosen, self.completed)
        for array in (*marks, self.keypoints, self.confidence, self.ground_truth, self.times):
            if array is not None:
                array.flags.writeable = False

    def __len__(self) -> int:
        return len(self.times)

    @property
    def name(self) -> str:
        """A short name for titles: the file's name, with the selection when there is one."""
        path, selection = split_source(self.source)
        return f"{path.name} [{selection}]" if selection else path.name or "clip"

    @property
    def file_stem(self) -> str:
        """The name as the beginning of a file name, without an ending and without characters that a path may not hold."""
        path, selection = split_source(self.source)
        return _UNSAFE_IN_NAMES.sub("_", f"{path.stem}_{selection}" if selection else path.stem) or "clip"

    @classmethod
    def from_arrays(
        cls,
        keypoints: ArrayLike | None,
        image_size: tuple[int, int],
        fps: float,
        skeleton: str = "mpm16",
        confidence: ArrayLike | None = None,
        ground_truth: ArrayLike | None = None,
        times: ArrayLike | None = None,
        camera: Intrinsics | None = None,
        up: tuple[float, float, float] | None = None,
        source: str = "",
        notes: tuple[str, ...] = (),
        height_m: float | None = None,
    ) -> Clip:
        """A clip from arrays; see the class for shapes and units.

        A joint is missing where its confidence is zero or a coordinate is NaN. `times` (seconds, rising) replaces the
        even spacing by `fps`. Without `camera` one with an ordinary field of view is assumed. UserError, with `source`
        in the sentence, for wrong shapes, no frames, nothing measured, or numbers out of all range.
        """
        where = f"{source}: " if source else ""
        topology = _find_skeleton(skeleton, where)
        fps, size = check_rate(fps, where), check_size(image_size, where)
        check_height(height_m, where)
        points = None if keypoints is None else _check_shape(keypoints, topology, 2, f"{where}keypoints")
        truth = None if ground_truth is None else _check_shape(ground_truth, topology, 3, f"{where}ground truth")
        frames = _common_length(points, truth, where)
        scores = _check_confidence(confidence, (frames, len(topology)), where)
        visible = _measured(points, truth, scores, size, topology, where)
        if truth is not None:
            truth = np.where(np.isfinite(truth).all(-1, keepdims=True), truth, np.nan)
        check_frames(visible, where)
        return cls(
            None if points is None else np.where(visible[..., None], points, 0).astype(np.float32),
            visible, np.zeros_like(visible), np.zeros_like(visible), np.where(visible, scores, 0).astype(np.float32),
            None if truth is None else truth.astype(np.float32), _check_times(times, frames, fps, where), fps, size,
            topology, check_camera(camera, size, where) if camera else Intrinsics.assumed(size), check_up(up, where), height_m,
            source, notes,
        )  # fmt: skip

    @cached_property
    def measured_truth(self) -> NDArray[np.float32] | None:
        """(frames, joints, 3) the ground truth without what a lifter filled in, which nothing can be measured against; NaN
        there. None without ground truth."""
        if self.ground_truth is None or self.completed is None:
            return self.ground_truth
        return np.where(self.completed[..., None], np.float32(np.nan), self.ground_truth)

    def to_mpm16(self) -> Clip:
        """The same clip in the MPM-16 joints, with derived joints marked."""
        if self.skeleton is MPM16:
            return self
        joint_map = map_to_mpm16(self.skeleton)
        changes: dict[str, Any] = {"skeleton": MPM16, "edited": joint_map.carry(self.edited)}
        changes["keys"] = None if self.keys is None else joint_map.carry(self.keys)
        changes["chosen"] = None  # of MPM-16 joints alone
        changes["original"] = None if self.original is None else joint_map.carry(self.original)
        if self.keypoints is not None:
            flat = joint_map.apply(self.keypoints, self.visible, self.confidence)
            # What comes from a derived joint is derived as well.
            sources = joint_map.apply(self.keypoints, self.visible, (~self.derived).astype(np.float32))
            changes |= {
                "keypoints": flat.points, "visible": flat.visible, "confidence": flat.confidence,
                "derived": flat.derived | (flat.visible & (sources.confidence == 0)),
            }  # fmt: skip
        if self.ground_truth is not None:
            known = np.all(np.isfinite(self.ground_truth), axis=-1)
            scores = self.confidence if self.keypoints is None else None
            solid = joint_map.apply(np.nan_to_num(self.ground_truth), known, scores)
            changes["ground_truth"] = np.where(solid.visible[..., None], solid.points, np.nan).astype(np.float32)
            if self.completed is not None:  # what comes from a guess is one
                sure = joint_map.apply(np.nan_to_num(self.ground_truth), known, (~self.completed).astype(np.float32))
                changes["completed"] = sure.visible & (sure.confidence == 0)
            if self.keypoints is None:
                changes |= {"visible": solid.visible, "derived": solid.derived, "confidence": solid.confidence}
        return replace(self, **changes)

    def with_camera(self, camera: Intrinsics) -> Clip:
        """The same seen with a camera that somebody knows: what was noted about an assumed one no longer holds."""
        return replace(self, camera=camera, notes=tuple(note for note in self.notes if CAMERA_NOTE not in note))

    @property
    def camera_note(self) -> str:
        """That the field of view is assumed, of keypoints whose camera nobody knows and whose notes do not say so already; else
        empty."""
        is_told = any(CAMERA_NOTE in note for note in self.notes)
        if is_told or not self.camera.is_assumed or self.keypoints is None or self.is_virtual:
            return ""
        side, focal = max(zip(self.image_size, self.camera.focal, strict=True))
        angle = np.degrees(2 * np.arctan(side / 2 / focal))
        return f"nothing tells the camera's {CAMERA_NOTE}: {angle:.3g}° along the longer side assumed"

    def after(self, text: str) -> Clip:
        """The same with one more thing in its history, done just now: a sentence without its full stop."""
        return replace(self, history=(*self.history, Step.now(text)))

    @property
    def lasting_notes(self) -> tuple[str, ...]:
        """Those that a file must not lose."""
        return tuple(note for note in self.notes if note.startswith(MOVING_CAMERA_NOTE))

    def cut(self, first: int, last: int) -> Clip:
        """Frames first to last, both included, with their own times."""
        part = slice(first, last + 1)
        return replace(
            self,
            keypoints=None if self.keypoints is None else self.keypoints[part].copy(),
            visible=self.visible[part].copy(),
            derived=self.derived[part].copy(),
            edited=self.edited[part].copy(),
            keys=None if self.keys is None else self.keys[part].copy(),
            original=None if self.original is None else self.original[part].copy(),
            chosen=None if self.chosen is None else self.chosen[part].copy(),
            completed=None if self.completed is None else self.completed[part].copy(),
            confidence=self.confidence[part].copy(),
            ground_truth=None if self.ground_truth is None else self.ground_truth[part].copy(),
            times=self.times[part].copy(),
        )


def as_floats(values: Any, what: str) -> NDArray[np.float64]:
    """A new float64 array; UserError that begins with `what` for anything but numbers in a regular array."""
    try:
        return np.array(values, np.float64)
    except (ValueError, TypeError, OverflowError):
        raise UserError(f"{what} are not numbers in a regular array") from None


def split_source(source: str) -> tuple[Path, str]:
    """The path of a clip's source, and the selection after it, if any."""
    match = _SELECTION.fullmatch(source)
    return (Path(match[1]), match[2]) if match else (Path(source), "")


def _find_skeleton(name: str, where: str) -> Skeleton:
    try:
        return find_skeleton(name)
    except ValueError as error:
        raise UserError(f"{where}{error}") from None


def _check_shape(values: ArrayLike, skeleton: Skeleton, axes: int, what: str) -> NDArray[np.float64]:
    array = as_floats(values, what)
    if array.ndim != 3 or array.shape[1:] != (len(skeleton), axes):
        raise UserError(f"{what} must be (frames, {len(skeleton)}, {axes}) for {skeleton.name}, not {array.shape}")
    return array


def _common_length(points: NDArray[np.float64] | None, truth: NDArray[np.float64] | None, where: str) -> int:
    lengths = {len(array) for array in (points, truth) if array is not None}
    if not lengths:
        raise UserError(f"{where}neither 2D keypoints nor 3D positions were given")
    if len(lengths) > 1:
        raise UserError(f"{where}2D and 3D differ in length ({' and '.join(str(n) for n in sorted(lengths))} frames)")
    if lengths == {0}:
        raise UserError(f"{where}the clip has no frames")
    return lengths.pop()


def _check_confidence(confidence: ArrayLike | None, shape: tuple[int, int], where: str) -> NDArray[np.float64]:
    if confidence is None:
        return np.ones(shape)
    scores = as_floats(confidence, f"{where}confidence values")
    if scores.shape != shape:
        raise UserError(f"{where}confidence must be {shape}, not {scores.shape}")
    return check_scores(scores, where)


def _measured(
    points: NDArray[np.float64] | None,
    truth: NDArray[np.float64] | None,
    scores: NDArray[np.float64],
    size: tuple[int, int],
    skeleton: Skeleton,
    where: str,
) -> NDArray[np.bool_]:
    """(frames, joints): where a joint is measured, in 2D if there is any; UserError for none, or one out of all range."""
    visible = np.zeros(scores.shape, bool)
    if truth is not None:
        visible = np.all(np.isfinite(truth), axis=-1)
        _check_range(truth, visible, _FARTHEST_M, "metres", f"{where}ground truth", skeleton)
    if points is not None:
        visible = np.all(np.isfinite(points), axis=-1) & (scores > 0)
        _check_range(points, visible, _FARTHEST_IMAGES * max(size), "pixels", f"{where}keypoints", skeleton)
    if not visible.any():
        raise UserError(f"{where}no joint is measured in any frame")
    return visible


def _check_range(
    points: NDArray[np.float64], known: NDArray[np.bool_], limit: float, unit: str, what: str, skeleton: Skeleton
) -> None:
    beyond = known & (np.abs(np.nan_to_num(points)) > limit).any(-1)
    if beyond.any():
        frame, joint = np.argwhere(beyond)[0]
        value = np.abs(points[frame, joint]).max()
        raise UserError(
            f"{what}: {skeleton.joints[joint]} in frame {frame} is at {value:.3g} {unit}, beyond all range ({limit:g})"
        )


def _check_times(times: ArrayLike | None, frames: int, fps: float, where: str) -> NDArray[np.float64]:
    if times is None:
        if not frames / fps <= LONGEST_S:
            raise UserError(f"{where}{frames} frames at {fps:g} frames/s last {frames / fps:.3g} s, which cannot be right")
        return np.arange(frames) / fps
    seconds = as_floats(times, f"{where}times")
    if seconds.shape != (frames,) or not np.isfinite(seconds).all() or (np.diff(seconds) <= 0).any():
        raise UserError(f"{where}times must be {frames} rising numbers of seconds")
    span, steps = seconds[-1] - seconds[0], np.diff(seconds)
    recorded = np.minimum(steps, max(_LONGEST_STEP_S, float(np.median(steps)) if frames > 2 else 0.0)).sum()
    if recorded > LONGEST_S or span > LONGEST_SPAN_S:
        raise UserError(f"{where}the times span {span:.3g} s, so they are not in seconds")
    return seconds
