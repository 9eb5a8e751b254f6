import json
import pickle
import shutil
from dataclasses import replace

import numpy as np
import pytest

from mpm_core import Clip, UserError, read_clip, write
from mpm_core.formats import inspect_file
from mpm_core.formats.base import WriteOptions
from mpm_core.formats.mpm_npz import read_mask
from mpm_core.joint_maps import map_to_mpm16
from mpm_core.skeleton import BODY25, COCO17, H36M17, MPM16
from tests.conftest import body25_from_mpm16, write_openpose


def coco_person(seed=0, frames=6, offset=0.0):
    """(frames, 17, 3) of somebody who drifts to the right."""
    rng = np.random.default_rng(seed)
    pose = rng.random((17, 2)) * [80, 300] + [200 + offset, 100]
    points = pose + np.arange(frames)[:, None, None] * [2.0, 0.0]
    return np.concatenate((points, np.full((frames, 17, 1), 0.8)), axis=-1)


def test_openpose_folder(openpose_folder, demo):
    clip = read_clip(openpose_folder, fps=25, image_size=(1080, 1080))
    assert clip.skeleton is BODY25 and len(clip) == 120 and clip.fps == 25 and not clip.notes
    seen = clip.to_mpm16()
    wrist = MPM16.index("LWrist")
    assert not seen.visible[30:40, wrist].any() and seen.visible[:30, wrist].all()
    assert np.abs(seen.keypoints[:, MPM16.index("LKnee")] - demo.keypoints[250:370, MPM16.index("LKnee")]).max() < 0.01
    assert seen.confidence[0, MPM16.index("LKnee")] == pytest.approx(0.9)


def test_what_an_openpose_folder_lacks_is_assumed_and_said(openpose_folder):
    clip = read_clip(openpose_folder)
    assert inspect_file(openpose_folder).lacks == ("fps", "image_size")
    assert clip.fps == 30 and any("frame rate" in note for note in clip.notes)
    assert clip.image_size == (1920, 1080)  # the smallest usual one that holds every keypoint
    assert any("image size" in note for note in clip.notes)


def test_frames_without_anybody_and_missing_files_are_hidden_frames(tmp_path):
    pose = np.random.default_rng(0).random((16, 2)) * 300 + np.arange(6)[:, None, None]
    folder = write_openpose(tmp_path / "f", body25_from_mpm16(pose), first=10)
    (folder / "clip_000000000012_keypoints.json").write_text('{"people": []}')
    (folder / "clip_000000000014_keypoints.json").unlink()
    clip = read_clip(folder, 30, (640, 480))
    assert len(clip) == 6
    assert clip.visible.any(1).tolist() == [True, True, False, True, False, True]


def test_several_people_are_followed_and_the_largest_longest_is_the_default(tmp_path):
    rng = np.random.default_rng(0)
    pose = rng.random((16, 2)) * [100, 300]
    drift = np.arange(20)[:, None, None] * [3.0, 0.0]
    big, small = body25_from_mpm16(pose + drift + [100, 50]), body25_from_mpm16(pose * 0.4 - drift + [600, 200])
    folder = write_openpose(tmp_path / "f", small, others=[big])
    people = inspect_file(folder).people
    assert [p.frames for p in people] == [20, 20] and people[0].height > people[1].height
    clip = read_clip(folder, 30, (1280, 720))
    knee = BODY25.index("LKnee")
    assert np.allclose(clip.keypoints[:, knee], big[:, knee, :2], atol=0.01)
    other = read_clip(folder, 30, (1280, 720), person=1)
    assert np.allclose(other.keypoints[:, knee], small[:, knee, :2], atol=0.01)
    with pytest.raises(UserError, match="no person 2"):
        read_clip(folder, 30, (1280, 720), person=2)


