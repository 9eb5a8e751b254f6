"""Owns the command mpm-viewer --bench-ui: the real window is used, and how fast it answers is told line by line."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PySide6.QtCore import QEvent, QEventLoop, QObject, QPoint, QSettings, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from app.bench.clock import Heartbeat, memory_bytes, since_start_s
from app.bench.material import FPS, hd_clip, long_clip, write_hd_video
from app.look.theme import DARK
from app.window.main_window import MainWindow
from app.workers.garbage import freeze_after_first_answer
from mpm_core import write
from mpm_core.bench import Speed
from mpm_core.errors import UserError
from mpm_core.skeleton import MPM16

_WAIT_S = 600.0
_SIZE = (1280, 800)


@dataclass(frozen=True)
class Extent:
    """How much is done: clicks in clips of so many frames each, a video of so many frames scrubbed and played for so many
    seconds, and how many frames count as an hour."""

    lengths: tuple[int, ...] = (300, 3_000, 30_000, 100_000)
    clicks: int = 40
    video_frames: int = 700
    seconds: float = 4.0
    hour_frames: int = round(3600 * FPS)


class _Paints(QObject):
    """Counts how often widgets were painted."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: dict[QWidget, int] = {}

    def watch(self, *widgets: QWidget | None) -> None:
        """Count those of these, too."""
        for widget in widgets:
            if widget is not None:
                self.counts[widget] = 0
                widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Paint and isinstance(watched, QWidget):
            self.counts[watched] += 1
        return False


