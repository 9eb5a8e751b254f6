"""Several calibrated cameras from their files, by the command."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from mpm_core import Clip, UserError, read_clip, write
from mpm_core.assets import find_asset
from mpm_core.calibrated import CalibratedCamera, camera_of, read_cameras
from mpm_core.camera import Intrinsics
from mpm_core.cli import main
from mpm_core.formats.base import WriteOptions
from mpm_core.lifters.denoisers import has_denoiser
from mpm_core.skeleton import MPM16

FRAMES = 60
LENS = (-0.12, 0.03, 0.001, -0.002)


def as_toml(name, matrix, rotation, translation, **more):
    told = {
        "name": f'"{name}"',
        "size": [1000, 1000],
        "matrix": matrix,
        "rotation": rotation,
        "translation": translation,
    } | more
    return f"[{name}]\n" + "\n".join(f"{key} = {value}" for key, value in told.items()) + "\n"


@pytest.fixture
def recording(tmp_path):
    """Two cameras at right angles, whose lenses bend; their calibration and keypoints in files, and the motion in the first
    one's axes."""
    motion = read_clip(find_asset("demo/demo.npz")).to_mpm16().ground_truth[:FRAMES].astype(float)
    hip, matrix, text = motion[:, MPM16.root].mean(0), [[1000.0, 0.0, 500.0], [0.0, 1000.0, 500.0], [0.0, 0.0, 1.0]], ""
    for number, angle in enumerate((0.0, np.pi / 2), start=1):
        turn = Rotation.from_rotvec([0, angle, 0])
        offset = hip - turn.apply(hip)
        seen = turn.apply(motion.reshape(-1, 3)).reshape(motion.shape) + offset
        x, y = (seen[..., :2] / seen[..., 2:]).transpose(2, 0, 1)
        r2, (k1, k2, p1, p2) = x * x + y * y, LENS
        radial = 1 + k1 * r2 + k2 * r2 * r2
        bent = np.stack(
            (x * radial + 2 * p1 * x * y + p2 * (r2 + 2 * x * x), y * radial + p1 * (r2 + 2 * y * y) + 2 * p2 * x * y), axis=-1
        )
        clip = Clip.from_arrays(bent * 1000 + 500, (1000, 1000), 50.0, camera=Intrinsics((1000.0, 1000.0), (500.0, 500.0)))
        write(clip, tmp_path / f"cam0{number}.npz")
        text += as_toml(f"cam_0{number}", matrix, [0.0, angle, 0.0], offset.tolist(), distortions=list(LENS))
    (tmp_path / "calib.toml").write_text(text)
    return tmp_path, motion


def test_a_lens_is_straightened_and_places_are_read(recording):
    folder, motion = recording
    cameras = read_cameras(folder / "calib.toml")
    for camera in cameras:
        clip = read_clip(folder / f"{camera.name.replace('_', '')}.npz").to_mpm16()
        seen = motion @ camera.rotation.T + camera.translation
        straight = camera.seen(clip)
        assert np.abs(straight.camera.project(seen) - straight.keypoints).max() < 0.1
        assert np.abs(straight.camera.project(seen) - clip.keypoints).max() > 0.2, "the lens does bend"


def test_names_of_files_tell_cameras(recording):
    from pathlib import Path

    cameras = read_cameras(recording[0] / "calib.toml")
    assert (
        camera_of(cameras, Path("cam01.json")).name == camera_of(cameras, Path("walk-cam_01_keypoints.json")).name == "cam_01"
    )
    assert camera_of(cameras, Path("anything.json"), "cam_02").name == "cam_02"
    for path, name in (("cam012.json", ""), ("walk.json", ""), ("cam01.json", "cam_9")):
        with pytest.raises(UserError, match="there are: cam_01, cam_02"):
            camera_of(cameras, Path(path), name)


