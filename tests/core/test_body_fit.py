"""Lifted poses fitted to their keypoints and to bones of one length."""

from dataclasses import replace

import numpy as np
import pytest

from mpm_core.camera import Intrinsics
from mpm_core.formats.h36m_npz import read_all
from mpm_core.lifters.aids import Aids
from mpm_core.lifters.body_fit import BodyFit, SeenPoses
from mpm_core.lifters.slow_errors import depth_errors
from mpm_core.lifters.steadying import steadying_frames, tremble_of
from mpm_core.masking import limb_mask
from mpm_core.metrics import acceleration_error, joint_errors, jumps, reprojection
from mpm_core.skeleton import MPM16
from tests.core.test_lifter import at_rate, run

ARM = list(MPM16.limb("left arm"))
BONES = [(child, parent) for child, parent in enumerate(MPM16.parents) if parent >= 0]

FIT = {is_on: Aids(fit=is_on) for is_on in (False, True)}


def bone_lengths(positions):
    return np.stack([np.linalg.norm(positions[:, c] - positions[:, p], axis=-1) for c, p in BONES], axis=-1)


@pytest.fixture(scope="module")
def walk(demo):
    """True places of the demo, and rays that see them."""
    places = demo.ground_truth.astype(np.float64)
    return places, (places[..., :2] / places[..., 2:]).astype(np.float32)


def drifting(shape, size_m, seed, slowness=15):
    """Errors that change slowly from frame to frame, as a network's do."""
    from scipy.ndimage import gaussian_filter1d

    noise = gaussian_filter1d(np.random.default_rng(seed).normal(size=shape), slowness, axis=0)
    return noise / noise.std() * size_m


def answer_of(places, depth_error_m=0.04, across_error_m=0.02):
    """What a lifter could have said: off by twice as much along the line of sight as across it."""
    off = drifting(places.shape, across_error_m, 1)
    off[..., 2] *= depth_error_m / across_error_m
    said = places + off
    return said - said[:, :1], said[:, 0]


def fitted(positions, root, rays, seen):
    poses = SeenPoses.of(positions, root, rays, seen)
    body = BodyFit.learn(poses)
    return positions + root[:, None] + body.shift(poses, 50.0)[0], body


def test_exact_keypoints_are_met_and_bones_keep_their_lengths(walk):
    places, rays = walk
    positions, root = answer_of(places)
    result, body = fitted(positions, root, rays, np.ones(places.shape[:2], bool))
    assert body.trust > 0.8
    before, after = (joint_errors(p, places).mean() for p in (positions, result))
    assert after < 0.8 * before
    absolute = positions + root[:, None]
    off_before, off_after = (np.abs(p[..., :2] / p[..., 2:] - rays).max() for p in (absolute, result))
    assert off_after < 0.6 * off_before
    lengths = [bone_lengths(p) for p in (positions, result)]
    spread_before, spread_after = ((those.std(0) / those.mean(0)).mean() for those in lengths)
    assert spread_after < 0.5 * spread_before
    true = bone_lengths(places).mean(0)
    assert np.abs(bone_lengths(result).mean(0) / true - 1).mean() < 0.06


def test_keypoints_that_would_stretch_bones_are_not_trusted(walk):
    places, rays = walk
    positions, root = answer_of(places)
    wrong = rays + drifting(rays.shape, 0.06 / places[..., 2].mean(), 2).astype(np.float32)
    result, body = fitted(positions, root, wrong, np.ones(places.shape[:2], bool))
    assert body.trust < 0.3
    assert joint_errors(result, places).mean() < 1.06 * joint_errors(positions, places).mean()


def test_exact_keypoints_are_trusted_where_the_answer_is_too_small(walk):
    """Bones look longer than they were answered, but not than they can be."""
    places, rays = walk
    positions, root = answer_of(places, 0.02, 0.01)
    _, body = fitted(0.87 * positions, root, rays, np.ones(places.shape[:2], bool))
    assert body.trust > 0.9


