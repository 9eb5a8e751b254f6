"""The sampler by itself, with denoisers that are known: what a network learns is in test_hypotheses.py."""

import numpy as np
import pytest
import torch

from mpm_core.diffusion.aggregation import aggregated, jpma, jpma_weighted, spread_of
from mpm_core.diffusion.guidance import KnownJoints, RayGuidance, View
from mpm_core.diffusion.noise import PARTS, REACH, correlate, correlate_long
from mpm_core.diffusion.options import Sampling
from mpm_core.diffusion.sampling import Sampler, Start, draw_in_pairs, draw_noise, uncertain_start
from mpm_core.diffusion.schedule import add_noise, sampling_steps, signal_share
from mpm_core.errors import UserError
from mpm_core.networks.denoiser import in_metres, standardise
from mpm_core.skeleton import MPM16

CPU = torch.device("cpu")
FRAMES = 400
CONDITION = torch.zeros(FRAMES, 8)
SPREAD = 0.4  # of what is possible, in units of standardise


def truth():
    """(frames, 16, 3) a slow movement, as standardise has it."""
    time = torch.arange(FRAMES)[:, None, None] / 50
    return torch.sin(time + torch.arange(16)[:, None] + torch.arange(3)) * 0.8


class Ideal:
    """Knows that motions are the truth plus the sampler's own kind of noise, times SPREAD: the answer is the mean of what is
    possible."""

    def __init__(self, mean):
        self._mean = mean

    def denoise(self, condition, noised, step, signal):
        signal = signal[:, None, None, None]
        gain = SPREAD**2 * signal.sqrt() / (SPREAD**2 * signal + 1 - signal)
        mean = self._mean[None, : noised.shape[1]]
        return in_metres(mean + gain * (noised - signal.sqrt() * mean))


class Unchanged:
    """Returns what it is given."""

    def denoise(self, condition, noised, step, signal):
        return in_metres(noised)


def sample(model, samples=24, steps=20, seed=0, frames=100, correct=None):
    noise = draw_noise(samples, 0, frames, 16, seed, CPU)
    sampler = Sampler(model, CONDITION[:frames], Start(noise), steps, correct)
    for _ in sampler.run():
        pass
    return standardise(sampler.clean)


def spread_around(drawn, mean):
    return float((drawn - mean).square().mean().sqrt())


def test_there_is_less_signal_at_every_step_and_unit_variance_throughout():
    steps = torch.linspace(0, 1, 11)
    shares = signal_share(steps)
    assert shares[0] == 1 and shares[-1] < 1e-4 and (shares.diff() < 0).all()
    clean, noise = torch.randn(11, 4000), torch.randn(11, 4000)
    assert add_noise(clean, noise, steps).std(1).sub(1).abs().max() < 0.05
    assert sampling_steps(5)[0] == 1 and (np.diff(sampling_steps(5)) < 0).all() and sampling_steps(5)[-1] > 0
    assert sampling_steps(3, 0.5)[0] == 0.5


def test_noise_is_alike_in_short_windows_and_in_long_clips():
    torch.manual_seed(0)
    short = correlate(torch.randn(300, 40, 48))
    long = correlate_long(torch.randn(300, PARTS, 40 + 2 * REACH, 48))
    for noise in (short, long):
        assert abs(float(noise.std()) - 1) < 0.02
        near, far = (float((noise[:, 0] * noise[:, apart]).mean()) for apart in (1, 30))
        assert 0.75 < near < 0.85 and 0.3 < far < 0.45  # slow parts, a part that trembles


def test_frames_keep_their_noise_and_hypotheses_theirs():
    whole = draw_noise(3, 0, 200, 16, 7, CPU)
    part = draw_noise(3, 90, 50, 16, 7, CPU)
    assert torch.allclose(whole[:, 90:140], part, atol=1e-5)
    assert torch.allclose(draw_noise(8, 0, 200, 16, 7, CPU)[:3], whole, atol=1e-6)
    assert not torch.allclose(draw_noise(3, 0, 200, 16, 8, CPU), whole, atol=0.5)


