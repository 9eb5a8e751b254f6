"""What is asked of the lifter, and how it is doing."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mpm_core.clip import Clip, split_source
from mpm_core.diffusion.options import NONE, USUAL_SAMPLES, Sampling
from mpm_core.lifters import COMPLETING_LIFTERS, SAMPLING_LIFTERS
from mpm_core.lifters.aids import ALL, NOT_OF_HYPOTHESES, ONLY_IN, Aids
from mpm_core.prediction import Prediction

LACKS = {
    "complete": "This clip has no 3D to complete: only 2D -> 3D is possible.",
    "lift": "This clip has no 2D to lift: only its 3D can be completed.",
}
"""What is said of a clip that has nothing for a task."""


@dataclass(frozen=True)
class LiftOptions:
    """What is asked of the lifter. task: 'lift' or 'complete'. device: 'auto', 'cpu' or 'cuda'. aids:
    see Lifter. sampling: of lifters that answer by hypotheses; in as many steps and from the same start alternatives are drawn
    beside the answers of others."""

    task: str = "lift"
    mode: str = "fast"
    aids: Aids = ALL
    device: str = "auto"
    lifter: str = "mpm"
    sampling: Sampling = Sampling(USUAL_SAMPLES)

    @property
    def of_answer(self) -> LiftOptions:
        """Those that the answer depends on: of lifters that give one answer, sampling says nothing."""
        return self if self.lifter in SAMPLING_LIFTERS else replace(self, sampling=NONE)

    def with_task(self, task: str) -> LiftOptions:
        """The same for another task, by a lifter that can do it."""
        can_do = task == "lift" or self.lifter in COMPLETING_LIFTERS
        return replace(self, task=task, lifter=self.lifter if can_do else COMPLETING_LIFTERS[0])

    def with_lifter(self, lifter: str) -> LiftOptions:
        """The same by another lifter, which lifts if it cannot complete, and refines nothing if it answers by hypotheses."""
        aids = replace(self.aids, refine=False) if lifter in SAMPLING_LIFTERS else self.aids
        return replace(self, lifter=lifter, task=self.task if lifter in COMPLETING_LIFTERS else "lift", aids=aids)

    def for_clip(self, clip: Clip, before: Clip | None) -> LiftOptions:
        """What is asked of the lifter when a clip is opened. before: the one that is left, None where none was open. What was
        chosen holds for the same file or video, read or looked at again, and for what is opened after nothing; another clip is
        lifted as usual: by 2D if it has any."""
        is_same = before is None or split_source(before.source)[0] == split_source(clip.source)[0]
        options = self if is_same else self.as_usual
        if clip.keypoints is None:
            return options.with_task("complete")
        return options.with_task("lift") if clip.ground_truth is None else options

    @property
    def as_usual(self) -> LiftOptions:
        """As the program asks when it starts, on the same device: that belongs to the computer and not to a clip."""
        return LiftOptions(device=self.device)

    @property
    def unusual(self) -> str:
        """What is not as usual, for people: 'by D3DP' or 'with other options than usual'; nothing where all is."""
        usual = self.as_usual.with_task(self.task)
        if self.lifter != usual.lifter:
            return f"by {self.lifter.upper()}"
        return "" if self.of_answer == usual.of_answer else "with other options than usual"

    def why_not(self, aid: str) -> str:
        """Why an aid changes nothing here, for people; nothing where it does."""
        if self.task != ONLY_IN.get(aid, self.task):
            return f"Only for {_TASKS_IN_WORDS[ONLY_IN[aid]]}"
        if self.lifter in SAMPLING_LIFTERS and aid in NOT_OF_HYPOTHESES:
            return f"{self.lifter.upper()} answers by hypotheses, {NOT_OF_HYPOTHESES[aid]}"
        return ""


def unusual_lifter(answer: Prediction | None) -> str:
    """Whose an answer is, where that is not the lifter that usually answers; else nothing."""
    return "" if answer is None or answer.lifter == LiftOptions().lifter else answer.lifter.upper()


_TASKS_IN_WORDS = {"lift": "lifting 2D", "complete": "completing 3D"}


@dataclass(frozen=True)
class LiftState:
    """How the lifter is doing. device: where it runs, empty until it is loaded. done, total: windows; elapsed_ms: from the
    change to the answer under the cursor. is_waiting: nothing has come yet of the answer to what is on show."""

    device: str = ""
    done: int = 0
    total: int = 0
    elapsed_ms: float = 0.0
    error: str = ""
    is_waiting: bool = False

    @property
    def is_streaming(self) -> bool:
        """Whether a part of an answer has come."""
        return self.done < self.total

    @property
    def is_busy(self) -> bool:
        """Whether the prediction on show is not, or not wholly, the answer to what is on show."""
        return self.is_waiting or self.is_streaming
