import json

import numpy as np
import pytest

from mpm_core import UserError
from mpm_core.cli import main
from mpm_core.formats.pickled_npz import read_npz
from mpm_core.grounding.standing import standing_feet
from mpm_core.lifters.aids import ALL
from mpm_core.masking import limb_mask
from mpm_core.prediction import Prediction
from mpm_core.progress import Progress
from mpm_core.skeleton import H36M17, MPI_INF_3DHP17, MPM16
from mpm_core.training.benchmarks import find_benchmark
from mpm_core.training.evaluation import Evaluation, evaluate
from mpm_core.training.protocols import GROUPS, PAPER, find_protocols
from mpm_core.training.tables import as_markdown

WRIST = MPM16.index("LWrist")


@pytest.fixture
def folder(tmp_path, demo):
    """A benchmark of two actions, each seen twice by a known camera; ground-truth 2D and the same again as noisy 2D."""
    truth = np.zeros((len(demo), 17, 3), np.float32)
    truth[:, [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 15, 16]] = to_world(demo.ground_truth)
    truth[:, 9] = (truth[:, 8] + truth[:, 10]) / 2
    actions = {"Walk 1": truth[:200], "Wave": truth[200:300]}
    points = {name: [project(world)] * 2 for name, world in actions.items()}
    metadata = {"layout_name": "h36m", "num_joints": 17, "keypoints_symmetry": [[4, 5, 6, 11, 12, 13], [1, 2, 3, 14, 15, 16]]}
    for name in ("gt", "det"):
        np.savez(
            tmp_path / f"data_2d_open_{name}.npz",
            positions_2d=np.array({"S": points}, object),
            metadata=np.array(metadata, object),
        )
    np.savez(tmp_path / "data_3d_open.npz", positions_3d=np.array({"S": actions}, object))
    return tmp_path


def to_world(positions):
    """Camera axes to Z up."""
    return np.stack((positions[..., 0], positions[..., 2], -positions[..., 1]), axis=-1)


def project(world):
    return np.stack((world[..., 0] / world[..., 1], -world[..., 2] / world[..., 1]), -1) * 1100 + 500


def leaning(up, degrees):
    """A direction so many degrees off."""
    aside = np.cross(up, [0.0, 0.0, 1.0])
    angle = np.radians(degrees)
    return (np.cos(angle) * np.array(up) + np.sin(angle) * aside / np.linalg.norm(aside)).astype(np.float32)


class Off:
    """A lifter that is right but for the left wrist, which is 48 mm off where shown and 96 where hidden."""

    name, device = "off", "cpu"

    def __init__(self, off_mm=48):
        self._times = off_mm / 48

    def start(self, clip, task="lift", mode="fast", aids=ALL):
        return OffTask(clip.to_mpm16(), task, self._times)


class OffTask:
    def __init__(self, clip, task, times):
        self._clip, self._task, self._times = clip, task, times

    def update(self, mask, cursor=0, frames=None):
        self._mask = mask
        yield Progress(1, 1)

    def prediction(self):
        truth = self._clip.ground_truth
        positions = truth - truth[:, :1]
        positions[:, WRIST, 0] += np.where(self._mask[:, WRIST], 0.096, 0.048) * self._times
        count = len(truth)
        up = (0.0, -1.0, 0.0) if self._clip.up is None else self._clip.up
        stands = standing_feet(truth.astype(np.float64), np.array(up) / np.linalg.norm(up), 50.0)[0]
        return Prediction(
            positions,
            truth[:, 0],
            self._mask,
            np.zeros(count, bool),
            self._clip.times,
            50.0,
            "off",
            self._task,
            "fast",
            up=None if self._clip.up is None else leaning(self._clip.up, 10.0),
            up_error_deg=5.0,
            foot_odds=np.where(stands, 2.0, -2.0).astype(np.float32),
        )


def run(folder, protocols, **options):
    *_, evaluation = evaluate(Off(), folder, protocols, **options)
    assert isinstance(evaluation, Evaluation)
    return evaluation


