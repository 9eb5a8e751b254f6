"""Owns saying at which rate a clip's frames were really taken, as of slow motion, whatever its file says."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip

TIMES_NOTE = "the video does not tell when its frames are shown"
"""What a note about an assumed frame rate of a video begins with."""

# The same for files of keypoints, and what a note about a rate that somebody gave holds.
_NO_RATE_NOTE = "the file has no frame rate"
_TAKEN = " frames/s taken, as "

TOLD = "told: "
"""What a step of a clip's history begins with that somebody answered when it was read."""

_TOLD_RATE = re.compile(rf"{TOLD}[\d.e+]+ frames/s")


def at_rate(clip: Clip, fps: float, says: str, own: Clip | None = None) -> Clip:
    """The same frames at another rate, in frames/s; they stay as uneven as they are. A note says whose word that is (says:
    "--fps says") and what it replaces. own: the clip as its file has it, where `clip` was at another rate before."""
    own = own or clip
    notes = tuple(note for note in clip.notes if not _is_about_rate(note))
    if fps == own.fps:
        notes += tuple(note for note in own.notes if _is_about_rate(note))
    else:
        notes += (rate_note(fps, says, own.own_fps or (None if is_rate_assumed(own) or is_rate_told(own) else own.fps)),)
    has_none = is_rate_told(own) or any(note.startswith(_NO_RATE_NOTE) for note in own.notes)
    told = own.own_fps or (None if has_none else own.fps)
    own_fps = own.own_fps if fps == own.fps else told
    return replace(clip, fps=fps, times=own.times * (own.fps / fps), notes=notes, own_fps=own_fps)


def rate_note(fps: float, says: str, own_fps: float | None) -> str:
    """That a rate was taken on somebody's word, and what the file says (None: nothing)."""
    was = "the file tells none" if own_fps is None else f"the file's own times say {own_fps:g}"
    return f"{fps:g}{_TAKEN}{says}, where {was}"


def own_times(clip: Clip) -> NDArray[np.float64]:
    """(frames,) seconds at which the clip's own file or video has its frames, at whatever rate they were really taken."""
    return clip.times if clip.own_fps is None else clip.times * (clip.fps / clip.own_fps)


def is_rate_assumed(clip: Clip) -> bool:
    """Whether the clip's file did not tell its rate."""
    return any(note.startswith((TIMES_NOTE, _NO_RATE_NOTE)) for note in clip.notes)


def is_rate_told(clip: Clip) -> bool:
    """Whether somebody gave the clip's rate when it was read, where its file was not known to have another one."""
    return clip.own_fps is None and any(_TOLD_RATE.match(step.text) for step in clip.history)


def _is_about_rate(note: str) -> bool:
    return note.startswith((TIMES_NOTE, _NO_RATE_NOTE)) or _TAKEN in note
