"""Up by lines along things that stand upright in the picture."""

import numpy as np
import pytest

from mpm_core import UserError
from mpm_core.camera import LEVEL_CAMERA_UP, Intrinsics
from mpm_core.grounding.marks import up_of_marks
from mpm_core.grounding.up import Up, up_of_camera
from mpm_core.metrics import angle_deg

CAMERA = Intrinsics((1000.0, 1000.0), (640.0, 360.0))


def upright_line(up, place, length=2.0):
    """Pixels of both ends of a pole of so many metres that stands at a place (3,) in camera axes."""
    foot = np.array(place, float)
    return CAMERA.project(np.stack((foot, foot + length * np.array(up))))


@pytest.mark.parametrize(("pitch", "roll"), [(0, 0), (25, 0), (-15, 8), (40, -20)])
def test_two_poles_tell_up_whatever_was_known_before(pitch, roll):
    true = up_of_camera(pitch, roll)
    lines = np.stack([upright_line(true, place) for place in ((-2, 1, 6), (1.5, 1, 5))])
    for before in (LEVEL_CAMERA_UP, up_of_camera(pitch + 20, roll - 10)):
        for order in (lines, lines[::-1], lines[:, ::-1]):
            marked = up_of_marks(order, CAMERA, before)
            assert marked.is_fixed and angle_deg(np.array(marked.direction), np.array(true)) < 0.01
    many = np.concatenate((lines, upright_line(true, (0.3, 0.5, 9))[None]))
    assert angle_deg(np.array(up_of_marks(many, CAMERA, LEVEL_CAMERA_UP).direction), np.array(true)) < 0.01


def test_one_pole_in_the_middle_tells_the_roll_and_leaves_the_pitch():
    line = upright_line(up_of_camera(20, 12), (0, 0.3, 6))[None]
    marked = up_of_marks(line, CAMERA, up_of_camera(5, 0))
    up = Up(marked.direction, "clip")
    assert not marked.is_fixed and up.roll_deg == pytest.approx(12, abs=2) and up.pitch_deg == pytest.approx(5, abs=2)
    # What it tells is that up lies in the plane of the line's rays; it is the nearest there.
    normal = np.cross(*np.concatenate((CAMERA.rays(line[0]), np.ones((2, 1))), axis=1))
    assert abs(np.dot(normal / np.linalg.norm(normal), marked.direction)) < 1e-6
    away = np.sin(np.radians(angle_deg(np.array(marked.direction), np.array(up_of_camera(5, 0)))))
    assert away == pytest.approx(abs(np.dot(normal / np.linalg.norm(normal), up_of_camera(5, 0))), abs=1e-6)


def test_lines_beside_each_other_do_not_pretend_to_tell_the_pitch():
    true = up_of_camera(30, 0)
    near = np.stack([upright_line(true, place) for place in ((0, 0.5, 6), (0.3, 0.5, 6))])
    near[1, 0, 0] += 2  # clicked two pixels off
    marked = up_of_marks(near, CAMERA, up_of_camera(28, 0))
    assert not marked.is_fixed and Up(marked.direction, "clip").pitch_deg == pytest.approx(28, abs=1)


def test_what_is_no_upright_is_refused():
    level = np.array([[[100.0, 300.0], [1100.0, 305.0]]])
    with pytest.raises(UserError, match="mark things that stand upright"):
        up_of_marks(level, CAMERA, LEVEL_CAMERA_UP)
    for short in ([[600.0, 300.0], [602.0, 310.0]], [[600.0, 300.0], [600.0, 300.0]]):
        with pytest.raises(UserError, match="too short"):
            up_of_marks(np.array([short]), CAMERA, LEVEL_CAMERA_UP)
