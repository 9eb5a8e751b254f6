"""The dock of curves: what is drawn of whom, at which frames, and what is saved of it."""

import xml.etree.ElementTree as ElementTree
from dataclasses import replace

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QWheelEvent
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication

from app.document.curve_choice import MEAN, ON_SHOW, TRUTH
from app.look.theme import DARK, LIGHT
from mpm_core.curves import CURVES
from mpm_core.metrics import joint_errors
from mpm_core.skeleton import MPM16
from tests.app.conftest import WAIT_MS, stop_answers, wait_for_lift

LEFT = Qt.MouseButton.LeftButton
WRIST, KNEE = MPM16.indices(("LWrist", "RKnee"))


@pytest.fixture
def curves_window(qtbot, demo_window):
    """The demo with its curves on show."""
    qtbot.keyClick(demo_window, Qt.Key.Key_V)
    wait_for_lines(qtbot, demo_window, {(ON_SHOW, MEAN)})
    return demo_window


def wait_for_lines(qtbot, window, expected):
    def are_there():
        assert {(line.answer, line.joint) for line in window.answers.curves._curves.lines} == expected

    qtbot.waitUntil(are_there, timeout=WAIT_MS)


def lines_of(window):
    return {(line.answer, line.joint): line.values for line in window.answers.curves._curves.lines}


def test_hidden_at_first_shown_by_a_key_and_closed_with_its_menu_entry(qtbot, curves_window):
    dock, action = curves_window.answers.dock, curves_window.actions_by_name["curves"]
    assert dock.isVisible() and action.isChecked()
    dock.close()
    assert not action.isChecked()
    qtbot.keyClick(curves_window, Qt.Key.Key_V)
    assert dock.isVisible()
    qtbot.keyClick(curves_window, Qt.Key.Key_V)
    assert not dock.isVisible()


def test_it_fits_a_small_window(qtbot, curves_window):
    curves_window.resize(1024, 700)
    QApplication.processEvents()
    assert curves_window.height() <= 700 and curves_window.width() <= 1024
    plot = curves_window.answers.curves.plot
    assert plot.height() >= 80 and plot.width() >= 300
    assert curves_window.scene_view.height() >= 150


def test_what_is_drawn_is_what_the_figures_say(qtbot, curves_window):
    session, curves = curves_window.session, curves_window.answers.curves
    errors = joint_errors(session.prediction.positions, session.clip.ground_truth)
    assert lines_of(curves_window)[ON_SHOW, MEAN] == pytest.approx(errors.mean(1), abs=0.01)
    session.set_selection(frozenset({WRIST, KNEE}))
    wait_for_lines(qtbot, curves_window, {(ON_SHOW, WRIST), (ON_SHOW, KNEE)})
    assert lines_of(curves_window)[ON_SHOW, WRIST] == pytest.approx(errors[:, WRIST], abs=0.01)
    session.set_frame(123)
    texts = [curves.values.item(row).text() for row in range(curves.values.count())]
    assert f"Left wrist  {errors[123, WRIST]:.2f}" in texts
    shown = curves._items[0].getData()
    assert shown[0][0] == 0.5 and np.isfinite(shown[1]).any()


@pytest.mark.parametrize("kind", CURVES)
def test_every_kind_is_drawn(qtbot, curves_window, kind):
    session = curves_window.session
    session.set_selection(frozenset({WRIST, MPM16.index("LElbow")}))
    curves_window.answers.curves.choose(kind)
    qtbot.waitUntil(lambda: curves_window.answers.curves._curves.choice.kind == kind, timeout=WAIT_MS)
    drawn = {answer for answer, _ in lines_of(curves_window)}
    assert drawn == ({ON_SHOW, TRUTH} if CURVES[kind].can_be_true else {ON_SHOW})


def test_kinds_that_have_no_mean_ask_for_joints(qtbot, curves_window):
    curves = curves_window.answers.curves
    curves.choose("angle")
    wait_for_lines(qtbot, curves_window, set())
    assert "Select joints" in curves.hint.text() and not curves.values.isVisible()
    curves._fill_joints()
    next(action for action in curves._joints.menu().actions() if action.text() == "Left elbow").trigger()
    wait_for_lines(qtbot, curves_window, {(ON_SHOW, MPM16.index("LElbow")), (TRUTH, MPM16.index("LElbow"))})
    assert curves.hint.text() == ""


