"""What a file is, by its content: which reader, which joints, which unit, which frames and whose."""

import json

import numpy as np
import pytest

from mpm_core import UserError, read_clip
from mpm_core.cli import main
from mpm_core.clip import Clip
from mpm_core.formats import inspect_file
from mpm_core.formats.base import Format, Probe, ReadOptions, Recognition
from mpm_core.formats.keypoints.frames import number_frames
from mpm_core.formats.keypoints.layouts import LAYOUTS
from mpm_core.formats.keypoints.naming import joint_of
from mpm_core.formats.recognising import find_reader
from mpm_core.skeleton import BODY25, BODY25B, COCO17, H36M17, HALPE26, MPII16, MPM16
from tests.bodies import FRAMES, body_in, flat, same_body, write_json

SIZE = (1080, 1080)


def people_list(points, **more):
    """AlphaPose's list: one person per frame."""
    return [{"image_id": f"{n}.jpg", "keypoints": flat(p), **more} for n, p in enumerate(points)]


def openpose_files(folder, points, name="v_{:012d}_keypoints.json", key="pose_keypoints_2d", numbers=None):
    for n, person in zip(numbers or range(len(points)), points, strict=True):
        write_json(folder / name.format(n), {"version": 1.3, "people": [{key: flat(person)}]})
    return folder


@pytest.mark.parametrize(
    "name",
    [
        "v_{:012d}_keypoints.json",
        "{}.json",
        "cam01.{:04d}.json",
        "walk_{:06d}.json",
        "2024 run {} (copy).json",
        "f{}_pose_v2.json",
    ],
)
def test_openpose_folders_of_any_naming(tmp_path, demo, name):
    clip = read_clip(openpose_files(tmp_path / "f", body_in(demo, BODY25), name), 50, SIZE)
    assert clip.skeleton is BODY25 and len(clip) == FRAMES and not clip.notes and same_body(clip, demo)


def test_hidden_files_and_files_of_another_kind_lie_beside_the_frames(tmp_path, demo):
    folder = openpose_files(tmp_path / "f", body_in(demo, BODY25))
    for path in list(folder.iterdir())[:5]:
        (folder / f"._{path.name}").write_bytes(b"\0\5\x16\7\0\2\0\0Mac OS X")
    write_json(folder / "camera_settings.json", {"focal": [1, 2], "much": "x" * 100_000})
    (folder / ".DS_Store").write_bytes(b"\0")
    clip = read_clip(folder, 50, SIZE)
    assert len(clip) == FRAMES and same_body(clip, demo)
    assert clip.notes == ("1 other JSON files in the folder were left out (camera_settings.json)",)


def test_two_videos_in_one_folder_are_refused(tmp_path, demo):
    openpose_files(tmp_path / "f", body_in(demo, BODY25), "cam1_{}.json")
    with pytest.raises(UserError, match="both frame 0.*one folder per video"):
        read_clip(openpose_files(tmp_path / "f", body_in(demo, BODY25), "cam2_{}.json"), 50, SIZE)


@pytest.mark.parametrize("key", ["pose_keypoints", "pose_keypoints_2d"])
@pytest.mark.parametrize("nobody", [{"pose_keypoints_2d": None}, {"pose_keypoints_2d": []}, None, {}])
def test_people_who_are_kept_as_null_are_nobody(tmp_path, demo, key, nobody):
    for n, person in enumerate(body_in(demo, BODY25)):
        write_json(tmp_path / "f" / f"{n}.json", {"people": [nobody, {key: flat(person)}]})
    clip = read_clip(tmp_path / "f", 50, SIZE)
    assert len(inspect_file(tmp_path / "f").people) == 1 and same_body(clip, demo)


@pytest.mark.parametrize("skeleton", [BODY25, BODY25B, HALPE26], ids=lambda s: s.name)
def test_openpose_joints_by_the_body_that_they_make(tmp_path, demo, skeleton):
    clip = read_clip(openpose_files(tmp_path / "f", body_in(demo, skeleton)), 50, SIZE)
    assert clip.skeleton is skeleton and same_body(clip, demo)


@pytest.mark.parametrize("skeleton", [COCO17, H36M17], ids=lambda s: s.name)
def test_a_coco_like_list_in_human36m_order_is_noticed(tmp_path, demo, skeleton):
    clip = read_clip(write_json(tmp_path / "r.json", people_list(body_in(demo, skeleton))), 50, SIZE)
    assert clip.skeleton is skeleton and same_body(clip, demo)
    assert bool(clip.notes) == (skeleton is H36M17)


@pytest.mark.parametrize("name", sorted(set(LAYOUTS) - {"coco-wholebody", "halpe136", "body135"}))
def test_skeleton_option_settles_every_layout(tmp_path, demo, name):
    points = body_in(demo, LAYOUTS[name].skeleton)
    path = write_json(tmp_path / "r.json", people_list(points))
    clip = read_clip(path, options=ReadOptions(50, SIZE, skeleton=name))
    assert clip.skeleton is LAYOUTS[name].skeleton and not clip.notes and same_body(clip, demo)


