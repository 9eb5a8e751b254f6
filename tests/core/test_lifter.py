from dataclasses import replace

import numpy as np
import pytest

from mpm_core import Clip, UserError, load_lifter
from mpm_core.lifters.aids import Aids
from mpm_core.lifters.resampling import Resampling
from mpm_core.masking import limb_mask
from mpm_core.skeleton import MPM16

HIP = MPM16.root


def part(demo, first, last):
    return demo.cut(first, last)


def at_rate(demo, fps, seconds=4.0):
    """The demo as a camera with another frame rate would have recorded it."""
    times = np.arange(int(seconds * fps)) / fps
    points, truth = (
        np.stack([np.interp(times, demo.times, column) for column in array.reshape(len(demo), -1).T], axis=-1)
        for array in (demo.keypoints, demo.ground_truth)
    )
    shape = (len(times), 16)
    return Clip.from_arrays(
        points.reshape(*shape, 2), demo.image_size, fps, ground_truth=truth.reshape(*shape, 3), camera=demo.camera
    )


def run(task, mask=None, cursor=0):
    for _ in task.update(mask, cursor):
        pass
    return task.prediction()


def error_mm(positions, truth):
    truth = truth - truth[:, :1]
    return np.linalg.norm(positions - truth, axis=-1).mean() * 1000


def test_the_answer_is_what_the_interface_promises(lifter, demo):
    prediction = lifter.lift(demo)
    assert prediction.positions.shape == (len(demo), 16, 3) and prediction.positions.dtype == np.float32
    assert np.abs(prediction.positions[:, HIP]).max() == 0
    assert not prediction.hidden.any() and not prediction.is_prior_only.any()
    assert error_mm(prediction.positions, demo.ground_truth) < 70
    with pytest.raises(ValueError):
        prediction.positions[0] = 0


def test_the_person_is_placed_where_they_stand(lifter, demo):
    prediction = lifter.lift(demo)
    distance = np.linalg.norm(prediction.root - demo.ground_truth[:, HIP], axis=-1)
    assert np.median(distance) < 0.5


@pytest.mark.parametrize("mode", ["fast", "per-frame"])
@pytest.mark.parametrize("frames", [1, 2, 26, 81, 82, 135])
def test_any_length_from_one_frame_up(lifter, demo, frames, mode):
    clip = part(demo, 300, 299 + frames)
    prediction = lifter.lift(clip, mode=mode)
    assert prediction.positions.shape == (frames, 16, 3)
    assert error_mm(prediction.positions, clip.ground_truth) < 120


def test_the_ends_are_as_good_as_the_middle(lifter, demo):
    """A clip that begins or ends in the midst of a movement shows no artefact there."""
    whole = lifter.lift(demo).positions
    cut = lifter.lift(part(demo, 60, 260)).positions
    difference = np.linalg.norm(cut - whole[60:261], axis=-1).mean(1) * 1000
    assert difference[:5].mean() < 40 and difference[-5:].mean() < 40


def test_no_seam_shows_where_windows_meet(lifter, demo):
    positions = lifter.lift(demo).positions
    jump = np.linalg.norm(np.diff(positions, 2, axis=0), axis=-1).mean(1)
    seams = np.arange(54, len(demo) - 81, 54)
    near = np.concatenate([jump[s - 2 : s + 2] for s in seams])
    assert near.mean() < 2 * np.median(jump)


@pytest.mark.parametrize("mode", ["fast", "per-frame"])
def test_a_changed_mask_gives_the_same_numbers_as_a_full_run(lifter, demo, mode):
    clip, times = (demo, 4) if mode == "fast" else (part(demo, 0, 149), 2)
    rng = np.random.default_rng(0)
    task = lifter.start(clip, mode=mode)
    mask = limb_mask(len(clip), ())
    run(task, mask)
    for _ in range(times):
        first = int(rng.integers(0, len(clip) - 40))
        columns = rng.choice(16, int(rng.integers(1, 16)), replace=False)
        mask[first : first + int(rng.integers(1, 40)), columns] ^= True
        renewed, whole = run(task, mask, first), lifter.lift(clip, mask, mode=mode)
        assert np.abs(renewed.positions - whole.positions).max() < 1e-5  # 0.01 mm
        assert np.abs(renewed.root - whole.root).max() < 1e-3


def test_what_helps_is_switched_off_by_name_too(lifter, demo):
    clip = part(demo, 0, 99)
    plain = lifter.lift(clip, fit=False, ground=False)
    assert np.array_equal(plain.positions, lifter.lift(clip, aids=Aids(fit=False, ground=False)).positions)
    assert np.abs(plain.positions - lifter.lift(clip).positions).max() > 0.01
    filled = lifter.complete(clip.ground_truth, limb_mask(100, ["left arm"]), calibrate=False)
    assert not np.array_equal(filled.positions, lifter.complete(clip.ground_truth, limb_mask(100, ["left arm"])).positions)
    with pytest.raises(TypeError):
        lifter.lift(clip, smooth=True)


