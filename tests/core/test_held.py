"""A corrected joint is believed: its 3D lies on its ray, and the frames around and between keys follow."""

from dataclasses import replace

import numpy as np
import pytest

from mpm_core import Clip, read_clip, write
from mpm_core.cli import main
from mpm_core.clip import KEY_LINEAR
from mpm_core.corrections import FIELDS, JointTrack, patch_of, with_keys
from mpm_core.formats.h36m_npz import read_all
from mpm_core.lifters.aids import Aids
from mpm_core.metrics import acceleration_error, joint_errors, jumps, reprojection_errors
from mpm_core.skeleton import COCO17, MPM16
from tests.core.test_body_fit import bone_lengths
from tests.core.test_lifter import run

WRIST, ELBOW, FRAME = MPM16.index("LWrist"), MPM16.index("LElbow"), 100
PLAIN = Aids(fit=False, ground=False)


@pytest.fixture(scope="module")
def clip(demo):
    return with_keys(demo.cut(200, 399))


def moved(clip, joint, places, fill="linear"):
    """places: {frame: pixels to move by}."""
    track = JointTrack(clip, joint)
    for frame, off in places.items():
        track.set_key(frame, *(clip.keypoints[frame, joint] + off), fill, 50)
    first, last = track.changes()
    rows = patch_of(clip, {joint: track}, first, last)
    arrays = {name: getattr(clip, name).copy() for name in FIELDS}
    for name in FIELDS:
        arrays[name][first : last + 1] = rows[name]
    return replace(clip, **arrays)


def shake(positions, joint):
    """(frames,) m/s^2."""
    return np.linalg.norm(np.diff(positions[:, joint], 2, axis=0), axis=-1) * 50.0**2


@pytest.mark.parametrize("aids", [Aids(), Aids(fit=False), PLAIN])
@pytest.mark.parametrize(("name", "off"), [("LWrist", (24, 0)), ("LWrist", (0, -60)), ("RAnkle", (30, 0)), ("LKnee", (20, 0))])
def test_a_dragged_joint_is_met_and_the_rest_of_the_body_stays(lifter, clip, aids, name, off):
    joint = MPM16.index(name)
    edited = moved(clip, joint, {FRAME: off})
    before, after = (lifter.lift(c, aids=aids) for c in (clip, edited))
    assert reprojection_errors(after, edited)[FRAME, joint] < 0.1
    mm = 1000 * np.linalg.norm(after.absolute() - before.absolute(), axis=-1)
    assert mm[FRAME, joint] > 60
    others = np.delete(mm[FRAME], joint)
    assert others.max() < 0.5 * mm[FRAME, joint] and np.median(others) < 9
    stretched = np.abs(bone_lengths(after.positions)[FRAME] / bone_lengths(before.positions)[FRAME] - 1)
    assert stretched.max() < 0.15
    # Frames around follow, ever less, and nothing jumps.
    way = mm[FRAME - 14 : FRAME + 15, joint]
    uneven = 0.0 if aids.fit else 0.05 * way[14]  # the fit has corrections go on smoothly
    assert (np.diff(way[:13]) > -uneven).all() and (np.diff(way[16:]) < uneven).all() and way[13:16].min() > 0.85 * way[14]
    assert shake(after.positions, joint).max() < (60 if aids.fit else 100)
    assert np.abs(after.positions - before.positions)[[5, 195], joint].max() < 0.02


def test_frames_between_two_keys_follow(lifter, clip):
    edited = moved(clip, WRIST, {90: (60, 0), 110: (60, 0)})
    assert edited.keys[90, WRIST] == KEY_LINEAR and edited.edited[90:111, WRIST].all()
    errors = reprojection_errors(lifter.lift(edited), edited)[:, WRIST]
    assert errors[[90, 110]].max() < 0.1 and errors[91:110].max() < 4
    assert shake(lifter.lift(edited).positions, WRIST)[80:120].max() < 60


def test_what_is_hidden_is_hidden_also_where_it_was_corrected(lifter, clip):
    edited = moved(clip, WRIST, {FRAME: (0, -90)})
    mask = np.zeros((len(clip), 16), bool)
    mask[80:120, WRIST] = True
    hidden, plain = (lifter.lift(c, mask) for c in (edited, clip))
    assert np.abs(hidden.positions - plain.positions).max() < 1e-6


