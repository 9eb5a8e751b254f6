"""Which file of keypoints shows several people, and whose clip is open: the others can be read from it again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.formats import inspect_file, read_clip
from mpm_core.formats.base import ReadOptions

_KEPT = tuple(field.name for field in fields(ReadOptions) if field.name not in ("on_progress", "person"))


@dataclass(frozen=True)
class FilePeople:
    """path: of the file; person: the number of the one whose clip it is; options: how it was read."""

    path: Path
    person: int
    options: ReadOptions

    @classmethod
    def of(cls, path: Path, options: ReadOptions) -> FilePeople | None:
        """None of a file that was read without having to say whom: it shows one person."""
        if options.person is None:
            return None
        return cls(path, options.person, replace(options, on_progress=None))

    def belongs_to(self, opened: Clip | None) -> bool:
        """Whether a clip, as it was opened, is from this file."""
        return opened is not None and opened.source == str(self.path)

    def numbers(self) -> tuple[int, ...]:
        """The others' numbers, the one seen longest and largest first; UserError when the file cannot be read any more."""
        return tuple(one.number for one in inspect_file(self.path, self.options).people if one.number != self.person)

    def clip(self, number: int) -> Clip:
        """Anybody's clip in MPM-16 joints."""
        return read_clip(self.path, options=replace(self.options, person=number)).to_mpm16()

    def check(self, opened: Clip) -> None:
        """UserError when the file is not what it was when a clip of it was opened: then nobody knows where the others are."""
        now = self.clip(self.person)
        if not np.array_equal(now.times, opened.times) or now.image_size != opened.image_size:
            raise UserError(
                f"{self.path}: has changed since it was opened, so its other people cannot be shown beside this one"
            )

    def note(self) -> dict[str, Any]:
        """What a project keeps of it; the path is the clip's own source."""
        said = {name: value for name in _KEPT if (value := getattr(self.options, name)) is not None}
        if self.options.joint_map is not None:
            said["joint_map"] = dict(self.options.joint_map)
        return {"person": self.person, "options": said}


def file_people_from(note: Mapping[str, Any], source: str) -> FilePeople | None:
    """What `note` gave, of a clip with this source; None where it makes no sense."""
    person, said = note.get("person"), note.get("options")
    if type(person) is not int or not isinstance(said, dict) or not source:
        return None
    options = {name: value for name, value in said.items() if name in _KEPT}
    if isinstance(options.get("image_size"), list):
        options["image_size"] = tuple(options["image_size"])
    return FilePeople(Path(source), person, ReadOptions(person=person, **options))


def at_times(places: NDArray[np.float32], times: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float32]:
    """(frames, 16, 3) of a clip whose frames are at other times, in the frames that are wanted: NaN where it has none within
    half a step."""
    step = float(np.median(np.diff(wanted))) if len(wanted) > 1 else np.inf
    after = np.clip(np.searchsorted(times, wanted), 1, max(len(times) - 1, 1))
    before = after - 1
    after = np.minimum(after, len(times) - 1)
    nearest = np.where(np.abs(times[after] - wanted) < np.abs(times[before] - wanted), after, before)
    is_there = np.abs(times[nearest] - wanted) < step / 2
    return np.where(is_there[:, None, None], places[nearest], np.float32(np.nan)).astype(np.float32)
