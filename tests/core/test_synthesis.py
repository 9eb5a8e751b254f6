import numpy as np

from mpm_core.skeleton import MPM16
from mpm_core.synthesis import DEMO_SECONDS, demo_clip, demo_motion


def joint(motion, name):
    return motion[:, MPM16.index(name)]


def test_bones_are_rigid():
    motion = demo_motion()
    for parent, child in MPM16.bones:
        length = np.linalg.norm(motion[:, child] - motion[:, parent], axis=-1)
        assert np.ptp(length) < 1e-3, MPM16.joints[child]


def test_the_story_is_told():
    """Walks, turns, waves, sits down and gets up."""
    motion = demo_motion()
    assert len(motion) == round(DEMO_SECONDS * 50) and 10 <= DEMO_SECONDS <= 20
    hip = joint(motion, "Hip")
    assert np.linalg.norm(hip[0, :2] - hip[300, :2]) > 2
    side = joint(motion, "LHip") - joint(motion, "RHip")
    heading = np.unwrap(np.arctan2(-side[:, 0], side[:, 1]))
    assert np.degrees(np.ptp(heading)) > 55
    waving = joint(motion, "RWrist")[:, 2] > joint(motion, "RShoulder")[:, 2] + 0.1
    assert 1 < waving.sum() / 50 < 4
    assert hip[:, 2].min() < 0.6 and hip[-1, 2] > 0.85


def test_feet_stand_still_on_the_ground_and_never_below_it():
    motion = demo_motion()
    for side in "LR":
        ankle = joint(motion, f"{side}Ankle")
        assert ankle[:, 2].min() > 0.05
        speed = np.linalg.norm(np.diff(ankle, axis=0), axis=-1) * 50
        planted = ankle[1:, 2] < 0.0905
        assert planted.mean() > 0.5 and np.median(speed[planted]) < 0.05


def test_movements_are_humanly_fast():
    motion = demo_motion()
    speed = np.linalg.norm(np.diff(motion, axis=0), axis=-1) * 50
    assert speed.max() < 7
    knee = joint(motion, "LKnee") - joint(motion, "LHip")
    shin = joint(motion, "LAnkle") - joint(motion, "LKnee")
    forward = np.cross(joint(motion, "LHip") - joint(motion, "RHip"), [0, 0, 1.0])
    assert ((shin * forward).sum(-1) <= (knee * forward).sum(-1) + 0.02).all()  # knees bend backwards only


def test_the_shipped_demo_is_what_this_makes(demo):
    made = demo_clip()
    assert np.abs(made.ground_truth - demo.ground_truth).max() < 1e-3
    assert np.abs(made.keypoints - demo.keypoints).max() < 0.02
    assert made.keypoints.min() > 0 and made.keypoints.max() < 1080
    assert np.abs(demo.camera.project(demo.ground_truth) - demo.keypoints).max() < 6