def test_a_clip_without_corrections_is_as_before(lifter, clip):
    task = lifter.start(clip)
    whole = run(task)
    assert whole is not None and np.array_equal(run(task._task).positions, whole.positions)


def test_an_answer_is_the_same_however_the_correction_came_about(lifter, clip):
    task = lifter.start(clip)
    run(task)
    for edited in (moved(clip, WRIST, {FRAME: (10, 0)}), moved(clip, WRIST, {FRAME: (0, -60)})):
        task.replace_clip(edited)
        result = run(task)
    fresh = lifter.lift(edited)
    assert np.abs(result.positions - fresh.positions).max() < 1e-3
    task.replace_clip(clip)
    assert np.abs(run(task).positions - lifter.lift(clip).positions).max() < 1e-3


def test_a_saved_clip_keeps_its_corrections_on_the_command_line(clip, tmp_path):
    edited = moved(clip, WRIST, {FRAME: (24, -40)})
    write(edited, tmp_path / "clip.npz")
    for options in ((), ("--no-fit",), ("--no-fit", "--no-grounding")):
        assert main(["lift", str(tmp_path / "clip.npz"), "-o", str(tmp_path / "lifted.npz"), *options]) == 0
        lifted = read_clip(tmp_path / "lifted.npz").ground_truth
        seen = edited.camera.project(lifted[FRAME, WRIST].astype(float))
        assert np.linalg.norm(seen - edited.keypoints[FRAME, WRIST]) < 0.1


def test_marks_of_joints_come_along_to_other_joints():
    points = np.random.default_rng(0).uniform(100, 900, (30, 17, 2))
    clip = Clip.from_arrays(points, (1000, 1000), 50, skeleton="coco17")
    edited = np.zeros((30, 17), bool)
    edited[7, COCO17.index("LWrist")] = True
    mapped = replace(clip, edited=edited).to_mpm16()
    assert np.argwhere(mapped.edited).tolist() == [[7, WRIST]] and mapped.keys is None


def test_correcting_the_worst_joints_of_noisy_keypoints_helps(lifter, shared):
    folder = shared / "bench" / "open_val"
    noisy, exact = (
        [clip.to_mpm16() for clip in list(read_all(folder / f"data_2d_open_{kind}.npz"))[5::60]] for kind in ("det", "gt")
    )
    everywhere, at_worst = [], []
    for clip, true in zip(noisy, exact, strict=True):
        off = np.linalg.norm(clip.keypoints - true.keypoints, axis=-1)
        worst = off > np.quantile(off, 0.99)
        points = np.where(worst[..., None], true.keypoints, clip.keypoints).astype(np.float32)
        corrected = replace(clip, keypoints=points)
        before, not_told, told = (lifter.lift(c) for c in (clip, corrected, replace(corrected, edited=worst)))
        errors = [joint_errors(p.positions, true.ground_truth) for p in (before, not_told, told)]
        everywhere.append([np.nanmean(e) for e in errors])
        at_worst.append([np.nanmean(e[worst]) for e in errors])
        assert jumps(told.positions, true.ground_truth) <= jumps(before.positions, true.ground_truth)
        shaken = [acceleration_error(p.positions, true.ground_truth, clip.fps) for p in (before, told)]
        assert shaken[1] < 1.1 * shaken[0]
    everywhere, at_worst = np.mean(everywhere, axis=0), np.mean(at_worst, axis=0)
    assert everywhere[2] < everywhere[1] and everywhere[2] < 0.98 * everywhere[0]
    assert at_worst[2] < 0.65 * at_worst[0] and at_worst[2] < at_worst[1]


def test_beyond_a_pause_a_key_moves_nothing(lifter, clip):
    frame = len(clip) // 2
    clip = replace(clip, times=clip.times + np.where(np.arange(len(clip)) > frame, 60.0, 0.0))
    before, after = lifter.lift(clip), lifter.lift(moved(clip, WRIST, {frame: (30, -30)}))
    off = np.linalg.norm(after.absolute() - before.absolute(), axis=-1)[:, WRIST]
    assert off[frame] > 0.02 and off[frame - 2] > 0.2 * off[frame] and off[frame + 1 :].max() < 0.05 * off[frame]
