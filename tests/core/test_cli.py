import json
import subprocess
import sys

import numpy as np
import pytest

from mpm_core import read_clip, write
from mpm_core.bench import describe_machine
from mpm_core.cli import main
from mpm_core.lifters.aids import Aids
from mpm_core.skeleton import MPM16
from tests.core.test_data import write_small_pack
from tests.core.test_formats import h36m_pair

ONE_OF_D3DP = ("--lifter", "d3dp", "--samples", "1", "--steps", "1")


@pytest.fixture
def clip_file(tmp_path, demo):
    write(demo, tmp_path / "clip.npz")
    return tmp_path / "clip.npz"


def test_lift_writes_bvh_and_csv(tmp_path, clip_file):
    assert main(["lift", str(clip_file), "-o", str(tmp_path / "out.bvh"), "--hide", "left arm:100-200"]) == 0
    assert (tmp_path / "out.bvh").read_text().startswith("HIERARCHY")
    assert (
        main(["lift", str(clip_file), "-o", str(tmp_path / "out.csv"), "--hide", "LWrist", "--first", "5", "--last", "9"]) == 0
    )
    rows = [line for line in (tmp_path / "out.csv").read_text().splitlines() if not line.startswith("#")]
    assert len(rows) == 6 and "completed" in rows[1]


def test_the_fit_can_be_left_out(tmp_path, clip_file, demo, lifter):
    answers = {}
    for option in ("--fit", "--no-fit"):
        assert main(["lift", str(clip_file), "-o", str(tmp_path / "out.npz"), option]) == 0
        answers[option] = read_clip(tmp_path / "out.npz").ground_truth
    plain = lifter.lift(demo, aids=Aids(fit=False)).absolute()
    assert np.abs(answers["--no-fit"] - plain).max() < 1e-4 < 0.01 < np.abs(answers["--fit"] - plain).max()


def test_assumptions_are_said(tmp_path, openpose_folder, caplog):
    assert main(["lift", str(openpose_folder), "-o", str(tmp_path / "out.npz")]) == 0
    assert "frame rate" in caplog.text and "image size" in caplog.text and "field of view: 47.2°" in caplog.text
    caplog.clear()
    arguments = ["lift", str(openpose_folder), "-o", str(tmp_path / "o.npz"), "--fps", "25", "--image-size", "1080x1080"]
    assert main(arguments) == 0
    assert caplog.text.count("assumed") == 1 and "field of view: 47.2°" in caplog.text


def test_complete_fills_in_3d(tmp_path, demo):
    positions = demo.ground_truth.copy()
    positions[:, MPM16.index("RElbow")] = np.nan
    np.savez(tmp_path / "three.npz", positions=positions, fps=50)
    assert main(["complete", str(tmp_path / "three.npz"), "-o", str(tmp_path / "out.npz"), "--hide", "RWrist"]) == 0
    out = read_clip(tmp_path / "out.npz")
    assert np.isfinite(out.ground_truth).all()
    shown = [j for j in range(16) if MPM16.joints[j] not in ("RElbow", "RWrist")]
    assert np.abs(out.ground_truth[:, shown] - positions[:, shown]).max() < 1e-4


def test_convert_needs_no_network(tmp_path, clip_file, monkeypatch):
    monkeypatch.setattr("mpm_core.lifters.load_lifter", lambda *_: pytest.fail("the network was loaded"))
    assert main(["convert", str(clip_file), "-o", str(tmp_path / "out.csv")]) == 0
    assert main(["convert", str(clip_file), "-o", str(tmp_path / "truth.bvh")]) == 0


