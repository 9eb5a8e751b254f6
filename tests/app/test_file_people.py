"""Several people of a file of keypoints at once in the scene, also after coming back to the project."""

from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QSettings

from app.document.file_people import FilePeople, at_times, file_people_from
from app.document.scene_positions import predicted_in_scene
from app.look.theme import DARK
from app.window.main_window import MainWindow
from mpm_core.formats.base import ReadOptions
from mpm_core.skeleton import COCO17
from tests.app.conftest import WAIT_MS, close_unasked, wait_for_lift
from tests.app.test_open_dialog import answer
from tests.bodies import FRAMES, body_in, flat, write_json

SIZE = (2000, 1080)


def two_people(path, demo, frames=FRAMES):
    """COCO's own layout: the demo's person, and a smaller one beside it who moves otherwise and is gone at the end."""
    one = body_in(demo, COCO17)
    other = body_in(demo, COCO17, first=100) * (0.7, 0.7, 1) + (1100, 200, 0)
    images = [{"id": n, "file_name": f"{n}.png", "width": SIZE[0], "height": SIZE[1]} for n in range(frames)]
    bodies = [(n, one[n]) for n in range(frames)] + [(n, other[n]) for n in range(frames - 3)]
    annotations = [{"image_id": n, "category_id": 1, "keypoints": flat(p)} for n, p in bodies]
    categories = [{"id": 1, "name": "person", "keypoints": list(COCO17.joints)}]
    return write_json(path, {"images": images, "annotations": annotations, "categories": categories})


def visible(window):
    window.scene_view.drawn()
    return [mesh for mesh in window.scene_view.bystanders.items if mesh.visible()]


@pytest.fixture
def pair(qtbot, window, tmp_path, demo):
    path = two_people(tmp_path / "pair.json", demo)
    answer(qtbot, lambda dialog: dialog._people.setCurrentRow(1))
    window.file_handlers.open_path(path)
    qtbot.waitUntil(lambda: window.session.clip is not None, timeout=WAIT_MS)
    wait_for_lift(qtbot, window)
    return window


def test_the_other_is_shown_beside_and_left_out_where_not_seen(qtbot, pair):
    session = pair.session
    assert not pair.document.is_unsaved() and not visible(pair)
    session.set_frame(2)
    pair.actions_by_name["bystanders"].trigger()
    qtbot.waitUntil(lambda: len(visible(pair)) == 1, timeout=WAIT_MS)
    (places,) = pair.scene_view.bystanders._places
    assert places.shape == (FRAMES, 16, 3) and np.isfinite(places).all()  # the larger one is seen in all frames
    # The one at work is the smaller: the other is not drawn where that one is.
    assert not np.allclose(places[2] - places[2, :1], predicted_in_scene(session, 2), atol=0.05)
    assert pair.scene_view._key.isVisible() and pair.scene_view._key.rows == ["prediction", "other people"]
    pair.actions_by_name["bystanders"].trigger()
    assert not pair.scene_view._key.isVisible()
    assert not visible(pair) and not pair.document.is_unsaved()


def test_they_are_there_again_after_coming_back(qtbot, pair, tmp_path, monkeypatch):
    pair.actions_by_name["bystanders"].trigger()
    qtbot.waitUntil(lambda: len(visible(pair)) == 1, timeout=WAIT_MS)
    path = tmp_path / "pair.mpmproj"
    monkeypatch.setattr("app.window.project_handlers.ask_where", lambda *_: path)
    pair.actions_by_name["save"].trigger()
    qtbot.waitUntil(lambda: pair.document.path == path and not pair.document.is_unsaved(), timeout=WAIT_MS)
    other = MainWindow(QSettings(str(tmp_path / "others.ini"), QSettings.Format.IniFormat), DARK)
    qtbot.addWidget(other, before_close_func=close_unasked)
    other.show()
    other.file_handlers.open_path(path)
    qtbot.waitUntil(lambda: len(visible(other)) == 1, timeout=WAIT_MS)
    assert np.array_equal(other.scene_view.bystanders._places[0], pair.scene_view.bystanders._places[0])
    assert not other.document.is_unsaved()


def test_a_file_that_has_changed_or_is_gone_is_said(qtbot, pair, demo):
    path = pair.session.opened.source
    two_people(Path(path), demo, FRAMES - 4)
    pair.actions_by_name["bystanders"].trigger()
    qtbot.waitUntil(lambda: "has changed since it was opened" in pair.status_line.message(), timeout=WAIT_MS)
    assert not visible(pair)
    pair.opener.open_demo()
    qtbot.waitUntil(lambda: len(pair.session) > 100, timeout=WAIT_MS)
    pair.actions_by_name["bystanders"].trigger()
    pair.actions_by_name["bystanders"].trigger()
    assert "Nobody else is known" in pair.status_line.message() and not visible(pair)


def test_how_it_was_read_is_kept_and_frames_are_matched_by_time(tmp_path):
    options = ReadOptions(fps=25.0, image_size=(640, 480), person=2, skeleton="coco17", joint_map={"a": "LWrist"})
    people = FilePeople.of(tmp_path / "x.json", options)
    assert file_people_from(people.note(), str(tmp_path / "x.json")) == people
    assert FilePeople.of(tmp_path / "x.json", ReadOptions()) is None and file_people_from({"person": "1"}, "x.json") is None
    places = np.arange(4, dtype=np.float32)[:, None, None] * np.ones((1, 16, 3), np.float32)
    found = at_times(places, np.array([0.04, 0.08, 0.12, 5.0]), np.arange(5) * 0.04)[:, 0, 0]
    assert np.array_equal(found, [np.nan, 0, 1, 2, np.nan], equal_nan=True)
