import copy
import pickle

import numpy as np
import pytest

from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.joint_maps import map_to_mpm16
from mpm_core.skeleton import BODY25, COCO17, H36M17, LIMBS, MPM16, SKELETONS, Skeleton, find_skeleton


@pytest.mark.parametrize("skeleton", SKELETONS.values(), ids=SKELETONS)
def test_tree_mirror_and_limbs_are_consistent(skeleton):
    assert sum(parent < 0 for parent in skeleton.parents) == 1
    assert sorted(skeleton.parents_first) == list(range(len(skeleton)))
    mirror = np.array(skeleton.mirror)
    assert (mirror[mirror] == np.arange(len(skeleton))).all()
    for joint, other in enumerate(mirror):
        sides = {skeleton.side(joint), skeleton.side(int(other))}
        assert sides in ({"centre"}, {"left", "right"})
    limbs = sorted(j for limb in LIMBS for j in skeleton.limb(limb))
    assert limbs == list(range(len(skeleton)))


@pytest.mark.parametrize(("name", "joints"), [("mpm16", 16), ("h36m17", 17), ("coco17", 17), ("coco18", 18), ("body25", 25),
                                               ("halpe26", 26), ("mediapipe33", 33), ("3dhp17", 17)])  # fmt: skip
def test_every_promised_skeleton_has_its_joint_count(name, joints):
    assert len(find_skeleton(name)) == joints


def test_joint_order_of_mpm16_is_h36m_without_the_nose():
    assert MPM16.joints == tuple(j for j in H36M17.joints if j != "Nose")


def test_known_positions_in_published_topologies():
    """Spot checks against the formats' own documentation."""
    assert [BODY25.joints[i] for i in (0, 1, 4, 8, 11, 14, 24)] == [
        "Nose",
        "Neck",
        "RWrist",
        "MidHip",
        "RAnkle",
        "LAnkle",
        "RHeel",
    ]
    assert [COCO17.joints[i] for i in (5, 6, 9, 10, 15, 16)] == [
        "LShoulder",
        "RShoulder",
        "LWrist",
        "RWrist",
        "LAnkle",
        "RAnkle",
    ]


def test_left_limbs_hold_left_joints():
    assert {MPM16.joints[j] for j in MPM16.limb("left leg")} == {"LHip", "LKnee", "LAnkle"}
    assert {MPM16.joints[j] for j in MPM16.limb("right arm")} == {"RShoulder", "RElbow", "RWrist"}


def test_coco_joints_are_derived_as_the_map_says():
    points = np.random.default_rng(0).random((3, 17, 2)) * 100
    joint_map = map_to_mpm16(COCO17)
    mapped = joint_map.apply(points, np.ones((3, 17), bool))
    hips = points[:, list(COCO17.indices(("LHip", "RHip")))].mean(1)
    assert np.allclose(mapped.points[:, MPM16.index("Hip")], hips, atol=1e-4)
    assert set(joint_map.derived()) == {"Hip", "Spine", "Thorax", "Head"}
    derived = {name for j, name in enumerate(MPM16.joints) if mapped.derived[0, j]}
    assert derived == {"Hip", "Spine", "Thorax", "Head"}


def test_a_joint_whose_sources_are_missing_stays_hidden():
    visible = np.ones((1, 17), bool)
    visible[0, COCO17.index("LHip")] = False
    mapped = map_to_mpm16(COCO17).apply(np.ones((1, 17, 2)), visible)
    shown = {MPM16.joints[j] for j in np.flatnonzero(mapped.visible[0])}
    assert not shown & {"Hip", "Spine", "LHip"}
    assert {"RHip", "Thorax", "Head"} <= shown


def test_body25_falls_back_to_both_hips_when_the_middle_is_lost():
    visible = np.ones((1, 25), bool)
    visible[0, BODY25.index("MidHip")] = False
    points = np.zeros((1, 25, 2))
    points[0, BODY25.index("LHip")] = (4, 0)
    mapped = map_to_mpm16(BODY25).apply(points, visible)
    assert mapped.visible[0, MPM16.index("Hip")] and mapped.derived[0, MPM16.index("Hip")]
    assert mapped.points[0, MPM16.index("Hip"), 0] == pytest.approx(2)


def test_derived_confidence_is_that_of_the_weakest_source():
    confidence = np.ones((1, 17))
    confidence[0, COCO17.index("RHip")] = 0.3
    mapped = map_to_mpm16(COCO17).apply(np.ones((1, 17, 2)), np.ones((1, 17), bool), confidence)
    assert mapped.confidence[0, MPM16.index("Hip")] == pytest.approx(0.3)


def test_unknown_skeleton_is_named_in_the_message():
    with pytest.raises(UserError, match="nosuch.*mpm16"):
        Clip.from_arrays(np.ones((1, 16, 2)), (10, 10), 30, skeleton="nosuch")


@pytest.mark.parametrize("again", [copy.deepcopy, lambda value: pickle.loads(pickle.dumps(value))], ids=["copied", "sent"])
def test_a_clip_that_is_copied_or_sent_to_another_process_is_in_the_same_joints(again):
    clip = Clip.from_arrays(np.ones((1, 16, 2)), (10, 10), 30)
    assert again(clip).skeleton is MPM16 is again(clip).to_mpm16().skeleton
    markers = again(Skeleton("markers", "markers", ("A", "B"), (-1, -1), {}))
    assert (markers.joints, markers.index("B")) == (("A", "B"), 1)
