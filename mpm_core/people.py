"""Owns people in pictures: what a detector sees of each in a frame, and who is who from frame to frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mpm_core.joint_maps import JointMap, map_to_mpm16
from mpm_core.skeleton import Skeleton

# Following people from frame to frame: at most this far, in body heights, a little farther for every frame without them, and
# over so many of these.
_FARTHEST_STEP_HEIGHTS = 0.5
_FARTHER_PER_LOST_FRAME = 0.05
_LONGEST_LOSS_FRAMES = 30

# Who moves is expected further on, so that two who cross keep their ways: at the pace of so many frames, and not for longer
# than this.
_PACE_FRAMES = 8
_LONGEST_FORECAST_FRAMES = 10
_STRANGERS = 1e3

# Steps of people who are this far apart and move no farther, in body heights, need no weighing. Frames are looked at in chunks.
_PLAIN_STEP_HEIGHTS = 0.2
_PLAIN_APART_HEIGHTS = 0.5
_CHUNK = 2000

# Who is seen for fewer frames than this is not taken up again.
_SHORTEST_VISIT = 5

# Two poses of a frame whose joints lie closer than this are one person, found twice.
_SAME_PERSON_HEIGHTS = 0.12


@dataclass(frozen=True)
class Detection:
    """One person in one frame. points: (joints, 2) pixels; scores: (joints,), 0 where missing; track: the file's own id."""

    frame: int
    points: NDArray[np.float64]
    scores: NDArray[np.float64]
    track: int | None = None

    @property
    def seen(self) -> NDArray[np.bool_]:
        return (self.scores > 0) & np.isfinite(self.points).all(-1)


@dataclass(frozen=True, eq=False)
class Detections:
    """Many. frames: (detections,); points: (detections, joints, 2) pixels; scores: (detections, joints), 0 where missing;
    tracks: the file's own ids, None where it has none."""

    frames: NDArray[np.integer]
    points: NDArray[np.float64]
    scores: NDArray[np.float64]
    tracks: Sequence[int | None]

    @classmethod
    def of(cls, detections: Sequence[Detection]) -> Detections:
        """At least one of them."""
        frames, tracks = np.array([d.frame for d in detections], np.int64), [d.track for d in detections]
        return cls(frames, np.stack([d.points for d in detections]), np.stack([d.scores for d in detections]), tracks)

    def __len__(self) -> int:
        return len(self.frames)

    def __getitem__(self, place: int) -> Detection:
        return Detection(int(self.frames[place]), self.points[place], self.scores[place], self.tracks[place])

    @property
    def seen(self) -> NDArray[np.bool_]:
        """(detections, joints)"""
        return (self.scores > 0) & np.isfinite(self.points).all(-1)

    def some(self, places: NDArray[np.intp]) -> Detections:
        return Detections(self.frames[places], self.points[places], self.scores[places], [self.tracks[n] for n in places])


@dataclass(frozen=True, eq=False)
class Person:
    """One tracked person: how many frames show them, their mean height in pixels (NaN where no picture shows them), and a pose.

    pose: (16, 2) pixels in MPM-16 joints, from the frame that shows most of them; pose_visible: (16,) bool. across: pixels from
    the picture's left, in the middle of all frames; NaN where no picture shows them. first, last: numbers of the first and the
    last frame that shows them. name: what the file calls them, empty for nothing.
    """

    number: int
    frames: int
    height: float
    pose: NDArray[np.float32]
    pose_visible: NDArray[np.bool_]
    across: float
    first: int
    last: int
    name: str = ""


