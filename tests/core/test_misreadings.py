"""Files that could be read as something else without a word: other orders of axes, units of time, scores and categories."""

import numpy as np
import pytest

from mpm_core import UserError, read_clip, write
from mpm_core.formats import inspect_file
from mpm_core.formats.base import ReadOptions
from mpm_core.formats.motion.handedness import mirror_note
from mpm_core.skeleton import COCO17, H36M17, MPM16
from tests.bodies import FRAMES, body_in, flat, same_body, write_json
from tests.motion_files import h36m_of, pose_error_mm, world_of, write_trc

SIZE = (1080, 1080)


def read(path, **more):
    return read_clip(path, options=ReadOptions(image_size=SIZE, **more))


def noted(clip, words):
    return any(words in note for note in clip.notes)


def lower(joint):
    side = {"L": "left_", "R": "right_"}.get(joint[0], "")
    return side + joint[len(side) > 0 :].lower()


def table(path, points, before, columns=("x", "y", "score")):
    """A CSV with a row a frame; before: other columns by name."""
    head = [*before, *(f"{lower(joint)}_{column}" for joint in COCO17.joints for column in columns)]
    rows = [[*first, *np.round(p, 3).ravel()] for *first, p in zip(*before.values(), points, strict=True)]
    path.write_text("\n".join(",".join(map(str, row)) for row in [head, *rows]))
    return path


@pytest.mark.parametrize(
    ("column", "unit_s", "said"),
    [
        ("timestamp", 1.0, ""), ("t", 1e-3, "milliseconds"), ("timestamp", 1e-6, "microseconds"), ("time", 1e-9, "nanoseconds"),
        ("timestamp_us", 1e-6, ""), ("time_ns", 1e-9, ""), ("time_ms", 1e-3, ""),
    ],
)  # fmt: skip
@pytest.mark.parametrize("begin_s", [0.0, 1.7e9])
def test_times_in_any_unit(tmp_path, demo, column, unit_s, said, begin_s):
    times = (begin_s + np.arange(FRAMES) / 25) / unit_s
    clip = read(table(tmp_path / "c.csv", body_in(demo, COCO17), {column: [f"{time:.6f}" for time in times]}))
    assert clip.fps == pytest.approx(25, rel=1e-2) and len(clip) == FRAMES and same_body(clip, demo)
    assert noted(clip, f"are taken for {said}") if said else not noted(clip, "are taken for")


@pytest.mark.parametrize("column", ["time", "timestamp", "t"])
def test_times_that_count_by_one_are_frames(tmp_path, demo, column):
    """They were taken for milliseconds: 1000 frames a second."""
    body, numbers = body_in(demo, COCO17), [n for n in range(FRAMES) if n not in (5, 6)]
    path = table(tmp_path / "c.csv", body[numbers], {column: numbers})
    clip = read(path, fps=30)
    assert clip.fps == 30 and len(clip) == FRAMES and not clip.visible[5:7].any() and noted(clip, "is taken to count frames")
    assert "fps" in inspect_file(path).lacks


@pytest.mark.parametrize("people", [1, 2, 3])
@pytest.mark.parametrize("width", [2, 3])
@pytest.mark.parametrize("is_frames_first", [True, False])
def test_arrays_of_people_and_frames_in_either_order(tmp_path, demo, people, width, is_frames_first):
    body = body_in(demo, COCO17)[..., :width]
    array = np.stack([body + ([400 * n, 0, 0][:width]) for n in range(people)])
    np.save(tmp_path / "a.npy", array.swapaxes(0, 1) if is_frames_first else array)
    clip = read(tmp_path / "a.npy", person=0)
    found = [read(tmp_path / "a.npy", person=n) for n in range(people)]
    assert len(inspect_file(tmp_path / "a.npy").people) == people and all(len(one) == FRAMES for one in found)
    assert sum(same_body(one, demo) for one in found) == 1
    assert noted(clip, "first axis is taken for frames") == is_frames_first


