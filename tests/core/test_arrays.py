"""Arrays that other programs write: detectron2's, the demos' of lifters, and bare ones."""

import numpy as np
import pytest

from mpm_core import UserError, read_clip
from mpm_core.formats import inspect_file
from mpm_core.formats.base import ReadOptions
from mpm_core.skeleton import COCO17, H36M17, HALPE26
from tests.bodies import FRAMES, body_in, same_body

SIZE = (1080, 1080)


def read(path, **more):
    return read_clip(path, options=ReadOptions(50, SIZE, **more))


def objects(rows):
    out = np.empty((len(rows), 2), object)
    for n, people in enumerate(rows):
        out[n, 0], out[n, 1] = [], people
    return out


def test_detectron2_of_videopose(tmp_path, demo):
    body = body_in(demo, COCO17)
    columns = [np.stack((p[:, 0], p[:, 1], p[:, 2] * 7, p[:, 2]))[None].astype(np.float32) for p in body]
    small = columns[0] * 0.2 + 700
    rows = [np.concatenate((small, person)) for person in columns]
    rows[4] = np.zeros((0, 4, 17), np.float32)
    path = tmp_path / "walk.mp4.npz"
    boxes = objects([np.ones((len(row), 5), np.float32) for row in rows])
    np.savez_compressed(
        path, boxes=boxes, segments=np.array([None] * FRAMES), keypoints=objects(rows), metadata={"w": 1080, "h": 1080}
    )
    clip = read_clip(path, 50)
    assert clip.image_size == SIZE and len(clip) == FRAMES and not clip.visible[4].any()
    assert same_body(clip, demo, frames=[0, 3, 5, 23])


@pytest.mark.parametrize("axes", [2, 3])
@pytest.mark.parametrize("skeleton", [H36M17, COCO17], ids=lambda s: s.name)
def test_keypoints_of_lifters_demos(tmp_path, demo, axes, skeleton):
    points = body_in(demo, skeleton)[None, ..., :axes].astype(np.float32)
    np.savez_compressed(
        tmp_path / "keypoints.npz", reconstruction=np.concatenate((points, points + np.array([20, 20, 0])[:axes]))
    )
    clip = read(tmp_path / "keypoints.npz")
    assert clip.skeleton is skeleton and clip.confidence.max() == pytest.approx(0.9 if axes == 3 else 1)
    assert len(inspect_file(tmp_path / "keypoints.npz").people) == 2 and same_body(
        read(tmp_path / "keypoints.npz", person=0), demo
    )


@pytest.mark.parametrize("shape", ["frames", "people", "flat"])
@pytest.mark.parametrize("suffix", [".npy", ".npz"])
def test_bare_arrays(tmp_path, demo, shape, suffix):
    points = body_in(demo, HALPE26)
    points = {"frames": points, "people": points[None], "flat": points[..., :2].reshape(FRAMES, -1)}[shape]
    path = tmp_path / f"poses{suffix}"
    if suffix == ".npy":
        np.save(path, points)
    else:
        np.savez(path, poses=points, extra=np.arange(3))
    assert read(path).skeleton is HALPE26 and same_body(read(path, skeleton="halpe26"), demo)
    with pytest.raises(UserError, match="26 joints per person, but COCO, 17 keypoints has 17"):
        read(path, skeleton="coco17")


def test_what_lies_beside_a_bare_array(tmp_path, demo):
    points = body_in(demo, HALPE26)
    points[5, 9, 2] = 0
    np.savez(tmp_path / "p.npz", poses=points[..., :2], conf=points[..., 2], fps=25, image_size=np.array(SIZE))
    assert inspect_file(tmp_path / "p.npz").lacks == ()
    clip = read_clip(tmp_path / "p.npz")
    assert clip.fps == 25 and clip.image_size == SIZE and clip.confidence.max() == pytest.approx(0.9)
    assert not clip.visible[5, 9] and clip.visible.sum() == FRAMES * 26 - 1


def test_bare_arrays_in_3d_are_not_taken_for_pixels(tmp_path, demo):
    np.save(tmp_path / "p.npy", demo.ground_truth[:20] * 1000)
    clip = read_clip(tmp_path / "p.npy")
    assert clip.is_virtual and clip.skeleton.name == "mpm16"
    assert any("unit: mm" in note and "-y axis" in note for note in clip.notes)
    with pytest.raises(UserError, match="3D positions"):
        read_clip(tmp_path / "p.npy", options=ReadOptions(format="arrays"))
