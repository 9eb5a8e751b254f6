"""Pickles in npz files: data comes out whole, and nothing else comes out of any file."""

import io
import pickle
import random
import zipfile

import numpy as np
import pytest

from mpm_core import UserError, read_clip
from mpm_core.formats.pickle_values import PickleError, read_pickle
from mpm_core.formats.pickled_npz import read_npz


class Calls:
    """Pickles as a call of something with arguments of the file's choice, and perhaps a state for what comes of it."""

    def __init__(self, *call):
        self.call = call

    def __reduce__(self):
        return self.call


def write_member(path, name, dtype, data, shape=()):
    """An npz with one array, whose header and data say whatever they like."""
    member = io.BytesIO()
    np.lib.format.write_array_header_1_0(member, {"descr": dtype, "fortran_order": False, "shape": shape})
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{name}.npy", member.getvalue() + data)
    return path


DATA = {
    "S1": {"walk": [np.arange(6, dtype=np.float32).reshape(3, 2), np.asfortranarray(np.eye(3))]},
    "names": np.array(["left", "right"]),
    "mixed": np.array([{"a": 1}, [2.5, None]], dtype=object),
    "facts": (1, -2.5, None, True, 10**30, b"bytes", b"", np.float64(3.5)),
    "swapped": np.arange(3, dtype=">i4"),
    "empty": np.zeros((0, 17, 2)),
    "truth": np.array([True, False]),
}


def alike(one, other):
    if isinstance(one, np.ndarray):
        return one.dtype.newbyteorder("=") == other.dtype and one.shape == other.shape and alike(one.tolist(), other.tolist())
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(map(alike, one, other))
    return one == other


@pytest.mark.parametrize("protocol", [1, 2, 3, 4, 5])
def test_data_comes_out_whole(protocol):
    assert alike(DATA, read_pickle(pickle.dumps(DATA, protocol)))


def test_what_is_shared_in_a_pickle_stays_shared():
    array = np.ones(3)
    first, second = read_pickle(pickle.dumps([array, array]))
    assert first is second


RECONSTRUCT = np.array([1]).__reduce__()[0]
BEGUN = (np.ndarray, (0,), b"b")
POINTERS = b"\x41" * 8 * 34
WITH_OBJECTS = (3, "|", None, ("a",), {"a": (np.dtype("O"), 0)}, 8, 1, 63)
OF_OBJECTS = (3, "|", (np.dtype("O"), (1,)), None, None, 8, 8, 63)
EVIL = {
    "array of pointers": Calls(np.ndarray, ((1, 17, 2), "O", POINTERS)),
    "array over a buffer": Calls(np.ndarray, ((34,), "f8", POINTERS)),
    "object array with a state of bytes": Calls(RECONSTRUCT, BEGUN, (1, (34,), np.dtype("O"), False, POINTERS)),
    "array larger than its data": Calls(RECONSTRUCT, BEGUN, (1, (10**9,), np.dtype("f8"), False, POINTERS)),
    "array of negative size": Calls(RECONSTRUCT, BEGUN, (1, (-1, -34), np.dtype("f8"), False, POINTERS)),
    "array of another class": Calls(RECONSTRUCT, (dict, (0,), b"b")),
    "records with objects in them": Calls(np.dtype, ("V8", False, True), WITH_OBJECTS),
    "numbers that call themselves objects": Calls(np.dtype, ("f8", False, True), OF_OBJECTS),
    "object scalar of bytes": Calls(np.float64(1).__reduce__()[0], (np.dtype("O"), POINTERS[:8])),
    "code": Calls(eval, ("1",)),
    "state for a list": Calls(list, (), {"a": 1}),
    "memory view": Calls(memoryview, (b"abc",)),
}  # fmt: skip


@pytest.mark.parametrize("evil", EVIL.values(), ids=EVIL)
@pytest.mark.parametrize("protocol", [2, 4])
def test_nothing_but_data_comes_out(tmp_path, evil, protocol):
    table = pickle.dumps({"S1": {"walk": [evil]}}, protocol)
    path = write_member(tmp_path / "data_2d_evil_gt.npz", "positions_2d", "|O", table)
    with pytest.raises(UserError, match="'positions_2d.npy' was refused") as error:
        read_clip(path)
    assert str(path) in str(error.value) and "\n" not in str(error.value)


def nested(levels, share):
    value = [1.0] * share
    for _ in range(levels):
        value = [value] * share
    return value


def endless():
    value = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (nested(20, 10), "too many parts"),
        (nested(60, 1), "nested too deeply"),
        (endless(), "nested too deeply"),
        ({"x": [np.zeros(10**6)] * 2000}, "too many parts"),
        ({(1, 2): 3}, "neither text nor a number"),
    ],
)
def test_small_pickles_of_much_are_refused(value, words):
    with pytest.raises(PickleError, match=words):
        read_pickle(pickle.dumps(value))


@pytest.mark.parametrize(
    ("dtype", "shape", "data", "words"),
    [
        ("<f8", (10**12,), b"", "another size than it says"),
        ("<f8", (3,), b"\0" * 32, "another size than it says"),
        ([("a", "<f8")], (1,), b"\0" * 8, "neither numbers nor text"),
        ("<M8[D]", (1,), b"\0" * 8, "neither numbers nor text"),
        ("<c16", (1,), b"\0" * 16, "neither numbers nor text"),
    ],
)
def test_plain_arrays_that_are_none(tmp_path, dtype, shape, data, words):
    path = write_member(tmp_path / "clip.npz", "keypoints", dtype, data, shape)
    with pytest.raises(UserError, match=words):
        read_npz(path, ("keypoints",))


def test_truth_values_are_0_or_1(tmp_path):
    path = write_member(tmp_path / "clip.npz", "derived", "|b1", bytes([0, 1, 7, 255]), (4,))
    assert read_npz(path, ("derived",))["derived"].view(np.uint8).tolist() == [0, 1, 1, 1]


def test_no_damage_brings_out_more_than_a_sentence():
    whole = pickle.dumps(DATA, 2)
    rng = random.Random(5)
    for _ in range(2000):
        damaged = bytearray(whole)
        for _ in range(rng.randint(1, 4)):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        try:
            read_pickle(bytes(damaged[: rng.randrange(len(damaged))] if rng.random() < 0.2 else damaged))
        except PickleError as error:
            assert str(error) and "\n" not in str(error)