def test_an_interrupted_update_is_made_up_for(lifter, demo):
    task = lifter.start(demo)
    mask = limb_mask(len(demo), ["left arm"])
    run(task)
    steps = task.update(mask, 300)
    next(steps)
    steps.close()
    mask[100:200, HIP] = True
    assert np.abs(run(task, mask).positions - lifter.lift(demo, mask).positions).max() < 1e-5


def test_the_frame_under_the_cursor_comes_first(lifter, demo):
    task = lifter.start(demo)
    next(task.update(None, 600))
    there = np.isfinite(task.prediction().positions).all((1, 2))
    assert there[600] and not there[:300].any()
    run(task)
    before = task.prediction().positions.copy()
    mask = limb_mask(len(demo), ["2 arms", "left arm"][1:])
    next(task.update(mask, 600))
    moved = np.abs(task.prediction().positions - before).max((1, 2)) > 1e-4
    assert moved[600] and not moved[:300].any()


def test_a_corrected_keypoint_renews_the_answer(lifter, demo):
    from dataclasses import replace

    task = lifter.start(demo)
    run(task)
    keypoints = demo.keypoints.copy()
    keypoints[400, MPM16.index("LWrist")] += 60
    other = replace(demo, keypoints=keypoints)
    task.replace_clip(other)
    assert np.abs(run(task).positions - lifter.lift(other).positions).max() < 1e-5


@pytest.mark.parametrize("fps", [10, 25, 29.97, 60, 120])
def test_any_frame_rate_is_answered_at_its_own_times(lifter, demo, fps):
    clip = at_rate(demo, fps)
    prediction = lifter.lift(clip)
    assert len(prediction) == len(clip) and (prediction.times == clip.times).all()
    assert error_mm(prediction.positions, clip.ground_truth) < 75


def test_uneven_times_are_respected(lifter, demo):
    rng = np.random.default_rng(0)
    keep = np.sort(rng.choice(400, 250, replace=False))
    clip = Clip.from_arrays(
        demo.keypoints[keep],
        demo.image_size,
        30,
        ground_truth=demo.ground_truth[keep],
        times=demo.times[keep],
        camera=demo.camera,
    )
    assert error_mm(lifter.lift(clip).positions, clip.ground_truth) < 75


def test_incremental_and_full_agree_at_other_rates(lifter, demo):
    clip = at_rate(demo, 30)
    task = lifter.start(clip)
    run(task)
    mask = limb_mask(len(clip), ())
    mask[50:60, MPM16.index("RWrist")] = True
    assert np.abs(run(task, mask).positions - lifter.lift(clip, mask).positions).max() < 1e-5


def test_hidden_joints_are_inferred_not_seen(lifter, demo):
    mask = limb_mask(len(demo), ["left arm"])
    garbled = demo.keypoints.copy()
    garbled[:, list(MPM16.limb("left arm"))] = 5.0
    other = Clip.from_arrays(garbled, demo.image_size, demo.fps, camera=demo.camera, up=demo.up)
    first, second = lifter.lift(demo, mask), lifter.lift(other, mask)
    assert np.abs(first.positions - second.positions).max() < 1e-6
    assert first.hidden[:, MPM16.index("LWrist")].all()


def test_what_the_clip_lacks_is_hidden_too(lifter, demo):
    points = demo.keypoints.copy()
    points[50:60, 3] = np.nan
    clip = Clip.from_arrays(points, demo.image_size, demo.fps, camera=demo.camera)
    mask = limb_mask(len(demo), ())
    mask[0, 5] = True
    hidden = lifter.lift(clip, mask).hidden
    assert hidden[55, 3] and hidden[0, 5] and hidden.sum() == 11


def test_frames_with_nothing_near_are_a_guess_and_marked(lifter, demo):
    mask = limb_mask(len(demo), ())
    mask[200:600] = True
    prediction = lifter.lift(demo, mask)
    assert np.isfinite(prediction.positions).all() and np.isfinite(prediction.root).all()
    assert prediction.is_prior_only[400] and not prediction.is_prior_only[[0, 199, 205, 595, 700]].any()


def test_everything_hidden_still_has_an_answer(lifter, demo):
    clip = part(demo, 0, 99)
    prediction = lifter.lift(clip, np.ones((100, 16), bool))
    assert prediction.is_prior_only.all() and np.isfinite(prediction.positions).all()


