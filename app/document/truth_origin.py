"""Owns TruthOrigin: which recording the ground truth of a clip is from, and when it began."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from mpm_core.clip import Clip

if TYPE_CHECKING:
    from mpm_core.truth.timing import Timing


@dataclass(frozen=True, eq=False)
class TruthOrigin:
    """motion: the recording as it was read. timing: when it began in the clip. is_sure: whether movement and picture agree."""

    motion: Clip
    timing: Timing
    is_sure: bool
