"""Owns motion packs: world-space motion of many clips in one array, in a pickle-free npz."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpm_core.errors import UserError
from mpm_core.files import written_whole
from mpm_core.formats.pickled_npz import read_npz
from mpm_core.joint_maps import map_to_mpm16
from mpm_core.limits import check_rate
from mpm_core.skeleton import H36M17

PACK_RATE = 50.0
"""Frames per second of the packs that we write."""

# Families of clips are drawn in proportion to their frames to this power: less than one favours the small ones.
_FAMILY_POWER = 0.75

# Clips in which joints move slower than this, metres a second on average, are drawn less, so that standing about does not
# crowd out movement; down to this share.
_LIVELY_M_S, _LEAST_LIVELY_SHARE = 0.4, 0.15

_FARTHEST_M = 10_000.0

_ARRAYS = ("positions", "clip_start", "clip_name", "clip_subject", "clip_split", "fps")


@dataclass(frozen=True)
class MotionPack:
    """Clips laid end to end.

    positions: (frames, 16, 3) float32, MPM-16 joints, world metres, Z up. starts: (clips + 1,) first frame of each clip.
    names: 'family/clip' per clip. fps: frames per second, the same for all. weights: (clips,), how often each clip is drawn in
    training; the default is balanced_weights.
    """

    positions: NDArray[np.float32]
    starts: NDArray[np.int64]
    names: tuple[str, ...]
    fps: float
    weights: NDArray[np.float64]

    def fingerprint(self) -> str:
        """Ten letters that tell this pack from others."""
        digest = hashlib.sha256(self.positions.tobytes())
        digest.update(np.asarray(self.starts).tobytes() + self.weights.tobytes())
        return digest.hexdigest()[:10]

    def where(self, chosen: Sequence[bool]) -> MotionPack:
        """Some of the clips, each drawn as often beside the others as before."""
        rows = np.flatnonzero(chosen)
        parts = [self.positions[self.starts[i] : self.starts[i + 1]] for i in rows]
        starts = np.concatenate(([0], np.cumsum(np.diff(self.starts)[rows])))
        weights = self.weights[rows] / self.weights[rows].sum()
        return MotionPack(np.concatenate(parts), starts, tuple(self.names[i] for i in rows), self.fps, weights)

    def part(self, share: float, seed: int) -> MotionPack:
        """Randomly chosen clips with at least this share of the frames; the whole pack for 1. UserError for a share that is
        not above 0 and at most 1."""
        if not 0 < share <= 1:
            raise UserError(f"the share of the data must be above 0 and at most 1, not {share}")
        if share == 1:
            return self
        lengths = np.diff(self.starts)
        order = np.random.default_rng(seed).permutation(len(self.names))
        enough = int(np.searchsorted(np.cumsum(lengths[order]), share * len(self.positions))) + 1
        return self.where([n in set(order[:enough].tolist()) for n in range(len(lengths))])


def balanced_weights(
    names: Sequence[str], starts: NDArray[np.int64], positions: NDArray[np.floating], fps: float
) -> NDArray[np.float64]:
    """How often to draw each clip: by its length within its family, less where little moves, by _FAMILY_POWER among families.
    Their sum is one. positions: (frames, joints, 3) metres."""
    speed = np.concatenate(([0.0], np.linalg.norm(np.diff(positions, axis=0), axis=-1).mean(-1) * fps))
    speed[np.asarray(starts[:-1])] = 0.0  # from one clip to the next
    lengths = np.diff(starts).astype(float)
    lively = np.add.reduceat(speed, starts[:-1]) / np.maximum(lengths - 1, 1) / _LIVELY_M_S
    lengths *= np.clip(lively, _LEAST_LIVELY_SHARE, 1)
    families = np.array([name.partition("/")[0] for name in names])
    weights = np.zeros(len(lengths))
    for family in sorted(set(families)):
        rows = families == family
        total = lengths[rows].sum()
        weights[rows] = lengths[rows] / total * total**_FAMILY_POWER
    return weights / weights.sum()


def mix_packs(packs: Sequence[MotionPack], shares: Sequence[float] | None = None) -> MotionPack:
    """One pack of several, whose clips are drawn in these relative shares of each batch (by default as if it had been one
    from the start). UserError for shares that do not fit, or packs of different rates."""
    if len({pack.fps for pack in packs}) > 1:
        raise UserError("the motion packs have different frame rates")
    names = tuple(name for pack in packs for name in pack.names)
    starts = np.concatenate(([0], np.cumsum(np.concatenate([np.diff(pack.starts) for pack in packs]))))
    if shares is None:
        weights = balanced_weights(names, starts, np.concatenate([pack.positions for pack in packs]), packs[0].fps)
    elif len(shares) != len(packs) or min(shares) < 0 or sum(shares) <= 0:
        raise UserError(f"{len(packs)} motion packs need as many shares, none below zero and not all zero")
    else:
        weights = np.concatenate([pack.weights * share for pack, share in zip(packs, shares, strict=True)]) / sum(shares)
    return MotionPack(np.concatenate([pack.positions for pack in packs]), starts, names, packs[0].fps, weights)


def read_pack(path: Path | str, split: str) -> MotionPack:
    """The clips of one split ('train' or 'val'); UserError when the file is not such a pack."""
    arrays = read_npz(Path(path), _ARRAYS)
    missing = [name for name in _ARRAYS if name not in arrays]
    if missing:
        raise UserError(f"{path}: not a motion pack, the array '{missing[0]}' is missing")
    _check_arrays(arrays, path)
    positions, starts = arrays["positions"], arrays["clip_start"]
    chosen = np.flatnonzero(arrays["clip_split"] == split)
    if not len(chosen):
        raise UserError(f"{path}: no clip of the split '{split}'")
    clips = [positions[starts[i] : starts[i + 1]] for i in chosen]
    joined = np.concatenate(clips)
    mapped = map_to_mpm16(H36M17).apply(joined, np.ones(joined.shape[:2], bool))
    lengths = np.cumsum([0] + [len(clip) for clip in clips])
    names = tuple(str(arrays["clip_name"][i]) for i in chosen)
    fps = check_rate(arrays["fps"], f"{path}: ")
    weights = balanced_weights(names, lengths, mapped.points, fps)
    return MotionPack(mapped.points, lengths, names, fps, weights)


def _check_arrays(arrays: dict[str, Any], path: Path | str) -> None:
    """UserError for arrays that are not those of a motion pack."""
    arrays = {name: np.asarray(array) for name, array in arrays.items()}
    positions, starts = arrays["positions"], arrays["clip_start"]
    if positions.dtype.kind != "f":
        raise UserError(f"{path}: 'positions' must be numbers with a fraction")
    if positions.ndim != 3 or positions.shape[1:] != (len(H36M17), 3):
        raise UserError(f"{path}: 'positions' must be (frames, {len(H36M17)}, 3), not {positions.shape}")
    if not (np.abs(positions) <= _FARTHEST_M).all():
        raise UserError(f"{path}: 'positions' holds what is no number, or farther than {_FARTHEST_M:g} m away")
    if starts.dtype.kind not in "iu" or starts.ndim != 1 or len(starts) < 2 or starts[0] != 0 or starts[-1] != len(positions):
        raise UserError(f"{path}: 'clip_start' must be whole numbers from 0 to the number of frames")
    if (np.diff(starts.astype(np.int64)) <= 0).any():
        raise UserError(f"{path}: 'clip_start' must rise from clip to clip")
    for name in ("clip_name", "clip_subject", "clip_split"):
        if arrays[name].dtype.kind != "U" or arrays[name].shape != (len(starts) - 1,):
            raise UserError(f"{path}: '{name}' must be a text for each of {len(starts) - 1} clips")


def write_pack(
    path: Path, clips: Sequence[NDArray[np.float32]], names: Sequence[str], subjects: Sequence[str], splits: Sequence[str]
) -> None:
    """Write clips, each (frames, 17, 3) of Human3.6M's joints in world metres, Z up, at PACK_RATE; see read_pack.

    Positions are rounded to a tenth of a millimetre. names: 'family/clip'. The file appears when it is complete; UserError
    when it cannot be written.
    """
    with written_whole(path) as partial, partial.open("wb") as file:
        np.savez_compressed(
            file,
            positions=np.concatenate(clips).round(4).astype(np.float32),
            clip_start=np.cumsum([0] + [len(clip) for clip in clips]),
            clip_name=np.array(names),
            clip_subject=np.array(subjects),
            clip_split=np.array(splits),
            fps=np.array(PACK_RATE),
        )
