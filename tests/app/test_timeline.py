"""The timeline explains itself: stripes, ruler, curve, overview, feet, and it shows where one goes, however long the clip."""

from itertools import pairwise

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect, Qt
from PySide6.QtGui import QColor

from app.document.answer_curves import KnownMeans, curves_of
from app.document.session import Session
from app.document.words import joint_in_words
from app.look.theme import DARK
from app.views.error_curve import highest_of
from app.views.lanes import arrange, natural_height
from app.views.time_scale import TimeScale
from app.views.timeline import Timeline
from app.views.timeline_cells import CellCounts, draw_cells
from app.views.timeline_parts import frame_marks, second_marks
from app.window.main_window import MainWindow
from mpm_core import Clip
from mpm_core.skeleton import MPM16
from tests.app.conftest import WAIT_MS, wait_for_lift

LEFT = Qt.MouseButton.LeftButton
ARM = MPM16.limb("left arm")


@pytest.fixture
def long_session(qapp):
    session = Session()
    points = np.random.default_rng(0).random((100_000, 16, 2)) * 100
    session.open_clip(Clip.from_arrays(points, (100, 100), 50))
    return session


def test_feet_that_nobody_sees_stand_faintly(qtbot, demo_window):
    session, timeline = demo_window.session, demo_window.timeline
    demo_window.editor.set_hidden(MPM16.limb("left leg"), 300, 399, True)
    wait_for_lift(qtbot, demo_window)
    stands = session.prediction.contact[:, 0] > 0.5
    guessed, seen = next(n for n in range(320, 380) if stands[n]), next(n for n in range(420, 700) if stands[n])
    image, scale, (top, bottom) = timeline.grab().toImage(), timeline.scale(), timeline.rows().feet
    y = int(top + (bottom - top) / 4)
    blue = [image.pixelColor(int(scale.x_of(frame) + 1), y).blue() for frame in (guessed, seen)]
    ground = image.pixelColor(int(scale.x_of(next(n for n in range(len(stands)) if not stands[n])) + 1), y).blue()
    assert ground < blue[0] < blue[1] - 40


def lane_pixels(timeline, label):
    """(height, width, 3) of a lane's cells as they are drawn."""
    image = timeline.grab().toImage()
    lane = next(lane for lane in timeline.lanes() if lane.label == label)
    rows = range(int(lane.top) + 4, int(lane.top + lane.height) - 4)
    left, right = int(timeline.scale().left) + 1, int(timeline.scale().right) - 1
    return np.array([[image.pixelColor(x, y).getRgb()[:3] for x in range(left, right)] for y in rows])


def rgb(colour):
    return np.array(QColor(colour).getRgb()[:3])


def test_a_single_hidden_frame_of_100000_is_three_pixels_wide_at_least(qtbot, long_session):
    timeline = Timeline(long_session, DARK)
    qtbot.addWidget(timeline)
    timeline.resize(1000, timeline.sizeHint().height())
    timeline.show_all()
    timeline.toggle_limb("left arm")
    patch = np.zeros((1, 16), bool)
    patch[0, ARM[1]] = True
    before = lane_pixels(timeline, joint_in_words(ARM[1]))
    long_session.set_mask(50_000, patch)
    changed = (lane_pixels(timeline, joint_in_words(ARM[1])) != before).any((0, 2))
    assert 3 <= changed.sum() <= 5 and abs(np.flatnonzero(changed).mean() / len(changed) - 0.5) < 0.01
    long_session.set_mask(50_000, np.zeros((1, 16), bool))
    assert (lane_pixels(timeline, joint_in_words(ARM[1])) == before).all()


