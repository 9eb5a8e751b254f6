"""When the frames of a detected video were taken: by its own times, by counting, or as the command line says."""

import numpy as np
import pytest

from mpm_core import read_clip
from mpm_core.cli import main
from tests.core.test_decoding import drawn, encode
from tests.squares import SIZE
from tests.videos import write_video


@pytest.mark.parametrize("times", [np.arange(40) / 25, np.cumsum([0.04, 0.02, 0.08, 0.04] * 10) - 0.04])
def test_slow_motion_gets_the_rate_that_it_was_taken_at(squares, cache, tmp_path, caplog, times):
    video = write_video(tmp_path / "slow.mp4", times, SIZE)
    assert main(["detect", str(video), "-o", str(tmp_path / "o.npz"), "--detector", "squares", "--fps", "240"]) == 0
    clip = read_clip(tmp_path / "o.npz")
    assert clip.fps == pytest.approx(240, rel=1e-3)
    steps, own = np.diff(clip.times), np.diff(times)
    assert np.allclose(steps / steps.mean(), own / own.mean(), atol=0.02) and steps.mean() == pytest.approx(1 / 240, rel=0.01)
    assert "240 frames/s taken, as --fps says" in caplog.text


def test_a_video_without_times_says_which_rate_is_assumed(squares, cache, tmp_path, caplog):
    video = encode(tmp_path / "raw.h264", [drawn(n) for n in range(30)], container_format="h264")
    assert main(["detect", str(video), "-o", str(tmp_path / "o.npz"), "--detector", "squares"]) == 0
    assert "does not tell when its frames are shown: 30 frames/s assumed" in caplog.text
    caplog.clear()
    assert main(["detect", str(video), "-o", str(tmp_path / "o.npz"), "--detector", "squares", "--fps", "50"]) == 0
    assert "assumed" not in caplog.text.replace("field of view: 55° along the longer side assumed", "")
    assert read_clip(tmp_path / "o.npz").fps == pytest.approx(50)


def test_a_folder_of_a_camcorders_card_is_looked_at_whole(squares, cache, tmp_path):
    (tmp_path / "card").mkdir()
    for name in ("00000.MTS", "00001.mts", "old.MPG"):
        encode(tmp_path / "card" / name, [drawn(n) for n in range(30)], "mpeg2video" if name.endswith("MPG") else "libx264")
    assert main(["detect", str(tmp_path / "card"), "-o", str(tmp_path / "out"), "--detector", "squares"]) == 0
    assert sorted(path.stem for path in (tmp_path / "out").glob("*.npz")) == ["00000", "00001", "old"]
