"""What a person takes among alternatives of hidden joints: kept with the clip, followed by every answer."""

from dataclasses import replace

import numpy as np
import pytest

from mpm_core import read_clip, write
from mpm_core.corrections import patched
from mpm_core.errors import UserError
from mpm_core.formats.base import WriteOptions
from mpm_core.lifters.chosen import choose, let_go, with_chosen
from mpm_core.skeleton import MPM16

ARM = MPM16.limb("left arm")
SHOULDER, ELBOW, WRIST = MPM16.indices(("LShoulder", "LElbow", "LWrist"))
FIRST, LAST = 100, 160


@pytest.fixture(scope="module")
def short(demo):
    return demo.cut(0, 242)


@pytest.fixture(scope="module")
def mask(short):
    mask = np.zeros((len(short), 16), bool)
    mask[FIRST : LAST + 1, [ELBOW, WRIST]] = True
    return mask


@pytest.fixture(scope="module")
def answer(short, lifter, mask):
    return lifter.lift(short, mask)


def raised(answer, first, last):
    """The arm straight up, as long as it is."""
    other = answer.positions[first : last + 1].copy()
    for joint in (ELBOW, WRIST):
        parent = MPM16.parents[joint]
        length = np.linalg.norm(answer.positions[first : last + 1, joint] - answer.positions[first : last + 1, parent], axis=-1)
        other[:, joint] = other[:, parent] + length[:, None] * np.array((0, -1, 0), np.float32)
    return other


def taken(short, answer, first=80, last=200, frame=130):
    rows = choose(short, answer, first, raised(answer, first, last), (ELBOW, WRIST), frame)
    return patched(short, first, {"chosen": rows})


def bones(positions):
    return np.stack([np.linalg.norm(positions[:, j] - positions[:, MPM16.parents[j]], axis=-1) for j in (ELBOW, WRIST)])


def test_the_answer_follows_what_is_taken_where_the_joint_is_hidden(short, lifter, mask, answer):
    found = lifter.lift(taken(short, answer), mask)
    wanted = raised(answer, 0, len(short) - 1)
    assert np.allclose(found.positions[130], wanted[130], atol=1e-5)
    elsewhere = ~mask
    assert np.array_equal(found.positions[elsewhere], answer.positions[elsewhere])
    assert np.array_equal(found.root, answer.root)
    assert np.linalg.norm(found.positions[130, WRIST] - answer.positions[130, WRIST]) > 0.2


def test_nothing_jumps_at_the_ends_and_bones_keep_their_lengths(short, lifter, mask, answer):
    found = lifter.lift(taken(short, answer), mask)
    turn = np.linalg.norm(found.positions[:, WRIST] - answer.positions[:, WRIST], axis=-1)
    assert turn[FIRST - 1] == 0 and turn[LAST + 1] == 0
    assert np.abs(np.diff(turn)).max() < 0.2 * turn.max()  # it takes several frames to get there
    hidden = mask[:, WRIST]
    assert np.allclose(bones(found.positions)[:, hidden], bones(answer.positions)[:, hidden], atol=2e-3)


def test_a_short_range_of_hidden_frames_begins_and_ends_softly_too(short, lifter, mask, answer):
    found = lifter.lift(taken(short, answer, 120, 140), mask)
    turn = np.linalg.norm(found.positions[:, WRIST] - answer.positions[:, WRIST], axis=-1)
    assert turn[119] == 0 and turn[141] == 0 and turn[130] > 0.99 * turn.max() and turn[120] < 0.2 * turn[130]


def test_a_clip_that_ends_hidden_is_taken_to_its_end(short, lifter, answer):
    mask = np.zeros((len(short), 16), bool)
    mask[:, [ELBOW, WRIST]] = True
    answer = lifter.lift(short, mask)
    found = lifter.lift(taken(short, answer, 0, len(short) - 1), mask)
    wanted = raised(answer, 0, len(short) - 1)
    assert np.allclose(found.positions, wanted, atol=1e-5)


def test_it_rests_where_the_joint_is_shown_and_comes_back(short, lifter, mask, answer):
    clip = taken(short, answer)
    wrist_alone = mask.copy()
    wrist_alone[:, ELBOW] = False
    part = lifter.lift(clip, wrist_alone)
    plain = lifter.lift(short, wrist_alone)
    assert np.array_equal(part.positions[:, ELBOW], plain.positions[:, ELBOW])
    forearm = part.positions[130, WRIST] - part.positions[130, ELBOW]
    assert forearm[1] / np.linalg.norm(forearm) == pytest.approx(-1, abs=1e-4)  # still straight up
    assert np.array_equal(lifter.lift(clip).positions, lifter.lift(short).positions)
    assert np.array_equal(lifter.lift(clip, mask).positions, lifter.lift(taken(short, answer), mask).positions)


