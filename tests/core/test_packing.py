import numpy as np
import pytest
import torch
from torch import nn

from mpm_core.assets import find_asset
from mpm_core.lifters.aids import Aids
from mpm_core.networks.attention import Block, rotary_turns
from mpm_core.networks.encoders import FrameLayer
from mpm_core.networks.inputs import INPUT_FORMS, PreparedInput, turn_back
from mpm_core.networks.packing import PackedBlock, PackedFrameLayer, PackedLinear, pack
from mpm_core.training.checkpoint import load_weights


def test_packed_layers_multiply_alike():
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Linear(48, 96), nn.GELU(), nn.Sequential(nn.Linear(96, 7)))
    inputs = torch.randn(3, 11, 48)
    with torch.inference_mode():
        expected = plain(inputs)
        names = set(plain.state_dict())
        pack(plain)
        if not isinstance(plain[0], PackedLinear):
            pytest.skip("torch has no oneDNN here")
        assert torch.allclose(plain(inputs), expected, atol=1e-5)
    assert set(plain.state_dict()) == names


@pytest.mark.parametrize("convolution", [0, 5])
@pytest.mark.parametrize("hides", [False, True])
@pytest.mark.parametrize("is_relative", [False, True])
def test_a_packed_block_answers_alike(convolution, hides, is_relative):
    torch.manual_seed(1)
    plain = nn.Sequential(Block(64, 4, 96, 0.1, convolution)).eval()
    for parameter in plain.parameters():
        nn.init.normal_(parameter, std=0.3)
    inputs = torch.randn(3, 20, 64)
    visible = torch.rand(3, 20) > 0.4 if hides else None
    turns = rotary_turns(20, 16, inputs) if is_relative else None
    with torch.inference_mode():
        expected = plain[0](inputs, visible, turns)
        pack(plain)
        if not isinstance(plain[0], PackedBlock):
            pytest.skip("torch has no oneDNN here")
        assert torch.allclose(plain[0](inputs, visible, turns), expected, atol=1e-3, rtol=1e-4)
        assert not torch.allclose(plain[0](inputs.flip(1), visible, turns), expected, atol=0.1)


def test_a_packed_layer_of_frames_has_its_batch_norm_in_its_weights():
    torch.manual_seed(2)
    plain = nn.Sequential(FrameLayer(40, 64, 0.1))
    for _ in range(20):
        plain(torch.randn(4, 30, 40) * 3 + 1)  # a training of sorts, so that the norm has something to do
    nn.init.normal_(plain[0].norm.weight), nn.init.normal_(plain[0].norm.bias)
    plain.eval()
    inputs = torch.randn(2, 9, 40)
    with torch.inference_mode():
        expected = plain(inputs)
        pack(plain)
        if not isinstance(plain[0], PackedFrameLayer):
            pytest.skip("torch has no oneDNN here")
        assert torch.allclose(plain(inputs), expected, atol=1e-4)


def test_batched_packed_answers_are_those_of_single_windows_in_plain_float32(lifter, demo):
    """The per-frame mode, against the network as training has it, one window at a time."""
    model, _ = load_weights(find_asset("weights/mpm.safetensors"), torch.device("cpu"))
    length = model.config.frames
    rays = torch.from_numpy(demo.camera.rays(demo.keypoints))[None]
    hidden = torch.zeros(1, len(demo), 16, dtype=torch.bool)
    prepared = INPUT_FORMS[model.config.input_form].prepare(rays, hidden)
    answer = lifter.lift(demo, mode="per-frame", aids=Aids(mirror=False, fit=False, ground=False)).positions
    with torch.inference_mode():
        tokens = model.make_tokens(prepared.points, prepared.extras, hidden)
        for middle in (40, 100, 333, 689):
            window = slice(middle - length // 2, middle + length // 2 + 1)
            centre = model.decode_middle(model.relate(tokens[:, window], hidden[:, window].all(-1)))[:, None]
            turn = PreparedInput(centre, None, prepared.turn[:, middle : middle + 1], centre[:, :, 0], None)
            alone = turn_back(centre, turn)[0, 0]
            error_mm = np.abs((alone - alone[0]).numpy() - answer[middle]).max() * 1000
            assert error_mm < 0.1
