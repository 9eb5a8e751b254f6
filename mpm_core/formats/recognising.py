"""Owns which reader is meant for a file: each says by content how sure it is and why; the user settles what is left open."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from mpm_core.errors import UserError
from mpm_core.files import VIDEO_SUFFIXES
from mpm_core.formats.base import Format, Probe, Recognition

# Readers that are nearly as sure as the surest could be meant as well.
_NEARLY = 0.1


class UnclearFormatError(UserError):
    """Several readers could be meant; names: theirs."""

    def __init__(self, sentence: str, names: tuple[str, ...]) -> None:
        super().__init__(sentence)
        self.names = names


def find_reader(path: Path, formats: Mapping[str, Format], wanted: str | None = None) -> tuple[Probe, Format]:
    """The reader that knows a file's content best, or the wanted one; UserError when none does, or when two do."""
    if not path.exists():
        raise UserError(f"{path}: there is no such file or folder")
    if not path.is_file() and not path.is_dir():  # reading from a pipe would wait for ever
        raise UserError(f"{path}: cannot be read (it is no ordinary file)")
    probe = Probe(path)
    readers = {name: entry for name, entry in formats.items() if entry.read}
    if wanted is not None:
        if wanted not in readers:
            raise UserError(f"{path}: there is no format '{wanted}' to read (known: {', '.join(readers)})")
        return probe, readers[wanted]
    written = next((entry for entry in formats.values() if not entry.read and path.name.lower().endswith(entry.suffixes)), None)
    try:
        found = _ask_all(probe, readers)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
    except UserError:
        if written is None:
            raise
        found = []
    if not found and written is not None:
        raise UserError(f"{path}: {written.label} can be written, but not read")
    if not found:
        raise UserError(f"{path}: {_why_unknown(probe, readers)}")
    surest = max(recognition.sureness for _, recognition in found)
    meant = [(entry, told) for entry, told in found if told.sureness > surest - _NEARLY]
    if len(meant) > 1:
        readings = " or ".join(f"{entry.label} ({told.why}: --format {entry.name})" for entry, told in meant)
        raise UnclearFormatError(f"{path}: could be {readings}; say which", tuple(entry.name for entry, _ in meant))
    return probe, meant[0][0]


def _ask_all(probe: Probe, readers: Mapping[str, Format]) -> list[tuple[Format, Recognition]]:
    found, refusal = [], None
    for entry in readers.values():
        assert entry.recognise is not None
        try:
            recognition = entry.recognise(probe)
        except UserError as error:  # one that cannot make sense of the file does not keep the others from it
            refusal = refusal or error
            continue
        if recognition is not None:
            found.append((entry, recognition))
    if not found and refusal is not None:
        raise refusal
    return found


def _why_unknown(probe: Probe, readers: Mapping[str, Format]) -> str:
    if probe.is_folder:
        return "no keypoint files in this folder (expected JSON or text files, one per frame); open videos one by one"
    if probe.suffix in VIDEO_SUFFIXES:
        return "is a video, whose keypoints have to be detected first (mpm detect, or mpm lift)"
    if probe.suffix == ".npz" and probe.kind != "zip":
        return "not an npz archive"
    suffixes = sorted({suffix for entry in readers.values() for suffix in entry.suffixes})
    if probe.suffix in suffixes:
        known = "; ".join(entry.label for entry in readers.values() if probe.suffix in entry.suffixes)
        return f"holds no keypoints in a layout that is known for {probe.suffix} files (known: {known}; see docs/formats.md)"
    return f"unknown kind of file (known: {', '.join(suffixes)}, folders of keypoint files and videos)"
