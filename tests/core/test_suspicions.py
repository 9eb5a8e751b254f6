"""Suspicions without ground truth: planted faults are found where they are, and a clean clip is hardly suspected."""

from dataclasses import replace

import numpy as np
import pytest

from mpm_core import Clip
from mpm_core.skeleton import MPM16
from mpm_core.suspicions import CHECKS, Evidence, find_suspicions

WRIST, KNEE, ANKLE = MPM16.indices(("LWrist", "RKnee", "LAnkle"))
HEIGHT_PX = 300  # of the demo's person, about


@pytest.fixture(scope="module")
def answer(demo, lifter):
    return lifter.lift(demo)


def evidence_of(clip, answer=None, masked=None, missing=None, flags=None):
    nothing = np.zeros(clip.visible.shape, bool)
    missing = ~clip.visible if missing is None else missing
    flags = np.zeros(len(clip), bool) if flags is None else flags
    return Evidence(clip, answer, nothing if masked is None else masked, missing, flags)


def kinds(suspicions):
    return {one.kind for one in suspicions}


def moved(clip, frames, joint, by):
    points = clip.keypoints.copy()
    points[frames, joint] += np.float32(by)
    return replace(clip, keypoints=points)


def test_a_clean_clip_is_not_suspected(demo, answer):
    assert find_suspicions(evidence_of(demo, answer)) == ()
    assert find_suspicions(evidence_of(demo)) == ()


def test_a_joint_that_is_thrown_off_for_a_frame_jumps(demo, answer):
    clip = moved(demo, 200, WRIST, (90, 0))
    (one,) = find_suspicions(evidence_of(clip, answer), ("jump",))
    assert 199 <= one.first <= 200 <= one.last <= 201 and one.joints == (WRIST,) and one.worst == 200 and one.badness > 2
    hidden = np.zeros(clip.visible.shape, bool)
    hidden[198:203, WRIST] = True
    assert not find_suspicions(evidence_of(clip, answer, masked=hidden))


def test_a_jump_of_the_answer_alone_is_found(demo, answer):
    positions = answer.positions.copy()
    positions[300, KNEE] += 0.3
    found = find_suspicions(evidence_of(demo, replace(answer, positions=positions)), ("jump",))
    assert [(one.joints, one.worst) for one in found] == [((KNEE,), 300)]


def test_the_pause_between_two_shots_is_no_jump(demo):
    times = demo.times.copy()
    times[200:] += 5
    clip = replace(moved(demo, slice(200, None), slice(None), (150, 0)), times=times)
    assert not find_suspicions(evidence_of(clip), ("jump",))
    assert find_suspicions(evidence_of(replace(clip, times=demo.times)), ("jump",))


def test_a_bone_of_another_length_is_found(demo, answer):
    positions = answer.positions.copy()
    shin = positions[100:120, ANKLE] - positions[100:120, MPM16.index("LKnee")]
    positions[100:120, ANKLE] += 0.4 * shin
    found = find_suspicions(evidence_of(demo, replace(answer, positions=positions)), ("bone",))
    assert [(one.first, one.last, one.joints) for one in found] == [(100, 119, (ANKLE,))]
    assert found[0].badness == pytest.approx(np.log(1.4) / np.log(1.2), rel=0.15)


def test_exchanged_legs_are_found_for_as_long_as_they_are(demo, answer):
    points, pairs = demo.keypoints.copy(), MPM16.indices(("LHip", "LKnee", "LAnkle", "RHip", "RKnee", "RAnkle"))
    points[60:75, pairs] = demo.keypoints[60:75][:, [MPM16.mirror[joint] for joint in pairs]]
    found = find_suspicions(evidence_of(replace(demo, keypoints=points), answer), ("sides",))
    assert [(one.first, one.last) for one in found] == [(60, 74)] and found[0].joints == tuple(sorted(pairs))


def test_frames_that_were_flagged_are_on_the_list(demo):
    flags = np.zeros(len(demo), bool)
    flags[20:25] = True
    (one,) = find_suspicions(evidence_of(demo, flags=flags))
    assert (one.kind, one.first, one.last) == ("sides", 20, 24) and MPM16.root not in one.joints


