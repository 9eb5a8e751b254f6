"""What other programs write, made here by their documented layouts."""

import json
import pickle
import sys

import numpy as np
import pytest

from mpm_core import UserError, read_clip
from mpm_core.formats import inspect_file
from mpm_core.formats.base import ReadOptions
from mpm_core.skeleton import BODY25, COCO17, COCO18, MPM16, NAMED
from tests.bodies import FRAMES, body_in, flat, same_body, write_folder, write_json

SIZE = (1080, 1080)


def read(path, **more):
    return read_clip(path, options=ReadOptions(50, SIZE, **more))


@pytest.mark.parametrize("wrap", ["list", "table", "folder", "one file"])
def test_frames_of_dwpose_and_alphapose(tmp_path, demo, wrap):
    """OpenPose's frames in one list (ComfyUI), by image name (AlphaPose --format open), a file each, and one alone."""
    frames = [
        {"people": [None, {"pose_keypoints_2d": flat(p)}], "canvas_width": 1080, "canvas_height": 1080}
        for p in body_in(demo, COCO18)
    ]
    if wrap == "list":
        path = write_json(tmp_path / "poses.json", frames)
    elif wrap == "table":
        path = write_json(tmp_path / "poses.json", {f"{n}.jpg": frame for n, frame in sorted(enumerate(frames), key=str)})
    elif wrap == "folder":
        path = write_folder(tmp_path / "f", {f"{n}.json": frame for n, frame in enumerate(frames)})
    else:
        path = write_json(tmp_path / "pose.json", frames[0])
    clip = read_clip(path, 50)
    assert clip.image_size == SIZE and len(clip) == (1 if wrap == "one file" else FRAMES)
    assert clip.skeleton is COCO18 and same_body(clip, demo)


@pytest.mark.parametrize("wrap", ["table", "folder"])
def test_alphapose_for_cmu(tmp_path, demo, wrap):
    frames = {
        f"{n}.jpg": {"version": "AlphaPose v0.3", "bodies": [{"joints": flat(p)}]} for n, p in enumerate(body_in(demo, COCO18))
    }
    if wrap == "table":
        path = write_json(tmp_path / "alphapose-results.json", dict(sorted(frames.items())))
    else:
        path = write_folder(tmp_path / "sep-json", {f"{name}.json": frame for name, frame in frames.items()})
    clip = read(path)
    assert clip.skeleton is COCO18 and len(clip) == FRAMES and same_body(clip, demo)


@pytest.mark.parametrize("kind", ["per image", "per image, nobody", "0.x", "0.x lists of frames", "0.x by name"])
def test_mmpose(tmp_path, demo, kind):
    people = [
        [{"keypoints": p[:, :2].tolist(), "keypoint_scores": p[:, 2].tolist(), "bbox": [[0, 0, 9, 9]]}]
        for p in body_in(demo, COCO17)
    ]
    if kind.startswith("0.x"):
        people = [[{"keypoints": p.tolist(), "bbox": [0, 0, 9, 9, 0.9], "track_id": 3}] for p in body_in(demo, COCO17)]
    if kind == "per image, nobody":
        people[4] = []
    if kind == "0.x":
        path = write_json(tmp_path / "r.json", [{"frame_id": n, "instances": found} for n, found in enumerate(people)])
    elif kind == "0.x lists of frames":
        path = write_json(tmp_path / "r.json", people)
    elif kind == "0.x by name":
        path = write_json(tmp_path / "r.json", {f"img_{n}.jpg": found for n, found in enumerate(people)})
    else:
        path = write_folder(tmp_path / "predictions", {f"{n:06d}.json": found for n, found in enumerate(people)})
    clip = read(path)
    seen = [n for n in range(FRAMES) if kind != "per image, nobody" or n != 4]
    assert clip.skeleton is COCO17 and len(clip) == FRAMES and same_body(clip, demo, frames=seen)
    assert clip.visible.any(1).nonzero()[0].tolist() == seen


def test_mmpose_names_its_joints(tmp_path, demo):
    order = np.random.default_rng(3).permutation(17)
    names = [COCO17.joints[n].replace("L", "left_").replace("R", "right_").lower() for n in order]
    frames = [
        {"frame_id": n, "instances": [{"keypoints": p[:, :2].tolist(), "keypoint_scores": p[:, 2].tolist()}]}
        for n, p in enumerate(body_in(demo, COCO17)[:, order])
    ]
    meta = {"dataset_name": "mine", "keypoint_id2name": {str(n): name for n, name in enumerate(names)}}
    clip = read(write_json(tmp_path / "r.json", {"meta_info": meta, "instance_info": frames}))
    assert clip.skeleton is COCO17 and same_body(clip, demo)