@pytest.mark.parametrize("name", ["coco-wholebody", "halpe136", "body135"])
def test_whole_bodies_begin_with_the_body(tmp_path, demo, name):
    body = body_in(demo, LAYOUTS[name].skeleton)
    hands = np.repeat(body[:, 9:10], LAYOUTS[name].points - body.shape[1], axis=1)
    path = write_json(tmp_path / "r.json", people_list(np.concatenate((body, hands), axis=1)))
    assert same_body(read_clip(path, 50, SIZE), demo)


def test_a_skeleton_that_scrambles_the_body_is_said(tmp_path, demo):
    shuffled = body_in(demo, COCO17)[:, np.random.default_rng(0).permutation(17)]
    path = write_json(tmp_path / "r.json", people_list(shuffled))
    assert any("no body comes out" in note for note in read_clip(path, 50, SIZE).notes)
    path = write_json(tmp_path / "m.json", people_list(body_in(demo, MPII16)))
    wrong = read_clip(path, options=ReadOptions(50, SIZE, skeleton="mpm16"))
    assert any("the bones fit MPII, 16 joints better" in note for note in wrong.notes)


def test_a_file_that_counts_y_upwards_is_said(tmp_path, demo):
    points = body_in(demo, COCO17)
    points[..., 1] = 1080 - points[..., 1]
    clip = read_clip(write_json(tmp_path / "r.json", people_list(points)), 50, SIZE)
    assert clip.skeleton is COCO17 and any("counts y upwards" in note for note in clip.notes)


def test_what_too_little_is_seen_of_is_asked_about(tmp_path, demo):
    points = body_in(demo, BODY25)
    points[:, :2], points[:, 6:] = 0, 0  # four joints tell nothing
    folder = openpose_files(tmp_path / "f", points)
    assert inspect_file(folder).skeletons == ("body25", "body25b")
    assert any("--skeleton body25b" in note for note in read_clip(folder, 50, SIZE).notes)
    clip = read_clip(folder, options=ReadOptions(50, SIZE, skeleton="body25b"))
    assert clip.skeleton is BODY25B and not clip.notes


@pytest.mark.parametrize(("scale", "shift"), [(1.0, 0.0), (2.0, -1.0)])
def test_shares_of_the_image_become_pixels_and_say_so(tmp_path, demo, scale, shift):
    points = body_in(demo, BODY25)
    points[..., :2] = points[..., :2] / 1080 * scale + shift
    for n, person in enumerate(points):
        write_json(tmp_path / "f" / f"{n}.json", {"people": [{"pose_keypoints_2d": person.ravel().tolist()}]})
    clip = read_clip(tmp_path / "f", 50, SIZE)
    assert same_body(clip, demo) and "1080 x 1080" in clip.notes[0]
    with pytest.raises(UserError, match="normalised.*size must be given"):
        read_clip(tmp_path / "f", 50)
    with pytest.raises(UserError, match="too small for pixels"):
        read_clip(tmp_path / "f", options=ReadOptions(50, SIZE, normalised=False))


def test_metres_are_not_taken_for_pixels(tmp_path, demo):
    points = body_in(demo, COCO17)
    points[..., :2] *= 1.8 / 300
    with pytest.raises(UserError, match="in metres"):
        read_clip(write_json(tmp_path / "r.json", people_list(points)), 50, SIZE)


@pytest.mark.parametrize(("unit", "per_metre"), [("mm", 1000), ("cm", 100), ("inch", 39.37)])
@pytest.mark.parametrize("suffix", [".npz", ".csv"])
def test_the_unit_of_3d_is_found_by_the_body(tmp_path, demo, unit, per_metre, suffix):
    path = tmp_path / f"x{suffix}"
    truth = (demo.ground_truth[:20] * per_metre).astype(np.float64)
    if suffix == ".npz":
        np.savez(path, positions=truth)
    else:
        rows = [",".join(f"{value:.5f}" for value in frame.ravel()) for frame in truth]
        header = ",".join(f"{joint}_{axis}" for joint in MPM16.joints for axis in "xyz")
        path.write_text("\n".join([header, *rows]))
    clip = read_clip(path, 50)
    assert np.abs(clip.ground_truth - demo.ground_truth[:20]).max() < 0.001
    assert any(f"taken as {unit}" in note for note in clip.notes)
    told = read_clip(path, options=ReadOptions(50, unit=unit))
    assert np.allclose(told.ground_truth, clip.ground_truth, atol=1e-5) and not any("taken" in note for note in told.notes)


