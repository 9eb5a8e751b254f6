"""Owns why a model file is of no use: the errors that say so, and telling a broken file from one of an unknown version."""

from __future__ import annotations

import zipfile
from pathlib import Path

from mpm_core.files import ZIP_ERRORS

_TFLITE_MARK = b"TFL3"
_TASK_MEMBERS = ("pose_detector.tflite", "pose_landmarks_detector.tflite")


class UnusableError(Exception):
    """Why a file or one source of it is of no use; the text is a clause, for a sentence that tries the next."""


class UnreachableError(UnusableError):
    """No connection to the server, so its other addresses are not worth trying either."""


def check_structure(path: Path, smallest: int, largest: int) -> None:
    """UnusableError when a file's size is out of range (bytes), or a .task is broken; ONNX Runtime reads the others itself."""
    size = path.stat().st_size
    if not smallest <= size <= largest:
        raise UnusableError(f"it has {size} bytes, expected were {smallest} to {largest}")
    if path.suffix == ".task":
        _check_task(path)


def is_tflite(head: bytes) -> bool:
    """Whether a file that begins with these eight bytes is a TensorFlow Lite network."""
    return head[4:8] == _TFLITE_MARK


def _check_task(path: Path) -> None:
    """A MediaPipe bundle is a zip with both networks of the pose landmarker; it reads them without looking at their sums."""
    try:
        with zipfile.ZipFile(path) as bundle:
            for member in _TASK_MEMBERS:
                with bundle.open(member) as file:
                    if not is_tflite(file.read(8)):
                        raise UnusableError(f"its '{member}' is not a TensorFlow Lite network")
            if (broken := bundle.testzip()) is not None:
                raise UnusableError(f"its '{broken}' is damaged")
    except KeyError:
        raise UnusableError("it is not a bundle with " + " and ".join(_TASK_MEMBERS)) from None
    except (*ZIP_ERRORS, OSError, ValueError):  # the last two where it points beyond its end
        raise UnusableError("it is not a whole zip file") from None