def test_coco_annotations(tmp_path):
    person = coco_person()
    person[2, 9] = 0
    images = [{"id": 100 + n, "file_name": f"{n}.jpg", "width": 640, "height": 480} for n in range(6)]
    annotations = [
        {"id": n, "image_id": 100 + n, "keypoints": np.where([1, 1, 0], p, 2 * (p[:, 2:] > 0)).ravel().tolist()}
        for n, p in enumerate(person)
    ]
    path = tmp_path / "coco.json"
    path.write_text(json.dumps({"images": images, "annotations": [*annotations, {"id": 9, "image_id": 100}]}))
    clip = read_clip(path, fps=25)
    assert clip.skeleton is COCO17 and clip.image_size == (640, 480) and len(clip) == 6
    assert not clip.visible[2, 9] and clip.visible[1, 9]


def test_alphapose(tmp_path):
    first, second = coco_person(0), coco_person(1, offset=600)
    entries = []
    for frame in range(6):
        for idx, person in ((1, first), (2, second)):
            entries.append(
                {
                    "image_id": f"{frame}.jpg",
                    "category_id": 1,
                    "keypoints": person[frame].ravel().tolist(),
                    "score": 2,
                    "idx": idx,
                }
            )
    path = tmp_path / "alphapose-results.json"
    path.write_text(json.dumps(entries))
    assert len(inspect_file(path).people) == 2
    clip = read_clip(path, 30, (1920, 1080), person=1)
    assert len(clip) == 6 and clip.skeleton is COCO17


@pytest.mark.parametrize("wrapped", [False, True])
def test_mmpose(tmp_path, wrapped):
    person = coco_person()
    frames = [
        {
            "frame_id": n,
            "instances": [{"keypoints": p[:, :2].tolist(), "keypoint_scores": p[:, 2].tolist(), "bbox": [[0, 0, 1, 1]]}],
        }
        for n, p in enumerate(person)
    ]
    frames[3]["instances"] = []
    path = tmp_path / "results.json"
    path.write_text(json.dumps({"meta_info": {}, "instance_info": frames} if wrapped else frames))
    clip = read_clip(path, 30, (640, 480))
    assert len(clip) == 6 and not clip.visible[3].any() and np.allclose(clip.keypoints[5], person[5, :, :2], atol=1e-3)


def h36m_pair(folder, demo, with_cameras=True):
    """A VideoPose3D pair with one subject, two actions and two cameras, from the demo."""
    rotation = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0.0]])
    translation = np.array([0.0, 0.0, 0.0])
    seventeen = np.zeros((200, 17, 3))
    for j, name in enumerate(H36M17.joints):
        seventeen[:, j] = demo.ground_truth[:200, MPM16.index("Head" if name == "Nose" else name)]
    world = (seventeen - translation) @ rotation
    pixels = demo.camera.project(seventeen)
    shift = demo.camera.project(seventeen + [0.3, 0, 0.5])
    meta = {"layout_name": "h36m", "num_joints": 17, "keypoints_symmetry": [[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]]}
    two = {"S9": {"Walking": [pixels.astype(np.float32), shift.astype(np.float32)], "Sitting": [pixels[:50], shift[:50]]}}
    np.savez_compressed(folder / "data_2d_toy_gt.npz", positions_2d=two, metadata=meta)
    np.savez_compressed(folder / "data_3d_toy.npz", positions_3d={"S9": {"Walking": world, "Sitting": world[:50]}})
    if with_cameras:
        matrix = [[demo.camera.focal[0], 0, 540], [0, demo.camera.focal[1], 540], [0, 0, 1]]
        entry = {"R": rotation.tolist(), "t": [0, 0, 0], "K": matrix, "res_w": 1080, "res_h": 1080}
        other = entry | {"t": [0.3, 0, 0.5]}
        (folder / "cameras.json").write_text(
            json.dumps({"cameras": {"S9": {a: [entry, other] for a in ("Walking", "Sitting")}}})
        )
    return folder / "data_2d_toy_gt.npz"


def test_h36m_pair_finds_its_3d_and_cameras(tmp_path, demo):
    path = h36m_pair(tmp_path, demo)
    assert inspect_file(path).selections == ("S9/Walking/0", "S9/Walking/1", "S9/Sitting/0", "S9/Sitting/1")
    clip = read_clip(path, select="S9/Walking/1")
    assert clip.image_size == (1080, 1080) and not clip.camera.is_assumed
    assert clip.notes == ("the file has no frame rate: 50 frames/s assumed, as in Human3.6M",)
    seen = clip.camera.project(clip.ground_truth)
    assert np.abs(seen - clip.keypoints).max() < 0.1
    assert len(read_clip(path, select="S9/Sitting")) == 50
    first = read_clip(path)
    assert any("S9/Walking/0" in note for note in first.notes)
    with pytest.raises(UserError, match="S9/Jumping"):
        read_clip(path, select="S9/Jumping")


