"""Owns the skeletons: joint names, parents, mirror pairs and named limbs of every topology that is read or written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

LIMBS = ("right leg", "left leg", "trunk", "head", "left arm", "right arm")
"""The limbs that every skeleton names, in the order in which lists and timelines show them."""


@dataclass(frozen=True, eq=False)
class Skeleton:
    """Joints in file order, with the tree that joins them.

    `parents` holds one joint index per joint, -1 for the root. `limbs` maps each name of `LIMBS` to joint names.
    A joint's side is told by its name: see `side`.
    """

    name: str
    label: str
    joints: tuple[str, ...]
    parents: tuple[int, ...]
    limbs: Mapping[str, tuple[str, ...]]

    def __len__(self) -> int:
        return len(self.joints)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        """One that is known by its name stays the very same in a copy and in another process: what is in MPM-16 joints already
        must not be taken for something else there."""
        if SKELETONS.get(self.name) is self:
            return find_skeleton, (self.name,)
        return Skeleton, (self.name, self.label, self.joints, self.parents, self.limbs)

    def index(self, joint: str) -> int:
        """Position of a joint in this skeleton; KeyError when it has no such joint."""
        return self._positions[joint]

    def indices(self, joints: Iterable[str]) -> tuple[int, ...]:
        """Positions of several joints, in the order given."""
        return tuple(self.index(joint) for joint in joints)

    def limb(self, name: str) -> tuple[int, ...]:
        """Joint indices of a named limb."""
        return self.indices(self.limbs[name])

    def side(self, joint: int) -> str:
        """'left', 'right' or 'centre'."""
        name = self.joints[joint]
        if name.startswith("L"):
            return "left"
        return "right" if name.startswith("R") else "centre"

    @cached_property
    def root(self) -> int:
        return self.parents.index(-1)

    @cached_property
    def bones(self) -> tuple[tuple[int, int], ...]:
        """(parent, child) index pairs."""
        return tuple((parent, child) for child, parent in enumerate(self.parents) if parent >= 0)

    @cached_property
    def mirror(self) -> tuple[int, ...]:
        """For each joint the index of its mirror image (itself for centre joints)."""
        return tuple(self._positions.get(_other_side(name), i) for i, name in enumerate(self.joints))

    @cached_property
    def parents_first(self) -> tuple[int, ...]:
        """All joint indices, each after its parent."""
        order: list[int] = []
        pending = list(range(len(self)))
        while pending:
            ready = [j for j in pending if self.parents[j] < 0 or self.parents[j] in order]
            order += ready
            pending = [j for j in pending if j not in ready]
        return tuple(order)

    @cached_property
    def _positions(self) -> dict[str, int]:
        return {name: i for i, name in enumerate(self.joints)}


def _other_side(name: str) -> str:
    swapped = {"L": "R", "R": "L"}
    return swapped.get(name[0], name[0]) + name[1:]


def _build(name: str, label: str, tree: str, **limbs: str) -> Skeleton:
    """`tree` lists the joints in file order as 'Joint<Parent', the root alone; `limbs` as space-separated joint names."""
    entries = [entry.partition("<") for entry in tree.split()]
    joints = tuple(joint for joint, _, _ in entries)
    parents = tuple(joints.index(parent) if parent else -1 for _, _, parent in entries)
    named = {limb: tuple(limbs[limb.replace(" ", "_")].split()) for limb in LIMBS}
    return Skeleton(name, label, joints, parents, named)


_ARMS = {"left_arm": "LShoulder LElbow LWrist", "right_arm": "RShoulder RElbow RWrist"}
_LEGS = {"left_leg": "LHip LKnee LAnkle", "right_leg": "RHip RKnee RAnkle"}
_FACE = "Nose LEye REye LEar REar"
_LEFT_TOES, _RIGHT_TOES = " LBigToe LSmallToe LHeel", " RBigToe RSmallToe RHeel"

MPM16 = _build(
    "mpm16",
    "MPM, 16 joints",
    "Hip RHip<Hip RKnee<RHip RAnkle<RKnee LHip<Hip LKnee<LHip LAnkle<LKnee Spine<Hip Thorax<Spine Head<Thorax "
    "LShoulder<Thorax LElbow<LShoulder LWrist<LElbow RShoulder<Thorax RElbow<RShoulder RWrist<RElbow",
    trunk="Hip Spine Thorax",
    head="Head",
    **_ARMS,
    **_LEGS,
)

H36M17 = _build(
    "h36m17",
    "Human3.6M, 17 joints",
    "Hip RHip<Hip RKnee<RHip RAnkle<RKnee LHip<Hip LKnee<LHip LAnkle<LKnee Spine<Hip Thorax<Spine Nose<Thorax Head<Nose "
    "LShoulder<Thorax LElbow<LShoulder LWrist<LElbow RShoulder<Thorax RElbow<RShoulder RWrist<RElbow",
    trunk="Hip Spine Thorax",
    head="Nose Head",
    **_ARMS,
    **_LEGS,
)

# COCO-17 has no joint on the trunk's axis, so its tree hangs from the nose, as a tree must have one root.
COCO17 = _build(
    "coco17",
    "COCO, 17 keypoints",
    "Nose LEye<Nose REye<Nose LEar<LEye REar<REye LShoulder<Nose RShoulder<Nose LElbow<LShoulder RElbow<RShoulder "
    "LWrist<LElbow RWrist<RElbow LHip<LShoulder RHip<RShoulder LKnee<LHip RKnee<RHip LAnkle<LKnee RAnkle<RKnee",
    trunk="",
    head=_FACE,
    **_ARMS,
    **_LEGS,
)

COCO18 = _build(
    "coco18",
    "OpenPose COCO, 18 keypoints",
    "Nose<Neck Neck RShoulder<Neck RElbow<RShoulder RWrist<RElbow LShoulder<Neck LElbow<LShoulder LWrist<LElbow "
    "RHip<Neck RKnee<RHip RAnkle<RKnee LHip<Neck LKnee<LHip LAnkle<LKnee REye<Nose LEye<Nose REar<REye LEar<LEye",
    trunk="Neck",
    head=_FACE,
    **_ARMS,
    **_LEGS,
)

BODY25 = _build(
    "body25",
    "OpenPose BODY_25",
    "Nose<Neck Neck<MidHip RShoulder<Neck RElbow<RShoulder RWrist<RElbow LShoulder<Neck LElbow<LShoulder LWrist<LElbow "
    "MidHip RHip<MidHip RKnee<RHip RAnkle<RKnee LHip<MidHip LKnee<LHip LAnkle<LKnee REye<Nose LEye<Nose REar<REye "
    "LEar<LEye LBigToe<LAnkle LSmallToe<LBigToe LHeel<LAnkle RBigToe<RAnkle RSmallToe<RBigToe RHeel<RAnkle",
    trunk="MidHip Neck",
    head=_FACE,
    left_leg=_LEGS["left_leg"] + _LEFT_TOES,
    right_leg=_LEGS["right_leg"] + _RIGHT_TOES,
    **_ARMS,
)

HALPE26 = _build(
    "halpe26",
    "Halpe, 26 keypoints",
    "Nose<Neck LEye<Nose REye<Nose LEar<LEye REar<REye LShoulder<Neck RShoulder<Neck LElbow<LShoulder RElbow<RShoulder "
    "LWrist<LElbow RWrist<RElbow LHip<Hip RHip<Hip LKnee<LHip RKnee<RHip LAnkle<LKnee RAnkle<RKnee Head<Neck Neck<Hip Hip "
    "LBigToe<LAnkle RBigToe<RAnkle LSmallToe<LBigToe RSmallToe<RBigToe LHeel<LAnkle RHeel<RAnkle",
    trunk="Hip Neck",
    head=_FACE + " Head",
    left_leg=_LEGS["left_leg"] + _LEFT_TOES,
    right_leg=_LEGS["right_leg"] + _RIGHT_TOES,
    **_ARMS,
)

MEDIAPIPE33 = _build(
    "mediapipe33",
    "MediaPipe Pose, 33 landmarks",
    "Nose LEyeInner<Nose LEye<LEyeInner LEyeOuter<LEye REyeInner<Nose REye<REyeInner REyeOuter<REye LEar<LEyeOuter "
    "REar<REyeOuter LMouth<Nose RMouth<Nose LShoulder<Nose RShoulder<Nose LElbow<LShoulder RElbow<RShoulder LWrist<LElbow "
    "RWrist<RElbow LPinky<LWrist RPinky<RWrist LIndex<LWrist RIndex<RWrist LThumb<LWrist RThumb<RWrist LHip<LShoulder "
    "RHip<RShoulder LKnee<LHip RKnee<RHip LAnkle<LKnee RAnkle<RKnee LHeel<LAnkle RHeel<RAnkle LFootIndex<LAnkle "
    "RFootIndex<RAnkle",
    trunk="",
    head=_FACE + " LEyeInner LEyeOuter REyeInner REyeOuter LMouth RMouth",
    left_arm=_ARMS["left_arm"] + " LPinky LIndex LThumb",
    right_arm=_ARMS["right_arm"] + " RPinky RIndex RThumb",
    left_leg=_LEGS["left_leg"] + " LHeel LFootIndex",
    right_leg=_LEGS["right_leg"] + " RHeel RFootIndex",
)

MPI_INF_3DHP17 = _build(
    "3dhp17",
    "MPI-INF-3DHP, 17 joints",
    "Head<Nose Thorax<Spine RShoulder<Thorax RElbow<RShoulder RWrist<RElbow LShoulder<Thorax LElbow<LShoulder "
    "LWrist<LElbow RHip<Hip RKnee<RHip RAnkle<RKnee LHip<Hip LKnee<LHip LAnkle<LKnee Hip Spine<Hip Nose<Thorax",
    trunk="Hip Spine Thorax",
    head="Head Nose",
    **_ARMS,
    **_LEGS,
)

BODY25B = _build(
    "body25b",
    "OpenPose BODY_25B",
    "Nose<UpperNeck LEye<Nose REye<Nose LEar<LEye REar<REye LShoulder<UpperNeck RShoulder<UpperNeck LElbow<LShoulder "
    "RElbow<RShoulder LWrist<LElbow RWrist<RElbow LHip<UpperNeck RHip<UpperNeck LKnee<LHip RKnee<RHip LAnkle<LKnee "
    "RAnkle<RKnee UpperNeck Head<UpperNeck LBigToe<LAnkle LSmallToe<LBigToe LHeel<LAnkle RBigToe<RAnkle "
    "RSmallToe<RBigToe RHeel<RAnkle",
    trunk="UpperNeck",
    head=_FACE + " Head",
    left_leg=_LEGS["left_leg"] + _LEFT_TOES,
    right_leg=_LEGS["right_leg"] + _RIGHT_TOES,
    **_ARMS,
)

# The body and feet of COCO-WholeBody's 133 keypoints, which come first there.
COCO23 = _build(
    "coco23",
    "COCO-WholeBody, body and feet",
    "Nose LEye<Nose REye<Nose LEar<LEye REar<REye LShoulder<Nose RShoulder<Nose LElbow<LShoulder RElbow<RShoulder "
    "LWrist<LElbow RWrist<RElbow LHip<LShoulder RHip<RShoulder LKnee<LHip RKnee<RHip LAnkle<LKnee RAnkle<RKnee "
    "LBigToe<LAnkle LSmallToe<LBigToe LHeel<LAnkle RBigToe<RAnkle RSmallToe<RBigToe RHeel<RAnkle",
    trunk="",
    head=_FACE,
    left_leg=_LEGS["left_leg"] + _LEFT_TOES,
    right_leg=_LEGS["right_leg"] + _RIGHT_TOES,
    **_ARMS,
)

MPII16 = _build(
    "mpii16",
    "MPII, 16 joints",
    "RAnkle<RKnee RKnee<RHip RHip<Hip LHip<Hip LKnee<LHip LAnkle<LKnee Hip Thorax<Hip UpperNeck<Thorax Head<UpperNeck "
    "RWrist<RElbow RElbow<RShoulder RShoulder<Thorax LShoulder<Thorax LElbow<LShoulder LWrist<LElbow",
    trunk="Hip Thorax",
    head="UpperNeck Head",
    **_ARMS,
    **_LEGS,
)

MPI15 = _build(
    "mpi15",
    "OpenPose MPI, 15 keypoints",
    "Head<Neck Neck<Chest RShoulder<Neck RElbow<RShoulder RWrist<RElbow LShoulder<Neck LElbow<LShoulder LWrist<LElbow "
    "RHip<Chest RKnee<RHip RAnkle<RKnee LHip<Chest LKnee<LHip LAnkle<LKnee Chest",
    trunk="Neck Chest",
    head="Head",
    **_ARMS,
    **_LEGS,
)

LSP14 = _build(
    "lsp14",
    "LSP, 14 joints",
    "RAnkle<RKnee RKnee<RHip RHip<Neck LHip<Neck LKnee<LHip LAnkle<LKnee RWrist<RElbow RElbow<RShoulder RShoulder<Neck "
    "LShoulder<Neck LElbow<LShoulder LWrist<LElbow Neck Head<Neck",
    trunk="Neck",
    head="Head",
    **_ARMS,
    **_LEGS,
)

CROWDPOSE14 = _build(
    "crowdpose14",
    "CrowdPose, 14 keypoints",
    "LShoulder<Neck RShoulder<Neck LElbow<LShoulder RElbow<RShoulder LWrist<LElbow RWrist<RElbow LHip<Neck RHip<Neck "
    "LKnee<LHip RKnee<RHip LAnkle<LKnee RAnkle<RKnee Head<Neck Neck",
    trunk="Neck",
    head="Head",
    **_ARMS,
    **_LEGS,
)

# Every joint that a file may name, for files whose own set of joints is nobody else's.
NAMED = _build(
    "named",
    "joints by name",
    "Hip RHip<Hip RKnee<RHip RAnkle<RKnee LHip<Hip LKnee<LHip LAnkle<LKnee Spine<Hip Chest<Spine Thorax<Spine Neck<Thorax "
    "UpperNeck<Neck Head<Neck Nose<Neck LEye<Nose REye<Nose LEar<LEye REar<REye LShoulder<Thorax LElbow<LShoulder "
    "LWrist<LElbow RShoulder<Thorax RElbow<RShoulder RWrist<RElbow LBigToe<LAnkle LSmallToe<LAnkle LHeel<LAnkle "
    "LFootIndex<LAnkle RBigToe<RAnkle RSmallToe<RAnkle RHeel<RAnkle RFootIndex<RAnkle",
    trunk="Hip Spine Chest Thorax Neck",
    head=_FACE + " UpperNeck Head",
    left_leg=_LEGS["left_leg"] + _LEFT_TOES + " LFootIndex",
    right_leg=_LEGS["right_leg"] + _RIGHT_TOES + " RFootIndex",
    **_ARMS,
)

SMPLH_JOINTS = (
    "pelvis", "left_hip", "right_hip", "spine1", "left_knee", "right_knee", "spine2", "left_ankle", "right_ankle", "spine3",
    "left_foot", "right_foot", "neck", "left_collar", "right_collar", "head", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist",
)  # fmt: skip
"""The joints of the SMPL-H body model (Romero et al., SIGGRAPH Asia 2017) before those of the hands, in its order."""

SMPLH_FOR_H36M17: Mapping[str, str] = {
    "Spine": "spine2",
    "Thorax": "neck",
    **{
        f"{side[0].upper()}{joint.capitalize()}": f"{side}_{joint}"
        for side in ("left", "right")
        for joint in ("hip", "knee", "ankle", "shoulder", "elbow", "wrist")
    },
}
"""Joints of Human3.6M that are joints of SMPL-H; Hip is the middle of both hips."""

SMPLH_VERTICES: Mapping[str, int] = {"Nose": 332, "Head": 411}
"""Joints of Human3.6M that lie on SMPL-H's surface, as vertices of it."""

SKELETONS: Mapping[str, Skeleton] = {
    skeleton.name: skeleton
    for skeleton in (
        MPM16, H36M17, COCO17, COCO18, BODY25, HALPE26, MEDIAPIPE33, MPI_INF_3DHP17,
        BODY25B, COCO23, MPII16, MPI15, LSP14, CROWDPOSE14, NAMED,
    )
}  # fmt: skip


def find_skeleton(name: str) -> Skeleton:
    """The skeleton of that name; ValueError, with the names that exist, when there is none."""
    try:
        return SKELETONS[name]
    except KeyError:
        raise ValueError(f"unknown skeleton '{name}' (known: {', '.join(SKELETONS)})") from None
