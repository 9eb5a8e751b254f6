from dataclasses import fields
from itertools import pairwise

import numpy as np
import pytest
import torch

from mpm_core.data import augment, bodies, procedural
from mpm_core.data.augment import AugmentConfig, Draw
from mpm_core.data.batches import WindowSource
from mpm_core.data.cameras import CameraConfig, view
from mpm_core.data.detecting import detect
from mpm_core.data.pack import MotionPack, balanced_weights, mix_packs, read_pack, write_pack
from mpm_core.data.reach import Reach, bend_limbs
from mpm_core.errors import UserError
from mpm_core.grounding.floor import FEET
from mpm_core.skeleton import MPM16
from mpm_core.synthesis import demo_motion


@pytest.fixture
def draw():
    return Draw(torch.Generator().manual_seed(0))


@pytest.fixture(scope="module")
def motion():
    return torch.from_numpy(demo_motion()[:540].reshape(20, 27, 16, 3).astype(np.float32))


def small_pack():
    motion = demo_motion().astype(np.float32)
    names, starts = ("a/one", "b/two"), np.array([0, 300, len(motion)])
    return MotionPack(motion, starts, names, 50.0, balanced_weights(names, starts, motion, 50.0))


def write_small_pack(path):
    """small_pack as a file: Human3.6M's joints are MPM-16's with a nose before the head."""
    pack = small_pack()
    clips = [np.insert(pack.positions[a:b], 9, pack.positions[a:b, 9], axis=1) for a, b in pairwise(pack.starts)]
    write_pack(path, clips, pack.names, ["1"] * len(clips), ["train"] * len(clips))
    return path


def test_packs_are_mixed_in_the_shares_asked_for():
    one = small_pack()
    both = mix_packs([one, one.part(0.4, 0)], [3, 1])
    assert len(both.names) == 3 and both.starts[-1] == len(both.positions)
    assert both.weights[:2].sum() == pytest.approx(0.75) and both.weights.sum() == pytest.approx(1)
    again = mix_packs([one])
    assert np.allclose(again.weights, one.weights) and np.array_equal(again.positions, one.positions)
    for shares in ([1], [1, -1], [0, 0]):
        with pytest.raises(UserError, match="2 motion packs need as many shares"):
            mix_packs([one, one], shares)


def test_a_part_of_a_pack_is_whole_clips():
    part = small_pack().part(0.3, 1)
    assert len(part.names) == 1 and len(part.positions) == part.starts[-1]
    for share in (0, 1.5):
        with pytest.raises(UserError, match="share of the data"):
            small_pack().part(share, 0)


def test_cameras_project_what_they_see(draw, motion):
    seen = view(draw, motion, CameraConfig())
    assert torch.allclose(seen.rays, seen.positions[..., :2] / seen.positions[..., 2:])
    assert seen.positions[..., 2].min() >= CameraConfig().nearest_m - 1e-4
    distances = torch.cdist(motion.flatten(0, 1), motion.flatten(0, 1))
    assert torch.allclose(distances, torch.cdist(seen.positions.flatten(0, 1), seen.positions.flatten(0, 1)), atol=1e-3)


def test_people_stand_upright_before_most_cameras(draw, motion):
    seen = view(draw, motion.repeat(20, 1, 1, 1), CameraConfig())
    head, hip = seen.positions[:, :, MPM16.index("Head")], seen.positions[:, :, MPM16.root]
    assert ((hip - head)[..., 1] > 0).float().mean() > 0.95  # y points down


def test_cameras_vary_in_pitch_roll_and_focal_length(draw, motion):
    flat = CameraConfig(roll=0, elevation=0, elevation_mean=0, steep_share=0)
    level = view(draw, motion, flat).positions
    up = (level[:, :, MPM16.index("Spine")] - level[:, :, MPM16.root])[..., [0, 2]].abs().mean()
    tilted = view(draw, motion, CameraConfig(roll=15, steep_share=0)).positions
    assert (tilted[:, :, MPM16.index("Spine")] - tilted[:, :, MPM16.root])[..., [0, 2]].abs().mean() > up
    assert view(draw, motion, CameraConfig()).focal.std() > 0.3


