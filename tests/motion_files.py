"""Motion files of other programs for tests: the demo's motion in other axes, units, rates and layouts."""

import json

import numpy as np

from mpm_core.camera import upright
from mpm_core.skeleton import H36M17, MPM16

CENTRES = {f"{side}{letter}JC": f"{side}{joint}" for side in "LR" for letter, joint in
           zip("HKASEW", ("Hip", "Knee", "Ankle", "Shoulder", "Elbow", "Wrist"), strict=True)}  # fmt: skip
"""Joint centres as labs call them."""

_FROM_Y_UP = {"y": [[1, 0, 0], [0, 1, 0], [0, 0, 1]], "z": [[1, 0, 0], [0, 0, -1], [0, 1, 0]],
              "x": [[0, 1, 0], [-1, 0, 0], [0, 0, 1]], "-y": [[1, 0, 0], [0, -1, 0], [0, 0, -1]]}  # fmt: skip


def world_of(demo, up="y", frames=slice(None), units_per_metre=1.0):
    """The demo's true joints by name, each (frames, 3), in a world whose axis `up` points up."""
    places = np.asarray(upright(demo.ground_truth, demo.up), float)[frames] @ np.array(_FROM_Y_UP[up], float).T
    return {name: places[:, n] * units_per_metre for n, name in enumerate(MPM16.joints)}


def resampled(world, rate, wanted):
    """The same at another rate."""
    times = np.arange(len(world["Hip"])) / rate
    grid = np.arange(int(times[-1] * wanted + 1e-6) + 1) / wanted
    return {name: np.stack([np.interp(grid, times, column) for column in places.T], -1) for name, places in world.items()}


def write_c3d(path, markers, rate=100.0, unit="mm"):
    """By ezc3d: markers by name, each (frames, 3), NaN where not seen."""
    import ezc3d

    file = ezc3d.c3d()
    point = file["parameters"]["POINT"]
    point["RATE"]["value"], point["UNITS"]["value"], point["LABELS"]["value"] = [rate], [unit], list(markers)
    places = np.stack(list(markers.values()), axis=1)
    points = np.ones((4, places.shape[1], len(places)))
    points[:3] = places.transpose(2, 1, 0)
    file["data"]["points"] = points
    file.write(str(path))
    return path


def write_trc(path, markers, rate=50.0, unit="m", newline="\n", comma=False):
    """As OpenSim has it: five lines of header, an empty one, tabs; empty cells where a marker is missing."""
    frames = len(next(iter(markers.values())))
    lines = [f"PathFileType\t4\t(X/Y/Z)\t{path.name}"]
    lines += ["DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames"]
    lines += [f"{rate:.2f}\t{rate:.2f}\t{frames}\t{len(markers)}\t{unit}\t{rate:.2f}\t1\t{frames}"]
    lines += ["Frame#\tTime\t" + "\t\t\t".join(markers) + "\t\t"]
    lines += ["\t\t" + "\t".join(f"{axis}{n + 1}" for n in range(len(markers)) for axis in "XYZ"), ""]
    for frame in range(frames):
        values = [value for places in markers.values() for value in places[frame]]
        cells = ["" if np.isnan(value) else f"{value:.6f}" for value in values]
        lines.append("\t".join([str(frame + 1), f"{frame / rate:.6f}", *cells]))
    text = newline.join(lines) + newline
    path.write_text(text.replace(".", ",") if comma else text, newline="")
    return path


def h36m_of(world):
    """(frames, 17, 3): Human3.6M's joints, with a nose half way up the head."""
    named = world | {"Nose": (world["Thorax"] + world["Head"]) / 2}
    return np.stack([named[name] for name in H36M17.joints], axis=1)


def write_mmpose(path, people, dataset="h36m"):
    """As MMPose's 3D inferencer writes it: people of each frame, each (joints, 3)."""
    frames = [
        {"frame_id": n + 1, "instances": [{"keypoints": one.tolist(), "keypoint_scores": [1.0] * len(one)} for one in persons]}
        for n, persons in enumerate(people)
    ]
    path.write_text(json.dumps({"meta_info": {"dataset_name": dataset}, "instance_info": frames}))
    return path


def pose_error_mm(clip, demo, frames=slice(None), joints=MPM16.joints):
    """(frames, joints) distance from the demo's true poses, both with Hip at zero and Y up, after one turn about Y."""
    columns = list(MPM16.indices(joints))
    mine, true = (np.asarray(upright(c.ground_truth, c.up), float) for c in (clip.to_mpm16(), demo))
    mine, true = mine - mine[:, :1], (true - true[:, :1])[frames]
    known = np.isfinite(mine).all((1, 2)) if joints == MPM16.joints else np.isfinite(mine[:, columns]).all((1, 2))
    a, b = mine[known][:, columns].reshape(-1, 3), true[known][:, columns].reshape(-1, 3)
    flat = a[:, [0, 2]].T @ b[:, [0, 2]]
    angle = np.arctan2(flat[0, 1] - flat[1, 0], flat[0, 0] + flat[1, 1])
    c, s = np.cos(angle), np.sin(angle)
    turned = mine @ np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]])
    return np.linalg.norm(turned[:, columns] - true[:, columns], axis=-1) * 1000
