"""Owns the logs of a training run: a table for everyone, and TensorBoard's where that is installed."""

from __future__ import annotations

import csv
import functools
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from mpm_core.errors import UserError
from mpm_core.training.loop import TrainingProgress

_log = logging.getLogger("mpm")

# The losses of all stages and networks; a step that has not all of them (as those of short windows) leaves cells empty.
_COLUMNS = (
    "step",
    "windows",
    "seconds",
    "lift",
    "sequence",
    "middle",
    "3d",
    "2d",
    "directions",
    "accelerations",
    "squares",
    "velocities",
    "up",
    "standing",
    "height",
)


@functools.cache  # once is enough
def _say_that_tensorboard_is_missing() -> None:
    _log.info("no TensorBoard log: pip install 'mpm-viewer[train]' brings the package that writes it")


class TrainingLog:
    """Losses over the steps of a stage, in `stage-NAME.csv` and, when the package tensorboard is there, in `tensorboard/`.

    A stage that goes on keeps the rows up to the step where it does, and loses those after it.
    """

    def __init__(self, folder: Path, stage: str, step: int) -> None:
        """folder: of the run. step: where the stage goes on."""
        self._path, self._stage, self._step = folder / f"stage-{stage}.csv", stage, step
        self._board: Any = None

    def __enter__(self) -> TrainingLog:
        rows = self._rows_so_far()
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._path.open("w", newline="", encoding="utf-8")
        except OSError as error:
            raise UserError(f"{self._path}: cannot be written ({error.strerror})") from error
        self._table = csv.DictWriter(self._file, _COLUMNS, extrasaction="ignore", restval="")
        self._write([dict(zip(_COLUMNS, _COLUMNS, strict=True)), *rows])
        try:
            from torch.utils.tensorboard import SummaryWriter

            self._board = SummaryWriter(str(self._path.parent / "tensorboard" / self._stage), purge_step=self._step + 1)
        except ImportError:
            _say_that_tensorboard_is_missing()
        return self

    def _rows_so_far(self) -> list[dict[str, str]]:
        if self._step == 0 or not self._path.exists():
            return []
        kept = []
        try:
            with self._path.open(newline="", encoding="utf-8", errors="replace") as file:
                for row in csv.DictReader(file):
                    step = row.get("step") or ""
                    if step.isascii() and step.isdigit() and int(step) <= self._step:
                        kept.append({name: row.get(name) or "" for name in _COLUMNS})
        except (OSError, ValueError, csv.Error) as error:
            _log.warning("%s: damaged (%s), so the losses from there on are lost", self._path, " ".join(str(error).split()))
        return kept

    def _write(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """UserError when the disk is full."""
        try:
            self._table.writerows(rows)
            self._file.flush()
        except OSError as error:
            with suppress(OSError):  # the same again, of what is still to be written
                self._file.close()
            raise UserError(f"{self._path}: cannot be written ({error.strerror})") from error

    def write(self, step: int, progress: TrainingProgress, seconds: float) -> None:
        """One line: after `step` steps and so many seconds of training."""
        losses = progress.losses or {}
        row = {"step": step, "windows": progress.done, "seconds": round(seconds, 1)}
        self._write([row | {name: round(loss, 6) for name, loss in losses.items()}])
        if self._board is not None:
            for name, loss in losses.items():
                self._board.add_scalar(f"loss/{name}", loss, step)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()
        if self._board is not None:
            self._board.close()
