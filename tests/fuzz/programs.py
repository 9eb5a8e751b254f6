"""Owns good files of what other programs write, small, to be damaged."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from mpm_core import read_clip
from mpm_core.assets import find_asset
from mpm_core.skeleton import BODY25, COCO17, COCO18, HALPE26, NAMED
from tests.bodies import body_in, flat

FRAMES = 8
_JOINTS = ("Nose", "LShoulder", "RShoulder", "LElbow", "LWrist", "LHip", "RHip", "RKnee", "RAnkle")
_PARTS = ("nose", "leftshoulder", "rightshoulder", "leftelbow", "leftwrist", "lefthip", "righthip", "rightknee", "rightankle")
_TRC_JOINTS = (
    "Hip", "RHip", "RKnee", "RAnkle", "LHip", "LKnee", "LAnkle", "Neck", "Head", "RShoulder", "RElbow", "RWrist", "LShoulder",
    "LElbow", "LWrist",
)  # fmt: skip


def _body(skeleton: Any, joints: tuple[str, ...] = ()) -> np.ndarray:
    """(frames, joints, 3) x, y and score of the demo's person."""
    points = body_in(read_clip(find_asset("demo/demo.npz")), skeleton, FRAMES)
    return points[:, skeleton.indices(joints)] if joints else points


def _folder(target: Path, contents: dict[str, Any]) -> Path:
    target.mkdir()
    for name, content in contents.items():
        (target / name).write_text(content if isinstance(content, str) else json.dumps(content))
    return target


def alphapose_cmu(folder: Path) -> Path:
    frames = {f"{n}.jpg": {"version": "AlphaPose v0.3", "bodies": [{"joints": flat(p)}]} for n, p in enumerate(_body(COCO18))}
    (folder / "alphapose-results.json").write_text(json.dumps(frames))
    return folder / "alphapose-results.json"


def easymocap(folder: Path) -> Path:
    frames = {}
    for n, person in enumerate(_body(BODY25)):
        annots = [{"personID": 3, "bbox": [0, 0, 9, 9, 1], "keypoints": person.tolist()}]
        frames[f"{n:06d}.json"] = {"filename": f"images/{n:06d}.jpg", "height": 1080, "width": 1080, "annots": annots}
    return _folder(folder / "annots", frames)


def detectron2(folder: Path) -> Path:
    rows, boxes = np.empty((FRAMES, 2), object), np.empty((FRAMES, 2), object)
    for n, p in enumerate(_body(COCO17)):
        rows[n, 0], rows[n, 1] = [], np.stack((p[:, 0], p[:, 1], p[:, 2] * 7, p[:, 2]))[None].astype(np.float32)
        boxes[n, 0], boxes[n, 1] = [], np.ones((1, 5), np.float32)
    path = folder / "walk.mp4.npz"
    np.savez(path, boxes=boxes, segments=np.array([None] * FRAMES), keypoints=rows, metadata={"w": 1080, "h": 1080})  # type: ignore[arg-type]
    return path


def bare(folder: Path) -> Path:
    np.save(folder / "poses.npy", _body(HALPE26))
    return folder / "poses.npy"


def deeplabcut_csv(folder: Path) -> Path:
    columns = [(part, coord) for part in _PARTS for coord in ("x", "y", "likelihood")]
    rows: list[list[Any]] = [["scorer", *["DLC_resnet50"] * len(columns)], ["bodyparts", *[part for part, _ in columns]]]
    rows += [["coords", *[coord for _, coord in columns]]]
    rows += [[n, *np.round(p, 3).ravel()] for n, p in enumerate(_body(NAMED, _JOINTS))]
    (folder / "d.csv").write_text("\n".join(",".join(map(str, row)) for row in rows))
    return folder / "d.csv"


def deeplabcut_h5(folder: Path) -> Path:
    import h5py

    values = _body(NAMED, _JOINTS).reshape(FRAMES, -1)
    names = [("DLC", part, coord) for part in _PARTS for coord in ("x", "y", "likelihood")]
    rows = np.zeros(FRAMES, [("index", "<i8"), ("values_block_0", "<f8", (values.shape[1],))])
    rows["index"], rows["values_block_0"] = np.arange(FRAMES), values
    with h5py.File(folder / "d.h5", "w") as file:
        group = file.create_group("df_with_missing")
        group.create_dataset("table", data=rows)
        group.attrs["non_index_axes"] = np.void(pickle.dumps([(1, names)], protocol=0))
    return folder / "d.h5"


def sleap(folder: Path) -> Path:
    import h5py

    points = _body(NAMED, _JOINTS)
    with h5py.File(folder / "s.h5", "w") as file:
        file["tracks"] = points[..., :2].transpose(2, 1, 0)[None]
        file["point_scores"] = points[..., 2].T[None]
        file["node_names"] = np.array([name.encode() for name in _PARTS])
        file["track_names"] = np.array([b"a"])
    return folder / "s.h5"


def named_csv(folder: Path) -> Path:
    head = ",".join(["frame", *(f"{part}_{axis}" for part in _PARTS for axis in ("x", "y", "score"))])
    rows = [",".join(map(str, [n, *np.round(p, 3).ravel()])) for n, p in enumerate(_body(NAMED, _JOINTS))]
    (folder / "named.csv").write_text("\n".join([head, *rows]) + "\n")
    return folder / "named.csv"


def trc(folder: Path) -> Path:
    points, count = _body(NAMED, _TRC_JOINTS), len(_TRC_JOINTS)
    points[..., 2] = 0
    lines = ["PathFileType\t4\t(X/Y/Z)\tx.trc", "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tA\tB"]
    lines += [f"60.0\t60.0\t{FRAMES}\t{count}\tm\t60.0\t1\t{FRAMES}", "Frame#\tTime\t" + "\t\t\t".join(_TRC_JOINTS) + "\t\t"]
    lines += ["\t\t" + "\t".join(f"{axis}{n + 1}" for n in range(count) for axis in "XYZ")]
    lines += [f"{n + 1}\t{n / 60}\t" + "\t".join(f"{v:.4f}" for v in p.ravel()) for n, p in enumerate(points)]
    (folder / "x.trc").write_text("\n".join(lines) + "\n")
    return folder / "x.trc"


def yolo(folder: Path) -> Path:
    frames = {}
    for n, person in enumerate(_body(COCO17)):
        person[:, :2] /= 1080
        frames[f"walk_{n + 1}.txt"] = "0 0.5 0.5 0.2 0.6 " + " ".join(f"{v:.6f}" for v in person.ravel())
    return _folder(folder / "labels", frames)


def yolo_json(folder: Path) -> Path:
    frames = [
        [{"name": "person", "class": 0, "box": {}, "track_id": 1,
          "keypoints": {"x": p[:, 0].tolist(), "y": p[:, 1].tolist(), "visible": p[:, 2].tolist()}}]
        for p in _body(COCO17)
    ]  # fmt: skip
    (folder / "y.json").write_text(json.dumps(frames))
    return folder / "y.json"


PROGRAM_SAMPLES: dict[str, Callable[[Path], Path]] = {
    "alphapose-cmu": alphapose_cmu, "easymocap": easymocap, "detectron2": detectron2, "arrays": bare,
    "deeplabcut-csv": deeplabcut_csv, "deeplabcut-h5": deeplabcut_h5, "sleap": sleap, "csv-joints": named_csv, "trc": trc,
    "yolo": yolo, "yolo-json": yolo_json,
}  # fmt: skip
"""By the name of the format."""
