"""What several calibrated cameras see, joined to one motion that is steady and stands on the ground."""

from dataclasses import replace

import numpy as np
import pytest

from mpm_core import Aids, read_clip
from mpm_core.assets import find_asset
from mpm_core.diffusion.options import Sampling
from mpm_core.lifters.body_fit import CHILDREN, PARENTS
from mpm_core.lifters.body_system import solve_body
from mpm_core.lifters.denoisers import has_denoiser
from mpm_core.lifters.several_cameras import Means, Together, lift_together
from mpm_core.metrics import acceleration_error
from mpm_core.skeleton import MPM16
from tests.cameras import camera_at, seen_by

FRAMES = 100
WRIST, ELBOW = MPM16.index("LWrist"), MPM16.index("LElbow")
ARM = list(MPM16.limb("left arm"))
ALONE = Aids(ground=False)


@pytest.fixture(scope="module")
def motion():
    """(frames, 16, 3) in the axes of the first camera."""
    return read_clip(find_asset("demo/demo.npz")).to_mpm16().ground_truth[100 : 100 + FRAMES].astype(float)


CAMERAS = (0, 80)


def seen(motion, noise_px=0.0):
    cameras = [camera_at(motion, degrees) for degrees in CAMERAS]
    clips = [seen_by(camera, motion, noise_px=noise_px, seed=n) for n, camera in enumerate(cameras)]
    return [replace(clip, camera=camera.camera) for clip, camera in zip(clips, cameras, strict=True)], cameras


def off_mm(answer, motion, joints=slice(None), frames=slice(None)):
    """Of where joints are, not of the pose alone."""
    return 1000 * np.linalg.norm(answer.absolute() - motion, axis=-1)[frames, joints].mean()


def without(clip, joints, frames=slice(None)):
    visible = clip.visible.copy()
    visible[frames, joints] = False
    return replace(clip, visible=visible, confidence=np.where(visible, clip.confidence, 0).astype(np.float32))


def moved(clip, joint, frames, by):
    points = clip.keypoints.copy()
    points[frames, joint] += by
    return replace(clip, keypoints=points)


def test_the_body_system_is_solved():
    generator = np.random.default_rng(0)

    def positive(*shape):
        root = generator.normal(size=(*shape, 3, 3))
        return root @ root.swapaxes(-1, -2) + 0.1 * np.eye(3)

    closeness, ties = positive(2, 16), positive(2, 15)
    pull, tension = generator.normal(size=(2, 16, 3)), generator.normal(size=(2, 15, 3))
    joints = solve_body(closeness, pull, ties, tension)
    gradient = (closeness @ joints[..., None])[..., 0] - pull
    of_bones = (ties @ (joints[:, CHILDREN] - joints[:, PARENTS])[..., None])[..., 0] + tension
    for bone, (child, parent) in enumerate(zip(CHILDREN, PARENTS, strict=True)):
        gradient[:, child] += of_bones[:, bone]
        gradient[:, parent] -= of_bones[:, bone]
    assert np.abs(gradient).max() < 1e-8


def test_exact_keypoints_of_two_cameras_tell_everything(motion, lifter):
    clips, cameras = seen(motion)
    answer = lift_together(clips, cameras, lifter=lifter, aids=ALONE)
    assert off_mm(answer, motion) < 0.5
    grounded = lift_together(clips, cameras, lifter=lifter)
    assert off_mm(grounded, motion) < 12 and grounded.moved is not None
    assert off_mm(lifter.lift(clips[0]), motion) > 20
    text = grounded.history[-2].text
    assert "lifted by mpm with 2 cameras" in text and "fitted to the keypoints of all together" in text
    assert grounded.history[-1].text.startswith("grounded:")


def test_noisy_keypoints_do_not_make_it_tremble(motion, lifter):
    clips, cameras = seen(motion, noise_px=5.0)
    answer, one = lift_together(clips, cameras, lifter=lifter, aids=ALONE), lifter.lift(clips[0], aids=ALONE)
    relative = motion - motion[:, :1]
    assert off_mm(answer, motion) < 25 < off_mm(one, motion)
    assert acceleration_error(answer.positions, relative, 50.0) < 1.2 * acceleration_error(one.positions, relative, 50.0)
    bones = np.linalg.norm(answer.positions[:, CHILDREN] - answer.positions[:, PARENTS], axis=-1)
    assert (bones.std(0) / bones.mean(0)).max() < 0.06, "bones are near one length each"


def test_a_keypoint_that_is_far_off_in_one_camera_is_doubted(motion, lifter):
    clips, cameras = seen(motion, noise_px=1.0)
    some = slice(40, 60)
    wrong = [clips[0], moved(clips[1], WRIST, some, (120.0, 80.0))]
    before, after = (lift_together(views, cameras, lifter=lifter, aids=ALONE) for views in (clips, wrong))
    where = np.linalg.norm(after.absolute() - motion, axis=-1)[some, WRIST].mean()
    assert off_mm(before, motion, WRIST, some) < 15 and where < 0.09, where  # the middle of both rays is 0.15 m off
    ray = clips[0].camera.project(after.absolute()[some, WRIST]) - clips[0].keypoints[some, WRIST]
    other = after.absolute() @ cameras[1].rotation.T + cameras[1].translation
    far = clips[1].camera.project(other[some, WRIST]) - wrong[1].keypoints[some, WRIST]
    assert np.linalg.norm(ray, axis=-1).mean() < 0.5 * np.linalg.norm(far, axis=-1).mean()


