"""An answer that is being renewed says which of its frames still answer what was asked before."""

import numpy as np
import pytest

from mpm_core import Clip
from mpm_core.bench import long_clip
from mpm_core.lifters.aids import Aids
from mpm_core.skeleton import MPM16


@pytest.mark.parametrize(("mode", "fps"), [("fast", 50), ("fast", 30), ("per-frame", 50)])
def test_frames_are_pending_until_their_answer_is_new(lifter, mode, fps):
    whole = long_clip(1500)
    clip = Clip.from_arrays(whole.keypoints, whole.image_size, fps, camera=whole.camera)
    clip = clip.cut(0, 299) if mode == "per-frame" else clip
    task = lifter.start(clip, mode=mode, aids=Aids(mirror=False, fit=False, ground=False))
    assert task.prediction().is_pending.all()
    list(task.update(None))
    before = task.prediction()
    assert before.is_pending is None
    mask = np.zeros((len(clip), 16), bool)
    mask[60:, list(MPM16.limb("left arm"))] = True
    steps = task.update(mask, cursor=len(clip) - 1)
    next(steps)
    middle = task.prediction()
    list(steps)
    after = task.prediction()
    assert after.is_pending is None
    is_pending, is_old = middle.is_pending, np.any(middle.positions != after.positions, axis=(1, 2))
    assert is_pending.any() and not is_pending.all()
    assert not (is_old & ~is_pending).any()  # what still changes was said to
