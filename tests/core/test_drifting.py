"""A camera that does not stand is noticed by feet that stand and go by; one that stands is not suspected."""

from dataclasses import replace

import numpy as np
import pytest

from mpm_core import read_clip, write
from mpm_core.cli import main
from mpm_core.clip import MOVING_CAMERA_NOTE
from mpm_core.grounding.drifting import moving_camera_notes
from mpm_core.lifters.aids import Aids
from mpm_core.masking import limb_mask
from mpm_core.skeleton import MPM16
from mpm_core.synthesis import demo_motion
from mpm_core.training.views import Viewpoint, see

FPS = 50.0


def seen(pan_deg_s=0.0, m_s=0.0, noise_px=0.0):
    """A walk as a camera sees it that turns to the right and is carried along at the same time."""
    clip = see(demo_motion()[:300], FPS, Viewpoint(60.0, 15.0), "walk")
    seconds = np.arange(len(clip)) / FPS
    places = clip.ground_truth.astype(np.float64) - np.stack([m_s * seconds, 0 * seconds, 0 * seconds], axis=-1)[:, None]
    turn = np.radians(pan_deg_s) * (seconds - seconds.mean())
    cos, sin = np.cos(turn)[:, None], np.sin(turn)[:, None]
    x, y, z = np.moveaxis(places, -1, 0)
    keypoints = clip.camera.project(np.stack([cos * x - sin * z, y, sin * x + cos * z], axis=-1))
    keypoints = keypoints + np.random.default_rng(0).normal(0, noise_px, keypoints.shape).astype(np.float32)
    return replace(clip, keypoints=keypoints, ground_truth=None, up=None)


@pytest.mark.parametrize(
    ("pan", "speed", "least", "most"), [(6.0, 0.0, 0.3, 0.9), (0.0, 0.6, 0.4, 0.8), (-15.0, 0.0, 0.8, 3.0)]
)
def test_a_camera_that_pans_or_is_carried_is_noticed(lifter, pan, speed, least, most):
    clip = seen(pan, speed)
    for aids in (Aids(), Aids(ground=False)):
        answer = lifter.lift(clip, aids=aids)
        (note,) = moving_camera_notes(clip, answer)
        assert note.startswith(MOVING_CAMERA_NOTE)
        assert least < float(note.split(" m/s")[0].split()[-1]) < most


@pytest.mark.parametrize("noise", [0.0, 6.0])
@pytest.mark.parametrize("hidden", [(), ("left leg",)])
def test_a_camera_that_stands_is_not_suspected(lifter, noise, hidden):
    clip = seen(noise_px=noise)
    assert moving_camera_notes(clip, lifter.lift(clip, limb_mask(len(clip), hidden))) == ()


def test_feet_that_were_not_seen_tell_nothing(lifter):
    clip = seen(pan_deg_s=15.0)
    mask = np.zeros((len(clip), 16), bool)
    mask[:, MPM16.indices(("LAnkle", "RAnkle"))] = True
    assert moving_camera_notes(clip, lifter.lift(clip, mask)) == ()


def test_what_the_background_told_is_not_said_twice(lifter):
    clip = seen(pan_deg_s=15.0)
    told = replace(clip, notes=(f"{MOVING_CAMERA_NOTE}: it pans",))
    assert moving_camera_notes(told, lifter.lift(told)) == (f"{MOVING_CAMERA_NOTE}: it pans",)


def test_the_command_line_says_it_and_the_file_keeps_it(tmp_path, caplog):
    write(seen(pan_deg_s=15.0), tmp_path / "walk.npz")
    with caplog.at_level("WARNING", "mpm"):
        assert main(["lift", str(tmp_path / "walk.npz"), "-o", str(tmp_path / "out.npz")]) == 0
    assert "feet that stand go by" in caplog.text
    (note,) = read_clip(tmp_path / "out.npz").lasting_notes
    assert note in caplog.text
