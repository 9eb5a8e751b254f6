"""Imports a BVH into Blender with the importer's own options and says where the bones are. Run by an interpreter that has bpy
(make test-all): blender_import.py FILE.bvh OUT.npz"""

import sys

import bpy
import numpy as np

source, target = sys.argv[1:]
bpy.ops.wm.read_factory_settings(use_empty=True)
bpy.ops.import_anim.bvh(filepath=source)
rig, scene = bpy.context.object, bpy.context.scene
first, last = (int(frame) for frame in rig.animation_data.action.frame_range)
heads, tails = [], []
for frame in range(first, last + 1):
    scene.frame_set(frame)
    heads.append([rig.matrix_world @ bone.head for bone in rig.pose.bones])
    tails.append([rig.matrix_world @ bone.tail for bone in rig.pose.bones])
names = [bone.name for bone in rig.pose.bones]
lengths = [bone.length for bone in rig.data.bones]
np.savez(target, names=names, heads=np.array(heads), tails=np.array(tails), lengths=lengths)
