import numpy as np
import pytest
import torch

from mpm_core.errors import UserError
from mpm_core.networks import NETWORKS, build_network
from mpm_core.networks.attention import Block, mix_in_time
from mpm_core.networks.ground import direction_loss, mirror_ground
from mpm_core.networks.inputs import INPUT_FORMS, SUPPORT, turn_back, turn_forth
from mpm_core.networks.mpm import MPM, MPMConfig, count_parameters
from mpm_core.networks.tcn import TCNConfig
from mpm_core.skeleton import MPM16

EXTRAS = INPUT_FORMS["rays"].extras


@pytest.fixture(scope="module")
def small():
    torch.manual_seed(0)
    return MPM(MPMConfig(frames=27)).eval()


def test_parameters_per_part_are_the_papers():
    counts = count_parameters(MPM(MPMConfig(frames=243, input_form="screen")))
    thousands = {"E2D": 17.9, "E3D": 26.1, "S+T": 2763.0, "strided layers": 3941.1}
    for part, expected in thousands.items():
        assert counts[part] / 1000 == pytest.approx(expected, rel=0.01), part
    assert counts["stage II"] / 1e6 == pytest.approx(7.3, rel=0.02)


@pytest.mark.parametrize(("frames", "layers"), [(27, 3), (81, 4), (243, 5)])
def test_every_window_length_of_the_paper(frames, layers):
    model = MPM(MPMConfig(frames=frames)).eval()
    points, extras = torch.randn(1, frames, 16, 2), torch.randn(1, frames, EXTRAS)
    hidden = torch.zeros(1, frames, 16, dtype=torch.bool)
    with torch.inference_mode():
        assert model(points, extras, hidden).shape == (1, frames, 16, 3)
        shared = model.share(model.encode(points, extras, hidden), hidden.all(-1))
        assert model.decode_middle(shared).shape == (1, 16, 3)
    assert len(model.strided_decoder.layers) == layers


@pytest.mark.parametrize("name", NETWORKS)
def test_a_window_that_is_no_power_of_three_is_refused(name):
    with pytest.raises(ValueError, match="power of 3"):
        build_network(NETWORKS[name].config_class(frames=50))


def test_the_tcn_decodes_the_middle_frame_alone_as_it_does_among_the_others():
    torch.manual_seed(0)
    tcn = build_network(TCNConfig(width=48, frames=27)).eval()
    tokens = torch.randn(2, 27, 48)
    with torch.inference_mode():
        assert torch.allclose(tcn.decode_middle(tokens), tcn.decode_3d(tokens)[:, 13], atol=1e-6)
        other = torch.cat((torch.randn(2, 1, 48), tokens[:, 1:]), 1)
        assert not torch.allclose(tcn.decode_middle(other), tcn.decode_middle(tokens))  # it sees the whole window


@pytest.mark.parametrize("name", NETWORKS)
def test_what_is_hidden_cannot_be_seen(name):
    torch.manual_seed(0)
    small = build_network(NETWORKS[name].config_class(frames=27)).eval()
    points, extras = torch.randn(2, 27, 16, 2), torch.zeros(2, 27, EXTRAS)
    hidden = torch.rand(2, 27, 16) < 0.4
    other = torch.where(hidden[..., None], torch.randn(2, 27, 16, 2), points)
    hidden[0, 4:9] = True
    with torch.inference_mode():
        answer = small(points, extras, hidden)
        assert torch.equal(answer, small(other, extras, hidden))
        assert answer.shape == (2, 27, 16, 3) and torch.isfinite(answer).all()


def test_removing_hidden_frames_is_the_same_as_masking_them_as_keys(small):
    """With unequal numbers of visible frames some rows are fill-up; they must not change the others' answer."""
    points, extras = torch.randn(3, 27, 16, 2), torch.randn(3, 27, EXTRAS)
    hidden = torch.zeros(3, 27, 16, dtype=torch.bool)
    hidden[0, 5:20], hidden[1, :3] = True, True
    with torch.inference_mode():
        together = small(points, extras, hidden)
        for row in range(3):
            alone = small(points[row : row + 1], extras[row : row + 1], hidden[row : row + 1])
            assert torch.allclose(together[row : row + 1], alone, atol=1e-5)


