"""Owns the table of formats: one line for each. It is imported when a format is asked for, see FORMATS."""

from __future__ import annotations

from mpm_core.formats import bvh, csv, h36m_npz, mpm_npz, project
from mpm_core.formats.base import Format
from mpm_core.formats.keypoints import (
    alphapose,
    arrays,
    coco,
    deeplabcut,
    easymocap,
    mmpose,
    named_csv,
    openpose,
    sleap,
    trc,
    yolo,
)
from mpm_core.formats.motion import angle_files, asf_amc, c3d, glb, tidy
from mpm_core.formats.motion import arrays as motion_arrays
from mpm_core.formats.motion import mmpose as motion_mmpose
from mpm_core.formats.motion import trc as motion_trc

ENTRIES: tuple[Format, ...] = (
    h36m_npz.FORMAT, mpm_npz.FORMAT, openpose.FORMAT, coco.FORMAT, mmpose.FORMAT, alphapose.FORMAT, alphapose.CMU_FORMAT,
    easymocap.FORMAT, arrays.DETECTRON_FORMAT, arrays.FORMAT, deeplabcut.CSV_FORMAT, deeplabcut.H5_FORMAT,
    sleap.ANALYSIS_FORMAT, sleap.PROJECT_FORMAT, named_csv.FORMAT, trc.FORMAT, yolo.FORMAT, yolo.JSON_FORMAT, csv.FORMAT,
    bvh.FORMAT, asf_amc.FORMAT, c3d.FORMAT, motion_trc.FORMAT, motion_mmpose.FORMAT, motion_arrays.FORMAT,
    tidy.FORMAT, glb.FORMAT, angle_files.TABLE_FORMAT, angle_files.MOT_FORMAT, project.FORMAT,
)  # fmt: skip