def test_a_body_is_known_by_lengths_that_were_answered_as_keypoints_tell_them(walk):
    places, rays = walk
    seen = np.ones(places.shape[:2], bool)
    positions, root = answer_of(places, 0.004, 0.002)
    other_body = positions.copy()
    for side in "LR":
        shoulder, elbow, wrist = MPM16.indices((f"{side}Shoulder", f"{side}Elbow", f"{side}Wrist"))
        other_body[:, elbow] = other_body[:, shoulder] + 1.3 * (positions[:, elbow] - positions[:, shoulder])
        other_body[:, wrist] = other_body[:, elbow] + 0.7 * (positions[:, wrist] - positions[:, elbow])
    (result, known), (_, other) = (fitted(answer, root, rays, seen) for answer in (positions, other_body))
    assert known.known > 0.95 and other.known < 0.5
    # What is known is taken for a little shorter than it was found.
    doubted = replace(known, known=0.0)
    poses = SeenPoses.of(positions, root, rays, seen)
    longer = positions + root[:, None] + doubted.shift(poses, 50.0)[0]
    shares = [bone_lengths(p).mean(0) / bone_lengths(longer).mean(0) for p in (result, longer)]
    assert 0.985 < shares[0].mean() < 0.999


def test_one_wrong_keypoint_does_not_carry_its_limb_away(walk):
    places, rays = walk
    positions, root = answer_of(places)
    wrist = MPM16.index("RWrist")
    wrong = rays.copy()
    wrong[100:120, wrist] += np.float32(0.3)  # more than a metre
    result, body = fitted(positions, root, wrong, np.ones(places.shape[:2], bool))
    assert body.trust > 0.8
    off = np.linalg.norm(result - places, axis=-1)
    assert off[100:120, wrist].max() < 0.35 and off[100:120].mean() < 0.08


def test_hidden_joints_go_along_and_keep_their_bones(walk):
    places, rays = walk
    positions, root = answer_of(places)
    seen = np.ones(places.shape[:2], bool)
    seen[:, ARM[1:]] = False
    result, _ = fitted(positions, root, rays, seen)
    for child, parent in ((ARM[1], ARM[0]), (ARM[2], ARM[1])):
        bone = positions[:, child] - positions[:, parent]
        assert np.abs(result[:, child] - result[:, parent] - bone).max() < 1e-4
    assert np.abs(result[:, ARM[0]] - positions[:, ARM[0]] - root).max() > 0.01


def test_nothing_to_go_by_changes_nothing(walk):
    places, rays = walk
    positions, root = answer_of(places)
    unseen = np.zeros(places.shape[:2], bool)
    result, body = fitted(positions, root, rays, unseen)
    assert body.trust == 0 and np.abs(result - positions - root[:, None]).max() < 1e-6
    # Nobody knows where the person stands: the root is the origin, in the camera.
    result, _ = fitted(positions, np.zeros_like(root), rays, ~unseen)
    assert np.abs(result - positions).max() < 1e-6


def test_lifting_is_more_accurate_with_it(lifter, demo):
    plain, fit = (lifter.lift(demo, aids=Aids(fit=fit, ground=False)) for fit in (False, True))
    before, after = (joint_errors(p.positions, demo.ground_truth).mean() for p in (plain, fit))
    assert after < 1.12 * before  # an invented person of invented proportions, on whom the network is right already
    assert reprojection(fit, demo).px < 0.6 * reprojection(plain, demo).px
    assert (fit.positions[:, MPM16.root] == 0).all() and np.isfinite(fit.root).all()
    mask = limb_mask(len(demo), ["left arm"])
    before, after = (
        joint_errors(lifter.lift(demo, mask, aids=FIT[f]).positions, demo.ground_truth).mean() for f in (False, True)
    )
    assert after < 1.05 * before


