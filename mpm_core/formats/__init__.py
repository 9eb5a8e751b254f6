"""Owns the table of file formats, and reading and writing by it."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip, split_source
from mpm_core.errors import CancelledError, UserError, as_sentence
from mpm_core.files import written_whole
from mpm_core.formats.base import CHOICES, Contents, Format, ReadOptions, WriteOptions
from mpm_core.formats.motion.world import pause_notes
from mpm_core.formats.recognising import UnclearFormatError, find_reader
from mpm_core.formats.stated import check_heeded, telling_notes
from mpm_core.garbage import nothing_collected
from mpm_core.limits import check_rate
from mpm_core.prediction import Prediction
from mpm_core.provenance import with_notes
from mpm_core.rates import TOLD, rate_note

_log = logging.getLogger("mpm")


class _Formats(Mapping[str, Format]):
    """The table by name. Its modules are imported when it is first looked into: a window shows before that."""

    @cached_property
    def _entries(self) -> Mapping[str, Format]:
        from mpm_core.formats.table import ENTRIES

        return {entry.name: entry for entry in ENTRIES}

    def __getitem__(self, name: str) -> Format:
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


FORMATS: Mapping[str, Format] = _Formats()
"""All formats; recognising.py asks each of them whether a file is theirs."""


def writers() -> tuple[Format, ...]:
    """The formats that can be written."""
    return tuple(f for f in FORMATS.values() if f.write)


def inspect_file(path: Path | str, options: ReadOptions | None = None) -> Contents:
    """People, selections and gaps of a file before it is read; UserError when no format knows it."""
    options = options or ReadOptions()
    with _refusing(path):
        try:
            probe, found = find_reader(Path(path), FORMATS, options.format)
        except UnclearFormatError as error:
            return Contents(formats=error.names)
        assert found.inspect is not None
        return found.inspect(probe, options)


def read_clip(
    path: Path | str,
    fps: float | None = None,
    image_size: tuple[int, int] | None = None,
    person: int | None = None,
    select: str | None = None,
    options: ReadOptions | None = None,
) -> Clip:
    """A clip from a file or folder of any known format.

    fps: frames per second, image_size: (width, height) pixels, person: number among the people in the file, select:
    'subject/action/camera', of which the beginning is enough. options holds these and more (format, skeleton, unit, ...)
    instead of them. What neither they nor the file tell is assumed, and Clip.notes says so. UserError, with path, place and
    reason, for anything that cannot be used.

    >>> import mpm_core
    >>> from mpm_core.assets import find_asset
    >>> clip = mpm_core.read_clip(find_asset("demo/demo.npz"), fps=50)
    >>> len(clip), clip.fps, clip.keypoints.shape, clip.notes
    (730, 50.0, (730, 16, 2), ())
    """
    options = options or ReadOptions(fps, image_size, person, select)
    if options.fps is not None:
        check_rate(options.fps, f"{path}: ")
    if options.person is not None and options.person < 0:
        raise UserError(f"{path}: people are numbered from 0, not {options.person}")
    with _refusing(path):
        probe, found = find_reader(Path(path), FORMATS, options.format)
        assert found.read is not None
        check_heeded(options, found, str(path))
        clip = found.read(probe, options)
        clip = replace(clip, notes=(*clip.notes, *telling_notes(options, found, clip)))
        if options.fps is not None and clip.own_fps is not None:
            note = rate_note(options.fps, "was told", clip.own_fps)
            clip = replace(clip, notes=(*clip.notes, *([note] if note not in clip.notes else [])))
        source = clip.source if split_source(clip.source)[0] == Path(path) else path
        noted = (*clip.notes, *([clip.camera_note] if clip.camera_note else []))
        clip = replace(clip, history=with_notes(clip.history, f"{source} ({found.label})", noted))
        told = told_in_words(options)
        return clip.after(f"{TOLD}{told}") if told else clip


def told_in_words(options: ReadOptions) -> str:
    """What somebody answered to what a file leaves open, for the history; empty for nothing."""
    words = []
    if options.fps is not None:
        words.append(f"{options.fps:g} frames/s")
    if options.image_size is not None:
        words.append("images of {} x {} px".format(*options.image_size))
    if options.person is not None:
        words.append(f"person {options.person}")
    if options.joint_map:
        words.append("joints " + ", ".join(f"{theirs} = {ours}" for theirs, ours in options.joint_map.items() if ours))
    return "; ".join(words)


@contextmanager
def _refusing(path: Path | str) -> Iterator[None]:
    """Turn whatever a broken file makes a reader raise into a UserError; the traceback goes to the debug log.

    Meanwhile no garbage is looked for: among millions of new numbers and lists that takes longer than reading them.
    """
    try:
        with nothing_collected(), np.errstate(all="ignore"):  # of numbers that are refused afterwards
            yield
    except (UserError, CancelledError):
        raise
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or 'it is damaged'})") from error
    except MemoryError as error:
        raise UserError(f"{path}: cannot be read ({as_sentence(error)})") from error
    except Exception as error:
        _log.debug("%s: the reader failed", path, exc_info=True)
        raise UserError(f"{path}: cannot be read (it is damaged in a way that nothing is known of)") from error


def write(content: Clip | Prediction, path: Path | str, options: WriteOptions | None = None) -> tuple[str, ...]:
    """Write a clip or a prediction in the format that the file's ending names.

    The file appears under its name only when it is complete; an older file of that name stays until then. Returns what is to
    be said, as of pauses in a format that has none. UserError
    for an ending that no writer has, or a place that cannot be written to.

    >>> import mpm_core
    >>> from mpm_core.assets import find_asset
    >>> clip = mpm_core.read_clip(find_asset("demo/demo.npz"))
    >>> mpm_core.write(clip.cut(0, 9), "walk.trc")
    ()
    >>> mpm_core.read_clip("walk.trc").ground_truth.shape
    (10, 16, 3)
    """
    target = Path(path)
    found = check_target(target)
    assert found.write is not None
    options = options or WriteOptions()
    lacking = [CHOICES[name] for name in options.chosen() if name not in found.choices]
    if lacking:
        raise UserError(f"{target}: {found.label} has no choice of {' and '.join(lacking)}")
    if not _is_complete(content, options.frames(len(content))):
        raise UserError(f"{target}: what is to be written is not complete, so it is not written")
    with written_whole(target) as partial:
        found.write(content, partial, options)
    part = options.frames(len(content))
    notes = () if found.keeps_marks else _unmarked_note(content, part, found)
    if found.keeps_times and not options.tidy:
        return notes
    return notes + pause_notes(content.times[part], content.fps, options.fps)


def _unmarked_note(content: Clip | Prediction, part: slice, found: Format) -> tuple[str, ...]:
    """What to say where guesses lie among measurements in a file that cannot tell them apart."""
    marks = content.hidden if isinstance(content, Prediction) else content.completed
    if marks is None or not marks[part].any():
        return ()
    kept = ", ".join(sorted({suffix for f in writers() if f.keeps_marks for suffix in f.suffixes}))
    share = f"{100 * marks[part].mean():.2g} %"
    return (f"{share} of the joints were filled in by a lifter, which {found.label} cannot say ({kept} do)",)


def _is_complete(content: Clip | Prediction, part: slice) -> bool:
    """Whether these frames hold numbers throughout; joints of a clip's ground truth may be unknown."""
    arrays: list[NDArray[np.floating] | None] = [content.times]
    if isinstance(content, Prediction):
        arrays += [content.positions, content.root, content.foot_odds, content.foot_height]
    else:
        arrays += [content.confidence, content.keypoints]
        if content.ground_truth is not None:
            arrays.append(np.nan_to_num(content.ground_truth, nan=0.0, posinf=np.inf, neginf=-np.inf))
    return all(array is None or bool(np.isfinite(array[part]).all()) for array in arrays)


def check_ending(path: Path) -> Format:
    """The format in which a path would be written; UserError when there is none."""
    fitting = [(len(suffix), f) for f in writers() for suffix in f.suffixes if path.name.lower().endswith(suffix)]
    found = max(fitting, key=lambda pair: pair[0], default=(0, None))[1]  # of .angles.csv and .csv the longer
    if found is None:
        known = ", ".join(sorted({suffix for f in writers() for suffix in f.suffixes}))
        folder = "" if path.suffix else "; for a folder of files give --to, as --to bvh,csv"
        raise UserError(f"{path}: cannot write this kind of file (known: {known}){folder}")
    return found


def check_target(path: Path, takes_2d: bool = False) -> Format:
    """The format in which a path would be written; UserError when there is none, or no folder to write to. takes_2d: whether
    it must hold keypoints."""
    found = check_ending(path)
    if takes_2d and not found.takes_2d:
        raise UserError(f"{path}: {found.label} holds 3D, not keypoints")
    if not path.parent.is_dir():
        raise UserError(f"{path}: there is no folder {path.parent} to write to")
    return found
