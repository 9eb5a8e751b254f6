import contextlib
import errno
import hashlib
import io
import subprocess
import sys
import threading
import time
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mpm_core.cli import main
from mpm_core.detectors import model_files, model_store, model_transfers
from mpm_core.detectors.model_sources import Source, TakeMember
from mpm_core.detectors.model_store import describe_models, fetch_model, find_model
from mpm_core.errors import UserError
from mpm_core.progress import Progress

NAME, FILE = "toy", "toy.onnx"
CONTENT, OTHER = bytes([1]) * 2_000_000, bytes([2]) * 2_000_000


def sha256(content):
    return hashlib.sha256(content).hexdigest()


class Server:
    """A server of one file. cuts: after how many bytes the answers to come break off. pace: what it does before each piece
    of it that it sends. count: of the requests."""

    def __init__(self):
        self.content, self.status, self.cuts, self.count, self.pace = CONTENT, 200, [], 0, lambda sent: None
        self.says_size = True

    def answer(self, request):
        self.count += 1
        if self.status != 200:
            request.send_error(self.status)
            return
        request.send_response(200)
        if self.says_size:
            request.send_header("Content-Length", str(len(self.content)))
        request.end_headers()
        content = self.content[: self.cuts.pop(0)] if self.cuts else self.content
        with contextlib.suppress(OSError):  # the other side may have hung up
            for start in range(0, len(content), 10_000):
                self.pace(start)
                request.wfile.write(content[start : start + 10_000])


