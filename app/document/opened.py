"""Owns what is said of a clip when it has opened: how it is lifted, unless that is as usual and was so with the one before."""

from __future__ import annotations

from app.document.lift_options import LiftOptions
from app.document.session import Session


def opened_in_words(name: str, session: Session, before: LiftOptions) -> str:
    """'Opened walk.csv: it has 3D alone, so hidden joints are completed'. before: the options of the clip that was left."""
    ways = how_lifted(session, before)
    return f"Opened {name}" + (f": {', '.join(ways)}" if ways else "")


def how_lifted(session: Session, before: LiftOptions) -> list[str]:
    """The parts of that sentence after the name."""
    clip, options = session.clip, session.options
    ways = []
    if clip is not None and clip.keypoints is None:
        ways.append("it has 3D alone, so hidden joints are completed")
    verb = "completed" if options.task == "complete" else "lifted"
    if options.unusual:
        ways.append(f"{verb} {options.unusual}")
    elif before.lifter != options.lifter:
        ways.append(f"{verb} by {options.lifter.upper()} again, not by {before.lifter.upper()}")
    elif before.unusual:
        ways.append(f"{verb} with the usual options again")
    return ways
