"""What is read back of our own files, over all options: the same, and a guess is never taken for a measurement."""

import json
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from mpm_core import UserError, attach_truth, read_clip, write
from mpm_core.camera import Intrinsics
from mpm_core.cli import main
from mpm_core.clip import Clip
from mpm_core.formats import writers
from mpm_core.formats.base import WriteOptions
from mpm_core.formats.motion.world import world_of
from mpm_core.formats.project_clip import clip_from, clip_parts
from mpm_core.skeleton import MPM16

FRAMES = 60
ARM = list(MPM16.limb("left arm"))
HIDDEN = slice(20, 40)


@pytest.fixture(scope="module")
def clip(demo):
    """Keypoints with everything that a file can keep beside them."""
    cut = demo.cut(150, 150 + FRAMES - 1)
    rng = np.random.default_rng(1)
    confidence = rng.uniform(0.3, 1, (FRAMES, 16)).round(4)
    confidence[7, 3] = 0
    times = 2 + np.arange(FRAMES) / 50 + rng.uniform(-0.004, 0.004, FRAMES)
    made = Clip.from_arrays(
        cut.keypoints, cut.image_size, 50, "mpm16", confidence, cut.ground_truth, times.round(6),
        Intrinsics((1200.5, 1199.25), (650.0, 360.5)), (0.0, -0.96, -0.28), "walk.mp4", height_m=1.784,
    )  # fmt: skip
    derived, edited = np.zeros((2, FRAMES, 16), bool)
    derived[:, 0], edited[11, 5] = made.visible[:, 0], True
    return replace(made, derived=derived, edited=edited)


@pytest.fixture(scope="module")
def prediction(clip, lifter):
    mask = np.zeros((FRAMES, 16), bool)
    mask[HIDDEN, ARM] = True
    return lifter.lift(clip, mask)


def marked(clip):
    """(frames, 16), what a clip says that a lifter filled in."""
    clip = clip.to_mpm16()
    return np.zeros((len(clip), 16), bool) if clip.completed is None else clip.completed


def assert_same_facts(again, clip, digits=6):
    assert again.camera == clip.camera and again.image_size == clip.image_size and again.height_m == clip.height_m
    assert again.up == pytest.approx(clip.up, abs=10**-digits) and again.fps == clip.fps
    assert np.abs(again.times - clip.times).max() < 10**-digits


@pytest.mark.parametrize(("name", "options"), [
    ("a.npz", {}), ("a.csv", {}), ("a.csv", {"long": True}), ("a.npz", {"first": 5, "last": 44}),
    ("a.csv", {"first": 5, "last": 44}), ("a.csv", {"long": True, "first": 5, "last": 44}),
])  # fmt: skip
@pytest.mark.parametrize("is_assumed", [False, True])
def test_2d_comes_back_with_camera_up_height_times_and_marks(tmp_path, clip, name, options, is_assumed):
    camera = replace(clip.camera, is_assumed=is_assumed)
    flat = replace(clip, ground_truth=None, camera=camera)
    write(flat, tmp_path / name, WriteOptions(**options))
    again = read_clip(tmp_path / name)
    flat = flat.cut(options.get("first", 0), options.get("last", FRAMES - 1))
    assert_same_facts(again, flat)
    assert np.abs(again.keypoints - flat.keypoints).max() < 1e-4 and np.allclose(again.confidence, flat.confidence, atol=1e-4)
    for mark in ("visible", "derived", "edited"):
        assert (getattr(again, mark) == getattr(flat, mark)).all(), mark
    assert again.completed is None and not again.is_virtual


@pytest.mark.parametrize("long", [False, True])
def test_tidy_2d_comes_back_but_for_what_it_has_no_column_for(tmp_path, clip, long):
    flat = replace(clip, ground_truth=None)
    write(flat, tmp_path / "t.csv", WriteOptions(tidy=True, long=long))
    again = read_clip(tmp_path / "t.csv", image_size=flat.image_size)
    assert np.abs(again.keypoints - flat.keypoints).max() < 1e-4 and np.allclose(again.confidence, flat.confidence, atol=1e-4)
    assert (again.derived == flat.derived).all() and (again.edited == flat.edited).all()
    assert np.abs(again.times - flat.times).max() < 1e-6


@pytest.mark.parametrize(("suffix", "long"), [(".npz", False), (".csv", False), (".csv", True)])
def test_a_prediction_comes_back_where_it_was(tmp_path, prediction, clip, suffix, long):
    write(prediction, tmp_path / f"p{suffix}", WriteOptions(clip=clip, long=long))
    again = read_clip(tmp_path / f"p{suffix}")
    assert_same_facts(again, clip)
    assert np.abs(again.ground_truth - prediction.absolute()).max() < 1e-5
    assert (marked(again) == prediction.hidden).all() and (again.derived[:, 0] == clip.derived[:, 0]).all()
    assert np.allclose(again.confidence, clip.confidence, atol=1e-4)