def test_a_window_without_any_visible_frame_still_has_an_answer(small):
    points, extras = torch.randn(2, 27, 16, 2), torch.randn(2, 27, EXTRAS)
    hidden = torch.zeros(2, 27, 16, dtype=torch.bool)
    hidden[0] = True
    with torch.inference_mode():
        answer = small(points, extras, hidden)
        other = small(torch.randn(2, 27, 16, 2), extras, hidden)
    assert torch.isfinite(answer).all()
    assert torch.allclose(answer[0], other[0]) and not torch.allclose(answer[1], other[1])


def test_3d_goes_through_the_same_trunk(small):
    points, hidden = torch.randn(1, 27, 16, 3), torch.zeros(1, 27, 16, dtype=torch.bool)
    with torch.inference_mode():
        assert small(points, torch.randn(1, 27, 15), hidden).shape == (1, 27, 16, 3)


def rays_of(count=2, frames=30):
    torch.manual_seed(1)
    body = torch.randn(count, 1, 16, 3) * 0.4 + torch.randn(count, frames, 16, 3) * 0.02
    path = torch.tensor([0.8, 0.3, 5.0]) + torch.randn(count, frames, 1, 3).cumsum(1) * 0.01
    return body + path


def test_rays_form_puts_the_hip_on_the_axis_and_the_body_at_its_size():
    positions = rays_of()
    hidden = torch.zeros(2, 30, 16, dtype=torch.bool)
    prepared = INPUT_FORMS["rays"].prepare(positions[..., :2] / positions[..., 2:], hidden)
    assert prepared.points[:, :, MPM16.root].abs().max() < 1e-5
    assert 0.2 < prepared.points.std() < 0.8
    turned = turn_forth(positions, prepared)
    seen = turned[..., :2] / turned[..., 2:] / prepared.scale[..., None, None]
    assert torch.allclose(seen, prepared.points, atol=1e-5)
    assert torch.allclose(turn_back(turned, prepared), positions, atol=1e-5)


def test_the_same_pose_looks_alike_wherever_it_stands():
    """Turning the camera changes the rays, but hardly what the network is fed."""
    positions = rays_of()
    hidden = torch.zeros(2, 30, 16, dtype=torch.bool)
    angle = torch.tensor(0.35)
    c, s = angle.cos(), angle.sin()
    turned = positions @ torch.tensor([[c, 0, -s], [0, 1, 0], [s, 0, c]])
    first, second = (INPUT_FORMS["rays"].prepare(p[..., :2] / p[..., 2:], hidden) for p in (positions, turned))
    difference = (first.points - second.points).abs().max()
    assert (first.extras - second.extras)[..., 0].abs().min() > 0.3
    assert difference < 0.05


def test_a_change_reaches_no_further_than_support():
    torch.manual_seed(2)
    rays = torch.randn(1, 600, 16, 2) * 0.1
    hidden = torch.rand(1, 600, 16) < 0.5
    hidden[:, 200:400] = True
    other = hidden.clone()
    other[:, 300] = False
    first, second = (INPUT_FORMS["rays"].prepare(rays, h) for h in (hidden, other))
    changed = (first.points != second.points).flatten(2).any(-1) | (first.extras != second.extras).any(-1)
    frames = changed[0].nonzero().flatten()
    assert frames.min() >= 300 - SUPPORT and frames.max() <= 300 + SUPPORT
    part = INPUT_FORMS["rays"].prepare(rays[:, 100:500], other[:, 100:500])
    assert torch.equal(part.points[:, SUPPORT:-SUPPORT], second.points[:, 100 + SUPPORT : 500 - SUPPORT])
    solid = torch.randn(1, 600, 16, 3)
    before, after = (INPUT_FORMS["rays"].prepare_3d(solid, h) for h in (hidden, other))
    changed = (before.points != after.points).flatten(2).any(-1) | (before.extras != after.extras).any(-1)
    frames = changed[0].nonzero().flatten()
    assert frames.min() >= 300 - SUPPORT and frames.max() <= 300 + SUPPORT


