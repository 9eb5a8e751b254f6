"""Writes GLB (glTF 2.0 in one file), by the package pygltflib: the rig, its motion, and a body of capsules that wears it.

The animation's extras say in which frames which joints were filled in by a lifter or interpolated: `not_measured`, by joint, a
list of first and last frames.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.formats.base import Format, WriteOptions
from mpm_core.formats.bvh import rigged
from mpm_core.formats.motion.body_mesh import body_of, rest_places
from mpm_core.formats.motion.world import World
from mpm_core.formats.sources import spans_of
from mpm_core.prediction import Prediction
from mpm_core.rig.joints import RigMotion
from mpm_core.skeleton import MPM16

_KINDS = {np.dtype(np.float32): 5126, np.dtype(np.uint16): 5123, np.dtype(np.uint8): 5121}
_SHAPES = {(): "SCALAR", (3,): "VEC3", (4,): "VEC4", (16,): "MAT4"}
_ARRAY_BUFFER, _ELEMENT_BUFFER = 34962, 34963


def _write(content: Clip | Prediction, path: Path, options: WriteOptions) -> None:
    """glTF is Y up and in metres, by its definition."""
    try:
        import pygltflib
    except ImportError:
        raise UserError("writing GLB needs the package pygltflib (pip install pygltflib)") from None
    motion, world = rigged(content, replace(options, up_axis=None, unit=None))
    document = pygltflib.GLTF2(asset=pygltflib.Asset(generator="mpm-viewer"))
    file = _File(pygltflib, document)
    root = _add_rig(file, motion, options.prefix)
    body = _add_body(file, motion)
    _add_animation(file, motion, world)
    document.scenes.append(pygltflib.Scene(nodes=[root, body]))
    document.scene = 0
    document.buffers.append(pygltflib.Buffer(byteLength=len(file.data)))
    document.set_binary_blob(bytes(file.data))
    path.write_bytes(b"".join(document.save_to_bytes()))


class _File:
    """The document that is being put together, and its binary data."""

    def __init__(self, pygltflib: Any, document: Any) -> None:
        self.gltf, self.document, self.data = pygltflib, document, bytearray()

    def add(self, array: NDArray[Any], target: int | None = None, has_bounds: bool = False) -> int:
        """The number of an accessor on an array (count, ...)."""
        self.data += b"\0" * (-len(self.data) % 4)
        view = self.gltf.BufferView(buffer=0, byteOffset=len(self.data), byteLength=array.nbytes, target=target)
        self.document.bufferViews.append(view)
        self.data += np.ascontiguousarray(array).tobytes()
        accessor = self.gltf.Accessor(
            bufferView=len(self.document.bufferViews) - 1, componentType=_KINDS[array.dtype], count=len(array),
            type=_SHAPES[array.shape[1:]],
        )  # fmt: skip
        if has_bounds:
            accessor.min, accessor.max = (np.atleast_1d(edge).tolist() for edge in (array.min(0), array.max(0)))
        self.document.accessors.append(accessor)
        return len(self.document.accessors) - 1


def _add_rig(file: _File, motion: RigMotion, prefix: str) -> int:
    """A node per joint, in the order of the joints, in the rest pose; the number of the root's."""
    for number, joint in enumerate(motion.joints):
        children = [n for n, other in enumerate(motion.joints) if other.parent == number]
        start = motion.root[0] if joint.parent < 0 else joint.rest
        file.document.nodes.append(
            file.gltf.Node(name=prefix + joint.name, children=children, translation=[float(value) for value in start])
        )
    return 0


def _add_body(file: _File, motion: RigMotion) -> int:
    """The mesh with its skin; the number of its node."""
    body = body_of(motion.joints)
    weights = np.zeros((len(body.positions), 4), np.float32)
    weights[:, 0] = 1
    bound = np.zeros((len(body.positions), 4), np.uint8)
    bound[:, 0] = body.joints
    attributes = file.gltf.Attributes(
        POSITION=file.add(body.positions, _ARRAY_BUFFER, has_bounds=True), NORMAL=file.add(body.normals, _ARRAY_BUFFER),
        COLOR_0=file.add(body.colours, _ARRAY_BUFFER), JOINTS_0=file.add(bound, _ARRAY_BUFFER),
        WEIGHTS_0=file.add(weights, _ARRAY_BUFFER),
    )  # fmt: skip
    indices = file.add(body.faces.reshape(-1), _ELEMENT_BUFFER)
    document, gltf = file.document, file.gltf
    matte = gltf.PbrMetallicRoughness(metallicFactor=0.0, roughnessFactor=0.8)
    document.materials.append(gltf.Material(name="body", pbrMetallicRoughness=matte))
    document.meshes.append(
        gltf.Mesh(name="body", primitives=[gltf.Primitive(attributes=attributes, indices=indices, material=0)])
    )
    inverse = np.tile(np.eye(4, dtype=np.float32), (len(motion.joints), 1, 1))
    inverse[:, 3, :3] = -rest_places(motion.joints)  # column after column, as glTF has matrices
    document.skins.append(
        gltf.Skin(
            name="rig",
            joints=list(range(len(motion.joints))),
            skeleton=0,
            inverseBindMatrices=file.add(inverse.reshape(-1, 16)),
        )
    )
    document.nodes.append(gltf.Node(name="body", mesh=0, skin=0))
    return len(document.nodes) - 1


def _add_animation(file: _File, motion: RigMotion, world: World) -> None:
    """Rotations of all joints and the way of the root, linear between frames."""
    from scipy.spatial.transform import Rotation

    gltf = file.gltf
    times = file.add(world.times.astype(np.float32), has_bounds=True)
    samplers = [gltf.AnimationSampler(input=times, output=file.add(motion.root.astype(np.float32)))]
    channels = [gltf.AnimationChannel(sampler=0, target=gltf.AnimationChannelTarget(node=0, path="translation"))]
    for number in range(len(motion.joints)):
        turns = Rotation.from_matrix(motion.rotations[:, number]).as_quat()  # (frames, 4), w last as in glTF
        # Of the two quaternions of a rotation the one nearer to the frame before, or players would go the long way round.
        flips = np.cumsum((turns[1:] * turns[:-1]).sum(-1) < 0) % 2
        turns[1:] *= 1 - 2 * flips[:, None]
        samplers.append(gltf.AnimationSampler(input=times, output=file.add(turns.astype(np.float32))))
        target = gltf.AnimationChannelTarget(node=number, path="rotation")
        channels.append(gltf.AnimationChannel(sampler=len(samplers) - 1, target=target))
    guesses = spans_of(world.not_measured, MPM16.joints)
    extras = {"not_measured": guesses} if guesses else {}
    file.document.animations.append(gltf.Animation(name="motion", samplers=samplers, channels=channels, extras=extras))


FORMAT = Format(
    "glb", "GLB (glTF) rig with a body", (".glb",), write=_write, takes_2d=False, choices=("prefix", "fps", "in_place"),
    keeps_marks=True,
)  # fmt: skip