def test_people_who_are_not_always_there_in_arrays_of_frames_first(tmp_path, demo):
    body = body_in(demo, COCO17)
    array = np.stack([body, body + [400, 0, 0]], axis=1)
    array[5:9, 0], array[12:, 1] = 0, 0
    np.save(tmp_path / "a.npy", array)
    clip = read(tmp_path / "a.npy", person=0)
    assert same_body(clip, demo, frames=[0, 4, 9, 20]) and not clip.visible[5:9].any()


def test_arrays_in_3d_of_frames_first(tmp_path, demo):
    solid = h36m_of(world_of(demo, "z", slice(250, 250 + FRAMES), 1.0))
    np.save(tmp_path / "a.npy", np.stack([solid, solid + [2, 0, 0]], axis=1))
    clip = read_clip(tmp_path / "a.npy", person=1)
    assert len(clip) == FRAMES and len(inspect_file(tmp_path / "a.npy").people) == 2 and clip.visible.all()


@pytest.mark.parametrize("beside", [{"fps": 25.0}, {"image_size": np.array(SIZE)}, {"confidence": np.full((FRAMES, 17), 0.8)}])
@pytest.mark.parametrize("seed", [None, 0, 1])
def test_keypoints_of_another_program_beside_other_arrays(tmp_path, demo, beside, seed):
    """With the joints' names, in any order, these are what counts."""
    order = np.arange(17) if seed is None else np.random.default_rng(seed).permutation(17)
    names = {} if seed is None else {"joint_names": np.array([lower(joint) for joint in COCO17.joints])[order]}
    np.savez(tmp_path / "k.npz", keypoints=body_in(demo, COCO17)[:, order, :2], **beside, **names)
    clip = read(tmp_path / "k.npz")
    assert clip.skeleton is COCO17 and same_body(clip, demo) and clip.fps == beside.get("fps", 30.0)
    if "confidence" in beside:
        assert np.allclose(clip.confidence, 0.8)
    points = body_in(demo, H36M17)[..., :2]
    np.savez(tmp_path / "h.npz", keypoints=points, **{name: value for name, value in beside.items() if name != "confidence"})
    assert read(tmp_path / "h.npz").skeleton is H36M17
    assert same_body(read(tmp_path / "h.npz", skeleton="h36m17"), demo)


@pytest.mark.parametrize("animals", [1, 3])
def test_annotations_of_animals_beside_people(tmp_path, demo, animals):
    names = [lower(joint) for joint in COCO17.joints]
    categories = [{"id": 7, "keypoints": ["tail", "paw", "snout tip"]}, {"id": 2, "keypoints": names}, {"id": 3}]
    annotations = [{"image_id": n, "category_id": 2, "keypoints": flat(p)} for n, p in enumerate(body_in(demo, COCO17))]
    annotations += [{"image_id": n, "category_id": 7, "keypoints": [9.0, 9, 2] * 3} for n in range(FRAMES)] * animals
    images = [{"id": n, "file_name": f"{n}.jpg", "width": 1080, "height": 1080} for n in range(FRAMES)]
    path = write_json(tmp_path / "c.json", {"images": images, "categories": categories, "annotations": annotations})
    clip = read(path)
    assert same_body(clip, demo) and noted(clip, f"{FRAMES * animals} annotations of categories with other joints are left out")


@pytest.mark.parametrize(("factor", "highest", "words"), [
    (1.0, 0.9, None), (100.0, 0.9, "up to 90 are taken for per cent"), (8.0, 7.2, "go up to 7.2 and not to 1"),
])  # fmt: skip
def test_scores_that_are_no_shares_are_said(tmp_path, demo, factor, highest, words):
    points = body_in(demo, COCO17) * [1, 1, factor]
    clip = read(write_json(tmp_path / "r.json", [{"image_id": n, "keypoints": flat(p)} for n, p in enumerate(points)]))
    assert clip.confidence.max() == pytest.approx(highest) and same_body(clip, demo)
    assert noted(clip, words) if words else not noted(clip, "scores")