def test_the_3d_input_is_the_same_however_the_person_stands(demo):
    standing = torch.from_numpy(demo.ground_truth[:200].copy())
    hidden = torch.zeros(1, len(standing), 16, dtype=torch.bool)
    hidden[..., list(MPM16.limb("left arm"))] = True
    turn = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(1)))[0]
    turn = turn * torch.det(turn)
    form = INPUT_FORMS["rays"]
    first, second = form.prepare_3d(standing[None], hidden), form.prepare_3d(standing[None] @ turn.T, hidden)
    assert (first.points - second.points).abs().max() < 1e-3
    relative = standing[None] - standing[None, :, :1]
    assert torch.allclose(turn_back(turn_forth(relative, first), first), relative, atol=1e-6)
    mirror, flip = list(MPM16.mirror), torch.tensor([-1.0, 1.0, 1.0])
    mirrored = form.prepare_3d(standing[None, :, mirror] * flip, hidden[:, :, mirror])
    assert torch.allclose(mirrored.points[:, :, mirror] * flip, first.points, atol=1e-5)
    assert torch.allclose(mirrored.extras * flip.repeat(5), first.extras, atol=1e-5)
    # Beside the points: up in the image, which differs, and movement, which does not.
    assert (first.extras - second.extras)[..., :3].abs().min(1).values.max() > 0.1
    assert (first.extras - second.extras)[..., 3:].abs().max() < 5e-3


def test_the_3d_input_tells_how_the_hip_moves_and_the_body_turns(demo):
    frames = 100
    pose = torch.from_numpy(demo.ground_truth[:1] - demo.ground_truth[:1, :1]).expand(frames, -1, -1)
    angle = torch.deg2rad(torch.arange(frames) * 2.0)
    zero = torch.zeros(frames)
    turn = torch.stack((angle.cos(), zero, angle.sin(), zero, zero + 1, zero, -angle.sin(), zero, angle.cos()), -1)
    path = torch.arange(frames)[:, None] * torch.tensor([0.0, -0.01, 0.0])  # a centimetre upwards in every frame
    positions = torch.einsum("fij,fnj->fni", turn.unflatten(-1, (3, 3)), pose) + path[:, None]
    hidden = torch.zeros(1, frames, 16, dtype=torch.bool)
    prepared = INPUT_FORMS["rays"].prepare_3d(positions[None], hidden)
    up, before, _, after, turned = prepared.extras[0].unflatten(-1, (5, 3)).unbind(1)
    assert torch.allclose(after[:-1], up[:-1] * 0.13, atol=1e-3)
    assert torch.allclose(before[1:], -up[1:] * 0.13, atol=1e-3)
    assert torch.allclose(turned[30:70].norm(dim=-1), torch.full((40,), 2 * np.sin(np.deg2rad(13))).float(), atol=0.05)
    still = INPUT_FORMS["rays"].prepare_3d((positions - path[:, None])[None], hidden).extras[0].unflatten(-1, (5, 3))
    assert still[:, (1, 3)].abs().max() < 1e-5


def test_a_3d_input_without_a_visible_joint_keeps_the_camera_axes():
    prepared = INPUT_FORMS["rays"].prepare_3d(torch.randn(1, 60, 16, 3), torch.ones(1, 60, 16, dtype=torch.bool))
    assert torch.allclose(prepared.turn, torch.eye(3).expand(1, 60, 3, 3), atol=1e-6)


