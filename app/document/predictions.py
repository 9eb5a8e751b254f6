"""Owns the kept answers: predictions of the clip at hand under names, to be looked at beside the one on show."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count
from weakref import WeakSet

import numpy as np
from PySide6.QtCore import QObject, Signal

from app.document.alternatives import limbs_in_words
from app.document.lift_options import LiftOptions
from mpm_core.assets import SAMPLING_LIFTERS, find_asset, shipped_weights
from mpm_core.clip import Clip
from mpm_core.lifters.aids import Aids
from mpm_core.lifters.chosen import followed
from mpm_core.prediction import Prediction

MOST_BYTES = 512_000_000
"""So much memory kept answers may take: about 1.3 million frames."""

_numbers = count(1)

_MIRRORED, _LEARNT = "mirrored answer", "learnt from the visible side"

_AIDS = {
    "lift": {"mirror": _MIRRORED, "fit": "fitted to the keypoints", "ground": "feet still", "refine": "refined (UAO)"},
    "complete": {"mirror": _MIRRORED, "calibrate": _LEARNT},
}

TAKEN, _NONE = "alternatives taken", "none"
"""What the note of an answer tells of alternatives that were taken: in how many of its frames hidden joints follow one."""

_OF_ONE_ANSWER = (_MIRRORED, _LEARNT)
"""What has no say in answers that are made of hypotheses."""


@dataclass(frozen=True, eq=False)
class KeptAnswer:
    """An answer under a name. note: what made it, for people and files: lifter, task, mode, aids, weights, hidden, TAKEN, keys,
    kept.
    number: its own for as long as the program runs, also under another name."""

    name: str
    prediction: Prediction
    note: Mapping[str, str]
    number: int = field(default_factory=lambda: next(_numbers))

    @property
    def follows(self) -> bool:
        """Whether it follows an alternative that was taken, as far as that was noted."""
        return self.note.get(TAKEN, _NONE) != _NONE

    @property
    def nbytes(self) -> int:
        """Of memory."""
        return sum(value.nbytes for value in vars(self.prediction).values() if isinstance(value, np.ndarray))


def keep(name: str, prediction: Prediction, aids: Aids, clip: Clip) -> KeptAnswer:
    """An answer to a clip as it is kept: without the network's single hypotheses, which take as much memory as all the rest."""
    note = {**note_of(prediction, aids, clip), "kept": datetime.now().astimezone().isoformat(timespec="seconds")}
    return KeptAnswer(name, replace(prediction, hypotheses=None, is_pending=None), note)


def note_of(prediction: Prediction, aids: Aids, clip: Clip) -> dict[str, str]:
    """What is noted of an answer to a clip, in words."""
    helped = [words for name, words in _AIDS[prediction.task].items() if getattr(aids, name)]
    ways = [words for words in helped if prediction.lifter not in SAMPLING_LIFTERS or words not in _OF_ONE_ANSWER]
    hidden = prediction.hidden
    joints, follows = int(hidden.any(0).sum()), followed(clip.chosen, hidden)
    limbs, frames = limbs_in_words(np.flatnonzero(follows.any(0)).tolist()).lower(), int(follows.any(1).sum())
    return {
        "lifter": prediction.lifter,
        "task": prediction.task,
        "mode": prediction.mode,
        "aids": ", ".join(ways) or _NONE,
        "weights": weights_of(prediction.lifter),
        "hidden": f"{100 * hidden.mean():.1f} % ({joints} joints, {int(hidden.any(1).sum())} frames)" if joints else "nothing",
        TAKEN: f"in {frames} frame{'s' if frames > 1 else ''} ({limbs})" if frames else _NONE,
        "keys": str(np.count_nonzero(clip.edited if clip.keys is None else clip.keys)),
    }


@functools.lru_cache
def weights_of(lifter: str) -> str:
    """The names of the bundled weights of a lifter, and the beginning of their SHA-256, which tells them from others."""
    paths = [find_asset(asset) for asset in shipped_weights(lifter)]
    return ", ".join(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()[:12]}" for path in paths)


class KeptAnswers(QObject):
    """The list, in the order of keeping, and which of them are on show. Undo commands change it, nothing else."""

    changed = Signal()
    shown_changed = Signal()

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self._answers: tuple[KeptAnswer, ...] = ()
        self._shown: frozenset[int] = frozenset()
        self._alive: WeakSet[KeptAnswer] = WeakSet()

    @property
    def answers(self) -> tuple[KeptAnswer, ...]:
        """All of them."""
        return self._answers

    @property
    def shown(self) -> tuple[KeptAnswer, ...]:
        """Those that are drawn beside the prediction."""
        return tuple(answer for answer in self._answers if answer.number in self._shown)

    def set_answers(self, answers: Iterable[KeptAnswer]) -> None:
        """Replace the list, as commands and opened projects do; what is on show stays so."""
        self._answers = tuple(answers)
        self._alive.update(self._answers)
        self.changed.emit()

    def set_shown(self, number: int, is_shown: bool) -> None:
        """Draw an answer, or no longer. That is a matter of looking, so it is not undone."""
        shown = self._shown | {number} if is_shown else self._shown - {number}
        if shown != self._shown:
            self._shown = shown
            self.shown_changed.emit()

    def find(self, number: int) -> KeptAnswer | None:
        """The answer of a number, if it is on the list."""
        return next((answer for answer in self._answers if answer.number == number), None)

    def place(self, number: int) -> int:
        """Where an answer stands on the list, from 0; its letter and its outline follow from it."""
        return next(place for place, answer in enumerate(self._answers) if answer.number == number)

    @property
    def nbytes(self) -> int:
        """Memory of the kept answers, and of removed ones that undo can bring back."""
        several = {id(answer.prediction): answer.nbytes for answer in self._alive}  # renamed ones share theirs
        return sum(several.values())

    def why_no_room(self, *new: KeptAnswer) -> str:
        """A sentence that says why these cannot be kept too; nothing when they can."""
        needed = self.nbytes + sum(answer.nbytes for answer in new)
        if needed <= MOST_BYTES:
            return ""
        return (
            f"Kept answers take {self.nbytes / 1e6:.0f} MB already (those removed count for as long as undo can bring them"
            f" back), and {MOST_BYTES / 1e6:.0f} MB is the most: save the project, and open it again without some of them."
        )

    def free_name(self, wanted: str) -> str:
        """A name that none has yet."""
        names = {answer.name for answer in self._answers}
        return next(name for n in count(1) if (name := wanted if n == 1 else f"{wanted} ({n})") not in names)


def usual_name(prediction: Prediction, options: LiftOptions, clip: Clip) -> str:
    """How an answer to a clip is called until somebody calls it otherwise."""
    hidden = f", {100 * prediction.hidden.mean():.0f} % hidden" if prediction.hidden.any() else ""
    mode = "" if options.mode == "fast" else f" {options.mode}"
    task = ", completed" if prediction.task == "complete" else ""
    taken = ", alternative taken" if followed(clip.chosen, prediction.hidden).any() else ""
    return f"{prediction.lifter.upper()}{mode}{task}{taken}{hidden}"
