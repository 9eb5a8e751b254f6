"""Importing published data sets: small files in their layouts, made from the demo's motion."""

import numpy as np
import pytest

from mpm_core.cli import main
from mpm_core.data.pack import read_pack
from mpm_core.data.published.amass import BodyModels, read_amass
from mpm_core.data.published.mpi_inf_3dhp import read_3dhp_test
from mpm_core.errors import UserError
from mpm_core.formats.h36m_npz import _USED_OF_32
from mpm_core.skeleton import H36M17, MPI_INF_3DHP17, MPM16, SMPLH_VERTICES
from mpm_core.synthesis import demo_motion

FRAMES = 200


@pytest.fixture(scope="module")
def motion():
    """(frames, 17, 3) of Human3.6M's joints, metres, Z up, 50 frames/s."""
    mpm16 = demo_motion()[:FRAMES]
    nose = mpm16[:, MPM16.index("Head")] * 0.6 + mpm16[:, MPM16.index("Thorax")] * 0.4
    left = mpm16[:, MPM16.index("LShoulder")] - mpm16[:, MPM16.index("RShoulder")]
    front = np.cross(left, [0, 0, 1.0])
    nose += 0.1 * front / np.linalg.norm(front, axis=-1, keepdims=True)
    return np.insert(mpm16, H36M17.index("Nose"), nose, axis=1)


def imported(tmp_path, *arguments, split="train"):
    assert main(["data", "import", *map(str, arguments), "-o", str(tmp_path / "pack.npz")]) == 0
    return read_pack(tmp_path / "pack.npz", split)


def test_human36m_in_videopose3ds_layout(tmp_path, motion):
    wide = np.zeros((FRAMES, 32, 3), np.float32)
    wide[:, list(_USED_OF_32)] = motion
    table = {"S1": {"Walking 1": wide}, "S9": {"Sitting": wide[:100]}}
    np.savez(tmp_path / "data_3d_h36m.npz", positions_3d=np.array(table, object))
    pack = imported(tmp_path, tmp_path / "data_3d_h36m.npz")
    assert pack.names == ("h36m/S1 Walking 1",)
    assert np.allclose(pack.positions, np.delete(motion, H36M17.index("Nose"), axis=1), atol=2e-4)
    assert len(read_pack(tmp_path / "pack.npz", "val").positions) == 100  # S9 is a test subject


@pytest.fixture
def threedhp(tmp_path, motion):
    """data_train_3dhp.npz of two cameras, the second of which must not be taken."""
    order = [H36M17.index(joint) for joint in MPI_INF_3DHP17.joints]
    camera = np.stack((motion[..., 0], -motion[..., 2], motion[..., 1] + 4), -1)[:, order] * 1000
    view = {"data_2d": np.zeros((FRAMES, 17, 2)), "data_3d": camera}
    cameras = {"0": view, "1": {**view, "data_3d": camera * 2}}
    table = {"S1 Seq1": [cameras, 50], "TS1": [cameras, 25], "S8 Seq1": [cameras]}
    path = tmp_path / "data_train_3dhp.npz"
    np.savez(path, data=np.array(table, object))
    return path


def test_mpi_inf_3dhp_in_pstmos_layout(tmp_path, threedhp, motion, capsys):
    pack = imported(tmp_path, threedhp)
    expected = np.delete(motion, H36M17.index("Nose"), axis=1)
    assert pack.names == ("3dhp/S1 Seq1",)
    assert np.allclose(pack.positions - expected, (pack.positions - expected)[0, 0], atol=2e-4)
    said = capsys.readouterr().out
    assert "up is taken from the camera" in said and "S8 Seq1: holds no frame rate" in said
    assert len(read_pack(tmp_path / "pack.npz", "val").positions) == 2 * FRAMES - 1  # 25 frames/s, brought to 50


