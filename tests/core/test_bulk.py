"""Commands over many inputs: what is meant by them, where outputs go, what is told, and what is left out the next time."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from mpm_core import read_clip, write
from mpm_core.cli import build_parser, main
from mpm_core.figures import all_figures, known_figures
from mpm_core.hiding import parse_mask
from tests.conftest import body25_from_mpm16, write_openpose

BULK_PAGE = Path(__file__).parents[2] / "docs" / "bulk.md"


@pytest.fixture
def folder(clips_in):
    """With two broken ones, a hidden one, and what is something else."""
    (clips_in / "broken.npz").write_bytes(b"no archive")
    (clips_in / "sub" / "broken.json").write_text("{")
    (clips_in / ".hidden.npz").write_bytes(b"")
    (clips_in / "notes.txt").write_text("of this day")
    return clips_in


def made(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("[!.]*") if p.is_file() and p.name != "mpm.log")


def contents(folder):
    return {name: (folder / name).read_bytes() for name in made(folder)}


def outcomes(text):
    return {Path(one["input"]).name: one["outcome"] for one in json.loads(text)["files"]}


def test_a_folder_becomes_a_folder_of_several_formats(folder, tmp_path, capsys, caplog):
    caplog.set_level("INFO")
    out = tmp_path / "out"
    assert main(["convert", "in", "-o", "out", "--to", "bvh,csv,trc", "--prefix", "mixamorig:"]) == 2
    assert made(out) == sorted(f"{name}.{ending}" for name in ("a", "b", "sub/c") for ending in ("bvh", "csv", "trc"))
    table = capsys.readouterr().out
    assert "broken.npz" in table and "not an npz archive" in table and "3 done (30 frames" in table and "2 failed" in table
    assert ".hidden.npz (hidden)" in caplog.text and "notes.txt (another kind of file)" in caplog.text
    assert "--prefix is not for CSV and TRC" in caplog.text and "mixamorig:" in (out / "a.bvh").read_text()
    assert "2 of 5 inputs could not be used" in caplog.text
    log = (out / "mpm.log").read_text()
    assert "wrote out/a.csv" in log and "line 1, column 2" in log and "3 done" in log


def test_several_formats_are_what_one_by_one_are(folder, tmp_path):
    assert main(["convert", "in/a.npz", "-o", "out", "--to", "csv,trc,npz,angles.csv"]) == 0
    for name in ("a.csv", "a.trc", "a.angles.csv"):
        assert main(["convert", "in/a.npz", "-o", name]) == 0
        assert (tmp_path / name).read_bytes() == (tmp_path / "out" / name).read_bytes()
    assert len(read_clip(tmp_path / "out" / "a.npz")) == 10


def test_json_is_all_that_standard_output_holds(folder, capsys):
    assert main(["convert", "in", "-o", "out", "--to", "csv", "--json"]) == 2
    told = json.loads(capsys.readouterr().out)
    assert (told["done"], told["failed"], told["skipped"], told["command"]) == (3, 2, 0, "convert")
    first = told["files"][0]
    assert first["input"] == "in/a.npz" and first["outputs"] == ["out/a.csv"] and first["frames"] == 10
    assert {one["path"] for one in told["left_out"]} == {"in/.hidden.npz", "in/notes.txt"}
    assert main(["convert", "in/a.npz", "-o", "x.csv", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["files"][0]["outputs"] == ["x.csv"]
    assert main(["convert", "in/broken.npz", "-o", "x.csv", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["files"][0]["reason"] == "in/broken.npz: not an npz archive"


def test_only_what_is_not_done_as_it_is_asked_is_done_again(folder, tmp_path, capsys, demo):
    def run(*more):
        main(["convert", "in", "-o", "out", "--to", "csv,trc", "--json", "--resume", *more])
        return {name: state for name, state in outcomes(capsys.readouterr().out).items() if "broken" not in name}

    done, skipped = (dict.fromkeys(("a.npz", "b.npz", "c.npz"), state) for state in ("done", "skipped"))
    assert run() == done
    before = contents(tmp_path / "out")
    assert run() == skipped and run("--jobs", "1") == skipped
    assert run("--last", "5") == done and contents(tmp_path / "out") != before  # other options
    assert run() == done and contents(tmp_path / "out") == before
    (tmp_path / "out" / "a.trc").write_bytes(before["a.trc"][:100])  # a file that is there, and not what was written
    (tmp_path / "out" / "sub" / "c.csv").unlink()
    assert run() == {**skipped, "a.npz": "done", "c.npz": "done"} and contents(tmp_path / "out") == before
    write(demo.cut(100, 120), folder / "b.npz")
    assert run() == {**skipped, "b.npz": "done"} and contents(tmp_path / "out")["b.csv"] != before["b.csv"]
    records = tmp_path / "out" / ".mpm-done.jsonl"
    whatever = b'5\n{"input": 3, "asked": "", "outputs": [], "frames": 1}\n\xff\n'
    records.write_bytes(whatever + records.read_bytes()[:-20])  # killed while it was noted
    assert run() == {**skipped, "b.npz": "done"} and run() == skipped


def test_patterns_and_lists_keep_folders(folder, tmp_path):
    assert main(["convert", "in/**/?.npz", "-o", "one", "--to", "csv"]) == 0
    assert made(tmp_path / "one") == ["a.csv", "b.csv", "sub/c.csv"]
    (tmp_path / "list.txt").write_text("# clips\nin/sub/c.npz\n\nin/a.npz\nin/a.npz\n")
    assert main(["convert", "@list.txt", "-o", "two", "--to", "csv"]) == 0
    assert made(tmp_path / "two") == ["a.csv", "sub/c.csv"]
    assert main(["convert", "in/sub/c.npz", "in/a.npz", "-o", "three", "--to", "csv", "--base", "."]) == 0
    assert made(tmp_path / "three") == ["in/a.csv", "in/sub/c.csv"]


def test_a_list_tells_the_line_of_what_is_not_there(folder, tmp_path, capsys, caplog):
    (tmp_path / "list.txt").write_text("in/a.npz\nin/nosuch.npz\n")
    assert main(["convert", "@list.txt", "-o", "out", "--to", "csv"]) == 2
    assert "in/nosuch.npz: there is no such file or folder (list.txt, line 2)" in caplog.text
    assert made(tmp_path / "out") == ["a.csv"]
    assert main(["convert", "@nosuch.txt", "-o", "out", "--to", "csv"]) == 2
    assert "nosuch.txt: the list cannot be read (No such file or directory)" in caplog.text


def test_two_inputs_that_would_write_the_same_are_said(folder, tmp_path, demo, caplog):
    write(demo.cut(0, 9), folder / "a.csv")
    assert main(["convert", "in/a.npz", "in/a.csv", "in/b.npz", "-o", "out", "--to", "trc"]) == 2
    assert "in/a.csv would be written to out/a.trc too" in caplog.text
    assert made(tmp_path / "out") == ["b.trc"]


def test_what_a_run_has_written_is_no_input_of_the_next(folder, tmp_path, capsys):
    for _ in range(2):
        main(["convert", "in", "-o", "in/out", "--to", "csv", "--json"])
        assert json.loads(capsys.readouterr().out)["done"] == 3
    shutil.rmtree("in/out")
    for _ in range(2):
        main(["convert", "in", "-o", "in", "--to", "trc", "--json"])
        told = json.loads(capsys.readouterr().out)
        assert told["done"] == 3
    assert "written by an earlier run" in {one["why"] for one in told["left_out"]}


def test_folders_with_a_file_per_frame_are_clips(tmp_path, demo, capsys):
    for name, first in (("one", 0), ("two", 40)):
        write_openpose(tmp_path / "in" / name / "take.1", body25_from_mpm16(demo.keypoints[first : first + 20]))
    assert main(["convert", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "--to", "csv"]) == 0
    assert made(tmp_path / "out") == ["one/take.1.csv", "two/take.1.csv"]
    assert main(["convert", str(tmp_path / "in" / "one" / "take.1"), "-o", str(tmp_path / "x.csv")]) == 0


def test_a_dry_run_writes_nothing(folder, tmp_path, capsys):
    assert main(["lift", "in", "-o", "out", "--dry-run", "--to", "bvh,csv"]) == 0
    text = capsys.readouterr().out
    assert "in/sub/c.npz -> out/sub/c.bvh, out/sub/c.csv" in text and "5 of 5 inputs" in text
    assert not (tmp_path / "out").exists()


def test_a_dry_run_counts_what_fails_among_all(folder, caplog):
    assert main(["lift", "in", "in/nothere.npz", "-o", "out", "--dry-run"]) == 2
    assert "1 of 6 inputs could not be used" in caplog.text


def test_what_can_only_be_written_is_said_to_be(folder, tmp_path, caplog):
    for name in ("a.mot", "a.glb", "a.angles.csv"):
        assert main(["convert", "in/a.npz", "-o", name]) == 0
        assert main(["convert", name, "-o", "x.csv"]) == 2
        assert caplog.messages[-1].endswith("can be written, but not read")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["convert", "in", "-o", "out.csv"], "in: no keypoint files in this folder"),
        (["convert", "in/*.npz", "-o", "out.csv"], "out.csv: must be a folder, as there may be several inputs"),
        (["convert", "in/a.npz", "-o", "out.csv", "--to", "csv,trc"], "must be a folder, as there are several formats"),
        (["convert", "in/a.npz", "-o", "out.csv", "--to", "trc"], "--to trc and out.csv name two formats"),
        (["convert", "in/a.npz", "-o", "out.angles.csv", "--to", "csv"], "--to csv and out.angles.csv name two formats"),
        (["convert", "in/a.npz", "-o", "out.xyz", "--dry-run"], "cannot write this kind of file"),
        (["convert", "in", "-o", "out", "--to", "csv,xyz"], "--to xyz: cannot write this format"),
        (["convert", "in", "-o", "out", "--to", "csv,csv"], "names CSV twice"),
        (["convert", "in", "-o", "out", "--to", "csv", "--prefix", "x:"], "--prefix: none of the formats"),
        (["convert", "in/a.npz", "-o", "a.csv", "--resume"], "--resume is for an output folder"),
        (["convert", "in", "-o", "out", "--jobs", "0"], "--jobs must be at least 1"),
        (["convert", "in", "-o", "out", "--to", "csv", "--truth", "in/a.npz"], "--truth is for one input"),
        (["convert", "in", "-o", "in/notes.txt"], "must be a folder, not in/notes.txt"),
        (["convert", "in", "-o", "out", "--dask", "nonsense"], "--dask"),
        (["metrics", "in/a.npz"], "give --truth"),
        (["metrics", "in/a.npz", "--truth", "in/a.npz", "-o", "x.txt"], "saved as .csv or .json"),
        (["metrics", "in/a.npz", "--truth", "in/a.npz", "--last", "99"], "not within the clip's frames"),
        (["metrics", "in/a.npz", "--truth", "in/a.npz", "--shift", "3"], "--shift needs --clip"),
    ],
)
def test_mistakes_are_one_sentence_before_anything_is_written(folder, tmp_path, caplog, arguments, words):
    assert main(arguments) == 2
    errors = [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    assert len(errors) == 1 and words in errors[0] and not (tmp_path / "out").exists()


def test_a_name_that_would_make_another_kind_of_file(folder, tmp_path, demo, caplog):
    write(demo.cut(0, 9), folder / "walk.angles.npz")
    assert main(["convert", "in/walk.angles.npz", "in/a.npz", "-o", "out", "--to", "csv"]) == 2
    assert "would make walk.angles.csv another kind of file" in caplog.text and made(tmp_path / "out") == ["a.csv"]


def test_options_from_a_file_and_typed_ones_win(folder, tmp_path, capsys):
    (tmp_path / "walk.toml").write_text('last = 3\nto = ["csv", "trc"]\n[lift]\nhide = ["LWrist"]\n[convert]\nlong = true\n')
    assert main(["convert", "in/a.npz", "-o", "out", "--config", "walk.toml"]) == 0
    assert made(tmp_path / "out") == ["a.csv", "a.trc"] and len(read_clip(tmp_path / "out" / "a.csv")) == 4
    assert "joint" in (tmp_path / "out" / "a.csv").read_text().splitlines()[-65]
    assert main(["convert", "in/a.npz", "-o", "x.csv", "--config=walk.toml", "--to", "csv", "--last", "6"]) == 0
    assert len(read_clip(tmp_path / "x.csv")) == 7


def test_the_file_of_options_in_the_docs_is_taken(folder, tmp_path, capsys):
    (block,) = re.findall(r"```toml\n(.*?)```", BULK_PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "walk.toml").write_text(block)
    assert main(["lift", "in/a.npz", "-o", "out", "--config", "walk.toml", "--dry-run"]) == 0
    assert "out/a.bvh, out/a.csv" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("fps = 25\nfpss = 3\n", "walk.toml, line 2: there is no option 'fpss'"),
        ("[lift]\nmirror = true\nlast = 'x'\n", "walk.toml, line 3: last cannot be 'x'"),
        ("[lift]\nmirror = 3\n", "mirror is true or false, not 3"),
        ("[lift]\nlast = true\n", "last needs a value"),
        ("[convert]\nmirror = false\n", "line 2: mpm convert has no option 'mirror'"),
        ("[walk]\nfps = 3\n", "line 1: there is no command 'walk'"),
        ("config = 'walk.toml'\n", "there is no option 'config'"),
        ("fps = \n", "not valid TOML"),
    ],
)
def test_what_a_file_of_options_says_wrongly(folder, tmp_path, caplog, text, words):
    (tmp_path / "walk.toml").write_text(text)
    assert main(["lift", "in/a.npz", "-o", "x.csv", "--config", "walk.toml"]) == 2
    assert words in caplog.text and not (tmp_path / "x.csv").exists()


def test_completion_knows_commands_and_options(capsys):
    for shell in ("bash", "zsh", "fish", "tcsh"):
        assert main(["completion", shell]) == 0
        script = capsys.readouterr().out
        assert "metrics" in script and "resume" in script and "convert" in script, shell


def test_every_option_says_what_it_does():
    for command in build_parser()._subparsers._group_actions[0].choices.values():
        for action in command._actions:
            assert action.help or action.nargs == "A...", f"{command.prog} {action.dest}"


def test_metrics_are_those_of_the_panel(folder, tmp_path, lifter, demo, capsys, caplog):
    arguments = ["lift", "in/a.npz", "-o", "answer.npz", "--hide", "left arm:2-6", "--device", "cpu"]
    assert main(arguments) == 0
    assert main(["metrics", "answer.npz", "--truth", "in/a.npz", "--json", "-o", "figures.csv"]) == 0
    told = json.loads(capsys.readouterr().out)
    clip = read_clip("in/a.npz")
    figures = all_figures(clip, lifter.lift(clip, parse_mask(["left arm:2-6"], 10)), 0, 9)
    expected = known_figures(figures)
    expected.pop("up")  # the file holds up as the clip knows it
    assert "no error of up" in caplog.text
    assert {name: one["value"] for name, one in told["figures"].items()} == pytest.approx(expected, abs=1e-4)
    assert told["joints"]["error"]["LWrist"]["frames_hidden"] == 5
    rows = (tmp_path / "figures.csv").read_text().splitlines()
    assert rows[0] == "figure,joint,part,value,unit" and any(row.startswith("error,LWrist,hidden,") for row in rows)
    assert main(["metrics", "answer.npz", "--clip", "in/a.npz", "--first", "2", "--last", "6"]) == 0
    text = capsys.readouterr().out
    assert text.startswith("frames 2 to 6\nMPJPE") and "LElbow" in text
    caplog.clear()
    assert main(["metrics", "answer.npz", "--truth", str(write_longer(tmp_path, demo))]) == 2
    assert "has 31 frames and the prediction 10" in caplog.text


def test_motion_in_the_world_is_turned_to_its_ground_truth(folder, tmp_path, demo, capsys, caplog):
    assert main(["lift", "in/a.npz", "-o", "answer.npz", "--device", "cpu"]) == 0
    assert main(["convert", "answer.npz", "-o", "world.c3d"]) == 0
    errors = {}
    for name in ("answer.npz", "world.c3d"):
        capsys.readouterr()
        assert main(["metrics", name, "--truth", "in/a.npz", "--json"]) == 0
        errors[name] = {figure: one["value"] for figure, one in json.loads(capsys.readouterr().out)["figures"].items()}
    assert "was turned by" in caplog.text
    # One turn is taken off: not more than P-MPJPE takes, and never to the worse.
    assert errors["world.c3d"]["p_mpjpe"] == pytest.approx(errors["answer.npz"]["p_mpjpe"], abs=0.05)
    assert errors["world.c3d"]["p_mpjpe"] <= errors["world.c3d"]["mpjpe"] <= errors["answer.npz"]["mpjpe"] + 0.05
    assert main(["metrics", "answer.npz", "--truth", "world.c3d", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["figures"]["mpjpe"]["value"] < 0.1
    write(replace(read_clip("in/a.npz"), ground_truth=None), folder / "keypoints.npz")
    assert main(["metrics", "world.c3d", "--clip", "in/keypoints.npz"]) == 2
    assert "does not say where the camera saw it" in caplog.text


def write_longer(folder, demo):
    write(demo.cut(0, 30), folder / "longer.npz")
    return folder / "longer.npz"


def test_a_rate_that_differs_from_what_files_say_is_told(folder, caplog):
    (folder.parent / "walk.toml").write_text("fps = 30\n")
    assert main(["convert", "in/a.npz", "-o", "a.trc", "--fps", "50"]) == 0 and "taken" not in caplog.text
    for name in ("in/b.npz", "in/a.csv", "a.trc"):
        caplog.clear()
        assert main(["convert", "in/a.npz", "-o", "in/a.csv"]) == 0
        assert main(["convert", name, "-o", "out.npz", "--config", "walk.toml"]) == 0
        assert "30 frames/s taken, as was told, where the file's own times say 50" in caplog.text