def test_info_knows_weights_and_demo(capsys):
    assert main(["info"]) == 0
    text = capsys.readouterr().out
    assert "mpm.safetensors" in text and "demo.npz" in text and "BVH" in text
    assert main(["info", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["writes"]["bvh"] == "BVH motion" and told["parameters"] > 1e6
    assert main(["models", "list", "--json"]) == 0
    assert "mediapipe-pose-full" in {model["name"] for model in json.loads(capsys.readouterr().out)}


def test_bench_names_the_device_that_auto_stands_for(monkeypatch):
    monkeypatch.setattr("mpm_core.lifters.available_devices", lambda: ("cuda", "cpu"))
    monkeypatch.setattr("torch.cuda.get_device_name", lambda: "A GPU")
    assert describe_machine("auto").startswith("A GPU") and "A GPU" not in describe_machine("cpu")


def test_eval_prints_its_tables_and_json(tmp_path, demo, capsys):
    h36m_pair(tmp_path, demo)
    for kind in ("gt", "det"):
        (tmp_path / f"data_2d_open_{kind}.npz").write_bytes((tmp_path / "data_2d_toy_gt.npz").read_bytes())
    (tmp_path / "data_3d_open.npz").write_bytes((tmp_path / "data_3d_toy.npz").read_bytes())
    assert main(["eval", str(tmp_path), "--json", str(tmp_path / "figures.json"), "--stride", "2"]) == 0
    text = capsys.readouterr().out
    assert "| ground-truth 2D | nothing |" in text and "| left arm |" in text
    results = json.loads((tmp_path / "figures.json").read_text())[0]["results"]
    assert len(results) == 14
    lifted = next(r for r in results if r["preset"] == "nothing" and r["source"] == "ground-truth 2D")
    assert 5 < lifted["mpjpe"] < 90 and lifted["hidden"] is None and lifted["frames"] == 250
    legs = next(r for r in results if r["preset"] == "2 legs")
    assert legs["mpjpe"] > lifted["mpjpe"] and legs["p_mpjpe"] < legs["mpjpe"]


def test_train_runs_saves_and_goes_on(tmp_path, demo, caplog):
    write_small_pack(tmp_path / "pack.npz")
    settings = ["model.frames=27", "model.width=32", "model.heads=4", "model.encoder_width=32", "stage_one.batch=6",
                "stage_two.batch=6", "stage_one.windows=60", "stage_two.windows=60"]  # fmt: skip
    arguments = ["train", str(tmp_path / "pack.npz"), "-o", str(tmp_path / "run")]
    arguments += [word for setting in settings for word in ("--set", setting)]
    assert main(arguments) == 0
    assert (tmp_path / "run" / "stage-II.safetensors").exists()
    assert "60 of 60 windows, stage II: lift" in caplog.text
    caplog.clear()
    assert main(arguments) == 0
    assert "goes on from step 10 of 10" in caplog.text
    table = (tmp_path / "run" / "stage-I.csv").read_text().splitlines()
    assert table[0].startswith("step,windows,seconds,lift,") and table[1].startswith("10,60,") and len(table) == 2
    weights = str(tmp_path / "run" / "stage-II.safetensors")
    write(demo, tmp_path / "d.npz")
    assert main(["lift", str(tmp_path / "d.npz"), "-o", str(tmp_path / "o.npz"), "--weights", weights]) == 0
    log, checkpoint = tmp_path / "run" / "stage-I.csv", tmp_path / "run" / "stage-I.checkpoint"
    log.write_bytes(log.read_bytes() + b"\xff\0\n" + b"9" * 5000 + b",1\n")  # the disk was full, or fails
    assert main(arguments) == 0
    assert log.read_text().splitlines()[:2] == table
    checkpoint.write_bytes(checkpoint.read_bytes()[:500])
    assert main(arguments) == 2
    assert "stage-I.checkpoint: cannot be read" in caplog.text and "delete it to begin the stage anew" in caplog.text


def test_training_on_a_full_disk_is_one_sentence(tmp_path):
    """The limit on a file's size stands for a disk that is full. In a process of its own, as it would hold for ours too."""
    resource = pytest.importorskip("resource")
    write_small_pack(tmp_path / "pack.npz")
    command = [sys.executable, "-m", "mpm_core.cli", "train", str(tmp_path / "pack.npz"), "-o", str(tmp_path / "run")]
    limit = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20, resource.RLIM_INFINITY))  # noqa: E731
    run = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit, check=False)
    log = tmp_path / "run" / "stage-I.csv"
    assert run.returncode == 2 and run.stderr.strip() == f"mpm: {log}: cannot be written (File too large)"


