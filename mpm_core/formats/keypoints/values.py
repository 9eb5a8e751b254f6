"""Owns the numbers of sightings: flat or nested, with scores or without, missing ones, units, and whose they are."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from mpm_core.clip import as_floats
from mpm_core.errors import UserError
from mpm_core.formats.keypoints.layouts import counts_known
from mpm_core.people import heights_of

# Coordinates within these bounds, of a body that is smaller than this, are shares of the image and not pixels.
_NORMALISED_BOUND = 1.5
_NORMALISED_HEIGHT = 2.0
# A body that is smaller than this in pixels could not have been detected.
_SMALLEST_PX = 8.0
# Poses of which the middle of the hips is so near to zero, in sizes of the body, and so often, are relative to it.
_AT_ORIGIN, _MOSTLY_AT_ORIGIN = 0.02, 0.9
# Shares that are below zero so often are counted from the image's middle.
_FROM_MIDDLE = 0.1

# No image is so large that a coordinate could be this.
_FARTHEST = 1e7
_LARGEST_SCORE = 1e6
# Maxima of heat maps go a little beyond 1; others that are no probabilities hardly ever go beyond the second, as per cent do.
_HIGHEST_SCORE, _FEWEST_PER_CENT = 1.5, 20.0

_NOTHING = ("", "na", "n/a", "nan", "null", "none", "-")


@dataclass(frozen=True)
class Sighting:
    """One person in one frame, as the file has it.

    values: x, y, score, x, y, score, ... or [[x, y], ...] or [[x, y, score], ...]; scores: one per joint where they stand
    apart; identity: what the file calls the person, None where nothing; where: the place in the file, for messages.
    """

    frame: int
    values: Any
    where: str
    scores: Any = None
    identity: Hashable = None


@dataclass(frozen=True, eq=False)
class SightingRows(Sequence[Sighting]):
    """Sightings of a file that holds them as an array. frames: (sightings,); values: (sightings, joints, 3) x, y and score;
    identities: one each. where: the file; unit: what a sighting's number, of numbers (sightings,), counts there."""

    frames: NDArray[np.int64]
    values: NDArray[np.float64]
    identities: Sequence[Hashable]
    where: str
    unit: str
    numbers: NDArray[np.int64]

    @classmethod
    def of(
        cls,
        frames: ArrayLike,
        values: NDArray[np.float64],
        identities: Sequence[Hashable],
        where: str,
        unit: str = "frame",
        numbers: ArrayLike | None = None,
    ) -> SightingRows:
        """Those that show anything; without numbers these are the frames'."""
        shows = np.asarray(np.isfinite(values[..., :2]).any((1, 2)))
        frames = np.asarray(frames, np.int64)
        numbers = frames if numbers is None else np.asarray(numbers, np.int64)
        if not shows.all():
            frames, values, numbers = frames[shows], values[shows], numbers[shows]
            identities = [who for who, is_shown in zip(identities, shows, strict=True) if is_shown]
        return cls(frames, values, identities, where, unit, numbers)

    def __len__(self) -> int:
        return len(self.frames)

    @overload
    def __getitem__(self, place: int) -> Sighting: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Sighting]: ...

    def __getitem__(self, place: int | slice) -> Sighting | Sequence[Sighting]:
        if isinstance(place, slice):
            return [self[n] for n in range(*place.indices(len(self)))]
        where = f"{self.where}: {self.unit} {self.numbers[place]}"
        return Sighting(int(self.frames[place]), self.values[place], where, identity=self.identities[place])


def frames_of(entries: Sequence[Sighting]) -> NDArray[np.int64]:
    """(sightings,); UserError for a number that no frame has."""
    if isinstance(entries, SightingRows):
        return entries.frames
    try:
        return np.array([entry.frame for entry in entries], np.int64)
    except OverflowError:
        wrong = max(entries, key=lambda entry: abs(entry.frame))
        raise UserError(f"{wrong.where}: the frame number {str(wrong.frame)[:20]}… cannot be right") from None