def test_h36m_pair_without_cameras_has_them_fitted(tmp_path, demo):
    clip = read_clip(h36m_pair(tmp_path, demo, with_cameras=False), select="S9/Walking/0")
    assert any("no cameras.json beside the file: the camera was fitted" in note for note in clip.notes)
    (tmp_path / "cameras.json").write_text('{"cameras": {"S9": {}}}')
    assert any("cameras.json lacks this view" in n for n in read_clip(tmp_path / "data_2d_toy_gt.npz").notes)
    assert np.abs(clip.camera.project(clip.ground_truth) - clip.keypoints).max() < 2
    truth = demo.ground_truth[:200] - demo.ground_truth[:200, :1]
    fitted = clip.ground_truth - clip.ground_truth[:, :1]
    assert np.linalg.norm(fitted - truth, axis=-1).mean() < 0.03


def test_h36m_3d_alone_is_a_3d_clip(tmp_path, demo):
    h36m_pair(tmp_path, demo)
    clip = read_clip(tmp_path / "data_3d_toy.npz", select="S9/Sitting").to_mpm16()
    assert clip.keypoints is None and len(clip) == 50
    assert np.allclose(clip.ground_truth, demo.ground_truth[:50], atol=1e-4)


def videopose_file(folder, layout="coco", **metadata):
    """A custom VideoPose3D file: two videos, one action and camera each."""
    path = folder / "data_2d_custom_mine.npz"
    views = {name: {"custom": [coco_person(seed)[..., :2]]} for seed, name in enumerate(("a.mp4", "b.mp4"))}
    np.savez(path, positions_2d=views, metadata={"layout_name": layout, **metadata})
    return path


def test_videopose_metadata_tells_size_and_rate_of_each_video(tmp_path):
    videos = {"a.mp4": {"w": 640, "h": 480, "fps": 25}, "b.mp4": {"w": 1920, "h": 1080, "fps": 60}}
    path = videopose_file(tmp_path, video_metadata=videos)
    assert inspect_file(path).lacks == ()
    clip = read_clip(path, select="b.mp4")
    assert clip.image_size == (1920, 1080) and clip.fps == 60 and not clip.notes


def test_videos_of_other_names_count_where_they_agree(tmp_path):
    videos = {"x": {"w": 640, "h": 480, "fps": 25}, "y": {"w": 640, "h": 480, "fps": 60}}
    path = videopose_file(tmp_path, video_metadata=videos)
    assert inspect_file(path).lacks == ("fps",)
    clip = read_clip(path, select="b.mp4")
    assert clip.image_size == (640, 480) and clip.notes == ("the file has no frame rate: 30 frames/s assumed",)


def test_what_no_videopose_file_tells_is_lacking_but_of_human36m_known(tmp_path):
    contents = inspect_file(videopose_file(tmp_path))
    assert contents.lacks == ("fps", "image_size") and contents.assumed_size == (640, 480) and contents.assumed_fps == 30
    path = videopose_file(tmp_path, "h36m")
    contents, clip = inspect_file(path), read_clip(path, select="a.mp4")
    assert contents.lacks == () and clip.fps == 50 and clip.image_size == (1000, 1000)
    assert len(clip.notes) == 2 and all(note.endswith("as in Human3.6M") for note in clip.notes)


def test_an_action_may_have_a_slash_in_its_name(tmp_path):
    path = tmp_path / "data_2d_x_gt.npz"
    np.savez(path, positions_2d={"S1": {"walk/fast": [coco_person()[..., :2]]}})
    assert inspect_file(path).selections == ("S1/walk/fast/0",)
    assert len(read_clip(path, select="S1/walk")) == 6


