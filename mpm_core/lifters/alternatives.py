"""Owns the alternatives to an answer in a range of frames: hypotheses that are drawn while somebody looks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.diffusion.options import Sampling
from mpm_core.errors import UserError
from mpm_core.lifters.denoisers import load_denoiser
from mpm_core.lifters.drawing import Drawer, FirstAnswer
from mpm_core.lifters.placing import laid_on
from mpm_core.masking import Mask
from mpm_core.networks.denoiser import Denoiser
from mpm_core.prediction import Prediction
from mpm_core.progress import Progress
from mpm_core.skeleton import MPM16


class Alternatives:
    """Draws hypotheses with the denoiser. hypotheses: (samples, frames of the range, 16, 3) of the last draw that went through,
    placed as the answer's positions are: metres from Hip in camera axes, times the answer's scale.

    Where joints are visible, their mean is the answer, fitted or not, and they lie apart by what their keypoints leave open;
    hidden joints move along with the visible ones of their limb (see placing.py). In completion visible joints are those of the
    clip.
    """

    def __init__(self, model: Denoiser) -> None:
        self._model = model
        self._drawer: tuple[Clip, str, Drawer] | None = None
        self.hypotheses: NDArray[np.float32] = np.zeros((0, 0, len(MPM16), 3), np.float32)

    @classmethod
    def load(cls, device: str = "auto", weights: Path | None = None) -> Alternatives:
        """With the shipped denoiser, or that of a file; UserError where there is none."""
        from mpm_core.lifters import find_device

        return cls(load_denoiser(find_device(device), weights).model)

    def draw(
        self,
        clip: Clip,
        mask: Mask | None,
        answer: Prediction,
        frames: slice,
        samples: int = 5,
        steps: int = 5,
        seed: int = 0,
        task: str = "lift",
        start: str = "noise",
    ) -> Iterator[Progress]:
        """Draw for some frames of a clip with a mask (frames, 16); yields after every batch, and fills `hypotheses` at the end.

        answer: to this clip and mask. Closing the iterator gives it up. UserError for a range without frames, or what no
        sampler can do.
        """
        sampling = Sampling(samples, steps, start=start, seed=seed).checked()
        first, last, step = frames.indices(len(clip))
        if step != 1 or first >= last or samples < 1:
            raise UserError("alternatives need at least one hypothesis, and a range of frames that follow each other")
        part = slice(first, last)
        drawer = self._drawer_of(clip, task)
        hidden = drawer.missing if mask is None else drawer.missing | mask
        apart = None if answer.uncertainty is None else answer.uncertainty / np.float32(answer.scale)
        known = FirstAnswer(np.nan_to_num(answer.positions) / np.float32(answer.scale), apart)
        yield from drawer.draw(hidden, part, sampling, known)
        drawn = drawer.hypotheses * np.float32(answer.scale)
        self.hypotheses = drawn if task == "complete" else laid_on(drawn, answer.positions[part], hidden[part])

    def _drawer_of(self, clip: Clip, task: str) -> Drawer:
        """Kept for as long as the clip stays the same."""
        if self._drawer is None or self._drawer[0] is not clip or self._drawer[1] != task:
            self._drawer = (clip, task, Drawer(self._model, clip.to_mpm16(), task))
        return self._drawer[2]
