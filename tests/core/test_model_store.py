import contextlib
import hashlib
import io
import json
import subprocess
import sys
import threading
import zipfile
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from mpm_core.detectors import download, model_store
from mpm_core.detectors.model_sources import WebArchive, WebFile
from mpm_core.detectors.model_store import describe_models, fetch_model, find_model
from mpm_core.errors import UserError
from mpm_core.progress import Progress

NAME, FILE = "toy", "toy.onnx"


def onnx_bytes(size, fill):
    """What an ONNX file looks like from outside: a version, and a graph of so many bytes."""
    length = bytes([size & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size >> 14 & 0x7F | 0x80, size >> 21])
    return b"\x08\x08\x3a" + length + bytes([fill]) * size


CONTENT, OTHER = onnx_bytes(2_000_000, 1), onnx_bytes(2_000_000, 2)


class Server:
    """A server of one file. cuts: after how many bytes the answers to come break off. log: the ranges asked for."""

    def __init__(self):
        self.content, self.etag, self.status, self.cuts, self.log = CONTENT, '"one"', 200, [], []
        self.heeds_if_range, self.knows_ranges = True, True

    def answer(self, request):
        self.log.append(request.headers["Range"])
        start = self._start(request)
        if self.status != 200 or start >= len(self.content):
            request.send_error(self.status if self.status != 200 else 416)
            return
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(self.content) - 1}/{len(self.content)}")
        request.send_header("ETag", self.etag)
        request.send_header("Content-Length", str(len(self.content) - start))
        request.end_headers()
        end = start + self.cuts.pop(0) if self.cuts else None
        with contextlib.suppress(OSError):  # the other side may have hung up
            request.wfile.write(self.content[start:end])

    def _start(self, request):
        asked, same = request.headers["Range"], request.headers["If-Range"]
        if not asked or not self.knows_ranges or (self.heeds_if_range and same != self.etag):
            return 0
        return int(asked.removeprefix("bytes=").removesuffix("-"))


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

    def put(*sources, sha256=()):
        model = model_store.ModelFile(NAME, FILE, "A toy", "MIT", 1000, 5_000_000, sha256, sources, "download http://a.b/toy")
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


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def test_a_model_is_downloaded_once(server, cache, offer):
    offer(WebFile(server.url), sha256=("0" * 64, sha256(CONTENT)))
    assert find_model(NAME) is None
    steps, path = fetch()
    assert path == cache / FILE == find_model(NAME) and path.read_bytes() == CONTENT and only(cache) == [FILE]
    done = [step.done for step in steps]
    assert done == sorted(done) and (steps[-1].done, steps[-1].total) == (len(CONTENT), len(CONTENT)) and len(steps) > 4
    assert "127.0.0.1" in steps[-1].note
    assert fetch() == ([], path) and len(server.log) == 1


def test_cut_connections_are_taken_up_again(server, offer):
    offer(WebFile(server.url))
    server.cuts = [700_000, 600_000]
    assert fetch()[1].read_bytes() == CONTENT
    assert server.log == [None, "bytes=700000-", "bytes=1300000-"]


def test_a_cut_download_goes_on_the_next_time(server, cache, offer):
    offer(WebFile(server.url))
    server.cuts = [700_000, 0]
    with pytest.raises(UserError, match="cut after 700000 of 2000007 bytes"):
        fetch()
    assert only(cache) == [FILE + ".part", FILE + ".part.json"]
    assert fetch()[1].read_bytes() == CONTENT and server.log[-1] == "bytes=700000-" and only(cache) == [FILE]


def test_cancelling_leaves_no_file_but_the_part(server, cache, offer):
    offer(WebFile(server.url))
    steps = fetch_model(NAME)
    read_some(steps, 300_000)
    steps.close()
    assert only(cache) == [FILE + ".part", FILE + ".part.json"] and find_model(NAME) is None
    kept = (cache / (FILE + ".part")).stat().st_size
    assert kept >= 300_000 and fetch()[1].read_bytes() == CONTENT and server.log == [None, f"bytes={kept}-"]


@pytest.mark.parametrize("change", ["seen by the server", "seen by us", "shorter", "no ranges"])
def test_a_file_that_changed_on_the_server_is_fetched_anew(server, offer, change):
    offer(WebFile(server.url))
    server.cuts = [1_500_000, 0]
    with pytest.raises(UserError):
        fetch()
    server.content, server.etag = OTHER if change != "shorter" else onnx_bytes(1_000_000, 3), '"two"'
    server.heeds_if_range = change == "seen by the server"
    server.knows_ranges = change != "no ranges"
    assert fetch()[1].read_bytes() == server.content


def test_a_part_of_another_file_is_not_continued(server, cache, offer):
    offer(WebFile(server.url))
    cache.mkdir(parents=True)
    (cache / (FILE + ".part")).write_bytes(b"what is this")
    assert fetch()[1].read_bytes() == CONTENT and server.log == [None]
    (cache / FILE).unlink()
    (cache / (FILE + ".part")).write_bytes(b"what is this")
    (cache / (FILE + ".part.json")).write_text(json.dumps({"url": "http://other", "etag": "", "modified": "", "total": 9}))
    assert fetch()[1].read_bytes() == CONTENT and server.log == [None, None]


