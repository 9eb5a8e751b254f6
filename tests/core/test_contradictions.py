"""Files that contradict themselves or what is told of them, and options that change nothing: said, never taken in silence."""

import numpy as np
import pytest

from mpm_core import UserError, load_lifter, read_clip, write
from mpm_core.formats.base import ReadOptions
from mpm_core.rates import at_rate
from mpm_core.skeleton import COCO17
from tests.bodies import FRAMES, body_in, flat, same_body, write_json
from tests.core.test_misreadings import noted, table

SIZE = (1080, 1080)
NUMBERS = np.arange(FRAMES)


def read(path, **more):
    return read_clip(path, options=ReadOptions(**{"image_size": SIZE, **more}))


@pytest.mark.parametrize("step", [1, 2, 3])
@pytest.mark.parametrize("first", [0, 7, -30, -10])
def test_frames_and_times_of_every_so_many_frames(tmp_path, demo, step, first):
    """Of every second frame, with its number and its time, the motion came out half as fast."""
    frames = NUMBERS * step + first
    times = [f"{time:.4f}" for time in (frames - first) / 50]
    clip = read(table(tmp_path / "c.csv", body_in(demo, COCO17), {"frame": frames, "time": times}))
    assert clip.fps == pytest.approx(50) and clip.times[-1] == pytest.approx((FRAMES - 1) * step / 50)
    seen = clip.visible.any(1)
    assert np.flatnonzero(seen).tolist() == (NUMBERS * step).tolist() and same_body(clip.cut(0, 0), demo)
    assert np.allclose(clip.keypoints[seen], body_in(demo, COCO17)[..., :2], atol=0.01)


@pytest.mark.parametrize(("name", "unit"), [("time", 1), ("timestamp", 1000)])
def test_a_time_that_is_not_there(tmp_path, demo, name, unit):
    """Of one empty cell 30 frames/s were assumed."""
    times = ["" if n == 3 else f"{n / 50 * unit:.4f}" for n in NUMBERS]
    clip = read(table(tmp_path / "c.csv", body_in(demo, COCO17), {"frame": NUMBERS, name: times}))
    assert clip.fps == pytest.approx(50) and same_body(clip, demo)


def contradicting_npz(path, part, fps):
    np.savez(path, keypoints=part.keypoints, fps=fps, times=part.times, image_size=SIZE, skeleton="mpm16")


def contradicting_csv(path, part, fps):
    write(part, path)
    path.write_text(path.read_text().replace("# fps: 50", f"# fps: {fps}"))


def contradicting_trc(path, part, fps):
    write(part, path)
    path.write_text(path.read_text().replace("\n50\t", f"\n{fps}\t"))


WRITERS = {"npz": contradicting_npz, "csv": contradicting_csv, "trc": contradicting_trc}


@pytest.mark.parametrize("kind", WRITERS)
@pytest.mark.parametrize(("fps", "is_told"), [(25, True), (100, True), (30, True), (49.97, False), (50, False)])
def test_a_rate_that_the_times_contradict(tmp_path, demo, kind, fps, is_told):
    path = tmp_path / f"c.{kind}"
    WRITERS[kind](path, demo.cut(250, 250 + FRAMES - 1), fps)
    clip = read_clip(path)
    assert clip.fps == pytest.approx(50 if is_told else fps)
    assert np.ptp(clip.times) == pytest.approx((FRAMES - 1) / clip.fps, rel=1e-3)
    assert noted(clip, f"the file says {fps:g} frames/s") == is_told


@pytest.mark.parametrize("per_second", [1e3, 1e6])
def test_times_that_are_not_in_seconds_leave_the_rate_alone(tmp_path, demo, per_second):
    """Of milliseconds in a TRC, one frame in 20 s was made."""
    path, part = tmp_path / "c.trc", demo.cut(250, 250 + FRAMES - 1)
    write(part, path)
    head, rows = path.read_text().split("\n")[:5], path.read_text().split("\n")[5:]
    cells = [row.split("\t") for row in rows if row.strip()]
    timed = ["\t".join((one, f"{float(time) * per_second:.3f}", *more)) for one, time, *more in cells]
    path.write_text("\n".join((*head, *timed)) + "\n")
    clip = read_clip(path)
    assert clip.fps == pytest.approx(50) and np.ptp(clip.times) == pytest.approx((FRAMES - 1) / 50, rel=1e-3)
    assert noted(clip, "its times are not in seconds") or per_second > 1e4  # which are no times that frames could have


def test_a_video_whose_frames_come_unevenly_keeps_its_rate(tmp_path, demo):
    """Phones leave frames out: the rate on average is not that of the usual step, and neither is wrong."""
    part = demo.cut(250, 250 + FRAMES - 1)
    times = np.cumsum(np.where(NUMBERS % 4 == 0, 2, 1) / 30)
    fps = (FRAMES - 1) / np.ptp(times)
    np.savez(tmp_path / "c.npz", keypoints=part.keypoints, fps=fps, times=times, image_size=SIZE, skeleton="mpm16")
    clip = read_clip(tmp_path / "c.npz")
    assert 24 < clip.fps == fps < 25 and not noted(clip, "frames/s")


def test_a_trc_that_was_cut_short(tmp_path, demo):
    write(demo.cut(0, 99), tmp_path / "c.trc")
    lines = (tmp_path / "c.trc").read_text().splitlines(keepends=True)
    (tmp_path / "c.trc").write_text("".join(lines[:50]))
    assert noted(read_clip(tmp_path / "c.trc"), "announces 100 frames and holds 44")


