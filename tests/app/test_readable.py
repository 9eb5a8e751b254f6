"""What is on show can be read at once: names, units and reasons are there, nothing lies over anything else or out of sight."""

from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from PySide6.QtWidgets import QApplication, QPushButton, QStyle

from app.document.answer_commands import keep_answers
from app.document.answer_curves import Curve, _on_one_axis
from app.document.predictions import keep
from app.document.session import Session
from app.look.theme import DARK, LIGHT
from app.views.horizon import draw_horizon
from app.views.lane_marks import marks_legend
from app.views.timeline import Timeline
from app.views.timeline_parts import fitting_entries, legend_entries
from app.window.actions import ACTIONS
from app.window.main_window import MainWindow
from app.window.messages import BEGUN, DONE
from mpm_core.camera import Intrinsics
from mpm_core.grounding.up import Up
from mpm_core.skeleton import MPM16
from tests.app.conftest import WAIT_MS, close_unasked, show_panel, stop_answers


def kept_answers(window, count):
    """So many answers under a name, all on show."""
    session = window.session
    answers = [keep(f"answer {n}", session.prediction, session.options.aids, session.clip) for n in range(count)]
    assert keep_answers(session, answers, "Keep")
    for answer in session.kept.answers:
        session.kept.set_shown(answer.number, True)


def test_comparing_opens_the_list_of_answers_which_tells_how_far_it_is(qtbot, demo_window, monkeypatch):
    window, job = demo_window, demo_window.answers.compare_job
    monkeypatch.setattr(job._thread, "ask", lambda *_: None)  # it stays at its beginning
    show_panel(window, "Video")
    window.actions_by_name["side_panel"].setChecked(False)
    window.actions_by_name["compare_lifters"].trigger()
    panel = window.answers.predictions
    assert window.panels.tabText(window.panels.currentIndex()) == "Answers" and window.panel_dock.isVisible()
    assert panel.progress.isVisible() and panel.cancel_button.isVisible()
    job.cancel()
    show_panel(window, "Video")
    window.session.open_clip(replace(window.session.clip, keypoints=None))
    window.actions_by_name["compare_lifters"].trigger()
    assert not job.is_running and window.panels.tabText(window.panels.currentIndex()) == "Video"


def test_curves_show_what_there_is_or_say_why_there_is_nothing(qtbot, window, demo, monkeypatch):
    stop_answers(monkeypatch)
    curves = window.answers.curves
    window.actions_by_name["curves"].setChecked(True)
    window.session.open_clip(replace(demo, ground_truth=None))
    assert curves.kinds.currentData() == "reprojection" and curves.hint.text() == ""
    assert window.timeline.in_view[:2] == (0.0, len(demo))  # what the curves are limited to moves nothing
    curves.choose("error")
    qtbot.waitUntil(lambda: "No ground truth" in curves.hint.text(), timeout=WAIT_MS)
    window.session.open_clip(demo)
    assert curves.kinds.currentData() == "error"
    qtbot.waitUntil(lambda: curves.hint.text() == "", timeout=WAIT_MS)
    curves.choose("speed")
    window.session.open_clip(replace(demo, ground_truth=None))
    assert curves.kinds.currentData() == "speed"


def test_curves_stand_under_the_frames_of_the_timeline_and_count_as_its_ruler(qtbot, window, demo, monkeypatch):
    stop_answers(monkeypatch)
    window.resize(1024, 700)
    window.actions_by_name["curves"].setChecked(True)
    window.session.open_clip(demo)
    window.actions_by_name["seconds"].setChecked(True)
    curves, timeline = window.answers.curves, window.timeline
    box = curves.plot.getViewBox()

    def x_of(frame):
        place = curves.plot.mapFromScene(box.mapViewToScene(QPoint(frame, 0)))
        return curves.plot.mapTo(window, place).x()

    for frame in (0, 300, 600):
        over = timeline.mapTo(window, QPoint(round(timeline.x_of(frame)), 0)).x()
        qtbot.waitUntil(lambda frame=frame, over=over: abs(x_of(frame) - over) <= 1, timeout=WAIT_MS)
    ticks = curves.axis.tickValues(0.0, float(len(demo)), 800.0)
    assert "2 s" in curves.axis.tickStrings(ticks[0][1], 1.0, 1.0)
    window.actions_by_name["seconds"].setChecked(False)
    ticks = curves.axis.tickValues(0.0, float(len(demo)), 800.0)
    assert dict(zip(ticks[0][1], curves.axis.tickStrings(ticks[0][1], 1.0, 1.0), strict=True))[99] == "100"


