"""How tall a person is, and what is lifted scaled to that."""

import re
from dataclasses import replace

import numpy as np
import pytest

from mpm_core import UserError, read_clip, write
from mpm_core.cli import main
from mpm_core.formats.base import WriteOptions
from mpm_core.grounding.floor import FEET
from mpm_core.lifters.aids import Aids
from mpm_core.lifters.sized import height_as_lifted, size_sentence
from mpm_core.skeleton import MPM16
from mpm_core.stature import check_height, stature
from mpm_core.synthesis import demo_motion
from mpm_core.training.views import Viewpoint, see


def seen(frames=150):
    return replace(see(demo_motion()[:frames], 50.0, Viewpoint(60.0, 15.0), "walk"), up=None)


def test_a_body_of_ordinary_proportions_is_as_tall_as_the_books_have_it():
    """Heights of the joints of a standing person as shares of the stature: Winter, figure 4.1."""
    heights = {"Ankle": 0.039, "Knee": 0.285, "Hip": 0.53, "Spine": 0.674, "Thorax": 0.818, "Head": 1.0}
    pose = np.zeros((1, 16, 3), np.float32)
    for joint, name in enumerate(MPM16.joints):
        pose[0, joint, 2] = 1.83 * heights.get(name.lstrip("LR"), 0.818)
    assert stature(pose) == pytest.approx(1.83, abs=0.001)
    assert stature(0.5 * pose) == pytest.approx(0.915, abs=0.001)
    assert stature(np.full((3, 16, 3), np.nan)) is None


def test_what_is_hidden_for_a_while_does_not_change_the_size():
    poses = demo_motion()[:200].astype(np.float32)
    hidden = np.zeros((200, 16), bool)
    hidden[40:160, list(MPM16.indices(("LKnee", "LAnkle", "Head")))] = True
    wrong = poses.copy()
    wrong[40:160] += np.where(hidden[40:160, :, None], 0.3, 0).astype(np.float32)
    assert stature(wrong, hidden) == pytest.approx(stature(poses), abs=0.005)
    assert abs(stature(wrong) - stature(poses)) > 0.05


@pytest.mark.parametrize("wrong", [0.0, 0.29, 2.81, -1.7, 178.0, float("nan"), float("inf")])
def test_no_person_is_that_tall(wrong):
    with pytest.raises(UserError, match=r"^--height: a person is 0\.3 to 2\.8 m tall"):
        check_height(wrong, "--height: ")
    check_height(None)


def test_bones_path_and_floor_scale_and_nothing_moves_in_the_picture(lifter):
    clip = seen()
    plain = lifter.lift(clip, aids=Aids(ground=False))
    tall = lifter.lift(replace(clip, height_m=1.95), aids=Aids(ground=False))
    factor = 1.95 / stature(plain.positions, plain.hidden)
    assert tall.scale == pytest.approx(factor, rel=1e-5) and abs(factor - 1) > 0.05 and plain.scale == 1
    assert stature(tall.positions, tall.hidden) == pytest.approx(1.95, abs=1e-3)
    for name in ("positions", "root", "hypotheses", "uncertainty", "foot_height"):
        assert np.allclose(getattr(tall, name), factor * getattr(plain, name), atol=1e-4), name
    assert np.abs(clip.camera.project(tall.absolute()) - clip.camera.project(plain.absolute())).max() < 0.05
    assert height_as_lifted(tall) == pytest.approx(height_as_lifted(plain), abs=1e-3)
    assert np.array_equal(tall.up, plain.up)


def test_a_person_who_was_scaled_stands_on_the_ground(lifter):
    clip = seen()
    plain, tall = lifter.lift(clip), lifter.lift(replace(clip, height_m=2.2))
    up = np.array(plain.up)
    floor = [np.percentile((answer.absolute()[:, list(FEET)] @ up).min(1), 10) for answer in (plain, tall)]
    assert floor[0] < -0.3 and floor[1] / floor[0] == pytest.approx(tall.scale, rel=0.05)
    steps = [np.linalg.norm(np.diff(answer.root[10:140:10], axis=0), axis=1).sum() for answer in (plain, tall)]
    assert steps[1] / steps[0] == pytest.approx(tall.scale, rel=0.05)


def test_the_body_does_not_breathe_while_a_mask_changes(lifter):
    task = lifter.start(replace(seen(), height_m=1.6))
    list(task.update(None))
    first = task.prediction()
    mask = np.zeros((150, 16), bool)
    for joints in ((4, 5, 6), (9,), (2, 3)):
        mask[:] = False
        mask[30:110, list(joints)] = True
        for _ in task.update(mask, 70):
            assert task.prediction().scale == pytest.approx(first.scale, rel=0.02)
        answer = task.prediction()
        assert answer.scale == pytest.approx(first.scale, rel=0.02)
        assert stature(answer.positions, answer.hidden) == pytest.approx(1.6, abs=1e-3)