def test_figures_of_known_errors(folder):
    figures = next(iter(run(folder, GROUPS["lifting"]).results.values()))
    assert figures.frames == 600 and figures.mpjpe == pytest.approx(3.0, abs=0.01)
    assert figures.pck == 100 and figures.auc == pytest.approx(100 * (14 * 31 - 14 + 21) / 31 / 15, abs=0.5)
    assert figures.by_joint["LWrist"] == pytest.approx(48, abs=0.1) and figures.by_joint["Head"] == pytest.approx(0, abs=0.01)
    assert figures.by_action == pytest.approx({"Walk": 3.0, "Wave": 3.0}, abs=0.01)
    assert figures.velocity == pytest.approx(0, abs=0.1) and np.isnan(figures.hidden)


def test_unsure_detections_can_be_hidden(folder):
    """Of the noisy 2D the left wrist is unsure; where it is hidden, this lifter is off by twice as much."""
    file = read_npz(folder / "data_2d_open_det.npz", ("positions_2d", "metadata"))
    scores = np.full((300, 17), 0.9)
    scores[:, H36M17.index("LWrist")] = 0.4
    table = {"S": {"Walk 1": [scores[:200]] * 2, "Wave": [scores[:100]] * 2}}
    arrays = {key: np.array(value, object) for key, value in file.items()}
    np.savez(folder / "data_2d_open_det.npz", **arrays, scores=np.array(table, object))
    for threshold, noisy in ((0.3, 3.0), (0.5, 6.0)):
        *_, evaluation = evaluate(Off(), folder, GROUPS["lifting"], threshold=threshold)
        errors = {protocol.source: figures.mpjpe for protocol, figures in evaluation.results.items()}
        assert errors == pytest.approx({"ground-truth 2D": 3.0, "noisy 2D": noisy}, abs=0.02)
        assert f"confidence of {threshold:g} hidden" in as_markdown(evaluation)


def test_human36m_counts_its_test_subjects_and_averages_its_actions(folder, tmp_path):
    """The published protocol: S9 and S11, the mean over actions of each action's mean."""
    for kind, name in (("2d", "positions_2d"), ("3d", "positions_3d")):
        file = read_npz(tmp_path / f"data_{kind}_open{'_gt' * (kind == '2d')}.npz", (name, "metadata"))
        actions = file.pop(name)["S"]
        extra = {key: np.array(value, object) for key, value in file.items()}
        target = tmp_path / "h36m" / f"data_{kind}_h36m{'_gt' * (kind == '2d')}.npz"
        target.parent.mkdir(exist_ok=True)
        table = {"S1": actions, "S9": actions, "S11": {"Walk 2": actions["Walk 1"]}}
        np.savez(target, **{name: np.array(table, object)}, **extra)

    class OffInWalk(Off):
        def start(self, clip, *options):
            return OffTask(clip.to_mpm16(), "lift", 1.0 if "Walk" in clip.source else 3.0)

    with pytest.raises(UserError, match=r"cameras\.json: is missing; Human3\.6M's protocol needs its cameras"):
        run(tmp_path / "h36m", GROUPS["lifting"])
    view = {"R": [[1, 0, 0], [0, 0, -1], [0, 1, 0]], "t": [0, 0, 0], "K": [[1100, 0, 500], [0, 1100, 500], [0, 0, 1]]}
    views = [view | {"res_w": 1000, "res_h": 1000}] * 2
    cameras = {subject: dict.fromkeys(("Walk 1", "Walk 2", "Wave"), views) for subject in ("S9", "S11")}
    (tmp_path / "h36m" / "cameras.json").write_text(json.dumps({"cameras": cameras}))
    *_, evaluation = evaluate(OffInWalk(), tmp_path / "h36m", GROUPS["lifting"])
    (figures,) = evaluation.results.values()  # there is no detected 2D beside it
    assert figures.frames == 2 * 200 + 2 * 100 + 2 * 200
    assert figures.mpjpe == pytest.approx((3 + 9) / 2, abs=0.05)  # not (800 * 3 + 200 * 9) / 1000
    assert figures.mpjpe_14 == pytest.approx((48 + 144) / 2 / 14, abs=0.05)
    assert figures.pck == pytest.approx(100)
    assert "Human3.6M" in as_markdown(evaluation)
    (tmp_path / "h36m" / "data_3d_h36m.npz").unlink()
    with pytest.raises(UserError, match=r"data_3d_h36m\.npz: the benchmark file is missing"):
        run(tmp_path / "h36m", GROUPS["lifting"])


