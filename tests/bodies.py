"""Bodies in any skeleton for tests of readers: the demo's person with a face and feet."""

import json

import numpy as np

from mpm_core.skeleton import MPM16

FRAMES = 24


def body_in(demo, skeleton, frames=FRAMES, first=250):
    """(frames, joints, 3) x, y in pixels and a score of 0.9, of the demo's person in the joints of a skeleton."""
    points = demo.keypoints[first : first + frames].astype(float)
    at = {name: points[:, n] for n, name in enumerate(MPM16.joints)}
    trunk = np.linalg.norm(at["Thorax"] - at["Hip"], axis=-1).mean()
    at |= {"MidHip": at["Hip"], "Neck": at["Thorax"], "Chest": at["Spine"]}
    at |= {"UpperNeck": at["Thorax"] * 0.7 + at["Head"] * 0.3, "Nose": at["Thorax"] * 0.45 + at["Head"] * 0.55}
    beside = {"LEye": ("Nose", 0.06, -0.08), "REye": ("Nose", -0.06, -0.08), "LEar": ("Nose", 0.14, -0.04)}
    beside |= {"REar": ("Nose", -0.14, -0.04)}
    for side in "LR":
        beside |= {f"{side}BigToe": (f"{side}Ankle", 0.2, 0.15), f"{side}SmallToe": (f"{side}Ankle", 0.18, 0.17)}
        beside |= {f"{side}Heel": (f"{side}Ankle", -0.05, 0.12), f"{side}FootIndex": (f"{side}Ankle", 0.2, 0.15)}
        beside |= {f"{side}{name}": (f"{side}Wrist", 0.05, 0.05) for name in ("Pinky", "Index", "Thumb")}
        beside |= {f"{side}Eye{name}": (f"{side}Eye", 0.01, 0.0) for name in ("Inner", "Outer")}
        beside |= {f"{side}Mouth": ("Nose", 0.03 if side == "L" else -0.03, 0.08)}
    for name, (near, x, y) in beside.items():
        at[name] = at[near] + np.array([x, y]) * trunk
    values = np.stack([at[name] for name in skeleton.joints], axis=1)
    return np.concatenate((values, np.full((*values.shape[:2], 1), 0.9)), axis=-1)


def flat(points):
    """x, y, score, x, y, score, ... of one person in one frame."""
    return np.asarray(points).ravel().round(3).tolist()


def write_json(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def write_folder(folder, contents):
    """A folder of JSON files: their content by name."""
    for name, content in contents.items():
        write_json(folder / name, content)
    return folder


def same_body(clip, demo, joints=("RKnee", "LWrist", "LElbow", "RAnkle"), first=250, frames=None):
    """Whether a clip shows the demo's person there, to a fiftieth of a pixel; frames: those that are compared."""
    frames = range(len(clip)) if frames is None else frames
    for joint in joints:
        here = clip.keypoints[list(frames), clip.skeleton.index(joint)]
        there = demo.keypoints[[first + frame for frame in frames], MPM16.index(joint)]
        if not clip.visible[list(frames), clip.skeleton.index(joint)].all() or np.abs(here - there).max() > 0.02:
            return False
    return True
