"""Owns downloading one file over HTTP, so that a download that was cut or cancelled goes on where it stopped."""

from __future__ import annotations

import http.client
import json
import queue
import re
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

from mpm_core.detectors.model_checks import UnusableError
from mpm_core.errors import UserError
from mpm_core.progress import Progress

_TIMEOUT_S = 10.0
_POLL_S = 0.1
_CHUNK_BYTES = 1 << 18
# A cut connection is taken up again as long as each attempt brought something.
_ATTEMPTS = 5
# A server may otherwise compress the file, and then parts of it cannot be asked for.
_HEADERS = {"User-Agent": "mpm-viewer", "Accept-Encoding": "identity"}
_WHOLE, _PARTIAL, _NOT_SATISFIABLE = 200, 206, 416


class UnreachableError(UnusableError):
    """No connection to the server, so its other addresses are not worth trying either."""


class _CutError(UnusableError):
    """The connection ended before the file did."""


@dataclass(frozen=True)
class _Version:
    """What tells one version of a file on a server from another. total: its bytes, 0 where the server does not say."""

    url: str
    etag: str
    modified: str
    total: int


def download(url: str, part: Path, expected: int, largest: int) -> Iterator[Progress]:
    """Fetch a file to `part`, beside which '<part>.json' remembers what it is a part of; Progress is in bytes.

    What is there already is kept when it belongs to the same version of the same file. `expected` stands in for the size
    where the server does not say it; a file of more than `largest` bytes is refused. UnusableError (UnreachableError
    without a connection) leaves the part for the next time; UserError when it cannot be written.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        before = _size(part)
        try:
            yield from _go_on(url, part, expected, largest)
            return
        except _CutError:
            if attempt == _ATTEMPTS or _size(part) <= before:
                raise


def forget(part: Path) -> None:
    """Remove a part and what is remembered of it."""
    part.unlink(missing_ok=True)
    _memory(part).unlink(missing_ok=True)


def _go_on(url: str, part: Path, expected: int, largest: int) -> Iterator[Progress]:
    known = _recall(part, url, largest)
    start = _size(part) if known else 0
    if known and 0 < known.total == start:
        return
    response = yield from _ask(_request(url, start, known), start, expected)
    if response is None or (response.status == _PARTIAL and not _fits(response, url, start, known)):
        if response is not None:
            response.close()
        forget(part)
        yield from _go_on(url, part, expected, largest)
        return
    with response:
        version = _version(response, url)
        if version.total > largest:
            raise UnusableError(f"the file there has {version.total} bytes, expected were {largest} at most")
        if response.status == _WHOLE:
            start = 0
            _begin(part, version)
        yield from _receive(response, part, start, version.total or expected, largest)
    if _size(part) < version.total:
        raise _CutError(f"the connection was cut after {_size(part)} of {version.total} bytes")


def _receive(response: http.client.HTTPResponse, part: Path, done: int, total: int, largest: int) -> Iterator[Progress]:
    note = f"from {urlsplit(response.url).netloc}"
    with _opened(part, "ab") as file:
        yield Progress(done, total, note)
        while chunk := _read(response, done):
            file.write(chunk)
            done += len(chunk)
            if done > largest:
                raise UnusableError(f"the file there has more than the {largest} bytes that were expected at most")
            yield Progress(done, max(done, total), note)


def _read(response: http.client.HTTPResponse, done: int) -> bytes:
    try:
        return response.read1(_CHUNK_BYTES)
    except (OSError, http.client.HTTPException) as error:
        raise _CutError(f"the connection was cut after {done} bytes ({_reason(error)})") from error


def _ask(
    request: urllib.request.Request, done: int, expected: int
) -> Generator[Progress, None, http.client.HTTPResponse | None]:
    """The answer to a request, None when the part asked for is not there; waiting for it can be cancelled."""
    answers: queue.SimpleQueue[http.client.HTTPResponse | Exception] = queue.SimpleQueue()
    is_given_up = threading.Event()

    def ask() -> None:
        try:
            response = urllib.request.urlopen(request, timeout=_TIMEOUT_S)
        except Exception as error:  # judged where the answer is awaited
            answers.put(error)
            return
        if is_given_up.is_set():
            response.close()
        answers.put(response)

    # A thread, as a socket's time limit counts for each of a host's addresses, and not at all for looking them up.
    threading.Thread(target=ask, daemon=True, name="model download").start()
    deadline = time.monotonic() + _TIMEOUT_S
    try:
        while time.monotonic() < deadline:
            yield Progress(done, expected, f"connecting to {request.host}")
            try:
                return _judge(answers.get(timeout=_POLL_S), request)
            except queue.Empty:
                continue
    except GeneratorExit:
        is_given_up.set()
        raise
    is_given_up.set()
    raise UnreachableError(f"no answer within {_TIMEOUT_S:.0f} seconds")


def _judge(answer: http.client.HTTPResponse | Exception, request: urllib.request.Request) -> http.client.HTTPResponse | None:
    if isinstance(answer, urllib.error.HTTPError):
        answer.close()
        if answer.code == _NOT_SATISFIABLE and request.has_header("Range"):
            return None
        raise UnusableError(f"answered {answer.code} {answer.reason}") from answer
    if isinstance(answer, (OSError, http.client.HTTPException)):
        raise UnreachableError(f"cannot be reached, {_reason(answer)}") from answer
    if isinstance(answer, Exception):
        raise answer
    if answer.status == _WHOLE or (answer.status == _PARTIAL and request.has_header("Range")):
        return answer
    answer.close()
    raise UnusableError(f"answered {answer.status} {answer.reason}")


def _reason(error: Exception) -> str:
    inner = error.reason if isinstance(error, urllib.error.URLError) else error
    text = inner.strerror if isinstance(inner, OSError) and inner.strerror else str(inner)
    return " ".join(text.split()) or type(inner).__name__


def _request(url: str, start: int, known: _Version | None) -> urllib.request.Request:
    headers = dict(_HEADERS)
    if known and start:
        headers["Range"] = f"bytes={start}-"
        # HTTP forbids a weak ETag here, as it does not vouch for every byte.
        validator = known.modified if known.etag.startswith("W/") else known.etag or known.modified
        if validator:
            headers["If-Range"] = validator
    return urllib.request.Request(url, headers=headers)


def _fits(response: http.client.HTTPResponse, url: str, start: int, known: _Version | None) -> bool:
    """Whether a partial answer begins where the part ends and is of the same version of the file."""
    held_range = response.headers["Content-Range"] or ""
    return held_range.startswith(f"bytes {start}-") and _version(response, url) == known


def _version(response: http.client.HTTPResponse, url: str) -> _Version:
    headers = response.headers
    length = headers["Content-Length"] or ""
    if response.status == _PARTIAL:
        length = (headers["Content-Range"] or "").rpartition("/")[2]
    total = int(length) if re.fullmatch(r"\d+", length) else 0
    return _Version(url, headers["ETag"] or "", headers["Last-Modified"] or "", total)


def _begin(part: Path, version: _Version) -> None:
    """Start a part over, and remember what it is a part of."""
    with _opened(part, "wb"), _opened(_memory(part), "wb") as memory:
        memory.write(json.dumps(asdict(version)).encode())


def _recall(part: Path, url: str, largest: int) -> _Version | None:
    """What the part is a part of; None when there is no part, it is too large, or not known to be of this address."""
    try:
        version = _Version(**json.loads(_memory(part).read_text()))
    except (OSError, ValueError, TypeError):
        return None
    return version if part.exists() and _size(part) <= largest and version.url == url else None


@contextmanager
def _opened(path: Path, mode: str) -> Iterator[IO[bytes]]:
    """A file to write; UserError when it cannot be written, now or later."""
    try:
        with path.open(mode) as file:
            yield file
    except OSError as error:
        raise UserError(f"{path}: cannot be written ({error.strerror})") from error


def _memory(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
