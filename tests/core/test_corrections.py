"""Keys of a joint, what lies between them, offsets over a range, and what was measured before."""

from dataclasses import replace

import numpy as np
import pytest

from mpm_core import UserError, read_clip, write
from mpm_core.corrections import FIELDS, JointTrack, list_keys, patch_of, with_keys
from mpm_core.skeleton import MPM16

WRIST = MPM16.index("RWrist")
REACH = 50


@pytest.fixture
def clip(demo):
    return with_keys(demo.cut(200, 319))


def corrected(clip, track):
    """The clip with what a track has changed."""
    first, last = track.changes()
    rows = patch_of(clip, {WRIST: track}, first, last)
    arrays = {}
    for name in FIELDS:
        arrays[name] = getattr(clip, name).copy()
        arrays[name][first : last + 1] = rows[name]
    return replace(clip, **arrays)


def keyed(clip, places, fill="smooth"):
    """places: {frame: (dx, dy)} from where the joint is measured."""
    for frame, off in places.items():
        track = JointTrack(clip, WRIST)
        track.set_key(frame, *(clip.keypoints[frame, WRIST] + off), fill, REACH)
        clip = corrected(clip, track)
    return clip


def test_one_key_changes_one_joint_in_one_frame(clip):
    after = keyed(clip, {40: (30, 0)})
    assert np.argwhere(after.edited).tolist() == [[40, WRIST]] and after.keys[40, WRIST] > 0
    assert np.argwhere((after.keypoints != clip.keypoints).any(-1)).tolist() == [[40, WRIST]]
    (key,) = list_keys(after)
    assert (key.joint, key.frame, key.first, key.last) == (WRIST, 40, 40, 40) and key.moved_px == pytest.approx(30, abs=1e-3)


def test_a_straight_line_between_two_keys(clip):
    after = keyed(clip, {40: (30, 0), 60: (0, 50)}, "linear")
    a, b = after.keypoints[[40, 60], WRIST]
    expected = a + (b - a) * np.linspace(0, 1, 21)[:, None]
    assert np.abs(after.keypoints[40:61, WRIST] - expected).max() < 1e-3
    assert after.edited[40:61, WRIST].all() and after.edited.sum() == 21 and (after.keys > 0).sum() == 2


def test_a_smooth_curve_meets_its_keys_and_comes_from_what_is_measured(clip):
    straight, smooth = (keyed(clip, {40: (30, 0), 50: (40, 9), 60: (30, 0)}, fill) for fill in ("linear", "smooth"))
    assert np.allclose(straight.keypoints[[40, 50, 60], WRIST], smooth.keypoints[[40, 50, 60], WRIST])
    corners = [np.abs(np.diff(c.keypoints[40:61, WRIST], 2, axis=0)).max() for c in (straight, smooth)]
    assert corners[1] < 0.5 * corners[0]
    low, high = smooth.keypoints[40:61, WRIST].min(0), smooth.keypoints[40:61, WRIST].max(0)
    keys = smooth.keypoints[[40, 50, 60], WRIST]
    assert (low >= keys.min(0) - 1e-3).all() and (high <= keys.max(0) + 1e-3).all(), "it overshoots"


def test_keys_far_apart_or_left_alone_are_not_joined(clip):
    assert keyed(clip, {10: (30, 0), 100: (30, 0)}).edited.sum() == 2
    assert keyed(clip, {40: (30, 0), 60: (30, 0)}, "none").edited.sum() == 2


def test_a_key_that_moves_takes_both_sides_along(clip):
    before = keyed(clip, {40: (30, 0), 50: (30, 0), 60: (30, 0)}, "linear")
    after = keyed(before, {50: (0, 80)}, "none")  # how they are filled was said before
    for frame, share in ((45, 0.5), (55, 0.5), (48, 0.8)):
        assert np.allclose(after.keypoints[frame, WRIST] - before.keypoints[frame, WRIST], (0, 80 * share), atol=1e-3)
    assert np.array_equal(after.edited, before.edited)


def test_clearing_a_key(clip):
    three = keyed(clip, {40: (30, 0), 50: (0, 70), 60: (30, 0)}, "linear")
    track = JointTrack(three, WRIST)
    track.clear_key(50)
    two = corrected(three, track)
    assert np.allclose(two.keypoints[40:61, WRIST], keyed(clip, {40: (30, 0), 60: (30, 0)}, "linear").keypoints[40:61, WRIST])
    track = JointTrack(two, WRIST)
    track.clear_key(60)
    one = corrected(two, track)
    assert np.argwhere(one.edited).tolist() == [[40, WRIST]]
    track = JointTrack(one, WRIST)
    track.clear_key(40)
    none = corrected(one, track)
    for name in ("keypoints", "visible", "edited", "confidence", "keys"):
        assert np.array_equal(getattr(none, name), getattr(clip, name)), name
    assert list_keys(none) == ()


