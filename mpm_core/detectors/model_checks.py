"""Owns telling a whole, genuine model file from a broken or a wrong one, by digest or else by size and structure."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import BinaryIO

from mpm_core.files import ZIP_ERRORS

_CHUNK_BYTES = 1 << 20
_TFLITE_MARK = b"TFL3"
_TASK_MEMBERS = ("pose_detector.tflite", "pose_landmarks_detector.tflite")

# Fields of onnx.ModelProto (onnx/onnx.proto) and the wire types of protobuf.
_ONNX_FIELDS = frozenset({1, 2, 3, 4, 5, 6, 7, 8, 14, 20, 25, 26})
_ONNX_GRAPH = 7
_VARINT, _LENGTH = 0, 2
_LONGEST_VARINT = 10


class UnusableError(Exception):
    """Why a file or one source of it is of no use; the text is a clause, for a sentence that tries the next."""


def check_content(path: Path, kind: str, sha256: Collection[str], smallest: int, largest: int) -> None:
    """UnusableError when the file has none of these SHA-256 digests or, where none is given, by check_structure."""
    if sha256:
        if digest_of(path) not in sha256:
            raise UnusableError("its SHA-256 is not that of the published model")
        return
    check_structure(path, kind, smallest, largest)


def check_structure(path: Path, kind: str, smallest: int, largest: int) -> None:
    """UnusableError when the size is out of range (bytes), or the file is not a whole one of its kind: .task or .onnx."""
    size = path.stat().st_size
    if not smallest <= size <= largest:
        raise UnusableError(f"it has {size} bytes, expected were {smallest} to {largest}")
    _CHECKS[kind](path)


def digest_of(path: Path) -> str:
    """SHA-256 of a file, as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()


def is_tflite(head: bytes) -> bool:
    """Whether a file that begins with these eight bytes is a TensorFlow Lite network."""
    return head[4:8] == _TFLITE_MARK


def _check_task(path: Path) -> None:
    """A MediaPipe bundle is a zip with both networks of the pose landmarker."""
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


def _check_onnx(path: Path) -> None:
    """An ONNX model is one protobuf message: its fields follow each other up to the last byte, and one is the graph."""
    size = path.stat().st_size
    seen = set()
    with path.open("rb") as file:
        while file.tell() < size:
            field, wire_type = divmod(_read_varint(file), 8)
            if field not in _ONNX_FIELDS or wire_type not in (_VARINT, _LENGTH):
                raise UnusableError("it is not an ONNX model")
            value = _read_varint(file)
            if wire_type == _LENGTH:
                if value > size - file.tell():
                    raise UnusableError("it is not a whole ONNX model")
                file.seek(value, os.SEEK_CUR)
            seen.add(field)
        if _ONNX_GRAPH not in seen:
            raise UnusableError("it is not a whole ONNX model")


def _read_varint(file: BinaryIO) -> int:
    value = 0
    for place in range(_LONGEST_VARINT):
        byte = file.read(1)
        if not byte:
            break
        value |= (byte[0] & 0x7F) << (7 * place)
        if byte[0] < 0x80:
            return value
    raise UnusableError("it is not a whole ONNX model")


_CHECKS: Mapping[str, Callable[[Path], None]] = {".task": _check_task, ".onnx": _check_onnx}