def test_it_takes_a_seventh_of_the_error_of_real_motion_away(lifter, shared):
    clips = list(read_all(shared / "bench" / "open_val" / "data_2d_open_gt.npz"))[::40]
    errors = {
        fit: np.mean([joint_errors(lifter.lift(clip, aids=FIT[fit]).positions, clip.ground_truth).mean() for clip in clips])
        for fit in (False, True)
    }
    assert errors[True] < 0.85 * errors[False]


def test_no_bone_turns_over_for_a_frame(lifter, shared):
    """Where a bone points at the camera, its length says nothing of which end is nearer."""
    clips = list(read_all(shared / "bench" / "open_val" / "data_2d_open_gt.npz"))[::12]
    fitted = [lifter.lift(clip).positions for clip in clips]
    assert sum(jumps(answer, clip.ground_truth) for answer, clip in zip(fitted, clips, strict=True)) == 0
    shaken = [acceleration_error(answer, clip.ground_truth, clip.fps) for answer, clip in zip(fitted, clips, strict=True)]
    plain = [acceleration_error(lifter.lift(c, aids=Aids(fit=False)).positions, c.ground_truth, c.fps) for c in clips]
    assert np.mean(shaken) < 0.7 * np.mean(plain)
    pairs = list(zip(fitted, clips, strict=True))
    peaks = np.array([[np.percentile(_accelerations(p), 99) for p in (a, c.ground_truth)] for a, c in pairs])
    assert 0.8 < np.mean(peaks[:, 0] / peaks[:, 1]) < 1.1, "impacts are smeared, or made up"


def _accelerations(positions):
    return np.linalg.norm(np.diff(positions - positions[:, :1], n=2, axis=0), axis=-1)


def test_corrections_go_on_smoothly_but_not_across_a_cut():
    """One frame's word counts for the frames around; a person who is suddenly elsewhere is somebody else."""
    root = np.tile(np.array([[0.0], [0.0], [5.0]]), 100)
    weights, pulls = np.zeros((15, 100)), np.zeros((15, 100))
    weights[:, 50], pulls[:, 50] = 1e6, 1e6 * 0.05  # five centimetres, for certain
    believed = depth_errors(root, 50.0, 0.0, 0.0, 0.0).slow
    one = believed.most_likely(weights, pulls)[0]
    assert one[50] == pytest.approx(0.05, rel=3e-3) and (np.diff(one[30:51]) > 0).all()
    assert 0.01 < one[46] < 0.05 and abs(one[5]) < 1e-4
    root[0, 52:] = 3.0
    believed = depth_errors(root, 50.0, 0.0, 0.0, 0.0).slow
    cut = believed.most_likely(weights, pulls)[0]
    assert np.abs(cut[52:]).max() < 1e-9 and cut[48] > 0.02
    # Without any measurement the process has its own size everywhere.
    bands = believed.bands
    full = np.diag(bands[0]) + np.diag(bands[1, :-1], 1) + np.diag(bands[1, :-1], -1)
    full += np.diag(bands[2, :-2], 2) + np.diag(bands[2, :-2], -2)
    assert np.allclose(np.sqrt(np.diag(np.linalg.inv(full)))[[10, 51, 52, 90]], 0.03, rtol=0.1)


@pytest.mark.parametrize("fps", [50, 25, 120])
def test_an_answer_is_the_same_however_it_came_about(lifter, demo, monkeypatch, fps):
    monkeypatch.setattr("mpm_core.lifters.fitting._FRAMES_PER_STEP", 40)
    clip = at_rate(demo, fps)
    middle = len(clip) // 2
    mask = limb_mask(len(clip), ["left arm"])
    task = lifter.start(clip)
    for step, _ in enumerate(task.update(mask, 100)):
        task.prediction()
        if step == 1:
            break
    edited = clip.keypoints.copy()
    edited[middle, ARM] += 25
    clip = replace(clip, keypoints=edited)
    task.replace_clip(clip)
    done = 0
    for progress in task.update(mask, middle):
        task.prediction()
        if done and progress.done == done:
            break  # in the midst of settling
        done = progress.done
    else:
        pytest.fail("it was settled in one step")
    other = clip.with_camera(Intrinsics((900.0, 900.0), clip.camera.centre))
    for each in (other, clip):
        task.replace_clip(each)
        run(task)
    # One frame hidden, which at 120 frames/s the network is not shown.
    mask = np.zeros((len(clip), 16), bool)
    mask[middle + 1, ARM] = True
    result, fresh = run(task, mask), lifter.lift(clip, mask)
    assert np.abs(result.positions - fresh.positions).max() < 5e-4  # the root of that one frame is not renewed
    assert np.abs(result.root - fresh.root).max() < 1e-3


