"""Alternatives of hidden joints in the window: drawn after the answer, looked at, taken, kept, and let go."""

import numpy as np
import pytest
import torch
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest

from app.document.scene_positions import in_scene, root_in_scene
from app.document.words import joint_in_words
from app.workers import alternatives as worker
from mpm_core import read_clip
from mpm_core.errors import UserError
from mpm_core.lifters.alternatives import Alternatives
from mpm_core.networks.denoiser import Denoiser, DenoiserConfig
from tests.app.conftest import WAIT_MS, save_and_reopen, wait_for_lift
from tests.app.fan import ARM, ELBOW, FRAME, LEG, SHOULDER, WRIST, chosen_wrist, here, line_points, pixel_on, settle, switch_on


def test_the_cloud_shows_hidden_joints_alone(qtbot, arm_window, fan):
    assert fan.loads == 0 and not len(line_points(arm_window))
    switch_on(qtbot, arm_window)
    session = arm_window.session
    points = line_points(arm_window).reshape(5, -1, 2, 3)
    assert points.shape[1] == 2  # upper arm and forearm
    cloud = here(arm_window)
    body = in_scene(session.prediction.positions[FRAME], session.up.direction) + root_in_scene(session, FRAME)
    assert np.allclose(points[:, 0, 0], body[SHOULDER], atol=1e-4)  # every alternative stands on the body
    visible = ~session.hidden[FRAME]
    assert np.allclose(cloud.at(FRAME)[:, visible], session.prediction.positions[FRAME, visible], atol=1e-6)
    apart = {
        f"{joint_in_words(j).lower()}": max(np.linalg.norm(a[j] - b[j]) for a in cloud.at(FRAME) for b in cloud.at(FRAME))
        for j in (ELBOW, WRIST)
    }
    widest = max(apart, key=apart.get)
    assert arm_window.status_line._alternatives.text() == f"5 alternatives, {100 * apart[widest]:.0f} cm apart at the {widest}"
    assert arm_window.scene_view._key._alternatives == "5 alternatives by the denoiser"
    session.set_frame(250)
    assert not len(line_points(arm_window))  # nothing is hidden there


def test_the_range_decides_where_alternatives_are_drawn(qtbot, arm_window, fan):
    session = arm_window.session
    switch_on(qtbot, arm_window)
    assert [asked[:2] for asked in fan.asked] == [(FRAME - 30, FRAME + 31), (FRAME - 121, FRAME + 122)]  # the nearest first
    session.set_frame(310)
    qtbot.wait(120)
    assert len(fan.asked) == 2  # what is there has that frame too
    session.set_range(290, 320)
    qtbot.waitUntil(lambda: here(arm_window) is not None and here(arm_window).first == 290, timeout=WAIT_MS)
    assert (fan.asked[-1][0], fan.asked[-1][1]) == (290, 321)
    session.set_range(None, None)
    session.set_frame(0)
    qtbot.wait(120)
    assert here(arm_window) is None and not arm_window.session.alternatives.is_pending


def test_twenty_and_ellipsoids(qtbot, arm_window, fan):
    switch_on(qtbot, arm_window)
    panel, scene = arm_window.lifting_panel, arm_window.scene_view
    panel._samples.setCurrentIndex(panel._samples.findData(20))
    panel._samples.activated.emit(panel._samples.currentIndex())
    assert here(arm_window) is None or here(arm_window).samples == 20  # never five where twenty are wanted
    qtbot.waitUntil(lambda: here(arm_window) is not None, timeout=WAIT_MS)
    assert here(arm_window).samples == 20 and arm_window.actions_by_name["alternatives_many"].isChecked()
    QTest.keyClick(arm_window, Qt.Key.Key_A, Qt.KeyboardModifier.ShiftModifier)
    assert scene._cloud._ellipsoids.visible()
    assert not len(line_points(arm_window)) and scene._key._alternatives == "20 alternatives by the denoiser, 1σ"
    vertices = scene._cloud._ellipsoids._vertices.reshape(2, -1, 10)[..., :3].astype(float)
    samples = scene._cloud.places[:, [ELBOW, WRIST]].astype(float)
    for joint in range(2):
        deviation = np.sqrt(np.linalg.eigvalsh(np.cov(samples[:, joint].T))[-1])
        longest = np.linalg.norm(vertices[joint] - samples[:, joint].mean(0), axis=-1).max()
        assert longest == pytest.approx(max(deviation, 0.004), rel=0.06)
    scene.repaint()
    assert scene.drawn().width() > 0


