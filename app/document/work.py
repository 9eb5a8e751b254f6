"""Owns how a person's work on a clip is told in a few words, where it may be lost."""

from __future__ import annotations

from app.document.session import Session


def work_in_words(session: Session) -> str:
    """What somebody has done to the clip, as far as it has a name: 'what is hidden in 80 frames, 2 kept answers'."""
    clip, parts = session.clip, list[str]()
    if clip is None:
        return ""
    if hidden := int(session.mask.any(1).sum()):
        parts.append(f"what is hidden in {_counted(hidden, 'frame')}")
    if clip.keys is not None and (keys := int(clip.keys.sum())):
        parts.append(_counted(keys, "key"))
    if clip.chosen is not None and clip.chosen[..., 3].any():  # as after it was taken back
        parts.append("alternatives that were taken")
    if answers := len(session.kept.answers):
        parts.append(_counted(answers, "kept answer"))
    if session.truth_origin is not None:
        parts.append("the ground truth that was added")
    return ", ".join(parts) or "what was changed in the clip"


def _counted(count: int, word: str) -> str:
    return f"{count} {word}{'s' if count != 1 else ''}"