@pytest.mark.skipif(not has_denoiser(), reason="needs the weights of the denoiser")
def test_the_command_lifts_by_both(recording, caplog):
    folder, motion = recording
    relative, errors = motion - motion[:, :1], []
    for views in (["cam01"], ["cam01", "cam02"]):
        out = folder / "out.npz"
        files = [f"{folder}/{view}.npz" for view in views]
        asked = ["--cameras", f"{folder}/calib.toml", "--samples", "3", "--steps", "4", "-o", str(out)]
        assert main(["together", *files, *asked]) == 0, caplog.text
        errors.append(np.linalg.norm(read_clip(out).to_mpm16().ground_truth - motion, axis=-1).mean())
    assert errors[1] < 0.2 * errors[0] and errors[1] < 0.01 < np.abs(relative).max()
    assert "off the keypoints: cam_01" in caplog.text and "2 cameras" in str(read_clip(out).history)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda text: text.replace("rotation", "turned"), "does not say rotation"),
        (lambda text: text.replace("[0.0, 0.0, 0.0]", "[0.0, 0.0]"), "rotation must be 3 numbers"),
        (lambda text: text.replace("[1000, 1000]", "[640, 480]"), "its image is 1000 x 1000 pixels"),
        (lambda text: text + "fisheye = true\n", "fisheye"),
        (lambda text: text.replace("cam_02", "cam_01"), "TOML"),
        (lambda text: "colour = 1\n", "has no cameras"),
        (lambda text: text.replace("translation = [", "translation = [4000.0, 0.0, 0.0] # "), "--unit mm"),
        (lambda text: text.replace("matrix = [[1000.0", "matrix = [[nan"), "matrix must be 3 x 3 numbers"),
    ],
)
def test_what_is_wrong_with_a_calibration_is_one_sentence(recording, caplog, change, said):
    folder, _ = recording
    calibration = folder / "calib.toml"
    calibration.write_text(change(calibration.read_text()))
    out = folder / "out.npz"
    assert main(["together", f"{folder}/cam01.npz", f"{folder}/cam02.npz", "--cameras", str(calibration), "-o", str(out)]) == 2
    assert said in caplog.text and len(caplog.records) == 1 and not out.exists()


def test_a_camera_has_one_file(recording, caplog):
    folder, _ = recording
    asked = ["--cameras", f"{folder}/calib.toml", "-o", f"{folder}/out.npz"]
    assert main(["together", f"{folder}/cam01.npz", f"cam_01={folder}/cam02.npz", *asked]) == 2
    assert "has a file already" in caplog.text
    assert main(["together", f"{folder}/cam01.mp4", *asked]) == 2 and "is a video" in caplog.text
    assert main(["together", f"{folder}/cam01.npz", "--samples", "0", "--no-fit", *asked]) == 2 and "1 or more" in caplog.text
    assert main(["together", f"{folder}/cam01.npz", "--steps", "3", *asked]) == 2 and "no --samples are asked" in caplog.text
    assert main(["together", f"{folder}/cam01.npz", "--uncertainty", *asked]) == 2 and "--uncertainty needs" in caplog.text


@pytest.mark.skipif(not has_denoiser(), reason="needs the weights of the denoiser")
def test_a_clip_that_began_later_is_brought_to_the_same_moment(recording, caplog):
    folder, motion = recording
    write(read_clip(folder / "cam02.npz").cut(12, FRAMES - 1), folder / "late.npz")
    out, cameras = folder / "out.npz", ["--cameras", f"{folder}/calib.toml", "--samples", "3", "--steps", "4"]
    assert main(["together", f"{folder}/cam01.npz", f"cam_02={folder}/late.npz", *cameras, "-o", str(out)]) == 0, caplog.text
    said = "late.npz begins 12.0 frames (0.24 s) later, as how both move tells"
    written = read_clip(out).to_mpm16()
    assert said in caplog.text and said in [step.text for step in written.history]
    assert np.linalg.norm(written.ground_truth - motion, axis=-1)[12:].mean() < 0.01


def test_what_was_saved_as_hidden_is_hidden_in_its_camera(recording, caplog):
    folder, _ = recording
    command = ["together", *(str(folder / f"cam0{n}.npz") for n in (1, 2)), "--cameras", str(folder / "calib.toml")]
    wrist, out = MPM16.index("LWrist"), folder / "both.npz"

    def answer(*more):
        assert main([*command, *more, "-o", str(out)]) == 0, caplog.text
        return read_clip(out).to_mpm16().ground_truth

    plain, hidden = answer(), answer("--hide", "LWrist")
    mask = np.zeros((FRAMES, 16), bool)
    mask[:, wrist] = True
    for n in (1, 2):
        path = folder / f"cam0{n}.npz"
        write(read_clip(path), path, WriteOptions(mask=mask))
    assert np.allclose(answer(), hidden, atol=1e-4) and np.abs(hidden - plain)[:, wrist].max() > 0.01
    assert f"{FRAMES} joints stay hidden, as they were saved" in caplog.text