def test_3dhp_scores_valid_frames_and_fourteen_joints(tmp_path, demo):
    order = [MPM16.index(joint if joint != "Nose" else "Head") for joint in MPI_INF_3DHP17.joints]
    joints = demo.ground_truth[:100][:, order].astype(float)
    points = joints[..., :2] / joints[..., 2:] * [1500, 1480] + [1000, 1010]
    valid = np.arange(100) % 4 == 0
    table = {"TS1": {"data_2d": points, "data_3d": joints * 1000, "valid": valid}}
    np.savez(tmp_path / "data_test_3dhp.npz", data=np.array(table, object))
    *_, evaluation = evaluate(Off(200), tmp_path, GROUPS["lifting"])
    (figures,) = evaluation.results.values()
    assert figures.frames == 25 and figures.mpjpe == pytest.approx(200 / 16, abs=0.05)
    assert figures.pck == pytest.approx(100 * 13 / 14)  # one of the 14 joints is always beyond 150 mm
    assert figures.by_action == pytest.approx({"TS1": 200 / 16}, abs=0.05)


def test_the_camera_of_3dhp_is_found_from_its_points(tmp_path, demo):
    order = [MPM16.index(joint if joint != "Nose" else "Head") for joint in MPI_INF_3DHP17.joints]
    joints = demo.ground_truth[:50][:, order].astype(float)
    points = joints[..., :2] / joints[..., 2:] * [1500, 1480] + [1000, 1010]
    table = {"TS5": {"data_2d": points, "data_3d": joints * 1000}}
    np.savez(tmp_path / "data_test_3dhp.npz", data=np.array(table, object))
    benchmark = find_benchmark(tmp_path)
    (found,) = benchmark.read(tmp_path / "data_test_3dhp.npz")
    assert found.clip.camera.focal == pytest.approx((1500, 1480), rel=1e-3)
    assert found.clip.camera.centre == pytest.approx((1000, 1010), rel=1e-3)
    assert found.clip.image_size == (1920, 1080) and found.counted.all()


def test_hidden_and_visible_joints_apart(folder):
    results = {(p.source, p.preset): f for p, f in run(folder, find_protocols(("occlusion", "completion"))).results.items()}
    arms = results["ground-truth 2D", "2 arms"]
    assert arms.hidden == pytest.approx(96 / 6, abs=0.1) and arms.visible == pytest.approx(0, abs=0.01)
    legs = results["noisy 2D", "2 legs"]
    assert legs.hidden == pytest.approx(0, abs=0.01) and legs.visible == pytest.approx(48 / 10, abs=0.1)
    assert results["ground-truth 3D", "left arm"].mpjpe == pytest.approx(6.0, abs=0.01)
    frames = results["ground-truth 2D", "45 frames"]
    assert frames.hidden == pytest.approx(96 / 16, abs=0.1) and frames.visible == pytest.approx(48 / 16, abs=0.1)


def test_a_stride_scores_fewer_frames_alike(folder):
    results = run(folder, PAPER, stride=10).results
    assert {f.frames for f in results.values()} == {60}
    assert len(results) == 14  # two inputs with nothing and four pairs hidden, four limbs completed
    with pytest.raises(UserError, match="stride"):
        run(folder, PAPER, stride=0)


