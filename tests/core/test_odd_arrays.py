"""Arrays and tables that look like something else: depths by guess, metres, who is seen, columns that come twice."""

import numpy as np
import pytest

from mpm_core import UserError, read_clip, write
from mpm_core.formats import inspect_file
from mpm_core.formats.base import ReadOptions
from mpm_core.skeleton import COCO17, MEDIAPIPE33, MPM16
from tests.bodies import FRAMES, body_in, same_body
from tests.core.test_misreadings import lower, noted, table
from tests.motion_files import h36m_of, pose_error_mm, world_of

SIZE = (1080, 1080)
HIPS = MEDIAPIPE33.indices(("LHip", "RHip"))


def read(path, **more):
    return read_clip(path, options=ReadOptions(**{"image_size": SIZE, **more}))


def landmarks(demo, scale):
    """(frames, 33, 4) x, y, the depth that MediaPipe guesses, about zero at the hips, and visibility."""
    body = body_in(demo, MEDIAPIPE33)
    depth = 0.3 * np.sin(np.arange(33)) + np.zeros((FRAMES, 1))
    return np.dstack((body[..., :2] / scale, depth, body[..., 2]))


@pytest.mark.parametrize("scale", [1080.0, 1.0])
@pytest.mark.parametrize("width", [3, 4])
@pytest.mark.parametrize("is_flat", [True, False])
def test_landmarks_with_a_depth_by_guess(tmp_path, demo, scale, width, is_flat):
    """They were taken for 3D, and in rows of 99 the depth for a confidence."""
    values = landmarks(demo, scale)[..., :width]
    np.save(tmp_path / "a.npy", values.reshape(FRAMES, -1) if is_flat else values)
    clip = read(tmp_path / "a.npy")
    assert same_body(clip, demo) and not clip.is_virtual and noted(clip, "the depth z is left out")
    assert np.allclose(clip.confidence, 0.9 if width == 4 else 1.0)


def world_landmarks(demo):
    values = landmarks(demo, 1.0)
    points = values[..., :2]
    values[..., :2] = (points - points[:, HIPS].mean(1, keepdims=True)) / np.ptp(points[..., 1]) * 1.7
    return values


@pytest.mark.parametrize("kind", ["numbered", "named", "npy"])
def test_landmarks_in_metres_about_the_hips_are_no_picture(tmp_path, demo, kind):
    """They were stretched over the image as if they were shares of it."""
    values, path = world_landmarks(demo), tmp_path / ("a.npy" if kind == "npy" else "a.csv")
    if kind == "npy":
        np.save(path, values)
    else:
        joints = [lower(joint) if kind == "named" else f"{n}" for n, joint in enumerate(MEDIAPIPE33.joints)]
        names = [f"{joint}_{part}" if kind == "named" else f"{part}_{joint}" for joint in joints for part in "xyzv"]
        np.savetxt(path, values.reshape(FRAMES, -1), "%.5f", delimiter=",", header=",".join(names), comments="")
    with pytest.raises(UserError, match="relative to the middle of the hips"):
        read(path, image_size=(1920, 1080))


def test_rows_of_positions_in_3d(tmp_path, demo):
    """Rows of 51 metres were taken for shares of an image with scores."""
    solid = h36m_of(world_of(demo, "z", slice(250, 250 + FRAMES), 1.0))
    np.save(tmp_path / "a.npy", solid.reshape(FRAMES, -1))
    np.save(tmp_path / "b.npy", solid)
    flat, clip = read_clip(tmp_path / "a.npy"), read_clip(tmp_path / "b.npy")
    assert flat.is_virtual and np.array_equal(flat.ground_truth, clip.ground_truth)
    assert np.median(pose_error_mm(flat, demo, slice(250, 250 + FRAMES))) < 2


@pytest.mark.parametrize(
    ("name", "scores", "is_used"),
    [("visibility", bool, True), ("valid", np.uint8, True), ("scores", float, True), ("conf_percent", int, True),
     ("arr_1", float, True), ("velocity", float, False), ("occluded", bool, False), ("arr_1", "pixels", False),
     ("invisible", bool, False), ("is_invalid", int, False), ("not_visible", bool, False), ("occlusion_prob", float, False)],
)  # fmt: skip
def test_arrays_that_say_who_is_seen(tmp_path, demo, name, scores, is_used):
    seen = np.ones((FRAMES, 17))
    seen[:, COCO17.index("LWrist")] = 0
    values = seen * 300.0 if scores == "pixels" else (seen * 100).astype(int) if scores is int else seen.astype(scores)
    points = "arr_0" if name == "arr_1" else "keypoints"
    np.savez(tmp_path / "k.npz", **{points: body_in(demo, COCO17)[..., :2], name: values})
    clip = read(tmp_path / "k.npz")
    hidden = ~clip.visible.any(0)
    assert hidden.tolist() == [is_used and joint == "LWrist" for joint in COCO17.joints]
    assert noted(clip, f"the array '{name}' is not used") != is_used