def test_partly_hidden_lanes_are_striped_and_wholly_hidden_ones_are_dark(qtbot, demo_window):
    timeline, session = demo_window.timeline, demo_window.session
    demo_window.editor.set_hidden(ARM[:1], 100, 199, True)
    demo_window.editor.set_hidden(ARM, 300, 399, True)
    session.set_range(500, 599)
    pixels = lane_pixels(timeline, "Left arm")

    def part(first, last):
        scale = timeline.scale()
        start = int(scale.left) + 1
        return pixels[:, int(scale.x_of(first)) + 3 - start : int(scale.x_of(last)) - 3 - start].reshape(-1, 3)

    def is_dark(pixels):  # a virtual display may have few colours
        return (np.abs(pixels - rgb(DARK.hidden_cell)) <= 8).all(1)

    striped, hidden, chosen, plain = part(100, 200), part(300, 400), part(500, 600), part(650, 720)
    assert is_dark(hidden).all()
    share = is_dark(striped).mean()
    assert 0.3 < share < 0.7 and len(np.unique(striped, axis=0)) == 2
    assert len(np.unique(chosen, axis=0)) == 1 and not is_dark(chosen).any()  # a tint, no stripes
    assert len(np.unique(plain, axis=0)) == 1


def test_counts_that_follow_edits_are_those_counted_anew(long_session):
    counts, start = CellCounts(long_session), np.arange(0, 100_000, 100)
    counts.under(ARM, start, start + 100)
    rng = np.random.default_rng(1)
    for first in rng.integers(0, 99_000, 5):
        long_session.set_mask(int(first), rng.random((500, 16)) < 0.3)
        long_session.patch_keypoints(int(first) + 100, {"visible": rng.random((200, 16)) < 0.8})
    anew = CellCounts(long_session)
    for joints in (ARM, (3,)):
        for kept, fresh in zip(counts.under(joints, start, start + 100), anew.under(joints, start, start + 100), strict=True):
            assert (np.array_equal(kept, fresh) and fresh.any()) or not fresh.any()


def test_the_ruler_counts_frames_from_one_or_seconds(qtbot, demo_window):
    timeline = demo_window.timeline
    scale = timeline.scale()
    assert frame_marks(scale)[0] == (0, "1") and (99, "100") in frame_marks(scale)
    marks = second_marks(scale, demo_window.session.clip.times)
    assert (100.0, "2 s") in [(round(frame), text) for frame, text in marks]
    qtbot.mouseClick(timeline, LEFT, pos=QPoint(20, 8))
    assert timeline.shows_seconds and demo_window.actions_by_name["seconds"].isChecked()
    qtbot.mouseClick(timeline, LEFT, pos=QPoint(20, 8))
    assert not timeline.shows_seconds


def test_the_curves_share_of_the_height_can_be_dragged(qtbot, demo_window):
    timeline = demo_window.timeline
    top, edge = timeline.rows().curve
    qtbot.mousePress(timeline, LEFT, pos=QPoint(400, int(edge) - 1))
    for y in (int(edge) + 10, int(edge) + 30):
        qtbot.mouseMove(timeline, QPoint(400, y))
    qtbot.mouseRelease(timeline, LEFT, pos=QPoint(400, int(edge) + 30))
    assert abs(timeline.rows().curve[1] - edge - 30) <= 1 and not demo_window.session.mask.any()
    assert timeline.rows().legend[1] <= timeline.height() + 1
    qtbot.mousePress(timeline, LEFT, pos=QPoint(400, int(timeline.rows().curve[1]) - 1))
    qtbot.mouseMove(timeline, QPoint(400, 0))
    qtbot.mouseRelease(timeline, LEFT, pos=QPoint(400, 0))
    assert timeline.rows().curve[0] == top and 25 <= timeline.rows().curve[1] - top <= 31


@pytest.mark.parametrize("height", [150, 194, 300, 900])
def test_rows_follow_one_another_at_any_height(height):
    rows = arrange(height, {"left arm"}, 54 * 1.25, 1.25)
    edges = [rows.ruler, rows.flags, rows.curve, *((lane.top, lane.top + lane.height) for lane in rows.lanes)]
    edges += [rows.feet, rows.overview, rows.legend]
    assert all(abs(a[1] - b[0]) < 1e-6 for a, b in pairwise(edges))
    if height >= natural_height({"left arm"}, 1.25):
        assert abs(rows.legend[1] - height) < 1e-6


