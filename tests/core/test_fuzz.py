"""The first cases of make fuzz for every reader, and files whose structure is drawn at random."""

import json
import pickle

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from mpm_core import UserError, read_clip
from mpm_core.formats import FORMATS
from mpm_core.formats.pickle_values import read_pickle
from tests.fuzz import samples
from tests.fuzz.running import Cases
from tests.fuzz.targets import all_targets, check_sentence

TARGETS = all_targets()
CASES = 80

UNWANTED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
seeded = settings(max_examples=60, derandomize=True, deadline=None, database=None, suppress_health_check=UNWANTED)


@pytest.mark.parametrize("name", TARGETS)
def test_mutated_files_are_read_or_refused_in_a_sentence(name):
    cases = Cases(name, TARGETS[name])
    faults = [fault for number in range(CASES) if (fault := cases.run(number))]
    assert not faults, f"{faults[0].text}\nAgain: {faults[0].again}"


@pytest.mark.parametrize("name", TARGETS)
def test_the_samples_themselves_are_good(name, tmp_path):
    """A sample that was refused as it is would be no test of anything."""

    class Untouched:
        def choice(self, choices):
            return choices[0]

        def random(self):
            return 1.0

    TARGETS[name].read(TARGETS[name].make(tmp_path), Untouched())


def test_every_reader_is_fuzzed():
    read = {name for name, entry in FORMATS.items() if entry.read} - samples.READ_BY_OTHERS
    unknown = [name for name in read if samples.sample_of(name) is None]
    assert not unknown, f"tests/fuzz/samples.py has no good file of: {', '.join(unknown)}"


numbers = st.one_of(st.integers(), st.floats(), st.booleans(), st.none())
plain = st.recursive(
    st.one_of(
        numbers, st.text(), st.binary(), arrays(st.sampled_from(("f4", ">f8", "i2", "?", "U3")), array_shapes(min_side=0))
    ),
    lambda inner: st.one_of(st.lists(inner), st.tuples(inner, inner), st.dictionaries(st.text(), inner)),
    max_leaves=8,
)


@seeded
@given(plain, st.integers(2, 5))
def test_plain_data_survives_pickling(value, protocol):
    assert repr(spelt_out(value)) == repr(spelt_out(read_pickle(pickle.dumps(value, protocol))))


def spelt_out(value):
    """The same with arrays as lists, so that NaN is like NaN."""
    if isinstance(value, np.ndarray):
        return value.dtype.newbyteorder("="), value.shape, value.tolist()
    if isinstance(value, dict):
        return {key: spelt_out(inner) for key, inner in value.items()}
    return type(value)(map(spelt_out, value)) if isinstance(value, (list, tuple)) else value


odd = st.one_of(
    numbers, st.text(max_size=5), st.lists(numbers, max_size=3), st.dictionaries(st.text(max_size=3), numbers, max_size=2)
)
coordinates = st.one_of(st.lists(numbers, min_size=51, max_size=51), st.just([100.0, 200.0, 0.9] * 17), odd)
number_or_odd = st.one_of(st.integers(0, 20), odd)
FILES = {
    "alphapose": st.lists(st.fixed_dictionaries({"image_id": number_or_odd, "keypoints": coordinates}, optional={"idx": odd})),
    "coco": st.fixed_dictionaries({
        "images": st.lists(st.fixed_dictionaries({"id": number_or_odd}, optional={"width": odd, "file_name": odd})),
        "annotations": st.lists(st.fixed_dictionaries({"image_id": number_or_odd, "keypoints": coordinates})),
    }),
    "mmpose": st.lists(st.fixed_dictionaries({
        "frame_id": number_or_odd,
        "instances": st.one_of(odd, st.lists(st.fixed_dictionaries({"keypoints": st.one_of(odd, st.just([[1, 2]] * 17))}))),
    })),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_json_of_any_content_is_read_or_refused_in_a_sentence(name, tmp_path):
    path = tmp_path / f"{name}.json"

    @seeded
    @given(FILES[name])
    def read(content):
        path.write_text(json.dumps(content))
        try:
            assert np.isfinite(read_clip(path).keypoints).all()
        except UserError as error:
            check_sentence(error, path)

    read()
