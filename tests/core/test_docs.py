"""What the documentation says can be typed, and where it leads."""

import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from mpm_core.cli import build_parser
from mpm_core.lifters.windows import check_mode
from tests.docs_site import faults_of

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "assets/weights/README.md", *sorted((ROOT / "docs").glob("*.md"))]
_BLOCK = re.compile(r"^```[a-z]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def commands():
    for page in PAGES:
        for block in _BLOCK.findall(page.read_text(encoding="utf-8")):
            for line in block.replace("\\\n", " ").splitlines():
                words = shlex.split(line.partition(" > ")[0], comments=True)
                if words[:1] == ["mpm"]:
                    yield pytest.param(words[1:], id=f"{page.name}: {' '.join(words)}")


@pytest.mark.parametrize("words", list(commands()))
def test_every_command_that_is_shown_can_be_typed(words):
    options = build_parser().parse_args(words)
    assert callable(options.run)
    if "mode" in options:
        check_mode(options.mode)


def test_there_are_commands_to_look_at():
    assert len(list(commands())) > 40


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_within_the_repository_lead_somewhere(page):
    made = {"command-line.md", "model-card.md"}  # of the site, by docs/site_pages.py
    links = [link for link in _LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link and link not in made]
    assert [link for link in links if not (page.parent / link).exists()] == []


@pytest.mark.slow
def test_the_site_is_whole_and_fetches_nothing_from_elsewhere(tmp_path):
    if find_spec("mkdocs") is None or find_spec("mkdocstrings") is None:
        pytest.skip("needs the extra docs (make test-all)")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")]
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert faults_of(tmp_path / "site") == []
    pages = {path.name: path.read_text(encoding="utf-8") for path in (tmp_path / "site").glob("*.html")}
    assert "--hide" in pages["command-line.html"] and "ground_truth" in pages["api.html"]
    # Each fault is one that the look through the site knows.
    broken = pages["index.html"].replace("tour.html", "detour.html") + "<img src='//cdn/x.png'>"
    (tmp_path / "site/index.html").write_text(broken)
    said = "\n".join(faults_of(tmp_path / "site"))
    assert "leads to detour.html, which is not there" in said and "index.html fetches //cdn/x.png" in said