def test_a_click_goes_to_the_frame_and_the_wheel_zooms_with_the_timeline(qtbot, curves_window):
    session, curves, timeline = curves_window.session, curves_window.answers.curves, curves_window.timeline
    box = curves.plot.getViewBox()

    def place_of(frame):
        return curves.plot.mapFromScene(box.mapViewToScene(QPointF(frame + 0.5, box.viewRange()[1][0])))

    middle = curves.plot.height() // 2
    place = QPoint(place_of(400).x(), middle)
    qtbot.mouseClick(curves.plot.viewport(), LEFT, pos=place)
    assert abs(session.frame - 400) <= 1
    turn = QWheelEvent(
        QPointF(place), QPointF(curves.plot.viewport().mapToGlobal(place)), QPoint(), QPoint(0, 240), Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier, Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip
    QApplication.sendEvent(curves.plot.viewport(), turn)
    first, last = box.viewRange()[0]
    assert last - first < len(session) and first < 400 < last
    assert (timeline._first, timeline._count) == pytest.approx((first, last - first), abs=0.01)
    timeline.show_span(100.0, 200.0)
    assert box.viewRange()[0] == pytest.approx([100, 300])
    # The same frame is at the same place of the window.
    x = curves.plot.mapTo(curves_window, place_of(200)).x()
    assert abs(x - timeline.mapTo(curves_window, QPoint(round(timeline.x_of(200.5)), 0)).x()) <= 3


def test_the_range_is_shaded(qtbot, curves_window):
    region = curves_window.answers.curves._region
    assert not region.isVisible()
    curves_window.session.set_range(50, 99)
    assert region.isVisible() and region.getRegion() == (50, 100)


def test_kept_answers_are_drawn_in_their_outline(qtbot, curves_window):
    session, curves = curves_window.session, curves_window.answers.curves
    curves_window.actions_by_name["keep_answer"].trigger()
    number = session.kept.answers[0].number
    wait_for_lines(qtbot, curves_window, {(ON_SHOW, MEAN), (number, MEAN)})
    line = next(line for line in curves._curves.lines if line.answer == number)
    assert curves._outline(line).color() == QColor(DARK.outlines[0])
    assert "Mean A" in curves.values.item(1).text() and curves.values.item(1).toolTip() == "mean, A MPM"
    session.kept.set_shown(number, False)
    wait_for_lines(qtbot, curves_window, {(ON_SHOW, MEAN)})


def test_no_two_of_five_answers_are_drawn_alike(qtbot, curves_window):
    session, curves = curves_window.session, curves_window.answers.curves
    for _ in range(5):  # as many as there are lifters to compare
        curves_window.actions_by_name["keep_answer"].trigger()
    numbers = [answer.number for answer in session.kept.answers]
    wait_for_lines(qtbot, curves_window, {(ON_SHOW, MEAN), *((number, MEAN) for number in numbers)})
    pens = [curves._outline(line) for line in curves._curves.lines if line.answer in numbers]
    assert len({(pen.color().name(), pen.style()) for pen in pens}) == 5


def test_sides_have_the_palettes_colours_and_joints_of_a_side_differ(qtbot, curves_window):
    session, curves = curves_window.session, curves_window.answers.curves
    session.set_selection(frozenset(MPM16.indices(("LElbow", "LWrist", "RWrist"))))
    wait_for_lines(qtbot, curves_window, {(ON_SHOW, joint) for joint in session.selection})
    for theme in (LIGHT, DARK):
        curves_window.actions_by_name[f"theme_{theme.name}"].trigger()
        for name in ("field", "colour-blind"):
            curves_window.actions_by_name[f"palette_{name.replace('-', '_')}"].trigger()
            colours = {line.joint: curves._pen(line).color() for line in curves._curves.lines}
            palette = theme.palettes[name]
            assert colours[MPM16.index("RWrist")].name() == palette.right
            left = [colours[joint] for joint in MPM16.indices(("LElbow", "LWrist"))]
            assert left[0].name() == palette.left and left[1] != left[0]
            assert abs(left[1].hslHue() - left[0].hslHue()) < 8


def test_frames_that_are_not_renewed_are_grey(qtbot, curves_window, monkeypatch):
    session, curves = curves_window.session, curves_window.answers.curves
    stop_answers(monkeypatch)
    session.set_frame(300)
    curves_window.editor.set_hidden((WRIST,), 300, 310, True)
    new, old = (curves._items[n].getOriginalDataset()[1] for n in range(2))
    assert np.isnan(new[300:311]).all() and np.isfinite(old[300:311]).all() and np.isfinite(new[500])
    assert np.isnan(old[500]) and curves._items[1].opts["pen"].color() == QColor(DARK.muted)
    assert curves.values.item(0).text() == "Mean  …"


@pytest.mark.parametrize("suffix", [".png", ".svg", ".csv"])
def test_curves_are_saved(qtbot, curves_window, monkeypatch, tmp_path, suffix):
    session, curves = curves_window.session, curves_window.answers.curves
    path = tmp_path / f"curves{suffix}"
    monkeypatch.setattr("app.window.answer_handlers.ask_where", lambda *_: path)
    session.set_selection(frozenset({WRIST}))
    wait_for_lines(qtbot, curves_window, {(ON_SHOW, WRIST)})
    session.set_range(10, 19)
    action = next(a for a in curves._save.menu().actions() if suffix[1:].upper() in a.text())
    action.trigger()
    if suffix == ".png":
        picture = QImage(str(path))
        assert picture.width() == 2 * curves.plot.width()
        colours = {picture.pixelColor(x, y).name() for x in range(0, picture.width(), 3) for y in range(0, picture.height(), 3)}
        assert len(colours) > 10
    elif suffix == ".svg":
        root = ElementTree.parse(path).getroot()
        assert root.tag.endswith("svg") and len(list(root.iter())) > 20
    else:
        rows = [line.split(",") for line in path.read_text().splitlines()]
        assert rows[0] == ["frame", "time_s", '"error', " LWrist", ' prediction (mm)"'] and len(rows) == 11
        errors = joint_errors(session.prediction.positions, session.clip.ground_truth)
        assert [float(row[2]) for row in rows[1:]] == pytest.approx(errors[10:20, WRIST], abs=0.01)


def test_nothing_is_saved_while_an_answer_is_on_its_way(qtbot, curves_window, monkeypatch, tmp_path):
    monkeypatch.setattr("app.window.answer_handlers.ask_where", lambda *_: tmp_path / "curves.csv")
    stop_answers(monkeypatch)
    curves_window.editor.hide_frame()
    curves_window.answers.handlers.save_curves(".csv")
    assert not list(tmp_path.glob("curves*")) and "not complete" in curves_window.status_line.message()


def test_curves_of_another_clip_go_at_once(qtbot, curves_window, demo):
    curves_window.session.open_clip(replace(demo.cut(0, 99), ground_truth=None))
    assert not curves_window.answers.curves._curves.lines
    wait_for_lift(qtbot, curves_window)
    assert curves_window.answers.curves.plot.getViewBox().viewRange()[0] == pytest.approx([0, 100])
    curves_window.answers.curves.choose("reprojection")
    wait_for_lines(qtbot, curves_window, {(ON_SHOW, MEAN)})


def test_a_drawing_has_its_axes_where_the_picture_has_them(curves_window, tmp_path):
    curves = curves_window.answers.curves
    curves_window.session.set_range(100, 300)
    for suffix in (".png", ".svg"):
        curves.save(tmp_path / f"curves{suffix}")
    picture, drawing = QImage(str(tmp_path / "curves.png")), QSvgRenderer(str(tmp_path / "curves.svg"))
    again = QImage(picture.size(), QImage.Format.Format_RGB32)
    again.fill(picture.pixelColor(0, 0))
    painter = QPainter(again)
    drawing.render(painter)
    painter.end()
    size = (picture.width() // 8, picture.height() // 8)

    def coarse(image):
        small = image.scaled(*size, mode=Qt.TransformationMode.SmoothTransformation).convertToFormat(QImage.Format.Format_RGB32)
        return np.frombuffer(small.constBits(), np.uint8).reshape(size[1], size[0], 4)[..., :3].astype(float)

    one, other = coarse(picture), coarse(again)
    assert np.corrcoef(one.ravel(), other.ravel())[0, 1] > 0.95