def test_json_with_a_frame_per_line(tmp_path, demo):
    frames = [{"frame": n, "people": [{"pose_keypoints_2d": flat(p)}]} for n, p in enumerate(body_in(demo, BODY25))]
    (tmp_path / "log.jsonl").write_text("\n".join(map(json.dumps, frames[:5] + frames[6:])))
    clip = read(tmp_path / "log.jsonl")
    assert len(clip) == FRAMES and not clip.visible[5].any() and same_body(clip, demo, frames=[0, 4, 6, 23])


def coco(points, names=None, file_name="{}.jpg", order=None, **more):
    images = [{"id": n + 1, "file_name": file_name.format(n), "width": 1080, "height": 1080} for n in range(len(points))]
    images = sorted(images, key=lambda image: image["file_name"]) if order == "by name" else images
    annotations = [{"image_id": n + 1, "category_id": 1, "keypoints": flat(p), **more} for n, p in enumerate(points)]
    categories = [{"id": 7, "name": "dog", "keypoints": ["snout", "tail"]}, {"id": 1, "name": "person"}]
    if names is not None:
        categories[1]["keypoints"] = names
    return {"images": images, "annotations": annotations, "categories": categories}


@pytest.mark.parametrize("seed", range(3))
def test_coco_joints_go_by_the_names_of_their_category(tmp_path, demo, seed):
    order = np.random.default_rng(seed).permutation(17)
    sides = {"L": "left_", "R": "right_", "N": "n"}
    names = [sides[COCO17.joints[n][0]] + COCO17.joints[n][1:].lower() for n in order]
    points = body_in(demo, COCO17)[:, order]
    points[..., 2] = 2
    clip = read_clip(write_json(tmp_path / "c.json", coco(points, names)), 50)
    assert clip.skeleton is COCO17 and same_body(clip, demo) and not clip.notes


def test_coco_names_that_are_numbers_say_nothing(tmp_path, demo):
    names = [str(n) for n in range(1, 18)]
    clip = read_clip(write_json(tmp_path / "c.json", coco(body_in(demo, COCO17), names)), 50)
    assert clip.skeleton is COCO17 and same_body(clip, demo)


def test_coco_with_a_part_of_the_joints_and_others(tmp_path, demo):
    names = ["pelvis", "neck", "left_hip", "right_hip", "right_knee", "left_wrist", "left_elbow", "right_ankle", "racket"]
    joints = ["Hip", "Thorax", "LHip", "RHip", "RKnee", "LWrist", "LElbow", "RAnkle", "Head"]
    points = body_in(demo, MPM16)[:, MPM16.indices(joints)]
    clip = read_clip(write_json(tmp_path / "c.json", coco(points, names)), 50)
    assert clip.skeleton is NAMED and same_body(clip, demo) and same_body(clip.to_mpm16(), demo, ("Hip", "Thorax"))
    assert any("racket" in note for note in clip.notes)


@pytest.mark.parametrize("file_name", ["frame_{}.jpg", "walk/2024_{}.png", "IMG{}"])
def test_coco_frames_by_the_numbers_of_their_images(tmp_path, demo, file_name):
    content = coco(body_in(demo, COCO17), file_name=file_name, order="by name")
    assert same_body(read_clip(write_json(tmp_path / "c.json", content), 50), demo)


def test_coco_images_that_are_not_there_are_gaps(tmp_path, demo):
    content = coco(body_in(demo, COCO17))
    content["images"] = [image for image in content["images"] if image["id"] not in (6, 7)]
    content["annotations"] = [a for a in content["annotations"] if a["image_id"] not in (6, 7, 10)]
    clip = read_clip(write_json(tmp_path / "c.json", content), 50)
    assert len(clip) == FRAMES and (~clip.visible.any(1)).nonzero()[0].tolist() == [5, 6, 9]


