"""Owns good files of every kind that is read, small, to be damaged."""

from __future__ import annotations

import json
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mpm_core import Clip, read_clip, write
from mpm_core.assets import find_asset
from mpm_core.camera import Intrinsics, upright
from mpm_core.data.pack import write_pack
from mpm_core.detectors import DETECTORS
from mpm_core.detectors.base import DetectOptions
from mpm_core.detectors.recording import Recording
from mpm_core.detectors.recording_arrays import arrays_of, description_of
from mpm_core.formats import FORMATS
from mpm_core.formats.base import WriteOptions
from mpm_core.formats.project import Part, Project, write_project
from mpm_core.formats.project_answer import answer_parts
from mpm_core.mask_files import write_mask_file
from mpm_core.prediction import Prediction
from mpm_core.skeleton import BODY25, COCO17, H36M17, MPI_INF_3DHP17, MPM16, Skeleton
from mpm_core.video import VideoInfo
from tests.fuzz.programs import PROGRAM_SAMPLES

FRAMES = 8


def _demo(frames: int = FRAMES) -> Clip:
    return read_clip(find_asset("demo/demo.npz")).cut(100, 99 + frames)


def _people(skeleton: Skeleton) -> np.ndarray:
    """(frames, joints, 3) x, y and score of the demo in another skeleton, whose face is about the head."""
    clip = _demo()
    assert clip.keypoints is not None
    names = {"MidHip": "Hip", "Neck": "Thorax"}
    joints = [names.get(j, j) for j in skeleton.joints]
    places = [MPM16.index(j) if j in MPM16.joints else MPM16.index("Head") for j in joints]
    points = clip.keypoints[:, places] + np.arange(len(joints))[:, None] * 0.01
    return np.concatenate((points, np.full((*points.shape[:2], 1), 0.9)), axis=-1).round(2)


def _world(joints: int = len(H36M17), frames: int = FRAMES) -> np.ndarray:
    """(frames, joints, 3) metres of somebody who stands and sways, Z up."""
    height = np.linspace(0.1, 1.7, joints)
    sway = 0.05 * np.sin(np.arange(frames)[:, None] / 9 + height)
    return np.stack((sway, np.broadcast_to(0.2 * np.cos(np.arange(joints)), sway.shape), sway * 0 + height), axis=-1)


def _dump(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content))
    return path


def openpose(folder: Path) -> Path:
    target = folder / "openpose"
    target.mkdir()
    for number, person in enumerate(_people(BODY25)[:4]):
        people = [{"person_id": [-1], "pose_keypoints_2d": person.ravel().tolist()}]
        _dump(target / f"walk_{number:012d}_keypoints.json", {"version": 1.3, "people": people})
    return target


def coco(folder: Path) -> Path:
    people = enumerate(_people(COCO17), 1)
    annotations = [
        {"id": n, "image_id": n, "category_id": 1, "track_id": 1, "keypoints": p.ravel().tolist()} for n, p in people
    ]
    images = [{"id": n, "file_name": f"{n:06d}.jpg", "width": 1280, "height": 720} for n in range(1, FRAMES + 1)]
    categories = [{"id": 1, "name": "person", "keypoints": list(COCO17.joints)}]
    return _dump(folder / "coco.json", {"images": images, "annotations": annotations, "categories": categories})


def mmpose(folder: Path) -> Path:
    frames = [
        {"frame_id": n, "instances": [{"keypoints": p[:, :2].tolist(), "keypoint_scores": p[:, 2].tolist()}]}
        for n, p in enumerate(_people(COCO17))
    ]  # fmt: skip
    return _dump(folder / "mmpose.json", {"meta_info": {"dataset_name": "coco"}, "instance_info": frames})


def alphapose(folder: Path) -> Path:
    people = [
        {"image_id": f"{n}.jpg", "category_id": 1, "idx": 1, "score": 2.5, "box": [0, 0, 9, 9], "keypoints": p.ravel().tolist()}
        for n, p in enumerate(_people(COCO17))
    ]
    return _dump(folder / "alphapose.json", people)


