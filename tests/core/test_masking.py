import numpy as np
import pytest

from mpm_core.errors import UserError
from mpm_core.hiding import parse_mask
from mpm_core.masking import COMPLETION_PRESETS, MASKERS, OCCLUSION_PRESETS, MaskRatios, draw_mask, draw_mixture, limb_mask
from mpm_core.skeleton import MPM16


def test_the_papers_ratios_hide_the_papers_share():
    mask = MASKERS["spatio-temporal"](np.random.default_rng(0), 200, 80, MaskRatios())
    assert mask.mean() == pytest.approx(0.725, abs=0.001)
    assert np.isclose(mask.all(-1).mean(), 0.6)
    visible_frames = mask[~mask.all(-1)]
    assert (visible_frames.sum(-1) == 5).all()


def test_every_joint_is_hidden_equally_often():
    mask = MASKERS["tube"](np.random.default_rng(0), 4000, 2, MaskRatios())
    share = mask[:, 0].mean(0)
    assert share.min() > 0.27 and share.max() < 0.35


def test_tube_is_the_same_in_all_frames_and_temporal_takes_whole_frames():
    tube = draw_mask("tube", 30, MaskRatios(), np.random.default_rng(0))
    assert (tube == tube[0]).all() and tube[0].sum() == 5
    temporal = draw_mask("temporal", 30, MaskRatios(), np.random.default_rng(0))
    assert (temporal.all(1) == temporal.any(1)).all() and temporal.all(1).sum() == 18


def test_limbs_are_hidden_whole():
    mask = MASKERS["limbs"](np.random.default_rng(0), 300, 27, MaskRatios())
    for limb in ("left leg", "right arm"):
        part = mask[..., MPM16.limb(limb)]
        assert (part.all(-1) == part.any(-1)).all()
    assert mask.any((1, 2)).all()


def test_edges_leave_one_stretch_visible():
    for mask in MASKERS["edges"](np.random.default_rng(0), 50, 81, MaskRatios()):
        visible = ~mask.all(1)
        assert visible.any() and np.abs(np.diff(visible.astype(int))).sum() <= 2


@pytest.mark.parametrize("name", MASKERS)
def test_samplers_follow_their_generator_and_nothing_else(name):
    first = MASKERS[name](np.random.default_rng(7), 5, 20, MaskRatios())
    np.random.seed(0)
    again = MASKERS[name](np.random.default_rng(7), 5, 20, MaskRatios())
    assert (first == again).all() and first.shape == (5, 20, 16)
    if name != "none":
        other = MASKERS[name](np.random.default_rng(8), 5, 20, MaskRatios())
        assert (first != other).any()


def test_a_mixture_has_its_shares():
    mask = draw_mixture(np.random.default_rng(0), 2000, 9, {"none": 3, "tube": 1}, MaskRatios())
    assert (~mask.any((1, 2))).mean() == pytest.approx(0.75, abs=0.04)


def test_presets_hide_what_they_name():
    assert set(np.flatnonzero(limb_mask(1, OCCLUSION_PRESETS["2 legs"])[0])) == {1, 2, 3, 4, 5, 6}
    for name, limbs in {**OCCLUSION_PRESETS, **COMPLETION_PRESETS}.items():
        hidden = {MPM16.joints[j] for j in np.flatnonzero(limb_mask(1, limbs)[0])}
        assert len(hidden) == 3 * len(limbs)
        if name.startswith("left"):
            assert all(j.startswith("L") for j in hidden)


def test_masks_can_be_typed():
    mask = parse_mask(["left arm:2-4", "Head", "2 legs:7"], 10)
    assert mask[2:5, MPM16.index("LWrist")].all() and not mask[5, MPM16.index("LWrist")]
    assert mask[:, MPM16.index("Head")].all()
    assert mask[7, MPM16.index("RAnkle")] and not mask[6, MPM16.index("RAnkle")]
    assert parse_mask(["all:0-0"], 3)[0].all()


@pytest.mark.parametrize("text", ["tail", "left arm:5-99", "left arm:x", "Head:4-2"])
def test_a_mask_that_makes_no_sense_is_refused_by_name(text):
    with pytest.raises(UserError, match="--hide"):
        parse_mask([text], 10)


def test_unknown_sampler_is_refused():
    with pytest.raises(UserError, match="nosuch"):
        draw_mask("nosuch", 5, MaskRatios(), np.random.default_rng())


def test_ratios_of_nothing_hide_nothing():
    for name, ratios in (
        ("joints", MaskRatios(joints=0)),
        ("frame spans", MaskRatios(frames=0)),
        ("temporal", MaskRatios(frames=0)),
    ):
        assert not MASKERS[name](np.random.default_rng(0), 50, 27, ratios).any(), name
    assert not MASKERS["spatio-temporal"](np.random.default_rng(0), 50, 27, MaskRatios(0, 0)).any()
    assert not MASKERS["tube"](np.random.default_rng(0), 50, 27, MaskRatios(joints=0)).any()
