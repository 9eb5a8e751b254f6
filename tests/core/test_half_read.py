"""Files that were read without a word as something else: parts in other units, scores as depths, depths as places, names like
ours in other programs' tables."""

import numpy as np
import pytest

from mpm_core import UserError, read_clip, write
from mpm_core.formats import inspect_file
from mpm_core.formats.base import ReadOptions
from mpm_core.skeleton import COCO17, MEDIAPIPE33, MPM16
from tests.bodies import FRAMES, body_in, flat, same_body, write_json
from tests.core.test_misreadings import noted, read, table
from tests.motion_files import h36m_of, world_of

SIZE = (1080, 1080)
NUMBERS = list(range(FRAMES))


def ours(path, points, before, columns=("x", "y", "score"), joints=MPM16.joints):
    """A table with our joints' names and no mark of ours."""
    head = [*before, *(f"{joint}_{column}" for joint in joints for column in columns)]
    rows = [[*first, *(f"{v:.6f}" for v in p.ravel())] for *first, p in zip(*before.values(), points, strict=True)]
    path.write_text("\n".join(",".join(map(str, row)) for row in [head, *rows]))
    return path


@pytest.mark.parametrize("called", ["score", "likelihood", "confidence", "conf"])
@pytest.mark.parametrize(("scale", "score_scale"), [(1, 1), (1080, 1), (1, 0.01)])
def test_our_names_in_a_table_of_another_program(tmp_path, demo, called, scale, score_scale):
    """Scores were lost, shares of the image were pixels and times were not seen."""
    body = body_in(demo, MPM16)
    body[..., 2] = np.linspace(0.3, 0.9, FRAMES)[:, None]
    points = body / (scale, scale, score_scale)
    times = {"timestamp": [n * 40 for n in NUMBERS]}
    clip = read(ours(tmp_path / "o.csv", points, times, ("x", "y", called)))
    assert same_body(clip, demo) and np.allclose(clip.confidence, body[..., 2]) and clip.fps == pytest.approx(25)
    assert noted(clip, "multiplied by the image size") == (scale > 1) and noted(clip, "per cent") == (score_scale < 1)


def test_two_people_under_our_names(tmp_path, demo):
    body = body_in(demo, MPM16)
    both = np.concatenate((body, body - (500, 0, 0)))
    path = ours(tmp_path / "o.csv", both, {"frame": NUMBERS * 2, "person": ["a"] * FRAMES + ["b"] * FRAMES})
    assert len(inspect_file(path).people) == 2
    assert sum(same_body(read(path, person=n), demo) for n in (0, 1)) == 1


@pytest.mark.parametrize("keep", ["comments", "sources"])
def test_our_own_table_stays_ours(tmp_path, demo, keep):
    write(demo.cut(250, 250 + FRAMES - 1), tmp_path / "o.csv")
    lines = (tmp_path / "o.csv").read_text().splitlines(keepends=True)
    kept = [line for line in lines if keep == "comments" or not line.startswith("#")]
    (tmp_path / "o.csv").write_text("".join(kept))
    clip = read(tmp_path / "o.csv")
    assert "(CSV)" in str(clip.history[0]) and clip.fps == 50 and np.array_equal(clip.derived, demo.derived[250 : 250 + FRAMES])


def test_3d_that_names_no_axes_is_said_to_be_in_a_cameras(tmp_path, demo):
    part = demo.ground_truth[250 : 250 + FRAMES]
    clip = read_clip(ours(tmp_path / "o.csv", part, {"frame": NUMBERS}, "xyz"))
    assert np.allclose(clip.ground_truth, part, atol=1e-5) and noted(clip, "names no axes")


