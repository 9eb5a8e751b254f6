"""What helps a network's answer: each aid can be left out."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Aids:
    """What is done to an answer beside running the network once.

    mirror: average with the answer to the mirrored clip, which is 2 to 3 % more accurate and takes twice as long. Lifters
    that answer by hypotheses have no use for it, nor for calibrate. calibrate, in completion: correct hidden joints by how
    far the answer would be off in their mirror joints, where these are visible (see calibration.py), which takes twice as
    long. fit, in lifting: fit the answer to the keypoints, and bring bones that are seen near one length each (see
    body_fit.py), which without noise takes a fifth of the error away; uncertainty, and hypotheses of the mirror, stay the
    network's. ground, in lifting: move the person and their legs so that feet that stand do not slide and are not under the
    floor (see grounding/path.py). refine, in lifting: optimise what the network knows of each window until its answer agrees
    with the keypoints (see refining.py), before it is fitted; off unless it is asked for, since it takes 3 ms of processor
    time a frame.

    >>> import mpm_core
    >>> from mpm_core.assets import find_asset
    >>> clip = mpm_core.read_clip(find_asset("demo/demo.npz"))
    >>> as_the_network_says = mpm_core.Aids(mirror=False, fit=False, ground=False)
    >>> mpm_core.load_lifter("mpm", "cpu").lift(clip, aids=as_the_network_says).positions.shape
    (730, 16, 3)
    """

    mirror: bool = True
    calibrate: bool = True
    fit: bool = True
    ground: bool = True
    refine: bool = False


ALL = Aids()
"""The default: the best answer that a click need not wait for."""

ONLY_IN = {"calibrate": "complete", "fit": "lift", "ground": "lift", "refine": "lift"}
"""The task that an aid is for, where it is not for both."""

NOT_OF_HYPOTHESES = {
    "mirror": "with which no mirrored answer is averaged",
    "calibrate": "which are not corrected by the other side",
    "refine": "which cannot be refined",
}
"""Why an aid changes nothing of lifters that answer by hypotheses, as the end of a sentence."""
