"""The scene beside the pose of the frame: trails, ghosts, shadows, the camera's picture, other people, pictures of it."""

import numpy as np
import pytest
from PySide6.QtGui import QColor, QGuiApplication, QImage, QVector3D
from PySide6.QtOpenGLWidgets import QOpenGLWidget
from PySide6.QtWidgets import QInputDialog

from app.document.scene_positions import in_scene
from app.views.graphics import samples_of
from app.views.scene_motion import ghost_steps, places_in_scene
from mpm_core.skeleton import MPM16
from tests.app.conftest import WAIT_MS

WRIST, ANKLE = MPM16.index("LWrist"), MPM16.index("RAnkle")


def picture(window):
    window.scene_view.repaint()
    return window.scene_view.drawn()


def trail(window):
    """What the trails' line goes through: (points, 3)."""
    window.scene_view.drawn()
    (line,) = window.scene_view.trails.items
    return np.asarray(line.pos) if line.visible() else np.zeros((0, 3))


def test_the_scene_is_drawn_anew_when_something_in_it_changes_and_only_then(demo_window):
    scene, session = demo_window.scene_view, demo_window.session
    changes = (
        lambda: session.set_frame(60),
        lambda: demo_window.edit_handlers.toggle_joints((WRIST,)),
        lambda: session.set_selection(frozenset({ANKLE})),
        lambda: demo_window.actions_by_name["truth"].setChecked(False),
        lambda: scene.orbit(20, 0),
        lambda: scene.pan(30, 0, 0, relative="view"),
        lambda: scene.look_from("top"),
        lambda: demo_window.restyle("light", None),
        lambda: scene.resize(scene.width() - 40, scene.height()),
    )
    for change in changes:
        before = scene.drawn()
        assert scene.drawn() is before
        change()
        assert scene.drawn() != before


def test_the_scene_is_brought_up_to_what_it_shows_when_it_is_seen(qtbot, demo_window, monkeypatch):
    scene, session, times = demo_window.scene_view, demo_window.session, []
    scene.drawn()
    bring_up = scene.bring_up
    monkeypatch.setattr(scene, "bring_up", lambda: (times.append(session.frame), bring_up()))
    scene.hide()
    demo_window.edit_handlers.toggle_joints((WRIST,))
    for frame in (10, 20, 30):
        session.set_frame(frame)
    QGuiApplication.processEvents()
    assert not times  # nobody sees it
    before = scene._prediction._vertices
    scene.show()
    qtbot.waitUntil(lambda: len(times) > 0, timeout=WAIT_MS)
    assert set(times) == {30} and not np.array_equal(scene._prediction._vertices, before)


def test_a_scene_that_could_not_be_brought_up_is_not_shown_as_if_it_were(demo_window, monkeypatch):
    scene, session = demo_window.scene_view, demo_window.session
    session.set_frame(10)
    before = scene.drawn()

    def fail():
        raise RuntimeError("no place for it")

    with monkeypatch.context() as patch:
        patch.setattr(scene, "bring_up", fail)
        scene.hide()  # so that nothing but this test asks for it
        session.set_frame(300)
        for _ in range(2):
            with pytest.raises(RuntimeError, match="no place"):
                scene.drawn()
    assert scene.drawn() != before


def test_nothing_in_the_window_is_put_together_by_opengl(demo_window):
    """One such widget, and Qt draws the whole window anew with each change of any part of it."""
    assert not demo_window.findChildren(QOpenGLWidget)


def test_trails_go_where_the_chosen_joints_were_and_will_be(demo_window):
    session = demo_window.session
    session.set_frame(200)
    session.set_selection(frozenset({WRIST}))
    before = picture(demo_window)
    assert not len(trail(demo_window))
    demo_window.actions_by_name["trails"].trigger()
    reach = round(session.clip.fps)
    assert picture(demo_window) != before and len(trail(demo_window)) == 2 * (2 * reach)
    for row, frame in ((0, 200 - reach), (-1, 200 + reach)):
        assert np.allclose(trail(demo_window)[row], places_in_scene(session, frame)[WRIST], atol=1e-5)
    session.set_frame(0)
    assert len(trail(demo_window)) == 2 * reach and np.allclose(trail(demo_window)[0], places_in_scene(session, 0)[WRIST])
    session.set_selection(frozenset())
    assert np.allclose(trail(demo_window)[0], places_in_scene(session, 0)[MPM16.root])
    demo_window.actions_by_name["trails"].trigger()
    assert not len(trail(demo_window))


@pytest.mark.parametrize(("reach", "steps"), [(0, []), (1, [-1, 1]), (2, [-2, -1, 1, 2]), (30, [-30, -20, -10, 10, 20, 30])])
def test_ghosts_are_evenly_spaced(reach, steps):
    assert ghost_steps(reach) == steps


