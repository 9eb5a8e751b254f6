"""Files of keypoints whose structure is drawn at random: as programs write them, with anything in the place of anything."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mpm_core import UserError, read_clip
from mpm_core.formats import inspect_file
from tests.fuzz.targets import check_sentence

UNWANTED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
seeded = settings(max_examples=60, derandomize=True, deadline=None, database=None, suppress_health_check=UNWANTED)

numbers = st.one_of(
    st.integers(), st.floats(), st.booleans(), st.none(), st.sampled_from((10**30, -(10**400), 1e308, 2**63, 0, -1))
)
deep = st.recursive(
    numbers, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=2)
)
odd = numbers | st.text(max_size=5) | deep


def mostly(usual, *rare):
    """One of ten is something else."""
    return st.integers(0, 9).flatmap(lambda n: st.one_of(*rare) if n == 0 and rare else usual)


def joints(draw_from, counts=(17,)):
    return st.sampled_from(counts).flatmap(lambda n: st.lists(draw_from, min_size=n, max_size=n))


number = mostly(st.floats(0, 1000), numbers, st.text(max_size=4))
score = mostly(st.floats(0, 1), numbers)
triples = joints(st.tuples(number, number, score), (17, 17, 17, 18, 25, 26)).map(lambda rows: [v for row in rows for v in row])
pairs = joints(st.lists(number, min_size=2, max_size=2), (17, 17, 17, 26))
body = mostly(st.just([v for n in range(17) for v in (300.0 + n, 100.0 + 20 * n, 0.9)]), triples, odd)
frame = mostly(st.integers(0, 40) | st.integers(0, 40).map("v_{:04d}.jpg".format), st.integers(), odd)
identity = mostly(st.integers(-1, 3), st.lists(numbers, max_size=2), odd)
size = mostly(st.just(1080), odd)


def table(**fields):
    """With all of these, and sometimes one of them missing."""
    return st.fixed_dictionaries({}, optional=fields) | st.fixed_dictionaries(fields)


def few(of):
    return mostly(st.lists(of, min_size=1, max_size=5), odd)


named = st.lists(st.sampled_from(("nose", "left_hip", "x", "")) | st.text(max_size=6), min_size=17, max_size=17)
DOCUMENTS = {
    "alphapose": few(table(image_id=frame, keypoints=body, idx=identity, score=score, category_id=odd)),
    "alphapose-cmu": st.dictionaries(st.from_regex(r"[0-9]{1,9}\.jpg", fullmatch=True), table(bodies=few(table(joints=body)))),
    "openpose": few(table(people=few(table(pose_keypoints_2d=body, person_id=mostly(st.just([-1]), odd))), canvas_width=size)),
    "coco": table(
        images=few(table(id=frame, width=size, height=size, file_name=frame)),
        annotations=few(table(image_id=frame, keypoints=body, track_id=identity, attributes=table(track_id=identity))),
        categories=few(table(id=odd, keypoints=mostly(named, odd))),
    ),
    "mmpose": few(
        table(frame_id=frame, instances=few(table(keypoints=mostly(pairs, odd), keypoint_scores=mostly(joints(score), odd))))
    ),
    "easymocap": few(
        table(filename=frame, height=size, width=size, annots=few(table(keypoints=mostly(pairs, body), personID=identity)))
    ),
    "yolo": few(
        few(table(name=odd, track_id=identity, keypoints=table(x=joints(number), y=joints(number), visible=joints(score))))
    ),
}  # fmt: skip


def read_or_refuse(path, **given_by_user):
    """Whatever comes out is whole, or one sentence that names the file."""
    for read in (inspect_file, lambda path: read_clip(path, **given_by_user)):
        try:
            found = read(path)
        except UserError as error:
            check_sentence(error, path)
            continue
        if hasattr(found, "keypoints") and found.keypoints is not None:
            assert np.isfinite(found.keypoints).all() and np.isfinite(found.confidence).all()
            assert (np.diff(found.times) > 0).all() and len(found) <= 100_000


@pytest.mark.parametrize("name", DOCUMENTS)
def test_json_that_looks_like_a_programs_is_read_or_refused_in_a_sentence(name, tmp_path):
    path = tmp_path / f"{name}.json"

    @seeded
    @given(DOCUMENTS[name], st.sampled_from((None, (1920, 1080))))
    def read(content, image_size):
        path.write_text(json.dumps(content))
        read_or_refuse(path, image_size=image_size)

    read()


def test_a_folder_of_frames_of_any_content_and_name(tmp_path):
    names = st.from_regex(r"[a-z]{0,3}_?[0-9]{1,20}(_keypoints)?", fullmatch=True)
    frames = st.dictionaries(names, mostly(table(people=few(table(pose_keypoints_2d=body))), odd), min_size=1, max_size=4)

    @seeded
    @given(frames, st.integers())
    def read(contents, number):
        folder = tmp_path / str(number)
        folder.mkdir(exist_ok=True)
        for old in folder.iterdir():
            old.unlink()
        for name, content in contents.items():
            (folder / f"{name}.json").write_text(json.dumps(content))
        read_or_refuse(folder)

    read()


cell = mostly(
    st.floats(0, 1000).map("{:.3f}".format),
    st.sampled_from(("", "NA", "nan", "inf", "1e400", "-9e18", "1,5", '"', '"a,b"', " 7 ", "x" * 40, "é", "#N/A", "-")),
    st.text(max_size=6),
)
BODY = ("nose", "left_hip", "right_hip", "left_knee")
heads = st.sampled_from((
    "frame,time_s," + ",".join(f"{joint}_{axis}" for joint in BODY for axis in "xy"),
    "frame,joint,x,y,conf",
    "image," + ",".join(f"x{n},y{n}" for n in range(17)),
    "time;person;" + ";".join(f"{n}_x;{n}_y" for n in range(17)),
))  # fmt: skip


def test_tables_of_any_cells_are_read_or_refused_in_a_sentence(tmp_path):
    path = tmp_path / "c.csv"

    @seeded
    @given(heads, st.lists(st.lists(cell, min_size=3, max_size=40), max_size=6), st.booleans())
    def read(head, rows, is_whole):
        sign = ";" if ";" in head else ","
        width = head.count(sign) + 1
        if is_whole:
            rows = [[str(n), *(row * width)][:width] for n, row in enumerate(rows)]
        path.write_text("\n".join([head, *(sign.join(row) for row in rows)]))
        read_or_refuse(path, image_size=(1920, 1080))

    read()
