import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mpm_core.camera import Intrinsics, SmoothPath, solve_root, to_camera, to_screen, upright
from mpm_core.camera_fit import fit_camera
from mpm_core.errors import UserError

CAMERA = Intrinsics((900.0, 910.0), (640.0, 350.0))


def smooth_path(root):
    """A whole path at once."""
    path = SmoothPath(len(root))
    path.renew(root, 0, len(root))
    return path.smooth


def test_rays_and_projection_are_inverse():
    points = np.random.default_rng(0).normal(size=(20, 16, 3)) + [0, 0, 5]
    rays = CAMERA.rays(CAMERA.project(points))
    assert np.allclose(rays, points[..., :2] / points[..., 2:], atol=1e-5)


def test_screen_coordinates_as_videopose3d_defines_them():
    assert to_screen(np.array([0.0, 0.0]), (1000, 800)).tolist() == pytest.approx([-1.0, -0.8])
    assert to_screen(np.array([1000.0, 400.0]), (1000, 800)).tolist() == pytest.approx([1.0, 0.0])


def test_the_assumed_camera_is_that_of_human36m_on_its_images():
    assert Intrinsics.assumed((1000, 1000)).focal[0] == pytest.approx(1145, rel=0.001)
    assert Intrinsics.assumed((1000, 1000)).is_assumed


def test_root_is_found_where_the_pose_fits_its_rays():
    rng = np.random.default_rng(3)
    pose = rng.normal(size=(8, 16, 3)) * 0.4
    root = rng.normal(size=(8, 3)) * [1, 0.4, 0.5] + [0, 0, 4]
    rays = (pose + root[:, None])[..., :2] / (pose + root[:, None])[..., 2:]
    visible = rng.random((8, 16)) > 0.5
    assert np.allclose(solve_root(pose, rays, visible), root, atol=1e-4)


def test_a_frame_with_one_visible_joint_has_no_root_of_its_own():
    pose, rays = np.random.default_rng(4).normal(size=(2, 16, 3)), np.zeros((2, 16, 2))
    visible = np.zeros((2, 16), bool)
    visible[0, 3] = True
    assert np.isnan(solve_root(pose, rays, visible)).all()


def test_paths_are_interpolated_over_gaps():
    path = np.stack([np.linspace(0, 1, 50)] * 3, axis=-1)
    holed = path.copy()
    holed[20:30] = np.nan
    assert np.allclose(smooth_path(holed)[10:40], path[10:40], atol=1e-3)
    assert (smooth_path(np.full((4, 3), np.nan)) == 0).all()


def test_depths_of_wrong_poses_are_passed_over():
    """A pose that is half as far away for some frames is an error of the 2D; a person who comes nearer is not."""
    path = np.stack([np.zeros(300), np.zeros(300), np.linspace(9, 3, 300)], axis=-1)
    wrong = path.copy()
    for part in (slice(0, 8), slice(150, 156)):
        wrong[part, 2] *= 0.5
    assert np.abs(smooth_path(wrong) - path)[:, 2].max() < 0.25
    assert np.abs(smooth_path(path) - path).max() < 0.05


def test_upright_turns_the_given_direction_up():
    tilt = Rotation.from_euler("x", 20, degrees=True).as_matrix()
    up = tuple(tilt @ [0, -1, 0])
    points = np.array([up, [0, 0, 0]])
    assert upright(points, up)[0].tolist() == pytest.approx([0, 1, 0], abs=1e-6)
    assert upright(np.array([[1.0, 2.0, 3.0]]), (0, -1, 0))[0].tolist() == pytest.approx([1, -2, -3])


def test_a_camera_is_recovered_from_noisy_points_with_outliers():
    rng = np.random.default_rng(5)
    world = rng.normal(size=(600, 3)) * [0.5, 0.5, 0.8]
    rotation = Rotation.from_euler("xyz", [100, 15, 40], degrees=True).as_matrix()
    translation = np.array([0.2, 0.1, 4.5])
    pixels = Intrinsics((1145, 1145), (512, 515)).project(to_camera(world, rotation, translation)) + rng.normal(size=(600, 2))
    pixels[::40] += 80
    fit = fit_camera(world, pixels)
    assert np.allclose(fit.rotation, rotation, atol=0.02)
    assert np.allclose(fit.translation, translation, atol=0.15)
    assert fit.intrinsics.focal[0] == pytest.approx(1145, rel=0.03)


def test_too_few_points_for_a_camera_are_refused():
    with pytest.raises(UserError, match="fitted"):
        fit_camera(np.zeros((5, 3)), np.zeros((5, 2)))
