"""Whether the clips of calibrated cameras fit each other: one moment, one person, this calibration."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mpm_core import Clip, UserError, read_clip
from mpm_core.assets import find_asset
from mpm_core.beside import Beside
from mpm_core.matching import View, match_views
from tests.cameras import camera_at, seen_by

FRAMES = 200


@pytest.fixture(scope="module")
def motion():
    return read_clip(find_asset("demo/demo.npz")).to_mpm16().ground_truth[:FRAMES]


def two(motion, noise_px=2.0, degrees=70.0):
    """The views of two cameras, whose detectors err."""
    cameras = camera_at(motion, 0, "left"), camera_at(motion, degrees, "right")
    return [
        View(seen_by(camera, motion, noise_px=noise_px, source=f"{camera.name}.npz", seed=n), camera)
        for n, camera in enumerate(cameras)
    ]


def test_places_and_distances_are_those_of_the_geometry(motion):
    one, other = two(motion, noise_px=0)
    beside = Beside(one.camera, other.camera)
    places = beside.places(one.clip.keypoints, other.clip.keypoints)
    assert np.abs(places - motion).max() < 1e-3
    assert np.abs(beside.distances(one.clip.keypoints, other.clip.keypoints)).max() < 0.01
    lower = other.clip.keypoints + np.array((0.0, 10.0))
    off = np.abs(beside.distances(one.clip.keypoints, lower))
    assert 5 < np.median(off) < 10.1, "of 10 px, half is the first camera's to give"


def test_what_fits_is_told_with_the_persons_height(motion):
    one, other = two(motion)
    matched = match_views([one, other])
    fit = matched.fits[0]
    assert fit.shift_s == 0 and 0.5 < fit.off_px < 3 and not matched.doubts
    assert 1.4 < fit.height_m < 2.0
    said = "; ".join(matched.notes)
    assert "right.npz begins at the same moment, as how both move tells" in said and f"{fit.height_m:.2f} m tall" in said
    assert "guesses" not in said and np.abs(matched.clips[1].keypoints - other.clip.keypoints).max() < 1e-3
    assert matched.clips[0].camera is one.camera.camera


@pytest.mark.parametrize(("cut", "shift"), [((20, 199), 20), ((2, 180), 2)])
def test_a_clip_that_begins_later_is_found_by_movement(motion, cut, shift):
    one, other = two(motion)
    late = replace(other, clip=other.clip.cut(*cut))
    matched = match_views([one, late])
    assert matched.fits[0].shift_s == pytest.approx(shift / 50)
    clip = matched.clips[1]
    assert len(clip) == FRAMES and not clip.visible[:shift].any()
    assert np.abs(clip.keypoints - other.clip.keypoints)[cut[0] : cut[1]].max() < 0.01
    assert any(f"{shift}.0 frames" in note and "later" in note for note in matched.notes)
    assert any("has nothing for" in note for note in matched.notes)
    first_late = match_views([replace(one, clip=one.clip.cut(*cut)), other])
    assert first_late.fits[0].shift_s == pytest.approx(-shift / 50)
    assert first_late.clips[1].visible.all() and any("sooner" in note for note in first_late.notes)


def test_a_shift_that_is_said_counts(motion):
    one, other = two(motion)
    late = replace(other, clip=other.clip.cut(20, 199))
    assert match_views([one, replace(late, shift_s=0.4)]).fits[0].notes[0].endswith("later, as was said")
    with pytest.raises(UserError, match="shows nothing at the times"):
        match_views([one, replace(late, shift_s=60.0)])


@pytest.mark.parametrize("which", [0, 1])
def test_of_a_clip_that_is_all_hidden_that_is_said(motion, which):
    views = two(motion)
    hidden = np.ones(views[which].clip.visible.shape, bool)
    views[which] = replace(views[which], hidden=hidden)
    with pytest.raises(UserError, match=f"{views[which].clip.name}: all of it is hidden"):
        match_views(views)


def test_where_no_joint_is_seen_by_both_that_is_said_and_no_other_moment(motion):
    one, other = two(motion)
    odd = np.arange(FRAMES)[:, None] % 2 == np.zeros((1, 16), int)
    with pytest.raises(UserError, match=r"right.npz: no joint is seen both by it and by left.npz"):
        match_views([replace(one, hidden=odd), replace(other, hidden=~odd, shift_s=0.0)])
    few = np.ones((FRAMES, 16), bool)
    few[:5, 3] = False
    with pytest.raises(UserError, match="only 5 joints of all frames are seen both"):
        match_views([replace(one, hidden=few), replace(other, shift_s=0.0)])


def test_three_cameras_are_each_brought_to_the_first(motion):
    one, other = two(motion)
    third = camera_at(motion, -60, "behind", away_m=0.5)
    late = View(seen_by(third, motion, noise_px=2.0, source="behind.npz", seed=7).cut(10, FRAMES - 1), third)
    matched = match_views([one, other, late])
    assert [fit.shift_s for fit in matched.fits] == [0, pytest.approx(0.2)]
    assert [len(clip) for clip in matched.clips] == 3 * [FRAMES] and matched.cameras[2] is third
    with pytest.raises(UserError, match=r"behind.npz.*exchanged|behind.npz.*does not fit"):
        match_views([one, replace(other, camera=third), replace(late, camera=other.camera)][::2])


def test_other_rates_are_brought_to_the_first_ones(motion):
    one, other = two(motion, noise_px=0)
    slow = seen_by(other.camera, motion[::2], fps=25.0, source="slow.npz")
    matched = match_views([one, replace(other, clip=slow)])
    assert any("25 frames/s, and is brought to 50" in note for note in matched.notes)
    known = matched.clips[1].visible
    assert known[:-1].all() and np.abs(matched.clips[1].keypoints - other.clip.keypoints)[known].max() < 3


def test_of_somebody_who_stands_still_the_moment_is_assumed_and_said(motion):
    still = np.repeat(motion[:1], FRAMES, 0)
    one, other = two(still)
    matched = match_views([one, replace(other, clip=other.clip.cut(9, FRAMES - 1))])
    assert matched.fits[0].shift_s == 0 and "which is assumed: how both move does not tell" in matched.fits[0].notes[0]


def test_detectors_that_see_a_joint_elsewhere_from_each_side_are_of_one_moment(motion):
    one, other = two(motion)
    bias = np.random.default_rng(3).normal(size=(16, 2)) * 12
    biased = Clip.from_arrays(other.clip.keypoints + bias, other.clip.image_size, 50.0, source="right.npz")
    assert match_views([one, replace(other, clip=biased)]).fits[0].shift_s == 0


@pytest.mark.parametrize("degrees", [40.0, 70.0, 110.0])
def test_cameras_that_stand_alike_are_not_exchanged_unseen(motion, degrees):
    """Sizes, rays and distances are the same then, but the body is inside out."""
    one, other = two(motion, degrees=degrees)
    with pytest.raises(UserError, match="knees would bend backwards"):
        match_views([replace(one, camera=other.camera), replace(other, camera=one.camera)])


def turned(camera, degrees, axis=0):
    """It looks elsewhere from where it stands."""
    turn = Rotation.from_rotvec(np.radians(degrees) * np.eye(3)[axis]).as_matrix()
    return replace(camera, rotation=turn @ camera.rotation, translation=turn @ camera.translation)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda one, other: (replace(one, camera=other.camera), replace(other, camera=one.camera)), "exchanged"),
        (lambda one, other: (one, replace(other, camera=turned(other.camera, 8))), "does not fit left.npz"),
        (lambda one, other: (one, replace(other, camera=replace(one.camera, name="right"))), "sees? the same|see the same"),
        (
            lambda one, other: (one, replace(other, camera=replace(other.camera, translation=100 * other.camera.translation))),
            "in which unit|stands|does not fit",
        ),
        (lambda one, other: (one, replace(other, hidden=np.ones((FRAMES, 16), bool))), "all of it is hidden"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(motion, change, said):
    with pytest.raises(UserError, match=said) as refused:
        match_views(change(*two(motion)))
    assert "right.npz" in str(refused.value)


def test_a_calibration_that_is_a_little_off_is_doubted(motion):
    one, other = two(motion)
    matched = match_views([one, replace(other, camera=turned(other.camera, 1.0))])
    assert len(matched.doubts) == 1 and "check the calibration" in matched.doubts[0]


def test_what_no_line_tells_a_known_height_may(motion):
    """A camera that is turned about the vertical has the same lines, nearly, but the person comes nearer."""
    one, other = two(motion)
    off = replace(other, camera=turned(other.camera, 10, axis=1))
    right, wrong = (match_views([replace(one, clip=replace(one.clip, height_m=1.72)), view]) for view in (other, off))
    assert not right.doubts and not match_views([one, off]).doubts
    assert len(wrong.doubts) == 1 and "1.72 m was said" in wrong.doubts[0]


@pytest.mark.parametrize(("calibrated", "is_fine"), [((1008, 1008), True), ((1000, 1000), True), ((1024, 1000), False)])
def test_the_edge_that_codecs_add_is_no_other_size(motion, calibrated, is_fine):
    one, other = two(motion)
    padded = replace(other, camera=replace(other.camera, size=calibrated))
    if not is_fine:
        with pytest.raises(UserError, match="was calibrated for 1024 x 1000"):
            match_views([one, padded])
        return
    notes = match_views([one, padded]).notes
    assert any("the edge that codecs add" in note for note in notes) == (calibrated != (1000, 1000))


def test_what_is_hidden_in_one_camera_is_hidden_in_it_alone(motion):
    one, other = two(motion)
    hidden = np.zeros((FRAMES, 16), bool)
    hidden[:50, 3] = True
    matched = match_views([replace(one, hidden=hidden), other])
    assert not matched.clips[0].visible[:50, 3].any() and matched.clips[0].visible[50:].all()
    assert matched.clips[1].visible.all()
    assert "1.6 % of all joints are seen by one camera alone and 0.0 % by none" in matched.notes[-1]
