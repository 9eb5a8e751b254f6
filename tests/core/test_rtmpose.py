"""The detector RTMPose: how it talks to rtmlib, and, where its model files can be had, what it finds."""

import inspect
import sys
import types

import numpy as np
import pytest

from mpm_core.detectors import rtmpose
from mpm_core.detectors.model_store import find_model
from mpm_core.errors import UserError
from mpm_core.skeleton import HALPE26
from mpm_core.video import VideoPart, inspect_video, read_frames

FILES = {name: f"/models/{name}.onnx" for name in rtmpose.DETECTOR.models}


@pytest.fixture
def fake_rtmlib(monkeypatch):
    """rtmlib's two classes, as far as the detector uses them: three boxes, and a pose in the middle of each."""
    seen = types.SimpleNamespace(pictures=[], boxes=[], files=[])

    class Boxes:
        def __init__(self, onnx_model, model_input_size=None):
            seen.files.append(onnx_model)

        def __call__(self, image):
            seen.pictures.append(image)
            return np.array([[0, 0, 20, 40], [10, 10, 110, 210], [50, 20, 90, 120]]) if image.any() else np.zeros((0, 4))

    class Joints:
        def __init__(self, onnx_model, model_input_size=None):
            seen.files.append(onnx_model)

        def __call__(self, image, bboxes):
            seen.boxes.append(bboxes)
            middles = np.array([[(b[0] + b[2]) / 2, (b[1] + b[3]) / 2] for b in bboxes])
            points = np.repeat(middles[:, None], len(HALPE26), axis=1)
            return points, np.full(points.shape[:2], 1.3)

    monkeypatch.setitem(sys.modules, "rtmlib", types.SimpleNamespace(YOLOX=Boxes, RTMPose=Joints))
    return seen


def test_the_largest_people_are_found_with_confidence_up_to_one(fake_rtmlib):
    finder = rtmpose.DETECTOR.start(2, FILES)
    picture = np.zeros((240, 320, 3), np.uint8)
    picture[..., 0] = 200  # red
    poses = finder.find(picture, 0.0)
    assert fake_rtmlib.files == list(FILES.values())
    assert fake_rtmlib.pictures[0][0, 0].tolist() == [0, 0, 200]  # rtmlib takes blue, green, red
    assert [points[0].tolist() for points, _ in poses] == [[60, 110], [70, 70]]
    assert all((scores == 1).all() and len(scores) == len(HALPE26) for _, scores in poses)


def test_nobody_on_a_picture_is_nobody(fake_rtmlib):
    """Given no box, rtmlib would take the whole picture for a person."""
    assert rtmpose.DETECTOR.start(2, FILES).find(np.zeros((240, 320, 3), np.uint8), 0.0) == []
    assert not fake_rtmlib.boxes


def test_a_broken_model_file_is_named(tmp_path):
    rtmlib = pytest.importorskip("rtmlib", reason="rtmlib is not installed: pip install 'mpm-viewer[rtmpose]'")
    for kind in (rtmlib.YOLOX, rtmlib.RTMPose):
        assert {"onnx_model", "model_input_size"} <= set(inspect.signature(kind).parameters)
    files = {name: tmp_path / f"{name}.onnx" for name in rtmpose.DETECTOR.models}
    for path in files.values():
        path.write_bytes(b"no network")
    with pytest.raises(UserError, match=str(tmp_path)):
        rtmpose.DETECTOR.start(1, files)


def test_the_real_network_finds_the_person_on_the_roof(shared):
    pytest.importorskip("rtmlib", reason="rtmlib is not installed: pip install 'mpm-viewer[rtmpose]'")
    files = {name: find_model(name) for name in rtmpose.DETECTOR.models}
    if not all(files.values()):
        pytest.skip("RTMPose's model files are not here: mpm models get " + " and ".join(files))
    info = inspect_video(shared / "video" / "person_outdoor.mp4")
    (frame, *_) = read_frames(info, VideoPart(first_s=2.0, last_s=2.0))
    (points, scores), *_ = rtmpose.DETECTOR.start(1, files).find(frame.picture, frame.time_s)
    assert scores.mean() > 0.4 and np.abs(points.mean(0) - (660, 270)).max() < 80
