"""A motion as virtual calibrated cameras around it see it, and the calibration that says where they stand."""

import numpy as np
from scipy.spatial.transform import Rotation

from mpm_core import Clip
from mpm_core.calibrated import CalibratedCamera
from mpm_core.camera import Intrinsics
from mpm_core.skeleton import MPM16

SIZE = (1000, 1000)
LENS = Intrinsics((1000.0, 1000.0), (500.0, 500.0))


def camera_at(motion, degrees, name="cam", away_m=0.0):
    """One that has gone by an angle around the person, as far from them as the one of angle 0, or farther; the world is in the
    axes of that one. motion: (frames, 16, 3) metres there."""
    hip = motion[:, MPM16.root].mean(0).astype(float)
    turn = Rotation.from_rotvec([0, np.radians(degrees), 0]).as_matrix()
    return CalibratedCamera(name, SIZE, LENS, np.zeros(5), turn, hip - turn @ hip + (0, 0, away_m))


def seen_by(camera, motion, fps=50.0, noise_px=0.0, source="", seed=0):
    """The clip of that camera, whose file would not say what camera it was."""
    there = motion.astype(float) @ camera.rotation.T + camera.translation
    pixels = camera.camera.project(there) + noise_px * np.random.default_rng(seed).normal(size=(*motion.shape[:2], 2))
    return Clip.from_arrays(pixels, SIZE, fps, source=source)


def as_toml(*cameras):
    """The calibration as Anipose and Pose2Sim write it."""
    text = ""
    for camera in cameras:
        (fx, fy), (cx, cy) = camera.camera.focal, camera.camera.centre
        text += (
            f'[{camera.name}]\nname = "{camera.name}"\nsize = {list(camera.size)}\n'
            f"matrix = [[{fx}, 0.0, {cx}], [0.0, {fy}, {cy}], [0.0, 0.0, 1.0]]\ndistortions = {camera.distortion.tolist()}\n"
            f"rotation = {Rotation.from_matrix(camera.rotation).as_rotvec().tolist()}\n"
            f"translation = {camera.translation.tolist()}\n"
        )
    return text