def test_results_in_cocos_form_have_scores_for_missing_joints(tmp_path, demo):
    points = body_in(demo, COCO17)
    points[..., 2] = 1
    points[7, 9, :2] = 0
    people = [{"image_id": n, "category_id": 1, "keypoints": flat(p), "score": 0.0} for n, p in enumerate(points)]
    clip = read(write_json(tmp_path / "r.json", people))
    assert not clip.visible[7, 9] and clip.visible.sum() == FRAMES * 17 - 1


DLC_NAMES = (
    "nose",
    "leftshoulder",
    "rightshoulder",
    "leftelbow",
    "leftwrist",
    "lefthip",
    "righthip",
    "rightknee",
    "rightankle",
)
DLC_JOINTS = ("Nose", "LShoulder", "RShoulder", "LElbow", "LWrist", "LHip", "RHip", "RKnee", "RAnkle")


def dlc_columns(individuals=("",)):
    return [(who, part, coord) for who in individuals for part in DLC_NAMES for coord in ("x", "y", "likelihood")]


def dlc_csv(points, individuals):
    columns = dlc_columns(individuals)
    rows = [["scorer", *["DLC_resnet50"] * len(columns)]]
    if individuals != ("",):
        rows.append(["individuals", *[who for who, _, _ in columns]])
    rows += [["bodyparts", *[part for _, part, _ in columns]], ["coords", *[coord for _, _, coord in columns]]]
    values = np.concatenate([points + [500 * n, 0, 0] for n in range(len(individuals))], axis=1)
    rows += [[n, *np.round(p, 3).ravel()] for n, p in enumerate(values)]
    return "\n".join(",".join(map(str, row)) for row in rows)


@pytest.mark.parametrize("individuals", [("",), ("anna", "bert")], ids=["one", "several"])
def test_deeplabcut_csv(tmp_path, demo, individuals):
    points = body_in(demo, NAMED)[:, NAMED.indices(DLC_JOINTS)]
    text = dlc_csv(points, individuals)
    lines = text.splitlines()
    del lines[-3]  # a frame that is not there
    (tmp_path / "d.csv").write_text("\n".join(lines))
    assert len(inspect_file(tmp_path / "d.csv").people) == len(individuals)
    clip = read(tmp_path / "d.csv", person=0)
    assert len(clip) == FRAMES and not clip.visible[FRAMES - 3].any()
    assert same_body(clip, demo, frames=[0, 5, FRAMES - 1]) and clip.confidence.max() == pytest.approx(0.9)


def test_deeplabcut_labels_of_images(tmp_path, demo):
    points = body_in(demo, NAMED)[:, NAMED.indices(DLC_JOINTS), :2]
    columns = [(part, coord) for part in DLC_NAMES for coord in "xy"]
    rows = [["scorer", "", "", *["me"] * len(columns)], ["bodyparts", "", "", *[part for part, _ in columns]]]
    rows += [["coords", "", "", *[coord for _, coord in columns]]]
    rows += [["labeled-data", "walk", f"img{n:03d}.png", *np.round(p, 3).ravel()] for n, p in enumerate(points)]
    (tmp_path / "CollectedData_me.csv").write_text("\n".join(",".join(map(str, row)) for row in rows))
    assert same_body(read(tmp_path / "CollectedData_me.csv"), demo)


@pytest.mark.parametrize("individuals", [("",), ("anna", "bert")], ids=["one", "several"])
def test_deeplabcut_h5(tmp_path, demo, individuals):
    """As pandas' to_hdf(format='table') lays it out, which DeepLabCut calls."""
    h5py = pytest.importorskip("h5py")
    points = body_in(demo, NAMED)[:, NAMED.indices(DLC_JOINTS)]
    values = np.concatenate([points + [500 * n, 0, 0] for n in range(len(individuals))], axis=1).reshape(FRAMES, -1)
    names = [("DLC", *column) if column[0] else ("DLC", *column[1:]) for column in dlc_columns(individuals)]
    with h5py.File(tmp_path / "d.h5", "w") as file:
        group = file.create_group("df_with_missing")
        rows = np.zeros(FRAMES, [("index", "<i8"), ("values_block_0", "<f8", (values.shape[1],))])
        rows["index"], rows["values_block_0"] = np.arange(FRAMES), values
        group.create_dataset("table", data=rows)
        group.attrs["non_index_axes"] = np.void(pickle.dumps([(1, names)], protocol=0))
    assert same_body(read(tmp_path / "d.h5", person=0), demo)
    assert len(inspect_file(tmp_path / "d.h5").people) == len(individuals)