def test_a_short_span_of_hidden_frames_is_bridged(lifter, demo):
    mask = limb_mask(len(demo), ())
    mask[300:310] = True
    full, bridged = lifter.lift(demo), lifter.lift(demo, mask)
    assert np.linalg.norm(bridged.positions - full.positions, axis=-1)[300:310].mean() < 0.06


def test_mirror_averaging_weighs_two_answers(lifter, demo):
    clip = part(demo, 0, 149)
    single, double = lifter.lift(clip, aids=Aids(mirror=False, fit=False, ground=False)), lifter.lift(clip)
    assert single.hypotheses is None and single.uncertainty is None
    assert double.hypotheses.shape == (2, 150, 16, 3) and double.uncertainty.shape == (150, 16)
    assert np.allclose(double.hypotheses[0] - double.hypotheses[0][:, :1], single.positions, atol=1e-5)
    assert np.linalg.norm(double.hypotheses[0] - double.hypotheses[1], axis=-1).mean() < 0.1
    mirrored = Clip.from_arrays(
        (clip.keypoints * [-1, 1] + [clip.image_size[0], 0])[:, list(MPM16.mirror)],
        clip.image_size,
        clip.fps,
        camera=clip.camera,
        up=(-clip.up[0], *clip.up[1:]),
    )
    other = lifter.lift(mirrored, aids=Aids(mirror=True)).positions[:, list(MPM16.mirror)] * [-1, 1, 1]
    assert np.abs(other - double.positions).max() < 1e-4


def test_completion_returns_visible_joints_unchanged(lifter, demo):
    relative = demo.ground_truth - demo.ground_truth[:, :1]
    mask = limb_mask(len(demo), ["right leg"])
    prediction = lifter.complete(relative, mask)
    assert (prediction.positions[~mask] == relative[~mask]).all()
    absolute = lifter.complete(demo.ground_truth, mask)
    assert np.abs(absolute.absolute()[~mask] - demo.ground_truth[~mask]).max() < 1e-5
    for answer in (prediction, absolute):  # the path of the hip tells a little about the legs
        assert 0.001 < np.linalg.norm(answer.positions - relative, axis=-1)[mask].mean() < 0.2


def test_completion_copes_with_a_hidden_hip(lifter, demo):
    mask = limb_mask(len(demo), ())
    mask[:, HIP] = True
    prediction = lifter.complete(demo.ground_truth, mask)
    assert np.linalg.norm(prediction.root - demo.ground_truth[:, HIP], axis=-1).mean() < 0.06
    assert np.abs(prediction.positions[:, HIP]).max() == 0
    assert np.abs(prediction.absolute()[~mask] - demo.ground_truth[~mask]).max() < 1e-5


def test_nan_joints_are_completed(lifter, demo):
    positions = demo.ground_truth.copy()
    positions[:, MPM16.index("LWrist")] = np.nan
    prediction = lifter.complete(positions)
    assert np.isfinite(prediction.positions).all() and prediction.hidden[:, MPM16.index("LWrist")].all()


def test_completion_at_another_rate(lifter, demo):
    clip = at_rate(demo, 30)
    mask = limb_mask(len(clip), ["left arm"])
    prediction = lifter.complete(clip.ground_truth, mask, fps=30)
    assert np.abs(prediction.absolute()[~mask] - clip.ground_truth[~mask]).max() < 1e-5


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda lifter, demo: lifter.lift(demo, np.zeros((3, 16), bool)), "mask must be"),
        (lambda lifter, demo: lifter.lift(demo, np.zeros((len(demo), 16))), "mask must be"),
        (lambda lifter, demo: lifter.lift(demo, mode="nosuch"), "unknown mode"),
        (lambda lifter, demo: lifter.start(demo, "nosuch"), "unknown task"),
        (lambda lifter, demo: lifter.complete(np.zeros((5, 15, 3))), "ground truth|positions"),
        (lambda lifter, demo: lifter.lift(Clip.from_arrays(None, (1, 1), 50, ground_truth=np.zeros((5, 16, 3)))), "no 2D"),
        (lambda lifter, demo: load_lifter("nosuch"), "unknown lifter"),
        (lambda lifter, demo: load_lifter(device="tpu"), "not available"),
        (lambda lifter, demo: load_lifter(weights=__file__), "weights"),
    ],
)
def test_wrong_requests_are_refused_in_one_sentence(lifter, demo, call, words):
    with pytest.raises(UserError, match=words) as error:
        call(lifter, demo)
    assert "\n" not in str(error.value)


def test_resampling_hides_long_gaps_and_bridges_short_ones():
    times = np.array([0.0, 0.04, 0.08, 0.6, 0.64])
    resampling = Resampling(times, 50.0)
    points = np.arange(5.0)[:, None, None].repeat(2, 2).astype(np.float32)
    grid, hidden = resampling.to_grid(points, np.zeros((5, 1), bool), 0, resampling.grid_frames)
    assert grid[:5, 0, 0].tolist() == pytest.approx([0, 0.5, 1, 1.5, 2])
    assert hidden[8:27].all() and not hidden[:5].any() and not hidden[-1].any()


