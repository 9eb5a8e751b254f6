"""Owns what the command line says of aids, and of options that change nothing where they are given."""

from __future__ import annotations

import argparse

from mpm_core.lifters import SAMPLING_LIFTERS
from mpm_core.lifters.aids import NOT_OF_HYPOTHESES, ONLY_IN, Aids
from mpm_core.refiners import split_refiners

_SWITCHES = {
    "mirror": "average with the mirrored answer, which takes twice as long",
    "calibrate": "completion: correct a hidden limb by how far the answer would be off in the visible one on the other side",
    "fit": "lifting: fit the answer to the keypoints, and bring bones that are seen near one length each",
    "grounding": "lifting: move the person so that feet that stand do not slide",
}
"""By default all are on; None is kept of those that nobody has typed."""

_AIDS = {name: name for name in _SWITCHES} | {"grounding": "ground"}
_IN_WORDS = {"lift": "2D is lifted", "complete": "3D is completed"}


def add_aids(parser: argparse.ArgumentParser) -> None:
    """A switch for each; see Aids."""
    for name, what in _SWITCHES.items():
        parser.add_argument(f"--{name}", action=argparse.BooleanOptionalAction, help=f"{what} (default: on)")


def aids_of(options: argparse.Namespace) -> Aids:
    """What was typed; see also idle_options."""
    is_on = {name: getattr(options, name) is not False for name in _SWITCHES}
    return Aids(
        is_on["mirror"], is_on["calibrate"], is_on["fit"], is_on["grounding"],
        **split_refiners(getattr(options, "refine", ()))[1],
    )  # fmt: skip


def idle_options(options: argparse.Namespace, task: str) -> list[str]:
    """What is to be said of options that were typed and change nothing in a task, a sentence each."""
    said = []
    for name in _SWITCHES:
        value = getattr(options, name)
        if value is None:
            continue
        aid, typed = _AIDS[name], f"--{name}" if value else f"--no-{name}"
        other = ONLY_IN.get(aid, task)
        if other != task:
            said.append(f"{typed} changes nothing: it is for when {_IN_WORDS[other]}, and here {_IN_WORDS[task]}")
        elif options.lifter in SAMPLING_LIFTERS and aid in NOT_OF_HYPOTHESES:
            said.append(
                f"{typed} changes nothing: the lifter '{options.lifter}' answers by hypotheses, {NOT_OF_HYPOTHESES[aid]}"
            )
    if task == "complete" and getattr(options, "aggregate", None) not in (None, "mean"):
        said.append(f"--aggregate {options.aggregate} changes nothing: {_IN_WORDS[task]} without a camera, by the mean")
    return said