def test_pairs_begin_from_opposite_noise_and_the_first_of_many_are_those_of_few():
    drawn = draw_in_pairs(5, 0, 200, 16, 7, CPU)
    assert len(drawn) == 5 and torch.equal(drawn[1], -drawn[0]) and torch.equal(drawn[3], -drawn[2])
    assert not torch.allclose(drawn[2].abs(), drawn[0].abs(), atol=0.5)
    assert torch.allclose(draw_in_pairs(20, 0, 200, 16, 7, CPU)[:5], drawn, atol=1e-6)
    many = draw_in_pairs(24, 0, 200, 16, 7, CPU)
    alone = draw_noise(24, 0, 200, 16, 7, CPU)
    assert many.std() == pytest.approx(float(alone.std()), rel=0.05)
    assert float(many.mean(0).abs().max()) < 1e-6 < float(alone.mean(0).abs().max()), "their middle is that of all"


def test_hypotheses_are_as_far_apart_as_what_is_possible():
    mean = truth()[:100]
    drawn = sample(Ideal(mean))
    assert spread_around(drawn.mean(0), mean) < 0.15
    assert 0.8 * SPREAD < spread_around(drawn, mean) < 1.1 * SPREAD
    few = sample(Ideal(mean), steps=5)
    assert 0.6 * SPREAD < spread_around(few, mean) < 1.1 * SPREAD
    assert spread_around(sample(Unchanged()), mean) > 2 * SPREAD  # whoever changes nothing does not pass


def test_the_same_seed_gives_the_same_hypotheses():
    ideal = Ideal(truth())
    once, again, other = (sample(ideal, 3, 4, seed) for seed in (1, 1, 2))
    assert torch.equal(once, again) and not torch.allclose(once, other, atol=0.1)


class OfAnotherOpinion(Ideal):
    """Answers each batch of windows a little beside the one before: what is not averaged jumps where windows meet."""

    def denoise(self, condition, noised, step, signal):
        beside = torch.linspace(-0.5, 0.5, len(noised))[:, None, None, None]
        return super().denoise(condition, noised, step, signal) * 0 + in_metres(beside.expand_as(noised))


def test_windows_agree_at_their_seams():
    noise = draw_noise(1, 0, FRAMES, 16, 0, CPU)
    sampler = Sampler(OfAnotherOpinion(truth()), CONDITION, Start(noise), 3)
    assert len(sampler._starts) > 2
    for _ in sampler.run():
        pass
    jumps = standardise(sampler.clean)[0].diff(dim=0).abs().amax((1, 2))
    apart = 1 / (len(sampler._starts) - 1)  # what two windows differ by
    assert standardise(sampler.clean)[0].std() > 0.2 and jumps.max() < apart / 8


def test_sampling_can_be_given_up():
    noise = draw_noise(4, 0, FRAMES, 16, 0, CPU)
    sampler = Sampler(Ideal(truth()), CONDITION, Start(noise), 10)
    steps = sampler.run()
    first = next(steps)
    steps.close()
    assert 0 < first.done < first.total == sampler.parts()


def test_an_uncertain_start_is_about_the_pose_where_it_is_sure():
    first = in_metres(truth()[:60])
    spread = torch.zeros_like(first)
    spread[:, MPM16.index("LWrist")] = 0.3
    noise, of_pose = (draw_noise(64, 0, 60, 16, seed, CPU) for seed in (0, 1))
    start = uncertain_start(first, spread, noise, of_pose)
    assert 0 < start.step < 1
    around = (start.noised - start.noised.mean(0)).square().mean((0, 1, 3)).sqrt()
    wrist = MPM16.index("LWrist")
    assert around[wrist] > 1.2 * around[MPM16.index("RWrist")]
    quiet = uncertain_start(first, spread, 0 * noise, 0 * of_pose).noised[0]
    assert torch.allclose(quiet / signal_share(torch.tensor(start.step)).sqrt(), standardise(first), atol=1e-3)


def camera(azimuth_deg, depth=4.0):
    """Rotation and offset of a camera that looks at Hip, which is `depth` metres before the first one."""
    angle = np.radians(azimuth_deg)
    rotation = np.array([[np.cos(angle), 0, -np.sin(angle)], [0, 1, 0], [np.sin(angle), 0, np.cos(angle)]], np.float32)
    hip = np.array([0, 0, depth], np.float32)
    return torch.from_numpy(rotation), torch.from_numpy(hip - rotation @ hip)


