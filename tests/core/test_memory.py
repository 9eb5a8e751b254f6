"""Memory: lifting takes no more of it the longer one goes on, and little of it for each frame of a long clip."""

import ctypes
import gc
import tracemalloc

import numpy as np
import pytest

from mpm_core.clip import Clip
from mpm_core.grounding.path import stand_on_ground
from mpm_core.lifters.aids import Aids
from mpm_core.lifters.task import NetworkTask
from mpm_core.metrics import reprojection_errors

PLAIN = Aids(fit=False, ground=False)


class _Malloc(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in ("arena", "ordblks", "smblks", "hblks", "hblkhd", "usmblks", "fsmblks", "uordblks", "fordblks", "keepcost")
    )


def held_bytes():
    """What malloc has given away and not taken back; libraries in C keep theirs where Python does not see it."""
    try:
        mallinfo = ctypes.CDLL("libc.so.6").mallinfo2
    except (OSError, AttributeError):
        pytest.skip("what malloc holds is asked of glibc from 2.33 on")
    mallinfo.restype = _Malloc
    gc.collect()
    found = mallinfo()
    return found.uordblks + found.hblkhd


def test_clicks_that_touch_ever_other_numbers_of_frames_leave_nothing_behind(lifter, demo):
    """oneDNN keeps code for each number of rows that it has ever multiplied."""
    clip = demo.cut(0, 160)
    task = lifter.start(clip, aids=PLAIN)

    def hide_and_show(reaches):
        for reach in reaches:
            mask = np.zeros((len(clip), 16), bool)
            mask[40 : 40 + reach, 3] = True
            for now in (mask, None):
                for _ in task.update(now, 40):
                    pass

    hide_and_show(range(1, 90, 8))
    held = held_bytes()
    hide_and_show(range(3, 90, 8))
    assert held_bytes() - held < 2e6  # 19 MB when every number had its own code


def test_an_answer_needs_no_hypotheses(lifter, demo):
    clip = demo.cut(0, 249)
    answers = []
    for hypotheses in (True, False):
        task = lifter.start(clip, hypotheses=hypotheses)
        for _ in task.update(None):
            pass
        answers.append(task.prediction())
    assert answers[0].hypotheses is not None and answers[1].hypotheses is None
    for name in ("positions", "root", "uncertainty"):
        assert np.array_equal(getattr(answers[0], name), getattr(answers[1], name))


def test_reprojection_of_some_frames_is_that_of_all(lifter, demo):
    prediction = lifter.lift(demo.cut(0, 99))
    every = reprojection_errors(prediction, demo.cut(0, 99))
    for frames in (slice(20, 40), np.array([3, 50, 99]), np.array([], np.int64)):
        assert np.array_equal(reprojection_errors(prediction, demo.cut(0, 99), frames), every[frames], equal_nan=True)


def test_figures_of_a_long_answer_are_computed_piece_by_piece(lifter, demo):
    clip = Clip.from_arrays(np.tile(demo.keypoints, (40, 1, 1)), demo.image_size, demo.fps)
    answer = lifter.start(clip, hypotheses=False).prediction()
    tracemalloc.start()
    errors = reprojection_errors(answer, clip)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 4 * errors.nbytes


def test_a_long_clip_is_put_on_the_ground_piece_by_piece():
    frames = 16_000
    rng = np.random.default_rng(0)
    places, contact = rng.normal(0, 0.02, (frames, 16, 3)) + [0, 0, 4], rng.random((frames, 2))
    tracemalloc.start()
    *_, correction = stand_on_ground(places, np.array([0.0, -1.0, 0.0]), contact, 50.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(correction.root) == frames and peak < 2000 * frames  # 3.2 kB a frame when all was kept


def test_windows_are_lifted_in_few_numbers_at_a_time(lifter, demo):
    task = lifter.start(demo, aids=Aids(fit=False, ground=False, mirror=False))
    while not isinstance(task, NetworkTask):
        task = task._task
    windows = task._windows[0]
    sizes = set()
    for count in range(1, len(windows.starts) + 1):
        for frame in (0, 300, 700):
            batch = windows.next_batch(np.arange(count), frame, windows.batch)
            assert len(set(batch)) == len(batch)
            sizes.add(len(batch))
    assert sizes == {1, 2, 4}
