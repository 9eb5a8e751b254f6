"""Owns where feet and toes point. No joint beyond the ankle is known: in flight a foot hangs from its shin, a standing one
lies on the floor, and neither goes through it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d, label, maximum_filter1d, sum_labels
from scipy.spatial.transform import Rotation

from mpm_core.rig.smoothing import smooth_angle
from mpm_core.rig.turns import X, Y, apply, transposed, turn

Vectors = NDArray[np.float64]

_HANGS_DEG = 15.0
"""A foot that does not stand points down so much more than one on which a straight leg stands."""

_LANDS_S, _BLEND_S = 0.03, 0.03
"""A foot lies flat so long before and after it stands; the standard deviation by which that is blended."""

_UPRIGHT = (0.3, 0.65)
"""Cosines of a shin's tilt: a foot cannot lie flat under one that tilts more (70 degrees), and does under one less (50)."""

_ANKLE_DEG = (-40.0, 75.0)
"""How far an ankle goes, toes up and toes down."""

_BEYOND_COSTS = 3.0
"""Of turning an ankle beyond that, beside turning it."""

_PASSES_COST_S = 1.0
"""Of toes that come through the floor to its other side: as long a time as it takes to turn them so for the same."""

_FASTEST_DEG = 400.0
"""A second: no faster does a foot turn against its shin to get ready to stand, to leave the floor, or out of its way."""

_CLEARANCE_M = 0.01
"""Toes keep so far above the floor."""

_SWIVEL_S = 0.6
"""A standing foot points where its knee does in the mean over about so long."""


def foot_turns(shin: Vectors, ankle: Vectors, contact: Vectors, toes: Vectors, fps: float) -> Vectors:
    """(frames, 3, 3) where a foot is turned to; y up, the floor at 0.

    shin: (frames, 3, 3); ankle: (frames, 3) metres; contact: (frames,) 0 to 1; toes: (3,) metres from the ankle to their end,
    in the rest pose.
    """
    hanging = shin @ turn(X, np.radians([_HANGS_DEG]))
    share = _smoothstep(shin[:, 1, 1], *_UPRIGHT) * _standing_share(contact, fps)
    flat = turn(Y, _heading(shin, share, fps))
    between = Rotation.from_matrix(transposed(hanging) @ flat).as_rotvec()
    share = _in_time(share, np.radians(_FASTEST_DEG) / fps / np.maximum(np.linalg.norm(between, axis=-1), 1e-3))
    foot = hanging @ Rotation.from_rotvec(between * share[:, None]).as_matrix()
    return foot @ turn(X, _lift(foot, toes, ankle[:, 1], _pitch(shin, foot), fps))


def _standing_share(contact: Vectors, fps: float) -> Vectors:
    """(frames,) 0 to 1, smooth in time."""
    stands = maximum_filter1d(_smoothstep(contact, 0.3, 0.6), 2 * round(_LANDS_S * fps) + 1, mode="nearest")
    smooth: Vectors = gaussian_filter1d(stands, _BLEND_S * fps, mode="nearest")
    return smooth


def _heading(shin: Vectors, share: Vectors, fps: float) -> Vectors:
    """(frames,) radians about y from z: where the shin's front points, steady as long as a foot stands."""
    told = shin[:, 2, 2] + 1j * shin[:, 0, 2]
    return smooth_angle(told, fps, _SWIVEL_S * np.minimum(share[1:], share[:-1]), 0.0)


def _pitch(shin: Vectors, foot: Vectors) -> Vectors:
    """(frames,) radians by which the toes point down from the shin, 0 at rest."""
    front = apply(transposed(shin), foot[:, :, 2])
    return np.arctan2(-front[:, 1], front[:, 2])


def _lift(foot: Vectors, end: Vectors, height: Vectors, pitch: Vectors, fps: float) -> Vectors:
    """(frames,) radians by which to turn a foot about its own x, so that its end does not go through the floor.

    end: (3,) metres from the ankle, which lies `height` (frames,) above the floor. pitch: how far the toes point down from
    the shin already. While the toes would be under the floor they go the one way, up or down, that suits the ankle best.
    """
    up = foot[:, 1]  # the vertical in the foot's axes
    along = up[:, 1] * end[1] + up[:, 2] * end[2]  # height of the end over the ankle: along cos + across sin
    across = up[:, 2] * end[1] - up[:, 1] * end[2]
    lowest = (_CLEARANCE_M - height - up[:, 0] * end[0]) / np.maximum(np.hypot(along, across), 1e-9)
    opening = np.arccos(np.clip(lowest, -1, 1))
    highest = np.arctan2(across, along)
    runs, count = label(np.abs(highest) > opening)
    ways = (np.stack((highest + opening, highest - opening)) + np.pi) % (2 * np.pi) - np.pi
    ways[0], ways[1] = np.minimum(ways[0], 0), np.maximum(ways[1], 0)  # toes up, toes down
    least, most = np.radians(_ANKLE_DEG)
    beyond = np.maximum(least - pitch - ways, 0) + np.maximum(pitch + ways - most, 0)
    costs = np.abs(ways) + _BEYOND_COSTS * beyond
    # A run that begins or ends within the clip does so at one side of the floor: the other way leads through it.
    edge = np.diff(runs != 0)
    costs[:, 1:][:, edge] += _PASSES_COST_S * fps * np.abs(ways[:, 1:][:, edge])
    costs[:, :-1][:, edge] += _PASSES_COST_S * fps * np.abs(ways[:, :-1][:, edge])
    up_cost, down_cost = (sum_labels(cost, runs, np.arange(count + 1)) for cost in costs)
    goes_up = (up_cost <= down_cost)[runs]
    size = 2 * max(round(_LANDS_S * fps), 1) + 1
    lift = np.zeros(len(foot))
    for way, chosen, sign in ((ways[0], goes_up, -1.0), (ways[1], ~goes_up, 1.0)):
        needed = maximum_filter1d(np.where((runs > 0) & chosen, sign * way, 0.0), size, mode="nearest")
        needed = _in_time(needed, np.full(len(foot), np.radians(_FASTEST_DEG) / fps))
        lift += sign * gaussian_filter1d(needed, _BLEND_S / 2 * fps, mode="nearest")
    return lift


def _in_time(needed: Vectors, steps: Vectors) -> Vectors:
    """(frames,) the least that is nowhere less than needed and changes by no more than `steps` from frame to frame: what
    comes too fast begins before and ends after."""
    gone = np.cumsum(steps)
    before = np.maximum.accumulate(needed + gone) - gone
    after = np.maximum.accumulate((needed - gone)[::-1])[::-1] + gone
    return np.maximum(before, after)


def _smoothstep(values: Vectors, low: float, high: float) -> Vectors:
    share = np.clip((values - low) / (high - low), 0, 1)
    return share * share * (3 - 2 * share)