def test_a_wrong_file_is_deleted_and_the_next_source_tried(server, cache, offer, tmp_path):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("deploy/end2end.onnx", CONTENT)
    answers = iter([OTHER, b"PK\x03\x04 cut", archive.getvalue()])
    plain = server.answer

    def answer(request):
        server.content = next(answers)
        plain(request)

    server.answer = answer
    archives = (WebArchive(server.url + "?2", "end2end.onnx"), WebArchive(server.url + "?3", "end2end.onnx"))
    offer(WebFile(server.url), *archives, sha256=(sha256(CONTENT),))
    assert fetch()[1].read_bytes() == CONTENT
    assert len(server.log) == 3 and only(cache) == [FILE]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"<html>" + bytes(3000), "not an ONNX model"),
        (CONTENT[:-5], "not a whole ONNX model"),
        (b"tiny", "it has 4 bytes, expected were 1000 to 5000000"),
        (bytes(6_000_000), "has 6000000 bytes, expected were 5000000 at most"),
    ],
)
def test_without_a_digest_size_and_structure_decide(server, cache, offer, content, words):
    offer(WebFile(server.url))
    server.content = content
    with pytest.raises(UserError, match=words):
        fetch()
    assert only(cache) == []
    (cache / FILE).write_bytes(content)
    with pytest.raises(UserError, match=r"not the expected model file .* delete it"):
        fetch()


def test_a_task_file_must_hold_both_networks(tmp_path, cache, monkeypatch):
    model = replace(model_store.MODELS["mediapipe-pose-full"], smallest=1)
    monkeypatch.setitem(model_store.MODELS, model.name, model)
    cache.mkdir(parents=True)
    target = cache / model.file_name
    for members, words in (
        ({"pose_detector.tflite": b"\x1c\0\0\0TFL3"}, "not a bundle"),
        ({"pose_detector.tflite": b"\x1c\0\0\0TFL3", "pose_landmarks_detector.tflite": b"<html></html>"}, "no.* network"),
    ):
        with zipfile.ZipFile(target, "w") as bundle:
            for name, content in members.items():
                bundle.writestr(name, content)
        with pytest.raises(UserError, match=words):
            list(fetch_model(model.name))
    target.write_bytes(b"not a zip")
    with pytest.raises(UserError, match="not a whole zip file"):
        list(fetch_model(model.name))


def test_without_a_network_one_sentence_says_what_to_put_where(server, cache, offer, monkeypatch):
    closed = "http://127.0.0.1:9"
    offer(WebFile(f"{closed}/first"), WebFile(f"{closed}/second"), WebFile(server.url))
    server.status = 503
    asked = []
    plain = download._ask
    monkeypatch.setattr(download, "_ask", lambda request, *rest: asked.append(request.full_url) or plain(request, *rest))
    with pytest.raises(UserError) as caught:
        fetch()
    text = str(caught.value)
    for words in (
        FILE,
        "127.0.0.1:9: cannot be reached",
        "answered 503",
        "download http://a.b/toy",
        str(cache),
        "MPM_MODEL_DIR",
    ):
        assert words in text
    assert "\n" not in text and asked == [f"{closed}/first", server.url], "an unreachable server is tried once"


def test_a_silent_server_is_given_up_in_time(offer, monkeypatch):
    offer(WebFile("http://model.test/toy"))
    is_time, late = threading.Event(), io.BytesIO(b"too late")
    monkeypatch.setattr(download, "_TIMEOUT_S", 0.3)
    monkeypatch.setattr(download.urllib.request, "urlopen", lambda *_, **__: late if is_time.wait(20) else None)
    steps = fetch_model(NAME)
    assert next(steps).note == "connecting to model.test"
    with pytest.raises(UserError, match=r"model\.test: no answer within"):
        list(steps)
    waiting = [thread for thread in threading.enumerate() if thread.name == "model download"]
    is_time.set()
    for thread in waiting:
        thread.join(5)
    assert late.closed


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


def test_a_file_that_lies_there_is_checked_as_downloads_are(cache, offer, caplog):
    offer(sha256=(sha256(CONTENT),))
    cache.mkdir(parents=True)
    (cache / FILE).write_bytes(OTHER)
    assert list(fetch_model(NAME)) == [cache / FILE]
    assert f"{cache / FILE}: not a file that was published" in caplog.text
    caplog.clear()
    (cache / FILE).write_bytes(CONTENT)
    assert list(fetch_model(NAME)) == [cache / FILE] and not caplog.text


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


def test_two_programs_do_not_write_to_the_same_part(server, offer):
    offer(WebFile(server.url))
    first, second = fetch_model(NAME), fetch_model(NAME)
    read_some(first, 300_000)
    assert "another program" in next(second).note
    first.close()
    assert list(second)[-1].read_bytes() == CONTENT and server.log[1].startswith("bytes=")


def test_importing_is_light():
    heavy = ("mediapipe", "torch", "cv2", "flatbuffers")
    code = f"import sys, mpm_core.detectors.model_store; print([m for m in {heavy} if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
