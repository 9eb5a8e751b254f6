"""When Python looks for garbage."""

import gc
from contextlib import ExitStack

import pytest

from app.workers.garbage import nothing_collected


@pytest.fixture
def collecting():
    gc.enable()
    yield
    gc.enable()


def test_garbage_is_collected_again_once_the_last_window_has_loaded_its_lifter(collecting):
    first, second, third = ExitStack(), ExitStack(), ExitStack()
    first.enter_context(nothing_collected())
    second.enter_context(nothing_collected())
    first.close()
    assert not gc.isenabled()
    third.enter_context(nothing_collected())
    second.close()
    assert not gc.isenabled()
    third.close()
    assert gc.isenabled()


def test_whoever_has_switched_collecting_off_finds_it_off(collecting):
    gc.disable()
    with nothing_collected(), nothing_collected():
        pass
    assert not gc.isenabled()
