"""Owns how a video's background moves, which tells a camera that pans, zooms or shakes from one that stands.

A few times a second, corners of what is behind the people are found again in a small grey picture (Lucas-Kanade in pyramids,
by OpenCV), and the similarity that most of them agree on (RANSAC) is where the picture has gone since the shot began. What
moves by itself does not agree, and is left out as long as it is the smaller part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import MOVING_CAMERA_NOTE
from mpm_core.decoding import Picture
from mpm_core.detectors.base import FoundPose
from mpm_core.video import import_cv2

_LOOK_EVERY_S = 0.2
_SMALL_PX = 320
"""Along the longer side of the picture that is looked at."""

_MOST_CORNERS, _MOST_OF_A_CELL, _CORNER_QUALITY, _CORNERS_APART_PX = 500, 10, 0.004, 6
_REACH_PX, _LEVELS = 15, 3
_AGREES_PX = 1.0
_AROUND_PEOPLE = 0.2  # of a person's size: hair, hands and feet reach beyond the keypoints

# A movement counts if so many corners, and such a share of those that could be found again, agree on it, in so many of the
# cells of a 4 x 4 grid and of its columns: a passer-by fills one or two columns.
_FEWEST_CORNERS, _LEAST_SHARE, _FEWEST_CELLS, _FEWEST_COLUMNS = 20, 0.4, 5, 3
_GRID = 4

_WORN_SHARE = 0.5  # of the corners that once agreed: where fewer are left, the picture at hand takes the key picture's place
_MOST_LOST = 3  # looks in a row: then it is another shot

_MOVES_SHARE = 0.02
"""Of the picture's longer side: a camera whose picture goes farther than this does not stand. Where one stands, the figure is
below 0.3 % in the videos that were looked at."""

_FEWEST_LOOKS = 5
_PLACES = np.array([(0.5, 0.5), (0, 0), (1, 0), (0, 1), (1, 1)])  # the middle and the corners, of width and height


@dataclass(frozen=True)
class CameraMotion:
    """kind: 'pan', 'zoom' or 'shake'. share: by how much the picture moves, of its longer side."""

    kind: str
    share: float

    def sentence(self) -> str:
        """What is seen, and what is assumed nevertheless."""
        how = {"pan": "pans or is carried", "zoom": "zooms, turns or comes nearer", "shake": "shakes"}[self.kind]
        return (
            f"{MOVING_CAMERA_NOTE}: it {how}, and the background shifts by {100 * self.share:.0f} % of the picture; a camera"
            " that stands still is assumed, so that its motion ends up in the person's path"
        )


@dataclass(frozen=True, eq=False)
class BackgroundPath:
    """Where the background has gone. shots: (looks,) number of the shot; gone: (looks, 5, 2) how far the picture's middle
    and corners have gone since the shot began, in shares of its longer side. Looks that told nothing are left out."""

    shots: NDArray[np.int64]
    gone: NDArray[np.float32]

    @cached_property
    def motion(self) -> CameraMotion | None:
        """How the camera moves, in the shot in which it moves most; None where it stands, or nothing tells."""
        of_shots = [self.gone[self.shots == shot] for shot in np.unique(self.shots)]
        motions = [_motion_of(gone) for gone in of_shots if len(gone) >= _FEWEST_LOOKS]
        most = max(motions, key=lambda motion: motion.share, default=None)
        return most if most is not None and most.share > _MOVES_SHARE else None


def _motion_of(gone: NDArray[np.float32]) -> CameraMotion:
    ranges = _range(gone)  # (5,)
    share = float(np.median(ranges))
    if _range(gone[:, 1:] - gone[:, :1]).mean() > ranges[0]:  # the corners go otherwise than the middle
        return CameraMotion("zoom", share)
    steps = np.diff(gone[:, 0], axis=0)
    turns_back = float((steps[1:] * steps[:-1]).sum()) < 0  # from look to look, as what shakes does
    return CameraMotion("shake" if turns_back else "pan", share)


def _range(places: NDArray[np.float32]) -> NDArray[np.float32]:
    """(looks, points, 2) -> (points,) how far apart the farthest places are, but for one wrong look at each end."""
    ordered = np.sort(places, axis=0)[1:-1]
    distance: NDArray[np.float32] = np.linalg.norm(ordered[-1] - ordered[0], axis=-1)
    return distance


@dataclass(eq=False)
class _Key:
    """A picture whose corners (corners, 2) are looked for in later ones. first: (3, 3) from the shot's first picture to this
    one; last: (3, 3) from this one to the one seen last. agreed: the most corners that ever agreed."""

    grey: NDArray[np.uint8]
    corners: NDArray[np.float32]
    first: NDArray[np.float64]
    last: NDArray[np.float64]
    agreed: int = 0


class BackgroundWatch:
    """Watches a video frame by frame; goes on after an earlier part of it."""

    def __init__(self, before: BackgroundPath | None = None) -> None:
        self._cv2 = import_cv2()
        self._shots: list[int] = [] if before is None else before.shots.tolist()
        self._gone: list[NDArray[np.float32]] = [] if before is None else list(before.gone)
        self._shot = max(self._shots, default=-1)
        self._key: _Key | None = None
        self._lost = 0
        self._next_s = -np.inf

    def look(self, picture: Picture, time_s: float, poses: Sequence[FoundPose]) -> None:
        """The next picture, with everybody who was found on it in its pixels; most are passed over."""
        if time_s < self._next_s:
            return
        self._next_s = time_s + _LOOK_EVERY_S
        scale = _SMALL_PX / max(picture.shape[:2])
        grey, people = self._shrink(picture, scale), self._mask_people(picture, poses, scale)
        if self._key is None:
            self._begin_shot(grey, people)
            return
        step = self._step(self._key, self._key.last, grey, people)
        if step is None:  # it went farther than corners are looked for
            step = self._step(self._key, self._shifted(self._key.grey, grey), grey, people)
        if step is None:
            self._lost += 1
            if self._lost >= _MOST_LOST:
                self._begin_shot(grey, people)
            return
        self._lost, self._key.last, total = 0, step[0], step[0] @ self._key.first
        self._keep(total, grey)
        self._key.agreed = max(self._key.agreed, step[1])
        if step[1] < _WORN_SHARE * self._key.agreed:
            self._key = self._make_key(grey, people, total)

    def path(self) -> BackgroundPath:
        """What was seen so far."""
        gone = np.array(self._gone, np.float32).reshape(-1, len(_PLACES), 2)
        return BackgroundPath(np.array(self._shots, np.int64), gone)

    def _shrink(self, picture: Picture, scale: float) -> NDArray[np.uint8]:
        size = (max(round(picture.shape[1] * scale), 1), max(round(picture.shape[0] * scale), 1))
        step = max(int(0.5 / scale), 1)  # of a large picture every other pixel tells enough, and so does its green
        green = np.ascontiguousarray(picture[::step, ::step, 1])
        small: NDArray[np.uint8] = self._cv2.resize(green, size, interpolation=self._cv2.INTER_AREA)
        return small

    def _mask_people(self, picture: Picture, poses: Sequence[FoundPose], scale: float) -> NDArray[np.uint8]:
        """255 where nobody is."""
        size = (max(round(picture.shape[0] * scale), 1), max(round(picture.shape[1] * scale), 1))
        mask = np.full(size, 255, np.uint8)
        for points, _ in poses:
            low, high = points.min(0) * scale, points.max(0) * scale
            around = _AROUND_PEOPLE * float((high - low).max())
            left, top = np.maximum(low - around, 0).astype(int)
            right, bottom = np.maximum(high + around + 1, 0).astype(int)
            mask[top:bottom, left:right] = 0
        return mask

    def _begin_shot(self, grey: NDArray[np.uint8], people: NDArray[np.uint8]) -> None:
        self._shot += 1
        self._lost = 0
        self._key = self._make_key(grey, people, np.eye(3))
        if self._key is not None:
            self._keep(np.eye(3), grey)

    def _make_key(self, grey: NDArray[np.uint8], people: NDArray[np.uint8], first: NDArray[np.float64]) -> _Key | None:
        """None where there is too little to hold on to."""
        found = self._cv2.goodFeaturesToTrack(grey, _MOST_CORNERS, _CORNER_QUALITY, _CORNERS_APART_PX, mask=people)
        if found is None:
            return None
        corners = _spread(found.reshape(-1, 2), grey.shape)
        return _Key(grey, corners, first, np.eye(3)) if len(corners) >= _FEWEST_CORNERS else None

    def _step(
        self, key: _Key, guess: NDArray[np.float64], grey: NDArray[np.uint8], people: NDArray[np.uint8]
    ) -> tuple[NDArray[np.float64], int] | None:
        """(3, 3) from the key picture to this one, near a guess, and how many corners agree; None where too few do."""
        found, is_found, _ = self._cv2.calcOpticalFlowPyrLK(
            key.grey, grey, key.corners, _moved(key.corners, guess), winSize=(_REACH_PX, _REACH_PX), maxLevel=_LEVELS,
            flags=self._cv2.OPTFLOW_USE_INITIAL_FLOW,
        )  # fmt: skip
        height, width = grey.shape
        column, row = (np.clip(found[:, axis].round().astype(int), 0, size - 1) for axis, size in ((0, width), (1, height)))
        is_inside = (found >= 0).all(1) & (found <= (width - 1, height - 1)).all(1)
        used = (is_found.ravel() > 0) & is_inside & (people[row, column] > 0)
        if used.sum() < _FEWEST_CORNERS:
            return None
        matrix, agrees = self._cv2.estimateAffinePartial2D(
            key.corners[used], found[used], method=self._cv2.RANSAC, ransacReprojThreshold=_AGREES_PX
        )
        if matrix is None or not np.isfinite(matrix).all():
            return None
        agreeing = found[used][agrees.ravel() > 0]
        cells = np.unique(_cells(agreeing, grey.shape), axis=0)
        columns = len(np.unique(cells[:, 0]))
        if len(agreeing) < max(_FEWEST_CORNERS, _LEAST_SHARE * used.sum()):
            return None
        if len(cells) < _FEWEST_CELLS or columns < _FEWEST_COLUMNS:
            return None
        return np.vstack((matrix, (0, 0, 1))), len(agreeing)

    def _shifted(self, before: NDArray[np.uint8], after: NDArray[np.uint8]) -> NDArray[np.float64]:
        """(3, 3) the shift that brings one picture over the other, by phase correlation."""
        window = self._cv2.createHanningWindow(after.shape[::-1], self._cv2.CV_32F)
        shift, _ = self._cv2.phaseCorrelate(before.astype(np.float32), after.astype(np.float32), window)
        matrix = np.eye(3)
        matrix[:2, 2] = shift
        return matrix

    def _keep(self, total: NDArray[np.float64], grey: NDArray[np.uint8]) -> None:
        places = _PLACES * grey.shape[::-1]
        self._shots.append(self._shot)
        self._gone.append(((_moved(places, total) - places) / _SMALL_PX).astype(np.float32))


def _cells(points: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.int64]:
    """(points, 2) column and row of the grid's cell that each (points, 2) lies in."""
    cells: NDArray[np.int64] = (points * _GRID / (shape[1], shape[0])).astype(np.int64)
    return cells


def _spread(corners: NDArray[np.float32], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """The best few of each cell, so that one busy thing does not outvote the rest; the best come first."""
    kept: dict[tuple[int, ...], int] = {}
    chosen = np.zeros(len(corners), bool)
    for number, cell in enumerate(map(tuple, _cells(corners, shape))):
        kept[cell] = kept.get(cell, 0) + 1
        chosen[number] = kept[cell] <= _MOST_OF_A_CELL
    return corners[chosen]


def _moved(points: NDArray[np.floating], matrix: NDArray[np.float64]) -> NDArray[np.float32]:
    """(points, 2) pixels by a similarity (3, 3)."""
    return (points @ matrix[:2, :2].T + matrix[:2, 2]).astype(np.float32)
