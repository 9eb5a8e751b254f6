"""A detector has lost a wrist for 20 frames: two keys put it right, the 3D follows, and the work is there tomorrow."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint

from mpm_core import Clip, write
from mpm_core.cli import main
from mpm_core.formats import read_clip
from mpm_core.metrics import joint_errors, jumps, reprojection_errors
from mpm_core.skeleton import MPM16
from tests.app.conftest import WAIT_MS, save_and_reopen, wait_for_lift
from tests.app.test_corrections import drag

WRIST, FIRST, LAST = MPM16.index("RWrist"), 100, 119
OFF = (70, 60)


@pytest.fixture
def wrong(demo, tmp_path):
    """200 frames of the demo; the wrist is thrown to the right and down for 20 of them."""
    part = demo.cut(250, 449)
    points = part.keypoints.copy()
    points[FIRST : LAST + 1, WRIST] += OFF
    clip = Clip.from_arrays(points, part.image_size, part.fps, ground_truth=part.ground_truth, camera=part.camera)
    write(clip, tmp_path / "wrong.npz")
    return tmp_path / "wrong.npz", part.keypoints


def test_two_keys_put_a_wrist_right_and_the_3d_follows(qtbot, window, wrong, tmp_path, monkeypatch):
    path, true = wrong
    session, view = window.session, window.image_view
    window.file_handlers.open_path(path)
    qtbot.waitUntil(lambda: session.clip is not None, timeout=WAIT_MS)
    wait_for_lift(qtbot, window)
    span = slice(FIRST, LAST + 1)
    before = np.nanmean(joint_errors(session.prediction.positions, session.clip.ground_truth)[span, WRIST])
    for frame in (FIRST, LAST):
        session.set_frame(frame)
        start = view.joint_places()[WRIST]
        to = view._to_widget(true[frame, WRIST].astype(float))
        by = np.rint(to - start).astype(int)
        drag(qtbot, view, QPoint(*np.rint(start).astype(int).tolist()), by.tolist(), steps=3)
    wait_for_lift(qtbot, window)
    clip, prediction = session.clip, session.prediction
    assert clip.edited[span, WRIST].all() and clip.edited.sum() == 20 and (clip.keys > 0).sum() == 2
    pixel = clip.image_size[0] / view._image_rect().width()  # no hand is more exact than that
    assert np.linalg.norm(clip.keypoints[span, WRIST] - true[span, WRIST], axis=-1).max() < 0.3 * np.hypot(
        90, 70
    )  # the wrist waves meanwhile
    off = reprojection_errors(prediction, clip)
    assert off[[FIRST, LAST], WRIST].max() < 2 and off[span, WRIST].max() < 4
    after = np.nanmean(joint_errors(prediction.positions, clip.ground_truth)[span, WRIST])
    assert after < 0.6 * before
    assert jumps(prediction.positions, clip.ground_truth) == 0
    # Saved, opened again: keys are listed, and what was measured can still be restored.
    save_and_reopen(qtbot, window, monkeypatch, tmp_path / "right.mpmproj")
    keys = window.editor.corrections.keys()
    assert [(key.joint, key.frame, key.fill) for key in keys] == [(WRIST, FIRST, "smooth"), (WRIST, LAST, "none")]
    assert all(abs(key.moved_px - np.hypot(*OFF)) < 2 + 2 * pixel for key in keys)
    session.set_range(0, 199)
    window.actions_by_name["restore"].trigger()
    assert np.allclose(session.clip.keypoints[span, WRIST], true[span, WRIST] + OFF, atol=1e-2)
    # And the command line believes it too.
    assert main(["lift", str(tmp_path / "right.mpmproj"), "-o", str(tmp_path / "lifted.npz")]) == 0
    lifted = read_clip(tmp_path / "lifted.npz").ground_truth[FIRST, WRIST].astype(float)
    assert np.linalg.norm(clip.camera.project(lifted) - clip.keypoints[FIRST, WRIST]) < 2
