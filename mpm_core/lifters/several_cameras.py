"""Owns lifting by several calibrated cameras at once: one motion that all of their keypoints agree with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mpm_core.beside import relation
from mpm_core.clip import Clip
from mpm_core.diffusion.aggregation import spread_of
from mpm_core.diffusion.options import USUAL_SAMPLES, USUAL_STEPS_TOGETHER, Sampling
from mpm_core.errors import UserError
from mpm_core.lifters.aids import ALL, Aids
from mpm_core.lifters.base import LiftingTask
from mpm_core.lifters.denoisers import LoadedDenoiser, load_denoiser
from mpm_core.lifters.drawing import Drawer
from mpm_core.lifters.grounded import GroundedTask
from mpm_core.lifters.held import HeldTask
from mpm_core.lifters.joined import JoinedTask
from mpm_core.lifters.network import NetworkLifter
from mpm_core.lifters.placing import laid_on
from mpm_core.lifters.recorded import RecordedTask
from mpm_core.lifters.sights import Sight
from mpm_core.lifters.task import check_mask
from mpm_core.masking import Mask
from mpm_core.matching import Matched
from mpm_core.prediction import Prediction
from mpm_core.progress import Progress
from mpm_core.provenance import Step

_SAME_TIME_S = 1e-3
_ROTATION_ERROR = 1e-3


@dataclass(frozen=True)
class CameraPlace:
    """Where a calibrated camera stands: rotation (3, 3), translation (3,) metres; a point p in the world is rotation @ p +
    translation in the camera's axes (x right, y down, z forward)."""

    rotation: NDArray[np.floating]
    translation: NDArray[np.floating]


def lift_together(
    clips: Sequence[Clip],
    places: Sequence[CameraPlace],
    mask: Mask | None = None,
    samples: int = 0,
    steps: int = USUAL_STEPS_TOGETHER,
    seed: int = 0,
    device: str = "auto",
    denoiser: LoadedDenoiser | None = None,
    lifter: NetworkLifter | None = None,
    aids: Aids = ALL,
) -> Prediction:
    """One person's motion, by what several calibrated cameras see of them at the same times.

    clips: 2D of every camera, frame by frame at the same times, each with its own camera's intrinsics; places: where the
    cameras stand, in one world. mask: (frames, 16) True = hidden in all of them. Returns a prediction in the axes of the
    first camera. Joints that several cameras see lie where their rays meet, others where `lifter` (MPM, unless another one is
    given) has them for the cameras that see most of them; see fusing.py. samples: of hypotheses beside it, laid on it; they are
    drawn by `denoiser` (the shipped one). aids: mirror is the lifter's; ground keeps feet still that stand. Without fit the
    answer is the mean of hypotheses that are guided to the rays of all cameras (Platypose, arXiv 2403.06164), as many as are
    usual if none are asked for. UserError for clips that do not go together, rotations that are none, or a mask of another
    shape.
    """
    together = Together(clips, places, mask, Sampling(samples, steps, seed=seed), Means(device, lifter, denoiser), aids)
    for _ in together.run():
        pass
    return together.prediction()


class Means:
    """What lifts and draws, loaded when it is needed."""

    def __init__(
        self, device: str = "auto", lifter: NetworkLifter | None = None, denoiser: LoadedDenoiser | None = None
    ) -> None:
        self._device, self._lifter, self._denoiser = device, lifter, denoiser

    @property
    def lifter(self) -> NetworkLifter:
        if self._lifter is None:
            self._lifter = NetworkLifter.load("mpm", self._found())
        return self._lifter

    @property
    def denoiser(self) -> LoadedDenoiser:
        if self._denoiser is None:
            self._denoiser = load_denoiser(self._found())
        return self._denoiser

    def _found(self) -> str:
        from mpm_core.lifters import find_device

        return find_device(self._device)