def halves(body, kind):
    size = np.array([1080, 1080, 1])
    body = body.copy()
    if kind == "poses":
        body[FRAMES // 2 :] /= size
    elif kind == "few poses":
        body[:4] /= size
    elif kind == "joints":
        body[:, 5:9] /= size
    else:
        body[..., 0] /= 1080
    return body


@pytest.mark.parametrize(
    ("kind", "words"),
    [("poses", r"12 of 24 poses \(of frame 12 on\)"), ("few poses", r"4 of 24 poses \(of frame 0 on\)"),
     ("joints", "LShoulder, RShoulder, LElbow, RElbow lie within"), ("x", "x goes up to .* and y to")],
)  # fmt: skip
def test_a_file_half_in_pixels_and_half_in_shares(tmp_path, demo, kind, words):
    """It was read as pixels, with half of the person in the corner, or refused for a wrong reason."""
    path = table(tmp_path / "h.csv", halves(body_in(demo, COCO17), kind), {"frame": NUMBERS})
    with pytest.raises(UserError, match=f"{words}.*shares of the image"):
        read(path)
    assert read(path, normalised=False).visible.all()


def test_a_joint_that_a_detector_puts_into_the_corner_is_no_other_unit(tmp_path, demo):
    """As DeepLabCut does where it sees none, with hardly any likelihood: the whole file was refused."""
    body = body_in(demo, COCO17)
    body[:, 9] = (0.5, 0.5, 0.01)
    path = table(tmp_path / "d.csv", body, {"frame": NUMBERS})
    assert read(path).visible[:, MPM16.index("RWrist")].all()


SCORES = {"0 to 1000": (100, 1000), "of 8 bits": (100, 255), "without a limit": (-100, 200)}


@pytest.mark.parametrize("limits", SCORES.values(), ids=SCORES)
@pytest.mark.parametrize("scale", [1, 1080])
def test_scores_without_a_limit_are_no_depths(tmp_path, demo, limits, scale):
    body = body_in(demo, COCO17) / (scale, scale, 1)
    body[..., 2] = np.random.default_rng(0).uniform(*limits, (FRAMES, 17))
    np.save(tmp_path / "a.npy", body)
    clip = read(tmp_path / "a.npy")
    assert not clip.is_virtual and same_body(clip, demo)
    assert noted(clip, "it is no score" if limits[0] < 0 else "and not to 1")


def test_scores_of_shares_that_go_beyond_one(tmp_path, demo):
    body = body_in(demo, COCO17) / (1080, 1080, 1)
    body[..., 2] = np.random.default_rng(0).uniform(0.5, 9, (FRAMES, 17))
    np.save(tmp_path / "a.npy", body)
    assert same_body(read(tmp_path / "a.npy"), demo)


def test_what_may_be_scores_or_depths_is_asked(tmp_path, demo):
    body = body_in(demo, COCO17)
    body[..., 2] = np.random.default_rng(0).uniform(40, 99, 17)
    np.save(tmp_path / "a.npy", body)
    assert set(inspect_file(tmp_path / "a.npy").formats) == {"arrays", "arrays-3d"}
    with pytest.raises(UserError, match="may as well be depths as scores"):
        read(tmp_path / "a.npy")
    clip = read(tmp_path / "a.npy", format="arrays")
    assert same_body(clip, demo) and noted(clip, "per cent") and read(tmp_path / "a.npy", format="arrays-3d").is_virtual


@pytest.mark.parametrize("up", ["y", "z", "-y"])
@pytest.mark.parametrize(
    ("part", "away"), [(slice(0, 60), 0), (slice(250, 274), 0), (slice(250, 251), 0), (slice(400, 700), 5)]
)
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_depths_are_still_depths(tmp_path, demo, up, part, away, noise):
    """Wherever the body is, also in a corner of the room where all numbers are above zero, and with noise."""
    solid = h36m_of(world_of(demo, up, part, 1.0))
    solid = solid + np.random.default_rng(0).normal(0, noise, solid.shape)
    solid = solid - solid.min((0, 1)) + away if away else solid
    np.save(tmp_path / "a.npy", solid * 1000)
    assert read_clip(tmp_path / "a.npy").is_virtual


def landmarks_in_3d(demo, scale):
    """(frames, 33, 3) millimetres times scale, Z up."""
    world = world_of(demo, "z", slice(250, 250 + FRAMES), 1000.0 * scale)
    face = (world["Thorax"] + world["Head"]) / 2
    near = {side + part: world[side + joint] for side in "LR" for joint, parts in (("Ankle", ("Heel", "FootIndex")),
            ("Wrist", ("Pinky", "Index", "Thumb"))) for part in parts}  # fmt: skip
    return np.stack([(world | near).get(joint, face) for joint in MEDIAPIPE33.joints], axis=1)


@pytest.mark.parametrize("scale", [1, 0.001])
@pytest.mark.parametrize("is_long", [False, True])
def test_landmarks_in_space_are_no_picture(tmp_path, demo, scale, is_long):
    """FreeMoCap's millimetres were taken for pixels, as MediaPipe's depth was thought to be a guess wherever 33 joints are."""
    values, words = landmarks_in_3d(demo, scale), [name.lower() for name in MEDIAPIPE33.joints]
    names = [f"{'left_' if word[0] == 'l' else 'right_'}{word[1:]}" if word != "nose" else word for word in words]
    if is_long:
        rows = [
            f"{n},{name},{x:.4f},{y:.4f},{z:.4f}"
            for n, p in enumerate(values)
            for name, (x, y, z) in zip(names, p, strict=True)
        ]
        text = "\n".join(["frame,keypoint,x,y,z", *rows])
    else:
        head = ",".join(f"{name}_{axis}" for name in names for axis in "xyz")
        text = "\n".join([head, *(",".join(f"{v:.4f}" for v in p.ravel()) for p in values)])
    (tmp_path / "mediapipe_body_3d_xyz.csv").write_text(text)
    with pytest.raises(UserError, match="3D positions"):
        read_clip(tmp_path / "mediapipe_body_3d_xyz.csv")


@pytest.mark.parametrize("rate", [23.976, 29.97, 59.94, 119.88])
@pytest.mark.parametrize("has_frames", [False, True])
def test_times_in_whole_milliseconds_tell_the_rate(tmp_path, demo, rate, has_frames):
    """120 frames a second were 125, as most of their steps are of 8 ms."""
    before = {"frame": [n + 1 for n in NUMBERS]} if has_frames else {}
    times = {"time_ms": [round(1000 * n / rate) for n in NUMBERS]}
    clip = read(table(tmp_path / "t.csv", body_in(demo, COCO17), {**before, **times}))
    assert len(clip) == FRAMES and clip.fps == pytest.approx(rate, rel=3e-3)


@pytest.mark.parametrize("turn", ["x and y exchanged", "turned"])
def test_a_person_who_lies_all_the_time_is_said(tmp_path, demo, turn):
    points = body_in(demo, COCO17)[..., [1, 0, 2]]
    points[..., 0] = points[..., 0] if turn != "turned" else 1080 - points[..., 0]
    np.save(tmp_path / "a.npy", points)
    assert noted(read(tmp_path / "a.npy", skeleton="coco17"), "lies on their side all the time")
    np.save(tmp_path / "b.npy", body_in(demo, COCO17))
    assert not noted(read(tmp_path / "b.npy", skeleton="coco17"), "lies on their side")


def test_rows_of_two_people_by_turns_are_said(tmp_path, demo):
    body = body_in(demo, COCO17)
    rows = np.stack((body, body - (500, 20, 0)), axis=1).reshape(-1, 17, 3)
    np.savez(tmp_path / "k.npz", keypoints=rows[..., :2], scores=rows[..., 2])
    assert noted(read(tmp_path / "k.npz"), "two people by turns")
    np.savez(tmp_path / "k.npz", keypoints=body[..., :2], scores=body[..., 2])
    assert not noted(read(tmp_path / "k.npz"), "two people by turns")


def test_images_of_several_sizes_are_said(tmp_path, demo):
    """The second half was of a film of half the size, and the person jumped without a word."""
    sizes = [(1080, 1080) if n < 12 else (540, 540) for n in NUMBERS]
    images = [{"id": n, "file_name": f"{n}.jpg", "width": w, "height": h} for n, (w, h) in enumerate(sizes)]
    people = [{"image_id": n, "keypoints": flat(p)} for n, p in enumerate(body_in(demo, COCO17))]
    path = write_json(tmp_path / "c.json", {"images": images, "annotations": people})
    assert noted(read_clip(path), "images of 540 x 540 and 1080 x 1080")


THOUSANDS = {
    "1,234.5": (lambda v: f'"{v:,.2f}"' if abs(v) >= 1000 else f"{v:.2f}", ",", 0.02),
    "1,234": (lambda v: f'"{round(v):,}"' if abs(v) >= 1000 else f"{round(v)}", ",", 1),
    "1.234,5": (lambda v: f"{v:,.2f}".translate(str.maketrans(",.", ".,")), ";", 0.02),
    "1.234": (lambda v: f"{round(v):,}".replace(",", "."), ";", 1),
}


@pytest.mark.parametrize(("shown", "delimiter", "error"), THOUSANDS.values(), ids=THOUSANDS)
def test_thousands_with_a_mark_between(tmp_path, demo, shown, delimiter, error):
    """1,234 was 1.234, and a body of a large picture lay in its corner."""
    body = body_in(demo, COCO17) * (1.5, 1.5, 1)
    comma = delimiter == ";"
    names = [f"{joint}_{part}" for joint in COCO17.joints for part in ("x", "y", "likelihood")]
    rows = [[shown(v) if v > 1 else f"{v:.1f}".replace(".", "," if comma else ".") for v in p.ravel()] for p in body]
    (tmp_path / "t.csv").write_text("\n".join(delimiter.join(row) for row in [names, *rows]))
    clip = read_clip(tmp_path / "t.csv", options=ReadOptions(image_size=(1920, 1620)))
    assert np.abs(clip.keypoints - body[..., :2]).max() < error and body.max() > 1000


def test_decimal_commas_with_three_places_are_no_thousands(tmp_path, demo):
    body = body_in(demo, COCO17)
    names = [f"{joint}_{part}" for joint in COCO17.joints for part in ("x", "y", "likelihood")]
    rows = [[f'"{v:.3f}"'.replace(".", ",") for v in p.ravel()] for p in body]
    (tmp_path / "t.csv").write_text("\n".join(",".join(row) for row in [names, *rows]))
    assert same_body(read(tmp_path / "t.csv"), demo)


def test_decimal_commas_with_three_places_are_no_thousands_beside_numbers_of_frames(tmp_path, demo):
    """Where a third of the numbers are of frames, 512,123 became half a million."""
    rows = [
        f'{n},{joint.lower()},"{x:.3f}","{y:.3f}"'.replace(".", ",")
        for n, pose in enumerate(body_in(demo, COCO17))
        for joint, (x, y, _) in zip(COCO17.joints, pose, strict=True)
    ]
    (tmp_path / "t.csv").write_text("\n".join(["frame,joint,x,y", *rows]))
    assert same_body(read(tmp_path / "t.csv"), demo)


def test_decimal_points_stay_whatever_commas_there_are(tmp_path, demo):
    body = np.round(body_in(demo, COCO17), 3)
    names = [f"{joint}_{part}" for joint in COCO17.joints for part in ("x", "y", "likelihood")]
    rows = [";".join(["640,480", *(f"{v:.3f}" for v in p.ravel())]) for p in body]
    (tmp_path / "t.csv").write_text("\n".join([";".join(["box", *names]), *rows]))
    assert same_body(read(tmp_path / "t.csv"), demo)


def test_3d_with_a_joint_that_is_never_there_is_no_picture(tmp_path, demo):
    """No pose was whole, so that nothing spoke against a depth by guess, and millimetres were pixels."""
    world = h36m_of(world_of(demo, "z", slice(250, 250 + FRAMES), 1000.0))
    names = ["hip", "rhip", "rknee", "rankle", "lhip", "lknee", "lankle", "spine", "thorax", "nose", "head", "lshoulder",
             "lelbow", "lwrist", "rshoulder", "relbow", "rwrist"]  # fmt: skip
    world[:, 3] = np.nan
    head = ",".join(f"{name}_{axis}" for name in names for axis in "xyz")
    (tmp_path / "w.csv").write_text("\n".join([head, *(",".join(f"{v:.2f}" for v in p.ravel()) for p in world)]))
    with pytest.raises(UserError, match="3D positions"):
        read_clip(tmp_path / "w.csv")


def test_landmarks_of_an_upper_body_are_read_where_it_is_said_what_they_are(tmp_path, demo):
    """MediaPipe's z of arms alone has no hips to be known by."""
    body = body_in(demo, COCO17)[:, 5:11] / (1080, 1080, 1)
    body[..., 2] = np.random.default_rng(0).normal(0, 0.1, body.shape[:2])
    names = [f"{joint}_{axis}" for joint in COCO17.joints[5:11] for axis in "xyz"]
    (tmp_path / "a.csv").write_text("\n".join([",".join(names), *(",".join(f"{v:.5f}" for v in p.ravel()) for p in body)]))
    with pytest.raises(UserError, match="--normalised or --no-normalised"):
        read(tmp_path / "a.csv")
    clip = read(tmp_path / "a.csv", normalised=True)
    seen = clip.visible
    assert seen.any() and clip.keypoints[seen].max() > 100 and noted(clip, "the depth z is left out")


def test_scores_beside_a_joint_that_is_never_there_are_no_depths(tmp_path, demo):
    body = body_in(demo, COCO17)
    body[..., 2] = np.random.default_rng(0).uniform(100, 1000, (FRAMES, 17))
    body[:, 4] = 0
    np.save(tmp_path / "a.npy", body)
    clip = read(tmp_path / "a.npy")
    assert not clip.is_virtual and clip.visible[:, MPM16.index("LWrist")].all()