def test_joints_beyond_go_along_only_where_they_are_hidden(short, lifter, mask, answer):
    rows = choose(short, answer, 80, raised(answer, 80, 200), (ELBOW,), 130)
    clip = patched(short, 80, {"chosen": rows})
    found = lifter.lift(clip, mask)
    assert np.allclose(found.positions[130, ELBOW], raised(answer, 130, 130)[0, ELBOW], atol=1e-5)
    assert np.allclose(bones(found.positions)[1], bones(answer.positions)[1], atol=1e-5)
    elbow_alone = mask.copy()
    elbow_alone[:, WRIST] = False
    part, plain = lifter.lift(clip, elbow_alone), lifter.lift(short, elbow_alone)
    assert np.array_equal(part.positions[:, WRIST], plain.positions[:, WRIST])
    assert not np.array_equal(part.positions[:, ELBOW], plain.positions[:, ELBOW])


def test_another_one_begins_softly_within_what_was_taken_before(short, lifter, mask, answer):
    clip = taken(short, answer)
    before = lifter.lift(clip, mask)
    down = raised(answer, 120, 140)
    down[:, [ELBOW, WRIST]] = answer.positions[120:141, [SHOULDER]] * 2 - down[:, [ELBOW, WRIST]]
    after = lifter.lift(patched(clip, 120, {"chosen": choose(clip, before, 120, down, (ELBOW, WRIST), 130)}), mask)
    turn = np.linalg.norm(after.positions[:, WRIST] - before.positions[:, WRIST], axis=-1)
    assert turn[119] == turn[141] == 0 and turn[120] < 0.2 * turn[130]
    assert np.allclose(after.positions[130, WRIST], down[10, WRIST], atol=1e-5)


def test_it_is_as_large_as_the_person(short, lifter, mask, answer):
    clip = taken(short, answer)
    small, tall = lifter.lift(clip, mask), lifter.lift(replace(clip, height_m=2.1), mask)
    assert tall.scale > 1.05
    assert np.allclose(bones(tall.positions)[:, 130], bones(small.positions)[:, 130] * tall.scale, rtol=1e-3)
    again = choose(clip, tall, 80, raised(tall, 80, 200), (ELBOW, WRIST), 130)
    assert np.allclose(again[50], clip.chosen[130], atol=1e-4)


def test_completion_follows_it_too(short, lifter, mask):
    answer = lifter.start(short, "complete")
    for _ in answer.update(mask):
        pass
    answer = answer.prediction()
    task = lifter.start(taken(short, answer), "complete")
    for _ in task.update(mask):
        pass
    assert np.allclose(task.prediction().positions[130], raised(answer, 130, 130)[0], atol=1e-5)


def test_files_keep_it(tmp_path, short, answer, mask):
    clip = taken(short, answer)
    write(clip, tmp_path / "clip.npz", WriteOptions(mask=mask))
    assert np.array_equal(read_clip(tmp_path / "clip.npz").chosen, clip.chosen)
    write(short, tmp_path / "plain.npz")
    assert read_clip(tmp_path / "plain.npz").chosen is None
    with np.load(tmp_path / "clip.npz") as arrays:
        broken = dict(arrays)
    broken["chosen"] = broken["chosen"] * 50
    np.savez(tmp_path / "broken.npz", **broken)
    with pytest.raises(UserError, match="'chosen' must lie between 0 and 1"):
        read_clip(tmp_path / "broken.npz")


def test_it_can_be_let_go(short, answer):
    clip = taken(short, answer)
    first, rows = let_go(clip, 150, 150, ARM)  # the whole stretch, which begins and ends softly
    assert (first, len(rows)) == (FIRST, LAST - FIRST + 1)
    assert patched(clip, first, {"chosen": rows}).chosen is None
    assert let_go(clip, 0, 50, ARM) is None and let_go(short, 0, 50, ARM) is None
    first, rows = let_go(clip, 150, 150, (WRIST,))
    left = patched(clip, first, {"chosen": rows}).chosen
    assert not left[:, WRIST].any() and np.array_equal(left[:, ELBOW], clip.chosen[:, ELBOW])
    assert with_chosen(answer, left) is not answer