def identity_of(entry: dict[str, Any], names: Sequence[str] = ("idx", "track_id", "person_id", "instance_id")) -> Hashable:
    """What an entry calls its person: a number or name, also in a list or under 'attributes'; None for nothing or -1."""
    attributes = entry.get("attributes")
    for table in (entry, attributes if isinstance(attributes, dict) else {}):
        for name in names:
            value = table.get(name)
            if value is None:
                continue
            if isinstance(value, list) and len(value) == 1:
                value = value[0]
            if isinstance(value, float) and value.is_integer():
                value = int(value)
            if isinstance(value, (int, str)) and not isinstance(value, bool) and value not in (-1, "", "-1"):
                return value
    return None


def identities(entries: Sequence[Sighting]) -> list[int | None]:
    """A number per person; None for all when some entries have no identity, or two of a frame have the same."""
    known: dict[Hashable, int] = {}
    if isinstance(entries, SightingRows):
        who = [known.setdefault(name, len(known)) for name in entries.identities]
        is_one_each = len(np.unique(entries.frames * len(known) + who)) == len(who) if known else True
        return list(who) if is_one_each and None not in known else [None] * len(who)
    seen: set[tuple[int, Hashable]] = set()
    numbers = []
    for entry in entries:
        place = (entry.frame, entry.identity)
        if entry.identity is None or place in seen:
            return [None] * len(entries)
        seen.add(place)
        numbers.append(known.setdefault(entry.identity, len(known)))
    return list(numbers)