def test_hovering_over_the_curve_tells_its_value(qtbot, demo_window):
    timeline = demo_window.timeline
    wait_for_lift(qtbot, demo_window)
    qtbot.waitUntil(lambda: timeline.curves is not None, timeout=WAIT_MS)
    before = timeline.grab().toImage()
    place = QPoint(int(timeline.x_of(300.5)), int(sum(timeline.rows().curve) / 2))

    def tells():
        qtbot.mouseMove(timeline, place)  # again, if another window of the display took the pointer away
        return timeline.grab().toImage() != before

    qtbot.waitUntil(tells, timeout=WAIT_MS)


def test_go_to_scrolls_there_and_the_overview_scrolls(qtbot, demo_window, monkeypatch):
    timeline, session = demo_window.timeline, demo_window.session
    timeline._count = 40.0
    timeline._scroll_to(0)
    monkeypatch.setattr("app.window.view_handlers.QInputDialog.getText", lambda *_, text: ("601", True))
    demo_window.actions_by_name["goto"].trigger()
    assert session.frame == 600 and timeline.scale().in_view[0] <= 600 < timeline.scale().in_view[1]
    y = int(sum(timeline.rows().overview) / 2)
    scale = timeline.scale()
    qtbot.mouseClick(timeline, LEFT, pos=QPoint(int(scale.left + scale.width * 0.25), y))
    assert abs(timeline.scale().first + 20 - 0.25 * len(session)) < 2 and session.frame == 600


def test_unfolding_a_limb_makes_room_for_all_rows(qtbot, demo_window):
    timeline = demo_window.timeline
    demo_window.resize(1280, 900)
    timeline.toggle_limb("left arm")
    qtbot.waitUntil(lambda: timeline.visibleRegion().boundingRect().bottom() >= timeline.rows().legend[1] - 2, timeout=WAIT_MS)


def test_feet_that_stand_have_a_lane(qtbot, demo_window):
    curves = curves_of(demo_window.session.prediction, demo_window.session.clip, KnownMeans())
    assert curves.stands.shape == (len(demo_window.session), 2) and 0.3 < curves.stands.mean() < 0.95
    timeline = demo_window.timeline
    qtbot.waitUntil(lambda: timeline.curves is not None and timeline.curves.stands is not None, timeout=WAIT_MS)
    image, (top, bottom) = timeline.grab().toImage(), timeline.rows().feet
    for side, share in (("left", 0.3), ("right", 0.75)):
        y, across = int(top + share * (bottom - top)), range(int(timeline.scale().left) + 5, int(timeline.scale().right) - 5, 3)
        row = np.array([image.pixelColor(x, y).getRgb()[:3] for x in across])
        assert (np.abs(row - rgb(getattr(DARK.palettes["field"], side))) <= 8).all(1).mean() > 0.2


def test_stretches_that_meet_on_the_screen_are_one():
    scale = TimeScale(0, 100_000, 100, 800, 100_000)
    flags = np.zeros(100_000, bool)
    flags[::2] = True
    assert scale.stretches(flags, 3.0) == [(100.0, pytest.approx(900, abs=0.1))]
    flags[:] = False
    flags[[10, 50_000]] = True
    assert [round(right - left) for left, right in scale.stretches(flags, 3.0)] == [3, 3]


def test_of_many_frames_under_a_pixel_the_worst_counts():
    values = np.array([1.0, np.nan, 7.0, 2.0, np.nan, np.nan, 3.0])
    assert np.array_equal(highest_of(values, 3), [7.0, 2.0, 3.0], equal_nan=True)
    assert np.array_equal(highest_of(values[4:6], 2), [np.nan], equal_nan=True)


