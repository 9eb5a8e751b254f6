"""The first cases of make fuzz for every reader, and pickles of any plain data."""

import pickle

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from mpm_core.formats import FORMATS
from mpm_core.formats.pickle_values import read_pickle
from tests.fuzz import samples
from tests.fuzz.running import Cases
from tests.fuzz.targets import all_targets

TARGETS = all_targets()
CASES = 160

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