def exchanged(clip, frames):
    points = clip.keypoints.copy()
    points[frames] = points[frames][:, list(MPM16.mirror)]
    return replace(clip, keypoints=points)


@pytest.mark.parametrize(("noise_px", "limit_mm"), [(0.0, 5), (6.0, 45)])
def test_sides_that_one_detector_exchanged_are_as_the_first_camera_has_them(motion, lifter, noise_px, limit_mm):
    clips, cameras = seen(motion, noise_px)
    for frames in (slice(30, 50), slice(None)):
        wrong = exchanged(clips[1], frames)
        together = Together([clips[0], wrong], cameras, None, Sampling(), Means(lifter=lifter), ALONE)
        list(together.run())
        assert off_mm(together.prediction(), motion) < limit_mm
        (note,) = together.notes
        assert "left and right were exchanged in" in note and ("(31–50)" in note) == (frames.stop is not None)
        assert max(together.off_px()) < max(3 * noise_px, 3.0), "of keypoints as they are believed"
        assert note in [step.text for step in together.prediction().history]


def test_somebody_else_in_one_camera_is_left_out_and_said(motion, lifter):
    clips, cameras = seen(motion)
    points = clips[1].keypoints.copy()
    points[40:60] += (250, 0)
    together = Together([clips[0], replace(clips[1], keypoints=points)], cameras, None, Sampling(), Means(lifter=lifter), ALONE)
    list(together.run())
    answer, alone = together.prediction(), lifter.lift(clips[0], aids=ALONE)
    pose = np.linalg.norm(answer.positions - (motion - motion[:, :1]), axis=-1).mean(1)
    of_one = np.linalg.norm(alone.positions - (motion - motion[:, :1]), axis=-1).mean(1)
    assert pose[40:60].mean() < 1.2 * of_one[40:60].mean() and pose[70:].max() < 0.01
    assert "sees somebody else, or elsewhere" in together.notes[0] and "20 frames (41–60)" in together.notes[0]
    clean = Together(clips, cameras, None, Sampling(), Means(lifter=lifter), ALONE)
    list(clean.run())
    assert clean.notes == ()


def test_what_one_camera_sees_lies_on_its_ray(motion, lifter):
    clips, cameras = seen(motion)
    views = [clips[0], without(clips[1], [WRIST])]
    answer = lift_together(views, cameras, lifter=lifter, aids=ALONE)
    assert not answer.hidden.any()
    ray = np.linalg.norm(clips[0].camera.project(answer.absolute()[:, WRIST]) - clips[0].keypoints[:, WRIST], axis=-1)
    assert ray.mean() < 2
    forearm = [np.linalg.norm(of[:, WRIST] - of[:, ELBOW], axis=-1) for of in (answer.absolute(), motion)]
    assert np.abs(forearm[0] - np.median(forearm[1])).mean() < 0.01, "as long as the other one, which both see"
    alone = lifter.lift(clips[0], aids=ALONE)
    assert off_mm(answer, motion, WRIST) < 0.7 * off_mm(alone, motion, WRIST)
    rest = [joint for joint in range(16) if joint != WRIST]
    assert off_mm(answer, motion, rest) < 2


def test_what_nobody_sees_is_as_the_lifter_has_it(motion, lifter):
    clips, cameras = seen(motion)
    mask = np.zeros((FRAMES, 16), bool)
    mask[:, ARM] = True
    answer = lift_together(clips, cameras, mask, lifter=lifter, aids=ALONE)
    assert answer.hidden[:, ARM].all() and not answer.hidden[:, [j for j in range(16) if j not in ARM]].any()
    each = [lifter.lift(clip, mask, aids=ALONE).positions @ c.rotation for clip, c in zip(clips, cameras, strict=True)]
    relative = motion - motion[:, :1]

    def limb(positions):
        bones = positions[:, [ELBOW, WRIST]] - positions[:, [MPM16.index("LShoulder"), ELBOW]]
        return bones / np.linalg.norm(bones, axis=-1, keepdims=True)

    of_truth = [np.linalg.norm(limb(one) - limb(relative), axis=-1).mean() for one in each]
    assert np.linalg.norm(limb(answer.positions) - limb(relative), axis=-1).mean() < 1.02 * max(of_truth)
    assert np.linalg.norm(limb(answer.positions) - limb(np.mean(each, axis=0)), axis=-1).mean() < 0.25


