"""Owns bringing a file here by pooch, in a thread that can be left at any moment, also while a server is silent."""

from __future__ import annotations

import concurrent.futures
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from mpm_core.detectors.model_checks import UnreachableError, UnusableError
from mpm_core.errors import UserError
from mpm_core.progress import Progress

_POLL_S = 0.1
_LONGEST_END_S = 0.3
_TIMEOUT_S = 10.0
_RETRIES = 2
_CHUNK_BYTES = 1 << 13
# A server may otherwise compress the file, and then its length is not the file's.
_HEADERS = {"User-Agent": "mpm-viewer", "Accept-Encoding": "identity"}


@dataclass
class Transfer:
    """A transfer of at most `largest` bytes, as pooch's progress bar: it calls update, reset and close. total: 0 where the
    server does not say; None before it has answered."""

    largest: int
    note: str = ""
    total: int | None = None
    done: int = 0
    started_s: float = 0.0
    is_cancelled: bool = False
    is_complete: bool = False
    file: IO[bytes] | None = None

    def update(self, _: int) -> None:
        """Count what is there; ends the thread that calls it when the transfer was cancelled, or brings too much."""
        self.check()
        if self.file is not None:
            self.done = self.file.tell()
        if max(self.done, self.total or 0) > self.largest:
            size = max(self.done, self.total or 0)
            raise UnusableError(f"the file there has {size} bytes, expected were {self.largest} at most")

    def reset(self) -> None:
        """Nothing: the bytes that are there are counted, not those that were said to come."""

    def close(self) -> None:
        """Nothing to be put away."""

    def check(self) -> None:
        """End the thread that calls this when the transfer was cancelled."""
        if self.is_cancelled:
            raise UnusableError("cancelled")


Fetch = Callable[[str, Path, Transfer], None]
"""Brings what is at an address to a path and tells the Transfer of it; UnusableError when it cannot be had."""


def fetch_over_http(url: str, path: Path, transfer: Transfer) -> None:
    """Download a file; a broken connection stays requests' own error, after which pooch tries again."""
    import pooch
    import requests

    host = urlsplit(url).netloc
    transfer.note, transfer.total = f"connecting to {host}", None
    download = pooch.HTTPDownloader(progressbar=transfer, chunk_size=_CHUNK_BYTES, timeout=_TIMEOUT_S, headers=_HEADERS)
    try:
        with path.open("wb") as transfer.file:
            download(url, transfer.file, None)
    except requests.HTTPError as error:
        answer = error.response
        raise UnusableError(
            "answered " + (f"{answer.status_code} {answer.reason}" if answer is not None else "wrongly")
        ) from error
    except requests.RequestException as error:
        if transfer.total is None:
            raise UnreachableError(f"cannot be reached, {_reason(error)}") from error
        raise


def transfer_file(
    url: str, path: Path, sha256: str | None, expected: int, largest: int, fetch: Fetch = fetch_over_http
) -> Generator[Progress, None, None]:
    """Bring the file at an address to a path and check its SHA-256, where one is known; Progress is in bytes.

    Closing it takes less than a second, whatever the server does: the thread at work ends when it next hears of anything.
    `expected` stands in for the size where the server does not say it. UnusableError (UnreachableError without a connection)
    when the file cannot be had there; UserError when it cannot be written.
    """
    transfer, future = Transfer(largest), concurrent.futures.Future[None]()

    def work() -> None:
        try:
            _fetch_by_pooch(url, path, sha256, transfer, fetch)
            future.set_result(None)
        except Exception as error:  # judged where the answer is awaited
            future.set_exception(error)

    thread = threading.Thread(target=work, daemon=True, name="model transfer")
    transfer.started_s = time.monotonic()
    thread.start()
    try:
        while not concurrent.futures.wait([future], _POLL_S).done:
            yield Progress(transfer.done, max(transfer.total or expected, transfer.done), transfer.note)
            # A socket's own limit counts for each of a host's addresses, and not at all for looking them up.
            if transfer.total is None and time.monotonic() - transfer.started_s > _TIMEOUT_S:
                raise UnreachableError(f"no answer within {_TIMEOUT_S:.0f} seconds")
        future.result()
        yield Progress(transfer.done, transfer.done, transfer.note)
    finally:
        transfer.is_cancelled = True
        thread.join(_LONGEST_END_S)


def _fetch_by_pooch(url: str, path: Path, sha256: str | None, transfer: Transfer, fetch: Fetch) -> None:
    import pooch
    import requests

    def attempt(url: str, output: str, _: pooch.Pooch) -> None:
        transfer.check()
        if transfer.is_complete:  # another attempt would bring the same wrong file
            raise UnusableError("its SHA-256 is not that of the published model")
        transfer.started_s, transfer.done = time.monotonic(), 0
        fetch(url, Path(output), transfer)
        transfer.is_complete = True

    pooch.get_logger().setLevel("ERROR")
    store = pooch.create(path.parent, "", registry={path.name: sha256}, urls={path.name: url}, retry_if_failed=_RETRIES)
    try:
        store.fetch(path.name, downloader=attempt)
    except requests.RequestException as error:
        of = f" of {transfer.total}" if transfer.total else ""
        raise UnusableError(f"the connection was cut after {transfer.done}{of} bytes ({_reason(error)})") from error
    except OSError as error:
        raise UserError(f"{path.parent}: cannot be written ({error.strerror or error})") from error


def _reason(error: BaseException) -> str:
    """What is at the bottom of one of requests' errors, as a clause."""
    while inner := error.__cause__ or error.__context__:
        error = inner
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return " ".join(text.split()) or type(error).__name__