@pytest.mark.parametrize("missing", [[0, 0, 0], [0, 0, 1.0], [None, None, None], ["NA", "NA", ""], [-1, -1, 0.4]])
def test_missing_is_missing(tmp_path, demo, missing):
    lists = [np.round(p, 3).tolist() for p in body_in(demo, COCO17)]
    for person in lists[5:9]:
        person[COCO17.index("LWrist")] = missing
    people = [{"image_id": n, "keypoints": [v for joint in p for v in joint]} for n, p in enumerate(lists)]
    clip = read_clip(write_json(tmp_path / "r.json", people), 50, SIZE)
    wrist = clip.visible[:, COCO17.index("LWrist")]
    assert not wrist[5:9].any() and wrist.sum() == FRAMES - 4 and clip.visible.sum() == FRAMES * 17 - 4


def test_nan_as_python_writes_it_is_missing(tmp_path, demo):
    points = body_in(demo, COCO17)
    points[3, 9] = np.nan
    path = write_json(tmp_path / "r.json", people_list(points))
    assert "NaN" in path.read_text()
    assert not read_clip(path, 50, SIZE).visible[3, 9]


@pytest.mark.parametrize(
    ("names", "numbers"),
    [
        (["frame_10.jpg", "frame_2.jpg", "frame_1.jpg"], (10, 2, 1)),
        (["a1_0004_z9", "a1_0005_z9", "a1_0008_z9"], (4, 5, 8)),
        (["1305031102175.png", "1305031102208.png", "1305031102275.png"], (0, 1, 3)),
        (["1305031102.175304", "1305031102.208711", "1305031102.242100"], (0, 1, 2)),
        (["cap_2024-05-01_12-00-59-900", "cap_2024-05-01_12-00-59-950", "cap_2024-05-01_12-01-00-050"], (0, 1, 3)),
        (["0033", "0067", "0100", "0133", "0167", "0233"], (0, 1, 2, 3, 4, 6)),
        (["000000397133.jpg", "000009448000.jpg", "000000037777.jpg"], (1, 2, 0)),
        (["0.jpg", "40000.jpg", "80000.jpg", "120000.jpg"], (0, 1, 2, 3)),
    ],
)
def test_frames_by_the_numbers_in_names(names, numbers):
    assert number_frames(names, "x").numbers == numbers


def test_times_in_names_are_the_frame_rate(tmp_path, demo):
    numbers = [1305031102175 + round(n * 1000 / 30) for n in range(FRAMES) if n != 7]
    points = np.delete(body_in(demo, BODY25), 7, axis=0)
    clip = read_clip(openpose_files(tmp_path / "f", points, "{}.json", numbers=numbers), image_size=SIZE)
    assert len(clip) == FRAMES and clip.fps == pytest.approx(30, abs=0.1)
    assert not clip.visible[7].any() and same_body(clip, demo, frames=[0, 6, 8, 23])


def crossing(demo, frames=60):
    """Two who walk through each other, side by side at frame 30, the second a little lower."""
    pose = body_in(demo, COCO17, 1)[0]
    left, right = np.repeat(pose[None], frames, 0), np.repeat(pose[None], frames, 0)
    way = np.arange(frames) * 9.0
    left[..., 0] += way[:, None] - 270
    right[..., 0] += 270 - way[:, None]
    right[..., 1] += 12
    return left, right


@pytest.mark.parametrize("lost", [(), (29, 30, 31, 32)], ids=["seen", "one hides the other"])
def test_people_who_cross_stay_who_they_are(tmp_path, demo, lost):
    left, right = crossing(demo)
    people = [
        {"image_id": n, "keypoints": flat(person)}
        for n in range(60)
        for who, person in ((1, right[n]), (0, left[n]))
        if not (who and n in lost)
    ]
    path = write_json(tmp_path / "r.json", people)
    assert len(inspect_file(path).people) == 2
    for number in range(2):
        x = read_clip(path, 50, (1920, 1080), person=number).keypoints[:, 0, 0]
        assert abs(x[-1] - x[0]) == pytest.approx(59 * 9, abs=1)


@pytest.mark.parametrize(
    "identity",
    [{"idx": [1.0]}, {"track_id": 1}, {"attributes": {"track_id": 1}}, {"person_id": [1]}, {"idx": 1.0}, {"track_id": "anna"}],
)
def test_people_by_what_the_file_calls_them(tmp_path, demo, identity):
    """Far apart in consecutive frames: only the identity tells that it is one person."""
    points = body_in(demo, COCO17)
    points[1::2, :, 0] += 800
    other = {"idx": 2, "track_id": 2, "attributes": {"track_id": 2}, "person_id": [2]}
    people = people_list(points, **identity) + people_list(points - [0, 300, 0], **{key: other[key] for key in identity})
    path = write_json(tmp_path / "r.json", people)
    assert [person.frames for person in inspect_file(path).people] == [FRAMES, FRAMES]