EVERYONE = torch.ones(20, dtype=torch.bool)
NOBODY = ~EVERYONE
ALWAYS = AugmentConfig(
    exchanged_share=1.0,
    exchanged_trunk_share=1.0,
    swung_share=1.0,
    swung_legs_share=1.0,
    invented_arms_share=1.0,
    invented_legs_share=1.0,
    varied_masked=1.0,
    tilted_share=1.0,
    moved_joints=1.0,
)


@pytest.mark.parametrize(
    "vary",
    [
        lambda draw, motion: augment.exchange_arms(draw, motion, EVERYONE, ALWAYS),
        lambda draw, motion: augment.exchange_trunks(draw, motion, EVERYONE, ALWAYS),
        lambda draw, motion: augment.swing_limbs(draw, motion, EVERYONE, ALWAYS)[0],
        lambda draw, motion: procedural.invent_limbs(draw, motion, EVERYONE, ALWAYS)[0],
        lambda draw, motion: augment.tilt(draw, motion, ALWAYS)[0],
    ],
    ids=["exchange arms", "exchange trunks", "swing limbs", "invent limbs", "tilt"],
)
def test_these_variations_keep_bone_lengths(draw, motion, vary):
    changed = vary(draw, motion)
    before, after = (augment.bone_vectors(p).norm(dim=-1)[..., 1:] for p in (motion, changed))
    assert torch.allclose(before, after, atol=1e-4)
    assert (changed - motion).abs().max() > 0.05


def reach(positions):
    """How far the wrists are from each other and from the chest, which turning the trunk leaves alone."""
    left, right, thorax = (MPM16.index(j) for j in ("LWrist", "RWrist", "Thorax"))
    return torch.stack([(positions[:, :, a] - positions[:, :, b]).norm(dim=-1) for a, b in ((left, right), (left, thorax))])


def test_arms_that_will_be_hidden_keep_near_their_natural_movement(draw, motion):
    half = torch.arange(20) < 10
    moved = (reach(augment.exchange_arms(draw, motion, half, ALWAYS)) - reach(motion)).abs().amax((0, 2)) > 1e-3
    assert moved[:10].any() and not moved[10:].any()
    many = motion.repeat(50, 1, 1, 1)
    is_masked = torch.arange(1000) < 500
    turned = (reach(augment.swing_limbs(draw, many, is_masked, ALWAYS)[0]) - reach(many)).abs().mean((0, 2))
    assert 0.2 < turned[is_masked].mean() / turned[~is_masked].mean() < 0.7


def test_the_bodys_own_axes_point_where_they_say(motion):
    left, front, up = augment.body_axes(motion, ("LHip", "RHip"), ("Hip", "Spine"))
    knees = torch.stack([motion[:, :, MPM16.index(f"{s}Knee")] for s in "LR"])
    ends = torch.stack([motion[:, :, [MPM16.index(f"{s}Hip"), MPM16.index(f"{s}Ankle")]].mean(2) for s in "LR"])
    assert (((knees - ends) * front).sum(-1) > 0).float().mean() > 0.95  # knees bend forwards
    assert (((motion[:, :, MPM16.index("LHip")] - motion[:, :, MPM16.index("RHip")]) * left).sum(-1) > 0).all()
    assert (((motion[:, :, MPM16.index("Head")] - motion[:, :, MPM16.root]) * up).sum(-1) > 0).all()
    assert torch.allclose((left * front).sum(-1) + (front * up).sum(-1), torch.zeros(20, 27), atol=1e-5)