def test_a_click_takes_one_and_undo_gives_back(qtbot, arm_window, fan, tmp_path, monkeypatch):
    switch_on(qtbot, arm_window)
    session, scene = arm_window.session, arm_window.scene_view
    wanted = here(arm_window).at(FRAME)[1, WRIST].copy()
    before = session.prediction.positions.copy()
    place = pixel_on(arm_window, 1)
    QTest.mouseMove(scene, place)
    qtbot.waitUntil(lambda: scene._cloud._first == 1, timeout=WAIT_MS)  # the pointer really goes there
    assert scene._cloud._strong.visible()
    QTest.mouseClick(scene, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    settle(qtbot, arm_window)
    assert np.allclose(chosen_wrist(arm_window), wanted, atol=1e-4)
    assert here(arm_window) is not None and len(fan.asked) == 2  # the cloud stays: nothing that it depends on has changed
    text = "Take alternative 2 of 5 for Left arm, frames 281–331"
    assert session.undo_stack.undoText() == text
    assert any(step.text == text for step in arm_window.document.edits)
    assert np.array_equal(session.prediction.positions[:280], before[:280])
    arm_window.actions_by_name["undo"].trigger()
    settle(qtbot, arm_window)
    assert np.array_equal(session.prediction.positions, before) and session.clip.chosen is None
    arm_window.actions_by_name["redo"].trigger()
    settle(qtbot, arm_window)
    save_and_reopen(qtbot, arm_window, monkeypatch, tmp_path / "work.mpmproj")
    settle(qtbot, arm_window)
    assert np.array_equal(read_clip(tmp_path / "work.mpmproj").chosen, session.clip.chosen)
    session.set_frame(FRAME)
    assert np.allclose(chosen_wrist(arm_window), wanted, atol=1e-4)
    assert session.alternatives.samples == 5  # a project keeps how it is looked at


def test_shift_takes_the_limb_alone(qtbot, arm_window, fan):
    arm_window.editor.set_hidden(LEG, 290, 320, True)
    settle(qtbot, arm_window)
    switch_on(qtbot, arm_window)
    assert line_points(arm_window).reshape(5, -1, 2, 3).shape[1] == 5
    place = pixel_on(arm_window, 4)
    QTest.mouseClick(arm_window.scene_view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ShiftModifier, place)
    assert arm_window.session.clip.chosen[FRAME, WRIST, 3] == 1
    assert not arm_window.session.clip.chosen[:, list(LEG)].any()


def test_a_drag_that_begins_on_an_alternative_orbits(qtbot, arm_window, fan):
    switch_on(qtbot, arm_window)
    scene, place = arm_window.scene_view, pixel_on(arm_window, 1)
    azimuth = scene.opts["azimuth"]
    QTest.mousePress(scene, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    QTest.mouseMove(scene, place + QPoint(40, 0))
    qtbot.waitUntil(lambda: scene.opts["azimuth"] != azimuth, timeout=WAIT_MS)
    QTest.mouseRelease(scene, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place + QPoint(40, 0))
    assert arm_window.session.clip.chosen is None


def test_dragging_a_hidden_joint_finds_the_alternative_that_agrees(qtbot, arm_window, fan):
    switch_on(qtbot, arm_window)
    session, scene = arm_window.session, arm_window.scene_view
    start = QPointF(*scene.joint_places()[WRIST]).toPoint()
    places = scene.screen_places(scene._cloud.places[:, WRIST])
    number = int(np.linalg.norm(places - (start.x(), start.y()), axis=1).argmax())
    target, wanted = QPointF(*places[number]).toPoint(), here(arm_window).at(FRAME)[number, WRIST].copy()
    QTest.mousePress(scene, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, start)
    assert session.mask[FRAME, WRIST]  # a press shows nothing yet
    QTest.mouseMove(scene, target)
    qtbot.waitUntil(lambda: scene._cloud._first == number, timeout=WAIT_MS)
    assert len(scene._cloud._agreeing) == 3
    faint = np.asarray(scene._cloud._lines.color)[:, 3].reshape(5, -1)[:, 0]
    assert (faint < 0.1).sum() == 2
    QTest.mouseRelease(scene, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, target)
    settle(qtbot, arm_window)
    assert np.allclose(chosen_wrist(arm_window), wanted, atol=1e-4) and session.mask[FRAME, WRIST]
    session.undo_stack.undo()
    assert session.clip.chosen is None


def test_a_click_on_a_hidden_joint_shows_it_as_ever(qtbot, arm_window, fan):
    switch_on(qtbot, arm_window)
    place = QPointF(*arm_window.scene_view.joint_places()[WRIST]).toPoint()
    QTest.mouseClick(arm_window.scene_view, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, place)
    assert not arm_window.session.mask[FRAME, WRIST] and arm_window.session.mask[FRAME, ELBOW]


def test_a_thin_limb_near_a_hidden_joint_is_not_the_joints_to_take(qtbot, arm_window, fan):
    switch_on(qtbot, arm_window)
    session, scene = arm_window.session, arm_window.scene_view
    joints, bones = scene.joint_places(), scene.screen_places(scene._cloud.places[:, [ELBOW, WRIST]].reshape(-1, 3))
    ends = bones.reshape(-1, 2, 2)
    along = [(n, end * share + start * (1 - share)) for n, (start, end) in enumerate(ends) for share in np.linspace(0.1, 1, 30)]
    near = [(n, place) for n, place in along if 9 < np.linalg.norm(joints - place, axis=1).min() < 15]
    assert near
    point = QPointF(*near[len(near) // 2][1]).toPoint()
    QTest.mouseMove(scene, QPoint(3, 3))  # else a pointer that a test before has left there would not move
    QTest.mouseMove(scene, point)
    qtbot.waitUntil(lambda: scene._cloud._first is not None, timeout=WAIT_MS)
    QTest.mouseClick(scene, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, point)
    settle(qtbot, arm_window)
    assert session.mask[FRAME, [ELBOW, WRIST]].all() and session.clip.chosen is not None
    assert session.undo_stack.undoText().startswith("Take alternative")


def test_a_change_takes_the_cloud_away_at_once_and_gives_up_what_is_at_work(qtbot, arm_window, fan):
    switch_on(qtbot, arm_window)
    session = arm_window.session
    fan.step_s = 0.1
    arm_window.editor.set_hidden(LEG, 290, 320, True)
    assert here(arm_window) is None and not len(line_points(arm_window))  # before any answer has come
    qtbot.waitUntil(lambda: len(fan.asked) == 3, timeout=WAIT_MS)
    arm_window.editor.set_hidden((WRIST,), 280, 330, False)
    fan.step_s = 0.0
    qtbot.waitUntil(lambda: here(arm_window) is not None, timeout=WAIT_MS)
    assert fan.closed == 1 and fan.finished == 4
    assert np.array_equal(fan.asked[-1][3], session.mask | session.unsure)
    assert np.array_equal(here(arm_window).hidden, session.hidden[here(arm_window).first : here(arm_window).last + 1])


def test_the_nearest_frames_are_seen_first_and_cannot_be_taken_yet(qtbot, arm_window, fan):
    session, said = arm_window.session, []
    session.warning.connect(said.append)
    fan.step_s = 0.1
    QTest.keyClick(arm_window, Qt.Key.Key_A)
    qtbot.waitUntil(lambda: session.alternatives.cloud_here(session) is not None, timeout=WAIT_MS)
    near = session.alternatives.cloud_here(session)
    assert (near.first, near.last) == (FRAME - 30, FRAME + 30) and session.alternatives.is_pending
    assert len(line_points(arm_window))
    arm_window.editor.choosing.take(0)
    assert said == ["The alternatives are still being drawn: take one in a moment."] and session.clip.chosen is None
    qtbot.waitUntil(lambda: here(arm_window) is not None, timeout=WAIT_MS)
    assert (here(arm_window).first, here(arm_window).last) == (FRAME - 121, FRAME + 121)


def test_the_denoiser_itself_is_asked_in_lifting_and_in_completion(qtbot, demo_window, monkeypatch):
    torch.manual_seed(0)  # one that has learnt nothing: its hypotheses are of no use, but hypotheses
    model = Denoiser(DenoiserConfig(frames=27, width=32, heads=2, feed_forward=32, encoder_width=32, blocks=1))
    monkeypatch.setattr(worker, "load_alternatives", lambda device: Alternatives(model.eval()))
    session = demo_window.session
    session.set_frame(FRAME)
    demo_window.editor.set_hidden((ELBOW, WRIST), 280, 330, True)
    settle(qtbot, demo_window)
    switch_on(qtbot, demo_window)
    for task in ("lift", "complete"):
        if task == "complete":
            session.set_options(session.options.with_task("complete"))
            assert here(demo_window) is None
            settle(qtbot, demo_window)
            qtbot.waitUntil(lambda: here(demo_window) is not None, timeout=WAIT_MS)
        cloud = here(demo_window)
        assert cloud.hypotheses.shape == (5, 243, 16, 3) and cloud.widest(FRAME)[1] > 0
        demo_window.editor.choosing.take(3)
        settle(qtbot, demo_window)
        assert np.allclose(session.prediction.positions[FRAME], cloud.at(FRAME)[3], atol=1e-4)
        session.undo_stack.undo()
        settle(qtbot, demo_window)


def test_switching_off_cancels_and_off_costs_nothing(qtbot, arm_window, fan):
    session = arm_window.session
    session.set_frame(FRAME + 1)
    qtbot.wait(100)
    assert fan.loads == 0 and not fan.asked
    fan.step_s = 1.0  # so that they are switched off before they are there, however busy the machine is
    QTest.keyClick(arm_window, Qt.Key.Key_A)
    qtbot.waitUntil(lambda: len(fan.asked) == 1, timeout=WAIT_MS)
    assert "5 alternatives …" in arm_window.status_line._alternatives.text()
    QTest.keyClick(arm_window, Qt.Key.Key_A)
    qtbot.waitUntil(lambda: fan.closed == 1, timeout=WAIT_MS)
    assert fan.finished == 0 and here(arm_window) is None and not arm_window.status_line._alternatives.isVisible()


def test_without_weights_it_is_said_once_and_off_again(qtbot, arm_window, monkeypatch):
    def fail(device):
        raise UserError("there are no weights of a denoiser")

    monkeypatch.setattr(worker, "load_alternatives", fail)
    said = []
    arm_window.session.failure.connect(said.append)
    QTest.keyClick(arm_window, Qt.Key.Key_A)
    qtbot.waitUntil(lambda: bool(said), timeout=WAIT_MS)
    arm_window.session.set_frame(FRAME + 3)
    arm_window.editor.set_hidden(LEG, 290, 320, True)
    settle(qtbot, arm_window)
    qtbot.wait(100)
    assert said == ["there are no weights of a denoiser"] and arm_window.session.alternatives.samples == 0
    assert not arm_window.actions_by_name["alternatives"].isChecked()


def test_what_is_taken_rests_while_its_joints_are_shown_and_is_said(qtbot, arm_window, fan):
    switch_on(qtbot, arm_window)
    session, said = arm_window.session, []
    session.message.connect(said.append)
    arm_window.editor.choosing.take(0)
    settle(qtbot, arm_window)
    taken = chosen_wrist(arm_window)
    arm_window.editor.set_hidden((ELBOW, WRIST), 280, 330, False)
    settle(qtbot, arm_window)
    resting = "Left arm, frames 281–331: the alternative taken there rests until it is hidden again."
    qtbot.waitUntil(lambda: resting in said, timeout=WAIT_MS)
    assert np.linalg.norm(chosen_wrist(arm_window) - taken) > 0.05
    arm_window.editor.set_hidden((ELBOW, WRIST), 280, 330, True)
    settle(qtbot, arm_window)
    qtbot.waitUntil(lambda: any("counts again" in text for text in said), timeout=WAIT_MS)
    assert np.allclose(chosen_wrist(arm_window), taken, atol=1e-4)
    menu = arm_window.correction_handlers._menus.menu({WRIST}, FRAME)
    next(action for action in menu.actions() if action.text() == "Let the alternative go").trigger()
    assert not session.clip.chosen[:, WRIST].any() and session.clip.chosen[:, ELBOW].any()
    session.undo_stack.undo()
    arm_window.actions_by_name["let_go"].trigger()
    settle(qtbot, arm_window)
    assert session.clip.chosen is None and np.linalg.norm(chosen_wrist(arm_window) - taken) > 0.05


def test_the_timeline_says_how_uncertain_hidden_joints_are(qtbot, arm_window, fan):
    switch_on(qtbot, arm_window)
    timeline = arm_window.timeline

    def colour(frame, lane):
        x = timeline.x_of(frame + 0.5)
        return timeline.grab().toImage().pixelColor(QPoint(int(x), int(lane.top + lane.height - 4)))

    arm = next(lane for lane in timeline.lanes() if set(lane.joints) == set(ARM))
    leg = next(lane for lane in timeline.lanes() if set(lane.joints) == set(LEG))
    inside, beyond = colour(310, arm), colour(200, arm)  # not under the cursor
    assert inside.saturation() > 60 and inside != beyond and colour(310, leg) == colour(200, leg)
    QTest.keyClick(arm_window, Qt.Key.Key_A)
    assert colour(310, arm) != inside


@pytest.mark.parametrize("width", [640, 787, 1101, 1500])
def test_the_uncertain_band_ends_where_the_hidden_cells_do(qtbot, arm_window, fan, width):
    switch_on(qtbot, arm_window)
    timeline = arm_window.timeline
    timeline.resize(width, timeline.height())
    arm = next(lane for lane in timeline.lanes() if set(lane.joints) == set(ARM))
    picture = timeline.grab().toImage()
    before, first, last = (round(timeline.x_of(frame)) for frame in (200, 250, 360))

    def ends(rows):
        """The first and the last column in which some of the rows has not the colour that it has before."""
        marked = [x for x in range(first, last) if any(picture.pixel(x, y) != picture.pixel(before, y) for y in rows)]
        return marked[0], marked[-1]

    top, bottom = round(arm.top), round(arm.top + arm.height)
    assert ends(range(top + 3, top + 11)) == ends(range(bottom - 6, bottom - 3))


def test_the_timeline_has_no_figure_where_nobody_was_measured(qtbot, arm_window, fan):
    session, timeline = arm_window.session, arm_window.timeline
    session.patch_keypoints(305, {"visible": np.zeros((15, 16), bool)})
    wait_for_lift(qtbot, arm_window)
    switch_on(qtbot, arm_window)
    arm = next(lane for lane in timeline.lanes() if set(lane.joints) == set(ARM))
    picture = timeline.grab().toImage()

    def lower(frame):
        """Colours along the lower edge that the lane does not have above it; what is hidden is hatched."""
        x = int(timeline.x_of(frame + 0.5))
        column = [picture.pixelColor(x, int(arm.top + y)).name() for y in range(3, int(arm.height) - 3)]
        return set(column[-5:]) - set(column[:7])

    assert not lower(312) and lower(325)