def test_resampling_bridges_frames_at_exactly_ten_per_second():
    resampling = Resampling(np.arange(30) / 10, 50.0)
    _, hidden = resampling.to_grid(np.zeros((30, 1, 2), np.float32), np.zeros((30, 1), bool), 0, resampling.grid_frames)
    assert not hidden.any()


@pytest.mark.parametrize(
    "times",
    [
        [0.0, 39_000.0],
        [0.0, 0.02, 0.04, 3600.0, 3600.02, 7200.0],
        np.concatenate((np.arange(50) / 30, 1e4 + np.arange(50) / 30)),
        np.arange(20) * 1000.0,
    ],
)
def test_long_pauses_take_no_more_than_a_window(times):
    times = np.array(times)
    resampling, plain = Resampling(times, 50.0, 500), Resampling(times - times[0], 50.0)
    pauses = int((np.diff(times) > 10).sum())
    assert pauses * 500 < resampling.grid_frames < pauses * 501 + 2 + 50 * sum(np.diff(times)[np.diff(times) <= 10])
    # What lies between whole steps of the grid stays there, and each piece is as it was.
    points = np.arange(float(len(times)))[:, None, None].repeat(2, 2).astype(np.float32)
    seen = [r.to_grid(points, np.zeros((len(times), 1), bool), 0, r.grid_frames) for r in (resampling, plain)]
    assert np.array_equal(*(grid[~hidden.all(1)] for grid, hidden in seen))


def test_pieces_far_apart_are_lifted_each_by_itself(lifter, demo):
    pieces = demo.cut(0, 39), demo.cut(300, 339)
    times = np.concatenate((pieces[0].times, pieces[1].times + 20_000))
    both = {n: np.concatenate([getattr(p, n) for p in pieces]) for n in ("keypoints", "confidence")}
    clip = Clip.from_arrays(both["keypoints"], demo.image_size, demo.fps, confidence=both["confidence"], times=times)
    answer = lifter.lift(clip, aids=Aids(mirror=False, fit=False, ground=False))
    for piece, part in zip(pieces, (slice(0, 40), slice(40, 80)), strict=True):
        alone = lifter.lift(piece, aids=Aids(mirror=False, fit=False, ground=False))
        assert np.linalg.norm(answer.positions[part] - alone.positions, axis=-1).mean() < 0.02


def test_what_is_too_long_to_be_lifted_at_once_is_said(lifter, demo, monkeypatch):
    monkeypatch.setattr("mpm_core.lifters.task._MOST_GRID_FRAMES", 50_000)
    clip = replace(demo.cut(0, 299), times=np.arange(300) * 100.0)
    with pytest.raises(UserError, match="is too long to be lifted at once"):
        lifter.lift(clip)


def test_resampling_takes_the_nearer_frame_when_the_other_is_hidden():
    times = np.arange(4) / 30
    resampling = Resampling(times, 50.0)
    hidden = np.array([[False], [True], [False], [False]])
    _, out = resampling.to_grid(np.zeros((4, 1, 2), np.float32), hidden, 0, resampling.grid_frames)
    assert out[:, 0].tolist() == [False, True, True, False, False, False]


@pytest.mark.parametrize(("mode", "fps"), [("fast", 50), ("per-frame", 50), ("per-frame", 29.97)])
def test_chosen_frames_alone_are_answered_as_in_a_full_run(lifter, demo, mode, fps):
    clip = at_rate(demo, fps)
    chosen = np.arange(len(clip)) % 40 == 7
    plain = {"mode": mode, "aids": Aids(fit=False, ground=False)}  # body and floor would be learnt of the chosen frames alone
    task = lifter.start(clip, **plain)
    for _ in task.update(None, frames=chosen):
        pass
    answer = task.prediction().positions
    assert np.abs(answer[chosen] - lifter.lift(clip, **plain).positions[chosen]).max() < 1e-5
    assert mode == "fast" or np.isnan(answer[~chosen]).any()


@pytest.mark.parametrize("rate", [10, 24, 25, 29.97, 30, 48, 50, 60, 120])
@pytest.mark.parametrize("mode", ["fast", "per-frame"])
def test_every_frame_is_answered_at_any_rate(lifter, demo, rate, mode):
    """Frames that lie exactly between windows, or exactly on the model's grid, among them."""
    clip = Clip.from_arrays(demo.keypoints[:150], demo.image_size, rate)
    prediction = lifter.lift(clip, mode=mode, aids=Aids(mirror=False))
    assert np.isfinite(prediction.positions).all() and np.isfinite(prediction.root).all()
