import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A wheel of this project, unpacked where no source checkout is near."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--outdir", str(folder), str(ROOT)], check=True, capture_output=True
    )
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


def run(code, site, tmp_path):
    """Run in a Python that finds the wheel before this checkout."""
    environment = dict(os.environ, PYTHONPATH=str(site), PYTHONSAFEPATH="1")
    return subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )


def test_the_wheel_finds_its_weights_and_demo(installed, tmp_path):
    result = run("from mpm_core.cli import main; raise SystemExit(main(['info']))", installed, tmp_path)
    assert result.returncode == 0, result.stderr
    assert (installed / "mpm_core" / "py.typed").exists()  # so that type checkers of others believe its annotations
    assert str(installed) in result.stdout and "mpm.safetensors" in result.stdout


def test_the_wheel_lifts(installed, tmp_path):
    code = "import mpm_core; from mpm_core.assets import find_asset; c = mpm_core.read_clip(find_asset('demo/demo.npz')); "
    code += "p = mpm_core.load_lifter().lift(c); mpm_core.write(p, 'demo.bvh')"
    result = run(code, installed, tmp_path)
    assert result.returncode == 0, result.stderr
    assert (tmp_path / "demo.bvh").exists()


def test_the_wheel_holds_its_commands_and_no_tests(installed):
    (entry,) = installed.glob("*.dist-info/entry_points.txt")
    assert "mpm-viewer = app.starting:mpm_viewer" in entry.read_text() and "mpm = app.starting:mpm\n" in entry.read_text()
    assert not (installed / "tests").exists()