def test_a_pickle_in_an_h5_brings_in_no_code(tmp_path):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "d.h5", "w") as file:
        group = file.create_group("x")
        group.create_dataset("table", data=np.zeros(2, [("index", "<i8"), ("values_block_0", "<f8", (3,))]))
        group.attrs["non_index_axes"] = np.void(b"cos\nsystem\n(S'echo'\ntR.")
    with pytest.raises(UserError, match="it asks for"):
        read(tmp_path / "d.h5")


@pytest.mark.parametrize("is_turned", [False, True], ids=["python", "matlab"])
def test_sleap_analysis(tmp_path, demo, is_turned):
    h5py = pytest.importorskip("h5py")
    points = body_in(demo, NAMED)[:, NAMED.indices(DLC_JOINTS)]
    points[7, 2] = np.nan
    tracks = np.stack([(points + [400 * n, 0, 0])[..., :2].transpose(2, 1, 0) for n in range(2)])
    scores = np.repeat(points[..., 2].T[None], 2, 0)
    with h5py.File(tmp_path / "s.h5", "w") as file:
        file["tracks"], file["point_scores"] = (tracks.T, scores.T) if is_turned else (tracks, scores)
        file["node_names"] = np.array([name.encode() for name in DLC_NAMES])
        file["track_names"] = np.array([b"a", b"b"])
    clip = read(tmp_path / "s.h5", person=0)
    assert len(clip) == FRAMES and same_body(clip, demo) and not clip.visible[7, clip.skeleton.index("RShoulder")]


def test_sleap_project(tmp_path, demo):
    sleap_io = pytest.importorskip("sleap_io", reason="sleap-io is an extra")
    points = body_in(demo, NAMED)[:, NAMED.indices(DLC_JOINTS), :2]
    skeleton, video = sleap_io.Skeleton(list(DLC_NAMES)), sleap_io.Video(filename="walk.mp4", open_backend=False)
    tracks = [sleap_io.Track("anna"), sleap_io.Track("bert")]
    frames = [
        sleap_io.LabeledFrame(
            video=video,
            frame_idx=n,
            instances=[
                sleap_io.Instance.from_numpy(points[n] + [400 * who, 0], skeleton=skeleton, track=track)
                for who, track in enumerate(tracks)
            ],
        )
        for n in range(FRAMES)
        if n != 5
    ]
    sleap_io.Labels(frames).save(str(tmp_path / "p.slp"))
    clip = read(tmp_path / "p.slp", person=0)
    assert len(clip) == FRAMES and not clip.visible[5].any() and same_body(clip, demo, frames=[0, 4, 6, 23])


def test_sleap_project_without_sleap_io_says_what_to_install(tmp_path, monkeypatch):
    h5py = pytest.importorskip("h5py")
    monkeypatch.setitem(sys.modules, "sleap_io", None)
    with h5py.File(tmp_path / "p.slp", "w") as file:
        for name in ("metadata", "frames", "instances"):
            file[name] = [1]
    with pytest.raises(UserError, match=r"pip install 'mpm-viewer\[sleap\]'"):
        read(tmp_path / "p.slp")


@pytest.mark.parametrize("unit", ["px", "3D"])
def test_trc_of_sports2d(tmp_path, demo, unit):
    joints = ("Hip", "RHip", "RKnee", "RAnkle", "LHip", "LKnee", "LAnkle", "Neck", "Head", "RShoulder", "RElbow", "RWrist",
              "LShoulder", "LElbow", "LWrist")  # fmt: skip
    points = body_in(demo, NAMED)[:, NAMED.indices(joints)]
    points[..., 2] = 0 if unit == "px" else 50
    facts = "60.0\t60.0\t24\t15\tm\t60.0\t1\t24"
    lines = ["PathFileType\t4\t(X/Y/Z)\tx.trc", "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tA\tB", facts]
    lines += [
        "Frame#\tTime\t" + "\t\t\t".join(joints) + "\t\t",
        "\t\t" + "\t".join(f"{a}{n + 1}" for n in range(15) for a in "XYZ"),
    ]
    lines += [f"{n + 1}\t{n / 60}\t" + "\t".join(f"{v:.4f}" for v in p.ravel()) for n, p in enumerate(points)]
    lines[8] = "\t".join(["4", str(3 / 60), *[""] * 45])
    (tmp_path / "x.trc").write_text("\n".join(lines) + "\n")
    if unit == "3D":
        with pytest.raises(UserError, match="no usual unit"):
            read_clip(tmp_path / "x.trc", image_size=SIZE)
        return
    clip = read_clip(tmp_path / "x.trc", image_size=SIZE)
    assert clip.fps == 60 and len(clip) == FRAMES and not clip.visible[3].any() and same_body(clip, demo, frames=[0, 2, 4, 23])


