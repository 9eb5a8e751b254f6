"""Undo and redo lead back to exactly what was there before, after any edits in any order."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from app.document.commands import AttachTruth, SetCamera, SetHeight, SetRate, SetThreshold, SetUp
from app.document.editor import PRESETS, Editor
from app.document.session import Session
from mpm_core import Clip
from mpm_core.camera import Intrinsics
from mpm_core.skeleton import MPM16

FRAMES = 20
NOT_EDITED = ("history",)
"""Fields of a clip that say what was done, and not what there is."""


@pytest.fixture
def opened(qapp, demo):
    part = demo.cut(0, FRAMES - 1)
    confidence = np.linspace(0.1, 1, FRAMES * 16).reshape(FRAMES, 16)
    confidence[3:6, 12] = 0

    def open_anew():
        session = Session()
        session.open_clip(
            Clip.from_arrays(part.keypoints, part.image_size, 50, "mpm16", confidence, part.ground_truth, source="walk.json")
        )
        return session, Editor(session)

    return open_anew


def state_of(session):
    clip = session.clip
    kept = {field.name: getattr(clip, field.name) for field in fields(clip) if field.name not in NOT_EDITED}
    return kept | {"mask": session.mask, "threshold": session.threshold, "flags": session.flags, "origin": session.truth_origin}


def differences(before, after):
    def is_same(a, b):
        if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
            return a.dtype == b.dtype and np.array_equal(a, b, equal_nan=a.dtype.kind == "f")
        return type(a) is type(b) and a == b

    return [name for name in before if not is_same(before[name], after[name])]


JOINTS = st.frozensets(st.integers(0, len(MPM16) - 1), min_size=1, max_size=3)
FRAME = st.integers(0, FRAMES - 1)
PLACE = st.floats(0, 1000, allow_nan=False)
EDITS = st.one_of(
    st.tuples(st.just("click"), JOINTS, FRAME, st.booleans()),
    st.tuples(st.just("range"), FRAME, FRAME),
    st.tuples(st.just("frame"), FRAME),
    st.tuples(st.just("preset"), st.sampled_from(sorted(PRESETS)), st.booleans()),
    st.tuples(st.sampled_from(["invert", "copy", "paste", "all", "press"])),
    st.tuples(st.just("drag"), st.integers(0, 15), PLACE, PLACE),
    st.tuples(st.just("nudge"), JOINTS, st.floats(-5, 5)),
    st.tuples(st.just("swap"), st.none() | JOINTS),
    st.tuples(st.just("clear"), JOINTS),
    st.tuples(st.just("restore"), JOINTS, FRAME, FRAME),
    st.tuples(st.just("fill"), st.sampled_from(["none", "linear", "smooth"])),
    st.tuples(st.just("threshold"), st.floats(0, 1)),
    st.tuples(st.just("up"), st.sampled_from([None, (0.0, -1.0, 0.0), (0.0, -0.8, -0.6)])),
    st.tuples(st.just("height"), st.sampled_from([None, 1.6, 1.8])),
    st.tuples(st.just("rate"), st.sampled_from([25.0, 50.0, 240.0])),
    st.tuples(st.just("camera"), st.floats(500, 2000)),
    st.tuples(st.just("truth"), st.booleans()),
    st.tuples(st.just("go"), st.integers(0, 1000)),
)


def carry_out(session, editor, name, *more):
    """One edit, as the window asks for it."""
    first_and_last = session.range or (session.frame, session.frame)
    edits = {
        "click": editor.click_joints,
        "range": lambda a, b: session.set_range(min(a, b), max(a, b)),
        "frame": session.set_frame,
        "preset": editor.apply_preset,
        "invert": editor.invert, "copy": editor.copy_mask, "paste": editor.paste_mask, "all": editor.show_all,
        "press": editor.begin_gesture,
        "drag": lambda joint, x, y: editor.move_joint(joint, session.frame, x, y, editor.current_gesture),
        "nudge": lambda joints, by: editor.corrections.nudge(joints, by, -by),
        "swap": lambda joints: editor.swap_sides(joints, first_and_last),
        "clear": lambda joints: editor.corrections.clear_keys(joints, session.frame),
        "restore": lambda joints, a, b: editor.corrections.restore(joints, min(a, b), max(a, b)),
        "fill": lambda fill: editor.corrections.set_fill(fill, 0.1),
        "threshold": lambda value: session.undo_stack.push(SetThreshold(session, value)),
        "up": lambda up: session.undo_stack.push(SetUp(session, up, "up")),
        "height": lambda height: session.undo_stack.push(SetHeight(session, height, "height")),
        "rate": lambda fps: session.undo_stack.push(SetRate(session, fps)),
        "camera": lambda focal: session.undo_stack.push(
            SetCamera(session, Intrinsics((focal, focal), (540.0, 540.0)), "camera")
        ),
        "truth": lambda is_shift: session.undo_stack.push(
            AttachTruth(session, session.clip.ground_truth + np.float32(0.1), (), is_shift=is_shift)
        ),
    }  # fmt: skip
    edits[name](*more)


@settings(
    max_examples=150, deadline=None, derandomize=True, phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)  # fmt: skip
@given(edits=st.lists(EDITS, min_size=4, max_size=30))
def test_undo_leads_back_to_what_there_was(opened, edits):
    session, editor = opened()
    stack = session.undo_stack
    seen = {0: state_of(session)}
    for name, *more in edits:
        if name == "go":
            index = more[0] % (stack.count() + 1)
            stack.setIndex(index)
            assert not differences(seen[index], state_of(session)), f"index {index}"
            continue
        before, index = state_of(session), stack.index()
        carry_out(session, editor, name, *more)
        if stack.index() == index and stack.count() == index and differences(before, state_of(session)):
            seen[index] = state_of(session)  # a step of a gesture
        elif stack.index() != index:
            seen[stack.index()] = state_of(session)
    last = stack.index()
    for index in (*range(last, -1, -1), *range(last + 1)):
        stack.setIndex(index)
        assert not differences(seen[index], state_of(session)), f"index {index}"


def test_what_an_edit_took_in_is_let_go_of(opened):
    """A drag is hundreds of edits: each would keep the session and what it changed for as long as the program runs."""
    session, _ = opened()
    taken_in = []
    for step in range(5):
        edit = AttachTruth(session, session.clip.ground_truth + np.float32(step), is_shift=True)
        session.undo_stack.push(edit)
        taken_in += [edit] if step else []
    assert session.undo_stack.count() == 1 and not any(vars(edit) for edit in taken_in)