@pytest.mark.parametrize(
    ("setting", "words"),
    [
        ("stage_one.batch=-3", "whole number from 1 on"),
        ("stage_one.windows=true", "whole number from 0 on"),
        ("seed=-1", "whole number from 0 on"),
        ("stage_one.weight_2d=NaN", "must be a number"),
        ("precision=5", "of type str"),
        ("precision=half", "known: bfloat16, float32"),
        ("average=5", "less than 1"),
        ("model.heads=7", "sizes do not go together"),
        ("stage_two.masks={}", "some of them more"),
        ("nonsense", "name=value"),
    ],
)
def test_settings_that_cannot_be(tmp_path, caplog, setting, words):
    write_small_pack(tmp_path / "pack.npz")
    assert main(["train", str(tmp_path / "pack.npz"), "-o", str(tmp_path / "run"), "--set", setting]) == 2
    assert words in caplog.text


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["lift", "nosuch.json", "-o", "x.csv"], "no such file"),
        (["lift", "{clip}", "-o", "x.xyz"], "kind of file"),
        (["lift", "{clip}", "-o", "{tmp}/x.csv", "--hide", "tail"], "tail"),
        (["lift", "{clip}", "-o", "{tmp}/x.csv", "--device", "tpu"], "tpu"),
        (["lift", "{clip}", "-o", "{tmp}/x.csv", "--mode", "magic"], "magic"),
        (["lift", "{clip}", "-o", "{tmp}/x.csv", "--fps", "-3"], "frame rate"),
        (["lift", "{clip}", "-o", "{tmp}/x.csv", "--fps", "1e9"], "1e+09"),
        (["lift", "{clip}", "-o", "{tmp}/x.csv", "--image-size", "0x99"], "image size must be positive"),
        (["lift", "{clip}", "-o", "{tmp}/x.csv", "--jobs", "0"], "--jobs must be at least 1"),
        (["lift", "{clip}", "-o", "{clip}"], "is an input"),
        (["eval", "{tmp}"], "data_2d_open_gt.npz"),
        (["eval", "{tmp}", "--stride", "0"], "stride"),
        (["eval", "{tmp}", "--protocol", "running"], "unknown protocol 'running' (known: lifting, occlusion, completion"),
        (["eval", "{tmp}", "--protocol", "samplers"], "--pack"),
        (["eval", "{tmp}", "--protocol", "completion", "--lifter", "tcn"], "'tcn' can do none"),
        (["complete", "{clip}", "-o", "{tmp}/x.csv", "--lifter", "tcn"], "'tcn' only lifts"),
        (
            ["train", "{clip}", "-o", "{tmp}/run", "--network", "lstm"],
            "unknown network 'lstm' (known: mpm, tcn, stmo, denoiser)",
        ),
        (["train", "{clip}", "-o", "{tmp}/run", "--network", "tcn", "--stage", "1"], "no stage 1"),
        (["data", "import", "{tmp}/nosuch", "-o", "{tmp}/pack.npz"], "no such file"),
        (["data", "import", "{tmp}", "-o", "{tmp}/pack.npz"], "no usable motion ("),
        (["train", "{clip}", "-o", "{tmp}/run", "--device", "gpu"], "'gpu' is not available"),
        (["train", "{clip}", "-o", "{tmp}/run"], "motion pack"),
        (["train", "{clip}", "-o", "{tmp}/run", "--save-every", "0"], "--save-every must be a positive number"),
        (["train", "{clip}", "-o", "{tmp}/run", "--minutes", "nan"], "--minutes must be a positive number"),
        (["train", "{clip}", "-o", "{tmp}/run", "--set", "nosuch=1"], "nosuch"),
    ],
)
def test_mistakes_are_one_sentence_and_status_2(tmp_path, clip_file, caplog, arguments, words):
    filled = [a.format(clip=clip_file, tmp=tmp_path) for a in arguments]
    assert main(filled) == 2
    errors = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
    assert len(errors) == 1 and words in errors[0] and "\n" not in errors[0]


