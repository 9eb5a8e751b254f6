"""What docs/bulk.md shows is what the command line takes."""

import re
import shlex
from pathlib import Path

import pytest

from mpm_core.cli import build_parser, main

DOCS = Path(__file__).parents[2] / "docs" / "bulk.md"
COMMANDS = re.findall(r"^mpm (?!.*\|).*$", DOCS.read_text(), re.MULTILINE)


@pytest.mark.parametrize("line", COMMANDS)
def test_commands_of_the_docs_are_understood(line):
    words = shlex.split(line.partition(" > ")[0], comments=True)[1:]
    assert build_parser().parse_args(words).run is not None


def test_the_file_of_options_of_the_docs_is_taken(tmp_path, demo, monkeypatch, capsys):
    from mpm_core import write

    monkeypatch.chdir(tmp_path)
    (block,) = re.findall(r"```toml\n(.*?)```", DOCS.read_text(), re.DOTALL)
    (tmp_path / "walk.toml").write_text(block)
    write(demo.cut(0, 9), tmp_path / "a.npz")
    assert main(["lift", "a.npz", "-o", "out", "--config", "walk.toml", "--dry-run"]) == 0
    assert "out/a.bvh, out/a.csv" in capsys.readouterr().out
