"""Owns decoded frames around the cursor: as many as a number of bytes holds, the farthest given up first."""

from __future__ import annotations

from threading import Lock

from PySide6.QtGui import QImage

_AHEAD = 0.75
"""Of what there is room for, so much lies where the cursor is going."""

_BACK_CHUNK = 24
_CHUNK_SHARE = 2 / 3
"""Frames before the cursor are decoded so many at a time, and that share of those that there is room for at most: a video can
only be read forwards. The stretches stay the same as the cursor goes back, so that one that was begun is gone on with."""

_SOME_PX = 1920 * 1080 * 4
"""What a frame takes, before the first has come."""


class FrameCache:
    """Pictures by the number of their frame; used by two threads. number: of the video whose pictures it holds, another after
    each clear; a picture that was still being decoded then does not come in among those of the next one."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._lock = Lock()
        self._pictures: dict[int, QImage] = {}
        self._bytes = 0
        self.number = 0

    def clear(self) -> None:
        """Another video."""
        with self._lock:
            self._pictures.clear()
            self._bytes = 0
            self.number += 1

    def get(self, frame: int) -> QImage | None:
        """The picture of a frame, a null one where the video has none; None where it is not there yet."""
        with self._lock:
            return self._pictures.get(frame)

    def put(self, frame: int, picture: QImage, cursor: int, direction: int = 0, number: int = 0) -> None:
        """Keep a picture of the video of that number; what is farthest from the cursor makes room for it. direction: where the
        cursor is going, 1 or -1; what lies there is given up later than what lies behind."""
        with self._lock:
            if number != self.number:
                return
            self._bytes += picture.sizeInBytes() - (self._pictures.pop(frame, QImage()).sizeInBytes())
            self._pictures[frame] = picture
            while self._bytes > self._most_bytes and len(self._pictures) > 1:
                farthest = max(self._pictures, key=lambda n: _distance(n - cursor, direction))
                self._bytes -= self._pictures.pop(farthest).sizeInBytes()

    def size_bytes(self) -> int:
        """What the pictures take."""
        with self._lock:
            return self._bytes

    def room(self) -> int:
        """How many frames like those that are there it holds."""
        with self._lock:
            one = max((p.sizeInBytes() for p in self._pictures.values()), default=_SOME_PX)
        return max(self._most_bytes // max(one, 1), 2)

    def wanted(self, cursor: int, direction: int, frames: int) -> list[int]:
        """Frames to decode next around a cursor that moves forward (1) or back (-1), in the order to decode them."""
        ahead = int((self.room() - 1) * _AHEAD)
        behind = self.room() - 1 - ahead
        later, earlier = (ahead, behind) if direction >= 0 else (behind, ahead)
        forward = [n for n in range(cursor + 1, min(cursor + later, frames - 1) + 1) if self.get(n) is None]
        back = [n for n in _backwards(cursor, earlier) if self.get(n) is None]
        return forward + back if direction >= 0 else back + forward


def _distance(frames: int, direction: int) -> float:
    """How far a frame is from the cursor, as far as keeping it goes: as `wanted` shares out the room."""
    return abs(frames) * ((1 - _AHEAD) if frames * direction > 0 else _AHEAD)


def _backwards(cursor: int, reach: int) -> list[int]:
    """The frames before a cursor, so many at most: in stretches that are read forwards, the nearest first, which may be cut."""
    chunk = max(min(_BACK_CHUNK, round(reach * _CHUNK_SHARE)), 1)
    farthest, last, found = max(cursor - reach, 0), cursor - 1, list[int]()
    while last >= farthest:
        first = last // chunk * chunk
        if first < farthest and found:
            break  # not a frame of it at a time: each would be read from the key frame before
        found += range(max(first, farthest), last + 1)
        last = first - 1
    return found