def test_the_real_benchmark_reads(shared):
    path = shared / "bench" / "open_val" / "data_2d_open_gt.npz"
    clip = read_clip(path, select="CMU94/IndianDance 08/2")
    assert len(clip) == 1144 and clip.camera.focal == (1145.0, 1145.0)
    assert np.abs(clip.camera.project(clip.ground_truth) - clip.keypoints).max() < 0.1


@pytest.mark.parametrize("suffix", [".npz", ".csv"])
def test_a_clip_survives_its_own_format(tmp_path, demo, suffix):
    points = demo.keypoints.copy()
    points[5, 3] = np.nan
    clip = Clip.from_arrays(points, demo.image_size, 50, source="x")
    write(clip, tmp_path / f"clip{suffix}")
    again = read_clip(tmp_path / f"clip{suffix}")
    assert (again.visible == clip.visible).all() and np.abs(again.keypoints - clip.keypoints).max() < 1e-3
    assert again.image_size == clip.image_size and again.fps == 50 and not again.notes


def test_npz_keeps_truth_camera_mask_and_marks(tmp_path, demo):
    mask = np.zeros((len(demo), 16), bool)
    mask[3:9, 2] = True
    write(demo, tmp_path / "d.npz", WriteOptions(mask=mask))
    again = read_clip(tmp_path / "d.npz")
    assert (again.ground_truth == demo.ground_truth).all() and again.camera == demo.camera and again.up == demo.up
    assert (read_mask(tmp_path / "d.npz", len(demo)) == mask).all()
    assert not any(name.dtype.hasobject for name in np.load(tmp_path / "d.npz").values())


def test_times_in_an_npz_are_its_frame_rate(tmp_path):
    times = np.arange(6) / 25
    np.savez(tmp_path / "k.npz", keypoints=coco_person()[..., :2], skeleton="coco17", times=times)
    assert inspect_file(tmp_path / "k.npz").lacks == ("image_size",)
    clip = read_clip(tmp_path / "k.npz", image_size=(640, 480))
    assert clip.fps == pytest.approx(25) and (clip.times == times).all() and not clip.notes
    np.savez(tmp_path / "g.npz", ground_truth=np.random.default_rng(0).random((6, 16, 3)))
    assert inspect_file(tmp_path / "g.npz").lacks == ("fps",)


def test_a_prediction_in_an_npz_knows_where_up_is(tmp_path, demo, lifter):
    clip = replace(demo.cut(0, 20), up=(0.0, -0.8, -0.6))
    write(lifter.lift(clip), tmp_path / "p.npz", WriteOptions(clip=clip))
    assert read_clip(tmp_path / "p.npz").up == clip.up


def test_completed_csv_tells_of_the_3d_not_of_the_2d_beside_it(tmp_path, demo, lifter):
    points = demo.keypoints[:20].copy()
    points[:, MPM16.index("RWrist")] = np.nan
    clip = Clip.from_arrays(points, demo.image_size, 50, ground_truth=demo.ground_truth[:20])
    mask = np.zeros((20, 16), bool)
    mask[:, MPM16.index("LWrist")] = True
    write(lifter.complete(clip.ground_truth, mask), tmp_path / "c.csv", WriteOptions(clip=clip))
    header, first, *_ = (line.split(",") for line in (tmp_path / "c.csv").read_text().splitlines() if line[0] != "#")
    cells = dict(zip(header, first, strict=True))
    assert cells["RWrist_source"] == "detected" and float(cells["RWrist_conf"]) == 1
    assert cells["LWrist_source"] == "completed" and float(cells["LWrist_conf"]) == 0


def test_prediction_as_csv_says_where_every_value_comes_from(tmp_path, demo, lifter):
    mask = np.zeros((len(demo), 16), bool)
    mask[:, MPM16.index("LWrist")] = True
    prediction = lifter.lift(demo, mask)
    write(prediction, tmp_path / "p.csv", WriteOptions(first=10, last=19, clip=demo))
    lines = (tmp_path / "p.csv").read_text().splitlines()
    assert any(line.startswith("# units: metres") for line in lines)
    header, rows = next(line for line in lines if not line.startswith("#")).split(","), lines[-10:]
    assert header[:2] == ["frame", "time_s"] and header[2:7] == ["Hip_x", "Hip_y", "Hip_z", "Hip_conf", "Hip_source"]
    first = dict(zip(header, rows[0].split(","), strict=True))
    assert first["frame"] == "10" and float(first["time_s"]) == pytest.approx(0.2)
    assert first["LWrist_source"] == "completed" and first["RWrist_source"] == "detected"
    again = read_clip(tmp_path / "p.csv")
    assert np.abs(again.ground_truth - prediction.absolute()[10:20]).max() < 1e-5