def views_of(motion, azimuths, weights=None):
    """Views of motion (frames, 16, 3) metres from Hip, which stands 4 m before the first camera."""
    eye = torch.eye(3).expand(len(motion), 3, 3)
    found = []
    for azimuth in azimuths:
        rotation, offset = camera(azimuth)
        seen = (motion + torch.tensor([0, 0, 4.0])) @ rotation.T + offset
        rays = seen[..., :2] / seen[..., 2:]
        found.append(View(rotation @ eye, offset, rays, torch.ones(motion.shape[:2]) if weights is None else weights))
    return found


def test_guidance_brings_hypotheses_to_the_rays_and_two_cameras_to_the_truth():
    motion = in_metres(truth()[:50])
    motion = motion - motion[:, :1]
    torch.manual_seed(0)
    wrong = motion + 0.06 * torch.randn(5, *motion.shape)
    wrong = wrong - wrong[:, :, :1]
    far = {}
    for azimuths in ((0,), (0, 90)):
        guide = RayGuidance(views_of(motion, azimuths))
        guided = guide(wrong, 0.5)
        assert (guide.error(guided) < 0.25 * guide.error(wrong)).all()
        assert torch.equal(guided[:, :, 0], torch.zeros_like(guided[:, :, 0]))
        far[len(azimuths)] = float((guided - motion).norm(dim=-1).mean())
    assert far[2] < 0.5 * far[1] < 0.5 * float((wrong - motion).norm(dim=-1).mean())


def test_one_camera_is_told_how_long_bones_are():
    motion = in_metres(truth()[:50])
    motion = motion - motion[:, :1]
    lengths = (motion[:, 1:] - motion[:, list(MPM16.parents[1:])]).norm(dim=-1).mean(0)
    small = torch.stack((0.7 * motion, 0.8 * motion))
    views = views_of(motion, (0,))
    left, told = RayGuidance(views)(small, 0.5), RayGuidance(views, bones=lengths)(small, 0.5)
    assert (left - motion).norm(dim=-1).mean() > 0.05  # the rays alone are met by a small person who is near
    assert (told - motion).norm(dim=-1).mean() < 0.005 and RayGuidance(views).error(told).max() < 0.005
    assert torch.allclose(
        (told[:, :, 1:] - told[:, :, list(MPM16.parents[1:])]).norm(dim=-1).mean(1), lengths.expand(2, 15), rtol=1e-4
    )


def test_guidance_leaves_hidden_joints_and_minds_confidence():
    motion = in_metres(truth()[:20])
    motion = motion - motion[:, :1]
    wrong = motion.clone()[None]
    wrong[:, :, 5:8] += 0.04
    weights = torch.ones(20, 16)
    weights[:, 5], weights[:, 6] = 0, 0.2
    moved = (RayGuidance(views_of(motion, (0,), weights))(wrong, 0.5) - wrong).norm(dim=-1).mean((0, 1))
    assert moved[5] < 0.3 * moved[7] and moved[5] < moved[6] < 0.8 * moved[7]


def test_known_joints_go_to_their_places_at_every_step():
    mean = truth()[:60]
    known = torch.zeros(60, 16, dtype=torch.bool)
    known[:, 3] = True
    places = in_metres(mean + 1)
    drawn = sample(Ideal(mean), 4, 5, frames=60, correct=KnownJoints(places, known))
    assert torch.allclose(drawn[:, :, 3], mean[:, 3].expand(4, -1, -1) + 1, atol=1e-4)
    assert not torch.allclose(drawn[:, :, 4], mean[:, 4].expand(4, -1, -1) + 1, atol=0.5)


