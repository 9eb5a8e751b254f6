"""Writes MMPose's 3D JSON: motion in the world, Z up and metres unless told otherwise, one person, a score per joint.

Joints that the lifter filled in have a score of 0 and are named 'completed' beside; others have the detector's confidence.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from mpm_core.clip import Clip
from mpm_core.formats.base import WriteOptions
from mpm_core.formats.motion.world import to_up_axis, world_of
from mpm_core.prediction import Prediction
from mpm_core.skeleton import MPM16


def write_mmpose(content: Clip | Prediction, path: Path, options: WriteOptions) -> None:
    """A frame per entry of instance_info; what is unknown is null, with a score of 0."""
    import orjson

    world = world_of(content, options)
    up_axis, unit = options.up_axis or "z", options.unit or "m"
    points = to_up_axis(world.positions, up_axis) * options.per_metre("m")
    is_known = np.asarray(np.isfinite(points).all(-1))
    scores = np.where(world.completed | ~is_known, 0.0, world.confidence)
    about: dict[str, Any] = {
        "dataset_name": "mpm-viewer", "num_keypoints": len(MPM16),
        "keypoint_id2name": {str(n): name for n, name in enumerate(MPM16.joints)},
        "skeleton_links": [list(bone) for bone in MPM16.bones], "fps": 1 / world.frame_time, "unit": unit, "up_axis": up_axis,
    }  # fmt: skip
    frames = [
        {
            "frame_id": frame + 1,
            "instances": [
                {
                    "keypoints": [row if known else [None] * 3 for row, known in zip(pose, seen, strict=True)],
                    "keypoint_scores": score,
                    "completed": np.flatnonzero(done).tolist(),
                }
            ],
        }
        for frame, (pose, seen, score, done) in enumerate(
            zip(points.round(6).tolist(), is_known.tolist(), scores.round(4).tolist(), world.completed, strict=True)
        )
    ]
    path.write_bytes(orjson.dumps({"meta_info": about, "instance_info": frames}))
