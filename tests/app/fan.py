"""Alternatives that need no network, and what tests do with them in the window."""

from __future__ import annotations

import time

import numpy as np
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest

from mpm_core.progress import Progress
from mpm_core.skeleton import MPM16
from tests.app.conftest import WAIT_MS, wait_for_lift

ELBOW, WRIST, SHOULDER = MPM16.indices(("LElbow", "LWrist", "LShoulder"))
ARM, LEG = MPM16.limb("left arm"), MPM16.limb("right leg")
FRAME = 300


class Fan:
    """Stands in for the denoiser: hidden joints turned about the vertical by another angle in each alternative, slowly if told
    so. Counts what it was asked."""

    step_s = 0.0

    def __init__(self):
        self.asked, self.finished, self.closed = [], 0, 0
        self.hypotheses = np.zeros((0, 0, 16, 3), np.float32)

    def draw(self, clip, mask, answer, frames, samples=5, steps=5, seed=0, task="lift", start="noise"):
        self.asked.append((frames.start, frames.stop, samples, mask.copy()))
        try:
            for step in range(steps):
                time.sleep(self.step_s)
                yield Progress(step + 1, steps)
        except GeneratorExit:
            self.closed += 1
            raise
        part, drawn = answer.positions[frames], []
        for number in range(samples):
            angle = 0.25 * (number - samples // 2) - 0.6
            turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
            places = part.copy()
            for joint in MPM16.parents_first[1:]:
                parent, hidden = MPM16.parents[joint], answer.hidden[frames, joint]
                bone = part[:, joint] - part[:, parent]
                places[hidden, joint] = (places[:, parent] + bone @ turn.T)[hidden]
            drawn.append(places)
        self.hypotheses = np.array(drawn, np.float32)
        self.finished += 1


def here(window):
    """The cloud at the frame at hand, once all of it is there."""
    cloud = window.session.alternatives.cloud_here(window.session)
    return cloud if cloud is not None and cloud.is_whole else None


def switch_on(qtbot, window):
    window.activateWindow()
    QTest.keyClick(window, Qt.Key.Key_A)
    qtbot.waitUntil(lambda: here(window) is not None, timeout=WAIT_MS)


def line_points(window):
    lines = window.scene_view._cloud._lines
    return np.asarray(lines.pos) if lines.visible() else np.zeros((0, 3))


def pixel_on(window, number, bone=(ELBOW, WRIST)):
    """The middle of a bone of an alternative, in pixels of the scene."""
    scene = window.scene_view
    places = scene.screen_places(scene._cloud.places[number, list(bone)])
    return QPoint(*(int(v) for v in places.mean(0).round()))


def chosen_wrist(window):
    session = window.session
    return session.prediction.positions[session.frame, WRIST].copy()


def settle(qtbot, window):
    wait_for_lift(qtbot, window)
    qtbot.waitUntil(lambda: window.session.renewal.marks is None, timeout=WAIT_MS)
