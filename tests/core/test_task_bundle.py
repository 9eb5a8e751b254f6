import os
import subprocess
import sys
import threading
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from mpm_core.detectors import model_sources, model_store
from mpm_core.detectors.model_checks import UnusableError
from mpm_core.detectors.model_store import fetch_model
from mpm_core.detectors.task_bundle import Network, add_metadata
from mpm_core.errors import UserError
from tests.core.test_model_store import only, sha256


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache folder, and the wheel as the only source."""
    folder = tmp_path / "models"
    monkeypatch.setattr(model_store, "model_folder", lambda: folder)
    monkeypatch.delenv("MPM_MODEL_DIR", raising=False)
    monkeypatch.setitem(model_store.MODELS, "mediapipe-pose-full", wheel_only())
    return folder


def wheel_only():
    model = model_store.MODELS["mediapipe-pose-full"]
    return replace(model, sources=model.sources[-1:])


def test_without_pip_or_its_index_the_sentence_says_so(cache, monkeypatch):
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    with pytest.raises(UserError, match="pip says: .*download https://storage"):
        list(fetch_model("mediapipe-pose-full"))
    monkeypatch.setattr(model_sources, "find_spec", lambda name: None)
    with pytest.raises(UserError, match="pip is not installed"):
        list(fetch_model("mediapipe-pose-full"))
    assert only(cache) == []


def test_cancelling_stops_pip(cache, monkeypatch):
    started = []

    def start(command, **rest):
        assert command[1:4] == ["-m", "pip", "download"]
        started.append((plain([sys.executable, "-c", "import time; time.sleep(60)"], **rest), rest["env"]["TMPDIR"]))
        return started[-1][0]

    plain = subprocess.Popen
    monkeypatch.setattr(model_sources.subprocess, "Popen", start)
    steps = fetch_model("mediapipe-pose-full")
    assert any("in the package mediapipe" in step.note for step, _ in zip(steps, range(50), strict=False))
    steps.close()
    ((process, folder),) = started
    for thread in [thread for thread in threading.enumerate() if thread.name == "model transfer"]:
        thread.join(10)  # it ends beside us
    assert process.poll() is not None and not Path(folder).exists() and only(cache) == []


def test_what_is_no_network_gets_no_metadata():
    for content in (b"", b"<html>nothing</html>", b"\x1c\0\0\0TFL3" + bytes(8)):
        with pytest.raises(UnusableError, match="TensorFlow Lite network"):
            add_metadata(Network("pose.tflite", content, 0.0, 255.0))


@pytest.fixture(scope="session")
def built_bundle(tmp_path_factory):
    """The bundle made of the wheel on the package index, from an empty cache; 35 MB, so once for all tests."""
    folder = tmp_path_factory.mktemp("models")
    probe = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--retries",
        "0",
        "--no-deps",
        "-d",
        str(folder),
        "platformdirs",
    ]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip("needs pip and a package index, which cannot be reached")
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("MPM_MODEL_DIR", raising=False)
        patch.setattr(model_store, "model_folder", lambda: folder / "cache")
        patch.setitem(model_store.MODELS, "mediapipe-pose-full", wheel_only())
        *steps, path = fetch_model("mediapipe-pose-full")
    assert all(step.total == steps[0].total >= step.done for step in steps)
    return path


def test_the_package_index_has_the_pose_landmarker(built_bundle):
    assert sha256(built_bundle.read_bytes()) in model_store.MODELS["mediapipe-pose-full"].sha256
    assert only(built_bundle.parent) == [built_bundle.name]
    with zipfile.ZipFile(built_bundle) as bundle:
        assert {entry.compress_type for entry in bundle.infolist()} == {zipfile.ZIP_STORED}


def test_mediapipe_reads_the_metadata(built_bundle):
    pytest.importorskip("mediapipe")
    from mediapipe.tasks.metadata import metadata_schema_py_generated as described
    from mediapipe.tasks.metadata import schema_py_generated as network

    for name, mean, std in (("pose_detector.tflite", 127.5, 127.5), ("pose_landmarks_detector.tflite", 0.0, 255.0)):
        with zipfile.ZipFile(built_bundle) as bundle:
            model = network.ModelT.InitFromObj(network.Model.GetRootAsModel(bundle.read(name), 0))
        assert model.subgraphs[0].inputs is not None and model.description == b"MLIR Converted."
        entries = {entry.name: bytes(model.buffers[entry.buffer].data) for entry in model.metadata}
        assert b"min_runtime_version" in entries, "what was there before is still there"
        metadata = described.ModelMetadata.GetRootAsModelMetadata(entries[b"TFLITE_METADATA"], 0)
        (image,) = described.ModelMetadataT.InitFromObj(metadata).subgraphMetadata[0].inputTensorMetadata
        assert image.content.contentProperties.colorSpace == described.ColorSpaceType.RGB
        assert (image.processUnits[0].options.mean, image.processUnits[0].options.std) == ([mean], [std])


def find_person(model, video):
    """(frames, 33, 3) landmarks of the first 20 frames, NaN where nobody was found."""
    import cv2
    import mediapipe
    from mediapipe.tasks.python import BaseOptions, vision

    options = vision.PoseLandmarkerOptions(
        base_options=BaseOptions(model_asset_path=str(model)), running_mode=vision.RunningMode.VIDEO
    )
    found = np.full((20, 33, 3), np.nan)
    capture = cv2.VideoCapture(str(video))
    with vision.PoseLandmarker.create_from_options(options) as landmarker:
        for frame in range(len(found)):
            picture = cv2.cvtColor(capture.read()[1], cv2.COLOR_BGR2RGB)
            image = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=picture)
            poses = landmarker.detect_for_video(image, frame * 33).pose_landmarks
            if poses:
                found[frame] = [(mark.x, mark.y, mark.visibility) for mark in poses[0]]
    capture.release()
    return found


def test_mediapipe_finds_a_person_with_it(built_bundle, shared):
    pytest.importorskip("mediapipe")
    video, reference = shared / "video" / "person_outdoor.mp4", shared / "models" / "pose_landmarker_full.task"
    if not video.exists() or not reference.exists():
        pytest.skip(f"needs a video and another copy of the model, which are not in {shared}")
    found = find_person(built_bundle, video)
    assert np.isfinite(found).all(axis=(1, 2)).sum() >= 15, "a person is on every frame"
    assert np.nanmedian(found[..., 2]) > 0.5
    np.testing.assert_array_equal(found, find_person(reference, video))