def test_one_number_for_everybody_is_no_identity(tmp_path, demo):
    points = body_in(demo, COCO17)
    people = people_list(points, idx=0) + people_list(points + [400, 0, 0], idx=0)
    assert [p.frames for p in inspect_file(write_json(tmp_path / "r.json", people)).people] == [FRAMES, FRAMES]


@pytest.mark.parametrize(
    ("name", "joint"),
    [
        ("left_wrist", "LWrist"), ("RightAnkle", "RAnkle"), ("wrist.L", "LWrist"), ("l_knee", "LKnee"), ("nose", "Nose"),
        ("rknee", "RKnee"), ("hip_center", "Hip"), ("LEFT_HEEL", "LHeel"), ("tail", None), ("shoulder1", None),
    ],
)  # fmt: skip
def test_names_of_joints(name, joint):
    assert joint_of(name) == joint


def test_two_readers_that_could_both_be_meant_are_named(tmp_path):
    def reader(name):
        recognition = Recognition(0.7, f"it has {name}")
        return Format(name, name.title(), (".x",), lambda _: recognition, lambda *_: None, lambda *_: None)

    path = tmp_path / "a.x"
    path.write_text("1")
    formats = {name: reader(name) for name in ("apples", "pears")}
    with pytest.raises(UserError, match=r"could be Apples \(it has apples: --format apples\) or Pears"):
        find_reader(path, formats)
    assert find_reader(path, formats, "pears")[1].name == "pears"
    with pytest.raises(UserError, match="no format 'plums'"):
        find_reader(path, formats, "plums")


def test_content_counts_and_not_the_ending(tmp_path, demo):
    path = write_json(tmp_path / "poses.txt", people_list(body_in(demo, COCO17)))
    assert Probe(path).kind == "json" and same_body(read_clip(path, 50, SIZE), demo)


def test_the_command_line_settles_what_is_open(tmp_path, demo, capsys):
    points = body_in(demo, H36M17)
    points[..., :2] /= 1080
    people = [{"image_id": n, "keypoints": p.ravel().tolist()} for n, p in enumerate(points)]
    path, out = write_json(tmp_path / "r.json", people), tmp_path / "out.csv"
    settled = ["--format", "alphapose", "--skeleton", "h36m17", "--normalised", "--fps", "50", "--image-size", "1080x1080"]
    assert main(["convert", str(path), "-o", str(out), *settled]) == 0
    clip = read_clip(out)
    assert clip.skeleton is H36M17 and same_body(clip, demo)
    assert main(["convert", str(path), "-o", str(out), "--skeleton", "dog"]) == 2


def test_a_joint_map_brings_in_any_skeleton(tmp_path, demo):
    names = {"schulter_l": "LShoulder", "schulter_r": "RShoulder", "hand_l": "LWrist", "knie_r": "RKnee", "huefte_l": "LHip",
             "huefte_r": "RHip", "ell_l": "LElbow", "fuss_r": "RAnkle"}  # fmt: skip
    points = body_in(demo, COCO17)[:, COCO17.indices(names.values())]
    content = {
        "images": [{"id": n, "file_name": f"{n}.png", "width": 1080, "height": 1080} for n in range(FRAMES)],
        "annotations": [{"image_id": n, "category_id": 1, "keypoints": flat(p)} for n, p in enumerate(points)],
        "categories": [{"id": 1, "keypoints": list(names)}],
    }
    path = write_json(tmp_path / "c.json", content)
    with pytest.raises(UserError, match="joint names are understood.*schulter_l.*--joint-map"):
        read_clip(path, 50)
    table = write_json(tmp_path / "map.json", names)
    out = tmp_path / "o.npz"
    assert main(["convert", str(path), "-o", str(out), "--joint-map", str(table), "--fps", "50"]) == 0
    assert same_body(read_clip(out), demo)
    write_json(table, {"hand_l": "LPaw"})
    assert main(["convert", str(path), "-o", str(out), "--joint-map", str(table)]) == 2


def test_a_clip_of_named_joints_goes_to_mpm16(demo):
    """A skeleton of its own is no dead end: what it has is measured, what it lacks is derived or hidden."""
    clip = Clip.from_arrays(body_in(demo, BODY25B)[..., :2], SIZE, 50, "body25b").to_mpm16()
    assert clip.visible.all() and not clip.derived[:, MPM16.index("Head")].any()


def test_progress_of_a_folder_is_told_and_may_end_the_reading(tmp_path, demo):
    folder = openpose_files(tmp_path / "f", body_in(demo, BODY25))
    told = []
    read_clip(folder, options=ReadOptions(50, SIZE, on_progress=lambda done, total: told.append((done, total))))
    assert told[-1] == (FRAMES, FRAMES)
    assert json.loads((folder / "v_000000000000_keypoints.json").read_text())
