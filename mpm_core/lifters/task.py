"""Owns the work on one clip: inputs, windows and answers, of which a changed mask renews only what it touches."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from mpm_core.camera import SmoothPath, solve_root, to_screen
from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.lifters.ground import GroundRecord, mirrored_ground
from mpm_core.lifters.living import Living, Snapshots
from mpm_core.lifters.resampling import Resampling
from mpm_core.lifters.windows import MODES, Windows, check_mode, split_answers
from mpm_core.masking import Mask
from mpm_core.networks.base import PoseNetwork
from mpm_core.networks.ground import UP
from mpm_core.networks.inputs import INPUT_FORMS, SUPPORT, PreparedInput, turn_back
from mpm_core.pauses import pieces
from mpm_core.prediction import Prediction
from mpm_core.progress import Progress
from mpm_core.runs import runs_of, widened
from mpm_core.skeleton import MPM16
from mpm_core.stature import check_metres

MODEL_RATE = 50.0
"""Frames per second that the network was trained at."""

_MOST_GRID_FRAMES = 1_000_000
"""Five and a half hours: what is kept of each takes 3 KB of memory."""

_ROWS = (8, 16, 32, 48, 64, 96, 128, 192, 256, 384, 512)
"""So many frames are encoded at once."""

_KEPT = torch.float16
"""Of tokens, the most of what is kept of a long clip: answers differ by 0.005 mm from those of float32."""

_MIRROR_2D, _MIRROR_3D = torch.tensor([-1.0, 1.0]), torch.tensor([-1.0, 1.0, 1.0])


class NetworkTask:
    """A clip in MPM-16 joints, being lifted or completed by one network in one mode.

    `_stale` frames have to be prepared anew; `due` windows have to be run again, since an input of theirs changed.
    Interrupting an update keeps both, so that the next one goes on from there.
    """

    def __init__(
        self, model: PoseNetwork, lifter: str, clip: Clip, task: str, mode: str, mirror: bool, hypotheses: bool = True
    ) -> None:
        """hypotheses: whether answers have them, where there are several; see Prediction."""
        check_mode(mode)
        self._model, self._lifter, self._clip, self._task, self._mode = model, lifter, clip, task, mode
        self._device = next(model.parameters()).device
        self._points, self._missing = take_points(clip, task, model)
        self._rays = take_rays(clip, self._points, model)
        self._hidden = np.ones_like(self._missing)
        self._resampling = Resampling(clip.times, MODEL_RATE, 2 * model.config.frames + SUPPORT)  # longer than any window
        count = self._resampling.grid_frames
        if count > _MOST_GRID_FRAMES:
            raise UserError(
                f"{clip.source or 'this clip'}: is too long to be lifted at once ({count / MODEL_RATE / 3600:.1f} hours without"
                f" its pauses, {_MOST_GRID_FRAMES / MODEL_RATE / 3600:.1f} at most can be); cut it into parts"
            )
        form = INPUT_FORMS[model.config.input_form]
        extras = form.extras if task == "lift" else form.extras_3d
        # NaN differs from anything, so that every frame gets its token.
        self._inputs = torch.full((count, model.config.joints, self._points.shape[-1]), torch.nan, device=self._device)
        self._extras = torch.zeros(count, extras, device=self._device)
        self._turn = torch.eye(3, device=self._device).repeat(count, 1, 1)
        self._grid_hidden = torch.ones(count, model.config.joints, dtype=torch.bool, device=self._device)
        self._hidden_frames = torch.ones(count, dtype=torch.bool, device=self._device)
        readings = 2 if mirror else 1
        self._tokens = [torch.zeros(count, model.config.width, dtype=_KEPT, device=self._device) for _ in range(readings)]
        self._windows = [MODES[mode](model, count) for _ in range(readings)]
        self._stale = np.ones(count, bool)
        self._due = np.ones(len(self._windows[0].starts), bool)
        self._ground = GroundRecord(count) if model.has_ground else None
        self._of_feet = np.zeros((len(clip), 4), np.float32)
        self._grid_blind = np.zeros(count, bool)
        self._positions = np.full((len(clip), model.config.joints, 3), np.nan, np.float32)
        self._hypotheses: NDArray[np.float32] | None = None
        if hypotheses and readings > 1:
            self._hypotheses = np.full((readings, *self._positions.shape), np.nan, np.float32)
        self._root = np.full((len(clip), 3), np.nan, np.float32)
        self._uncertainty = np.full((len(clip), model.config.joints), np.nan, np.float32)
        self._blind = np.zeros(len(clip), bool)
        self._path = SmoothPath(len(clip), pieces(clip.times, clip.fps))
        self._is_new, self._has_moved = np.ones(len(clip), bool), np.ones(len(clip), bool)  # since the answer was asked for
        self._snapshots = Snapshots()

    def update(self, mask: Mask | None, cursor: int = 0, frames: NDArray[np.bool_] | None = None) -> Iterator[Progress]:
        """See LiftingTask.update."""
        self._hide(mask)
        windows = self._windows[0]
        wanted = np.ones(len(windows.starts), bool) if frames is None else windows.answering(self._grid_frames_for(frames))
        cursor = int(np.clip(cursor, 0, len(self._clip) - 1))
        near = int(self._resampling.nearest_grid_frames(cursor, cursor + 1)[0])
        pending = np.flatnonzero(wanted & (windows.touched(self._stale) | self._due))
        total, done = len(pending), 0
        size = windows.first_batch
        while len(pending):
            batch = windows.next_batch(pending, near, size)
            self._renew(batch)
            pending = np.flatnonzero(wanted & (windows.touched(self._stale) | self._due))
            done = max(done, total - len(pending))
            yield Progress(done, total)
            size = windows.batch

    def replace_clip(self, clip: Clip) -> None:
        """See LiftingTask.replace_clip."""
        clip = clip.to_mpm16()
        if len(clip) != len(self._clip):
            raise UserError(f"{clip.source or 'this clip'}: has another length than the clip it replaces")
        points, self._missing = take_points(clip, self._task, self._model)
        self._mark_stale((points != self._points).any((1, 2)))
        self._points, self._clip = points, clip
        self._rays = take_rays(clip, points, self._model)

    def prediction(self) -> Prediction:
        """See LiftingTask.prediction."""
        return self._snapshots.take(self.living())

    def living(self) -> Living:
        """See LivingTask.living."""
        root = self._root
        if self._task == "lift":
            for part in runs_of(self._has_moved):
                self._is_new[self._path.renew(root, part.start, part.stop)] = True
            root = self._path.smooth
        up = None if self._ground is None else self._ground.told()
        answer = Prediction(
            positions=self._positions[:],
            root=root[:],
            hidden=self._hidden[:],
            is_prior_only=self._blind[:],
            times=self._clip.times,
            fps=self._clip.fps,
            lifter=self._lifter,
            task=self._task,
            mode=self._mode,
            hypotheses=None if self._hypotheses is None else self._hypotheses[:],
            uncertainty=self._uncertainty[:] if len(self._windows) > 1 else None,
            up=None if up is None else up.up,
            up_error_deg=None if up is None else up.up_error_deg,
            foot_odds=None if up is None else self._of_feet[:, :2],
            foot_height=None if up is None else self._of_feet[:, 2:],
            is_pending=self._pending_frames(),
        )
        living = Living(answer, self._is_new)
        self._is_new, self._has_moved = np.zeros(len(self._clip), bool), np.zeros(len(self._clip), bool)
        return living

    @property
    def resampling(self) -> Resampling:
        """Between the clip's frames and those that the network is shown."""
        return self._resampling

    def latents(self, windows: Windows, window: int) -> tuple[Tensor, Tensor]:
        """What the network knows of one of some windows before it is decoded: (readings, length, width); and of its frames that
        the clip has (frames, 3, 3) turns from camera axes to those of the answer."""
        chosen = np.array([window])
        first, last = windows.inputs(chosen)
        with torch.no_grad():
            stale = np.flatnonzero(self._stale[first:last]) + first
            if len(stale):
                self._prepare(int(stale[0]), int(stale[-1]) + 1)
            gathered = [windows.gather(chosen, tokens, self._hidden_frames) for tokens in self._tokens]
            rows, hidden = (torch.cat(parts) for parts in zip(*gathered, strict=True))
            return self._model.relate(rows, hidden), self._turn[first:last]

    def _pending_frames(self) -> NDArray[np.bool_] | None:
        """(frames,) whose answer is to be renewed; None when there are none."""
        windows = self._windows[0]
        pending = windows.touched(self._stale) | self._due
        if not pending.any():
            return None
        grid = windows.answered_by(pending)
        grid = grid if self._resampling.is_identity else widened(grid, 2)
        return grid[self._resampling.nearest_grid_frames(0, len(self._clip))]

    def _turn_back(self, points: NDArray[np.float32], first: int, last: int) -> NDArray[np.float32]:
        """(frames, points, 3) of grid frames first to last (excluded), from the axes of the answer to camera axes."""
        turned = torch.from_numpy(np.ascontiguousarray(points)).to(self._device)[None]
        prepared = PreparedInput(turned, None, self._turn[None, first:last], turned[:, :, 0], None)
        return turn_back(turned, prepared)[0].cpu().numpy()

    def _hide(self, mask: Mask | None) -> None:
        """Take over a mask, added to what the clip lacks."""
        hidden = self._missing if mask is None else self._missing | check_mask(mask, self._missing.shape)
        changed = np.zeros(len(hidden), bool)
        changed[np.flatnonzero(hidden != self._hidden) // hidden.shape[1]] = True
        self._mark_stale(changed)
        self._is_new |= changed
        self._hidden[changed] = hidden[changed]

    def _grid_frames_for(self, frames: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Grid frames that the answers of these frames of the clip are interpolated from."""
        grid = np.zeros(self._resampling.grid_frames, bool)
        grid[self._resampling.nearest_grid_frames(0, len(frames))[frames]] = True
        return grid if self._resampling.is_identity else widened(grid, 2)

    def _mark_stale(self, frames: NDArray[np.bool_]) -> None:
        """Have every grid frame prepared anew whose preparation could look at these frames of the clip."""
        if frames.any():
            self._stale |= widened(self._resampling.grid_touched(frames), SUPPORT)

    @torch.inference_mode()
    def _renew(self, windows: NDArray[np.int64]) -> None:
        """Prepare the stale frames of these windows, then run those that turn out to be due."""
        first, last = self._windows[0].inputs(windows)
        stale = np.flatnonzero(self._stale[first:last]) + first
        if len(stale):
            self._prepare(int(stale[0]), int(stale[-1]) + 1)
        windows = windows[self._due[windows]]
        if not len(windows):
            return
        # The plain and the mirrored reading go through the network together: the larger batch is faster.
        gathered = [
            reading.gather(windows, tokens, self._hidden_frames)
            for tokens, reading in zip(self._tokens, self._windows, strict=True)
        ]
        rows, hidden = (torch.cat(parts) for parts in zip(*gathered, strict=True))
        answers = self._windows[0].decode(rows, hidden).float().cpu().numpy()
        is_blind = hidden.all(1).cpu().numpy()
        parts = len(gathered)
        for reading, answer, blind in zip(self._windows, np.split(answers, parts), np.split(is_blind, parts), strict=True):
            low, high = reading.keep(windows, answer, blind)
        self._due[windows] = False
        self._answer(low, high)

    def _prepare(self, first: int, last: int) -> None:
        """Make the inputs and tokens of grid frames first to last (excluded) and mark the windows that they change."""
        low, high = max(first - SUPPORT, 0), min(last + SUPPORT, self._resampling.grid_frames)
        points, hidden = self._resampling.to_grid(self._points, self._hidden, low, high)
        points_there = torch.from_numpy(np.ascontiguousarray(points)).to(self._device)[None]
        hidden_there = torch.from_numpy(np.ascontiguousarray(hidden)).to(self._device)[None]
        prepared = self._prepare_points(points_there, hidden_there)
        inner, outer = slice(first - low, last - low), slice(first, last)
        hidden_inner = hidden_there[0, inner]
        new_points = prepared.points[0, inner]
        changed = (new_points != self._inputs[outer]).flatten(1).any(1)
        changed |= (hidden_inner != self._grid_hidden[outer]).any(1)
        extras = None
        if prepared.extras is not None:
            extras = prepared.extras[0, inner]
            changed |= (extras != self._extras[outer]).any(1)
            self._extras[outer] = extras
        if prepared.turn is not None:
            turn = prepared.turn[0, inner]
            changed |= (turn != self._turn[outer]).flatten(1).any(1)
            self._turn[outer] = turn
        self._inputs[outer], self._grid_hidden[outer] = new_points, hidden_inner
        self._hidden_frames[outer] = hidden_inner.all(1)
        for new in _in_few_sizes(changed.nonzero()[:, 0]):
            self._encode(new + first, new_points[new], None if extras is None else extras[new], hidden_inner[new])
        frames = np.zeros(len(self._stale), bool)
        frames[outer] = changed.cpu().numpy()
        self._due |= self._windows[0].touched(frames)
        self._stale[outer] = False

    def _prepare_points(self, points: Tensor, hidden: Tensor) -> PreparedInput:
        form = INPUT_FORMS[self._model.config.input_form]
        return form.prepare_3d(points, hidden) if self._task == "complete" else form.prepare(points, hidden)

    def _encode(self, frames: Tensor, points: Tensor, extras: Tensor | None, hidden: Tensor) -> None:
        """Tokens of S for the frames of these numbers, and of their mirror images when those are wanted."""
        points, hidden = points[None], hidden[None]
        extras = None if extras is None else extras[None]
        if len(self._tokens) > 1:
            order = list(MPM16.mirror)
            flip = (_MIRROR_2D if points.shape[-1] == 2 else _MIRROR_3D).to(points.device)
            points, hidden = torch.cat((points, points[:, :, order] * flip)), torch.cat((hidden, hidden[:, :, order]))
            if extras is not None:
                extras = torch.cat((extras, extras * _MIRROR_3D.to(extras.device).repeat(extras.shape[-1] // 3)))
        for tokens, made in zip(self._tokens, self._model.make_tokens(points, extras, hidden), strict=True):
            tokens[frames] = made.to(tokens.dtype)

    def _answer(self, first: int, last: int) -> None:
        """Bring the windows' answers for grid frames first to last (excluded) to the clip's frames."""
        low, high = self._resampling.frames_touched(first, last)
        first, last = self._resampling.read_from(first, last)
        on_grid: list[NDArray[np.float32]] = []
        grounds: list[NDArray[np.float32]] = []
        for number, reading in enumerate(self._windows):
            rows, blind = reading.collect(first, last)
            answers, ground = split_answers(rows, self._model.config.joints)
            if number:
                answers = answers[:, list(MPM16.mirror)] * _MIRROR_3D.numpy()
                ground = mirrored_ground(ground)
            on_grid.append(self._turn_back(answers, first, last))
            grounds.append(ground)
        self._grid_blind[first:last] = blind
        if self._ground is not None:
            mean = np.mean(grounds, axis=0)
            up = self._turn_back(mean[:, None, UP], first, last)[:, 0]
            self._ground.put(first, last, np.concatenate((up, mean[:, UP.stop :]), axis=-1), blind)
        if self._ground is not None:
            self._of_feet[low:high] = self._resampling.from_grid(self._ground.of_feet, low, high)
        self._blind[low:high] = self._grid_blind[self._resampling.nearest_grid_frames(low, high)]
        several = np.stack([self._resampling.from_grid(answers, low, high, first) for answers in on_grid])
        if self._hypotheses is not None:
            self._hypotheses[:, low:high] = several
        if len(several) > 1:
            self._uncertainty[low:high] = np.linalg.norm(several[1] - several[0], axis=-1) / 2
        mean = several.mean(0)
        mean -= mean[:, MPM16.root, None]
        frames = slice(low, high)
        self._is_new[frames] = self._has_moved[frames] = True
        if self._task == "complete":
            self._positions[frames], self._root[frames] = keep_visible(mean, self._points[frames], self._hidden[frames])
        else:
            self._positions[frames] = mean
            self._root[frames] = solve_root(mean, self._rays[frames], ~self._hidden[frames])


def take_points(clip: Clip, task: str, model: PoseNetwork) -> tuple[NDArray[np.float32], Mask]:
    """What goes in, (frames, 16, axes), and which joints are not there."""
    if task == "complete":
        if clip.ground_truth is None:
            raise UserError(
                f"{clip.source or 'this clip'}: has no 3D positions to complete (of 2D keypoints mpm lift makes them)"
            )
        check_metres(clip.ground_truth, f"{clip.source}: " if clip.source else "")
        missing = ~np.all(np.isfinite(clip.ground_truth), axis=-1)
        return np.where(missing[..., None], 0, clip.ground_truth).astype(np.float32), missing
    if clip.keypoints is None:
        raise UserError(f"{clip.source or 'this clip'}: has no 2D keypoints to lift")
    takes_rays = INPUT_FORMS[model.config.input_form].takes_rays
    points = clip.camera.rays(clip.keypoints) if takes_rays else to_screen(clip.keypoints, clip.image_size)
    return points, ~clip.visible


def take_rays(clip: Clip, points: NDArray[np.float32], model: PoseNetwork) -> NDArray[np.float32]:
    """(frames, 16, 2) rays that the root is placed along; completing has no use for them, nor has a clip without 2D."""
    are_rays = points.shape[-1] == 2 and INPUT_FORMS[model.config.input_form].takes_rays
    return points if clip.keypoints is None or points.shape[-1] == 3 or are_rays else clip.camera.rays(clip.keypoints)


def _in_few_sizes(numbers: Tensor) -> Iterator[Tensor]:
    """Numbers in parts of sizes that come again and again, the last filled up with its last number: for every size that is new
    to it oneDNN writes code, which takes 2 ms and half a megabyte for each layer, and keeps it for ever."""
    for part in numbers.split(_ROWS[-1]) if len(numbers) else ():
        size = next(rows for rows in _ROWS if rows >= len(part))
        yield torch.cat((part, part[-1:].expand(size - len(part))))


def check_mask(mask: Mask, shape: tuple[int, ...]) -> Mask:
    given = np.asarray(mask)
    if given.shape != shape or given.dtype != bool:
        raise UserError(f"the mask must be a bool array {shape}, not {given.dtype} {given.shape}")
    return given


def keep_visible(
    answer: NDArray[np.float32], given: NDArray[np.float32], hidden: Mask
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Visible joints as given, hidden ones from the answer. Returns positions from Hip, and Hip in the input's frame.

    answer: (frames, 16, 3) from Hip. Where Hip is hidden, the answer is laid on the visible joints by their mean.
    """
    visible = ~hidden
    count = np.maximum(visible.sum(1), 1)[:, None]
    offset = np.where(visible[..., None], given - answer, 0).sum(1) / count
    offset = np.where(visible[:, MPM16.root, None], given[:, MPM16.root], offset)
    placed = np.where(visible[..., None], given, answer + offset[:, None])
    root = placed[:, MPM16.root]
    return placed - root[:, None], root