def h36m(folder: Path) -> Path:
    points = _people(H36M17)[..., :2]
    metadata = {"layout_name": "h36m", "num_joints": 17, "video_metadata": {"S1": {"w": 1000, "h": 1000, "fps": 50}}}
    path = folder / "data_2d_open_gt.npz"
    np.savez(path, positions_2d={"S1": {"walk": [points, points]}}, metadata=metadata)  # type: ignore[arg-type]
    np.savez(folder / "data_3d_open.npz", positions_3d={"S1": {"walk": _world()}})  # type: ignore[arg-type]
    camera = {
        "R": np.eye(3)[[0, 2, 1]].tolist(), "t": [0, 1, 5], "K": [[1100, 0, 500], [0, 1100, 500], [0, 0, 1]], "res_w": 1000,
        "res_h": 1000,
    }  # fmt: skip
    _dump(folder / "cameras.json", {"cameras": {"S1": {"walk": [camera, camera]}}})
    return path


def npz(folder: Path) -> Path:
    write(_demo(), folder / "clip.npz")
    return folder / "clip.npz"


def csv(folder: Path) -> Path:
    write(_demo(), folder / "clip.csv")
    return folder / "clip.csv"


def tidy(folder: Path) -> Path:
    write(_demo(), folder / "tidy.csv", WriteOptions(tidy=True))
    return folder / "tidy.csv"


def pack(folder: Path) -> Path:
    clips = [_world(frames=n).astype(np.float32) for n in (20, 30, 25)]
    write_pack(folder / "pack.npz", clips, ["a/1", "a/2", "b/1"], ["x", "x", "y"], ["train", "val", "train"])
    return folder / "pack.npz"


def bvh(folder: Path) -> Path:
    write(_demo(60), folder / "walk.bvh")
    return folder / "walk.bvh"


def amc(folder: Path) -> Path:
    """A body of sticks, named as the CMU data base names them: (bone, parent, direction, inches)."""
    bones = [("lowerback", "root", "0 1 0", 5), ("upperback", "lowerback", "0 1 0", 5), ("thorax", "upperback", "0 1 0", 5)]
    bones += [("head", "thorax", "0 1 0", 6)]
    for side, x in (("l", 1), ("r", -1)):
        bones += [(f"{side}hipjoint", "root", f"{x} 0 0", 4), (f"{side}femur", f"{side}hipjoint", "0 -1 0", 17)]
        bones += [(f"{side}tibia", f"{side}femur", "0 -1 0", 17), (f"{side}clavicle", "thorax", f"{x} 0 0", 7)]
        bones += [(f"{side}humerus", f"{side}clavicle", "0 -1 0", 11), (f"{side}radius", f"{side}humerus", "0 -1 0", 10)]
    text = ":units\n  length 1\n  angle deg\n:root\n  order TX TY TZ RX RY RZ\n:bonedata\n"
    for name, _, direction, length in bones:
        text += f"begin\n name {name}\n direction {direction}\n length {length}\n axis 0 0 0 XYZ\n dof rx\nend\n"
    text += ":hierarchy\nbegin\n" + "".join(f"{parent} {name}\n" for name, parent, *_ in bones) + "end\n"
    (folder / "body.asf").write_text(text)
    frames = [f"{n}\nroot 0 {n / 20:.2f} 0 0 0 0\n" + "".join(f"{name} {n % 7}\n" for name, *_ in bones) for n in range(1, 61)]
    (folder / "body_01.amc").write_text(":fully-specified\n:degrees\n" + "".join(frames))
    return folder / "body_01.amc"


def _markers() -> tuple[tuple[str, ...], np.ndarray]:
    """Joint centres of the demo's person: names and (frames, markers, 3) metres, Z up."""
    demo = _demo(FRAMES)
    assert demo.ground_truth is not None
    joints = ("LHip", "RHip", "LKnee", "RKnee", "LAnkle", "RAnkle", "LShoulder", "RShoulder", "LElbow", "RElbow", "LWrist")
    places = upright(demo.ground_truth, demo.up or (0.0, -1.0, 0.0))[:, MPM16.indices(joints)]
    return tuple(f"{joint[0]}{joint[1]}JC" for joint in joints), np.stack((places[..., 0], -places[..., 2], places[..., 1]), -1)


