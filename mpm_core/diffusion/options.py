"""Owns what can be asked of a sampler: how many hypotheses, in how many steps, from where, and how they become one answer."""

from __future__ import annotations

from dataclasses import dataclass

from mpm_core.errors import UserError

AGGREGATES = ("weighted", "jpma", "mean")
"""How hypotheses become one answer; see aggregation.py."""

STARTS = ("noise", "uncertain")
"""What sampling begins with; see uncertain_start."""

MOST_SAMPLES, MOST_STEPS = 500, 1000
USUAL_SAMPLES = 5
"""What lifters draw that answer by hypotheses alone, where nobody says how many."""

USUAL_STEPS_TOGETHER = 10
"""Of hypotheses that are guided to what several cameras see."""


@dataclass(frozen=True)
class Sampling:
    """samples: hypotheses, 0 for none. steps: in which each is denoised. aggregate, start: entries of AGGREGATES and STARTS.
    seed: of the noise; the same gives the same hypotheses.

    >>> from mpm_core.diffusion.options import Sampling
    >>> Sampling(samples=20, steps=5).checked().aggregate
    'weighted'
    """

    samples: int = 0
    steps: int = 5
    aggregate: str = "weighted"
    start: str = "noise"
    seed: int = 0

    @property
    def can_differ(self) -> bool:
        """Whether there are hypotheses that can lie apart: in a single step from noise all are the same."""
        return self.samples > 1 and (self.steps > 1 or self.start != "noise")

    def checked(self) -> Sampling:
        """Itself; UserError for what no sampler can do."""
        for name, value, least, most in (
            ("samples", self.samples, 0, MOST_SAMPLES),
            ("steps", self.steps, 1, MOST_STEPS),
            ("seed", self.seed, 0, 2**63 - 1),
        ):
            if type(value) is not int or not least <= value <= most:
                raise UserError(f"{name} must be a whole number from {least} to {most}, not {value}")
        for name, chosen, known in (("aggregate", self.aggregate, AGGREGATES), ("start", self.start, STARTS)):
            if chosen not in known:
                raise UserError(f"unknown {name} '{chosen}' (known: {', '.join(known)})")
        return self


NONE = Sampling()
"""The default: one answer, without hypotheses."""
