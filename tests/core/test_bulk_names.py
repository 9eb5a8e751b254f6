"""Commands over many inputs, where files have odd names, stand behind links or are none, and records are damaged."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mpm_core import read_clip
from mpm_core.bulk.records import Asked
from mpm_core.cli import build_parser, main
from mpm_core.formats.project import Project, write_project
from tests.conftest import COMMAND_LINE


@pytest.fixture
def folder(clips_in):
    """With two broken ones."""
    for name in ("broken.npz", "sub/broken.json"):
        (clips_in / name).write_text("{")
    return clips_in


def made(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*.csv"))


def outcomes(text):
    return {Path(one["input"]).name: one["outcome"] for one in json.loads(text)["files"]}


@pytest.mark.skipif(sys.platform != "linux", reason="needs file names that are no text")
def test_names_that_are_no_text_or_nothing_but_an_ending(folder, tmp_path, capsys, demo):
    for name in (b"bad\xff.npz", b"new\nline.npz", "a\u2028b.npz".encode(), b"-dash.npz"):
        shutil.copy(folder / "a.npz", os.fsencode(folder) + b"/" + name)
    for name in ("..npz", "...npz"):
        shutil.copy(folder / "a.npz", name)
    (tmp_path / "list.txt").write_text("..npz\n...npz\n")
    assert main(["convert", "in", "@list.txt", "-o", "out", "--json"]) == 2
    said = json.loads(capsys.readouterr().out)
    assert said["done"] == 7 and [one["reason"] for one in said["files"] if "no name but" in (one["reason"] or "")]
    assert Path(os.fsdecode(os.fsencode(tmp_path) + b"/out/bad\xff.csv")).exists()
    assert main(["convert", "in", "@list.txt", "-o", "out", "--json", "--resume"]) == 2
    assert json.loads(capsys.readouterr().out)["skipped"] == 7
    assert main(["convert", "in", "-o", "out", "--resume"]) == 2 and "bad\\udcff.npz" in capsys.readouterr().out


def test_names_that_the_terminal_has_no_signs_for(folder, tmp_path, demo):
    shutil.copy(folder / "a.npz", folder / "走る😀.npz")
    command = [*COMMAND_LINE, "convert", "in", "-o", "out"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    for more in ([], ["--json"]):
        done = subprocess.run([*command, *more], check=False, env=environment, capture_output=True, cwd=tmp_path)
        assert done.returncode == 2 and b"Traceback" not in done.stderr
    assert "走る😀.npz" in {Path(one["input"]).name for one in json.loads(done.stdout)["files"]}


def test_a_file_whose_name_begins_as_a_list_does(folder, tmp_path, capsys):
    shutil.copy(folder / "a.npz", "@walk.npz")
    assert main(["convert", "./@walk.npz", "-o", "walk.csv"]) == 0 and (tmp_path / "walk.csv").exists()
    assert main(["convert", "./@walk.npz", "in/a.npz", "-o", "out"]) == 0 and made(tmp_path / "out") == ["@walk.csv", "a.csv"]


def test_patterns_go_into_no_links_that_lead_round_in_circles(folder, tmp_path, capsys):
    for name in ("here", "again"):
        (folder / name).symlink_to(".")
    (folder / ".hidden").mkdir()
    shutil.copy(folder / "a.npz", folder / ".hidden" / "d.npz")
    assert main(["convert", "in/**/[a-c].npz", "-o", "out"]) == 0
    assert made(tmp_path / "out") == ["a.csv", "b.csv", "sub/c.csv"]
    capsys.readouterr()
    assert main(["convert", "in/**", "in/.h*/*", "-o", "other", "--json"]) == 2
    said = outcomes(capsys.readouterr().out)
    assert {name for name, state in said.items() if state == "done"} == {"a.npz", "b.npz", "c.npz", "d.npz"}


@pytest.mark.parametrize(("source", "output"), [("in", "link"), ("linked", "in/sub/out"), ("linked", "in")])
def test_outputs_are_no_inputs_by_whatever_name_they_are_reached(folder, tmp_path, capsys, source, output):
    (folder / "sub" / "out").mkdir()
    (tmp_path / "link").symlink_to("in/sub/out")
    (tmp_path / "linked").symlink_to("in")
    for _ in range(2):
        assert main(["convert", source, "-o", output, "--json"]) == 2
        assert len(json.loads(capsys.readouterr().out)["files"]) == 5


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs pipes with names")
@pytest.mark.parametrize(("name", "out"), [("pipe.json", "a.csv"), ("pipe.mp4", "a.csv"), ("pipe.mpmproj", "a.gif")])
def test_a_pipe_is_no_input(tmp_path, name, out):
    (tmp_path / "in").mkdir()
    os.mkfifo(tmp_path / "in" / name)
    command = "render" if name.endswith("mpmproj") else "lift"  # which starts a Qt without windows, and a process has one Qt
    asked = [*COMMAND_LINE, command, str(tmp_path / "in" / name), "-o", str(tmp_path / out)]
    done = subprocess.run(asked, check=False, capture_output=True, text=True)
    assert done.returncode == 2 and f"{name}: cannot be read (it is no ordinary file)" in done.stderr


def test_records_that_are_damaged_cost_only_the_work(folder, tmp_path, capsys):
    assert main(["convert", "in", "-o", "out"]) == 2
    records = tmp_path / "out" / ".mpm-done.jsonl"
    for damage in (
        b"[" * 100_000 + b"\n",
        b"\0\xff\n",
        b'{"input": "\\ud800", "asked": 1, "frames": 1, "outputs": {"\\u0000": 1}}\n',
    ):
        records.write_bytes(damage + records.read_bytes())
    capsys.readouterr()
    assert main(["convert", "in", "-o", "out", "--resume", "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["skipped"] == 3


def test_an_amc_is_asked_for_again_when_its_skeleton_changes(tmp_path):
    amc, asf = tmp_path / "walk.amc", tmp_path / "body.ASF"
    amc.write_text("")
    asf.write_text("of one")
    options = build_parser().parse_args(["convert", str(amc), "-o", "out"])
    before = Asked("convert", options, [".csv"], []).of(amc)
    assert Asked("convert", options, [".csv"], []).of(amc) == before
    asf.write_text("of another")
    assert Asked("convert", options, [".csv"], []).of(amc) != before


def test_a_shortened_option_names_the_file_of_options_too(folder, tmp_path):
    (tmp_path / "rate.toml").write_text("\ufeffout-fps = 10")
    assert main(["convert", "in/a.npz", "-o", "a.bvh", "--conf", "rate.toml"]) == 0
    assert read_clip(tmp_path / "a.bvh").fps == 10


@pytest.mark.skipif(sys.platform == "win32", reason="the limit on the size of files is POSIX's")
def test_a_full_disk_is_told_of_the_file_that_it_is_told_in(folder, tmp_path):
    code = (
        "import resource, signal, sys; from mpm_core.cli import main\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))\n"
        "sys.exit(main(['convert', 'in', '-o', 'out', '--to', 'csv']))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert done.stderr.splitlines()[-1].startswith("mpm: out/mpm.log: cannot be written (")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["mpm.log"]


def test_a_project_is_asked_for_again_when_its_video_changes(tmp_path, demo):
    video, path = tmp_path / "walk.mp4", tmp_path / "walk.mpmproj"
    video.write_bytes(b"one")
    clip = demo.cut(0, 10)
    mask = np.zeros((10, 16), bool)
    write_project(Project(clip, mask, mask[:, 0], links={"video": video}), path)
    options = build_parser().parse_args(["render", str(path), "-o", "out"])
    before = Asked("render", options, [".mp4"], []).of(path)
    assert Asked("render", options, [".mp4"], []).of(path) == before
    video.write_bytes(b"two, longer")
    changed = Asked("render", options, [".mp4"], []).of(path)
    assert changed != before
    path.write_bytes(b"no project")
    assert Asked("render", options, [".mp4"], []).of(path) not in (before, changed)
