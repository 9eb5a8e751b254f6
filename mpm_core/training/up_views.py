"""Owns the protocol of up: a benchmark's motion seen by cameras that look down and are rolled, and how far up is off."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from mpm_core.camera import upright
from mpm_core.clip import Clip
from mpm_core.data.augment import AugmentConfig, Draw
from mpm_core.data.detecting import detect
from mpm_core.errors import UserError
from mpm_core.lifters.base import Lifter
from mpm_core.metrics import angle_deg
from mpm_core.progress import Progress
from mpm_core.skeleton import MPM16
from mpm_core.training.benchmarks import DETECTED_2D, GROUND_TRUTH_2D, find_benchmark
from mpm_core.training.views import Viewpoint, see

_PITCHES = (0.0, 15.0, 30.0, 45.0)
_LARGEST_ROLL = 15.0
_LONGEST_S = 10.0
_NOISY = AugmentConfig(noisy_share=1.0, noise_m=0.02, noise_spread=0.0)
"""About as large as the simulated detector's of open_val."""


@dataclass(frozen=True)
class UpResult:
    """Degrees by which up is off, the median and the 90th percentile over views; assumed_level: the same median of a camera
    that is taken to be level."""

    source: str
    pitch: float
    median: float
    p90: float
    expected: float
    assumed_level: float
    views: int


def run_up(lifter: Lifter, folder: Path, seed: int = 0) -> Iterator[Progress | UpResult]:
    """One view at every pitch of each motion of the benchmark; yields Progress and each UpResult.

    UserError for a benchmark without known cameras, or a lifter that tells nothing of up.
    """
    motions = [_z_up(clip) for clip in _one_view_each(folder)]
    rng = np.random.default_rng(seed)
    generator = torch.Generator().manual_seed(seed)
    for done, (source, pitch) in enumerate((s, p) for s in (GROUND_TRUTH_2D, DETECTED_2D) for p in _PITCHES):
        rows: list[tuple[float, float, float]] = []
        for motion, fps in motions:
            roll = float(rng.uniform(-_LARGEST_ROLL, _LARGEST_ROLL))
            clip = see(motion, fps, Viewpoint(float(rng.uniform(0, 360)), pitch, roll))
            seen = clip if source == GROUND_TRUTH_2D else _detected(clip, generator)
            answer = lifter.lift(replace(seen, up=None, ground_truth=None))
            if answer.up is None or answer.up_error_deg is None:
                raise UserError(f"the lifter '{lifter.name}' does not tell which way is up")
            true = np.array(clip.up)
            level = angle_deg(np.array([0.0, -1.0, 0.0]), true)
            rows.append((angle_deg(answer.up, true), answer.up_error_deg, level))
        yield Progress(done + 1, 2 * len(_PITCHES))
        off, expected, level_off = np.array(rows).T
        median, usual, level = (float(np.median(values)) for values in (off, expected, level_off))
        yield UpResult(source, pitch, median, float(np.percentile(off, 90)), usual, level, len(rows))


def _one_view_each(folder: Path) -> list[Clip]:
    """The first view of each motion."""
    benchmark = find_benchmark(folder)
    found: dict[str, Clip] = {}
    for scored in benchmark.read(benchmark.files[GROUND_TRUTH_2D]):
        clip = scored.clip
        if clip.up is None or clip.ground_truth is None:
            raise UserError(f"{clip.source}: nobody knows which way is up")
        found.setdefault(clip.source.rpartition("/")[0], clip)
    return list(found.values())


def _z_up(clip: Clip) -> tuple[np.ndarray, float]:
    """World motion (frames, 16, 3), Z up, of the first seconds."""
    clip = clip.to_mpm16()
    assert clip.ground_truth is not None and clip.up is not None
    places = upright(clip.ground_truth[: round(_LONGEST_S * clip.fps)].astype(np.float64), clip.up)
    return places[..., [0, 2, 1]] * [1.0, -1.0, 1.0], clip.fps


def _detected(clip: Clip, generator: torch.Generator) -> Clip:
    """With a detector's errors; what it is unsure of is missing."""
    assert clip.keypoints is not None and clip.ground_truth is not None
    rays = torch.from_numpy(clip.camera.rays(clip.keypoints))[None]
    depth = torch.from_numpy(clip.ground_truth[None, :, MPM16.root, 2].copy())
    seen = detect(Draw(generator), rays, depth, _NOISY)
    unsure = seen.unsure[0].numpy()
    pixels = seen.rays[0].numpy() * np.array(clip.camera.focal) + np.array(clip.camera.centre)
    return Clip.from_arrays(
        pixels, clip.image_size, clip.fps, confidence=np.where(unsure, 0.0, 1.0), camera=clip.camera, source=clip.source
    )


def as_markdown(results: Sequence[UpResult]) -> str:
    """A row for each kind of 2D and pitch."""
    head = ["2D", "looks down by", "up off by, median", "90 %", "as expected", "taken to be level", "views"]
    rows = [
        [r.source, f"{r.pitch:.0f}°", *(f"{v:.1f}°" for v in (r.median, r.p90, r.expected, r.assumed_level)), str(r.views)]
        for r in results
    ]
    lines = ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)]
    how = f"Cameras rolled by up to {_LARGEST_ROLL:.0f}° to either side; the first {_LONGEST_S:.0f} s."
    return "\n".join([how, "", *lines])
