"""The video that the document belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class VideoLink:
    """path: of the video behind the skeleton. is_source: whether the clip was detected in it, so that its times are the
    video's. fingerprint: of its content, as it was when it was saved first, or nothing where it never was."""

    path: Path
    is_source: bool = False
    fingerprint: str = ""
