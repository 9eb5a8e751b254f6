"""Owns what is fuzzed: for each kind of file a good sample, and how it is read and judged."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from random import Random

import numpy as np
import torch

from app.document.answer_parts import AnswerParts
from app.document.project import Unpacked, open_unpacked
from app.document.session import Session
from mpm_core import UserError, read_clip, write
from mpm_core.assets import find_asset
from mpm_core.clip import Clip
from mpm_core.data.importing import ImportOptions, ImportReport, import_motion
from mpm_core.data.manifest import find_manifest
from mpm_core.data.pack import read_pack
from mpm_core.detectors import DETECTORS
from mpm_core.detectors.keeper import Keeper
from mpm_core.detectors.model_checks import UnusableError, check_structure
from mpm_core.formats import FORMATS, inspect_file
from mpm_core.formats.keypoints.naming import read_joint_map
from mpm_core.formats.mpm_npz import read_mask, read_threshold
from mpm_core.formats.project import read_project
from mpm_core.mask_files import read_mask_file
from mpm_core.networks import NETWORKS, build_network
from mpm_core.skeleton import NAMED
from mpm_core.training.checkpoint import load_weights, save_weights
from mpm_core.truth.attaching import attach_truth
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
    (folder / "film.mp4").write_bytes(b"film")
    seen = samples.recording_of(folder / "film.mp4", 12)
    return Keeper(folder, seen.info, seen.options, DETECTORS["mediapipe"], {})


def _make_recording(folder: Path) -> Path:
    keeper = _keeper(folder)
    keeper.save(samples.recording_of(folder / "film.mp4", 12))
    return keeper.path


def _read_recording(path: Path, _: Random) -> None:
    found = _keeper(path.parent).load()
    if found is not None and found.people:
        _check_clip(found.clip())
        found.others_at(1, np.zeros((16, 2)))


def _open_project(path: Path, _: Random) -> None:
    """As the window does, without one."""
    opened = Unpacked(read_project(path), path)
    session = Session()
    open_unpacked(session, opened)
    AnswerParts(session).restore(opened.project.parts)
    assert session.clip is not None
    _check_clip(session.clip)
    _need(0 <= session.frame < len(session) and session.mask.shape == (len(session), 16), "place or mask are not in the clip")
    for answer in session.kept.answers:
        found = answer.prediction
        _need(found.positions.shape == (len(session), 16, 3), "an answer of another length")
        _need(np.isfinite(found.positions).all() and np.isfinite(found.root).all(), "an answer that is not finite")
        _need(np.isfinite(found.times).all() and found.fps > 0 and found.scale > 0, "an answer of no time or size")


def _read_mask(path: Path, _: Random) -> None:
    mask = read_mask_file(path, samples.FRAMES)
    _need(mask.shape == (samples.FRAMES, 16) and mask.dtype == bool, "a mask of another shape")


def _read_joint_map(path: Path, _: Random) -> None:
    _need(all(ours == "" or ours in NAMED.joints for ours in read_joint_map(path).values()), "a joint that there is not")


def _read_truth(path: Path, rng: Random) -> None:
    """A damaged recording laid beside a good clip."""
    demo = read_clip(find_asset("demo/demo.npz")).cut(100, 219)
    clip = replace(demo, ground_truth=None)
    with np.errstate(all="ignore"):
        found = attach_truth(clip, read_clip(path), rng.choice((None, 0.0))).clip.ground_truth
    _need(found is not None and not np.isinf(found).any() and len(found) == len(clip), "a truth that is none")


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
        "project-work": Target(samples.project, _open_project, 2.0),
        "mask-npz": Target(samples.mask_npz, _read_mask, 0.5),
        "mask-csv": Target(samples.mask_csv, _read_mask, 0.5),
        "joint-map": Target(samples.joint_map, _read_joint_map, 0.3),
        "truth": Target(samples.truth, _read_truth, 0.5),
        "recording": Target(_make_recording, _read_recording, spared=("film.mp4",)),
        "weights": Target(_make_weights, _read_weights),
        "manifest": Target(samples.manifest, _read_manifest),
        "model-task": Target(samples.bundle, _check_model, 0.3),
    }


ALLOWED = (UserError, UnusableError)