def test_that_alternatives_do_not_count_is_said(recording, caplog):
    folder, _ = recording
    clip, taken = read_clip(folder / "cam01.npz").to_mpm16(), np.zeros((FRAMES, 16, 4), np.float32)
    taken[:, MPM16.index("LWrist")] = (0, -1, 0, 1)
    command = ["together", *(str(folder / f"cam0{n}.npz") for n in (1, 2)), "--cameras", str(folder / "calib.toml")]
    for chosen, is_said in ((None, False), (taken, True)):
        write(replace(clip, chosen=chosen), folder / "cam01.npz")
        assert main([*command, "-o", str(folder / "both.npz")]) == 0
        assert ("alternatives that were taken do not count" in caplog.text) == is_said


def test_what_was_done_is_told_once(recording):
    if not has_denoiser():
        pytest.skip("needs the weights of the denoiser")
    folder, _ = recording
    out = folder / "out.npz"
    files = [f"{folder}/cam0{number}.npz" for number in (1, 2)]
    assert (
        main(["together", *files, "--cameras", f"{folder}/calib.toml", "--samples", "1", "--steps", "2", "-o", str(out)]) == 0
    )
    told = [step.text for step in read_clip(out).history]
    assert sum(text.startswith(f"read from {folder}/cam01.npz") for text in told) == 1
    assert f"seen by 'cam_02': {folder}/cam02.npz" in told and any("agrees with 'cam_01'" in text for text in told)


def test_exchanged_cameras_are_refused(recording, caplog):
    folder, _ = recording
    out, files = folder / "out.npz", [f"cam_02={folder}/cam01.npz", f"cam_01={folder}/cam02.npz"]
    assert main(["together", *files, "--cameras", f"{folder}/calib.toml", "-o", str(out)]) == 2
    assert "exchanged" in caplog.text and len(caplog.records) == 1 and not out.exists()


def wide(size=None):
    """A camera whose lens can be straightened out to the sides of its image, but not much farther, nor into the corners."""
    return CalibratedCamera("cam", size, Intrinsics((600.0, 600.0), (500.0, 500.0)), np.array([-0.16, 0, 0, 0, 0]), np.eye(3),
                            np.zeros(3))  # fmt: skip


@pytest.mark.parametrize("size", [(1000, 1000), None])
def test_joints_that_are_missing_or_outside_of_the_image_bend_no_lens(size):
    """They refused the whole file: what is missing lies at (0, 0), in a corner."""
    points = np.full((4, 16, 2), 700.0)
    points[0, 3], points[1, 5] = np.nan, (500, 2600)
    clip = wide(size).seen(Clip.from_arrays(points, (1000, 1000), 50.0))
    assert np.argwhere(~clip.visible).tolist() == [[0, 3], [1, 5]]
    assert (clip.confidence[~clip.visible] == 0).all() and (clip.keypoints[~clip.visible] == 0).all()
    assert (clip.keypoints[clip.visible] > 700).all() and any(
        "1 of all joints lie so far outside" in note for note in clip.notes
    )
    inside = points.copy()
    inside[1, 5] = (999, 999)
    with pytest.raises(UserError, match="bends too much"):
        replace(wide(size), distortion=np.array([-0.4, 0, 0, 0, 0])).seen(Clip.from_arrays(inside, (1000, 1000), 50.0))


@pytest.mark.parametrize(("unit", "per_m"), [("mm", 1000), ("cm", 100)])
def test_translations_in_the_unit_of_a_board(recording, tmp_path, unit, per_m):
    folder, _ = recording
    cameras = read_cameras(folder / "calib.toml")
    matrix = [[1000.0, 0.0, 500.0], [0.0, 1000.0, 500.0], [0.0, 0.0, 1.0]]
    text = "".join(as_toml(c.name, matrix, [0.0, 0.0, 0.0], (c.translation * per_m).tolist()) for c in cameras)
    (tmp_path / "board.toml").write_text(text)
    for before, after in zip(cameras, read_cameras(tmp_path / "board.toml", unit), strict=True):
        assert after.translation == pytest.approx(before.translation)