def test_ghosts_are_drawn_as_far_as_there_are_frames(demo_window, monkeypatch):
    session, scene = demo_window.session, demo_window.scene_view
    before = picture(demo_window)
    monkeypatch.setattr(QInputDialog, "getInt", lambda *_: (30, True))
    demo_window.actions_by_name["ghosts"].trigger()
    assert picture(demo_window) != before and sum(mesh.visible() for mesh in scene.ghosts.items) == 3  # none before the first
    session.set_frame(100)
    scene.drawn()
    assert all(mesh.visible() for mesh in scene.ghosts.items)
    monkeypatch.setattr(QInputDialog, "getInt", lambda *_: (5, False))
    demo_window.actions_by_name["ghosts"].trigger()
    assert scene.ghosts.reach == 30
    session.set_frame(len(session) - 1)
    scene.drawn()
    assert sum(mesh.visible() for mesh in scene.ghosts.items) == 3


def test_a_foot_has_its_shadow_under_it_fainter_when_it_is_raised(demo_window):
    session, scene = demo_window.session, demo_window.scene_view
    heights = np.array([places_in_scene(session, frame)[ANKLE, 2] for frame in range(len(session))])
    strength = []
    for frame in (int(heights.argmin()), int(heights.argmax())):
        session.set_frame(frame)
        scene.drawn()
        _, disc = scene._shadows.items
        place = disc.transform().column(3)
        assert np.allclose((place.x(), place.y()), places_in_scene(session, frame)[ANKLE, :2], atol=1e-4)
        assert place.z() == pytest.approx(scene._floor, abs=0.01)
        strength.append(QColor(disc.opts["color"]).alphaF())
    assert strength[0] > 1.3 * strength[1] > 0


def test_the_camera_holds_what_it_sees(demo_window):
    scene = demo_window.scene_view
    green = QImage(640, 360, QImage.Format.Format_RGB32)
    green.fill(QColor("#00ff00"))
    demo_window.actions_by_name["view_top"].trigger()
    scene.set_picture(green)
    image = scene._camera.items[0]
    assert image.visible()
    corner, opposite = (image.transform().map(QVector3D(*place)) for place in ((0, 0, 0), (320, 180, 0)))
    clip, up = demo_window.session.clip, demo_window.session.up.direction
    for place, pixel in ((corner, (0, 0)), (opposite, clip.image_size)):
        ray = np.array([*((np.array(pixel) - clip.image_size * np.array(0.5)) / clip.camera.focal), 1.0])
        assert np.allclose(np.array((place.x(), place.y(), place.z())) / 0.5, in_scene(ray[None], up)[0], atol=0.02)
    scene.set_picture(None)
    assert not image.visible()


def test_from_the_cameras_place_its_picture_hides_nobody(demo_window):
    scene = demo_window.scene_view
    green = QImage(640, 360, QImage.Format.Format_RGB32)
    green.fill(QColor("#00ff00"))
    scene.set_picture(green)
    is_green = {}
    for view in ("start", "camera", "behind it"):
        scene.look_from("start" if view == "start" else "camera")
        if view == "behind it":
            scene.opts["distance"] *= 1.3
        if view == "start":
            scene.opts["distance"] = 14.0  # far enough for the camera to be in sight
        pixels = scene.drawn().convertToFormat(QImage.Format.Format_RGB32)
        flat = np.frombuffer(pixels.constBits(), np.uint8).reshape(-1, 4)[:, :3].astype(int)  # blue, green, red
        is_green[view] = float(((flat[:, 1] > 150) & (flat[:, 0] < 80) & (flat[:, 2] < 80)).mean())
    assert 0 < is_green["start"] < 0.2 and is_green["camera"] == is_green["behind it"] == 0


def test_the_turntable_goes_round_and_stops(qtbot, demo_window):
    scene = demo_window.scene_view
    demo_window.actions_by_name["turn"].trigger()
    start = scene.opts["azimuth"]
    qtbot.waitUntil(lambda: scene.opts["azimuth"] > start + 3, timeout=WAIT_MS)
    demo_window.actions_by_name["turn"].trigger()
    stopped = scene.opts["azimuth"]
    qtbot.wait(120)
    assert scene.opts["azimuth"] == stopped


def test_a_picture_of_the_scene_goes_to_the_clipboard_and_to_a_file(demo_window, monkeypatch, tmp_path):
    demo_window.actions_by_name["copy_scene"].trigger()
    copied = QGuiApplication.clipboard().image()
    assert copied.size() == demo_window.scene_view.grab().toImage().size()
    monkeypatch.setattr("app.window.scene_handlers.ask_where", lambda *_: tmp_path / "scene.png")
    demo_window.actions_by_name["save_scene"].trigger()
    saved = QImage(str(tmp_path / "scene.png"))
    assert saved.size() == copied.size() and len({saved.pixel(x, saved.height() // 2) for x in range(saved.width())}) > 10
    monkeypatch.setattr("app.window.scene_handlers.ask_where", lambda *_: tmp_path / "no" / "scene.png")
    demo_window.actions_by_name["save_scene"].trigger()
    assert "could not be written" in demo_window.status_line.message()


@pytest.mark.parametrize(
    ("renderer", "is_software"),
    [("llvmpipe (LLVM 15.0.7, 256 bits)", True), ("GDI Generic", True), ("NVIDIA GeForce RTX 3060/PCIe/SSE2", False),
     ("Mesa Intel(R) UHD Graphics 620 (KBL GT2)", False), ("Apple M2", False)],
)  # fmt: skip
def test_edges_are_smooth_where_a_graphics_card_draws(renderer, is_software):
    assert samples_of(renderer) == (0 if is_software else 4)