def test_a_height_that_is_said_later_or_taken_back_is_followed(lifter):
    clip = seen()
    task = lifter.start(clip)
    list(task.update(None))
    plain = task.prediction()
    for height in (1.5, 1.9, None):
        task.replace_clip(replace(clip, height_m=height))
        list(task.update(None))
        fresh = lifter.lift(replace(clip, height_m=height))
        assert np.abs(task.prediction().absolute() - fresh.absolute()).max() < 1e-3
    assert np.array_equal(task.prediction().positions, plain.positions)


@pytest.mark.parametrize("wrong", [-1.7, 0.0, 178.0])
def test_a_clip_whose_height_is_none_is_not_lifted(lifter, wrong):
    clip = seen(20)
    with pytest.raises(UserError, match="a person is"):
        lifter.lift(replace(clip, height_m=wrong))
    task = lifter.start(clip)
    with pytest.raises(UserError, match="a person is"):
        task.replace_clip(replace(clip, height_m=wrong))


def test_3d_that_is_completed_keeps_its_size(lifter):
    clip = replace(seen(60), height_m=2.5)
    mask = np.zeros((60, 16), bool)
    mask[:, 12] = True
    task = lifter.start(clip, "complete")
    list(task.update(mask))
    answer = task.prediction()
    assert answer.scale == 1 and np.allclose(answer.absolute()[~mask], clip.ground_truth[~mask], atol=1e-5)


@pytest.mark.parametrize("suffix", [".npz", ".csv"])
def test_the_height_is_written_and_found_again(lifter, tmp_path, suffix):
    clip = replace(seen(40), ground_truth=None, height_m=1.83)
    write(clip, tmp_path / f"clip{suffix}")
    assert read_clip(tmp_path / f"clip{suffix}").height_m == pytest.approx(1.83)
    write(lifter.lift(clip), tmp_path / f"answer{suffix}", WriteOptions(clip=clip))
    again = read_clip(tmp_path / f"answer{suffix}")
    assert again.height_m == pytest.approx(1.83) and stature(again.ground_truth) == pytest.approx(1.83, abs=1e-3)
    write(replace(clip, height_m=None), tmp_path / f"unknown{suffix}")
    assert read_clip(tmp_path / f"unknown{suffix}").height_m is None


def test_a_file_with_a_height_that_is_none_is_refused(tmp_path):
    write(replace(seen(5), ground_truth=None, height_m=1.8), tmp_path / "clip.csv")
    text = (tmp_path / "clip.csv").read_text()
    for wrong in ("tall", "17.8", "nan", ""):
        (tmp_path / "wrong.csv").write_text(text.replace("# height_m: 1.8", f"# height_m: {wrong}"))
        with pytest.raises(UserError, match=r"wrong\.csv: "):
            read_clip(tmp_path / "wrong.csv")
    arrays = dict(np.load(_as_npz(tmp_path)))
    for wrong in (np.array("tall"), np.array([1.7, 1.8]), np.array(0.0)):
        np.savez(tmp_path / "wrong.npz", **(arrays | {"height_m": wrong}))
        with pytest.raises(UserError, match=r"wrong\.npz: "):
            read_clip(tmp_path / "wrong.npz")


def _as_npz(folder):
    write(seen(5), folder / "clip.npz")
    return folder / "clip.npz"


def test_the_command_line_takes_a_height_and_says_what_it_did(tmp_path, caplog):
    write(replace(seen(60), ground_truth=None), tmp_path / "walk.npz")
    walk, out = str(tmp_path / "walk.npz"), tmp_path / "a.npz"
    with caplog.at_level("INFO", "mpm"):
        assert main(["lift", walk, "-o", str(out)]) == 0
        assert "m tall, as lifted: nobody has said the height" in caplog.text
        assert main(["lift", walk, "-o", str(out), "--height", "1.42"]) == 0
        assert "the person is 1.42 m tall, as it is known (1." in caplog.text
    answer = read_clip(out)
    assert answer.height_m == 1.42 and stature(answer.ground_truth) == pytest.approx(1.42, abs=1e-3)
    for wrong in (
        ["lift", walk, "--height", "142"],
        ["convert", walk, "--height", "0"],
        ["convert", str(out), "--height", "1.7"],  # its 3D would be of another size than it says
        ["complete", str(out), "--height", "1.7"],
    ):
        assert main([*wrong, "-o", str(tmp_path / "b.npz")]) == 2 and not (tmp_path / "b.npz").exists()
    assert main(["convert", walk, "-o", str(tmp_path / "c.npz"), "--height", "1.7"]) == 0
    assert read_clip(tmp_path / "c.npz").height_m == 1.7


def test_before_there_is_an_answer_nothing_is_said_of_its_size(lifter):
    answer = lifter.start(seen(30)).prediction()
    assert "nothing is known" in size_sentence(None, answer)


@pytest.mark.parametrize("ending", ["bvh", "c3d", "trc"])
def test_a_written_motion_is_read_as_tall_as_it_was(demo, tmp_path, ending):
    clip = demo.cut(0, 99)
    write(replace(clip, keypoints=None), tmp_path / f"walk.{ending}")
    tall = stature(clip.to_mpm16().ground_truth)
    told = float(re.search(r"about (\d\.\d\d) m tall", " ".join(read_clip(tmp_path / f"walk.{ending}").notes))[1])
    assert told == pytest.approx(tall, abs=0.011)