def test_the_masks_of_the_protocols():
    rng = np.random.default_rng(0)
    masks = {p.preset: p.make_mask(900, rng) for group in GROUPS.values() for p in group}
    assert not masks["nothing"].any()
    assert np.array_equal(masks["2 legs"], limb_mask(900, ["left leg", "right leg"]))
    for number in (1, 2):
        name = f"{number} joint" + "s" * (number > 1)
        assert (masks[name].sum(1) == number).all() and not masks[name][:, MPM16.root].any()
        assert (masks[name] == masks[name][0]).all()
    for length in (5, 15, 45):
        hidden = masks[f"{length} frames"]
        assert (hidden.all(1) == hidden.any(1)).all() and hidden[:, 0].sum() == 10 * length
        assert np.diff(np.flatnonzero(np.diff(hidden[:, 0].astype(int)) == 1)).min() > 0


def test_what_an_animator_sees_is_counted_and_what_is_told_of_the_ground(folder):
    figures = run(folder, GROUPS["lifting"]).results[GROUPS["lifting"][0]]
    assert figures.up == pytest.approx(10, abs=0.1) and figures.up_p90 == pytest.approx(10, abs=0.1)
    assert figures.standing > 0.9  # its feet move as the true ones
    assert figures.jumps == 0 and figures.acceleration < 1e-2  # what is off lasts
    text = as_markdown(run(folder, GROUPS["lifting"]))
    assert "| acceleration m/s2 | jumps | up, median over views, degrees |" in text and "| 10.0 | 10.0 |" in text
    assert "| feet slide m/s | feet under the floor, % of frames | path mm |" in text
    assert 0 < figures.sliding < 0.15 and figures.under < 3 and figures.path == pytest.approx(0, abs=0.1)  # the true ones
    strided = run(folder, GROUPS["lifting"], stride=3).results[GROUPS["lifting"][0]]
    assert np.isnan(strided.jumps) and np.isnan(strided.acceleration) and np.isnan(strided.sliding)


def test_the_protocol_of_up_looks_down_at_the_benchmark(folder, capsys, tmp_path):
    assert main(["eval", str(folder), "--protocol", "up", "--json", str(tmp_path / "up.json")]) == 0
    printed = capsys.readouterr().out
    assert printed.count("| ground-truth 2D |") == printed.count("| noisy 2D |") == 4
    rows = json.loads((tmp_path / "up.json").read_text())
    steep = [row for row in rows if row["pitch"] == 45]
    assert all(row["median"] < 15 < 40 < row["assumed_level"] for row in steep)
    assert main(["eval", str(folder), "--protocol", "up", "--lifter", "tcn"]) == 2


def test_tables_and_json_say_the_same(folder):
    evaluation = run(folder, find_protocols(("lifting", "completion")))
    text = as_markdown(evaluation, details=True)
    for words in (
        "| ground-truth 2D | nothing | 3.0 | 3.4 |",
        "| left arm | 6.0 | 32.0 |",
        "| Walk | Wave |",
        "LWrist",
        "every frame",
    ):
        assert words in text
    rows = json.loads(json.dumps(evaluation.to_json()))["results"]
    assert rows[0]["hidden"] is None and rows[0]["by_joint"]["LWrist"] == pytest.approx(48, abs=0.1)
    assert {row["group"] for row in rows} == {"lifting", "completion"}


def test_a_missing_file_gets_one_sentence(folder):
    (folder / "data_2d_open_det.npz").unlink()
    with pytest.raises(UserError, match=r"data_2d_open_det.npz: the benchmark file is missing"):
        run(folder, GROUPS["lifting"])


def test_the_command_prints_the_tables(folder, tmp_path, capsys):
    target = tmp_path / "figures.json"
    assert main(["eval", str(folder), "--protocol", "lifting", "--stride", "25", "--json", str(target)]) == 0
    said = capsys.readouterr().out
    assert "| ground-truth 2D | nothing |" in said and "one of 25 frames" in said
    assert json.loads(target.read_text())[0]["results"][0]["mpjpe"] > 1
