"""Owns lifting by several calibrated cameras at once: one motion that all of their keypoints agree with."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mpm_core.beside import relation
from mpm_core.camera import SmoothPath
from mpm_core.clip import Clip
from mpm_core.diffusion.aggregation import spread_of
from mpm_core.diffusion.options import USUAL_SAMPLES, Sampling
from mpm_core.errors import UserError
from mpm_core.lifters.denoisers import LoadedDenoiser, load_denoiser
from mpm_core.lifters.drawing import Drawer
from mpm_core.lifters.sights import Sight
from mpm_core.lifters.task import check_mask
from mpm_core.masking import Mask
from mpm_core.matching import Matched
from mpm_core.pauses import pieces
from mpm_core.prediction import Prediction
from mpm_core.progress import Progress
from mpm_core.provenance import Step

USUAL_STEPS = 10

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
    samples: int = USUAL_SAMPLES,
    steps: int = USUAL_STEPS,
    seed: int = 0,
    device: str = "auto",
    denoiser: LoadedDenoiser | None = None,
) -> Prediction:
    """One person's motion, by what several calibrated cameras see of them at the same times (Platypose, arXiv 2403.06164).

    clips: 2D of every camera, frame by frame at the same times, each with its own camera's intrinsics; places: where the
    cameras stand, in one world. mask: (frames, 16) True = hidden in all of them. Returns a prediction in the axes of the
    first camera, with its hypotheses; Hip is where the rays of all cameras have it. UserError for clips that do not go
    together, rotations that are none, or a mask of another shape.
    """
    sampling = Sampling(samples or USUAL_SAMPLES, steps, seed=seed)
    if denoiser is None:
        from mpm_core.lifters import find_device

        denoiser = load_denoiser(find_device(device))
    together = Together(clips, places, mask, sampling, denoiser)
    for _ in together.run():
        pass
    return together.prediction()


class Together:
    """The same bit by bit; see lift_together. notes: how the clips were brought together, for the answer's history."""

    def __init__(
        self, clips: Sequence[Clip], places: Sequence[CameraPlace], mask: Mask | None, sampling: Sampling,
        denoiser: LoadedDenoiser, notes: Sequence[str] = (),
    ) -> None:  # fmt: skip
        own = [clip.to_mpm16() for clip in clips]
        _check(own, places)
        self._sampling, self._weights = sampling.checked(), denoiser.weights
        self._first = first = own[0]
        given = np.zeros(first.visible.shape, bool) if mask is None else check_mask(mask, first.visible.shape)
        self._sights = [
            Sight.first(first, given),
            *(_beside(places[0], place, clip, given) for clip, place in zip(own[1:], places[1:], strict=True)),
        ]
        self._drawer = Drawer(denoiser.model, first, "lift", "platypose", self._sights[1:])
        self._hidden_here = given | ~first.visible
        self._hidden = given | ~np.any([clip.visible for clip in own], axis=0)
        self._brought = tuple(Step.now(note) for note in notes)

    @classmethod
    def of(cls, matched: Matched, mask: Mask | None, sampling: Sampling, denoiser: LoadedDenoiser) -> Together:
        """Of clips that were found to fit each other."""
        places = [CameraPlace(camera.rotation, camera.translation) for camera in matched.cameras]
        seen = [
            f"seen by '{camera.name}': {clip.source or clip.name}"
            for camera, clip in zip(matched.cameras, matched.clips, strict=True)
        ]
        return cls(matched.clips, places, mask, sampling, denoiser, (*seen, *matched.notes, *matched.doubts))

    def run(self) -> Iterator[Progress]:
        """Draw hypotheses, yielding after every batch; to close the iterator gives them up."""
        return self._drawer.draw(self._hidden_here, slice(0, len(self._first)), self._sampling)

    def prediction(self) -> Prediction:
        """The answer, once run() is through."""
        first, sampling, hypotheses = self._first, self._sampling, self._drawer.hypotheses
        positions = hypotheses.mean(0)
        path = SmoothPath(len(first), pieces(first.times, first.fps))
        path.renew(_hip(positions, self._sights), 0, len(first))
        asked = f"{sampling.samples} hypotheses in {sampling.steps} steps, seed {sampling.seed}"
        told = f"lifted by platypose with {len(self._sights)} cameras ({self._weights}; {asked})"
        return Prediction(
            positions=positions, root=path.smooth, hidden=self._hidden, is_prior_only=self._hidden.all(1), times=first.times,
            fps=first.fps, lifter="platypose", task="lift", mode="fast", hypotheses=hypotheses,
            uncertainty=spread_of(hypotheses), history=(*self._brought, Step.now(told)),
        )  # fmt: skip

    def off_px(self) -> tuple[float, ...]:
        """How far the answer is seen beside the keypoints of each camera, the median of what is visible; NaN of nothing."""
        placed, found = self.prediction().absolute(), []
        for sight in self._sights:
            assert sight.clip.keypoints is not None
            seen = sight.clip.visible & ~sight.hidden
            there = placed @ sight.rotation.T.astype(np.float32) + sight.offset.astype(np.float32)
            off = np.linalg.norm(sight.clip.camera.project(there) - sight.clip.keypoints, axis=-1)[seen]
            found.append(float(np.median(off)) if off.size else float("nan"))
        return tuple(found)


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


def _hip(positions: NDArray[np.floating], sights: Sequence[Sight]) -> NDArray[np.floating]:
    """(frames, 3) where Hip is in the first camera's axes, so that visible joints lie nearest to all their rays; NaN where
    fewer than two are seen."""
    matrix, vector = np.zeros((len(positions), 3, 3)), np.zeros((len(positions), 3))
    count = np.zeros(len(positions), int)
    for sight in sights:
        clip = sight.clip
        assert clip.keypoints is not None
        seen = clip.visible & ~sight.hidden
        rays = clip.camera.rays(np.where(seen[..., None], clip.keypoints, 0)).astype(np.float64)
        unit = np.concatenate((rays, np.ones_like(rays[..., :1])), axis=-1)
        unit /= np.linalg.norm(unit, axis=-1, keepdims=True)
        across = np.einsum(
            "ji,fnjk,kl->fnil", sight.rotation, np.eye(3) - unit[..., :, None] * unit[..., None, :], sight.rotation
        )
        across *= seen[..., None, None]
        matrix += across.sum(1)
        vector -= np.einsum("fnij,fnj->fi", across, positions + sight.rotation.T @ sight.offset)
        count += seen.sum(1)
    root = np.full(vector.shape, np.nan)
    known = count >= 2
    root[known] = np.linalg.solve(matrix[known], vector[known][..., None])[..., 0]
    return root