@dataclass(frozen=True, eq=False)
class Track:
    """A person, and where they were seen. places: of these among all detections. returns: how many times they were lost for
    long and taken up again. exchanged: frames from which on the file calls by their number who was called otherwise before."""

    person: Person
    detections: Detections
    places: NDArray[np.intp]
    returns: int = 0
    exchanged: tuple[int, ...] = ()

    def at(self, frame: int) -> Detection | None:
        """Where the person is in a frame; None where they are not seen."""
        place = int(np.searchsorted(self.detections.frames, frame))
        is_there = place < len(self.detections) and self.detections.frames[place] == frame
        return self.detections[place] if is_there else None

    def arrays(self, frames: NDArray[np.int64], joints: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """(frames, joints, 2) points, NaN where the person is not seen, and (frames, joints) scores, in (frames,) rising
        numbers, among which all are that show the person."""
        points = np.full((len(frames), joints, 2), np.nan)
        scores = np.zeros(points.shape[:2])
        places = np.searchsorted(frames, self.detections.frames)
        points[places], scores[places] = self.detections.points, self.detections.scores
        return points, scores


def find_people(detections: Detections, skeleton: Skeleton, takes_up: bool = False) -> list[Track]:
    """The people among detections, the one seen longest and largest first.

    takes_up: whether who comes, alone, after somebody was lost who was alone too is taken for the same. People of whom no
    joint of the body is seen, only a face or a foot, cannot be lifted and are left out.
    """
    if not len(detections):
        return []
    sights = _Sights.of(detections)
    body = map_to_mpm16(skeleton)
    points = np.where(sights.seen[..., None], sights.points, 0.0)

    def shows_body(track: NDArray[np.intp]) -> bool:
        # A few at first, as nearly every track shows a body in them.
        parts = (track[:8], track[8:])
        return any(len(part) and body.apply(points[part], sights.seen[part]).visible.any() for part in parts)

    found = [[track] for track in _follow(sights) if shows_body(track)]
    if takes_up and None in sights.tracks:
        found = _take_up(found, sights.frames)
    found.sort(key=lambda visits: -sum(float(sights.heights[visit].sum()) for visit in visits))
    exchanged = _exchanged(sights)
    people = []
    for number, visits in enumerate(found):
        track = np.concatenate(visits)
        frames = tuple(sorted(int(sights.frames[place]) for place in exchanged.intersection(track.tolist())))
        people.append(Track(_describe(number, track, sights, body), detections.some(track), track, len(visits) - 1, frames))
    return people


def _exchanged(sights: _Sights) -> set[int]:
    """Places of detections that go on from one that the file calls otherwise, where people stand apart and hardly move."""
    if None in sights.tracks or len(set(sights.tracks)) < 2:
        return set()
    groups = _by_frame(sights)
    pairs = [
        (before, after)
        for number, follows in _plain_steps(groups, sights).items()
        for before, after in zip(groups[number - 1].tolist(), follows, strict=True)
    ]
    return {after for before, after in pairs if sights.tracks[before] != sights.tracks[after]}


def _by_frame(sights: _Sights) -> list[NDArray[np.intp]]:
    """Places of detections, frame by frame."""
    order = np.argsort(sights.frames, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(sights.frames[order])) + 1)


def _take_up(tracks: list[list[NDArray[np.intp]]], frames: NDArray[np.integer]) -> list[list[NDArray[np.intp]]]:
    """Tracks put together, of which one begins after the other has ended, with nobody else in sight there."""
    shortest = min(_SHORTEST_VISIT, max((len(visits[0]) for visits in tracks), default=0))
    people = [visits for visits in tracks if len(visits[0]) < shortest]
    lasting = sorted((v[0] for v in tracks if len(v[0]) >= shortest), key=lambda track: int(frames[track[0]]))
    begins = [int(frames[track[0]]) for track in lasting] + [int(frames.max()) + 2 * _LONGEST_LOSS_FRAMES]
    last: list[NDArray[np.intp]] = []  # who was seen last so far
    end, end_of_others = begins[-1], begins[0] - 2 * _LONGEST_LOSS_FRAMES
    for track, begin, next_begin in zip(lasting, begins, begins[1:], strict=False):
        was_alone, is_alone = end_of_others < end - _LONGEST_LOSS_FRAMES, next_begin > begin + _LONGEST_LOSS_FRAMES
        if end < begin and was_alone and is_alone:
            last.append(track)
            end = int(frames[track[-1]])
            continue
        people.append([track])
        if not last or frames[track[-1]] > end:
            end_of_others = end if last else end_of_others
            last, end = people[-1], int(frames[track[-1]])
        else:
            end_of_others = max(end_of_others, int(frames[track[-1]]))
    return people