def test_drawing_100000_frames_costs_little_more_than_300(long_session):
    """What a click redraws is bound to pixels, not to frames."""
    from time import thread_time

    counts, rows = CellCounts(long_session), arrange(300, (), 54, 1.0)

    def cost(count):
        scale = TimeScale(0, count, 104, 900, 100_000)
        draw_cells(counts, rows.lanes, scale, DARK, "field", 1.0)
        start = thread_time()
        for _ in range(5):
            draw_cells(counts, rows.lanes, scale, DARK, "field", 1.0)
        return thread_time() - start

    assert cost(100_000) < 10 * cost(300) + 0.05


def test_another_rate_is_on_the_ruler_before_there_is_a_new_answer(demo_window):
    session, timeline = demo_window.session, demo_window.timeline
    timeline.set_seconds(True)
    before = timeline.grab().toImage()
    assert timeline.grab().toImage() == before
    session.set_rate(25.0, session.clip.times * 2, session.clip.notes, None)
    ruler = QRect(0, 0, timeline.width(), int(timeline.rows().ruler[1]))
    assert timeline.grab().toImage().copy(ruler) != before.copy(ruler)


def test_the_curve_is_grey_where_it_is_old_and_nothing_else_is_drawn_anew(qtbot, demo_window):
    session, timeline = demo_window.session, demo_window.timeline
    qtbot.waitUntil(lambda: timeline.curves is not None, timeout=WAIT_MS)
    timeline.grab()
    around, before = timeline._layers._around, timeline.grab().toImage()
    top, bottom = (int(y) for y in timeline.rows().curve)
    session.renewal.ask(290, 320, len(session))
    after = timeline.grab().toImage()
    assert timeline._layers._around is around

    def part(first, last):
        left = int(timeline.x_of(first))
        return QRect(left, top, max(int(timeline.x_of(last)) - left, 1), bottom - top)

    assert after.copy(part(280, 330)) != before.copy(part(280, 330))
    assert after.copy(part(500, 700)) == before.copy(part(500, 700))


def test_a_range_is_chosen_on_the_overview_too_and_everything_says_what_it_does(qtbot, demo_window):
    timeline, session = demo_window.timeline, demo_window.session
    rows, scale, count = timeline.rows(), timeline.scale(), len(session)
    timeline.show_span(0.0, 100.0)
    y = int(sum(rows.overview) / 2)
    start, end = (QPoint(int(scale.left + scale.width * share), y) for share in (0.25, 0.5))
    qtbot.mousePress(timeline, LEFT, Qt.KeyboardModifier.ShiftModifier, start)
    qtbot.mouseMove(timeline, end)
    qtbot.mouseRelease(timeline, LEFT, Qt.KeyboardModifier.ShiftModifier, end)
    assert session.range == pytest.approx((0.25 * count, 0.5 * count), abs=2)
    assert "Shift+drag" in timeline._explain(start.x(), y)
    lane = rows.lanes[0]
    middle = lane.top + lane.height / 2
    cell, name = timeline._explain(start.x(), middle), timeline._explain(40, middle)
    assert cell.startswith(lane.label) and "Click: hide or show" in cell and "Click: hide or show the limb" in name


def test_the_unit_of_the_ruler_is_there_at_the_next_start(qtbot, demo_window, settings):
    qtbot.mouseClick(demo_window.timeline, LEFT, pos=QPoint(20, 8))
    again = MainWindow(settings, DARK)
    qtbot.addWidget(again)
    assert again.timeline.shows_seconds and again.actions_by_name["seconds"].isChecked()
    demo_window.actions_by_name["seconds"].setChecked(False)  # as a project that is opened does
    third = MainWindow(settings, DARK)
    qtbot.addWidget(third)
    assert third.timeline.shows_seconds
    for window in (again, third):
        window.close()