def test_invented_trunks_bend_as_far_as_people_do(draw, motion):
    many = motion.repeat(50, 1, 1, 1)
    only_trunk = AugmentConfig(invented_trunk_share=1, invented_arms_share=0, invented_legs_share=0)
    bent, _ = procedural.invent_limbs(draw, many, torch.zeros(1000, dtype=torch.bool), only_trunk)
    before, after = (augment.body_axes(p, ("LShoulder", "RShoulder"), ("Spine", "Thorax")) for p in (many, bent))
    angle = (before[2] * after[2]).sum(-1).clamp(-1, 1).acos().rad2deg()
    assert angle.max() < 95 and angle.quantile(0.9) > 50
    assert (after[2] * before[1]).sum(-1).mean() > 0.3  # forwards rather than backwards
    lengths = [augment.bone_vectors(p).norm(dim=-1) for p in (many, bent)]
    assert torch.allclose(*lengths, atol=1e-5)
    legs = list(MPM16.limb("left leg"))
    assert torch.allclose(many[:, :, legs], bent[:, :, legs], atol=1e-6)


def test_invented_limbs_are_where_joints_allow(draw, motion):
    many = motion.repeat(50, 1, 1, 1)
    invented, has_new_legs = procedural.invent_limbs(draw, many, torch.zeros(1000, dtype=torch.bool), ALWAYS)
    assert has_new_legs.all()
    bones = torch.nn.functional.normalize(augment.bone_vectors(invented), dim=-1)
    chest = augment.body_axes(invented, ("LShoulder", "RShoulder"), ("Spine", "Thorax"))
    for upper, lower in (("LElbow", "LWrist"), ("RElbow", "RWrist"), ("LKnee", "LAnkle"), ("RKnee", "RAnkle")):
        bend = (bones[:, :, MPM16.index(upper)] * bones[:, :, MPM16.index(lower)]).sum(-1).clamp(-1, 1).acos().rad2deg()
        assert bend.max() < 146 and bend.quantile(0.9) > 100 and bend.quantile(0.1) < 40
    raised = (bones[:, :, MPM16.index("LElbow")] * chest[2]).sum(-1)
    assert raised.min() > -1.001 and raised.max() < np.cos(np.deg2rad(29))
    other = (bones[:, :, MPM16.index("RElbow")] * chest[2]).sum(-1)
    assert 0.5 < np.corrcoef(raised.mean(1), other.mean(1))[0, 1] < 0.95
    pelvis = augment.body_axes(many, ("LHip", "RHip"), ("Hip", "Spine"))
    forwards = (bones[:, :, MPM16.index("LKnee")] * pelvis[1]).sum(-1)
    assert (forwards > 0).float().mean() > 0.7  # thighs bend forwards rather than back
    steps = (bones[:, 1:, MPM16.index("LElbow")] - bones[:, :-1, MPM16.index("LElbow")]).norm(dim=-1)
    assert steps.quantile(0.99) < 0.5  # no jumps from frame to frame


def test_only_the_share_asked_for_is_invented(draw, motion):
    many = motion.repeat(50, 1, 1, 1)
    is_masked = torch.arange(1000) < 500
    config = AugmentConfig(invented_arms_share=0.4, invented_legs_share=0.0, varied_masked=0.5)
    changed, has_new_legs = procedural.invent_limbs(draw, many, is_masked, config)
    moved = (changed - many).abs().amax((1, 3)) > 1e-4  # (samples, joints)
    assert 0.14 < moved[is_masked][:, MPM16.index("LWrist")].float().mean() < 0.27
    assert 0.33 < moved[~is_masked][:, MPM16.index("LWrist")].float().mean() < 0.47
    assert not has_new_legs.any()
    assert not moved[:, list(MPM16.limb("left leg"))].any()


def test_bodies_vary_alike_on_both_sides(draw, motion):
    changed = augment.vary_body(draw, motion, AugmentConfig())
    length = augment.bone_vectors(changed).norm(dim=-1)
    mirrored = length[:, :, list(MPM16.mirror)]
    assert torch.allclose(length[..., 1:], mirrored[..., 1:], atol=1e-4)
    assert (augment.bone_vectors(motion).norm(dim=-1) - length).abs()[..., 1:].max() > 0.01