def test_a_joint_that_is_hidden_for_a_moment_does_not_jump(lifter, demo):
    shown = lifter.lift(demo).absolute()
    for joints in ([MPM16.index("LElbow")], [MPM16.index("LShoulder")], list(range(16))):
        mask = np.zeros((len(demo), 16), bool)
        mask[200, joints] = True
        hidden = lifter.lift(demo, mask).absolute()
        steps = [np.linalg.norm(np.diff(p[198:203], axis=0), axis=-1).max() for p in (shown, hidden)]
        assert steps[1] < steps[0] + 0.015
    sparse = demo.derived.copy()  # as when a detector looked at every third frame
    sparse[np.arange(len(demo)) % 3 > 0] = True
    shake = [np.abs(np.diff(p, n=2, axis=0)).mean() for p in (shown, lifter.lift(replace(demo, derived=sparse)).absolute())]
    assert shake[1] < 2 * shake[0]


def test_exchanged_sides_are_not_believed(lifter, demo):
    keypoints = demo.keypoints.copy()
    keypoints[100:103] = keypoints[100:103, list(MPM16.mirror)]
    swapped = replace(demo, keypoints=keypoints)
    plain, fit = (
        joint_errors(lifter.lift(swapped, aids=FIT[f]).positions, demo.ground_truth)[98:105].mean() for f in (False, True)
    )
    assert fit < 1.3 * plain


def test_a_wrong_keypoint_at_the_end_of_a_hidden_bone_is_not_believed(lifter, demo):
    elbow, wrist = MPM16.indices(("LElbow", "LWrist"))
    mask = np.zeros((len(demo), 16), bool)
    mask[:, elbow] = True
    keypoints = demo.keypoints.copy()
    keypoints[100:120, wrist] += 150
    wrong = replace(demo, keypoints=keypoints)
    plain, fit = (
        joint_errors(lifter.lift(wrong, mask, aids=FIT[f]).positions, demo.ground_truth)[100:120, wrist] for f in (False, True)
    )
    assert fit.mean() < 1.7 * plain.mean()


def test_another_camera_bends_nothing_before_its_answer_comes(lifter, demo):
    task = lifter.start(demo)
    before = run(task)
    task.replace_clip(demo.with_camera(Intrinsics((1.6 * demo.camera.focal[0],) * 2, demo.camera.centre)))
    assert np.array_equal(task.prediction().positions, before.positions)


def test_where_the_person_stands_follows_a_cut(lifter, demo):
    """From one frame to the next the picture is half as large: the person is twice as far away, at once."""
    keypoints = demo.keypoints.copy()
    centre = np.array(demo.camera.centre, np.float32)
    keypoints[300:] = centre + (keypoints[300:] - centre) / 2
    root = lifter.lift(replace(demo, keypoints=keypoints, ground_truth=None)).root[:, 2]
    near, far = np.median(root[250:290]), np.median(root[310:350])
    assert 1.8 < far / near < 2.2
    assert abs(root[296] / near - 1) < 0.15 and abs(root[303] / far - 1) < 0.15


