"""Names that could mean other frames than they do: counters beside dates, several numbers, two videos."""

import numpy as np
import pytest

from mpm_core import UserError, read_clip
from mpm_core.formats.keypoints.frames import number_frames
from mpm_core.skeleton import COCO17
from tests.bodies import FRAMES, body_in, flat, write_json

COUNTERS = ["20240115_{:06d}", "20240115_143000_{:03d}", "20240115_143000_{:04d}", "20240115_143000_{:06d}",
            "20240115143000_{:04d}", "2024-01-15_14-30-00_{:05d}", "20240115_12_{:04d}", "PXL_20240115_143000123_{:04d}",
            "VID_20240115_143000_{:012d}_keypoints", "20240115_{}"]  # fmt: skip


@pytest.mark.parametrize("pattern", COUNTERS)
@pytest.mark.parametrize("first", [0, 1])
def test_counters_beside_dates_are_no_times(pattern, first):
    """Of 20240115_000012.json the twelfth second of the day was made: one frame a second."""
    numbered = number_frames([pattern.format(first + n) for n in range(50)], "here")
    assert numbered.fps is None and np.diff(numbered.numbers).tolist() == [1] * 49


@pytest.mark.parametrize(
    ("pattern", "step_s", "fps"),
    [("20240115_1430{:06.3f}", 0.04, 25), ("2024-01-15_14-30-{:06.3f}", 0.02, 50), ("20240115_1430{:02.0f}", 1.0, 1),
     ("20240115_1430{:09.6f}", 0.005, 200), ("vlcsnap-2024-01-15-14h30m{:06.3f}", 0.04, 25)],
)  # fmt: skip
def test_times_of_day_are_times(pattern, step_s, fps):
    names = [pattern.format(n * step_s) for n in range(50)]
    numbered = number_frames([name.replace(".", "s") if "m" in name else name for name in names], "here")
    assert numbered.fps == pytest.approx(fps) and np.diff(numbered.numbers).tolist() == [1] * 49


def test_of_several_numbers_the_one_that_counts():
    """A score after the frame's number put the frames in its own order."""
    numbered = number_frames([f"f{n:04d}_{n * 37 % 97}" for n in range(24)], "here")
    assert numbered.numbers == tuple(range(24)) and "counts by one" in numbered.notes[0]
    alike = number_frames([f"f{n:04d}_t{n * 40}" for n in range(24)], "here")
    assert np.diff(alike.numbers).tolist() == [40] * 23 or alike.fps == pytest.approx(25)
    with pytest.raises(UserError, match="in different orders"):
        number_frames([f"f{n:04d}_{n * 7 % 10}" for n in range(10)], "here")
    with pytest.raises(UserError, match="in different orders"):
        number_frames([f"f{n * 3:04d}_{n * 37 % 97}" for n in range(24)], "here")


def test_names_that_end_in_letters_and_digits_at_random(tmp_path, demo):
    """Roboflow's: the last digits of two were the same by chance, and the file was refused, or else they sorted the frames."""
    body = body_in(demo, COCO17)
    names = [f"walk_{n:04d}_jpg.rf.{(7919 * n + 13) ** 5:x}.jpg" for n in range(FRAMES)]
    images = [{"id": n, "file_name": name, "width": 1080, "height": 1080} for n, name in enumerate(names)]
    annotations = [{"image_id": n, "keypoints": flat(pose)} for n, pose in enumerate(body)]
    mixed = {"images": images[::-1], "annotations": annotations}
    clip = read_clip(write_json(tmp_path / "c.json", mixed))
    assert np.allclose(clip.keypoints, body[..., :2], atol=0.01)


@pytest.mark.parametrize("pattern", ["vid{}/{:04d}.jpg", "cam{}_{:04d}.jpg"])
def test_two_videos_in_one_coco_file_are_refused(tmp_path, demo, pattern):
    """They were joined to one clip, one video after the other."""
    body = body_in(demo, COCO17)
    images = [{"id": n, "file_name": pattern.format(n // 12, n % 12), "width": 1080, "height": 1080} for n in range(FRAMES)]
    annotations = [{"image_id": n, "keypoints": flat(pose)} for n, pose in enumerate(body)]
    path = write_json(tmp_path / "c.json", {"images": images, "annotations": annotations})
    with pytest.raises(UserError, match="both frame 0; use one folder per video, or one file"):
        read_clip(path)
