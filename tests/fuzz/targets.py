"""Owns what is fuzzed: for each kind of file a good sample, and how it is read and judged."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
import torch

from mpm_core import UserError, read_clip, write
from mpm_core.camera import Intrinsics
from mpm_core.clip import Clip
from mpm_core.data.importing import ImportOptions, ImportReport, import_motion
from mpm_core.data.manifest import find_manifest
from mpm_core.data.pack import read_pack
from mpm_core.detectors import DETECTORS
from mpm_core.detectors.base import DetectOptions
from mpm_core.detectors.keeper import Keeper
from mpm_core.detectors.model_checks import UnusableError, check_structure
from mpm_core.detectors.recording import Recording
from mpm_core.formats import FORMATS, inspect_file
from mpm_core.formats.mpm_npz import read_mask, read_threshold
from mpm_core.networks import NETWORKS, build_network
from mpm_core.training.checkpoint import load_weights, save_weights
from mpm_core.video import VideoInfo
from tests.fuzz import samples

# Words that a sentence has only where one of Python's or of a library's was passed on.
_FOREIGN = re.compile(
    r"object is not|unhashable|not supported between|ufunc|NoneType|no attribute|truth value|out of bounds|broadcast|"
    r"invalid literal|codec|Unable to allocate|positional argument|dtype|<class|could not convert|0-dimensional|Errno|"
    r"Exceeds the limit|Traceback|nothing is known of|size mismatch|array\("
)


class FaultError(Exception):
    """What a mutated file has brought out."""


@dataclass(frozen=True)
class Target:
    """make: a good file in an empty folder, with what belongs beside it. read: reads a damaged one; UserError or
    UnusableError is as right as an answer, everything else is a fault. share: of all cases."""

    make: Callable[[Path], Path]
    read: Callable[[Path, Random], None]
    share: float = 1.0
    spared: tuple[str, ...] = field(default=())


def check_sentence(error: Exception, path: Path) -> None:
    """FaultError unless the sentence is one line of ours that names the file."""
    text = str(error)
    if "\n" in text or _FOREIGN.search(text):
        raise FaultError(f"not our sentence: {text}") from error
    if isinstance(error, UserError) and str(path.parent) not in text:
        raise FaultError(f"does not say which file: {text}") from error


def _read_clip(path: Path, rng: Random) -> None:
    fps, size = rng.choice((None, None, 25.0)), rng.choice(((640, 480), None, None))
    person, select = rng.choice((None, None, 0, 1)), rng.choice((None, None, "S1/walk"))
    try:
        inspect_file(path)
    except UserError as error:
        check_sentence(error, path)
    clip = read_clip(path, fps, size, person, select)
    _check_clip(clip)
    _check_clip(clip.to_mpm16())
    if path.suffix == ".npz":
        read_mask(path, len(clip))
        read_threshold(path)
    if rng.random() < 0.1 and len(clip) < 1000:
        _write_and_read(clip, path.parent / f"again{rng.choice(('.csv', '.npz'))}")


def _check_clip(clip: Clip) -> None:
    if clip.keypoints is not None:
        _need(np.isfinite(clip.keypoints).all(), "keypoints are not finite")
    if clip.ground_truth is not None:
        known = np.isfinite(clip.ground_truth)
        _need((known | np.isnan(clip.ground_truth)).all(), "the truth is infinite")
        _need((known.all(-1) | ~known.any(-1)).all(), "half a position is known")
    _need(np.isfinite(clip.confidence).all(), "confidence is not finite")
    _need(np.isfinite(clip.times).all() and (np.diff(clip.times) > 0).all(), "times do not rise")
    _need(0 < clip.fps < 1e5 and min(clip.image_size) >= 1, "rate or size make no sense")
    _need(np.isfinite((*clip.camera.focal, *clip.camera.centre)).all() and min(clip.camera.focal) > 0, "no camera is so")
    _need(clip.up is None or (np.isfinite(clip.up).all() and any(clip.up)), "up is no direction")
    _need(len(clip) <= 2_000_000 and clip.visible.any(), "too long, or nobody in it")


def _write_and_read(clip: Clip, path: Path) -> None:
    write(clip, path)
    content = path.read_text() if path.suffix == ".csv" else ""
    _need(not re.search(r"\b(nan|inf)\b", content), "a CSV with what is no number")
    again = read_clip(path)
    _need(len(again) == len(clip), "what was written is read otherwise")


def _read_pack(path: Path, rng: Random) -> None:
    found = read_pack(path, rng.choice(("train", "val")))
    _need(np.isfinite(found.positions).all() and len(found.positions) == found.starts[-1], "positions of the pack")
    _need(np.isfinite(found.weights).all() and abs(found.weights.sum() - 1) < 1e-6, "weights of the pack")
    _need((np.diff(found.starts) > 0).all() and len(found.names) == len(found.starts) - 1, "clips of the pack")


def _import(path: Path, rng: Random) -> None:
    options = ImportOptions(fps=rng.choice((50.0, None)), units_per_metre=rng.choice((None, 100.0)))
    target = path.parent / "made" / "pack.npz"
    target.parent.mkdir()
    *_, report = import_motion([path], target, options)
    assert isinstance(report, ImportReport)
    for clip in report.clips:
        _need(np.isfinite(clip.positions).all() and len(clip.positions) < 100_000, "positions of an imported clip")
    for _, why in report.dropped:
        _need("\n" not in why and not _FOREIGN.search(why), f"not our sentence: {why}")


def _keeper(folder: Path) -> Keeper:
    film = folder / "film.mp4"
    film.write_bytes(b"film")
    info = VideoInfo(film, (1280, 720), 30.0, 12, Intrinsics.assumed((1280, 720)))
    return Keeper(folder, info, DetectOptions(), DETECTORS["mediapipe"], {})


def _make_recording(folder: Path) -> Path:
    keeper = _keeper(folder)
    joints = len(DETECTORS["mediapipe"].skeleton)
    pose = np.random.default_rng(1).random((joints, 2)).astype(np.float32) * 500, np.full(joints, 0.9, np.float32)
    seen = [[pose], [pose, (pose[0] + 300, pose[1])], [], [pose]] * 3
    keeper.save(Recording(keeper._info, DetectOptions(), DETECTORS["mediapipe"].skeleton, np.arange(12) / 30, seen, True))
    return keeper.path


def _read_recording(path: Path, _: Random) -> None:
    found = _keeper(path.parent).load()
    if found is not None and found.people:
        _check_clip(found.clip())
        found.others_at(1, np.zeros((16, 2)))


@cache
def _weights(name: str) -> bytes:
    from tempfile import TemporaryDirectory

    torch.manual_seed(1)
    sizes = {"frames": 9, "width": 8}
    if name != "tcn":
        sizes |= {"heads": 2, "feed_forward": 8, "encoder_width": 8, "blocks": 1}
    with TemporaryDirectory() as folder:
        save_weights(Path(folder) / "w.safetensors", build_network(NETWORKS[name].config_class(**sizes)), {"made": "here"})
        return (Path(folder) / "w.safetensors").read_bytes()


def _make_weights(folder: Path) -> Path:
    (folder / "small.safetensors").write_bytes(_weights("mpm"))
    return folder / "small.safetensors"


def _read_weights(path: Path, _: Random) -> None:
    model, card = load_weights(path, torch.device("cpu"))
    _need(isinstance(card, dict), "the card is no table")
    _need(all(bool(torch.isfinite(value).all()) for value in model.state_dict().values()), "weights are not finite")


def _read_manifest(path: Path, _: Random) -> None:
    for facts in find_manifest(path.parent).values():
        _need(facts.fps is None or 0 < facts.fps < np.inf, "a rate of a manifest")


def _check_model(path: Path, _: Random) -> None:
    check_structure(path, 1, 10_000)


def _need(is_so: object, what: str) -> None:
    if not is_so:
        raise FaultError(what)


def all_targets() -> dict[str, Target]:
    """Every reader of FORMATS and all else that is read, by name."""
    readers = {name: samples.sample_of(name) for name, entry in FORMATS.items() if entry.read}
    return {
        **{name: Target(make, _read_clip, 2.0) for name, make in readers.items() if make is not None},
        "pack": Target(samples.pack, _read_pack),
        "import-bvh": Target(samples.bvh, _import, 0.5),
        "import-amc": Target(samples.amc, _import),
        "import-3dhp": Target(samples.three_d_hp, _import),
        "import-h36m": Target(samples.worlds, _import),
        "recording": Target(_make_recording, _read_recording, spared=("film.mp4",)),
        "weights": Target(_make_weights, _read_weights),
        "manifest": Target(samples.manifest, _read_manifest),
        "model-task": Target(samples.bundle, _check_model, 0.3),
    }


ALLOWED = (UserError, UnusableError)