def test_mirroring_twice_is_nothing(motion):
    everyone = torch.ones(len(motion), dtype=torch.bool)
    once = augment.mirror(motion, everyone)
    assert torch.equal(augment.mirror(once, everyone), motion)
    assert torch.equal(once[:, :, MPM16.index("LWrist"), 1:], motion[:, :, MPM16.index("RWrist"), 1:])


def test_switched_off_everything_is_exact(draw, motion):
    off = AugmentConfig(*[0] * len(fields(AugmentConfig)))
    assert torch.allclose(augment.swing_limbs(draw, motion, EVERYONE, off)[0], motion, atol=1e-5)
    assert torch.allclose(procedural.invent_limbs(draw, motion, EVERYONE, off)[0], motion, atol=1e-5)
    assert torch.allclose(augment.vary_body(draw, motion, off), motion, atol=1e-5)
    rays, depth = torch.randn(5, 27, 16, 2), torch.full((5, 27), 4.0)
    assert torch.allclose(bodies.move_joints(draw, motion, off), motion, atol=1e-6)
    assert torch.allclose(augment.exchange_trunks(draw, motion, EVERYONE, off), motion, atol=1e-5)
    seen = detect(draw, rays, depth, off)
    assert torch.equal(seen.rays, rays) and not seen.unsure.any()


def test_detector_errors_have_the_size_that_is_asked_for(draw):
    rays, depth = torch.zeros(400, 81, 16, 2), torch.full((400, 81), 4.0)
    config = AugmentConfig(noisy_share=1.0, noise_spread=0.0, outlier_share=0.0, swapped_share=0.0)
    error = detect(draw, rays, depth, config).rays.norm(dim=-1) * 4.0
    assert 0.5 * config.noise_m < error.median() < 3 * config.noise_m
    assert error.quantile(0.99) > 3 * error.median()  # heavy tails


def test_detectors_are_unsure_of_some_gross_errors_and_lose_joints_for_spans(draw):
    rays, depth = torch.zeros(400, 81, 16, 2), torch.full((400, 81), 4.0)
    config = AugmentConfig(noisy_share=1.0, noise_m=1e-4, outlier_share=0.03, swapped_share=0.0, lost_share=0.0)
    seen = detect(draw, rays, depth, config)
    is_off = seen.rays.norm(dim=-1) > 0.02
    assert 0.3 < seen.unsure[is_off].float().mean() < 0.7
    assert seen.unsure[~is_off].float().mean() < 0.02
    config = AugmentConfig(noisy_share=1.0, outlier_share=0.0, swapped_share=0.0, lost_share=1.0)
    lost = detect(draw, rays, depth, config).unsure
    spans = lost.float().mean(1)  # (windows, joints)
    assert 0.05 < (spans > 0.2).float().mean() < 0.2
    clean = detect(draw, rays, depth, AugmentConfig(noisy_share=0.0, lost_share=1.0))
    assert not clean.unsure.any()


def test_other_rigs_put_joints_a_few_centimetres_off_alike_on_both_sides_and_in_all_frames(draw, motion):
    moved = bodies.move_joints(draw, motion, ALWAYS)
    apart = (moved - motion).norm(dim=-1)  # (samples, frames, joints)
    assert apart.max() < 0.25 and apart[..., MPM16.index("Head")].mean() > 0.02
    hips = moved[:, :, list(MPM16.indices(("LHip", "RHip")))].mean(2)
    assert torch.allclose(moved[:, :, MPM16.root], hips, atol=1e-5)
    assert (apart.std(1) < 0.2 * apart.mean(1) + 1e-3).float().mean() > 0.9  # the same offset, in axes that turn
    assert torch.allclose(apart[..., MPM16.index("LShoulder")], apart[..., MPM16.index("RShoulder")], atol=1e-4)