@pytest.mark.parametrize(("unit", "up", "long", "in_place", "fps"), [
    *product((None, "mm"), (None, "z"), (False, True), (False, True), (None,)), ("cm", "y", True, False, 30),
    ("m", "z", False, True, 100),
])  # fmt: skip
def test_tidy_3d_comes_back_whatever_its_options(tmp_path, prediction, clip, unit, up, long, in_place, fps):
    options = WriteOptions(clip=clip, tidy=True, unit=unit, up_axis=up, long=long, in_place=in_place, fps=fps)
    write(prediction, tmp_path / "t.csv", options)
    again = read_clip(tmp_path / "t.csv")
    world = world_of(prediction, options)
    assert again.fps == pytest.approx(1 / world.frame_time, rel=1e-4)
    assert (marked(again) == world.completed).all() and world.completed.any()
    assert_same_pose(again, world)
    assert f"up is the file's {up or 'y'} axis" in " ".join(again.notes)


def assert_same_pose(again, world, error_m=1e-4):
    """The same shape in every frame, whatever the axes: all distances between joints agree."""
    apart = [np.linalg.norm(p[:, :, None] - p[:, None], axis=-1) for p in (again.to_mpm16().ground_truth, world.positions)]
    assert np.abs(apart[0] - apart[1]).max() < error_m


@pytest.mark.parametrize(("name", "options"), [
    ("a.c3d", {}), ("a.c3d", {"unit": "m", "up_axis": "y"}), ("a.json", {}), ("a.json", {"unit": "mm", "up_axis": "y"}),
    ("a.json", {"fps": 30}), ("a.c3d", {"fps": 120, "in_place": True}), ("a.trc", {}),
    ("a.trc", {"unit": "mm", "up_axis": "z"}),
])  # fmt: skip
def test_world_files_come_back_in_shape_rate_and_marks(tmp_path, prediction, clip, name, options):
    said = write(prediction, tmp_path / name, WriteOptions(clip=clip, **options))
    again, world = read_clip(tmp_path / name), world_of(prediction, WriteOptions(clip=clip, **options))
    assert_same_pose(again, world, 1e-3)
    assert again.fps == pytest.approx(1 / world.frame_time, rel=1e-4)
    if name.endswith(".trc"):
        assert "were filled in by a lifter, which TRC in 3D" in said[0] and not marked(again).any()
    else:
        assert not said and (marked(again) == world.completed).all() and world.completed.any()


CARRYING = ["npz", "csv", "long.csv", "tidy.csv", "both.csv", "c3d", "json"]


def with_options(name):
    return ["--long"] * (name in ("long.csv", "both.csv")) + ["--tidy"] * (name in ("tidy.csv", "both.csv"))


@pytest.mark.parametrize("first", CARRYING)
def test_convert_never_turns_a_guess_into_a_measurement(tmp_path, prediction, clip, first):
    """Through every pair of a writer and a reader that can carry marks."""
    even = replace(clip, times=np.arange(FRAMES) / 50)  # one frame time for all, so that the frames stay as they are
    answer = replace(prediction, times=even.times)
    flags = with_options(first)
    begin = tmp_path / f"first.{first}"
    write(answer, begin, WriteOptions(clip=even, long="--long" in flags, tidy="--tidy" in flags))
    assert (marked(read_clip(begin)) == answer.hidden).all()
    for second in CARRYING:
        end = tmp_path / f"second.{second}"
        assert main(["convert", str(begin), "-o", str(end), *with_options(second)]) == 0
        assert (marked(read_clip(end)) == answer.hidden).all(), second


def test_the_others_say_that_they_cannot_tell(tmp_path, prediction, clip, caplog):
    write(prediction, tmp_path / "p.npz", WriteOptions(clip=clip))
    for entry in writers():
        for suffix in entry.suffixes:
            said = write(read_clip(tmp_path / "p.npz"), tmp_path / f"x{suffix}")
            assert any("filled in by a lifter" in note for note in said) == (not entry.keeps_marks), suffix
    assert main(["convert", str(tmp_path / "p.npz"), "-o", str(tmp_path / "p.bvh")]) == 0
    assert "6.4 % of the joints were filled in by a lifter, which BVH motion cannot say" in caplog.text
    assert not write(clip, tmp_path / "clean.trc")[:-1]  # nobody guessed anything there


def test_completion_of_a_file_with_guesses_keeps_them_apart(tmp_path, prediction, clip):
    write(prediction, tmp_path / "p.npz", WriteOptions(clip=clip))
    assert main(["complete", str(tmp_path / "p.npz"), "-o", str(tmp_path / "c.csv"), "--hide", "RWrist:50-55"]) == 0
    expected = prediction.hidden.copy()
    expected[50:56, MPM16.index("RWrist")] = True
    assert (marked(read_clip(tmp_path / "c.csv")) == expected).all()