@pytest.fixture
def server():
    served = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            served.answer(self)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as http:
        threading.Thread(target=http.serve_forever, args=(0.01,), daemon=True).start()
        served.url = f"http://127.0.0.1:{http.server_port}/{FILE}"
        yield served
        http.shutdown()


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache folder, and no other one."""
    folder = tmp_path / "cache" / "models"
    monkeypatch.setattr(model_store, "model_folder", lambda: folder)
    monkeypatch.delenv("MPM_MODEL_DIR", raising=False)
    return folder


@pytest.fixture
def offer(monkeypatch):
    """Puts the model 'toy' with these sources into the table."""

    def put(*sources):
        digests = (sha256(CONTENT),)
        model = model_files.ModelFile(NAME, FILE, "A toy", "MIT", 1000, 5_000_000, digests, sources, "download http://a.b/toy")
        monkeypatch.setitem(model_store.MODELS, NAME, model)

    return put


def fetch():
    *steps, path = fetch_model(NAME)
    assert all(isinstance(step, Progress) for step in steps)
    return steps, path


def read_some(steps, size=1):
    """Draw from the generator until so many bytes have come."""
    for step in steps:
        if step.done >= size:
            return
    pytest.fail("the download ended too early")


def only(folder):
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def toy(url):
    return Source(url, sha256(CONTENT))


def test_a_model_is_downloaded_once(server, cache, offer):
    offer(toy(server.url))
    server.pace = lambda sent: time.sleep(0.003)
    assert find_model(NAME) is None
    steps, path = fetch()
    assert path == cache / FILE == find_model(NAME) and path.read_bytes() == CONTENT and only(cache) == [FILE]
    (cache.parent / "new").touch()
    assert path.stat().st_mode == (cache.parent / "new").stat().st_mode
    done = [step.done for step in steps]
    assert done == sorted(done) and (steps[-1].done, steps[-1].total) == (len(CONTENT), len(CONTENT)) and len(steps) > 4
    assert "127.0.0.1" in steps[-1].note
    assert fetch() == ([], path) and server.count == 1


@pytest.mark.parametrize("says_size", [True, False])
def test_a_download_that_breaks_off_is_tried_again(server, cache, offer, says_size):
    offer(toy(server.url))
    server.says_size, server.cuts = says_size, [700_000]
    if says_size:
        assert fetch()[1].read_bytes() == CONTENT and server.count == 2 and only(cache) == [FILE]
    else:  # nothing but the digest tells that it is not whole
        with pytest.raises(UserError, match="SHA-256"):
            fetch()
        assert only(cache) == []


def test_a_server_that_breaks_off_each_time_is_given_up(server, cache, offer, monkeypatch):
    offer(toy(server.url))
    monkeypatch.setattr(model_transfers, "_RETRIES", 1)
    server.cuts = [700_000, 800_000]
    with pytest.raises(UserError, match=r"cut after \d+ of 2000000 bytes"):
        fetch()
    assert only(cache) == [] and server.count == 2


@pytest.mark.parametrize("manner", ["silent before it answers", "silent in the middle", "slow"])
def test_cancelling_takes_less_than_a_second_whatever_the_server_does(server, cache, offer, manner):
    offer(toy(server.url))
    is_over, begun = threading.Event(), threading.Event()

    def pace(sent):
        begun.set()
        if manner == "slow":
            is_over.wait(0.05)
        elif sent >= 20_000:
            is_over.wait(20)

    plain = server.answer
    server.pace = pace
    if manner.startswith("silent before"):
        server.answer = lambda request: (begun.set(), is_over.wait(20))
    steps = fetch_model(NAME)
    for step in steps:
        if begun.is_set() and (step.done or manner.startswith("silent before")):
            break
    start = time.monotonic()
    steps.close()
    took = time.monotonic() - start
    server.answer, server.pace = plain, lambda sent: None
    assert fetch()[1].read_bytes() == CONTENT, "another run does not wait for the one that was left"
    is_over.set()
    assert took < 5 and only(cache) == [FILE]  # a busy machine adds to the second; the server is silent for twenty


def test_what_a_killed_run_left_is_removed(server, cache, offer):
    offer(toy(server.url))
    left = cache / f".{FILE}.partial"
    left.mkdir(parents=True)
    (left / "tmpabc").write_bytes(CONTENT[:1000])
    fetch()
    assert only(cache) == [FILE]


def test_a_wrong_file_is_deleted_and_the_next_source_tried(server, cache, offer):
    packed = []
    for member, content in (("deploy/end2end.onnx", OTHER), ("other.txt", b""), ("deploy/end2end.onnx", CONTENT)):
        packed.append(io.BytesIO())
        with zipfile.ZipFile(packed[-1], "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr(member, content)
    answers = iter([OTHER, b"PK\x03\x04 cut", *(file.getvalue() for file in packed)])
    plain = server.answer

    def answer(request):
        server.content = next(answers)
        plain(request)

    server.answer = answer
    unpack = TakeMember("end2end.onnx", 5_000_000)
    offer(toy(server.url), *(Source(f"{server.url}?{number}", unpack=unpack) for number in range(4)))
    assert fetch()[1].read_bytes() == CONTENT
    assert server.count == 5 and only(cache) == [FILE]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html>" + bytes(3000), "SHA-256 is not that of the published model"),
        (CONTENT[:-5], "SHA-256 is not that of the published model"),
        (b"", "SHA-256 is not that of the published model"),
        (bytes(6_000_000), "has 6000000 bytes, expected were 5000000 at most"),
    ],
)
def test_a_wrong_file_is_refused(server, cache, offer, content, words):
    offer(toy(server.url))
    server.content = content
    with pytest.raises(UserError, match=words):
        fetch()
    assert only(cache) == []


def test_a_folder_that_is_full_is_named(server, cache, offer, monkeypatch):
    offer(toy(server.url))

    def fill(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(model_transfers.Transfer, "update", fill)
    with pytest.raises(UserError, match=r"cannot be written \(No space left on device\)"):
        fetch()
    assert only(cache) == []


def test_a_task_file_must_hold_both_networks(cache):
    model = model_store.MODELS["mediapipe-pose-lite"]
    cache.mkdir(parents=True)
    target = cache / model.file_name
    network, filling = b"\x1c\0\0\0TFL3", bytes(model.smallest)
    for members, words in (
        ({"pose_detector.tflite": network}, "not a bundle"),
        ({"pose_detector.tflite": network, "pose_landmarks_detector.tflite": b"<html></html>"}, "no.* network"),
    ):
        with zipfile.ZipFile(target, "w") as bundle:
            for name, content in {**members, "filling": filling}.items():
                bundle.writestr(name, content)
        with pytest.raises(UserError, match=words):
            list(fetch_model(model.name))
    target.write_bytes(filling)
    with pytest.raises(UserError, match="not a whole zip file.*: delete it, so that it is fetched anew"):
        list(fetch_model(model.name))
    target.write_bytes(b"tiny")
    with pytest.raises(UserError, match=f"it has 4 bytes, expected were {model.smallest} to"):
        list(fetch_model(model.name))


def test_without_a_network_one_sentence_says_what_to_put_where(server, cache, offer):
    closed = "http://127.0.0.1:9"
    asked = []

    def refuse(url, path, transfer):
        asked.append(url)
        model_transfers.fetch_over_http(url, path, transfer)

    offer(*(Source(url, sha256(CONTENT), fetch=refuse) for url in (f"{closed}/first", f"{closed}/second", server.url)))
    server.status = 503
    with pytest.raises(UserError) as caught:
        fetch()
    text = str(caught.value)
    for words in (
        FILE,
        "127.0.0.1:9: cannot be reached, Connection refused",
        "answered 503",
        "download http://a.b/toy",
        str(cache),
        "MPM_MODEL_DIR",
    ):
        assert words in text
    assert "\n" not in text and asked == [f"{closed}/first", server.url], "an unreachable server is tried once"


def test_a_silent_server_is_given_up_in_time(server, offer, monkeypatch):
    offer(toy(server.url), toy(server.url))
    is_over = threading.Event()
    monkeypatch.setattr(model_transfers, "_TIMEOUT_S", 0.3)
    server.answer = lambda request: is_over.wait(20)
    start = time.monotonic()
    with pytest.raises(UserError, match=r"127\.0\.0\.1:\d+: (no answer within|cannot be reached, timed out)"):
        fetch()
    is_over.set()
    assert time.monotonic() - start < 10  # a busy machine adds to the second; the server is silent for twenty


def test_the_named_folder_comes_before_the_cache(tmp_path, cache, offer, monkeypatch):
    offer()
    cache.mkdir(parents=True)
    (cache / FILE).write_bytes(OTHER)
    named = tmp_path / "named"
    monkeypatch.setenv("MPM_MODEL_DIR", str(named))
    assert find_model(NAME) == cache / FILE
    named.mkdir()
    (named / FILE).write_bytes(CONTENT)
    assert find_model(NAME) == named / FILE and list(fetch_model(NAME)) == [named / FILE]


def test_a_file_that_lies_there_is_checked_as_downloads_are(tmp_path, cache, offer, monkeypatch, caplog):
    offer()
    named = tmp_path / "named"
    monkeypatch.setenv("MPM_MODEL_DIR", str(named))
    for folder in (cache, named):
        folder.mkdir(parents=True)
        (folder / FILE).write_bytes(OTHER)
        assert list(fetch_model(NAME)) == [folder / FILE]
        assert f"{folder / FILE}: unknown, not a file that was published" in caplog.text
        assert not next(record for record in describe_models() if record.name == NAME).is_known
        caplog.clear()
        (folder / FILE).write_bytes(CONTENT)
        assert list(fetch_model(NAME)) == [folder / FILE] and not caplog.text
        assert next(record for record in describe_models() if record.name == NAME).is_known


@pytest.mark.parametrize("action", ["get", "path", "list"])
def test_the_command_says_that_a_file_is_unknown(cache, offer, caplog, capsys, action):
    offer()
    cache.mkdir(parents=True)
    (cache / FILE).write_bytes(OTHER)
    assert main(["models", action, *([] if action == "list" else [NAME])]) == 0
    said = capsys.readouterr().out
    assert str(cache / FILE) in said and "unknown" in said + caplog.text


def test_an_unknown_name_is_refused():
    for function in (find_model, lambda name: next(fetch_model(name))):
        with pytest.raises(UserError, match="unknown model 'yolo' .*mediapipe-pose-full"):
            function("yolo")


def test_the_list_says_what_is_here(cache, offer):
    offer()
    cache.mkdir(parents=True)
    (cache / FILE).write_bytes(CONTENT)
    records = {record.name: record for record in describe_models()}
    assert (records[NAME].path, records[NAME].size) == (cache / FILE, len(CONTENT))
    assert (records["mediapipe-pose-full"].path, records["mediapipe-pose-full"].size) == (None, None)
    assert all("Apache-2.0" in r.licence for r in records.values() if r.name != NAME)


def test_a_folder_that_cannot_be_made_is_named(cache, offer):
    offer()
    cache.parent.parent.mkdir(exist_ok=True)
    cache.parent.write_text("in the way")
    with pytest.raises(UserError, match="cannot be written"):
        fetch()


def test_two_programs_do_not_fetch_the_same_file(server, cache, offer):
    offer(toy(server.url))
    go_on = threading.Event()
    server.pace = lambda sent: go_on.wait(20) if sent == 300_000 else None
    first, second = fetch_model(NAME), fetch_model(NAME)
    read_some(first, 200_000)
    assert "another program" in next(second).note
    go_on.set()
    *_, path = first
    assert path.read_bytes() == CONTENT and list(second)[-1] == path and server.count == 1 and only(cache) == [FILE]


def test_two_processes_at_once_fetch_a_file_once(server, cache, offer):
    offer(toy(server.url))
    code = f"""
from mpm_core.detectors import model_files, model_store
from mpm_core.detectors.model_sources import Source
from pathlib import Path
model_store.model_folder = lambda: Path({str(cache)!r})
source = Source({server.url!r}, {sha256(CONTENT)!r})
file = model_files.ModelFile({NAME!r}, {FILE!r}, "", "", 1000, 5_000_000, ({sha256(CONTENT)!r},), (source,), "")
model_store.MODELS = {{ {NAME!r}: file}}
print(list(model_store.fetch_model({NAME!r}))[-1])
"""
    server.pace = lambda sent: time.sleep(0.005)
    both = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [process.communicate()[0].strip() for process in both] == [str(cache / FILE)] * 2
    assert server.count == 1 and (cache / FILE).read_bytes() == CONTENT and only(cache) == [FILE]


def test_importing_is_light():
    heavy = ("mediapipe", "torch", "cv2", "flatbuffers", "pooch", "requests")
    code = f"import sys, mpm_core.detectors.model_store; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