def coco(path, demo, size):
    images = [{"id": n, "file_name": f"{n}.jpg", "width": size[0], "height": size[1]} for n in range(FRAMES)]
    annotations = [{"image_id": n, "keypoints": flat(pose)} for n, pose in enumerate(body_in(demo, COCO17))]
    return write_json(path, {"images": images, "annotations": annotations})


@pytest.mark.parametrize("kind", ["coco", "npz", "csv", "project-like"])
def test_an_image_size_that_is_told_against_the_files_own(tmp_path, demo, kind):
    if kind == "coco":
        path = coco(tmp_path / "c.json", demo, SIZE)
    else:
        path = tmp_path / ("c.csv" if kind == "csv" else "c.npz")
        write(demo.cut(250, 250 + FRAMES - 1), path)
    told, own = read(path, image_size=(1920, 1080)), read(path)
    assert noted(told, "images of 1920 x 1080 taken, as was told, where the file says 1080 x 1080")
    assert told.image_size == (1920, 1080) and not noted(own, "images of")


@pytest.mark.parametrize(("size", "is_said"), [((320, 240), True), ((1080, 1080), False), ((1920, 1080), False)])
def test_a_body_outside_of_its_image(tmp_path, demo, size, is_said):
    for clip in (
        read(coco(tmp_path / "c.json", demo, size), image_size=None),
        read(table(tmp_path / "c.csv", body_in(demo, COCO17), {"frame": NUMBERS}), image_size=size),
    ):
        assert clip.image_size == size and noted(clip, "is that its size?") == is_said


@pytest.mark.parametrize(("scale", "is_said"), [(100 / 1080, True), (0.2, True), (0.5, False)])
def test_a_body_in_the_corner_of_its_image(tmp_path, demo, scale, is_said):
    """Per cent of the image, or an image that was made smaller for the detector, were taken for its pixels."""
    body = body_in(demo, COCO17) * [scale, scale, 1]
    clip = read(table(tmp_path / "c.csv", body, {"frame": NUMBERS}))
    assert noted(clip, "in its top left corner") == is_said


def test_what_is_asked_for_of_a_file_that_holds_one_clip(tmp_path, demo):
    """It was read as if nothing had been asked for: the wrong person, without a word."""
    part = demo.cut(0, 9)
    write(part, tmp_path / "c.npz")
    write(part, tmp_path / "c.csv")
    write(part, tmp_path / "c.bvh")
    for name in ("c.npz", "c.csv", "c.bvh"):
        with pytest.raises(UserError, match="no person 3"):
            read_clip(tmp_path / name, person=3)
        with pytest.raises(UserError, match="nothing to select by 'S9'"):
            read_clip(tmp_path / name, select="S9")
        assert len(read_clip(tmp_path / name, person=0)) == 10


@pytest.mark.parametrize(
    ("name", "idle", "of_use"),
    [
        ("c.npz", {"normalised": True, "up_axis": "z", "joint_map": {"a": "LWrist"}}, {"unit": "m"}),
        ("c.csv", {"unit": "mm", "up_axis": "z", "skeleton": "coco17"}, {}),
        ("c.bvh", {"normalised": False, "skeleton": "coco17"}, {"unit": "cm", "up_axis": "y"}),
        ("c.json", {"unit": "mm", "up_axis": "z"}, {"skeleton": "coco17", "normalised": False}),
    ],
)
def test_options_that_change_nothing_are_said(tmp_path, demo, name, idle, of_use):
    if name == "c.json":
        coco(tmp_path / name, demo, SIZE)
    else:
        write(demo.cut(250, 250 + FRAMES - 1), tmp_path / name)
    clip = read_clip(tmp_path / name, options=ReadOptions(**idle, **of_use))
    for option in (*idle, *of_use):
        assert noted(clip, f"--{option.replace('_', '-')} changes nothing") == (option in idle)


@pytest.mark.parametrize(("unit", "is_right"), [(1.0, True), (100.0, False), (1000.0, False), (39.37, False), (1e-3, False)])
def test_positions_to_complete_that_are_not_in_metres(demo, unit, is_right):
    """In millimetres relative to Hip the answer was NaN throughout."""
    truth = demo.ground_truth[100:200]
    positions = (truth - truth[:, :1]) * unit
    positions[20:30, 10:13] = np.nan
    lifter = load_lifter("mpm", device="cpu")
    if is_right:
        assert np.isfinite(lifter.complete(positions).positions).all()
        return
    with pytest.raises(UserError, match="must be in metres"):
        lifter.complete(positions)


def test_a_rate_that_was_told_is_no_word_of_the_file(tmp_path, demo):
    path = tmp_path / "walk.csv"
    write(demo.cut(0, 19), path)
    lines = path.read_text().splitlines()
    bare = [line for line in lines if not line.startswith("# fps")]
    place = next(row for row in bare if not row.startswith("#")).split(",").index("time_s")
    path.write_text("\n".join(",".join(v for n, v in enumerate(row.split(",")) if row[0] == "#" or n != place) for row in bare))
    told = read(path, fps=25)
    other = at_rate(told, 60, "the Video panel says")
    assert noted(other, "60 frames/s taken, as the Video panel says, where the file tells none")
    assert other.own_fps is None and other.times[-1] == pytest.approx(19 / 60)
    again = at_rate(other, 25, "the Video panel says", told)
    assert again.notes == told.notes and again.own_fps == told.own_fps