def test_a_moved_keypoint_moves_the_joint_although_the_network_was_not_asked_again(lifter, demo):
    task = lifter.start(demo)
    for _ in task.update(None):
        pass
    before = task.prediction().absolute()
    edited = demo.keypoints.copy()
    edited[300, ARM] += 12
    task.replace_clip(replace(demo, keypoints=edited))
    moved = np.linalg.norm(task.prediction().absolute() - before, axis=-1)
    assert moved[300, ARM].min() > 0.0022 and moved[300, ARM[2]] > 0.025 and moved[:200].max() < 1e-6


def test_derived_joints_tell_nothing_until_a_person_corrects_them(lifter, demo):
    """What a detector lacks is derived from other joints: it is no measurement."""
    derived = demo.derived.copy()
    derived[:, MPM16.index("Spine")] = True
    off = demo.keypoints.copy()
    off[:, MPM16.index("Spine")] += 30
    with_it, without = (
        lifter.lift(replace(demo, keypoints=off, derived=d)).absolute()[:, MPM16.index("Spine")]
        for d in (demo.derived, derived)
    )
    seen = [demo.camera.project(places) - demo.keypoints[:, MPM16.index("Spine")] for places in (with_it, without)]
    assert np.linalg.norm(seen[0], axis=-1).mean() > 1.1 * np.linalg.norm(seen[1], axis=-1).mean()


def test_noisy_clips_are_smoothed_where_the_answer_streams_in(lifter, demo):
    noisy = replace(demo, keypoints=demo.keypoints + drifting(demo.keypoints.shape, 14, 3, slowness=3).astype(np.float32))
    task = lifter.start(noisy, mode="per-frame")
    steps = task.update(None, 300)
    next(steps)
    part = task.prediction()
    there = np.isfinite(part.positions).all((1, 2))
    assert there[300] and 0 < there.sum() < len(noisy)
    for _ in steps:
        pass
    plain, fit = (lifter.lift(noisy, aids=FIT[f]) for f in (False, True))
    shake = [np.abs(np.diff(p.positions, n=2, axis=0)).mean() for p in (plain, fit)]
    assert shake[1] < 1.1 * shake[0]


@pytest.mark.parametrize("fps", [30, 60])
def test_keypoints_that_tremble_do_not_shake_the_answer(lifter, demo, monkeypatch, fps):
    steady = at_rate(demo, fps)
    rng = np.random.default_rng(fps)
    noisy = replace(steady, keypoints=(steady.keypoints + rng.normal(0, 2.0, steady.keypoints.shape)).astype(np.float32))
    truth = steady.ground_truth - steady.ground_truth[:, :1]
    calm, shaken = (acceleration_error(lifter.lift(clip).positions, truth, fps) for clip in (steady, noisy))
    assert shaken < calm + 4.0 * 3**0.5  # what is let be along each of three axes
    assert steadying_frames(4.0 * tremble_of(*_rays_of(noisy)), fps) > 0.4
    assert steadying_frames(4.0 * tremble_of(*_rays_of(steady)), fps) == 0, "clean keypoints are smoothed"
    monkeypatch.setattr("mpm_core.lifters.fitting.tremble_of", lambda *_: 0.0)
    assert shaken < 0.6 * acceleration_error(lifter.lift(noisy).positions, truth, fps)


def _rays_of(clip):
    return clip.camera.rays(clip.keypoints), clip.visible


def test_outliers_exchanged_sides_and_holes_are_no_tremble(demo):
    rays, seen = _rays_of(demo)
    wild, holed = rays.copy(), seen.copy()
    wild[100:400:9] = wild[100:400:9, MPM16.mirror]
    wild[::25, ARM] += 0.1
    holed[::12, ARM] = False
    for other in ((wild, seen), (np.where(holed[..., None], rays, 0), holed)):
        assert tremble_of(*other) == pytest.approx(tremble_of(rays, seen), abs=1e-4)
    assert tremble_of(rays[:4], seen[:4]) == 0
    assert tremble_of(rays, np.zeros_like(seen)) == 0
