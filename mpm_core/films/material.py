"""Owns Material, what a film is of: a clip and its answer, as they are in the file, or lifted or completed on the way."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpm_core.aids_command import aids_of, idle_options
from mpm_core.camera import Intrinsics
from mpm_core.clip import Clip
from mpm_core.commands import as_told, read_for_lifting
from mpm_core.errors import UserError
from mpm_core.files import VIDEO_SUFFIXES
from mpm_core.formats.pickled_npz import list_arrays, read_npz
from mpm_core.formats.project import Part, Project, is_project, read_project
from mpm_core.formats.project_answer import answer_from, answer_parts
from mpm_core.hiding import parse_mask
from mpm_core.masking import Mask
from mpm_core.prediction import Prediction
from mpm_core.rates import own_times
from mpm_core.sampling_command import sampling_of
from mpm_core.skeleton import MPM16
from mpm_core.terminal import follow
from mpm_core.truth.command import with_truth

_log = logging.getLogger("mpm")

_AS_IT_WAS = "as it was in the file"
_WINDOW_PART = "film"


@dataclass(frozen=True, eq=False)
class FilmVideo:
    """The video behind an answer. times: (frames,) seconds at which the clip's frames are in it. is_exact: whether these are
    its own."""

    path: Path
    times: NDArray[np.float64]
    is_exact: bool = False


@dataclass(frozen=True, eq=False)
class Material:
    """clip: in MPM-16 joints. mask: (frames, 16) what is drawn as hidden beside what the clip itself lacks or, below
    `threshold`, is unsure of. video: None where there is none. is_answer_alone: what the clip holds in 3D is the answer, and no
    ground truth. project: that it is from, with how it was looked at; None for other files."""

    clip: Clip
    prediction: Prediction
    mask: Mask
    threshold: float = 0.0
    video: FilmVideo | None = None
    is_answer_alone: bool = False
    project: Project | None = None


def with_window_part(
    project: Project, prediction: Prediction, video_times: NDArray[np.float64], note: Mapping[str, Any]
) -> Project:
    """A project with what the window has beside it when it wants a film: the answer on show, when in the video its frames are,
    and other things."""
    said, arrays = answer_parts(prediction)
    part = Part({**note, "answer": said}, {**arrays, "video_times": video_times})
    return replace(project, parts={**project.parts, _WINDOW_PART: part})


def window_note(material: Material) -> Mapping[str, Any]:
    """The other things; nothing for what is from no window."""
    parts = {} if material.project is None else material.project.parts
    return parts[_WINDOW_PART].note if _WINDOW_PART in parts else {}


def read_material(options: argparse.Namespace) -> Material:
    """What the command line names, with all that it says of it; what had to be done or assumed on the way is logged."""
    is_video = options.input.suffix.lower() in VIDEO_SUFFIXES
    project = read_project(options.input) if not is_video and options.input.is_file() and is_project(options.input) else None
    if project is not None and _WINDOW_PART in project.parts:
        part, clip = project.parts[_WINDOW_PART], project.clip
        answer = answer_from(part.note["answer"], part.arrays, len(clip), str(options.input))
        video = _video(options, clip, project, False)
        times = part.arrays["video_times"]
        if video is not None and len(times) == len(clip):
            video = replace(video, times=times)
        return Material(clip, answer, project.mask, project.threshold, video, False, project)
    clip, hidden = read_for_lifting(options)
    clip = with_truth(as_told(clip, options), options)
    hidden = hidden | parse_mask(options.hide, len(clip))
    video = _video(options, clip, project, is_video)
    if clip.keypoints is not None and not clip.is_virtual:
        return Material(clip, _lifted(clip, hidden, options), hidden, 0.0, video, False, project)
    if clip.keypoints is not None and clip.ground_truth is not None:  # a motion file's, as a camera would see it
        clip = replace(clip, keypoints=None, visible=np.asarray(np.isfinite(clip.ground_truth).all(-1)))
    if video is not None:
        clip = _with_camera_of(clip, video, options)
    answer = _as_it_is(clip, hidden, options)
    return Material(clip, answer, answer.hidden, 0.0, video, True, project)


def _say_what_is_idle(options: argparse.Namespace, task: str) -> None:
    for note in idle_options(options, task):
        _log.warning("%s: %s", options.input.name, note)


def _lifted(clip: Clip, mask: Mask, options: argparse.Namespace) -> Prediction:
    from mpm_core.lifters import load_lifter

    lifter = load_lifter(options.lifter, options.device, options.weights)
    _say_what_is_idle(options, "lift")
    task = lifter.start(clip, "lift", options.mode, aids_of(options), sampling_of(options))
    list(follow(task.update(mask), "lift"))
    _log.info("%s: lifted on the way, by %s", options.input.name, options.lifter)
    return task.prediction()


def _as_it_is(clip: Clip, mask: Mask, options: argparse.Namespace) -> Prediction:
    """3D as it is in the file. Joints that it lacks, or that are to be hidden, are completed."""
    assert clip.ground_truth is not None
    lacking = ~np.isfinite(clip.ground_truth).all(-1)  # (frames, 16)
    if not (lacking | mask).any():
        return _answer(clip, _filled_in(options.input, len(clip)))
    from mpm_core.lifters import load_lifter

    lifter = load_lifter(options.lifter, options.device, options.weights)
    _say_what_is_idle(options, "complete")
    task = lifter.start(clip, "complete", options.mode, aids_of(options), sampling_of(options))
    list(follow(task.update(mask), "complete"))
    share = 100 * (lacking | mask).mean()
    _log.info("%s: %.1f %% of all joints are not there: completed on the way, by %s", options.input.name, share, options.lifter)
    answer = task.prediction()
    return replace(answer, hidden=answer.hidden | _filled_in(options.input, len(clip)))


def _answer(clip: Clip, hidden: Mask) -> Prediction:
    assert clip.ground_truth is not None
    root = clip.ground_truth[:, MPM16.root].copy()
    return Prediction(
        clip.ground_truth - root[:, None], root, hidden, np.zeros(len(clip), bool), clip.times.copy(), clip.fps, _AS_IT_WAS,
        "complete", "",
    )  # fmt: skip


def _filled_in(path: Path, frames: int) -> Mask:
    """(frames, 16) what the file says was hidden from whoever made its 3D."""
    nothing = np.zeros((frames, len(MPM16)), bool)
    if path.suffix.lower() != ".npz" or "hidden" not in list_arrays(path):
        return nothing
    hidden: NDArray[Any] = np.asarray(read_npz(path, ("hidden",))["hidden"])
    return hidden if hidden.shape == nothing.shape and hidden.dtype == bool else nothing


def _video(options: argparse.Namespace, clip: Clip, project: Project | None, is_video: bool) -> FilmVideo | None:
    """The video behind the answer: the input itself, the one that is named, or a project's; UserError where it is missing."""
    times = own_times(clip)  # a video goes by its own, at whatever rate its frames were really taken
    if is_video and options.video is None:
        return FilmVideo(options.input, times, True)
    if options.video is not None:
        if not options.video.is_file():
            raise UserError(f"{options.video}: there is no such video")
        # What was detected from somewhere in a video on has the video's times in our files; in others nobody knows.
        is_ours = project is not None or options.input.suffix.lower() == ".npz"
        return FilmVideo(options.video, times if is_ours else times - times[0])
    path = None if project is None else project.links.get("video")
    if project is None or path is None:
        return None
    is_source = "video" in project.parts and bool(project.parts["video"].note.get("is_source"))
    return FilmVideo(path, times if is_source else times - times[0], is_source)


def _with_camera_of(clip: Clip, video: FilmVideo, options: argparse.Namespace) -> Clip:
    """3D alone, seen by the camera by which its file says that it was placed, else by the video's."""
    from mpm_core.detectors.recording import ASSUMED_FIELD_OF_VIEW_DEG
    from mpm_core.video import inspect_video

    info = inspect_video(video.path)
    camera = info.camera
    if options.field_of_view is not None:
        camera = replace(Intrinsics.assumed(info.image_size, options.field_of_view), is_assumed=False)
    elif not clip.is_virtual and clip.image_size == info.image_size and clip.camera != Intrinsics.assumed(clip.image_size):
        camera = clip.camera  # an assumed one too: by another the person would be beside the picture's
    elif camera.is_assumed:
        camera = Intrinsics.assumed(info.image_size, ASSUMED_FIELD_OF_VIEW_DEG)
        degrees = f"{ASSUMED_FIELD_OF_VIEW_DEG:.0f}° along the longer side"
        _log.warning("%s: the field of view is not known: %s assumed for the overlay", video.path.name, degrees)
    return replace(clip, camera=camera, image_size=info.image_size)
