"""Owns the table of 2D detectors, which make clips of videos."""

from __future__ import annotations

from collections.abc import Mapping

from mpm_core.detectors import mediapipe, rtmpose
from mpm_core.detectors.base import Detector
from mpm_core.errors import UserError

DETECTORS: Mapping[str, Detector] = {detector.name: detector for detector in (*mediapipe.DETECTORS, rtmpose.DETECTOR)}
"""All detectors, the usual one first."""


def find_detector(name: str) -> Detector:
    """A detector that is ready to start; UserError for a name that there is not, or one that is not installed."""
    if name not in DETECTORS:
        raise UserError(f"unknown detector '{name}' (known: {', '.join(DETECTORS)})")
    reason = DETECTORS[name].why_missing()
    if reason:
        raise UserError(reason)
    return DETECTORS[name]