def test_a_lost_hip_is_taken_from_both_hips_then_from_its_neighbours():
    points = torch.randn(1, 60, 16, 3)
    hidden = torch.zeros(1, 60, 16, dtype=torch.bool)
    hidden[:, 10, MPM16.root] = True
    hidden[:, 20, list(MPM16.indices(("Hip", "RHip", "LHip")))] = True
    centre = INPUT_FORMS["rays"].prepare_3d(points, hidden).centre[0]
    right, left = (points[0, 10, MPM16.index(j)] for j in ("RHip", "LHip"))
    assert torch.allclose(centre[10], (right + left) / 2)
    assert torch.allclose(centre[20], (points[0, 19, 0] + points[0, 21, 0]) / 2, atol=1e-6)


def test_a_movement_means_the_same_wherever_in_the_window_it_stands():
    torch.manual_seed(0)
    model = MPM(MPMConfig(frames=27, convolution=0)).eval()
    tokens = torch.randn(1, 12, 256)
    later = torch.cat((torch.randn(1, 9, 256), tokens), 1)
    hidden = torch.arange(21)[None] < 9
    with torch.inference_mode():
        related = model.relate(tokens, torch.zeros(1, 12, dtype=torch.bool))
        assert torch.allclose(model.relate(later, hidden)[:, 9:], related, atol=1e-5)
    absolute = MPM(MPMConfig(frames=27, convolution=0, positions="absolute")).eval()
    with torch.inference_mode():
        related = absolute.relate(tokens, torch.zeros(1, 12, dtype=torch.bool))
        assert not torch.allclose(absolute.relate(later, hidden)[:, 9:], related, atol=1e-3)


def test_relative_positions_take_windows_of_any_length():
    model = MPM(MPMConfig(frames=27)).eval()
    assert model.takes_any_length
    with torch.inference_mode():
        answers = model.answer(model.relate(torch.randn(1, 100, 256), torch.zeros(1, 100, dtype=torch.bool)))
    assert answers.positions.shape == (1, 100, 16, 3) and answers.ground.shape == (1, 100, 7)
    assert not MPM(MPMConfig(frames=27, positions="absolute")).takes_any_length
    with pytest.raises(UserError, match="positions 'sideways'"):
        MPM(MPMConfig(positions="sideways"))


def test_the_convolution_sees_no_hidden_frame_and_is_torchs_own():
    torch.manual_seed(0)
    block = Block(32, 4, 32, 0.0, convolution=5).eval()
    torch.nn.init.normal_(block.convolution.weight)
    torch.nn.init.normal_(block.convolution.bias)
    for frames in (1, 2, 9):
        x = torch.randn(2, frames, 32)
        expected = block.convolution(x.transpose(1, 2)).transpose(1, 2)
        assert torch.allclose(mix_in_time(x, block.convolution), expected, atol=1e-5)
    x, visible = torch.randn(2, 9, 32), torch.arange(9)[None].expand(2, 9) != 4
    other = torch.where(visible[..., None], x, torch.randn(2, 9, 32))
    assert torch.allclose(block(x, visible)[visible], block(other, visible)[visible], atol=1e-5)


def test_up_in_a_mirror_is_up_and_left_feet_are_right_ones():
    row = torch.arange(7.0)
    assert mirror_ground(row).tolist() == [-0.0, 1, 2, 4, 3, 6, 5]
    assert torch.equal(mirror_ground(mirror_ground(row)), row)


def test_the_direction_loss_is_least_for_the_right_direction_and_spread():
    torch.manual_seed(0)
    truth = torch.nn.functional.normalize(torch.tensor([0.1, -1.0, 0.0]) + 0.1 * torch.randn(20_000, 3), dim=-1)
    mean = torch.nn.functional.normalize(truth.mean(0), dim=-1)

    def loss(direction, concentration):
        return float(direction_loss(direction * concentration, truth).mean())

    best = min((loss(mean, c), c) for c in (5.0, 20.0, 50.0, 100.0, 200.0, 400.0))
    assert best[1] == 100.0  # one over the variance of 0.1 along each axis
    assert loss(torch.tensor([0.0, -1.0, 0.0]), 100.0) > best[0]
    assert np.isfinite(loss(mean, 0.0)) and np.isfinite(loss(mean, 1e4))