def test_trunks_of_others_are_held_as_they_hold_them_against_their_hips(draw, motion):
    allowed = torch.arange(20) < 10
    changed = augment.exchange_trunks(draw, motion, allowed, ALWAYS)
    legs = list(MPM16.limb("left leg"))
    assert torch.allclose(changed[:, :, legs], motion[:, :, legs], atol=1e-5)
    assert torch.allclose(changed[10:], motion[10:], atol=1e-5)

    def lean(positions):
        hips, chest = (
            augment.body_axes(positions, *ends)
            for ends in ((("LHip", "RHip"), ("Hip", "Spine")), (("LShoulder", "RShoulder"), ("Spine", "Thorax")))
        )
        return torch.stack([(a * b).sum(-1) for a in hips for b in chest], -1)  # (samples, frames, 9)

    theirs = (lean(changed)[:10, None] - lean(motion)[None]).abs().amax((2, 3)).amin(1)
    assert (theirs < 0.02).all()


def test_what_is_known_of_the_ground_goes_with_the_window():
    motion = demo_motion()[:600].astype(np.float32)
    pack = MotionPack(motion, np.array([0, len(motion)]), ("a/one",), 50.0, np.ones(1))
    off = AugmentConfig(*[0] * len(fields(AugmentConfig)))
    source = WindowSource(pack, off, CameraConfig(), Draw(torch.Generator().manual_seed(0)))
    batch = source.batch(81, torch.zeros(64, dtype=torch.bool))
    assert batch.has_ground.all()
    assert torch.allclose(batch.up.norm(dim=-1), torch.ones(64), atol=1e-5)
    feet = batch.positions[:, :, list(FEET)] + batch.path[:, :, None]
    heights = (feet * batch.up[:, None, None]).sum(-1)
    inside = batch.inside
    for window in range(64):
        mine = inside[window]
        apart = heights[window, mine] - batch.height[window, mine]
        assert apart.std() < 0.02  # one floor
    speed = (feet[:, 1:] - feet[:, :-1]).norm(dim=-1) * 50
    both = inside[:, 1:, None] & inside[:, :-1, None]
    stands = (batch.standing[:, 1:] == 1) & both
    assert stands.float().mean() > 0.3
    assert speed[stands].mean() < 0.15
    tilted = WindowSource(pack, AugmentConfig(tilted_share=1.0), CameraConfig(), Draw(torch.Generator().manual_seed(0)))
    assert not tilted.batch(27, torch.zeros(8, dtype=torch.bool)).has_ground.any()


def test_clips_in_which_little_moves_are_drawn_less():
    motion = demo_motion()[:400].astype(np.float32)
    still = np.repeat(motion[:1], 400, axis=0)
    starts = np.array([0, 400, 800])
    lively, idle = balanced_weights(("a/lively", "a/idle"), starts, np.concatenate((motion, still)), 50.0)
    assert idle < 0.35 * lively and idle + lively == pytest.approx(1)


def test_windows_stay_within_their_clip():
    source = WindowSource(small_pack(), AugmentConfig(speed=0, reversed_share=0), CameraConfig(), Draw(torch.Generator()))
    batch = source.batch(81, torch.zeros(64, dtype=torch.bool))
    assert batch.rays.shape == (64, 81, 16, 2) and batch.positions.shape == (64, 81, 16, 3)
    assert batch.positions[:, :, MPM16.root].abs().max() < 1e-5
    assert not batch.inside.all() and batch.inside[:, 40].all()  # some hang over an end, but never by their middle


def test_some_windows_keep_the_path_of_the_hip_from_the_network():
    config = AugmentConfig(pathless_share=0.5)
    source = WindowSource(small_pack(), config, CameraConfig(), Draw(torch.Generator().manual_seed(0)))
    batch = source.batch(27, torch.zeros(200, dtype=torch.bool))
    pathless = (batch.path == 0).flatten(1).all(1)
    assert 0.35 < pathless.float().mean() < 0.65
    rays = batch.path[~pathless][..., :2] / batch.path[~pathless][..., 2:]
    assert torch.allclose(rays, batch.rays[~pathless][:, :, MPM16.root], atol=1e-4)


def test_the_same_seed_draws_the_same_batch():
    first, second = (
        WindowSource(small_pack(), AugmentConfig(), CameraConfig(), Draw(torch.Generator().manual_seed(3))).batch(
            9, torch.zeros(4, dtype=torch.bool)
        )
        for _ in range(2)
    )
    assert torch.equal(first.detected, second.detected)