def test_a_legend_that_is_cut_names_the_rest(qtbot, demo):
    session = Session()
    timeline = Timeline(session, DARK)
    qtbot.addWidget(timeline)
    session.open_clip(demo)
    entries = legend_entries(DARK, marks_legend(session, DARK))
    timeline.resize(1400, 280)
    middle = (timeline.rows().legend[0] + timeline.rows().legend[1]) / 2
    assert fitting_entries(entries, timeline.fontMetrics(), timeline.scale()) == len(entries)
    assert timeline._explain(400, middle) == ""
    timeline.resize(600, 280)
    assert fitting_entries(entries, timeline.fontMetrics(), timeline.scale()) < len(entries)
    assert "range" in timeline._explain(400, middle) and "shown" not in timeline._explain(400, middle)


def test_the_scene_shows_the_person_whole_and_letters_apart(qtbot, demo_window):
    kept_answers(demo_window, 3)
    scene = demo_window.scene_view
    for size in ((560, 440), (900, 260), (300, 400)):
        scene.resize(*size)
        scene.drawn()
        x, y = scene.joint_places().T
        assert x.min() > 0 and x.max() < size[0] and y.min() > 0 and y.max() < size[1]
    places = [place for item, place in scene.text_places() if item.text in ("A", "B", "C")]
    assert len(places) == 3 and np.ptp([place.y() for place in places]) < 1
    assert np.diff([place.x() for place in places]).min() >= 12


@pytest.mark.parametrize("is_beside", [False, True])
@pytest.mark.parametrize("size", [(300, 300), (396, 350), (560, 440), (1200, 900)])
def test_no_letter_is_under_the_key_of_the_scene(qtbot, demo_window, size, is_beside):
    kept_answers(demo_window, 4)
    demo_window.actions_by_name["beside"].setChecked(is_beside)
    scene = demo_window.scene_view
    scene.resize(*size)
    scene.drawn()
    places = {item.text: place for item, place in scene.text_places() if item.text in ("A", "B", "C", "D")}
    rows = scene.key.covered()
    assert len(places) == 4 and len(rows) == 5 and scene.key.isVisible()
    for place in places.values():
        assert not any(row.adjusted(-4, -4, 4, 4).contains(place) for row in rows)
    if not is_beside:
        assert np.ptp([place.y() for place in places.values()]) < 1


def test_side_by_side_all_stand_in_the_order_of_their_letters_and_in_view(qtbot, demo_window):
    window, scene = demo_window, demo_window.scene_view
    kept_answers(window, 4)
    window.actions_by_name["beside"].setChecked(True)

    def row():
        """Where hips are seen: the prediction's, the truth's, then those of kept answers."""
        scene.drawn()
        meshes = [scene._prediction, scene._truth, *(mesh for mesh, _ in scene._kept._items)]
        return scene.screen_places(np.array([mesh._vertices[:, :3].mean(0) for mesh in meshes if mesh.visible()]))[:, 0]

    for azimuth in (-62, 40, 170):
        scene.setCameraPosition(azimuth=azimuth)
        scene.refresh()
        places = row()
        assert len(places) == 6 and (np.diff(places) > 20).all()
        assert places[0] > 0 and places[-1] < scene.width()
        assert (places[0] + places[-1]) / 2 == pytest.approx(scene.width() / 2, rel=0.15)
    letters = {item.text: place.x() for item, place in scene.text_places() if item.text in ("A", "B", "C", "D")}
    for letter, place in zip("ABCD", places[2:], strict=True):
        assert abs(letters[letter] - place) < np.diff(places).min() / 2
    with_truth = row()
    window.actions_by_name["truth"].setChecked(False)
    places = row()
    assert len(places) == 5 and (np.diff(places) > 20).all() and places[0] > with_truth[0]  # its place is not left empty


@pytest.mark.parametrize("is_beside", [False, True])
def test_letters_go_along_with_heads_and_do_not_jump(qtbot, demo_window, is_beside):
    window, scene = demo_window, demo_window.scene_view
    window.resize(1024, 700)  # where the key covers heads
    kept_answers(window, 3)
    window.actions_by_name["beside"].setChecked(is_beside)
    window.actions_by_name["follow"].setChecked(False)
    places, heads = [], []
    for frame in range(0, 200, 2):
        window.session.set_frame(frame)
        scene.drawn()
        places.append([(place.x(), place.y()) for item, place in scene.text_places() if item.text in ("A", "B", "C")])
        heads.append(scene.joint_places()[MPM16.index("Head")])
    assert np.shape(places) == (100, 3, 2)
    step = np.linalg.norm(np.diff(places, axis=0), axis=-1)
    assert step.max() < 3 * np.linalg.norm(np.diff(heads, axis=0), axis=-1).max() + 2


def test_one_outlier_does_not_flatten_a_curve_and_is_told():
    values = np.full(1000, 10.0)
    values[500] = 400.0
    curves = _on_one_axis((Curve("reprojection", values, "curve"),), 20.0, "px")
    assert curves.highest == 20 and curves.beyond == 400
    values[:] = np.linspace(0, 80, 1000)
    curves = _on_one_axis((Curve("reprojection", values, "curve"),), 20.0, "px")
    assert curves.highest == 80 and curves.beyond == 0


