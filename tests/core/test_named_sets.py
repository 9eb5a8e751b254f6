"""Names that tell which joints they are only beside each other."""

import re

import numpy as np

from mpm_core import read_clip, write
from mpm_core.formats import inspect_file
from mpm_core.formats.base import WriteOptions
from mpm_core.skeleton import MPM16, NAMED
from tests.bodies import body_in, same_body
from tests.motion_files import pose_error_mm

HUMAN = {"ankle1": "RAnkle", "knee1": "RKnee", "hip1": "RHip", "hip2": "LHip", "knee2": "LKnee", "ankle2": "LAnkle",
         "wrist1": "RWrist", "elbow1": "RElbow", "shoulder1": "RShoulder", "shoulder2": "LShoulder", "elbow2": "LElbow",
         "wrist2": "LWrist", "chin": "Thorax", "forehead": "Head"}  # fmt: skip
"""The joints of DeepLabCut's ready-made human."""

LIMBS = {"Arm": "upper_arm", "ForeArm": "forearm", "Hand": "hand", "UpLeg": "thigh", "Leg": "shin", "Foot": "foot",
         "Shoulder": "shoulder"}  # fmt: skip


def test_deeplabcuts_own_human(tmp_path, demo):
    points = body_in(demo, NAMED)[:, NAMED.indices(HUMAN.values())]
    rows = [["scorer", *["DLC_resnet101"] * 42], ["bodyparts", *[name for name in HUMAN for _ in range(3)]]]
    rows += [["coords", *["x", "y", "likelihood"] * 14]]
    rows += [[n, *np.round(p, 3).ravel()] for n, p in enumerate(points)]
    (tmp_path / "d.csv").write_text("\n".join(",".join(map(str, row)) for row in rows))
    assert inspect_file(tmp_path / "d.csv").unknown_joints is None
    clip = read_clip(tmp_path / "d.csv", fps=50, image_size=(1080, 1080))
    assert same_body(clip, demo, ("RAnkle", "LHip", "RWrist", "LElbow", "Head")) and "right side" in clip.notes[0]


def test_the_spine_of_blenders_human_rig(tmp_path, demo):
    """Seven bones called spine: the first begins at the hips, the last is the skull."""
    write(demo, tmp_path / "d.bvh", WriteOptions(0, 99))
    head, _, motion = (tmp_path / "d.bvh").read_text().partition("MOTION")
    names = {"Hips": "spine", "Spine": "spine.002", "Spine1": "spine.004", "Neck": "spine.005", "Head": "spine.006"}
    names |= {f"{side}{ours}": f"{theirs}.{side[0]}" for side in ("Left", "Right") for ours, theirs in LIMBS.items()}
    for ours, theirs in names.items():
        head = re.sub(rf"(ROOT|JOINT) {ours}\n", rf"\1 {theirs}\n", head)
    for extra in ("spine.001", "spine.003"):  # bones that do not move, without channels
        bone = f"JOINT {extra}\n{{\nOFFSET 0 9 0\nCHANNELS 0\nEnd Site\n{{\nOFFSET 0 9 0\n}}\n}}\n"
        head = head.rstrip().removesuffix("}") + bone + "}\n"
    (tmp_path / "rig.bvh").write_text(head + "MOTION" + motion)
    clip = read_clip(tmp_path / "rig.bvh").to_mpm16()
    assert np.median(pose_error_mm(clip, demo, slice(0, 100), ("LShoulder", "RElbow", "RKnee", "Spine", "Thorax"))) < 20
    assert clip.visible[:, MPM16.index("Head")].all()