@dataclass(frozen=True, eq=False)
class _Sights:
    """All detections at once. points: (detections, joints, 2); seen: (detections, joints); frames, heights, sureness, each
    (detections,); tracks: the file's own ids, None where it has none."""

    points: NDArray[np.float64]
    seen: NDArray[np.bool_]
    frames: NDArray[np.integer]
    heights: NDArray[np.float64]
    sureness: NDArray[np.float64]
    tracks: Sequence[int | None]

    @classmethod
    def of(cls, detections: Detections) -> _Sights:
        seen = detections.seen
        points = np.where(seen[..., None], detections.points, 0.0)
        return cls(points, seen, detections.frames, heights_of(points, seen), detections.scores.sum(1), detections.tracks)


def heights_of(points: NDArray[np.float64], seen: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(detections,) the longer side of the box around what is seen (detections, joints) of (detections, joints, 2)."""
    across = np.ascontiguousarray(points.transpose(1, 2, 0))  # NumPy is slow at short last axes
    shown = np.ascontiguousarray(seen.T)[:, None]
    low, high = np.where(shown, across, np.inf).min(0), np.where(shown, across, -np.inf).max(0)
    return np.where(seen.any(1), (high - low).max(0), 0.0)


def _describe(number: int, track: NDArray[np.intp], sights: _Sights, body: JointMap) -> Person:
    best = track[np.lexsort((sights.heights[track], sights.seen[track].sum(1)))[-1]]
    pose = body.apply(sights.points[best][None], sights.seen[best][None])
    seen, frames = sights.seen[track], sights.frames[track]
    middle = (sights.points[track, :, 0] * seen).sum(1) / np.maximum(seen.sum(1), 1)
    return Person(
        number, len(track), float(sights.heights[track].mean()), pose.points[0], pose.visible[0], float(np.median(middle)),
        int(frames.min()), int(frames.max()),
    )  # fmt: skip


def _follow(sights: _Sights) -> list[NDArray[np.intp]]:
    """Places of detections grouped by person: by the file's own ids where it has them, else by the least surprise."""
    order = np.argsort(sights.frames, kind="stable")
    if all(track is not None for track in sights.tracks):
        by_id: dict[int | None, list[int]] = {}
        for place in order:
            by_id.setdefault(sights.tracks[place], []).append(int(place))
        return [np.array(track) for track in by_id.values()]
    groups = _by_frame(sights)
    plain = _plain_steps(groups, sights)
    tracks: list[_Moving] = []
    alive: list[_Moving] = []
    for number, found in enumerate(groups):
        follows = plain.get(number)
        if follows is not None and [track.last for track in alive] == groups[number - 1].tolist():
            for track, place in zip(alive, follows, strict=True):
                track.places.append(place)
            alive.sort(key=lambda track: track.last)
            continue
        frame = int(sights.frames[found[0]])
        alive = [track for track in alive if frame - track.frame <= _LONGEST_LOSS_FRAMES]
        started = _continue_tracks(alive, _distinct(found, sights), frame, sights)
        tracks += started
        alive = sorted(alive + started, key=lambda track: track.last)
    return [np.array(track.places) for track in tracks]


def _plain_steps(groups: Sequence[NDArray[np.intp]], sights: _Sights) -> dict[int, list[int]]:
    """Where nothing has to be weighed, as in nearly all frames: the same number of people as in the frame before, each close to
    one of them and far from all others. By the number of the group, for each detection before the one that follows it.

    All frames of so many people are looked at in one go, which is fast.
    """
    by_count: dict[int, list[int]] = {}
    for number in range(1, len(groups)):
        before, now = groups[number - 1], groups[number]
        if len(before) == len(now) and sights.frames[now[0]] - sights.frames[before[0]] == 1:
            by_count.setdefault(len(now), []).append(number)
    found: dict[int, list[int]] = {}
    for count, numbers in by_count.items():
        for begin in range(0, len(numbers), _CHUNK):
            part = numbers[begin : begin + _CHUNK]
            before, now = np.stack([groups[n - 1] for n in part]), np.stack([groups[n] for n in part])
            steps, apart = _distances(before, now, sights), _distances(now, now, sights)
            best = steps.argmin(2)
            own = np.take_along_axis(steps, best[..., None], 2)[..., 0]
            is_plain = (own <= _PLAIN_STEP_HEIGHTS).all(1) & (np.sort(best, 1) == np.arange(count)).all(1)
            diagonal = np.eye(count, dtype=bool)
            is_plain &= np.where(diagonal, _STRANGERS, apart).min((1, 2)) >= _PLAIN_APART_HEIGHTS
            follows = np.take_along_axis(now, best, 1)
            found |= {part[n]: follows[n].tolist() for n in np.flatnonzero(is_plain)}
    return found


def _distances(old: NDArray[np.intp], new: NDArray[np.intp], sights: _Sights) -> NDArray[np.float64]:
    return _steps(sights.points[old], sights.seen[old], sights.heights[old], new, sights)


class _Moving:
    """A track while it is followed."""

    def __init__(self, place: int, sights: _Sights) -> None:
        self.places = [place]
        self._sights = sights

    @property
    def last(self) -> int:
        return self.places[-1]

    @property
    def frame(self) -> int:
        return int(self._sights.frames[self.last])

    def expected(self, frame: int) -> NDArray[np.float64]:
        """(joints, 2): the last pose, moved on at the pace of the last frames; nobody keeps going the same way for long."""
        ahead = min(frame - self.frame, _LONGEST_FORECAST_FRAMES)
        return self._sights.points[self.last] + self._pace() * ahead

    def _pace(self) -> NDArray[np.float64]:
        """(2,) pixels per frame: of the line through the last pose that is nearest to those before."""
        sights, moved, past = self._sights, np.zeros(2), 0
        for place in self.places[-_PACE_FRAMES - 1 : -1]:
            both = sights.seen[place] & sights.seen[self.last]
            frames = self.frame - int(sights.frames[place])
            if both.any() and frames <= 2 * _PACE_FRAMES:
                moved = moved + frames * np.median(sights.points[self.last][both] - sights.points[place][both], axis=0)
                past += frames**2
        return moved / past if past else moved


def _continue_tracks(alive: list[_Moving], found: NDArray[np.intp], frame: int, sights: _Sights) -> list[_Moving]:
    """Give each detection of a frame to the track that expects it there, one to one; the new tracks of those left over."""
    if not alive:
        return [_Moving(int(place), sights) for place in found]
    from scipy.optimize import linear_sum_assignment  # slow to import, and few files need it

    last = [track.last for track in alive]
    expected = np.stack([track.expected(frame) for track in alive])
    cost = _steps(expected, sights.seen[last], sights.heights[last], found, sights)
    taken = set()
    for row, column in zip(*linear_sum_assignment(cost), strict=True):
        lost = frame - alive[row].frame - 1
        if cost[row, column] <= _FARTHEST_STEP_HEIGHTS + lost * _FARTHER_PER_LOST_FRAME:
            alive[row].places.append(int(found[column]))
            taken.add(int(column))
    return [_Moving(int(place), sights) for n, place in enumerate(found) if n not in taken]


def _distinct(found: NDArray[np.intp], sights: _Sights) -> NDArray[np.intp]:
    """Without poses that lie on a surer one of the same frame."""
    if len(found) == 1:
        return found
    surest = found[np.argsort(-sights.sureness[found], kind="stable")]
    apart = _distances(surest, surest, sights)
    kept: list[int] = []
    for n in range(len(surest)):
        if all(apart[n, other] > _SAME_PERSON_HEIGHTS for other in kept):
            kept.append(n)
    return surest[kept]


def _steps(
    points: NDArray[np.float64],
    seen: NDArray[np.bool_],
    heights: NDArray[np.float64],
    found: NDArray[np.intp],
    sights: _Sights,
) -> NDArray[np.float64]:
    """(..., poses, found) mean distances between the joints that both show, in body heights; large when they share none.

    points: (..., poses, joints, 2), seen: (..., poses, joints), heights: (..., poses), found: (..., found).
    """
    both = seen[..., :, None, :] & sights.seen[found][..., None, :, :]  # (..., poses, found, joints)
    apart = points[..., :, None, :, :] - sights.points[found][..., None, :, :, :]
    distances = np.hypot(apart[..., 0], apart[..., 1])
    shared = both.sum(-1)
    height = np.maximum(heights[..., :, None], sights.heights[found][..., None, :])
    mean = np.where(both, distances, 0.0).sum(-1) / np.maximum(shared, 1)
    return np.where((shared > 0) & (height > 0), np.minimum(mean / np.maximum(height, 1e-9), _STRANGERS), _STRANGERS)
