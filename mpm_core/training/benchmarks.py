"""Owns the benchmarks: whose clips are lifted, which frames and joints count, and how the field averages them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mpm_core.camera import Intrinsics
from mpm_core.clip import Clip
from mpm_core.data.published.mpi_inf_3dhp import TestSequence, read_3dhp_test
from mpm_core.errors import UserError
from mpm_core.formats.h36m_npz import read_named
from mpm_core.joint_maps import map_to_mpm16
from mpm_core.skeleton import MPI_INF_3DHP17, MPM16

GROUND_TRUTH_2D, DETECTED_2D = "ground-truth 2D", "noisy 2D"

_ALL_BUT_HIP = tuple(n for n in range(len(MPM16)) if n != MPM16.root)
FOURTEEN = tuple(n for n, joint in enumerate(MPM16.joints) if joint not in ("Hip", "Spine"))
"""Joints that MPI-INF-3DHP's evaluation groups, and that evaluations on 14 joints take."""

_H36M_TEST_SUBJECTS = ("S9", "S11")
_3DHP_IMAGE_SIZES = {"TS5": (1920, 1080), "TS6": (1920, 1080)}
_3DHP_IMAGE_SIZE = (2048, 2048)


@dataclass(frozen=True)
class BenchmarkClip:
    """A clip with ground truth. counted: (frames,) bool, the frames that are scored."""

    action: str
    clip: Clip
    counted: NDArray[np.bool_]


@dataclass(frozen=True)
class Benchmark:
    """files: by what is lifted, GROUND_TRUTH_2D or DETECTED_2D. pck_joints: those that PCK and AUC count (every joint but
    Hip, or the 14 of MPI-INF-3DHP's evaluation). averages_actions: MPJPE and the like are the mean of the actions' means,
    as Human3.6M's protocol has it, instead of the mean over all frames."""

    name: str
    files: Mapping[str, Path]
    read: Callable[[Path], Iterator[BenchmarkClip]]
    pck_joints: tuple[int, ...] = _ALL_BUT_HIP
    averages_actions: bool = False


def find_benchmark(folder: Path) -> Benchmark:
    """The benchmark that lies in a folder: our own, Human3.6M in VideoPose3D's layout, or MPI-INF-3DHP in P-STMO's.

    UserError for a folder without one, or with half of one.
    """
    ours = {GROUND_TRUTH_2D: folder / "data_2d_open_gt.npz", DETECTED_2D: folder / "data_2d_open_det.npz"}
    h36m = {GROUND_TRUTH_2D: folder / "data_2d_h36m_gt.npz", DETECTED_2D: folder / "data_2d_h36m_cpn_ft_h36m_dbb.npz"}
    threedhp = folder / "data_test_3dhp.npz"
    if h36m[GROUND_TRUTH_2D].exists():
        if not (folder / "data_3d_h36m.npz").exists():
            raise UserError(f"{folder / 'data_3d_h36m.npz'}: the benchmark file is missing")
        there = {source: path for source, path in h36m.items() if path.exists()}
        return Benchmark("Human3.6M, protocol 1 (S9 and S11, mean of the actions)", there, _read_h36m, averages_actions=True)
    if threedhp.exists():
        return Benchmark("MPI-INF-3DHP, valid test frames", {GROUND_TRUTH_2D: threedhp}, _read_3dhp, FOURTEEN)
    lacking = next((path for path in ours.values() if not path.exists()), None)
    if lacking is not None:
        raise UserError(f"{lacking}: the benchmark file is missing")
    return Benchmark(folder.resolve().name, ours, _read_pair)


def _read_pair(path: Path) -> Iterator[BenchmarkClip]:
    for name, clip in read_named(path):
        if clip.ground_truth is None:
            raise UserError(f"{clip.source}: has no ground truth to compare with")
        action = re.sub(r" \d+$", "", name.split("/")[1])
        yield BenchmarkClip(action, clip, np.ones(len(clip), bool))


def _read_h36m(path: Path) -> Iterator[BenchmarkClip]:
    """The published protocol's test subjects, all actions, all cameras, all frames; the 17 joints less Nose.

    UserError without cameras.json: a camera fitted to the 2D would turn the truth a little towards the answer.
    """
    cameras = path.with_name("cameras.json")
    if not cameras.exists():
        raise UserError(f"{cameras}: is missing; Human3.6M's protocol needs its cameras (how to get them: docs/human36m.md)")
    for name, clip in read_named(path, lambda key: key.split("/")[0] in _H36M_TEST_SUBJECTS):
        if clip.ground_truth is None:
            raise UserError(f"{clip.source}: has no ground truth to compare with")
        yield BenchmarkClip(re.sub(r" \d+$", "", name.split("/")[1]), clip, np.ones(len(clip), bool))


def _read_3dhp(path: Path) -> Iterator[BenchmarkClip]:
    for sequence in read_3dhp_test(path):
        size = _3DHP_IMAGE_SIZES.get(sequence.name, _3DHP_IMAGE_SIZE)
        source = f"{path} [{sequence.name}]"
        clip = Clip.from_arrays(
            sequence.points, size, sequence.fps, MPI_INF_3DHP17.name, camera=_camera_of(sequence), source=source
        ).to_mpm16()
        truth = map_to_mpm16(MPI_INF_3DHP17).apply(sequence.joints, np.ones(sequence.joints.shape[:2], bool)).points
        yield BenchmarkClip(sequence.name, replace(clip, ground_truth=truth), sequence.valid)


def _camera_of(sequence: TestSequence) -> Intrinsics:
    """Focal lengths and centre by least squares from 2D and 3D, which the layout has without the camera."""
    joints, points = sequence.joints[sequence.valid].reshape(-1, 3), sequence.points[sequence.valid].reshape(-1, 2)
    usable = (joints[:, 2] > 0) & np.isfinite(joints).all(1) & np.isfinite(points).all(1)
    if usable.sum() < 2:
        return Intrinsics.assumed(_3DHP_IMAGE_SIZES.get(sequence.name, _3DHP_IMAGE_SIZE))
    rays = joints[usable, :2] / joints[usable, 2:]
    fits = [np.polyfit(rays[:, axis], points[usable, axis], 1) for axis in range(2)]
    return Intrinsics((float(fits[0][0]), float(fits[1][0])), (float(fits[0][1]), float(fits[1][1])))