def c3d(folder: Path) -> Path:
    from c3d import Writer

    names, places = _markers()
    writer = Writer(point_rate=100.0)
    writer.set_point_labels(list(names))
    rest = np.zeros((len(names), 2))
    writer.add_frames([(np.concatenate((one * 1000, rest), axis=1).astype(np.float32), np.empty((0, 0))) for one in places])
    with (folder / "walk.c3d").open("wb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that there is nothing analogue
        writer.write(file)
    return folder / "walk.c3d"


def trc_3d(folder: Path) -> Path:
    names, places = _markers()
    lines = ["PathFileType\t4\t(X/Y/Z)\twalk.trc", "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits"]
    lines += [f"100\t100\t{len(places)}\t{len(names)}\tm", "Frame#\tTime\t" + "\t\t\t".join(names) + "\t\t"]
    lines += ["\t\t" + "\t".join(f"{axis}{n + 1}" for n in range(len(names)) for axis in "XYZ"), ""]
    lines += [f"{n + 1}\t{n / 100}\t" + "\t".join(f"{v:.4f}" for v in one.ravel()) for n, one in enumerate(places)]
    (folder / "walk.trc").write_text("\n".join(lines) + "\n")
    return folder / "walk.trc"


def mmpose_3d(folder: Path) -> Path:
    frames = [
        {"frame_id": n, "instances": [{"keypoints": p.tolist(), "keypoint_scores": [0.9] * len(p)}]}
        for n, p in enumerate(_solid())
    ]  # fmt: skip
    return _dump(folder / "walk.json", {"meta_info": {"dataset_name": "h36m"}, "instance_info": frames})


def bare_3d(folder: Path) -> Path:
    np.save(folder / "walk.npy", _solid() * 1000)
    return folder / "walk.npy"


def _solid() -> np.ndarray:
    """(frames, 17, 3) metres in Human3.6M's joints, of the demo's person."""
    demo = _demo(FRAMES)
    assert demo.ground_truth is not None
    at = {name: demo.ground_truth[:, n] for n, name in enumerate(MPM16.joints)}
    at["Nose"] = (at["Thorax"] + at["Head"]) / 2
    return np.stack([at[name] for name in H36M17.joints], axis=1)


def three_d_hp(folder: Path) -> Path:
    cameras = {"0": {"data_2d": _people(COCO17)[..., :2], "data_3d": _world(len(MPI_INF_3DHP17), 40) * 1000}}
    np.savez(folder / "data_train_3dhp.npz", data={"S1 Seq1": [cameras, 25]})  # type: ignore[arg-type]
    return folder / "data_train_3dhp.npz"


def worlds(folder: Path) -> Path:
    np.savez(folder / "data_3d_h36m.npz", positions_3d={"S1": {"walk": _world(frames=60)}})  # type: ignore[arg-type]
    return folder / "data_3d_h36m.npz"


def project(folder: Path) -> Path:
    """With all that the window keeps: an answer, what was seen in the video, what was asked of the lifter, the place in it."""
    clip = _demo()
    nothing = np.zeros((len(clip), 16), bool)
    place = Part({"frame": 3, "range": [1, 5], "selection": [2, 7]})
    lifting = Part({"task": "lift", "mode": "fast", "lifter": "mpm", "refiner": "", "aids": {"ground": True}})
    view = Part({"interpolation": "pchip"}, {"frames": np.array([3, 9])})
    said, arrays = answer_parts(_answer(clip))
    kept = Part({"place": 0, "note": {"mode": "fast"}, "answer": said}, arrays)
    seen = recording_of(folder / "film.mp4", len(clip))
    recording = Part({**description_of(seen), "person": 0}, arrays_of(seen))
    parts = {
        "place": place, "lifting": lifting, "view": view, "predictions/first": kept, "recording": recording,
        "video": Part({"is_source": True, "fingerprint": "1"}),
    }  # fmt: skip
    target = folder / "walk.mpmproj"
    write_project(Project(clip, nothing, nothing[:, 0], 0.2, {"video": folder / "film.mp4"}, parts), target)
    return target


def _answer(clip: Clip) -> Prediction:
    assert clip.ground_truth is not None
    places, frames = clip.ground_truth.astype(np.float32), len(clip)
    root = places[:, MPM16.index("Hip")].copy()
    return Prediction(
        places - root[:, None], root, np.zeros((frames, 16), bool), np.zeros(frames, bool), clip.times.copy(), clip.fps, "mpm",
        "lift", "fast", uncertainty=np.zeros((frames, 16), np.float32), up=np.array([0, -1, 0], np.float32),
    )  # fmt: skip


def recording_of(video: Path, frames: int) -> Recording:
    """Two people, of whom one comes and goes."""
    skeleton = DETECTORS["mediapipe"].skeleton
    info = VideoInfo(video, (1280, 720), 30.0, frames, Intrinsics.assumed((1280, 720)))
    joints = len(skeleton)
    pose = np.random.default_rng(1).random((joints, 2)).astype(np.float32) * 500, np.full(joints, 0.9, np.float32)
    seen = [[pose], [pose, (pose[0] + 300, pose[1])], [], [pose]] * (frames // 4)
    return Recording(info, DetectOptions(), skeleton, np.arange(frames) / 30, seen, True)


def truth(folder: Path) -> Path:
    """What two seconds of the demo's person did, Z up."""
    demo = _demo(120)
    assert demo.ground_truth is not None
    places = upright(demo.ground_truth, demo.up or (0.0, -1.0, 0.0))
    np.savez(folder / "walk.npz", ground_truth=np.stack((places[..., 0], -places[..., 2], places[..., 1]), -1), fps=demo.fps)
    return folder / "walk.npz"


def mask_npz(folder: Path) -> Path:
    write_mask_file(_mask(), folder / "mask.npz")
    return folder / "mask.npz"


def mask_csv(folder: Path) -> Path:
    write_mask_file(_mask(), folder / "mask.csv")
    return folder / "mask.csv"


def _mask() -> np.ndarray:
    return np.random.default_rng(2).random((FRAMES, len(MPM16))) < 0.3


def joint_map(folder: Path) -> Path:
    return _dump(folder / "names.json", {"hand_l": "LWrist", "hand_r": "RWrist", "7": "RKnee", "tail": ""})


def manifest(folder: Path) -> Path:
    text = "file,subject,split,fps,units_per_metre,bad_frames\na.bvh,s,train,30,100,3-9 20\nb.bvh,,val,,,\n"
    (folder / "manifest.csv").write_text(text)
    return folder / "manifest.csv"


def bundle(folder: Path) -> Path:
    with zipfile.ZipFile(folder / "small.task", "w") as archive:
        for name in ("pose_detector.tflite", "pose_landmarks_detector.tflite"):
            archive.writestr(name, b"\x1c\0\0\0TFL3" + bytes(40))
    return folder / "small.task"


READER_SAMPLES: dict[str, Callable[[Path], Path]] = {
    "h36m-npz": h36m, "npz": npz, "openpose": openpose, "coco": coco, "mmpose": mmpose, "alphapose": alphapose, "csv": csv,
    "csv-tidy": tidy, "project": project,
    "bvh": bvh, "amc": amc, "c3d": c3d, "trc-3d": trc_3d, "mmpose-3d": mmpose_3d, "arrays-3d": bare_3d, **PROGRAM_SAMPLES,
}  # fmt: skip
"""By the name of the format. A new reader that can be written by us as well needs no entry."""

READ_BY_OTHERS = {"sleap-project"}
"""Formats whose files another program's package reads, which is an extra: they are not fuzzed."""


def sample_of(name: str) -> Callable[[Path], Path] | None:
    """What makes a good file of a format; None where nobody has said how."""
    if name in READER_SAMPLES:
        return READER_SAMPLES[name]
    found = FORMATS[name]
    if not found.write or not found.takes_2d:
        return None

    def make(folder: Path) -> Path:
        write(_demo(), folder / f"clip{found.suffixes[0]}")
        return folder / f"clip{found.suffixes[0]}"

    return make
