"""Files that are broken in unusual ways: each must give one sentence that names it."""

import json
import time
import zipfile

import numpy as np
import pytest

from mpm_core import UserError, read_clip
from mpm_core.formats import h36m_npz, inspect_file
from mpm_core.formats.project_answer import answer_from
from tests.motion_files import write_mmpose, write_trc

HUGE = 10**400


def refused(path, words):
    for look in (read_clip, inspect_file):
        with pytest.raises(UserError, match=words) as error:
            look(path)
        assert str(path) in str(error.value) and "\n" not in str(error.value)


def coco(identifier, **size):
    annotation = {"image_id": 1, "keypoints": [1.0, 2.0, 2.0] * 17}
    return {"images": [{"id": identifier, **size}], "annotations": [annotation]}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([{"image_id": "1.jpg", "keypoints": [HUGE, 1, 1] * 17}], "keypoints are not numbers"),
        ([{"instances": [{"keypoints": [[HUGE, 1]] * 17}]}], "keypoints are not numbers"),
        (coco([1, 2]), "no 'id' that is a number or a name"),
        ([{"image_id": "9" * 5000, "keypoints": [1, 1, 1] * 17}], "no frame's"),
    ],
)
def test_json(tmp_path, content, words):
    path = tmp_path / "broken.json"
    path.write_text(json.dumps(content))
    refused(path, words)


def test_a_list_as_image_width_is_no_width(tmp_path):
    path = tmp_path / "coco.json"
    path.write_text(json.dumps(coco(1, width=[1], height=480)))
    assert "image_size" in inspect_file(path).lacks


def test_json_number_beyond_pythons_limit(tmp_path):
    path = tmp_path / "broken.json"
    path.write_text('[{"image_id": "1.jpg", "keypoints": [' + "9" * 5000 + "]}]")
    refused(path, "too many digits")


def test_openpose_number_beyond_all_range(tmp_path):
    content = {"people": [{"pose_keypoints_2d": [HUGE, 1, 1] * 25}]}
    (tmp_path / "a_000_keypoints.json").write_text(json.dumps(content))
    refused(tmp_path, "keypoints are not numbers")


def test_csv_with_an_endless_field(tmp_path):
    path = tmp_path / "long.csv"
    path.write_text("Hip_x,Hip_y\n" + "1" * 200_000 + ",1\n")
    refused(path, "line 2")


def test_npz_with_a_damaged_header(tmp_path):
    path = tmp_path / "header.npz"
    header = b"{'descr': '<f4', 'shape': (3, ((("
    member = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("keypoints.npy", member)
    with pytest.raises(UserError, match="damaged"):
        read_clip(path)


@pytest.mark.parametrize(
    ("arrays", "words"),
    [
        ({"positions": {"a": 1}}, "'positions' are not numbers"),
        ({"positions": np.ones((4, 16, 3)), "root": 1.0}, "'root' .* does not fit"),
        ({"times": ["a", "b", "c", "d"]}, "'times' are not numbers"),
        ({"confidence": ["a", "b", "c", "d"]}, "confidence values are not numbers"),
        ({"image_size": [np.nan, 100.0]}, "'image_size' must be 2 numbers"),
        ({"fps": {"a": 1}}, "'fps' is not a number"),
    ],
)
def test_npz(tmp_path, arrays, words):
    path = tmp_path / "odd.npz"
    whole = {} if "positions" in arrays else {"keypoints": np.ones((4, 16, 2))}
    np.savez(path, **whole, **arrays)
    with pytest.raises(UserError, match=words) as error:
        read_clip(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ({"S1": {"walk": 7}}, "S1/walk is not a list of camera views"),
        ({"S1": {"walk": []}}, "holds no camera view"),
        ({"S1": {"walk": np.array(3.0)}}, "is not a list of camera views"),
    ],
)
def test_h36m_views(tmp_path, table, words):
    path = tmp_path / "data_2d_x_gt.npz"
    np.savez(path, positions_2d=table)
    refused(path, words)


@pytest.mark.parametrize("layout", [["h36m"], {"h36m": 1}, 3, np.ones(2)])
def test_h36m_layout_that_is_no_name(tmp_path, layout):
    path = tmp_path / "data_2d_x_gt.npz"
    table = {"S1": {"walk": [np.ones((4, 17, 2))]}}
    np.savez(path, positions_2d=table, metadata=np.array({"layout_name": layout}, dtype=object))
    refused(path, "joint layout is no text")


def test_h36m_coordinate_beyond_all_range(tmp_path):
    path = tmp_path / "data_2d_x_gt.npz"
    np.savez(path, positions_2d={"S1": {"walk": [[[[HUGE, 1]] * 17]]}})
    with pytest.raises(UserError, match="positions are not numbers"):
        read_clip(path)


def test_whatever_else_a_reader_raises_is_one_sentence(tmp_path, monkeypatch):
    def fail(path):
        raise ZeroDivisionError("two\nlines")

    path = tmp_path / "data_2d_x_gt.npz"
    np.savez(path, positions_2d={"S1": {"walk": [np.ones((4, 17, 2))]}})
    monkeypatch.setattr(h36m_npz, "_Pair", fail)
    refused(path, r"cannot be read \(it is damaged in a way that nothing is known of\)")


def test_trc_with_a_number_beyond_all_range(tmp_path):
    place = write_trc(tmp_path / "w.trc", {name: np.ones((5, 3)) for name in ("LHip", "RHip", "LKnee", "RKnee")})
    place.write_text(place.read_text().replace("1.000000", "-1e30", 1))
    refused(place, "too large a number")


def test_a_frame_number_that_makes_a_million_frames_is_refused_at_once(tmp_path):
    path = write_mmpose(tmp_path / "w.json", [[np.random.default_rng(n).random((17, 3))] for n in range(5)])
    path.write_text(path.read_text().replace('"frame_id": 5', '"frame_id": 999999'))
    begun = time.process_time()
    with pytest.raises(UserError, match="only 5 of 999999 frames show anybody"):
        read_clip(path)
    assert time.process_time() - begun < 2


@pytest.mark.parametrize(
    ("changes", "arrays"),
    [({"scale": 0.0}, {}), ({"scale": -1.0}, {}), ({"fps": 0}, {}), ({}, {"positions": np.nan}), ({}, {"root": np.inf})],
)
def test_a_kept_answer_of_no_numbers_is_damaged(changes, arrays):
    zeros = np.zeros((3, 16, 3), np.float32)
    marks = np.zeros((3, 16), bool)
    kept = {"positions": zeros, "root": zeros[:, 0], "hidden": marks, "is_prior_only": marks[:, 0], "times": np.arange(3) / 30}
    note = {"fps": 30.0, "lifter": "mpm", "task": "lift", "mode": "fast", "scale": 1.0, "up_error_deg": None, "history": []}
    assert len(answer_from(note, kept, 3, "a")) == 3
    damaged = {name: array + arrays[name] if name in arrays else array for name, array in kept.items()}
    with pytest.raises(UserError, match="an answer that was kept is damaged"):
        answer_from(note | changes, damaged, 3, "a")
