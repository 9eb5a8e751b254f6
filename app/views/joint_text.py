"""Owns what the views say about a joint, and from where on it counts as doubtful."""

from __future__ import annotations

from html import escape

import numpy as np

from app.document.session import Session
from app.document.words import frames_in_words, joint_in_words
from app.look.theme import Theme
from mpm_core.clip import Clip
from mpm_core.suspicions import LOW_CONFIDENCE


def describe_joint(session: Session, joint: int) -> str:
    """A joint of the frame at hand in one line: name, what it is, how sure, how far off."""
    clip, frame = session.clip, session.frame
    parts = [joint_in_words(joint)]
    if clip is None:
        return parts[0]
    if session.unsure[frame, joint]:
        parts.append(f"hidden: below the threshold of {session.threshold:.2f}")
    elif session.missing[frame, joint]:
        parts.append("not measured")
    elif session.mask[frame, joint]:
        parts.append("hidden")
    elif clip.edited[frame, joint]:
        parts.append(_how_corrected(clip, frame, joint))
    elif clip.derived[frame, joint]:
        parts.append("derived from other joints")
    parts += _alternatives(session, frame, joint)
    if clip.completed is not None and clip.completed[frame, joint]:
        parts.append("the file's 3D was filled in by a lifter")
    if clip.keypoints is not None and clip.visible[frame, joint]:
        parts.append(f"confidence {clip.confidence[frame, joint]:.2f}")
    errors = session.errors_at(frame)
    if errors is not None and session.renewal.is_outdated(frame):
        parts.append("error …")
    elif errors is not None and np.isfinite(errors[joint]):
        parts.append(f"error {errors[joint]:.0f} mm")
    return "  ·  ".join(parts)


def joint_tip(session: Session, joint: int, theme: Theme, can_drag: bool) -> str:
    """The same with what the mouse does to it in a quiet second line, for a tooltip. can_drag: in the picture."""
    text, words = escape(describe_joint(session, joint)), _what_mouse_does(session, joint, can_drag)
    if not words:
        return text
    return f'<div style="white-space: pre">{text}<br><span style="color: {theme.muted}">{words}</span></div>'


def _what_mouse_does(session: Session, joint: int, can_drag: bool) -> str:
    clip, frame = session.clip, session.frame
    is_hidden, where = bool(session.mask[frame, joint]), " over the range" if session.range is not None else ""
    is_there = is_hidden or not session.missing[frame, joint]
    words = [f"click {'shows' if is_hidden else 'hides'} it{where}"] if is_there else []
    if can_drag and clip is not None and clip.keypoints is not None:
        words.append(f"drag corrects it{where}")
    return ", ".join(words).capitalize()


def describe_cell(session: Session, joints: tuple[int, ...], frame: int, label: str) -> str:
    """A cell of the timeline in one line: what of the limb or joint the lifter is not shown in a frame, and why."""
    columns = list(joints)
    masked, unsure = session.mask[frame, columns], session.unsure[frame, columns]
    absent = session.missing[frame, columns] & ~unsure
    counts = {
        "hidden by you": int(masked.sum()),
        "not seen": int((absent & ~masked).sum()),
        f"less sure than {session.threshold:.2f}": int((unsure & ~masked).sum()),
    }
    are_several = len(columns) > 1
    parts = [f"{n} of {len(columns)} joints {words}" if are_several else words for words, n in counts.items() if n]
    clip = session.clip
    if not parts and clip is not None and clip.keypoints is not None:
        is_doubtful = (clip.confidence[frame, columns] < LOW_CONFIDENCE).any()
        parts = ["the detector was unsure"] if is_doubtful else []
    if clip is not None and clip.edited[frame, columns].any():
        parts.append(", ".join(_how_corrected(clip, frame, joint) for joint in columns if clip.edited[frame, joint]))
    parts += [words for joint in columns for words in _alternatives(session, frame, joint)][:1]
    return f"{label}, {frames_in_words(frame)}: {', '.join(parts) or 'shown to the lifter'}"


def _alternatives(session: Session, frame: int, joint: int) -> list[str]:
    """Whether an alternative was taken for a joint, and how far those on show lie apart."""
    clip, cloud = session.clip, session.alternatives.cloud_of(session)
    if clip is not None and clip.chosen is not None and clip.chosen[frame, joint, 3] > 0:
        is_hidden = session.hidden[frame, joint]
        return ["an alternative was taken" if is_hidden else "an alternative was taken, which rests while this is shown"]
    if cloud is None or not cloud.first <= frame <= cloud.last or not cloud.hidden[frame - cloud.first, joint]:
        return []
    return [f"uncertain by {100 * cloud.spread[frame - cloud.first, joint]:.0f} cm"]


def _how_corrected(clip: Clip, frame: int, joint: int) -> str:
    """Of an edited joint: by how much, and whether by hand or by what lies between keys."""
    kind = "corrected (key)" if clip.keys is None or clip.keys[frame, joint] else "corrected (between keys)"
    if clip.keypoints is None or clip.original is None or not clip.original[frame, joint, 2] > 0:
        return kind
    off = np.linalg.norm(clip.keypoints[frame, joint] - clip.original[frame, joint, :2])
    return f"{kind} by {off:.0f} px"