@pytest.mark.parametrize("is_beside", [True, False])
def test_flags_of_coco_in_an_array_are_no_depths(tmp_path, demo, is_beside):
    """They were left out as depths by guess, and who was not labelled was seen; beside the points, they were 2 of 1."""
    points, flags = body_in(demo, COCO17)[..., :2], np.arange(FRAMES)[:, None] % 3 + np.zeros((1, 17), int)
    if is_beside:
        np.savez(tmp_path / "k.npz", keypoints=points, visibility=flags)
    else:
        np.savez(tmp_path / "k.npz", keypoints=np.dstack((points, flags)))
    clip = read(tmp_path / "k.npz")
    assert clip.visible.any(1).tolist() == (flags[:, 0] > 0).tolist() and set(np.unique(clip.confidence)) == {0, 1}
    assert not clip.is_virtual and not noted(clip, "depth") and not noted(clip, "scores go up to")


@pytest.mark.parametrize(
    ("least", "most", "highest", "words"),
    [(95, 100, 1, "are taken for per cent"), (0.5, 4, 4, "go up to 4 and not to 1"), (-2, 3, 1, "the third column is left")],
)
def test_a_third_column_that_is_hardly_a_depth(tmp_path, demo, least, most, highest, words):
    """Scores in per cent were left out as depths by guess, and everything was sure."""
    scores = np.linspace(least, most, FRAMES)[:, None] + np.zeros((1, 17))
    scores[:, ::2] = most
    np.save(tmp_path / "a.npy", np.dstack((body_in(demo, COCO17)[..., :2], scores)))
    clip = read(tmp_path / "a.npy")
    assert same_body(clip, demo) and noted(clip, words) and clip.confidence.max() == highest
    assert (clip.confidence.min() == 1) == (least < 0)


def test_scores_beside_who_is_seen(tmp_path, demo):
    seen = np.arange(FRAMES)[:, None] % 3 > 0
    scores = np.full((FRAMES, 17), 0.7)
    np.savez(tmp_path / "k.npz", keypoints=body_in(demo, COCO17)[..., :2], a_visible=seen & (scores > 0), score=scores)
    clip = read(tmp_path / "k.npz")
    assert np.allclose(clip.confidence, np.where(seen, 0.7, 0)) and clip.visible.any(1).tolist() == seen[:, 0].tolist()


def test_size_and_rate_of_arrays_under_other_names(tmp_path, demo):
    points = body_in(demo, COCO17)[..., :2]
    np.savez(tmp_path / "a.npz", keypoints=points, image_size=np.array([1920.0, 1080.0]), frame_rate=50)
    np.savez(tmp_path / "b.npz", keypoints=points, width=1920, height=1080, timestamps=np.arange(FRAMES) / 50)
    for name in ("a.npz", "b.npz"):
        assert not inspect_file(tmp_path / name).lacks
        clip = read_clip(tmp_path / name)
        assert clip.image_size == (1920, 1080) and clip.fps == pytest.approx(50)
    np.savez(tmp_path / "c.npz", keypoints=points, fps=25, timestamps=np.arange(FRAMES) / 50)
    clip = read(tmp_path / "c.npz")
    assert clip.fps == pytest.approx(50) and noted(clip, "the file says 25 frames/s")


@pytest.mark.parametrize("again", ["{}", "{}.1"])
def test_columns_that_come_twice(tmp_path, demo, again):
    """Of two people side by side the second was taken, or left out, without a word."""
    path = table(tmp_path / "c.csv", body_in(demo, COCO17), {"frame": range(FRAMES)})
    head, *rows = path.read_text().splitlines()
    names = head.split(",")[1:]
    doubled = [f"{head},{','.join(again.format(name) for name in names)}", *(f"{r},{r.split(',', 1)[1]}" for r in rows)]
    path.write_text("\n".join(doubled))
    with pytest.raises(UserError, match="2 columns 'nose_x'"):
        read(path)
    write(demo.cut(0, 9), tmp_path / "own.csv")
    lines = (tmp_path / "own.csv").read_text().splitlines()
    wrist = f"{MPM16.joints[12]}_x"
    lines = [line if line[0] == "#" else line + (f",{wrist}" if wrist in line else ",5.0") for line in lines]
    (tmp_path / "own.csv").write_text("\n".join(lines))
    with pytest.raises(UserError, match=f"2 columns '{wrist}'"):
        read_clip(tmp_path / "own.csv")


def test_people_whom_somebody_labelled_in_sleap(tmp_path, demo):
    """SLEAP gives what a person labelled no score: the surest points were left out."""
    h5py = pytest.importorskip("h5py")
    body = body_in(demo, COCO17)
    scores = np.full((1, 17, FRAMES), 0.8)
    scores[..., 5:9] = np.nan
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["tracks"] = body[..., :2].transpose(2, 1, 0)[None]
        file["node_names"] = [lower(joint).encode() for joint in COCO17.joints]
        file["point_scores"] = scores
    clip = read(tmp_path / "a.h5")
    assert same_body(clip, demo) and clip.visible.all() and np.allclose(clip.confidence[5:9], 1)
