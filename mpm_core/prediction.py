"""Owns Prediction: the 3D answer of a lifter, with what was hidden from it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mpm_core.errors import UserError
from mpm_core.grounding.floor import FEET
from mpm_core.provenance import History
from mpm_core.skeleton import MPM16


@dataclass(frozen=True)
class Refinement:
    """What refining has done to an answer. before_px, after_px: how far joints lay from their keypoints, as the camera sees
    them, the mean in pixels; mean_m, largest_m: by which joints were moved beside Hip, metres."""

    before_px: float
    after_px: float
    mean_m: float
    largest_m: float

    def sentence(self, scale: float = 1.0) -> str:
        """For people, of an answer that was scaled afterwards."""
        return (
            f"joints lie {self.after_px:.1f} px from their keypoints instead of {self.before_px:.1f}, and were moved by"
            f" {1000 * scale * self.mean_m:.0f} mm on average and {1000 * scale * self.largest_m:.0f} at most"
        )


@dataclass(frozen=True, eq=False)
class Prediction:
    """3D positions of the MPM-16 joints over the frames of a clip.

    positions: (frames, 16, 3) float32 metres in camera axes (x right, y down, z forward), Hip at the origin. root: (frames,
    3) float32 metres, Hip in camera space, so that positions + root is where the person stands; zero when unknown. hidden:
    (frames, 16) bool, what the lifter was not shown. is_prior_only: (frames,) bool, True where the lifter saw nothing within
    its whole window, so that the pose is only what people usually do. hypotheses: (samples, frames, 16, 3) as positions, when
    the lifter weighed several, else None; of the mirrored readings they are the network's, before anything is fitted, and
    those that were drawn are laid on the fitted answer (see lifters/placing.py). uncertainty: (frames, 16) metres, how far
    the hypotheses lie from their mean (root mean square), else None; NaN where there is one alone, or they cannot differ.
    lifter, task, mode: what made it. times: (frames,)
    seconds. scale: by what all metres here were multiplied, so that the person is as tall as somebody said. history: what was
    done for this answer, without what was done to the clip before; see provenance.py.

    What the network tells of the ground, None where it tells nothing: up: (3,) unit vector away from it, in camera axes, for
    the whole clip, since the camera stands still; up_error_deg: how far that is off, in the middle of all cases that look
    alike; foot_odds: (frames, 2) log odds that a foot stands, left first, see contact; foot_height: (frames, 2) metres of the
    ankles above where ankles stand. moved: (frames, 16) metres by which joints were moved so that feet that stand do,
    and stands: (frames, 2), see contact, as it was told before; None where nothing was. drift: m/s at which feet that stand
    went by before, where that tells of a moving camera (see grounding/drifting.py). refinement: what refining has done, before
    anything was fitted, scaled or grounded; None where nothing was refined.

    is_pending: (frames,) bool, those whose answer is still one to what was asked before, or there is none yet, while a task is
    being updated; None once it is whole.

    >>> import numpy as np
    >>> import mpm_core
    >>> from mpm_core.assets import find_asset
    >>> clip = mpm_core.read_clip(find_asset("demo/demo.npz"))
    >>> mask = np.zeros((len(clip), 16), bool)
    >>> mask[100:200, clip.skeleton.index("LWrist")] = True  # hidden from the lifter
    >>> prediction = mpm_core.load_lifter("mpm", "cpu").lift(clip, mask=mask)
    >>> prediction.positions.shape, int(prediction.hidden.sum()), prediction.lifter, prediction.task
    ((730, 16, 3), 100, 'mpm', 'lift')
    """

    positions: NDArray[np.float32]
    root: NDArray[np.float32]
    hidden: NDArray[np.bool_]
    is_prior_only: NDArray[np.bool_]
    times: NDArray[np.float64]
    fps: float
    lifter: str
    task: str
    mode: str
    hypotheses: NDArray[np.float32] | None = None
    uncertainty: NDArray[np.float32] | None = None
    up: NDArray[np.float32] | None = None
    up_error_deg: float | None = None
    foot_odds: NDArray[np.float32] | None = None
    foot_height: NDArray[np.float32] | None = None
    moved: NDArray[np.float32] | None = None
    drift: float | None = None
    stands: NDArray[np.float32] | None = None
    scale: float = 1.0
    refinement: Refinement | None = None
    is_pending: NDArray[np.bool_] | None = None
    history: History = ()

    def __post_init__(self) -> None:
        arrays = (self.positions, self.root, self.hidden, self.is_prior_only, self.times, self.hypotheses, self.uncertainty)
        for array in (*arrays, self.up, self.foot_odds, self.foot_height, self.moved, self.stands, self.is_pending):
            if array is not None:
                array.flags.writeable = False

    def __len__(self) -> int:
        return len(self.positions)

    @cached_property
    def contact(self) -> NDArray[np.float32] | None:
        """(frames, 2) probability 0 to 1 that a foot stands, left first: what the network tells, and how the lifted foot
        moves. None where the network tells nothing; zero in frames that were never answered."""
        if self.stands is not None:
            return self.stands  # feet that were made to stand still would be told to stand longer
        if self.foot_odds is None or self.up is None:
            return None
        from mpm_core.grounding.standing import contact_odds  # scipy is slow to import, and not needed to show an answer

        answered = np.isfinite(self.positions[:, 0, 0])
        contact = np.zeros(self.foot_odds.shape, np.float32)
        if answered.any():
            places = self.absolute()
            places = places if answered.all() else places[answered]
            hidden = self.hidden[:, list(FEET)]
            odds = contact_odds(
                places,
                self.up,
                self.foot_odds[answered],
                hidden[answered],
                self.times[answered],
                self.fps,
                self.up_error_deg or 0.0,
            )
            contact[answered] = 1 / (1 + np.exp(-odds))
        return contact

    def choose(self, number: int) -> Prediction:
        """The prediction whose answer is one of the hypotheses, of which it keeps all; UserError for a number that there is
        not.

        Hip is placed so that the visible joints are seen where those of this answer are; where fewer than two are visible it
        stays. What is told of the ground stays as well.
        """
        if self.hypotheses is None or not 0 <= number < len(self.hypotheses):
            count = 0 if self.hypotheses is None else len(self.hypotheses)
            raise UserError(f"there is no hypothesis {number}: this prediction has {count}, counted from 0")
        from mpm_core.choosing import placed_like  # scipy is slow to import, and not needed to show an answer

        positions = self.hypotheses[number] - self.hypotheses[number][:, MPM16.root, None]
        return replace(self, positions=positions, root=placed_like(self, positions))

    def moved_by(self) -> str:
        """By how much joints were moved to the ground, for people; nothing where they were not."""
        if self.moved is None or not self.moved.any():
            return ""
        mm = 1000 * self.moved
        return f"joints were moved by {mm.mean():.0f} mm on average and {mm.max():.0f} at most"

    def absolute(self) -> NDArray[np.float32]:
        """(frames, 16, 3) metres in camera axes, as far as `root` is known."""
        return self.positions + self.root[:, None]
