"""Imports a BVH or GLB into Blender with the importer's own options and says where the bones and the body are. Run by an
interpreter that has bpy (make test-all): blender_import.py FILE OUT.npz FRAMES_PER_SECOND"""

import sys

import bpy
import numpy as np

source, target, rate = sys.argv[1:]
bpy.ops.wm.read_factory_settings(use_empty=True)
scene = bpy.context.scene
scene.render.fps = int(rate)
if source.endswith(".glb"):
    bpy.ops.import_scene.gltf(filepath=source)
else:
    bpy.ops.import_anim.bvh(filepath=source)
(rig,) = (one for one in bpy.data.objects if one.type == "ARMATURE")
bodies = [one for one in bpy.data.objects if one.type == "MESH" and any(m.type == "ARMATURE" for m in one.modifiers)]
first, last = (round(frame) for frame in rig.animation_data.action.frame_range)
heads, tails, lowest, highest = [], [], [], []
for frame in range(first, last + 1):
    scene.frame_set(frame)
    heads.append([rig.matrix_world @ bone.head for bone in rig.pose.bones])
    tails.append([rig.matrix_world @ bone.tail for bone in rig.pose.bones])
    for body in bodies:
        posed = body.evaluated_get(bpy.context.evaluated_depsgraph_get())
        heights = [(posed.matrix_world @ vertex.co).z for vertex in posed.to_mesh().vertices]
        lowest.append(min(heights))
        highest.append(max(heights))
names = [bone.name for bone in rig.pose.bones]
lengths = [bone.length for bone in rig.data.bones]
np.savez(
    target, names=names, heads=np.array(heads), tails=np.array(tails), lengths=lengths, lowest=lowest, highest=highest,
    version=bpy.app.version_string,
)  # fmt: skip