@pytest.mark.parametrize("tail", ["", " 0.87", " 3", " 0.87 3"], ids=["plain", "score", "number", "both"])
def test_yolo_text(tmp_path, demo, tail):
    folder = tmp_path / "labels"
    folder.mkdir()
    for n, person in enumerate(body_in(demo, COCO17)):
        if n == 6:
            continue  # nobody was seen
        person[:, :2] /= 1080
        other = person - [0.1, 0, 0]
        lines = [
            f"0 0.5 0.5 0.2 0.6 {' '.join(f'{v:.6f}' for v in p.ravel())}{t}"
            for p, t in ((person, tail), (other, tail.replace("3", "4")))
        ]
        (folder / f"walk_{n + 1}.txt").write_text("\n".join(lines))
    (folder / "walk_5.txt").write_text("0 0.5 0.5 0.2")  # cut short
    clip = read(folder, person=0)
    assert len(inspect_file(folder).people) == 2 and len(clip) == FRAMES and not clip.visible[[4, 6]].any()
    assert same_body(clip, demo, frames=[0, 5, 7, 23]) and any("1080 x 1080" in note for note in clip.notes)
    assert any("1 frame cannot be read" in note and "walk_5.txt: line 1: 4 numbers" in note for note in clip.notes)


@pytest.mark.parametrize("wrap", ["list", "folder", "table"])
def test_yolo_json(tmp_path, demo, wrap):
    frames = [
        [{"name": "person", "class": 0, "box": {}, "track_id": 1,
          "keypoints": {"x": p[:, 0].tolist(), "y": p[:, 1].tolist(), "visible": p[:, 2].tolist()}}]
        for p in body_in(demo, COCO17)
    ]  # fmt: skip
    if wrap == "folder":
        path = write_folder(tmp_path / "f", {f"{n}.json": frame for n, frame in enumerate(frames)})
    elif wrap == "table":
        path = write_json(tmp_path / "y.json", {f"{n}.jpg": frame for n, frame in enumerate(frames)})
    else:
        path = write_json(tmp_path / "y.json", frames)
    assert same_body(read(path), demo)


def test_easymocap(tmp_path, demo):
    for n, person in enumerate(body_in(demo, BODY25)):
        other = person + [400, 0, 0]
        annots = [{"personID": who, "bbox": [0, 0, 9, 9, 1], "keypoints": p.tolist()} for who, p in ((3, person), (5, other))]
        annots = annots[::-1] if n % 2 else annots
        content = {"filename": f"images/{n:06d}.jpg", "height": 1080, "width": 1080, "annots": annots, "isKeyframe": False}
        write_json(tmp_path / "annots" / f"{n:06d}.json", content)
    clip = read_clip(tmp_path / "annots", 50, person=0)
    assert clip.image_size == SIZE and clip.skeleton is BODY25 and same_body(clip, demo)


@pytest.mark.parametrize("content", ["", '{"peop', '{"people": 3}', "\xff"])
def test_a_broken_file_among_frames_is_named_and_left_out(tmp_path, demo, content):
    body = body_in(demo, BODY25)
    for n, person in enumerate(body):
        write_json(tmp_path / "f" / f"{n}.json", {"people": [{"pose_keypoints_2d": flat(person)}]})
    (tmp_path / "f" / "7.json").write_text(content, encoding="latin-1")
    clip = read(tmp_path / "f")
    assert len(clip) == len(body) and not clip.visible[7].any() and clip.visible[[6, 8]].all()
    assert any(note.startswith("1 frame cannot be read, and is a gap (") and "7.json" in note for note in clip.notes)
    for n in range(8, 8 + len(body) // 10):
        (tmp_path / "f" / f"{n}.json").write_text(content, encoding="latin-1")
    with pytest.raises(UserError, match=r"\.json: "):  # so many are no accident
        read(tmp_path / "f")