class UiBench:
    """One window on screen, and what is done with it. Each step yields what it has measured."""

    def __init__(self, app: QApplication, folder: Path, extent: Extent) -> None:
        self._app, self._folder, self._extent = app, folder, extent
        self.window = MainWindow(QSettings(str(folder / "settings.ini"), QSettings.Format.IniFormat), DARK)
        self.window.resize(*_SIZE)
        self.session = self.window.session
        freeze_after_first_answer(self.session)  # as Windows does
        self._paints = _Paints()
        self._paints.watch(self.window.image_view, self.window.timeline)  # the scene is built later
        self._heart = Heartbeat()
        # Until a deadline nothing else may come: it wakes the loop.
        self._alarm = QTimer()
        self._alarm.start(50)

    def run(self) -> Iterator[Speed]:
        """Everything, one after the other; the window is closed at the end."""
        yield from self.start()
        yield from self.hour(self._extent.hour_frames)  # before other things take memory
        yield from self.video()
        for frames in self._extent.lengths:
            yield from self.clicks(frames)
        yield from self.quit()

    def start(self) -> Iterator[Speed]:
        """From the start of the program until the window is on screen, and until the demo is lifted."""
        self._painted(self.window.timeline, do=self.window.show)
        yield Speed("window visible", since_start_s(), "s")
        self.window.opener.open_demo()
        self._until(lambda: self._is_lifted() and self.window.scene_area.is_built)
        self._app.processEvents()  # what they asked to be painted
        self._paints.watch(self.window.scene_view)
        yield Speed("demo lifted", since_start_s(), "s")

    def video(self) -> Iterator[Speed]:
        """Scrubbing and playing a video with two skeletons."""
        clip, path = hd_clip().cut(0, self._extent.video_frames - 1), self._folder / "hd.mp4"
        write_hd_video(path, clip)
        self.session.open_clip(clip)
        self.window.backdrop.open(path, is_source=True)
        self._until(lambda: self._is_lifted() and self.window.image_view.has_picture)
        yield from self._scrub()
        yield from self._play()

    def _scrub(self) -> Iterator[Speed]:
        """To and fro as fast as it is drawn."""
        views, last = (self.window.image_view, self.window.scene_view, self.window.timeline), len(self.session) - 1
        self.session.set_frame(0)
        self._pause(0.5)
        self._heart.restart()
        begun, own, frames, exact, step = time.perf_counter(), time.thread_time(), 0, 0, 1
        while time.perf_counter() - begun < self._extent.seconds:
            frame = self.session.frame
            step = -1 if frame == last else 1 if frame == 0 else step
            self._painted(*views, do=partial(self.session.set_frame, frame + step))
            frames += 1
            exact += self.window.backdrop.shown_frame == self.session.frame
        elapsed, own = time.perf_counter() - begun, time.thread_time() - own
        yield Speed("scrubbing 1080p with two skeletons", frames / elapsed, "frames/s")
        yield Speed("  work of the window's thread for each", 1000 * own / frames, "ms")
        yield Speed("  with the frame's own picture", 100 * exact / frames, "%")
        yield from self._standstill("  ")

    def _play(self) -> Iterator[Speed]:
        """At its own speed: frames that were drawn, and those that were left out."""
        shown: list[int] = []
        exact = 0
        self.session.set_frame(0)
        self._pause(0.5)

        def note() -> None:
            nonlocal exact
            if not shown or shown[-1] != self.session.frame:
                shown.append(self.session.frame)
                exact += self.window.backdrop.shown_frame == self.session.frame

        self._heart.restart()
        begun, paints = time.perf_counter(), self._paints.counts[self.window.image_view]
        self.window.playback.play()
        while time.perf_counter() - begun < self._extent.seconds:
            self._app.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
            if self._paints.counts[self.window.image_view] != paints:
                paints = self._paints.counts[self.window.image_view]
                note()
        elapsed = time.perf_counter() - begun
        self.window.playback.pause()
        due = max(self.session.frame, 1)
        yield Speed(f"playing 1080p at {FPS:g} frames/s", len(shown) / elapsed, "frames/s")
        yield Speed("  frames left out", 100 * max(1 - len(shown) / due, 0.0), "%")
        yield Speed("  with the frame's own picture", 100 * exact / max(len(shown), 1), "%")
        yield from self._standstill("  ")

    def clicks(self, frames: int) -> Iterator[Speed]:
        """Clicks on joints of a clip: until the joint is drawn as hidden, and until its 3D is drawn anew."""
        for with_truth in (True, False):
            yield from self._clicks(frames, with_truth)

    def _clicks(self, frames: int, with_truth: bool) -> Iterator[Speed]:
        clip = long_clip(frames, with_truth)
        what = f"{frames} frames" + (" with ground truth" if with_truth else "")
        self._heart.restart()
        self.session.open_clip(clip)
        self._until(self._is_lifted)
        self._pause(1.0)
        yield from self._standstill(f"opening and lifting {what}: ")
        self._heart.restart()
        rng = np.random.default_rng(1)
        drawn, own, lifted = [], [], []
        for _ in range(self._extent.clicks):
            self.session.set_frame(int(rng.integers(frames)))
            self._pause(0.05)
            joint = int(rng.integers(len(MPM16)))
            begun, before = time.perf_counter(), time.thread_time()
            self._painted(self.window.image_view, self.window.timeline, do=partial(self._click, joint))
            drawn.append((time.perf_counter() - begun) * 1000)
            own.append((time.thread_time() - before) * 1000)
            self._until(self._is_answered)
            self._app.processEvents()  # what it asked to be painted
            lifted.append((time.perf_counter() - begun) * 1000)
        for name, values in (("repaint", drawn), ("repaint, own work", own), ("new 3D on screen", lifted)):
            yield Speed(f"click to {name}, {what}, median", float(np.median(values)), "ms")
            yield Speed(f"click to {name}, {what}, p95", float(np.percentile(values, 95)), "ms")
        yield from self._standstill(f"clicks, {what}: ")

    def _click(self, joint: int) -> None:
        """A real click where the joint is drawn; another joint may lie nearer by, which does as well."""
        view = self.window.image_view
        x, y = view.joint_places()[joint]
        QTest.mouseClick(view, Qt.MouseButton.LeftButton, pos=QPoint(round(x), round(y)))

    def _is_answered(self) -> bool:
        """Whether the 3D of the frame at hand belongs to the mask."""
        session, frame = self.session, self.session.frame
        prediction = session.prediction
        is_new = prediction is not None and np.array_equal(prediction.hidden[frame], session.hidden[frame])
        return is_new and not session.state.is_waiting

    def hour(self, frames: int) -> Iterator[Speed]:
        """An hour of keypoints from a file: until they are on screen, and what they take when they are lifted."""
        path = self._folder / "hour.npz"
        write(long_clip(frames, False), path)
        self.session.undo_stack.setClean()  # nobody is there to answer a question
        begun = time.perf_counter()
        self._heart.restart()
        self.window.opener.open(path)
        self._until(lambda: len(self.session) == frames)
        self._painted(self.window.timeline)
        yield Speed(f"opening {frames} frames", time.perf_counter() - begun, "s")
        self._until(self._is_lifted)
        yield Speed("  lifted", time.perf_counter() - begun, "s")
        yield Speed("  memory", memory_bytes() / 1e9, "GB")
        yield from self._standstill("  ")

    def quit(self) -> Iterator[Speed]:
        """Leaving while a long clip is being lifted."""
        self.window.editor.apply_preset("2 legs")
        self._pause(0.3)
        begun = time.perf_counter()
        self.window.may_close_unasked = True
        self.window.close()
        self._app.processEvents()
        yield Speed("quitting while lifting", time.perf_counter() - begun, "s")

    def _standstill(self, what: str) -> Iterator[Speed]:
        found = self._heart.standstill()
        yield Speed(f"{what}longest standstill", found.wall_ms, "ms")
        yield Speed(f"{what}longest work at once", found.own_ms, "ms")

    def _is_lifted(self) -> bool:
        session = self.session
        is_whole = session.prediction is not None and not session.state.is_busy
        return is_whole and len(session.prediction) == len(session)  # type: ignore[arg-type]

    def _painted(self, *widgets: QWidget | None, do: Callable[[], object] = lambda: None) -> None:
        """Do something, and wait until these are painted."""
        known = {widget: self._paints.counts[widget] for widget in widgets if widget is not None}
        do()
        self._until(lambda: all(self._paints.counts[widget] > count for widget, count in known.items()))

    def _pause(self, seconds: float) -> None:
        end = time.perf_counter() + seconds
        self._until(lambda: time.perf_counter() >= end)

    def _until(self, is_done: Callable[[], bool]) -> None:
        """Let the window go on until something is so; UserError when that takes too long."""
        end = time.perf_counter() + _WAIT_S
        while not is_done():
            if time.perf_counter() > end:
                raise UserError(f"the window did not come to an end of its work within {_WAIT_S:.0f} s")
            self._app.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)


def run_bench(app: QApplication, tell: Callable[[str], object]) -> None:
    """Measure everything, telling each line as it is known."""
    with TemporaryDirectory() as folder:
        bench = UiBench(app, Path(folder), Extent())
        for speed in bench.run():
            tell(f"{speed.what:<72} {speed.value:>10.1f} {speed.unit}\n")
