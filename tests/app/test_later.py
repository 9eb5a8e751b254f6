"""What is made once the window has been seen: it comes by itself, and nothing that was asked of it before is lost."""

import sys
from dataclasses import replace

import numpy as np
from PySide6.QtGui import QColor, QImage

from app.document.later import Later
from app.look.theme import DARK
from app.window.main_window import MainWindow
from mpm_core.skeleton import MPM16
from tests.app.conftest import WAIT_MS, close_unasked, forget, shared_lifter


def test_a_part_is_made_once_and_those_who_wait_are_told_in_order():
    made, told = [], []
    part = Later(lambda: made.append(1) or "part")
    part.then(lambda it: told.append(("first", it)))
    part.then(lambda it: told.append(("second", it)))
    assert not part.is_made and not made and not told
    assert part.now() == part.now() == "part" and part.is_made and len(made) == 1
    part.then(lambda it: told.append(("third", it)))
    assert told == [("first", "part"), ("second", "part"), ("third", "part")]


def test_the_scene_comes_by_itself_with_the_clip_that_was_opened_before(qtbot, settings, demo, monkeypatch):
    monkeypatch.setattr("app.workers.lifting.load_lifter", shared_lifter)
    window = MainWindow(settings, DARK)
    qtbot.addWidget(window, before_close_func=close_unasked)
    window.session.open_clip(demo)
    assert not window.scene_area.is_built
    window.show()
    qtbot.waitUntil(lambda: window.scene_area.is_built, timeout=WAIT_MS)
    scene = window.scene_view
    qtbot.waitUntil(lambda: scene.isVisible() and scene.size() == window.scene_area.size(), timeout=WAIT_MS)
    scene.drawn()
    assert scene._truth.visible()
    window.close()
    forget(window)


def test_until_then_its_background_is_on_show_and_what_was_asked_of_it_is_done(qtbot, settings):
    window = MainWindow(settings, DARK)
    qtbot.addWidget(window)
    window.restyle("light", "colour-blind")
    window.actions_by_name["trails"].setChecked(True)
    window.actions_by_name["truth"].setChecked(False)
    window.backdrop.picture_changed.emit(QImage(40, 30, QImage.Format.Format_RGB32))
    place = window.scene_area.grab().toImage()
    assert place.pixelColor(place.width() // 2, place.height() // 2) == QColor(window.theme.scene)
    assert not window.scene_area.is_built
    scene = window.scene_view
    assert (scene.theme.name, scene.palette_name) == ("light", "colour-blind")
    assert scene.trails.is_on and not scene.shows_truth and scene._camera._has_picture
    window.close()
    forget(window)


def test_a_scene_that_cannot_be_imported_is_said_in_its_place(qtbot, settings, monkeypatch):
    monkeypatch.setitem(sys.modules, "app.views.scene_view", None)
    window = MainWindow(settings, DARK)
    qtbot.addWidget(window)
    window.show()
    qtbot.waitUntil(lambda: window.scene_area.is_built, timeout=WAIT_MS)
    assert window.scene_view is None and window.scene_area.reason.isVisible()
    said = window.scene_area.reason.text()
    assert "scene cannot be drawn" in said and "app.views.scene_view" in said
    window.actions_by_name["trails"].setChecked(True)
    window.close()
    forget(window)


def test_curves_that_are_not_built_yet_keep_what_was_chosen(qtbot, window, demo):
    window.session.open_clip(demo)
    window.answers.choose_curves("speed")
    window.timeline.show_span(100.0, 50.0)
    assert window.answers.kind_of_curves == "speed"
    window.session.set_selection(frozenset({MPM16.index("LWrist")}))
    window.session.set_frame(120)
    window.actions_by_name["curves"].trigger()  # a key would need the window to be the active one already
    curves = window.answers.curves
    # Of the truth, and of the answer if that is there already.
    qtbot.waitUntil(lambda: {line.joint for line in curves._curves.lines} == {MPM16.index("LWrist")}, timeout=WAIT_MS)
    assert window.answers.kind_of_curves == curves.choice().kind == curves._curves.choice.kind == "speed"
    assert np.allclose(curves.plot.getViewBox().viewRange()[0], (100, 150)) and curves._cursor.value() == 120.5


def test_curves_that_are_not_built_yet_show_of_another_clip_what_that_has(window, demo):
    window.session.open_clip(demo)
    window.answers.choose_curves("error")
    window.session.open_clip(replace(demo, ground_truth=None))
    assert window.answers.kind_of_curves == "reprojection"
    assert window.answers.curves.choice().kind == "reprojection"


def test_preparing_to_lift_takes_nothing_out_of_the_queue(window, demo):
    job = window.lift_job
    job.stop()  # what is asked now waits
    window.session.open_clip(demo)
    job.prepare()
    assert job._thread._waiting == (job._newest,) and job._newest.clip is window.session.clip
