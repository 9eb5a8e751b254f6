"""Reads SLEAP: its analysis files, and its projects (.slp) through sleap-io, an extra as it brings a great deal with it."""

from __future__ import annotations

import numpy as np

from mpm_core.errors import UserError
from mpm_core.formats.base import CERTAIN, Probe, ReadOptions, Recognition
from mpm_core.formats.keypoints.hdf5 import opened_hdf5
from mpm_core.formats.keypoints.people import Sightings, detection_format
from mpm_core.formats.keypoints.values import Sighting


def _recognise_analysis(probe: Probe) -> Recognition | None:
    if probe.kind != "hdf5":
        return None
    with opened_hdf5(probe.path) as file:
        is_one = {"tracks", "node_names"} <= set(file)
    return Recognition(CERTAIN, "'tracks' and 'node_names'") if is_one else None


def _parse_analysis(probe: Probe, options: ReadOptions) -> Sightings:
    with opened_hdf5(probe.path) as file:
        tracks = np.asarray(file["tracks"][()], np.float64)
        names = [name.decode() if isinstance(name, bytes) else str(name) for name in file["node_names"][()]]
        scores = np.asarray(file["point_scores"][()], np.float64) if "point_scores" in file else None
    if tracks.ndim != 4 or tracks.shape[1] != 2 or tracks.shape[2] != len(names):
        # MATLAB's order of the axes is turned around.
        tracks = np.transpose(tracks) if tracks.ndim == 4 else tracks
        scores = None if scores is None else np.transpose(scores)
    if tracks.ndim != 4 or tracks.shape[1] != 2 or tracks.shape[2] != len(names) or not tracks.shape[3]:
        raise UserError(f"{probe.path}: 'tracks' is {tracks.shape}, not (tracks, 2, {len(names)} nodes, frames)")
    if scores is None or scores.shape != (len(tracks), *tracks.shape[2:]):
        scores = np.ones((len(tracks), *tracks.shape[2:]))
    scores = np.where(np.isnan(scores), 1.0, scores)  # who was labelled by hand has no score
    people = np.concatenate((tracks.transpose(0, 3, 2, 1), scores.transpose(0, 2, 1)[..., None]), axis=-1)
    entries = [
        Sighting(frame, one, f"{probe.path}: frame {frame}", identity=number)
        for number, person in enumerate(people)
        for frame, one in enumerate(person)
        if np.isfinite(one[:, :2]).any()
    ]
    return Sightings(entries, (0, people.shape[1] - 1), joints=tuple(names))


ANALYSIS_FORMAT = detection_format("sleap", "SLEAP analysis h5", (".h5", ".hdf5"), _recognise_analysis, _parse_analysis)


def _recognise_project(probe: Probe) -> Recognition | None:
    if probe.kind != "hdf5":
        return None
    with opened_hdf5(probe.path) as file:
        is_one = {"metadata", "frames", "instances"} <= set(file)
    return Recognition(CERTAIN, "'metadata', 'frames' and 'instances'") if is_one else None


def _parse_project(probe: Probe, options: ReadOptions) -> Sightings:
    where = str(probe.path)
    try:
        import sleap_io
    except ImportError:
        raise UserError(
            f"{where}: SLEAP projects need the package sleap-io (pip install 'mpm-viewer[sleap]'); or export"
            " analysis HDF5 in SLEAP"
        ) from None
    try:
        labels = sleap_io.load_slp(where, open_videos=False)
    except Exception as error:  # a damaged project may raise anything
        raise UserError(f"{where}: is damaged, or no SLEAP project ({' '.join(str(error).split())})") from None
    if not labels.videos or not labels.skeletons:
        raise UserError(f"{where}: holds no labels")
    video, skeleton = labels.videos[0], labels.skeletons[0]
    frames = [frame for frame in labels.labeled_frames if frame.video == video]
    entries = [
        Sighting(
            int(frame.frame_idx),
            instance.numpy()[:, :2],
            f"{where}: frame {frame.frame_idx}",
            identity=None if instance.track is None else instance.track.name,
        )
        for frame in frames
        for instance in frame.instances
        if instance.skeleton == skeleton
    ]
    numbers = [entry.frame for entry in entries] or [0]
    left_out = len(labels.videos) - 1
    notes = (f"{left_out + 1} videos in the project: the first was taken",) if left_out else ()
    size = tuple(video.shape[2:0:-1]) if video.shape is not None else None
    return Sightings(
        entries,
        (min(numbers), max(numbers)),
        image_size=None if size is None else (int(size[0]), int(size[1])),
        joints=tuple(skeleton.node_names),
        notes=notes,
    )


PROJECT_FORMAT = detection_format("sleap-project", "SLEAP project", (".slp",), _recognise_project, _parse_project)
