import numpy as np
import pytest

from mpm_core import Clip, UserError
from mpm_core.camera import Intrinsics
from mpm_core.skeleton import COCO17, MPM16


def keypoints(frames=4, joints=16):
    return np.random.default_rng(1).random((frames, joints, 2)) * 500


def test_zero_confidence_and_nan_become_hidden_not_zeros_that_count():
    points = keypoints()
    points[1, 3] = np.nan
    confidence = np.ones((4, 16))
    confidence[2, 5] = 0
    clip = Clip.from_arrays(points, (500, 500), 30, confidence=confidence)
    assert not clip.visible[1, 3] and not clip.visible[2, 5]
    assert clip.visible.sum() == 4 * 16 - 2
    assert np.isfinite(clip.keypoints).all()


def test_the_arrays_cannot_be_written_to():
    clip = Clip.from_arrays(keypoints(), (500, 500), 30)
    with pytest.raises(ValueError):
        clip.keypoints[0, 0] = 0


def test_callers_arrays_stay_their_own():
    points = keypoints()
    clip = Clip.from_arrays(points, (500, 500), 30)
    before = clip.keypoints.copy()
    points[:] = 0
    assert (clip.keypoints == before).all()


def test_ground_truth_follows_into_mpm16():
    truth = np.random.default_rng(2).random((4, 17, 3))
    truth[0, COCO17.index("LHip")] = np.nan
    clip = Clip.from_arrays(keypoints(joints=17), (500, 500), 30, skeleton="coco17", ground_truth=truth).to_mpm16()
    assert clip.ground_truth.shape == (4, 16, 3)
    assert np.isnan(clip.ground_truth[0, MPM16.index("Hip")]).all()
    assert np.isfinite(clip.ground_truth[1]).all()
    assert clip.derived[:, MPM16.index("Hip")].all()


def test_a_clip_may_hold_3d_only():
    clip = Clip.from_arrays(None, (1, 1), 50, ground_truth=np.zeros((5, 16, 3)))
    assert clip.keypoints is None and len(clip) == 5


def test_times_replace_even_spacing():
    clip = Clip.from_arrays(keypoints(), (500, 500), 30, times=[0, 0.1, 0.15, 0.4])
    assert clip.times.tolist() == [0, 0.1, 0.15, 0.4]


def test_cut_keeps_the_times():
    part = Clip.from_arrays(keypoints(10), (500, 500), 10).cut(3, 5)
    assert np.allclose(part.times, [0.3, 0.4, 0.5]) and len(part.visible) == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"keypoints": np.ones((4, 15, 2))}, "16"),
        ({"keypoints": np.ones((0, 16, 2))}, "no frames"),
        ({"keypoints": np.full((4, 16, 2), np.nan)}, "no joint is measured"),
        ({"keypoints": np.full((4, 16, 2), 1e30)}, "beyond all range"),
        ({"keypoints": [["a"]]}, "not numbers"),
        ({"fps": 0}, "positive"),
        ({"fps": float("nan")}, "positive"),
        ({"image_size": (0, 5)}, "positive"),
        ({"confidence": np.ones((4, 3))}, "confidence"),
        ({"times": [0, 1, 1, 2]}, "rising"),
        ({"times": ["a", "b", "c", "d"]}, "times are not numbers"),
        ({"times": [0, 20_000, 40_000, 60_000]}, "span 6e\\+04 s, so they are not in seconds"),
        ({"fps": 5e-5}, "5e-05 frames/s cannot be right"),
        ({"fps": 1e-3, "keypoints": keypoints(50)}, "50 frames at 0.001 frames/s last 5e\\+04 s"),
        ({"fps": 1e300}, "1e\\+300 frames/s cannot be right"),
        ({"image_size": (0.4, 0.3)}, "positive"),
        ({"image_size": (500,)}, "a width and a height"),
        ({"image_size": ("a", 5)}, "positive, not None x 5"),
        ({"image_size": (500, 10**9)}, "pixels cannot be right"),
        ({"confidence": np.full((4, 16), np.inf)}, "a confidence of inf in frame 0"),
        ({"confidence": np.full((4, 16), -np.inf)}, "a confidence of -inf in frame 0"),
        ({"confidence": np.full((4, 16), 1e39)}, "a confidence of 1e\\+39 in frame 0"),
        ({"up": (0.0, 0.0, 0.0)}, "up must be a direction"),
        ({"up": (0.0, float("nan"), 1.0)}, "up must be a direction"),
        ({"up": (0.0, -1e300, 0.0)}, "up must be a direction"),
        ({"camera": Intrinsics((0.0, 0.0), (250.0, 250.0))}, "focal length of 0 pixels"),
        ({"camera": Intrinsics((500.0, -500.0), (250.0, 250.0))}, "focal length of -500 pixels"),
        ({"camera": Intrinsics((500.0, float("nan")), (250.0, 250.0))}, "focal length of nan pixels"),
        ({"camera": Intrinsics((500.0, 500.0), (1e9, 250.0))}, "centre at 1e\\+09 pixels"),
        ({"keypoints": [[[10**400, 1]] * 16]}, "not numbers"),
        ({"confidence": "high"}, "confidence values are not numbers"),
        ({"image_size": (float("inf"), 5)}, "positive"),
        ({"ground_truth": np.zeros((3, 16, 3))}, "differ in length"),
        ({"keypoints": None}, "neither"),
    ],
)
def test_bad_input_is_one_sentence_with_its_source(arguments, words):
    good = {"keypoints": keypoints(), "image_size": (500, 500), "fps": 30, "source": "walk.json"}
    with pytest.raises(UserError, match=words) as error:
        Clip.from_arrays(**(good | arguments))
    assert "walk.json" in str(error.value) and "\n" not in str(error.value)


def test_frames_that_almost_nobody_is_in_have_wrong_numbers():
    points = np.full((200_001, 16, 2), np.nan)
    points[[0, 7, -1]] = 100.0
    with pytest.raises(UserError, match="only 3 of 200001 frames show anybody"):
        Clip.from_arrays(points, (500, 500), 30)
    points[::500] = 100.0
    assert len(Clip.from_arrays(points, (500, 500), 30)) == 200_001


def test_truth_is_a_number_or_missing():
    truth = np.zeros((4, 16, 3))
    truth[1, 2] = np.inf, 0, 0
    truth[2, 3, 0] = np.nan
    clip = Clip.from_arrays(None, (500, 500), 30, ground_truth=truth)
    assert np.isnan(clip.ground_truth[[1, 2], [2, 3]]).all() and np.isfinite(clip.ground_truth).sum() == truth.size - 6


@pytest.mark.parametrize(
    ("source", "name", "stem"),
    [
        ("/d [old]/data_2d_x.npz [S9/Walking 1/0]", "data_2d_x.npz [S9/Walking 1/0]", "data_2d_x_S9_Walking 1_0"),
        ("/d/walk.json", "walk.json", "walk"),
        ("/d/clips/openpose", "openpose", "openpose"),
        ("/d/take [2].csv", "take [2].csv", "take _2_"),
        ("", "clip", "clip"),
    ],
)
def test_name_and_file_stem_come_from_the_source(source, name, stem):
    clip = Clip.from_arrays(keypoints(), (500, 500), 30, source=source)
    assert clip.name == name and clip.file_stem == stem
