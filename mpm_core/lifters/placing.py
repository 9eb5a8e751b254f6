"""Owns how hypotheses are laid on an answer that was fitted to its keypoints since."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mpm_core.masking import Mask
from mpm_core.skeleton import MPM16


def laid_on(hypotheses: NDArray[np.floating], positions: NDArray[np.floating], hidden: Mask) -> NDArray[np.float32]:
    """Hypotheses (samples, frames, 16, 3) so that their mean is where positions (frames, 16, 3) are at the joints that are not
    hidden (frames, 16); all in metres from Hip in the same axes. How far they lie apart stays as it is.

    A hidden joint moves with the nearest joints up and down its limb that are not hidden, by the mean of both. Hip stays where
    it is, hidden or not: everything is measured from there.
    """
    hidden = hidden.copy()
    hidden[:, MPM16.root] = False  # everything is measured from there, so that it is in the same place wherever it is hidden
    shift = np.where(hidden[..., None], 0, positions - hypotheses.mean(0))
    parents = MPM16.parents
    down, known_down = shift.copy(), ~hidden
    for joint in MPM16.parents_first:
        parent = parents[joint]
        if parent >= 0:
            takes = hidden[:, joint] & known_down[:, parent]
            down[takes, joint] = down[takes, parent]
            known_down[:, joint] |= takes
    up, known_up = shift.copy(), ~hidden
    for joint in reversed(MPM16.parents_first):
        parent = parents[joint]
        if parent >= 0:
            takes = hidden[:, parent] & known_up[:, joint] & ~known_up[:, parent]
            up[takes, parent] = up[takes, joint]
            known_up[:, parent] |= takes
    count = known_down.astype(np.float32) + known_up
    total = np.where(known_down[..., None], down, 0) + np.where(known_up[..., None], up, 0)
    laid = hypotheses + total / np.maximum(count, 1)[..., None]
    return (laid - laid[:, :, MPM16.root, None]).astype(np.float32)
