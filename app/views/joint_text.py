"""Owns what the views say about a joint, and from where on it counts as doubtful."""

from __future__ import annotations

import numpy as np

from app.session import Session
from mpm_core.skeleton import MPM16

LOW_CONFIDENCE = 0.4
"""Joints that the detector is less sure of are marked."""


def describe_joint(session: Session, joint: int) -> str:
    """A joint of the frame at hand in one line: name, what it is, how sure, how far off."""
    clip, frame = session.clip, session.frame
    parts = [MPM16.joints[joint]]
    if clip is None:
        return parts[0]
    if session.unsure[frame, joint]:
        parts.append(f"hidden: below the threshold of {session.threshold:.2f}")
    elif session.missing[frame, joint]:
        parts.append("not measured")
    elif session.mask[frame, joint]:
        parts.append("hidden")
    elif clip.edited[frame, joint]:
        parts.append("edited")
    elif clip.derived[frame, joint]:
        parts.append("derived from other joints")
    if clip.keypoints is not None and clip.visible[frame, joint]:
        parts.append(f"confidence {clip.confidence[frame, joint]:.2f}")
    errors = session.errors
    if errors is not None and np.isfinite(errors[frame, joint]):
        parts.append(f"error {errors[frame, joint]:.0f} mm")
    return "  ·  ".join(parts)
