"""Owns frames in which calibrated cameras do not see one body alike: sides exchanged by a detector, or somebody else.

What the lifter says to the first camera is laid on the keypoints of each other one: by how much they lie beside it, as they are
and with left and right exchanged, tells which of the two it is. The first camera is followed, as it would be alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from mpm_core.camera import solve_root
from mpm_core.clip import Clip
from mpm_core.lifters.sights import Sight
from mpm_core.prediction import Prediction
from mpm_core.runs import runs_of
from mpm_core.skeleton import MPM16

_APART_M, _BETTER = 0.06, 0.6
"""Sides are exchanged where joints of limbs lie farther beside the body than the one, and exchanged less than this share of
that. With exact and noisy keypoints of cameras 40, 80 and 180 degrees apart: 0.02 to 0.08 m as they should be, 0.24 to 0.28
where they are exchanged, and then 0.02 to 0.06."""

_OTHER_BODY_M, _OTHER_PLACE_M = 0.25, 0.6
"""It is somebody else where joints lie farther beside the body whichever way, or who is seen stands so far from where the two
cameras usually see the person."""

_FEWEST_JOINTS = 8
_SINGLE_FRAMES = 5  # what is told of fewer than half of so many is left as it is
_MOST_SPANS = 4  # that are named

_MIRROR = list(MPM16.mirror)
_SIDED = np.array([joint != mirror for joint, mirror in enumerate(MPM16.mirror)])


@dataclass(frozen=True, eq=False)
class Agreed:
    """clip: without what is of somebody else, sides as the first camera has them; is_changed: whether anything was; notes: in
    which frames, for people."""

    clip: Clip
    is_changed: bool
    notes: tuple[str, ...]


def agreed(first: Prediction, sight: Sight, name: str, first_name: str) -> Agreed:
    """What another camera than the first one saw, made to agree with it. first: what the lifter says to the first camera."""
    clip = sight.clip
    assert clip.keypoints is not None
    seen = clip.visible & ~sight.hidden & ~first.is_prior_only[:, None]
    rays = np.where(seen[..., None], clip.camera.rays(np.where(seen[..., None], clip.keypoints, 0)), 0).astype(np.float64)
    body = first.positions.astype(np.float64) @ sight.rotation.T
    as_is, place = _beside(body, rays, seen)
    turned, place_turned = _beside(body, rays[:, _MIRROR], seen[:, _MIRROR])
    told = np.isfinite(as_is)
    with np.errstate(invalid="ignore"):
        exchanged = _lasting(told & (as_is > _APART_M) & (turned < _BETTER * as_is))
        is_other = np.where(exchanged, turned, as_is) > _OTHER_BODY_M
    if np.any(first.root) and told.any():
        place = np.where(exchanged[:, None], place_turned, place)
        apart = (place - sight.offset) @ sight.rotation - first.root
        is_other |= np.linalg.norm(apart - np.nanmedian(apart[told], axis=0), axis=-1) > _OTHER_PLACE_M
    other = _lasting(told & is_other)
    notes = []
    if exchanged.any():
        notes.append(
            f"left and right were exchanged in {_frames(exchanged)}, so that it sees the body that '{first_name}' sees"
        )
    if other.any():
        notes.append(f"sees somebody else, or elsewhere, than '{first_name}' in {_frames(other)}, which are lifted without it")
    return Agreed(_without(_exchanged(clip, exchanged), other), bool(notes), tuple(f"{name}: {note}" for note in notes))


def _beside(
    body: NDArray[np.float64], rays: NDArray[np.float64], seen: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(frames,) metres by which joints of limbs lie beside a body (frames, 16, 3) that is placed where it is seen best, NaN of
    too few; and (frames, 3) that place of Hip."""
    place = solve_root(body, rays, seen).astype(np.float64)
    placed = body + place[:, None]
    with np.errstate(invalid="ignore", divide="ignore"):
        off = np.linalg.norm(placed[..., :2] / placed[..., 2:] - rays, axis=-1) * place[:, None, 2]
    counted = seen & _SIDED & np.isfinite(off)
    mean = np.where(counted, off, 0).sum(1) / np.maximum(counted.sum(1), 1)
    is_told = (seen.sum(1) >= _FEWEST_JOINTS) & (counted.sum(1) >= _FEWEST_JOINTS // 2) & (place[:, 2] > 0)
    return np.where(is_told, mean, np.nan), place


def _lasting(flags: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return np.asarray(median_filter(flags.astype(np.uint8), _SINGLE_FRAMES, mode="nearest") > 0)


def _exchanged(clip: Clip, frames: NDArray[np.bool_]) -> Clip:
    assert clip.keypoints is not None
    each = frames[:, None]
    return replace(
        clip,
        keypoints=np.where(each[..., None], clip.keypoints[:, _MIRROR], clip.keypoints),
        visible=np.where(each, clip.visible[:, _MIRROR], clip.visible),
        confidence=np.where(each, clip.confidence[:, _MIRROR], clip.confidence),
        derived=np.where(each, clip.derived[:, _MIRROR], clip.derived),
        edited=np.where(each, clip.edited[:, _MIRROR], clip.edited),
    )


def _without(clip: Clip, frames: NDArray[np.bool_]) -> Clip:
    shown = ~frames[:, None]
    visible, confidence = clip.visible & shown, np.where(shown, clip.confidence, 0).astype(np.float32)
    return replace(clip, visible=visible, confidence=confidence, edited=clip.edited & shown)


def _frames(flags: NDArray[np.bool_]) -> str:
    """Frames for people, counted from 1."""
    spans = [f"{run.start + 1}–{run.stop}" for run in runs_of(flags)]
    more = f" and {len(spans) - _MOST_SPANS} more stretches" if len(spans) > _MOST_SPANS else ""
    return f"{int(flags.sum())} frames ({', '.join(spans[:_MOST_SPANS])}{more})"