def test_an_offset_over_a_range_begins_and_ends_softly(clip):
    track = JointTrack(clip, WRIST)
    track.shift(50, 30, 80, 40.0, -20.0)
    after = corrected(clip, track)
    off = after.keypoints[:, WRIST] - clip.keypoints[:, WRIST]
    assert np.allclose(off[45:65], (40, -20), atol=1e-3) and not off[:30].any() and not off[81:].any()
    assert 0 < off[30, 0] < 3 and 0 < off[80, 0] < 3 and np.abs(np.diff(off[:, 0])).max() < 8
    (key,) = list_keys(after)
    assert (key.frame, key.first, key.last) == (50, 30, 80)
    track = JointTrack(after, WRIST)
    track.clear_key(50)
    assert np.array_equal(corrected(after, track).keypoints, clip.keypoints)


def test_what_was_measured_comes_back_in_a_range_only(clip):
    points, visible, scores = (a.copy() for a in (clip.keypoints, clip.visible, clip.confidence))
    points[55, WRIST], visible[55, WRIST], scores[55, WRIST] = 0, False, 0
    scores[50, WRIST] = 0.25
    lost = replace(clip, keypoints=points, visible=visible, confidence=scores)
    both = keyed(lost, {40: (30, 0), 60: (30, 0)})
    assert both.visible[55, WRIST] and both.confidence[50, WRIST] == 1
    track = JointTrack(both, WRIST)
    track.restore(46, 70)
    after = corrected(both, track)
    for name in ("keypoints", "visible", "confidence", "edited"):
        assert np.array_equal(getattr(after, name)[46:], getattr(lost, name)[46:]), name
    assert np.array_equal(after.keypoints[:46], both.keypoints[:46]) and after.edited[40:46, WRIST].all()
    assert np.flatnonzero(after.keys[:, WRIST]).tolist() == [40]
    # What is left of the stretch hangs on its key.
    track = JointTrack(after, WRIST)
    track.clear_key(40)
    assert not corrected(after, track).edited.any()


def test_corrections_are_saved_and_read(clip, tmp_path):
    both = keyed(clip, {40: (30, 0), 60: (0, 50)})
    write(both, tmp_path / "clip.npz")
    again = read_clip(tmp_path / "clip.npz")
    assert np.array_equal(again.keys, both.keys) and np.array_equal(again.original, both.original)
    assert list_keys(with_keys(again)) == list_keys(both)
    track = JointTrack(again, WRIST)
    track.restore(0, 119)
    assert np.array_equal(corrected(again, track).keypoints, clip.keypoints)


def test_a_file_that_knows_of_edits_alone(clip, tmp_path):
    both = keyed(clip, {40: (30, 0), 60: (0, 50)})
    write(replace(both, keys=None, original=None), tmp_path / "old.npz")
    again = with_keys(read_clip(tmp_path / "old.npz"))
    keys = list_keys(again)
    assert len(keys) == 21 and all(np.isnan(key.moved_px) for key in keys)
    track = JointTrack(again, WRIST)
    track.restore(0, 119)
    assert track.changes() is None, "nobody knows what was measured"


@pytest.mark.parametrize(("name", "wrong"), [
    ("keys", np.full((120, 16), 9, np.uint8)), ("keys", np.zeros((3, 16), np.uint8)), ("keys", np.zeros((120, 16))),
    ("original", np.zeros((120, 16, 2), np.float32)), ("original", np.full((120, 16, 3), np.inf, np.float32)),
])  # fmt: skip
def test_corrections_that_make_no_sense_are_refused(clip, tmp_path, name, wrong):
    write(keyed(clip, {40: (30, 0)}), tmp_path / "clip.npz")
    arrays = dict(np.load(tmp_path / "clip.npz")) | {name: wrong}
    np.savez(tmp_path / "wrong.npz", **arrays)
    with pytest.raises(UserError, match=f"wrong.npz: '{name}' must be"):
        read_clip(tmp_path / "wrong.npz")


def test_nothing_is_joined_across_a_pause(clip):
    times = clip.times + np.where(np.arange(len(clip)) >= 50, 60.0, 0.0)
    clip = with_keys(replace(clip, times=times))
    before = clip.keypoints.copy()
    clip = keyed(clip, {45: (30, 0), 48: (30, 0), 52: (-30, 0), 55: (-30, 0)})
    assert clip.edited[45:49, WRIST].all() and not clip.edited[49:52, WRIST].any() and clip.edited[52:56, WRIST].all()
    assert np.array_equal(clip.keypoints[49:52], before[49:52])
    track = JointTrack(clip, WRIST)
    track.set_fill(48, "linear")  # the next key lies beyond the pause
    assert track.changes() is None
    # Edited right up to both sides: still two stretches, of which one is cleared.
    for frame in (49, 50, 51):
        clip = keyed(clip, {frame: (5, 5)}, fill="none")
    spans = {key.frame: (key.first, key.last) for key in list_keys(clip)}
    assert spans[49][1] == 49 and spans[50][0] == 50
    smooth = keyed(
        with_keys(replace(clip, edited=np.zeros_like(clip.edited), keys=None, original=None)), {47: (9, 0), 49: (9, 0)}
    )
    assert smooth.edited[47:50, WRIST].all() and not smooth.edited[50, WRIST]