@pytest.mark.parametrize("axes", [(0, 2, 1), (1, 0, 2), (2, 0, 1)])
def test_arrays_in_an_order_that_nobody_has_are_refused(tmp_path, demo, axes):
    np.save(tmp_path / "a.npy", body_in(demo, COCO17)[..., :2].transpose(axes))
    with pytest.raises(UserError):
        read(tmp_path / "a.npy")


@pytest.mark.parametrize("name", ["positions", "ground_truth", "joints3d", "keypoints_3d"])
@pytest.mark.parametrize("seed", [None, 0, 1])
def test_3d_of_another_program_under_any_name(tmp_path, demo, name, seed):
    order = np.arange(17) if seed is None else np.random.default_rng(seed).permutation(17)
    names = {} if seed is None else {"joint_names": np.array(H36M17.joints)[order]}
    solid = h36m_of(world_of(demo, "z", slice(250, 250 + FRAMES), 1000.0))[:, order]
    np.savez(tmp_path / "k.npz", fps=50.0, **{name: solid}, **names)
    clip = read_clip(tmp_path / "k.npz")
    assert clip.skeleton is H36M17 and clip.fps == 50
    assert np.median(pose_error_mm(clip, demo, slice(250, 250 + FRAMES))) < 0.1


MIRRORED = {
    "as it is": (lambda name: name, (1, 1, 1), False),
    "seen from elsewhere": (lambda name: name, (-1, 1, -1), False),
    "an axis reversed": (lambda name: name, (1, 1, -1), True),
    "another axis reversed": (lambda name: name, (-1, 1, 1), True),
    "left and right exchanged": (lambda name: {"L": "R", "R": "L"}.get(name[0], name[0]) + name[1:], (1, 1, 1), True),
}


@pytest.mark.parametrize(("called", "signs", "is_wrong"), MIRRORED.values(), ids=MIRRORED)
@pytest.mark.parametrize("part", [slice(0, 200), slice(250, 350), slice(400, 600)], ids=["0", "250", "400"])
def test_motion_that_is_mirrored_is_said(tmp_path, demo, called, signs, is_wrong, part):
    world = world_of(demo, "y", part, 1.0)
    names = [name for name in MPM16.joints if name in world]
    clip = read_clip(write_trc(tmp_path / "w.trc", {called(name): world[name] * signs for name in names}))
    assert noted(clip, "the knees bend backwards") == is_wrong


@pytest.mark.parametrize("degrees", [90, 110, 150, 180, 250, -80])
@pytest.mark.parametrize("axes", [(0, 1), (1, 2)], ids=["cartwheel", "handstand"])
def test_bodies_that_are_not_upright_do_not_seem_to_be_mirrored(demo, degrees, axes):
    """Bodies in right-handed axes stay so however they are turned: lying, prone with the shanks up, on their hands."""
    upright = demo.ground_truth.astype(float) * (1, -1, -1)
    turn, (cos, sin) = np.eye(3), (np.cos(np.radians(degrees)), np.sin(np.radians(degrees)))
    turn[np.ix_(axes, axes)] = (cos, -sin), (sin, cos)
    assert not mirror_note(upright @ turn.T)
    assert mirror_note(upright * (-1, 1, 1))


def test_frames_that_a_bvh_does_not_announce_are_said(tmp_path, demo):
    write(demo.cut(0, 59), tmp_path / "w.bvh")
    text = (tmp_path / "w.bvh").read_text()
    assert not noted(read_clip(tmp_path / "w.bvh"), "announces")
    (tmp_path / "w.bvh").write_text(text.replace("Frames: 60", "Frames: 40"))
    clip = read_clip(tmp_path / "w.bvh")
    assert len(clip) == 40 and noted(clip, "announces 40 frames and holds 60")


@pytest.mark.parametrize("step", [1, 2])
def test_frame_numbers_that_stand_in_two_rows_are_said(tmp_path, demo, step):
    frames = [frame // step for frame in range(FRAMES)]
    clip = read(table(tmp_path / "c.csv", body_in(demo, COCO17), {"frame": frames}))
    assert len(clip) == FRAMES // step and noted(clip, f"{FRAMES // 2} of {FRAMES} poses are left out") == (step == 2)