def test_angles_motion_and_glb_say_where_they_guess(tmp_path, prediction, clip):
    import pandas
    import pygltflib

    even = replace(prediction, times=np.arange(FRAMES) / 50)
    for name in ("a.angles.csv", "a.mot", "a.glb"):
        write(even, tmp_path / name, WriteOptions(clip=clip))
    table = pandas.read_csv(tmp_path / "a.angles.csv", comment="#")
    said = [set(names.split()) for names in table.not_measured.fillna("")]
    assert said == [{MPM16.joints[n] for n in np.flatnonzero(row)} for row in even.hidden]
    head = (tmp_path / "a.mot").read_text().partition("endheader")[0]
    assert "not measured, in rows from 0: RAnkle 7-7; LShoulder 20-39; LElbow 20-39; LWrist 20-39" in head
    extras = pygltflib.GLTF2().load(str(tmp_path / "a.glb")).animations[0].extras
    assert extras == {"not_measured": {"RAnkle": [[7, 7]]} | {MPM16.joints[n]: [[20, 39]] for n in ARM}}


def test_projects_keep_what_was_completed(tmp_path, prediction, clip):
    write(prediction, tmp_path / "p.npz", WriteOptions(clip=clip))
    before = read_clip(tmp_path / "p.npz")
    note, arrays = clip_parts(before)
    again = clip_from(json.loads(json.dumps(note)), arrays, tmp_path / "p.mpmproj")
    assert (again.completed == before.completed).all() and (again.confidence == before.confidence).all()
    assert marked(again.cut(10, 29)).sum() == before.completed[10:30].sum() > 0


def test_what_is_between_a_guess_and_a_measurement_is_a_guess(prediction, clip):
    even = replace(prediction, times=np.arange(FRAMES) / 50)
    world = world_of(even, WriteOptions(clip=clip, fps=120))
    inside = (world.times > 19 / 50 + 1e-9) & (world.times < 40 / 50 - 1e-9)
    assert (world.completed[:, ARM] == inside[:, None]).all()


def test_other_programs_residuals_of_zero_mean_nothing(tmp_path, prediction, clip):
    import ezc3d

    write(prediction, tmp_path / "ours.c3d", WriteOptions(clip=clip))
    file = ezc3d.c3d(str(tmp_path / "ours.c3d"))
    file.add_parameter("MANUFACTURER", "SOFTWARE", ["another"])
    file.write(str(tmp_path / "theirs.c3d"))
    assert marked(read_clip(tmp_path / "ours.c3d")).any() and not marked(read_clip(tmp_path / "theirs.c3d")).any()


def test_guesses_are_no_ground_truth(tmp_path, prediction, clip):
    write(prediction, tmp_path / "p.npz", WriteOptions(clip=clip))
    found = attach_truth(replace(clip, ground_truth=None), read_clip(tmp_path / "p.npz"), 0.0)
    assert np.isnan(found.clip.ground_truth[HIDDEN, ARM]).all() and found.clip.completed is None
    assert any("6.4 % of its joints are left out, as a lifter filled them in" in note for note in found.clip.notes)


@pytest.mark.parametrize(("line", "sentence"), [
    ("# camera: 1 2 three 4", "'camera' must be two focal lengths"), ("# camera: 1 2", "'camera' must be two"),
    ("# camera:", "'camera' must be two"), ("# camera: nan 1 1 1", "camera"), ("# camera: 0 0 1 1 assumed", "focal|camera"),
])  # fmt: skip
def test_a_camera_that_is_none_is_refused(tmp_path, clip, line, sentence):
    write(replace(clip, ground_truth=None), tmp_path / "a.csv")
    text = (tmp_path / "a.csv").read_text().splitlines()
    text = [line if old.startswith("# camera") else old for old in text]
    (tmp_path / "a.csv").write_text("\n".join(text))
    with pytest.raises(UserError, match=sentence):
        read_clip(tmp_path / "a.csv")


@pytest.mark.parametrize(("old", "new", "sentence"), [
    ("LWrist", "LPaw", "none of our joints"), ("\n3,", "\n2,", "two rows for one frame"),
    ("\n3,", "\n3.5,", "whole numbers"), ("\n3,", "\n99999999,", "cannot be right"),
])  # fmt: skip
def test_a_broken_tidy_table_is_one_sentence(tmp_path, prediction, clip, old, new, sentence):
    write(prediction, tmp_path / "t.csv", WriteOptions(clip=clip, tidy=True, long=True))
    (tmp_path / "t.csv").write_text((tmp_path / "t.csv").read_text().replace(old, new, 1))
    with pytest.raises(UserError, match=sentence):
        read_clip(tmp_path / "t.csv")
