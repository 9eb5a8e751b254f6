"""Half a minute of a random user; make soak does it for ten and looks at memory too."""

from tests.soak.running import soak

SECONDS = 30


def test_a_random_user_meets_no_exception(window, tmp_path):
    faults, done, _ = soak(window, seed=20261126, seconds=SECONDS, folder=tmp_path, warm_s=SECONDS)
    assert not faults.texts, (faults.texts, done)
