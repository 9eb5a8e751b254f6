"""Owns where recordings are kept, in the user's cache, so that nothing is seen twice."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np

from mpm_core.detectors.base import DetectOptions, Detector
from mpm_core.detectors.recording import Recording
from mpm_core.detectors.recording_arrays import ARRAYS, arrays_of, recording_from
from mpm_core.errors import UserError, as_sentence
from mpm_core.files import written_whole
from mpm_core.formats.pickled_npz import read_npz
from mpm_core.video import VideoInfo

_log = logging.getLogger("mpm")

# Of a large file only so much is read to tell it from others, at both ends and in the middle.
_FINGERPRINT_BYTES = 4_000_000

_DECODER = "PyAV"
"""Recordings of pictures that were decoded otherwise are not taken: some were squeezed, or black."""

_LARGEST_CACHE_BYTES = 500_000_000


class Keeper:
    """The place of one video's recording in the cache, by the file's content, by what was asked, and of which networks.

    looks_again: what is in that place stays there until the new recording is at its end; until then that has a place beside it.
    """

    def __init__(
        self, folder: Path, info: VideoInfo, options: DetectOptions, detector: Detector, models: Mapping[str, Path],
        looks_again: bool = False,
    ) -> None:  # fmt: skip
        self._info, self._options, self._detector = info, options, detector
        from pooch import file_hash

        networks = {name: file_hash(str(path)) for name, path in models.items()}
        what = [fingerprint_of(info.path), asdict(options), _version(detector.package), networks, _DECODER]
        asked = json.dumps(what, sort_keys=True)
        name = hashlib.sha256(asked.encode()).hexdigest()[:24]
        self._last = folder / f"{name}.npz"
        self.path = folder / f"{name}-again.npz" if looks_again and self._last.exists() else self._last

    def load(self) -> Recording | None:
        """What was seen before, whole or not; None for nothing."""
        try:
            recording = recording_from(read_npz(self.path, ARRAYS), self._info, self._options, self._detector.skeleton)
            self.path.touch()  # so that what is not used for longest can be told
        except (OSError, UserError, LookupError, ValueError, TypeError, ArithmeticError):
            if self.path.exists():
                _log.warning("%s: this file of the cache is damaged and not used", self.path)
            return None
        return recording

    def save(self, recording: Recording, is_last: bool = False) -> None:
        """Keep a recording, which takes the place of the one before if it is the last of this detection; what cannot be kept is
        only logged, as the recording itself is there."""
        path = self._last if is_last else self.path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with written_whole(path) as partial, partial.open("wb") as file:
                np.savez(file, **arrays_of(recording))
            if path != self.path:
                self.path.unlink(missing_ok=True)
            _prune(self.path.parent)
        except (OSError, UserError) as error:
            reason = as_sentence(error) if isinstance(error, OSError) else error
            _log.warning("the detection cannot be kept for the next time: %s", reason)


def cache_folder() -> Path:
    """Where recordings are kept."""
    from platformdirs import user_cache_path

    return user_cache_path("mpm-viewer") / "recordings"


def fingerprint_of(path: Path) -> str:
    """A digest of a file's size and of its beginning, middle and end."""
    digest = hashlib.sha256()
    size = path.stat().st_size
    digest.update(str(size).encode())
    with path.open("rb") as file:
        for place in sorted({0, max(size // 2, 0), max(size - _FINGERPRINT_BYTES, 0)}):
            file.seek(place)
            digest.update(file.read(_FINGERPRINT_BYTES))
    return digest.hexdigest()


def _version(package: str) -> str:
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return package


def _prune(folder: Path) -> None:
    """Remove what was not used for longest until the cache is small enough."""
    files = sorted(folder.glob("*.npz"), key=lambda path: path.stat().st_mtime, reverse=True)
    total = 0
    for path in files:
        total += path.stat().st_size
        if total > _LARGEST_CACHE_BYTES and path != files[0]:
            path.unlink(missing_ok=True)
