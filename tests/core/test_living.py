"""Answers that go on changing: what was handed out stays as it is, and a click copies no more than what is new."""

import numpy as np
import pytest

from mpm_core.camera import SmoothPath
from mpm_core.grounding import path
from mpm_core.grounding.floor import FEET
from mpm_core.grounding.standing import standing_feet
from mpm_core.lifters.living import runs_of
from mpm_core.masking import limb_mask
from mpm_core.synthesis import demo_motion

FRAMES = 400


@pytest.fixture
def task(lifter, demo):
    task = lifter.start(demo.cut(0, FRAMES - 1))
    for _ in task.update(None):
        pass
    return task


def smooth_path(root):
    """A whole path at once."""
    path = SmoothPath(len(root))
    path.renew(root, 0, len(root))
    return path.smooth


def click(task, frame, joint=3):
    mask = limb_mask(FRAMES, ())
    mask[frame, joint] = True
    for _ in task.update(mask, frame):
        yield task.prediction()


def test_an_answer_that_somebody_holds_stays_as_it_is(task):
    first = task.prediction()
    parts = [first.positions[90:110], first.hypotheses[:, 90:110], first.root[90:110], first.hidden[90:110]]
    before = [part.copy() for part in parts]
    del first  # a part of it is held on
    for frame in (100, 95, 105):
        last = list(click(task, frame))[-1]
        assert not any(np.shares_memory(part, last.positions) for part in parts)
    assert all(np.array_equal(*pair) for pair in zip(parts, before, strict=True))
    assert not np.array_equal(parts[0], last.positions[90:110]) and last.hidden[105, 3]
    with pytest.raises(ValueError, match="read-only"):
        last.positions[0] = 0


def test_what_nobody_holds_is_brought_up_to_date_and_handed_out_again(task):
    places = set()
    for frame in (100, 20, 390, 101):
        for answer in click(task, frame):
            places.add(answer.positions.base.__array_interface__["data"][0])
        del answer
    assert len(places) <= 2  # the one that a loop still holds, and the next


def test_answers_by_way_of_used_copies_are_those_of_a_new_task(task, lifter, demo):
    for frame in (100, 20, 390):
        steps = click(task, frame)
        held = [next(steps), next(steps)]
        steps.close()  # the mouse has moved on
        del held[0]
    *_, last = click(task, 200)
    mask = limb_mask(FRAMES, ())
    mask[200, 3] = True
    fresh = lifter.lift(demo.cut(0, FRAMES - 1), mask)
    for name in ("positions", "root", "hypotheses", "uncertainty", "foot_odds", "foot_height", "up"):
        assert np.allclose(getattr(last, name), getattr(fresh, name), atol=5e-4), name
    assert np.array_equal(last.hidden, fresh.hidden) and np.array_equal(last.is_prior_only, fresh.is_prior_only)


def test_runs_of_frames():
    rows = np.array([1, 1, 0, 1, 0, 0, 1], bool)
    assert runs_of(rows) == [slice(0, 2), slice(3, 4), slice(6, 7)]
    assert runs_of(np.zeros(3, bool)) == [] and runs_of(np.ones(3, bool)) == [slice(0, 3)] and runs_of(rows[:0]) == []


@pytest.mark.parametrize("frames", [1, 5, 100, 170, 600])
def test_a_path_that_becomes_known_bit_by_bit_is_smoothed_as_at_once(frames):
    rng = np.random.default_rng(frames)
    root, bit_by_bit = np.full((frames, 3), np.nan, np.float32), SmoothPath(frames)
    for _ in range(25):
        first = int(rng.integers(frames))
        last = min(frames, first + int(rng.choice([1, 10, 100])))
        part = (np.cumsum(rng.normal(0, 0.05, (last - first, 3)), axis=0) + [0, 0, 4]).astype(np.float32)
        part[rng.random(len(part)) < rng.choice([0, 0.1, 0.9])] = np.nan
        part[rng.random(len(part)) < 0.05, 2] *= 3
        root[first:last] = part
        before = bit_by_bit.smooth.copy()
        renewed = np.zeros(frames, bool)
        renewed[bit_by_bit.renew(root, first, last)] = True
        assert np.array_equal(bit_by_bit.smooth, smooth_path(root))
        assert not (before != bit_by_bit.smooth)[~renewed].any()


def test_a_long_clip_that_is_put_on_the_ground_in_parts_stands_as_at_once(monkeypatch):
    up, rng = np.array([0.0, -1.0, 0.0]), np.random.default_rng(0)
    motion = np.tile(demo_motion()[:500], (3, 1, 1)) * [1, -1, 1] + [0, 0, 5.0]
    contact = standing_feet(motion, up, 50.0)[0] * 0.9
    motion[:, list(FEET)] += rng.normal(0, 0.01, (len(motion), 2, 3))
    *_, at_once = path.stand_on_ground(motion, up, contact, 50.0)
    monkeypatch.setattr(path, "_FRAMES_AT_ONCE", 300)
    monkeypatch.setattr(path, "_REACH_S", 5.0)
    *steps, in_parts = path.stand_on_ground(motion, up, contact, 50.0)
    assert len(steps) > 8  # whoever cannot wait may stop so often
    assert np.abs(at_once.root).max() > 0.01
    assert np.abs(in_parts.root - at_once.root).max() < 1e-3 and np.abs(in_parts.ankles - at_once.ankles).max() < 1e-3