_COMPILER = ("torch._dynamo", "sympy")


def test_importing_is_light():
    """The window must open at once: nothing of this may pull in torch, OpenCV, SciPy or what opening a window does not need.
    And neither loading a network nor refining must pull in torch's compiler: a second, and 0.13 GB that stay."""
    clip = "mpm_core.read_clip(mpm_core.assets.find_asset('demo/demo.npz')).cut(0, 9)"
    for module, heavy in (
        ("mpm_core.cli", ("torch", "cv2", "scipy.optimize", "PySide6")),
        ("app.main, mpm_core", ("numpy", "PySide6", "mpm_core.clip", "mpm_core.formats", "mpm_core.lifters")),
        ("app.window.windows", (
            "torch", "cv2", "scipy", "OpenGL", "pyqtgraph", "mediapipe", "av", "orjson", "h5py", "mpm_core.commands",
            "mpm_core.formats.table", "mpm_core.formats.mpm_npz", "mpm_core.truth.attaching",
        )),
        ("mpm_core; mpm_core.load_lifter('d3dp', 'cpu')", _COMPILER),
        (f"mpm_core; mpm_core.load_lifter('mpm', 'cpu').lift({clip}, refine=True)", _COMPILER),
    ):  # fmt: skip
        code = f"import sys, {module}; print([m for m in {heavy} if m in sys.modules])"
        result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert result.stdout.strip() == "[]", module


@pytest.mark.parametrize("command", ["lift", "complete", "convert", "detect", "render", "metrics", "train", "data import"])
def test_two_places_to_write_to_are_refused(command, tmp_path, capsys):
    with pytest.raises(SystemExit, match="2"):
        main([*command.split(), "x", "-o", str(tmp_path / "one"), "--output", str(tmp_path / "two")])
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and f"given twice, as {tmp_path / 'one'} and as {tmp_path / 'two'}" in said


def test_two_places_to_write_to_are_refused_in_a_file_of_options_too(tmp_path, clip_file, caplog, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "walk.toml").write_text('output = ["one.csv", "two.csv"]\n')
    assert main(["convert", str(clip_file), "--config", "walk.toml"]) == 2
    assert "walk.toml, line 1: output cannot be" in caplog.text and "given twice, as one.csv and as two.csv" in caplog.text
    (tmp_path / "walk.toml").write_text('output = "one.csv"\n')
    assert main(["convert", str(clip_file), "--config", "walk.toml", "-o", "two.csv"]) == 0  # what is typed wins
    assert [path.name for path in tmp_path.glob("*.csv")] == ["two.csv"]


@pytest.mark.parametrize(
    ("command", "asked", "said"),
    [
        ("lift", ["--no-mirror", *ONE_OF_D3DP], "--no-mirror changes nothing: the lifter 'd3dp' answers by hypotheses"),
        ("lift", ["--calibrate"], "--calibrate changes nothing: it is for when 3D is completed, and here 2D is lifted"),
        ("complete", ["--no-fit"], "--no-fit changes nothing: it is for when 2D is lifted, and here 3D is completed"),
        ("complete", ["--aggregate", "jpma", *ONE_OF_D3DP], "--aggregate jpma changes nothing: 3D is completed without"),
        ("complete", ["--calibrate", *ONE_OF_D3DP], "--calibrate changes nothing: the lifter 'd3dp'"),
        ("lift", ["--no-mirror", "--no-fit", "--no-grounding"], ""),
        ("complete", ["--mirror", "--no-calibrate"], ""),
    ],
)
def test_options_that_change_nothing_are_said(tmp_path, demo, caplog, command, asked, said):
    write(demo.cut(0, 19), tmp_path / "in.npz")
    assert main([command, str(tmp_path / "in.npz"), "-o", str(tmp_path / "out.npz"), *asked]) == 0
    told = [record.message for record in caplog.records if "changes nothing" in record.message]
    assert len(told) == bool(said) and all(text.startswith(said) for text in told)