def test_jpma_takes_each_joint_from_the_hypothesis_that_is_nearest_to_its_keypoint():
    motion = in_metres(truth()[:10]).numpy()
    motion = motion - motion[:, :1]
    left, right = MPM16.limb("left arm"), MPM16.limb("right arm")
    hypotheses = np.stack((motion, motion))
    hypotheses[0][:, left], hypotheses[1][:, right] = hypotheses[0][:, left] + 0.2, hypotheses[1][:, right] - 0.2
    placed = motion + [0, 0, 4.0]
    visible = np.ones((10, 16), bool)
    visible[5:, left[-1]] = False
    answer = jpma(hypotheses, placed[..., :2] / placed[..., 2:], visible)
    assert np.allclose(answer[:5], motion[:5], atol=1e-5)
    assert np.allclose(answer[5:, left[-1]], hypotheses.mean(0)[5:, left[-1]], atol=1e-5)
    none = jpma(hypotheses, placed[..., :2] / placed[..., 2:], np.zeros((10, 16), bool))
    assert np.allclose(none, hypotheses.mean(0), atol=1e-5)


def some_hypotheses(random, samples=20, frames=40):
    """(samples, frames, 16, 3), the true motion, its rays and what is visible: all are off by 8 cm and the 5 cm across
    the picture that go with them, and in depth by 12 cm more that no keypoint tells of; all alike in all frames."""
    motion = in_metres(truth()[:frames]).numpy()
    motion = motion - motion[:, :1]
    placed = motion + [0, 0, 4.0]
    off = random.normal(0, 0.08, (samples + 1, 1, 16, 1)) * [0.6, 0, 1] * (np.arange(16) > 0)[:, None]
    off[1:, :, 1:, 2] += random.normal(0, 0.12, (samples, 1, 15))
    return motion + off[0] + off[1:], motion, placed[..., :2] / placed[..., 2:], np.ones((frames, 16), bool)


def test_jpma_with_weights_is_nearer_than_the_mean_and_than_a_single_hypothesis():
    """What goes with what is seen is found again in depth too."""
    hypotheses, motion, rays, visible = some_hypotheses(np.random.default_rng(0))
    visible[20:, 5] = False

    def error(how):
        return np.linalg.norm(aggregated(hypotheses, rays, visible, how) - motion, axis=-1).mean()

    assert error("weighted") < 0.8 * error("mean") < error("jpma")
    weighted, mean = jpma_weighted(hypotheses, rays, visible), hypotheses.mean(0)
    assert np.allclose(weighted[30:, 5], mean[30:, 5], atol=1e-5), "of a hidden joint nothing is seen"
    moved = (weighted - mean)[:, 5]
    assert np.abs(moved[:15]).max() > 0.01
    assert np.abs(np.diff(moved, axis=0)).max() < 0.25 * np.abs(moved).max(), "it does not jump where it gets hidden"
    alike = np.repeat(motion[None], 3, axis=0)
    assert np.allclose(jpma_weighted(alike, rays, visible), motion, atol=1e-5)


def test_jpma_with_weights_believes_keypoints_the_less_the_more_they_tremble():
    random = np.random.default_rng(1)
    hypotheses, _, rays, visible = some_hypotheses(random)
    trembling = rays + random.normal(0, 0.02, rays.shape)  # 8 cm

    def moved(seen):
        return np.linalg.norm(jpma_weighted(hypotheses, seen, visible) - hypotheses.mean(0), axis=-1).mean()

    assert moved(trembling) < 0.1 * moved(rays)
    one = jpma_weighted(hypotheses[:1], rays, visible)
    assert np.allclose(one, hypotheses[0] - hypotheses[0][:, :1], atol=1e-5), "a single one says nothing of depth"


def test_spread_is_the_root_mean_square_distance_from_the_mean():
    hypotheses = np.zeros((2, 3, 16, 3))
    hypotheses[0, 1, 4], hypotheses[1, 1, 4] = (0.3, 0, 0), (-0.3, 0, 0)
    spread = spread_of(hypotheses)
    assert spread[1, 4] == pytest.approx(0.3) and spread.sum() == pytest.approx(0.3)


@pytest.mark.parametrize(
    "wrong",
    [
        {"samples": -1},
        {"samples": 10**6},
        {"samples": 2.0},
        {"steps": 0},
        {"aggregate": "best"},
        {"start": "end"},
        {"seed": -1},
    ],
)
def test_what_no_sampler_can_do_is_refused_in_a_sentence(wrong):
    with pytest.raises(UserError) as error:
        Sampling(**wrong).checked()
    assert next(iter(wrong)) in str(error.value) and "\n" not in str(error.value)