def test_pack_reads_only_its_split(shared):
    train = read_pack(shared / "data" / "mocap_h36m17_50hz.npz", "train")
    val = read_pack(shared / "data" / "mocap_h36m17_50hz.npz", "val")
    assert train.positions.shape == (121557, 16, 3) and train.fps == 50
    assert not set(train.names) & set(val.names)


@pytest.mark.parametrize("content", [b"", b"no archive at all", None])
def test_a_file_that_is_no_pack_is_refused_in_one_sentence(tmp_path, content):
    path = tmp_path / "pack.npz"
    if content is None:
        np.savez(path, other=np.zeros(3))
    else:
        path.write_bytes(content)
    with pytest.raises(UserError, match="pack.npz") as error:
        read_pack(path, "train")
    assert "\n" not in str(error.value)


@pytest.fixture(scope="module")
def recorded():
    return Reach(torch.from_numpy(demo_motion().astype(np.float32)))


def test_recorded_limbs_are_within_what_was_learnt_and_broken_ones_are_not(recorded, motion):
    assert recorded.allows(motion).float().mean() > 0.99
    mirrored = augment.mirror(motion, EVERYONE)
    assert torch.allclose(recorded.allows(mirrored), recorded.allows(motion)[..., [1, 0, 3, 2]])
    bones = augment.bone_vectors(motion)
    left, _, _ = augment.body_axes(motion, ("LHip", "RHip"), ("Hip", "Spine"))
    shank = MPM16.index("LAnkle")
    broken = bones.clone()  # the knee bends the wrong way: mirrored across the thigh, and more
    thigh = torch.nn.functional.normalize(bones[:, :, MPM16.index("LKnee")], dim=-1)
    forward = torch.linalg.cross(thigh, left)
    broken[:, :, shank] = (thigh - 1.5 * forward * torch.sign((forward * bones[:, :, shank]).sum(-1, keepdim=True))) * 0.2
    allowed = recorded.allows(augment.join_bones(broken))
    assert allowed[..., 2].float().mean() < 0.05 and torch.equal(allowed[..., 3], recorded.allows(motion)[..., 3])


def test_limbs_bend_smoothly_within_what_was_learnt(draw, recorded, motion):
    bent, legs = bend_limbs(draw, motion, recorded, NOBODY, AugmentConfig(bent_share=1.0))
    assert legs.all()
    assert (recorded.allows(bent) | ~recorded.allows(motion)).all()
    before, after = (augment.bone_vectors(p).norm(dim=-1)[..., 1:] for p in (motion, bent))
    assert torch.allclose(before, after, atol=1e-4)
    moved = (bent - motion).norm(dim=-1)
    limbs = list(MPM16.indices(("LWrist", "RWrist", "LAnkle", "RAnkle")))
    assert moved[..., limbs].mean() > 0.03 and moved[..., list(MPM16.limb("trunk"))].max() < 1e-5
    turned = bent - motion
    assert (turned[:, 1:] - turned[:, :-1]).norm(dim=-1).max() < 0.1  # between two frames
    assert (turned - turned.mean(1, keepdim=True)).norm(dim=-1)[..., limbs].mean() > 0.005  # not stiff


def test_some_samples_keep_their_limbs(draw, recorded, motion):
    bent, chosen = bend_limbs(draw, motion, recorded, NOBODY, AugmentConfig(bent_share=0.5))
    assert 0 < chosen.sum() < len(motion)
    assert torch.equal(bent[~chosen], motion[~chosen])


def test_windows_are_drawn_with_limbs_bent_when_the_config_says_so():
    source = WindowSource(small_pack(), AugmentConfig(bent_share=1.0, tilted_share=0), CameraConfig(), Draw(torch.Generator()))
    assert not source.batch(27, torch.zeros(8, dtype=torch.bool)).has_ground.any()  # feet tell nothing of the floor then