def test_the_theme_and_the_colours_in_use_are_marked(window):
    choices = [spec.name for spec in ACTIONS if spec.is_choice]

    def marked():
        return {name for name in choices if window.actions_by_name[name].isChecked()}

    assert marked() == {"theme_dark", "palette_field"}
    window.actions_by_name["palette_colour_blind"].trigger()
    window.actions_by_name["theme_light"].trigger()
    assert marked() == {"theme_light", "palette_colour_blind"} and window.theme.name == "light"
    window.actions_by_name["theme_dark"].trigger()
    assert marked() == {"theme_dark", "palette_colour_blind"}


def test_what_has_only_begun_has_no_tick(window):
    window.messages.say("Writing walk.bvh …")
    assert [note.message.kind for note in window.messages.notes()] == [BEGUN]
    window.messages.say("Wrote walk.bvh")
    assert [note.message.kind for note in window.messages.notes()] == [DONE]


def test_the_focus_follows_a_tab_that_the_program_opens(qtbot, window):
    buttons = {button.text(): button for button in window.side_panel.names.findChildren(QPushButton)}
    buttons["Lifting"].setFocus()
    qtbot.waitUntil(buttons["Lifting"].hasFocus, timeout=WAIT_MS)
    show_panel(window, "Video")
    assert buttons["Video"].hasFocus() and buttons["Video"].isChecked()


def test_limbs_stand_in_one_line_in_the_list_of_joints(window):
    for row in range(window.joints_panel.topLevelItemCount()):
        limb = window.joints_panel.topLevelItem(row)
        assert limb.icon(0).isNull() and not limb.child(0).icon(0).isNull()


def test_the_first_window_leaves_room_for_its_frame(qtbot, settings, monkeypatch):
    class Small:
        """A screen that is as large as the window would like to be."""

        @staticmethod
        def primaryScreen():
            return Small

        @staticmethod
        def availableGeometry():
            return QRect(0, 0, 1280, 800)

    monkeypatch.setattr("app.window.main_window.QGuiApplication", Small)
    window = MainWindow(settings, DARK)
    qtbot.addWidget(window, before_close_func=close_unasked)
    frame = QApplication.style().pixelMetric(QStyle.PixelMetric.PM_TitleBarHeight)
    assert frame > 10 and window.height() == 800 - frame


@pytest.mark.parametrize("y", [100, 1])
def test_the_horizon_has_its_name_inside_the_picture(qapp, y):
    picture = QImage(400, 200, QImage.Format.Format_RGB32)
    picture.fill(Qt.GlobalColor.black)
    painter = QPainter(picture)
    camera = Intrinsics((400.0, 400.0), (200.0, float(y)))
    draw_horizon(painter, camera, Up((0.0, -1.0, 0.0), 0.0, "network"), QRectF(picture.rect()), lambda pixels: pixels, DARK)
    painter.end()
    grey = np.frombuffer(picture.constBits(), np.uint8).reshape(200, 400, 4)[..., 0]
    beside = np.delete(grey, (y - 1, y, y + 1), axis=0)
    assert grey[y].any() and beside[:, 300:].any() and not beside[:, :300].any()


@pytest.mark.parametrize("theme", [DARK, LIGHT])
def test_the_horizon_is_read_on_a_picture_of_its_own_colour(qapp, theme):
    picture = QImage(400, 200, QImage.Format.Format_RGB32)
    picture.fill(QColor(theme.muted))
    painter = QPainter(picture)
    camera = Intrinsics((400.0, 400.0), (200.0, 100.0))
    draw_horizon(painter, camera, Up((0.0, -1.0, 0.0), 0.0, "network"), QRectF(picture.rect()), lambda pixels: pixels, theme)
    painter.end()
    grey = np.frombuffer(picture.constBits(), np.uint8).reshape(200, 400, 4)[..., 1].astype(int)
    own = QColor(theme.muted).green()
    assert (np.abs(grey[99:102] - own).max(0) > 40).mean() > 0.9 and (np.abs(grey[:98, 300:] - own) > 40).sum() > 300


def test_the_legend_stays_in_view_beside_curves_in_a_small_window(qtbot, window, demo, monkeypatch):
    stop_answers(monkeypatch)
    window.resize(1024, 700)
    window.session.open_clip(demo)
    window.actions_by_name["curves"].setChecked(True)
    timeline = window.timeline
    qtbot.waitUntil(lambda: not timeline.visibleRegion().isEmpty() and window.answers.dock.isVisible(), timeout=WAIT_MS)
    qtbot.waitUntil(lambda: timeline.visibleRegion().boundingRect().bottom() + 1 >= timeline.rows().legend[1], timeout=WAIT_MS)
    assert window.height() == 700
