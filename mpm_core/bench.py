"""Owns the speed figures: frames per second of both modes, time from a changed mask to new positions, time to load."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mpm_core.camera import Intrinsics
from mpm_core.clip import Clip
from mpm_core.lifters import find_device, load_lifter
from mpm_core.lifters.aids import Aids
from mpm_core.lifters.base import Lifter
from mpm_core.masking import limb_mask
from mpm_core.progress import Progress
from mpm_core.skeleton import MPM16
from mpm_core.synthesis import demo_clip

_FRAMES = 3000
_PER_FRAME_FRAMES = 300
_REPEATS = 5
_CLICKS = 60


@dataclass(frozen=True)
class Speed:
    """One line of the table."""

    what: str
    value: float
    unit: str


def long_clip(frames: int, seed: int = 0) -> Clip:
    """The demo's motion over and over, each time with other detector errors, so that no two windows are alike."""
    rng = np.random.default_rng(seed)
    once = demo_clip()
    assert once.keypoints is not None
    repeats = -(-frames // len(once))
    points = np.concatenate([once.keypoints + rng.normal(0, 1.5, once.keypoints.shape) for _ in range(repeats)])[:frames]
    camera = Intrinsics(once.camera.focal, once.camera.centre)
    return Clip.from_arrays(points, once.image_size, once.fps, camera=camera, source=f"{frames} frames")


def run_bench(device: str = "auto") -> Iterator[Progress | Speed]:
    """Measure everything, yielding Progress and each Speed as it is known."""
    yield Progress(0, 8, "loading")
    start = time.perf_counter()
    lifter = load_lifter("mpm", device)

    from mpm_core.lifters.network import NetworkLifter  # not before the clock runs: it imports torch
    from mpm_core.networks.mpm import MPM, MPMConfig

    assert isinstance(lifter, NetworkLifter)
    yield Speed("time to load torch and the weights", time.perf_counter() - start, "s")
    frames = lifter.model.config.frames
    yield Progress(1, 8, "fast mode")
    yield from _both_speeds(lifter, "fast", _FRAMES, f"fast, {_FRAMES} frames")
    yield Progress(2, 8, "per-frame mode")
    yield from _both_speeds(lifter, "per-frame", _PER_FRAME_FRAMES, f"per-frame, F = {frames}")
    for number, size in enumerate({81, 243} - {frames}):
        yield Progress(3 + number, 8, f"per-frame mode, F = {size}")
        # Speed does not depend on what the weights are, so an untrained network of that size serves.
        other = NetworkLifter(MPM(replace(MPMConfig(), frames=size)), lifter.device, {})
        yield from _both_speeds(other, "per-frame", _PER_FRAME_FRAMES, f"per-frame, F = {size} (untrained)")
    for number, count in enumerate((300, 30_000)):
        yield Progress(5 + number, 8, f"clicks in {count} frames")
        yield from _clicks(lifter, count)
    yield Progress(7, 8, "everything changed")
    yield Speed("whole new mask, 30000 frames, all new", _whole_change(lifter, 30_000), "s")


def describe_machine(device: str) -> str:
    """The processor and threads that the figures were taken on; 'auto' is the device that load_lifter takes."""
    import torch

    name = torch.cuda.get_device_name() if find_device(device) == "cuda" else _processor()
    return f"{name}, {torch.get_num_threads()} threads, torch {torch.__version__}"


def _processor() -> str:
    try:
        with Path("/proc/cpuinfo").open(encoding="utf-8") as file:
            return next(line.partition(":")[2].strip() for line in file if line.startswith("model name"))
    except (OSError, StopIteration):
        return f"{os.cpu_count()} processors"


def _both_speeds(lifter: Lifter, mode: str, frames: int, what: str) -> Iterator[Speed]:
    yield Speed(what, frames_per_second(lifter, mode, frames), "frames/s")
    yield Speed(f"{what}, without the mirrored answer", frames_per_second(lifter, mode, frames, mirror=False), "frames/s")


def frames_per_second(lifter: Lifter, mode: str, frames: int, mirror: bool = True) -> float:
    """Pixels in, positions out, median of several runs after one to warm up."""
    clip = long_clip(frames)
    lifter.lift(clip, mode=mode, aids=Aids(mirror=mirror))
    times = []
    for _ in range(_REPEATS):
        start = time.perf_counter()
        lifter.lift(clip, mode=mode, aids=Aids(mirror=mirror))
        times.append(time.perf_counter() - start)
    return frames / float(np.median(times))


def _clicks(lifter: Lifter, frames: int) -> Iterator[Speed]:
    """Hide and show a joint at random frames: time until the frame under the cursor, and until all, is new."""
    task = lifter.start(long_clip(frames))
    mask = limb_mask(frames, ())
    for _ in task.update(mask):
        pass
    rng = np.random.default_rng(1)
    near, whole = [], []
    for _ in range(_CLICKS):
        frame, joint = int(rng.integers(frames)), int(rng.integers(len(MPM16)))
        mask[frame, joint] = ~mask[frame, joint]
        start = time.perf_counter()
        for number, _ in enumerate(task.update(mask, frame)):
            if number == 0:
                task.prediction()
                near.append((time.perf_counter() - start) * 1000)
        task.prediction()
        whole.append((time.perf_counter() - start) * 1000)
    yield Speed(f"click in {frames} frames, cursor's window new, median", float(np.median(near)), "ms")
    yield Speed(f"click in {frames} frames, cursor's window new, p95", float(np.percentile(near, 95)), "ms")
    yield Speed(f"click in {frames} frames, all new, p95", float(np.percentile(whole, 95)), "ms")


def _whole_change(lifter: Lifter, frames: int) -> float:
    task = lifter.start(long_clip(frames))
    for _ in task.update(None):
        pass
    start = time.perf_counter()
    for _ in task.update(limb_mask(frames, ["left arm"]), frames // 2):
        pass
    return time.perf_counter() - start