class Together:
    """The same bit by bit; see lift_together. notes: how the clips were brought together, for the answer's history."""

    def __init__(
        self, clips: Sequence[Clip], places: Sequence[CameraPlace], mask: Mask | None, sampling: Sampling, means: Means,
        aids: Aids = ALL, notes: Sequence[str] = (),
    ) -> None:  # fmt: skip
        # Alternatives were taken for what one camera says; in an answer of all nobody would tell that a limb follows one.
        own = [replace(clip.to_mpm16(), chosen=None) for clip in clips]
        _check(own, places)
        sampling = sampling.checked()
        if not aids.fit and not sampling.samples:
            sampling = replace(sampling, samples=USUAL_SAMPLES)
        self._first = first = own[0]
        self._mask = np.zeros(first.visible.shape, bool) if mask is None else check_mask(mask, first.visible.shape)
        self._sights = [
            Sight.first(first, self._mask),
            *(_beside(places[0], place, clip, self._mask) for clip, place in zip(own[1:], places[1:], strict=True)),
        ]
        self._sampling, self._aids = sampling, aids
        self._drawer: Drawer | None = None
        if sampling.samples:
            # Beside an answer hypotheses see the first camera's keypoints too: what no camera sees is guessed better by that.
            way = "d3dp" if aids.fit else "platypose"
            self._drawer = Drawer(means.denoiser.model, first, "lift", way, self._sights[1:])
        lifter = means.lifter if aids.fit or aids.ground else None
        self._joined = joined = JoinedTask(self._sights, lifter, self._drawer, sampling, aids)
        grounds = aids.ground and lifter is not None and lifter.model.has_ground
        held = HeldTask(GroundedTask(joined, first, is_placed=len(own) > 1) if grounds else joined, first)
        self._moves = aids.fit or grounds or held.has_edits
        self._task: LiftingTask = RecordedTask(held, self._told(means))
        self._brought = tuple(Step.now(note) for note in notes)
        self._weights = tuple(
            said for said in (lifter.weights if lifter else "", means.denoiser.weights if self._drawer else "") if said
        )

    @classmethod
    def of(cls, matched: Matched, mask: Mask | None, sampling: Sampling, means: Means, aids: Aids = ALL) -> Together:
        """Of clips that were found to fit each other."""
        places = [CameraPlace(camera.rotation, camera.translation) for camera in matched.cameras]
        seen = [
            f"seen by '{camera.name}': {clip.source or clip.name}"
            for camera, clip in zip(matched.cameras, matched.clips, strict=True)
        ]
        return cls(matched.clips, places, mask, sampling, means, aids, (*seen, *matched.notes, *matched.doubts))

    @property
    def weights(self) -> tuple[str, ...]:
        """Which were used, for people."""
        return self._weights

    @property
    def notes(self) -> tuple[str, ...]:
        """What was found on the way, for people: frames in which another camera sees something else than the first one."""
        return tuple(self._joined.notes)

    def run(self) -> Iterator[Progress]:
        """Lift, yielding now and then; to close the iterator gives it up."""
        return self._task.update(self._mask)

    def prediction(self) -> Prediction:
        """The answer, once run() is through."""
        answer = self._task.prediction()
        answer = replace(answer, history=(*self._brought, *(Step.now(note) for note in self.notes), *answer.history))
        if self._drawer is None:
            return answer
        drawn = self._drawer.hypotheses
        laid = laid_on(drawn, answer.positions, answer.hidden) if self._moves else drawn
        return replace(answer, hypotheses=laid, uncertainty=spread_of(drawn))

    def off_px(self) -> tuple[float, ...]:
        """How far the answer is seen beside the keypoints of each camera, the median of what is believed; NaN of nothing."""
        placed, found = self.prediction().absolute(), []
        for sight in self._joined.sights:
            assert sight.clip.keypoints is not None
            seen = sight.clip.visible & ~sight.hidden
            there = placed @ sight.rotation.T.astype(np.float32) + sight.offset.astype(np.float32)
            off = np.linalg.norm(sight.clip.camera.project(there) - sight.clip.keypoints, axis=-1)[seen]
            found.append(float(np.median(off)) if off.size else float("nan"))
        return tuple(found)

    def _told(self, means: Means) -> str:
        """By what it is lifted, for people."""
        cameras, sampling = f"{len(self._sights)} cameras", self._sampling
        drawn = f"{sampling.samples} hypotheses in {sampling.steps} steps, seed {sampling.seed}"
        if not self._aids.fit:
            return f"platypose with {cameras} ({means.denoiser.weights}; {drawn}, whose mean it is)"
        ways = ["one by one", *(["mirrored"] if self._aids.mirror else []), "fitted to the keypoints of all together"]
        ways += [f"{drawn}, guided to all of them ({means.denoiser.weights})"] if sampling.samples else []
        return f"{means.lifter.name} with {cameras} ({means.lifter.weights or 'weights from memory'}; {', '.join(ways)})"


def _check(clips: Sequence[Clip], places: Sequence[CameraPlace]) -> None:
    if not clips or len(clips) != len(places):
        raise UserError(f"{len(clips)} clips and {len(places)} places of cameras: there must be one place for each clip")
    for clip, place in zip(clips, places, strict=True):
        name = clip.source or "a clip"
        if clip.keypoints is None:
            raise UserError(f"{name}: has no 2D keypoints to lift")
        if len(clip) != len(clips[0]) or np.abs(clip.times - clips[0].times).max() > _SAME_TIME_S:
            raise UserError(f"{name}: is of other frames than the first camera's clip; cut and resample them to the same times")
        rotation = np.asarray(place.rotation, float)
        is_rotation = rotation.shape == (3, 3) and np.allclose(rotation @ rotation.T, np.eye(3), atol=_ROTATION_ERROR)
        if not is_rotation or np.linalg.det(rotation) < 0 or np.shape(place.translation) != (3,):
            raise UserError(f"{name}: the place of its camera must be a rotation (3, 3) and a translation (3,)")


def _beside(first: CameraPlace, place: CameraPlace, clip: Clip, hidden: Mask) -> Sight:
    """What a camera sees, in relation to the first one."""
    return Sight(clip, hidden, *relation(first, place))
