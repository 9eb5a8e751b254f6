"""Owns what the command line says of hypotheses."""

from __future__ import annotations

import argparse

from mpm_core.diffusion.options import AGGREGATES, NONE, STARTS, USUAL_SAMPLES, Sampling
from mpm_core.errors import UserError
from mpm_core.lifters import SAMPLING_LIFTERS

_ABOUT_SAMPLING = ("steps", "aggregate", "start", "seed")


def add_sampling(parser: argparse.ArgumentParser) -> None:
    """Options of hypotheses; see Sampling."""
    group = parser.add_argument_group("hypotheses", "several answers instead of one, see docs/hypotheses.md")
    group.add_argument(
        "--samples", type=int, metavar="N", help=f"how many (default: none; {USUAL_SAMPLES} of a lifter that answers by them)"
    )
    group.add_argument("--steps", type=int, metavar="N", help=f"in how many steps each is denoised (default: {NONE.steps})")
    group.add_argument(
        "--aggregate", choices=AGGREGATES, help=f"how d3dp and platypose make one answer (default: {NONE.aggregate})"
    )
    group.add_argument(
        "--start", choices=STARTS, help=f"from noise, or from how unsure the first answer is (default: {NONE.start})"
    )
    group.add_argument("--seed", type=int, help=f"of the noise (default: {NONE.seed})")


def sampling_of(options: argparse.Namespace) -> Sampling:
    """What was typed; UserError for what cannot be, or says something about hypotheses that nobody wants."""
    given = {name: getattr(options, name) for name in _ABOUT_SAMPLING if getattr(options, name) is not None}
    samples = options.samples or 0
    if not samples and given and options.lifter not in SAMPLING_LIFTERS:
        raise UserError(f"--{next(iter(given))} says something about hypotheses, but no --samples are asked for")
    if "aggregate" in given and options.lifter not in SAMPLING_LIFTERS:
        raise UserError(
            f"--aggregate makes the answer of {' and '.join(SAMPLING_LIFTERS)}; that of '{options.lifter}' is its own"
        )
    sampling = Sampling(samples, **given).checked()
    if samples and getattr(options, "uncertainty", False) and not sampling.can_differ:
        raise UserError(
            "--uncertainty needs hypotheses that differ: two or more, in two or more --steps or from --start uncertain"
        )
    return sampling