def test_long_csv_has_a_row_per_joint(tmp_path, demo):
    write(demo, tmp_path / "long.csv", WriteOptions(first=0, last=1, long=True))
    rows = [line for line in (tmp_path / "long.csv").read_text().splitlines() if not line.startswith("#")]
    assert rows[0].startswith("frame,time_s,joint,x,y,conf,source") and len(rows) == 1 + 2 * 16


def test_a_failed_write_leaves_the_old_file(tmp_path, demo):
    target = tmp_path / "old.bvh"
    target.write_text("precious")
    flat = Clip.from_arrays(demo.keypoints, demo.image_size, 50)
    with pytest.raises(UserError, match="no 3D"):
        write(flat, target)
    assert target.read_text() == "precious" and list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("name", "words"), [("out.xyz", "kind of file"), ("no/such/folder.csv", "no folder"), ("d", "kind of file")]
)
def test_targets_that_cannot_be_written_are_named(tmp_path, demo, name, words):
    with pytest.raises(UserError, match=words):
        write(demo, tmp_path / name)


def test_ranges_beyond_the_clip_are_refused(tmp_path, demo):
    with pytest.raises(UserError, match="range"):
        write(demo, tmp_path / "x.csv", WriteOptions(first=5, last=99999))


class Bomb:
    def __reduce__(self):
        return (exec, ("open('/tmp/mpm-bomb', 'w').close()",))


def test_a_pickle_that_would_run_code_is_refused_and_does_not_run(tmp_path):
    path = tmp_path / "data_2d_bomb_gt.npz"
    np.savez(path, positions_2d=np.array({"S1": {"A": [Bomb()]}}, dtype=object))
    marker = __import__("pathlib").Path("/tmp/mpm-bomb")
    marker.unlink(missing_ok=True)
    with pytest.raises(UserError, match=r"refused.*exec"):
        read_clip(path)
    assert not marker.exists()


def test_pickles_of_old_numpy_are_read(tmp_path):
    """numpy.core was renamed numpy._core; files of both kinds are around."""
    table = {"S1": {"A": [np.ones((4, 17, 2), np.float32)]}}
    data = pickle.dumps(np.array(table, dtype=object), protocol=2).replace(b"numpy._core", b"numpy.core")
    header = {"descr": "|O", "fortran_order": False, "shape": ()}
    import io
    import zipfile

    member = io.BytesIO()
    np.lib.format.write_array_header_1_0(member, header)
    with zipfile.ZipFile(tmp_path / "data_2d_old_gt.npz", "w") as archive:
        archive.writestr("positions_2d.npy", member.getvalue() + data)
    assert len(read_clip(tmp_path / "data_2d_old_gt.npz")) == 4


def test_derived_joints_are_told_apart():
    clip = Clip.from_arrays(coco_person()[..., :2], (640, 480), 30, skeleton="coco17").to_mpm16()
    assert set(np.array(MPM16.joints)[clip.derived.any(0)]) == set(map_to_mpm16(COCO17).derived())


def test_a_damaged_archive_is_one_sentence(tmp_path, demo):
    write(demo, tmp_path / "d.npz")
    whole = (tmp_path / "d.npz").read_bytes()
    (tmp_path / "cut.npz").write_bytes(whole[: len(whole) // 2])
    middle = bytearray(whole)
    middle[2000:2400] = b"\0" * 400
    (tmp_path / "holed.npz").write_bytes(middle)
    for name in ("cut.npz", "holed.npz"):
        with pytest.raises(UserError, match=name) as error:
            read_clip(tmp_path / name)
        assert "\n" not in str(error.value)
    shutil.copy(tmp_path / "d.npz", tmp_path / "fine.npz")
    assert len(read_clip(tmp_path / "fine.npz")) == len(demo)