def test_nothing_jumps_where_a_camera_sees_no_more(motion, lifter):
    clips, cameras = seen(motion)
    views = [clips[0], without(clips[1], slice(None), slice(50, None))]
    answer = lift_together(views, cameras, lifter=lifter, aids=ALONE)
    steps = np.linalg.norm(np.diff(answer.absolute() - motion, axis=0), axis=-1)
    assert steps.max() < 0.02, steps.max()
    assert off_mm(answer, motion, frames=slice(0, 45)) < 1
    assert off_mm(answer, motion, frames=slice(50, 55)) < off_mm(lifter.lift(clips[0], aids=ALONE), motion)


def test_a_single_camera_is_lifted_as_alone(motion, lifter):
    clips, cameras = seen(motion)
    together, alone = lift_together(clips[:1], cameras[:1], lifter=lifter), lifter.lift(clips[0])
    # Of one camera bones' lengths are the lifter's.
    assert 1000 * np.linalg.norm(together.positions - alone.positions, axis=-1).mean() < 25


def test_standing_feet_slide_less_with_the_ground(motion, lifter):
    clips, cameras = seen(motion, noise_px=5.0)
    with_ground, without_ground = (lift_together(clips, cameras, lifter=lifter, aids=aids) for aids in (Aids(), ALONE))
    feet = list(MPM16.indices(("LAnkle", "RAnkle")))
    still = np.linalg.norm(np.diff(motion[:, feet], axis=0), axis=-1) * 50 < 0.2
    slides = [
        (np.linalg.norm(np.diff(one.absolute()[:, feet], axis=0), axis=-1) * 50)[still].mean()
        for one in (with_ground, without_ground)
    ]
    assert still.sum() > 20 and slides[0] < 0.7 * slides[1], slides
    up = with_ground.up / np.linalg.norm(with_ground.up)
    assert with_ground.up_error_deg < 5 and without_ground.moved is None and abs(up[1]) > 0.9


@pytest.mark.skipif(not has_denoiser(), reason="needs the weights of the denoiser")
def test_hypotheses_lie_on_the_answer_and_differ_where_nobody_sees(motion, lifter):
    clips, cameras = seen(motion)
    mask = np.zeros((FRAMES, 16), bool)
    mask[:, ARM] = True
    answer = lift_together(clips, cameras, mask, samples=6, steps=3, lifter=lifter)
    shown = [joint for joint in range(16) if joint not in ARM]
    assert answer.hypotheses.shape == (6, FRAMES, 16, 3) and answer.lifter == "mpm"
    assert np.abs(answer.hypotheses.mean(0)[:, shown] - answer.positions[:, shown]).max() < 1e-3
    assert answer.uncertainty[:, WRIST].mean() > 2 * answer.uncertainty[:, shown].mean()
    plain = lift_together(clips, cameras, mask, lifter=lifter)
    assert plain.hypotheses is None and np.allclose(plain.positions, answer.positions, atol=1e-5)
    assert "6 hypotheses in 3 steps, seed 0, guided to all of them" in " ".join(step.text for step in answer.history)


def test_a_correction_of_the_first_clip_is_met(motion, lifter):
    clips, cameras = seen(motion)
    points, edited, keys = clips[0].keypoints.copy(), np.zeros((FRAMES, 16), bool), np.zeros((FRAMES, 16), np.uint8)
    points[50, WRIST] += (25.0, 10.0)
    edited[50, WRIST], keys[50, WRIST] = True, 1
    corrected = replace(clips[0], keypoints=points, edited=edited, keys=keys)
    answer = lift_together([corrected, clips[1]], cameras, lifter=lifter)
    there = corrected.camera.project(answer.absolute()[50, WRIST])
    assert np.linalg.norm(there - points[50, WRIST]) < 0.1


def test_what_was_taken_by_one_camera_does_not_count(motion, lifter):
    clips, cameras = seen(motion)
    mask, taken = np.zeros((FRAMES, 16), bool), np.zeros((FRAMES, 16, 4), np.float32)
    mask[:, ARM] = True
    taken[:, ARM] = (0, -1, 0, 1)  # up
    firsts = clips[0], replace(clips[0], chosen=taken)
    alone, follows = (lifter.lift(first, mask, aids=ALONE).positions for first in firsts)
    assert np.abs(follows - alone)[:, WRIST].max() > 0.3
    one, other = (lift_together([first, clips[1]], cameras, mask, lifter=lifter) for first in firsts)
    assert np.array_equal(one.positions, other.positions)


def test_where_somebody_stands_is_not_made_up(motion, lifter):
    clips, cameras = seen(motion)
    nobody = lift_together(clips, cameras, np.ones((FRAMES, 16), bool), lifter=lifter)
    assert not nobody.root.any() and nobody.is_prior_only.all() and np.isfinite(nobody.positions).all()
    blind = lift_together([clips[0], without(clips[1], slice(None))], cameras, lifter=lifter, aids=ALONE)
    assert off_mm(blind, motion) < 1.5 * off_mm(lifter.lift(clips[0], aids=ALONE), motion)