def to_arrays(entries: Sequence[Sighting]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(sightings, joints, 2) points, NaN where missing, and (sightings, joints) scores, 0 where missing.

    Missing is what is null, not a number, at exactly (0, 0) or (-1, -1) whatever its score, or of no score. UserError, with the
    place, for values that are no numbers or of another count than those before.
    """
    try:
        if isinstance(entries, SightingRows):
            points, scores = entries.values[..., :2], entries.values[..., 2]
        else:
            points, scores = _split(np.array([e.values for e in entries], np.float64), [e.scores for e in entries])
    except (ValueError, TypeError, OverflowError, UserError):  # find out which one, or make sense of it
        points, scores = _one_by_one(entries)
    is_known = np.isfinite(points).all(-1) & (points != 0).any(-1) & (points != -1).any(-1)
    scores = np.where(is_known, np.nan_to_num(scores), 0.0)
    beyond = (scores > 0) & (np.abs(np.where(is_known[..., None], points, 0.0)) > _FARTHEST).any(-1)
    if (scores > _LARGEST_SCORE).any():
        entry, joint = np.argwhere(scores > _LARGEST_SCORE)[0]
        raise UserError(f"{entries[entry].where}: joint {joint} has a score of {scores[entry, joint]:.3g}, beyond all range")
    if beyond.any():
        entry, joint = np.argwhere(beyond)[0]
        value = np.abs(points[entry, joint]).max()
        raise UserError(f"{entries[entry].where}: joint {joint} is at {value:.3g}, beyond all range")
    return np.where((scores > 0)[..., None], points, np.nan), scores


def _split(values: NDArray[np.float64], scores: Sequence[Any]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Points and scores of (sightings, numbers) or (sightings, joints, 2 or 3); UserError for another shape."""
    if values.ndim == 2:
        width = _flat_width(values.shape[1])
        values = values.reshape(len(values), -1, width)
    if values.ndim != 3 or values.shape[1] == 0 or values.shape[2] not in (2, 3):
        raise UserError(f"are not x, y pairs or x, y, score triples (found {values.shape[1:]})")
    if any(s is not None for s in scores):
        if values.shape[2] == 3:
            raise UserError("are in 3D, while 2D is wanted here")
        apart = np.array(scores, np.float64)
        if apart.shape != values.shape[:2]:
            raise UserError(f"come with {apart[0].size} scores for {values.shape[1]} joints")
        return values, apart
    if values.shape[2] == 2:
        return values, np.ones(values.shape[:2])
    return values[..., :2], values[..., 2]


def _flat_width(count: int) -> int:
    """Whether so many numbers are triples or pairs; UserError when they are neither."""
    if count % 3 == 0 and (count // 3 in counts_known() or count % 2):
        return 3
    if count % 2 == 0 and count // 2 in counts_known():
        return 2
    if count == 0 or count % 3:
        raise UserError(f"are not x, y, score triples ({count} numbers)")
    return 3


def _one_by_one(entries: Sequence[Sighting]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    points: list[NDArray[np.float64]] = []
    scores: list[NDArray[np.float64]] = []
    for entry in entries:
        values = as_floats(_without_words(entry.values), f"{entry.where}: the keypoints")
        apart = None
        if entry.scores is not None:
            apart = as_floats(_without_words(entry.scores), f"{entry.where}: the scores")
        try:
            one, score = _split(values[None], [apart])
        except UserError as error:
            raise UserError(f"{entry.where}: the keypoints {error}") from None
        if points and one.shape[1] != points[0].shape[0]:
            raise UserError(f"{entry.where}: {one.shape[1]} joints, but {len(points[0])} in those before")
        points.append(one[0])
        scores.append(score[0])
    return np.stack(points), np.stack(scores)


def _without_words(values: Any) -> Any:
    """The same with NaN for what programs write where there is nothing."""
    if isinstance(values, (list, tuple)):
        return [_without_words(value) for value in values]
    if values is None or (isinstance(values, str) and values.strip().lower() in _NOTHING):
        return float("nan")
    return values


def as_shares(scores: NDArray[np.float64]) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """(sightings, joints) scores from 0 to 1 of those in per cent, and what to say of scores that are neither."""
    highest = float(scores.max(initial=0.0))
    if highest <= _HIGHEST_SCORE:
        return scores, ()
    if _FEWEST_PER_CENT < highest <= 100 * _HIGHEST_SCORE:
        return scores / 100, (f"scores of up to {highest:.3g} are taken for per cent",)
    return scores, (f"scores go up to {highest:.3g} and not to 1: a threshold of confidence hides less than it seems to",)


def to_pixels(
    points: NDArray[np.float64],
    seen: NDArray[np.bool_],
    size: tuple[int, int] | None,
    normalised: bool | None,
    where: str,
) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """(people, joints, 2) in pixels, and what to say when they were shares of the image.

    UserError when they are shares and the image's size is not known, or when nobody is of a size that pixels could show.
    """
    if not seen.any():
        return points, ()
    height = _median_height(points, seen)
    if normalised is None:
        normalised = bool(height < _NORMALISED_HEIGHT and np.percentile(np.abs(points[seen]), 99) <= _NORMALISED_BOUND)
    if not normalised:
        if 0 < height < _SMALLEST_PX:
            raise UserError(
                f"{where}: the bodies are {height:.3g} tall, which is too small for pixels: are they in metres, or normalised"
                " (--normalised)?"
            )
        return points, ()
    if size is None:
        raise UserError(f"{where}: the coordinates are normalised (shares of the image), so the image's size must be given")
    scale = np.array(size, np.float64)
    if float(np.mean(points[seen] < 0)) > _FROM_MIDDLE:
        return (points + 1) / 2 * scale, (f"coordinates from -1 to 1 were brought to {size[0]} x {size[1]} pixels",)
    return points * scale, (f"coordinates from 0 to 1 were multiplied by the image size {size[0]} x {size[1]}",)


def is_about_hips(points: NDArray[np.float64], hips: Sequence[int]) -> bool:
    """Whether poses (people, joints, 2) have their origin in the middle between both hips, as no picture has."""
    middle = points[:, list(hips)].mean(1)
    known = np.isfinite(middle).all(-1)
    if not known.any():
        return False
    height = np.nanmedian(np.nanmax(points[known], axis=1) - np.nanmin(points[known], axis=1), axis=0).max()
    return bool(np.mean(np.abs(middle[known]).max(-1) < _AT_ORIGIN * height) > _MOSTLY_AT_ORIGIN)


def _median_height(points: NDArray[np.float64], seen: NDArray[np.bool_]) -> float:
    is_body = seen.sum(1) > 1
    return float(np.median(heights_of(points, seen)[is_body])) if is_body.any() else 0.0