def test_low_confidence_counts_unless_the_joint_is_not_used_anyway(demo):
    scores = demo.confidence.copy()
    scores[50:60, WRIST] = 0.1
    clip = replace(demo, confidence=scores)
    (one,) = find_suspicions(evidence_of(clip))
    assert (one.kind, one.first, one.last, one.joints) == ("confidence", 50, 59, (WRIST,))
    assert one.badness == pytest.approx(4)
    assert kinds(find_suspicions(evidence_of(clip, missing=scores < 0.3))) == {"gap"}
    edited = np.zeros(clip.visible.shape, bool)
    edited[50:60, WRIST] = True
    assert not find_suspicions(evidence_of(replace(clip, edited=edited)))


def test_a_keypoint_that_the_answer_does_not_believe_is_found(demo, answer):
    clip = moved(demo, slice(400, 420), WRIST, (80, 0))
    (one,) = find_suspicions(evidence_of(clip, answer), ("reprojection",))
    assert (one.first, one.last, one.joints) == (400, 419, (WRIST,))


def test_a_foot_under_the_floor_is_found(demo, answer):
    positions = answer.positions.copy()
    positions[500:510, ANKLE, 1] += 0.3
    found = find_suspicions(evidence_of(demo, replace(answer, positions=positions)), ("feet",))
    assert len(found) == 1 and found[0].joints == (ANKLE,) and found[0].first >= 495 and found[0].last <= 515


def test_a_gap_is_as_bad_as_it_is_long(demo, answer):
    visible = demo.visible.copy()
    visible[100:105, WRIST] = False
    visible[300:350] = False
    clip = replace(demo, visible=visible)
    short, long = find_suspicions(evidence_of(clip), ("gap",))
    assert (short.first, short.last, short.joints) == (100, 104, (WRIST,)) and short.badness == 1
    assert (long.first, long.last, len(long.joints)) == (300, 349, 16) and long.badness == pytest.approx(5)
    blind = np.zeros(len(demo), bool)
    blind[:10] = True
    found = find_suspicions(evidence_of(demo, replace(answer, is_prior_only=blind)), ("gap",))
    assert [(one.first, one.last) for one in found] == [(0, 9)]


def test_spans_are_joined_over_a_moment_and_apart_over_more(demo):
    scores = demo.confidence.copy()
    scores[[50, 52, 54, 90], WRIST] = 0.2
    scores[[51, 53], KNEE] = 0.2  # the same span, but for a frame
    found = find_suspicions(evidence_of(replace(demo, confidence=scores)))
    assert [(one.first, one.last, one.joints) for one in found] == [(50, 54, (KNEE, WRIST)), (90, 90, (WRIST,))]


def test_clips_of_one_frame_and_of_3d_alone_are_looked_at(demo, lifter):
    assert find_suspicions(evidence_of(demo.cut(0, 0))) == ()
    solid = Clip.from_arrays(None, (1, 1), 50, ground_truth=demo.ground_truth)
    assert find_suspicions(evidence_of(solid)) == ()


@pytest.mark.parametrize("kind", CHECKS)
def test_every_check_says_what_it_suspects(kind):
    assert CHECKS[kind].label and not CHECKS[kind].tip.endswith(".")


def test_hardly_anything_is_suspected_in_motion_that_was_seen_exactly(shared, lifter):
    """Six clips of the benchmark: what the answer is really off by is no false alarm."""
    from mpm_core.metrics import joint_errors
    from mpm_core.training.benchmarks import GROUND_TRUTH_2D, find_benchmark

    benchmark = find_benchmark(shared / "bench" / "open_val")
    frames = false = 0
    for number, benched in enumerate(benchmark.read(benchmark.files[GROUND_TRUTH_2D])):
        if number % 40:
            continue
        clip = benched.clip.to_mpm16()
        answer = lifter.lift(clip)
        errors = joint_errors(answer.positions, clip.ground_truth)
        frames += len(clip)
        for one in find_suspicions(evidence_of(clip, answer)):
            false += np.nanmax(errors[one.first : one.last + 1, list(one.joints)]) < 120
    assert frames > 1000 and false <= frames / 2000