def test_a_rate_on_the_command_line_is_for_what_has_none(tmp_path, threedhp):
    pack = imported(tmp_path, threedhp, "--fps", "100")
    assert dict(zip(pack.names, np.diff(pack.starts), strict=True)) == {"3dhp/S1 Seq1": FRAMES, "3dhp/S8 Seq1": FRAMES // 2}


def test_the_test_set_of_3dhp_comes_with_what_is_scored(tmp_path, motion):
    view = {"data_2d": np.ones((9, 17, 2)), "data_3d": motion[:9] * 1000, "valid": np.arange(9) > 2}
    np.savez(tmp_path / "data_test_3dhp.npz", data=np.array({"TS1": view}, object))
    (sequence,) = read_3dhp_test(tmp_path / "data_test_3dhp.npz")
    assert sequence.name == "TS1" and sequence.valid.sum() == 6
    assert np.allclose(sequence.joints, motion[:9])
    np.savez(tmp_path / "short.npz", data=np.array({"TS1": view | {"valid": np.ones(3)}}, object))
    with pytest.raises(UserError, match=r"short\.npz: 'TS1': .* different lengths"):
        list(read_3dhp_test(tmp_path / "short.npz"))


@pytest.fixture(scope="module")
def body_models(tmp_path_factory):
    """A stand-in for SMPL-H: its 52 joints and the vertices that are read, in a T-pose, each bound to one joint."""
    pytest.importorskip("smplx", reason="needs the extra 'amass'")
    parents = [-1, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 9, 9, 12, 13, 14, 16, 17, 18, 19]
    parents += [20 if n % 3 == 0 else 21 + n for n in range(15)] + [21 if n % 3 == 0 else 36 + n for n in range(15)]
    places = np.zeros((52, 3))
    named = {
        1: (0.1, -0.05), 2: (-0.1, -0.05), 3: (0, 0.1), 4: (0.1, -0.45), 5: (-0.1, -0.45), 6: (0, 0.25), 7: (0.1, -0.87),
        8: (-0.1, -0.87), 9: (0, 0.3), 10: (0.1, -0.95), 11: (-0.1, -0.95), 12: (0, 0.5), 13: (0.05, 0.45), 14: (-0.05, 0.45),
        15: (0, 0.6), 16: (0.18, 0.45), 17: (-0.18, 0.45), 18: (0.45, 0.45), 19: (-0.45, 0.45), 20: (0.7, 0.45),
        21: (-0.7, 0.45),
    }  # fmt: skip
    for joint, place in named.items():
        places[joint, :2] = place
    places[22:37], places[37:52] = places[20], places[21]
    vertices, weights, regressor = np.zeros((6890, 3)), np.zeros((6890, 52)), np.zeros((52, 6890))
    vertices[:52], weights[range(52), range(52)], regressor[range(52), range(52)] = places, 1, 1
    weights[52:, 0] = 1
    for vertex, place in ((SMPLH_VERTICES["Nose"], (0, 0.62, 0.1)), (SMPLH_VERTICES["Head"], (0, 0.8, 0))):
        vertices[vertex], weights[vertex] = place, np.eye(52)[15]
    folder = tmp_path_factory.mktemp("bodies")
    (folder / "smplh").mkdir()
    np.savez_compressed(
        folder / "smplh" / "SMPLH_MALE.npz", v_template=vertices, weights=weights, J_regressor=regressor,
        shapedirs=np.zeros((6890, 3, 16)), posedirs=np.zeros((6890, 3, 459), np.float32),
        f=np.zeros((2, 3), np.int64), kintree_table=np.array([[2**32 - 1, *parents[1:]], range(52)]),
        hands_componentsl=np.zeros((45, 45)), hands_componentsr=np.zeros((45, 45)),
        hands_meanl=np.zeros(45), hands_meanr=np.zeros(45),
    )  # fmt: skip
    return folder


def write_amass(path, gender="male"):
    """Five seconds at 120 frames/s: stands up along Z, walks along X, and turns the left elbow by a right angle."""
    frames = 600
    poses = np.zeros((frames, 156))
    poses[:, 0] = np.pi / 2  # the body model's Y up becomes AMASS's Z up
    poses[:, 18 * 3 + 1] = np.linspace(0, -np.pi / 2, frames)  # about the upright axis, forwards
    trans = np.stack((np.linspace(0, 3, frames), np.zeros(frames), np.full(frames, 0.95)), -1)
    np.savez(path, poses=poses, betas=np.zeros(16), trans=trans, gender=gender, mocap_framerate=120.0)
    return path


def test_amass_through_the_users_body_model(tmp_path, body_models):
    path = write_amass(tmp_path / "walk_poses.npz")
    recording = read_amass(path, "x/walk", BodyModels(body_models))
    joints = {name: recording.joints[:, n] for n, name in enumerate(H36M17.joints)}
    assert recording.fps == 120
    assert np.allclose(joints["Head"][0], (0, 0, 0.95 + 0.8), atol=1e-4)
    assert np.allclose(joints["RAnkle"][-1], (3 - 0.1, 0, 0.95 - 0.87), atol=1e-4)
    assert np.allclose(joints["Hip"], (joints["LHip"] + joints["RHip"]) / 2)
    forearm = joints["LWrist"] - joints["LElbow"]
    assert np.allclose(forearm[0], (0.25, 0, 0), atol=1e-4) and np.allclose(forearm[-1], (0, -0.25, 0), atol=1e-4)
    pack = imported(tmp_path, path, "--body-models", body_models)
    assert abs(len(pack.positions) - 250) <= 1 and pack.fps == 50
    assert np.allclose(pack.positions[-1, 0, 0], 3, atol=0.02)


def test_amass_without_what_it_needs_says_so_in_one_sentence(tmp_path, body_models, monkeypatch):
    path = write_amass(tmp_path / "walk_poses.npz")
    with pytest.raises(UserError, match="--body-models"):
        read_amass(path, "x/walk", BodyModels(None))
    with pytest.raises(UserError, match="no usable SMPL-H body model for 'female'"):
        read_amass(write_amass(tmp_path / "f.npz", "female"), "x/f", BodyModels(body_models))
    monkeypatch.setitem(__import__("sys").modules, "smplx", None)
    with pytest.raises(UserError, match=r"mpm-viewer\[amass\]"):
        read_amass(path, "x/walk", BodyModels(body_models))


def test_an_npz_of_something_else_is_dropped_with_a_reason(tmp_path, caplog):
    np.savez(tmp_path / "other.npz", numbers=np.zeros(3))
    assert main(["data", "import", str(tmp_path / "other.npz"), "-o", str(tmp_path / "pack.npz")]) == 2
    assert "neither AMASS nor Human3.6M nor MPI-INF-3DHP (it holds numbers)" in caplog.text
