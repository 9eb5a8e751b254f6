"""Owns Session, the one mutable document: clip, mask, answers, selection and frame; its setters emit on change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QUndoStack

from app.document.alternatives import ShownAlternatives
from app.document.hidden_joints import HiddenJoints
from app.document.lift_options import LACKS, LiftOptions, LiftState
from app.document.measured import is_as_given
from app.document.predictions import KeptAnswers
from app.document.renewal import Renewal
from app.document.suspicions import Suspicions
from app.document.truth_origin import TruthOrigin
from app.document.video_link import VideoLink
from mpm_core.camera import Intrinsics
from mpm_core.clip import Clip
from mpm_core.corrections import patched, with_keys
from mpm_core.detectors.recording import Recording
from mpm_core.grounding.up import Direction, Up, find_up
from mpm_core.masking import Mask
from mpm_core.metrics import angle_deg, joint_errors
from mpm_core.prediction import Prediction
from mpm_core.skeleton import MPM16

_SWAY_DEG = 2.0


class Session(QObject):
    """The document. Frames are numbered from 0; masks are (frames, 16), True = hidden; positions are metres."""

    clip_changed = Signal()
    mask_changed = Signal(int, int)  # first and last frame, both included
    keypoints_changed = Signal(int, int)
    threshold_changed = Signal()
    camera_changed = Signal()
    up_changed = Signal()
    height_changed = Signal()
    rate_changed = Signal()
    flags_changed = Signal()
    truth_changed = Signal()
    frame_changed = Signal(int)
    range_changed = Signal()
    selection_changed = Signal()
    prediction_changed = Signal()
    options_changed = Signal()
    state_changed = Signal()
    video_changed = Signal()
    message = Signal(str)  # what was done, or is so
    warning = Signal(str)  # what could not be done, or should be looked at
    failure = Signal(str)  # what went wrong

    def __init__(self) -> None:
        super().__init__()
        self.undo_stack = QUndoStack(self)
        self.renewal, self.kept, self.suspicions = Renewal(self), KeptAnswers(self), Suspicions(self)
        self.alternatives = ShownAlternatives(self)
        self._clip: Clip | None = None
        self._opened: Clip | None = None
        self._mask: Mask = np.zeros((0, len(MPM16)), bool)
        self._frame = 0
        self._range: tuple[int, int] | None = None
        self._selection: frozenset[int] = frozenset()
        self._prediction: Prediction | None = None
        self._joints = HiddenJoints()
        self._hidden: Mask | None = None
        self._options = LiftOptions()
        self._state = LiftState()
        self._recording: Recording | None = None
        self._person = 0
        self._video: VideoLink | None = None
        self._threshold = 0.0
        self._flags = np.zeros(0, bool)
        self._up = Up()
        self._truth_origin: TruthOrigin | None = None

    @property
    def clip(self) -> Clip | None:
        """The clip in MPM-16 joints, or None before anything is open."""
        return self._clip

    @property
    def opened(self) -> Clip | None:
        """The clip as it was when it was opened, at the times of its file."""
        return self._opened

    def open_clip(
        self,
        clip: Clip,
        mask: Mask | None = None,
        recording: Recording | None = None,
        person: int = 0,
        threshold: float = 0.0,
    ) -> None:
        """Begin anew with a clip, and perhaps a mask and a threshold that were saved with it, or the recording that it is
        from and the number of the person."""
        options = self._options.for_clip(clip, self._opened)
        self._clip = self._opened = with_keys(clip.to_mpm16())
        self._recording, self._person, self._threshold, self._video = recording, person, threshold, None
        self._flags = np.zeros(len(clip), bool)
        self._mask = np.zeros((len(clip), len(MPM16)), bool) if mask is None else mask.copy()
        self._begin_anew()
        self._up = find_up(self._clip)
        self._begin_asking(options)
        self.clip_changed.emit()
        self.frame_changed.emit(0)
        self.prediction_changed.emit()

    def close(self) -> None:
        """Have no clip: something else was chosen, of which there is none yet."""
        if self._clip is None:
            return
        self._clip, self._opened, self._recording, self._video = None, None, None, None
        self._mask, self._flags = self._nothing(), np.zeros(0, bool)
        self._begin_anew()
        self._begin_asking(self._options.as_usual)
        self.clip_changed.emit()
        self.prediction_changed.emit()
        self.state_changed.emit()

    def _begin_anew(self) -> None:
        """With the clip and the mask that there are now, and nothing else."""
        self._frame, self._range, self._selection = 0, None, frozenset()
        self._prediction, self._truth_origin = None, None
        self._forget_hidden()
        self.undo_stack.clear()
        self.renewal.reset()
        self.kept.set_answers(())
        self.suspicions.set_items(None, len(self))
        self._state = LiftState(device=self._state.device)

    def _begin_asking(self, options: LiftOptions) -> None:
        if options != self._options:
            self._options = options
            self._forget_hidden()
            self.options_changed.emit()

    def show_live(self, clip: Clip | None, prediction: Prediction | None) -> None:
        """One frame of a camera, which takes the place of the one before; None where nobody is seen."""
        if clip is None:
            self._prediction = None
            self._mask = np.zeros((0, len(MPM16)), bool)
            self._clip = None
        else:
            self._clip, self._prediction = clip, prediction
            self._mask = np.zeros((1, len(MPM16)), bool)
        self._up = find_up(clip)  # of a single frame the lifter cannot tell well
        self._forget_hidden()
        self.prediction_changed.emit()

    def __len__(self) -> int:
        return len(self._mask)

    @property
    def mask(self) -> Mask:
        """What a person has hidden; not to be written to."""
        return self._mask

    def set_mask(self, first: int, patch: Mask) -> None:
        """Replace the mask from frame `first` on by a patch (frames, 16). Undo commands call this, nothing else."""
        last = first + len(patch) - 1
        if np.array_equal(self._mask[first : last + 1], patch):
            return
        self._mask = self._mask.copy()
        self._mask[first : last + 1] = patch
        self._hidden = None
        self.mask_changed.emit(first, last)

    def patch_keypoints(self, first: int, patch: Mapping[str, NDArray[np.generic]]) -> None:
        """Replace fields of the clip's 2D, such as keypoints and visible, from frame `first` on. Undo commands call this."""
        assert self._clip is not None
        self._clip, last = patched(self._clip, first, patch), first + len(next(iter(patch.values()))) - 1
        self._joints.renew(first, last, self._clip, self._options.task, self._threshold)
        self._hidden = None
        self.keypoints_changed.emit(first, last)

    @property
    def truth_origin(self) -> TruthOrigin | None:
        """The recording that the ground truth is from, None where it is the clip's own."""
        return self._truth_origin

    def attach_truth(
        self, truth: NDArray[np.float32] | None, notes: tuple[str, ...] | None = None, origin: TruthOrigin | None = None,
        completed: Mask | None = None,
    ) -> None:  # fmt: skip
        """Compare with other 3D (frames, 16, 3), metres in camera axes, or with none; notes: of the clip with it, None to keep
        them; completed: see Clip. Undo commands call this."""
        assert self._clip is not None
        notes = self._clip.notes if notes is None else notes
        self._clip = replace(self._clip, ground_truth=truth, completed=completed, notes=notes)
        self._truth_origin = origin
        if truth is None and self._options.task == "complete":
            self._options = replace(self._options, task="lift")
        self._forget_hidden()
        self.truth_changed.emit()

    @property
    def missing(self) -> Mask:
        """Joints that the clip itself lacks for the task at hand; not to be written to."""
        clip, task = self._clip, self._options.task
        return self._nothing() if clip is None else self._joints.missing(clip, task, self._threshold)

    @property
    def unsure(self) -> Mask:
        """Joints that were measured with less confidence than the threshold, so that the lifter is not shown them."""
        clip, task = self._clip, self._options.task
        return self._nothing() if clip is None else self._joints.unsure(clip, task, self._threshold)

    @staticmethod
    def _nothing() -> Mask:
        return np.zeros((0, len(MPM16)), bool)

    @property
    def threshold(self) -> float:
        """Joints of less confidence are not shown to the lifter."""
        return self._threshold

    def set_threshold(self, threshold: float) -> None:
        """Undo commands call this."""
        if threshold != self._threshold:
            self._threshold = threshold
            self._forget_hidden()
            self.threshold_changed.emit()

    @property
    def recording(self) -> Recording | None:
        """What a detector saw in the video that the clip is from; None for other clips."""
        return self._recording

    @property
    def video(self) -> VideoLink | None:
        """The video behind the skeleton, also when it cannot be found at present."""
        return self._video

    def set_video(self, video: VideoLink | None) -> None:
        if video != self._video:
            self._video = video
            self.video_changed.emit()

    @property
    def person(self) -> int:
        """Whose clip of the recording this is; edits may have put others into some frames."""
        return self._person

    @property
    def flags(self) -> NDArray[np.bool_]:
        """(frames,) frames that deserve a look, such as those whose left and right were exchanged back."""
        return self._flags

    def set_flags(self, flags: NDArray[np.bool_]) -> None:
        """Undo commands call this."""
        if not np.array_equal(flags, self._flags):
            self._flags = flags.copy()
            self.flags_changed.emit()

    def set_camera(self, camera: Intrinsics, notes: tuple[str, ...]) -> None:
        """See the keypoints with another camera, and note other things. Undo commands call this."""
        assert self._clip is not None
        self._clip = replace(self._clip, camera=camera, notes=notes)
        self.camera_changed.emit()

    @property
    def hidden(self) -> Mask:
        """Everything that the lifter is not shown; not to be written to."""
        if self._hidden is None:
            self._hidden = self._mask | self.missing
        return self._hidden

    def _forget_hidden(self) -> None:
        self._joints.forget()
        self._hidden = None

    @property
    def frame(self) -> int:
        return self._frame

    def set_frame(self, frame: int) -> None:
        """Go to a frame; beyond the ends to the nearest."""
        frame = max(0, min(frame, len(self) - 1))
        if frame != self._frame:
            self._frame = frame
            self.frame_changed.emit(frame)

    @property
    def range(self) -> tuple[int, int] | None:
        """The chosen frames, both ends included, or None."""
        return self._range

    def set_range(self, first: int | None, last: int | None) -> None:
        """Choose frames (in either order), or none with None."""
        chosen = None
        if first is not None and last is not None and len(self):
            low, high = sorted((max(0, min(first, len(self) - 1)), max(0, min(last, len(self) - 1))))
            chosen = (low, high)
        if chosen != self._range:
            self._range = chosen
            self.range_changed.emit()

    @property
    def selection(self) -> frozenset[int]:
        """The chosen joints."""
        return self._selection

    def set_selection(self, joints: frozenset[int]) -> None:
        if joints != self._selection:
            self._selection = joints
            self.selection_changed.emit()

    @property
    def prediction(self) -> Prediction | None:
        return self._prediction

    def set_prediction(self, prediction: Prediction | None) -> None:
        """Take over an answer, whole or still growing."""
        self._prediction = prediction
        self._look_for_up()
        self.prediction_changed.emit()

    @property
    def up(self) -> Up:
        """Which way is up in the scene and in exports."""
        return self._up

    def set_up(self, up: Direction | None) -> None:
        """Say which way is up, in camera axes, or leave it to the lifter. Undo commands call this."""
        assert self._clip is not None
        self._clip = replace(self._clip, up=up)
        self._up = find_up(self._clip, self._prediction)
        self.up_changed.emit()
        self.camera_changed.emit()  # the path on the ground is another

    def set_height(self, height_m: float | None) -> None:
        """Say how tall the person is, or leave it to the lifter. Undo commands call this."""
        assert self._clip is not None
        self._clip = replace(self._clip, height_m=height_m)
        self.height_changed.emit()

    def set_rate(self, fps: float, times: NDArray[np.float64], notes: tuple[str, ...], own_fps: float | None) -> None:
        """Say when the frames were taken, and note other things. Undo commands call this."""
        assert self._clip is not None
        self._clip = replace(self._clip, fps=fps, times=times, notes=notes, own_fps=own_fps)
        self.rate_changed.emit()

    def _look_for_up(self) -> None:
        """Take over what an answer tells of up. Small changes are left alone: a click must not make the scene sway."""
        up, before = find_up(self._clip, self._prediction), self._up
        if up.source != before.source or angle_deg(np.array(up.direction), np.array(before.direction)) > _SWAY_DEG:
            self._up = up
            self.up_changed.emit()

    @property
    def has_errors(self) -> bool:
        """Whether there is an answer, and ground truth to compare it with that it does not just repeat."""
        answer, clip = self._prediction, self._clip
        return answer is not None and clip is not None and clip.ground_truth is not None and not is_as_given(answer, clip)

    def errors_at(self, frame: int) -> NDArray[np.float64] | None:
        """(16,) mm of one frame against the ground truth, NaN where one of them is unknown; None without one, or where the
        frame is as it was given. What is drawn for a frame asks this, so that a long clip's errors need not be known."""
        answer, clip, here = self._prediction, self._clip, slice(frame, frame + 1)
        if answer is None or clip is None or clip.measured_truth is None or is_as_given(answer, clip, here):
            return None
        return joint_errors(answer.positions[here], clip.measured_truth[here])[0]

    @property
    def options(self) -> LiftOptions:
        return self._options

    def set_options(self, options: LiftOptions) -> None:
        """Ask something else of the lifter; a task that the clip has no data for is refused with a message."""
        if options == self._options:
            return
        clip = self._clip
        if clip is not None and (clip.ground_truth if options.task == "complete" else clip.keypoints) is None:
            self.warning.emit(LACKS[options.task])
            self.options_changed.emit()
            return
        is_other_task = options.task != self._options.task
        self._options = options
        self._forget_hidden()
        if is_other_task:
            self.set_prediction(None)
        self.options_changed.emit()

    @property
    def state(self) -> LiftState:
        return self._state

    def set_state(self, state: LiftState) -> None:
        if state != self._state:
            self._state = state
            self.state_changed.emit()
