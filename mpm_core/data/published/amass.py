"""Owns reading AMASS: SMPL-H parameters, whose joints come from the user's own body model through the package smplx."""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from pathlib import Path
from pickle import UnpicklingError
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import as_floats
from mpm_core.data.published.recording import Recording
from mpm_core.errors import UserError
from mpm_core.formats.pickled_npz import read_npz
from mpm_core.limits import check_rate
from mpm_core.skeleton import H36M17, SMPLH_FOR_H36M17, SMPLH_JOINTS, SMPLH_VERTICES

_BATCH = 256  # frames whose body surface is computed at once
_POSE_NUMBERS = 156  # three for each of 52 joints
_BETAS = 16
_GENDERS = ("neutral", "male", "female")
_FARTHEST = 1e4  # radians, metres, or what the shape numbers are
_NAMES = ("poses", "betas", "trans", "gender", "mocap_framerate", "mocap_frame_rate")


# What smplx raises for files that are missing, damaged or of another model.
_UNUSABLE = (AssertionError, AttributeError, OSError, LookupError, ValueError, TypeError, BadZipFile, UnpicklingError)


class BodyModels:
    """SMPL-H in a user's folder (smplh/SMPLH_MALE.npz and so on), loaded when the first file needs it."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._loaded: dict[str, Any] = {}

    def find(self, gender: str, path: Path) -> Any:
        """The body of that gender, for one frame at a time up to _BATCH; UserError, naming the file that asks for it."""
        if self._folder is None:
            raise UserError(f"{path}: needs the SMPL-H body model; say where it is with --body-models")
        try:
            import smplx
        except ImportError:
            raise UserError(f"{path}: AMASS needs the package smplx: pip install 'mpm-viewer[amass]'") from None
        if gender not in self._loaded:
            try:
                with redirect_stdout(io.StringIO()):  # smplx prints how many shape numbers it takes
                    self._loaded[gender] = smplx.create(
                        str(self._folder), "smplh", gender=gender, use_pca=False, num_betas=_BETAS, ext="npz",
                        flat_hand_mean=True,
                    )  # fmt: skip
            except _UNUSABLE as error:
                raise UserError(f"{self._folder}: no usable SMPL-H body model for '{gender}' ({error})") from error
        return self._loaded[gender]


def is_amass(names: tuple[str, ...]) -> bool:
    """Whether an npz with these arrays holds SMPL-H motion."""
    return {"poses", "betas", "trans"} <= set(names)


def read_amass(path: Path, name: str, models: BodyModels) -> Recording:
    """The joints of one file; UserError when it is damaged or there is no body model for it."""
    arrays = read_npz(path, _NAMES)
    poses, betas, trans = (as_floats(arrays[key], f"{path}: '{key}'") for key in ("poses", "betas", "trans"))
    if poses.ndim != 2 or poses.shape[1] != _POSE_NUMBERS or trans.shape != (len(poses), 3) or betas.ndim != 1:
        raise UserError(f"{path}: not the SMPL-H parameters of AMASS (poses {poses.shape}, trans {trans.shape})")
    if not all((np.abs(numbers) <= _FARTHEST).all() for numbers in (poses, betas, trans)):
        raise UserError(f"{path}: the parameters hold what is no number, or beyond all range ({_FARTHEST:g})")
    rate = arrays.get("mocap_framerate", arrays.get("mocap_frame_rate"))
    gender = str(arrays.get("gender", "neutral")).strip("b'[]")
    if gender not in _GENDERS:
        raise UserError(f"{path}: 'gender' is none that SMPL-H has ({', '.join(_GENDERS)})")
    joints = _joints_of(models.find(gender, path), poses.astype(np.float32), betas[:_BETAS], trans.astype(np.float32))
    fps = None if rate is None else check_rate(rate, f"{path}: ")
    return Recording(name, path.resolve().parent.name, joints, fps)


def _joints_of(
    body: Any, poses: NDArray[np.float32], betas: NDArray[np.floating], trans: NDArray[np.float32]
) -> NDArray[np.float64]:
    """(frames, 17, 3) metres, Z up as AMASS has it."""
    import torch

    out = np.zeros((len(poses), len(H36M17), 3))
    for first in range(0, len(poses), _BATCH):
        part = slice(first, first + _BATCH)
        pose = torch.from_numpy(poses[part])
        shape = torch.from_numpy(betas[: body.num_betas].astype(np.float32)).expand(len(pose), -1)
        with torch.inference_mode():
            answer = body(
                betas=shape,
                global_orient=pose[:, :3],
                body_pose=pose[:, 3:66],
                left_hand_pose=pose[:, 66:111],
                right_hand_pose=pose[:, 111:156],
                transl=torch.from_numpy(trans[part]),
            )
        inside, surface = answer.joints.numpy(), answer.vertices.numpy()
        for joint, source in SMPLH_FOR_H36M17.items():
            out[part, H36M17.index(joint)] = inside[:, SMPLH_JOINTS.index(source)]
        for joint, vertex in SMPLH_VERTICES.items():
            out[part, H36M17.index(joint)] = surface[:, vertex]
        hips = [out[part, H36M17.index(joint)] for joint in ("LHip", "RHip")]
        out[part, H36M17.index("Hip")] = (hips[0] + hips[1]) / 2
    return out
