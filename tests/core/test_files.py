"""Writing: the old file stays until the new one is whole, under the same links, names and modes, and nothing is left over."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from mpm_core import UserError
from mpm_core.bulk.inputs import Takes
from mpm_core.bulk.outcomes import Made
from mpm_core.bulk.running import run_each
from mpm_core.cli import build_parser, main
from mpm_core.files import check_spares, written_whole


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def write(target, text):
    with written_whole(target) as partial:
        partial.write_text(text)


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    target = tmp_path / "a.csv"
    write(target, "old")
    with pytest.raises(ZeroDivisionError), written_whole(target) as partial:
        partial.write_text("half")
        raise ZeroDivisionError
    assert target.read_text() == "old" and names_in(tmp_path) == ["a.csv"]


def test_a_disk_that_is_full_while_a_file_of_several_names_is_written_over(tmp_path, monkeypatch):
    """The old content was gone, and the new one was thrown away."""
    target = tmp_path / "a.csv"
    target.write_text("old")
    os.link(target, tmp_path / "b.csv")

    def fill_the_disk(source, place):
        Path(place).write_text("ne")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copyfile", fill_the_disk)
    with pytest.raises(UserError, match=r"No space left.*what was to be written is in .*\.a\.csv\.partial"):
        write(target, "new")
    assert (tmp_path / ".a.csv.partial").read_text() == "new"
    monkeypatch.undo()
    write(target, "newer")
    assert names_in(tmp_path) == ["a.csv", "b.csv"] and (tmp_path / "b.csv").read_text() == "newer"


def test_what_another_program_begins_under_the_same_name_stays(tmp_path, monkeypatch):
    target, partial = tmp_path / "a.csv", tmp_path / ".a.csv.partial"
    replace = Path.replace

    def replaced_and_begun_anew(self, place):
        replace(self, place)
        partial.write_text("another's")

    monkeypatch.setattr(Path, "replace", replaced_and_begun_anew)
    write(target, "mine")
    assert target.read_text() == "mine" and partial.read_text() == "another's"


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o755])
def test_a_file_keeps_its_mode(tmp_path, mode):
    target = tmp_path / "a.csv"
    target.write_text("old")
    target.chmod(mode)
    write(target, "new")
    assert stat.S_IMODE(target.stat().st_mode) == mode and target.read_text() == "new"


def test_a_new_file_has_the_mode_that_new_files_have(tmp_path):
    (tmp_path / "plain").write_text("")
    write(tmp_path / "a.csv", "new")
    assert (tmp_path / "a.csv").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("link", ["symbolic", "to a link", "dangling", "hard"])
def test_links_stay_links(tmp_path, link):
    (tmp_path / "far").mkdir()
    real, name = tmp_path / "far" / "real.csv", tmp_path / "a.csv"
    if link != "dangling":
        real.write_text("old")
    if link == "hard":
        os.link(real, name)
    else:
        through = tmp_path / "through.csv" if link == "to a link" else name
        through.symlink_to(real)
        if link == "to a link":
            name.symlink_to("through.csv")
    write(name, "new")
    assert real.read_text() == name.read_text() == "new" and name.is_symlink() == (link != "hard")
    assert name.samefile(real) and not list(tmp_path.rglob(".*"))


def test_what_a_killed_program_left_is_written_over(tmp_path):
    target = tmp_path / "walk.csv"
    code = (
        "import os, sys; from pathlib import Path; from mpm_core.files import written_whole\n"
        "with written_whole(Path(sys.argv[1])) as p: p.write_text('x' * 1000); os._exit(9)"
    )
    for _ in range(3):
        assert subprocess.run([sys.executable, "-c", code, target], timeout=240, check=False).returncode == 9
    (left,) = names_in(tmp_path)
    assert "walk.csv" in left
    write(target, "new")
    assert names_in(tmp_path) == ["walk.csv"] and target.read_text() == "new"


def test_two_programs_do_not_write_one_file_at_once(tmp_path):
    target = tmp_path / "a.csv"
    with written_whole(target) as partial:
        partial.write_text("first")
        with pytest.raises(UserError, match="another program is writing it"):
            write(target, "second")
    assert target.read_text() == "first"


@pytest.mark.parametrize("name", ["x" * 251 + ".csv", "é" * 125 + ".csv", "." + "x" * 250 + ".csv"])
def test_the_longest_names_can_be_written(tmp_path, name):
    write(tmp_path / name, "new")
    assert names_in(tmp_path) == [name]


@pytest.mark.parametrize(
    ("name", "words"), [("x" * 256 + ".csv", "too long"), ("none/a.csv", "No such file"), ("a.csv/b.csv", "Not a directory")]
)
def test_places_that_cannot_be_written_to(tmp_path, name, words):
    (tmp_path / "a.csv").write_text("")
    with pytest.raises(UserError, match=words):
        write(tmp_path / name, "new")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no /dev/full")
def test_a_full_disk_is_one_sentence(tmp_path):
    target = tmp_path / "a.csv"
    with pytest.raises(UserError, match="a.csv: cannot be written .No space left"), written_whole(target):
        Path("/dev/full").write_text("x" * 100_000)
    assert not names_in(tmp_path)


@pytest.mark.parametrize("name", ["a.npz", "link.npz", "hard.npz", "sub/../a.npz"])
def test_an_input_is_never_written_over(tmp_path, name):
    (tmp_path / "a.npz").write_text("")
    (tmp_path / "link.npz").symlink_to("a.npz")
    os.link(tmp_path / "a.npz", tmp_path / "hard.npz")
    (tmp_path / "sub").mkdir()
    with pytest.raises(UserError, match="is an input"):
        check_spares([tmp_path / name], [tmp_path / "a.npz"])
    check_spares([tmp_path / "b.npz"], [tmp_path / "a.npz"])


@pytest.mark.parametrize("command", ["convert", "complete"])
def test_commands_spare_their_input(tmp_path, demo, caplog, command):
    from mpm_core import write as write_clip

    path = tmp_path / "walk.npz"
    write_clip(demo.cut(0, 9), path)
    before = path.read_bytes()
    assert main([command, str(path), "-o", str(path)]) == 2
    assert "is an input" in caplog.text and path.read_bytes() == before


@pytest.mark.parametrize("command", ["convert", "complete", "lift"])
@pytest.mark.parametrize("aid", ["--weights", "--joint-map"])
def test_commands_spare_what_they_read_beside_their_input(tmp_path, demo, caplog, command, aid):
    from mpm_core import write as write_clip

    write_clip(demo.cut(0, 9), tmp_path / "walk.npz")
    (tmp_path / "aid.npz").write_text("precious")
    if command == "convert" and aid == "--weights":
        pytest.skip("it takes none")
    assert main([command, str(tmp_path / "walk.npz"), "-o", str(tmp_path / "aid.npz"), aid, str(tmp_path / "aid.npz")]) == 2
    assert "is an input" in caplog.text and (tmp_path / "aid.npz").read_text() == "precious"


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no named pipes")
def test_what_is_no_file_is_not_replaced_by_one(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    (tmp_path / "folder.csv").mkdir()
    for name, words in (("pipe.csv", "no ordinary file"), ("folder.csv", "it is a folder"), ("a\0b.csv", "no file can have")):
        with pytest.raises(UserError, match=words):
            write(tmp_path / name, "new")
    assert (tmp_path / "pipe.csv").is_fifo() and (tmp_path / "folder.csv").is_dir()


def copy_one(options):
    if "kills" in options.input.name:
        os._exit(11)
    if "breaks" in options.input.name:
        raise MemoryError
    options.outputs[0].write_text(options.input.read_text())
    return Made(1, options.outputs)


@pytest.mark.parametrize("jobs", [1, 2, 1000])
def test_one_bad_input_never_ends_a_batch(tmp_path, caplog, jobs):
    names = ["a", "breaks", "b", "c"] + ["kills"] * (jobs > 1)
    for name in names:
        (tmp_path / f"{name}.json").write_text(name)
    inputs = [tmp_path / f"{name}.json" for name in names] + [tmp_path / "none-*.json", tmp_path / ("x" * 300)]
    given = [str(path) for path in inputs]
    options = build_parser().parse_args(["lift", *given, "-o", str(tmp_path / "out"), "--jobs", str(jobs)])
    with pytest.raises(UserError, match=f"{len(inputs) - 3} of {len(inputs)} inputs could not be used"):
        run_each(options, copy_one, Takes())
    assert [name for name in names_in(tmp_path / "out") if name.endswith("bvh")] == ["a.bvh", "b.bvh", "c.bvh"]
    assert "nothing matches" in caplog.text and "breaks.json" in caplog.text and "File name too long" in caplog.text
    assert ("kills.json: the process that worked on it died" in caplog.text) == (jobs > 1)
