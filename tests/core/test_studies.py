import json

import pytest

from mpm_core.cli import main
from mpm_core.data.augment import AugmentConfig
from mpm_core.networks import NETWORKS
from mpm_core.training.config import TrainConfig, with_changes
from mpm_core.training.rigs import RECIPES
from mpm_core.training.studies import STUDIES
from tests.core.test_data import write_small_pack
from tests.core.test_evaluation import folder  # noqa: F401 (a fixture)


@pytest.fixture
def study(tmp_path, folder, capsys):  # noqa: F811
    """A command that runs a study of a few steps; returns its table and its figures."""
    pack = write_small_pack(tmp_path / "pack.npz")

    def run(name, *options):
        figures = tmp_path / "figures.json"
        arguments = ["eval", str(folder), "--protocol", name, "--pack", str(pack), "--runs", str(tmp_path / "runs")]
        assert main([*arguments, *options, "--windows", "192", "192", "--json", str(figures)]) == 0
        return capsys.readouterr().out, json.loads(figures.read_text())

    return run


def test_a_study_trains_and_evaluates_each_network_once(study, tmp_path):
    text, figures = study("tasks")
    assert "192 + 192 windows of 27 frames" in text
    assert [row["cell"] for row in figures] == ["2D, 3D, lifting", "2D, 3D"]
    assert "|  | 2D, 3D, lifting | 2D, 3D |" in text
    first = [row["results"][0]["mpjpe"] for row in figures]
    assert f"| ground-truth 2D, nothing hidden | {first[0]:.1f} | {first[1]:.1f} |" in text
    done = {place: place.stat().st_mtime_ns for place in (tmp_path / "runs").glob("*/done.json")}
    assert len(done) == 2
    again, _ = study("tasks")
    assert again == text
    study("inputs")  # of its two networks one is there already, under another name
    now = {place: place.stat().st_mtime_ns for place in (tmp_path / "runs").glob("*/done.json")}
    assert len(now) == 3 and done.items() <= now.items()
    forms = [json.loads(place.read_text())["config"]["model"]["input_form"] for place in now]
    assert sorted(forms) == ["rays", "rays", "screen"]


def test_a_network_without_stage_one_sees_as_many_windows(study, tmp_path):
    study("supervision")
    plans = [json.loads(place.read_text()) for place in (tmp_path / "runs").glob("*/done.json")]
    totals = {p["config"]["stage_one"]["windows"] + p["config"]["stage_two"]["windows"] for p in plans}
    assert len(plans) == 4 and totals == {384}
    assert sorted(p["share"] for p in plans) == [0.05, 0.05, 0.05, 1.0]


def test_every_setting_of_every_study_exists():
    for study in STUDIES.values():
        for cell in study.cells:
            with_changes(TrainConfig(model=NETWORKS[cell.network].config_class()), dict(study.settings) | dict(cell.settings))


def test_the_ablation_switches_off_every_variation():
    cells = {cell.name: cell.settings for cell in STUDIES["augmentation"].cells}
    off = with_changes(TrainConfig(), dict(cells["nothing varied"])).augment
    left = {name for name, value in vars(off).items() if value != 0}
    # What is left only says how a variation is made, none of which is.
    assert left == {
        "arm_swing_deg", "leg_swing_deg", "trunk_swing_deg", "masked_arm_swing", "solid_noise_m", "noise_m", "noise_spread",
        "outlier_share", "swapped_share", "lost_share", "pathless_share", "moved_joints_m", "varied_masked", "bent_deg",
    }  # fmt: skip
    assert AugmentConfig().pathless_share > 0  # no variation, but an input that goes missing


def test_the_cross_rig_protocol_tests_on_the_family_that_was_left_out(tmp_path, capsys):
    pack = write_small_pack(tmp_path / "pack.npz")
    figures = tmp_path / "rigs.json"
    arguments = ["eval", str(tmp_path), "--protocol", "rigs", "--pack", str(pack), str(pack), "--runs", str(tmp_path / "runs")]
    assert main([*arguments, "--windows", "64", "64", "--json", str(figures)]) == 0
    rows = json.loads(figures.read_text())
    assert {(row["family"], row["recipe"]) for row in rows} == {(f, r) for f in ("a", "b") for r in RECIPES}
    assert all(row["frames"] > 100 and row["mpjpe"] > 0 for row in rows)
    assert "| mean |" in capsys.readouterr().out
    trained = [json.loads(place.read_text())["pack"] for place in (tmp_path / "runs").glob("*/done.json")]
    assert len(trained) == 4 and len(set(trained)) == 4  # each without another family
    assert main([*arguments, "--family", "nobody"]) == 2


def test_one_cell_of_a_study_can_be_run_alone(study, tmp_path):
    with pytest.raises(AssertionError):
        study("tasks", "--cell", "9")
    _, figures = study("leads", "--cell", "3")
    assert [row["cell"] for row in figures] == ["both, seed 0"]
