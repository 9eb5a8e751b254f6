"""Owns the model files of the 2D detectors: which there are, where they lie, and fetching those that are not there."""

from __future__ import annotations

import errno
import logging
import os
import sys
import time
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from mpm_core.detectors.download import UnreachableError
from mpm_core.detectors.model_checks import UnusableError, check_content, check_structure, digest_of
from mpm_core.detectors.model_sources import Source, WebArchive, WebFile, Wheel, WheelNetwork
from mpm_core.errors import UserError
from mpm_core.files import written_whole
from mpm_core.progress import Progress

_log = logging.getLogger("mpm")

FOLDER_VARIABLE = "MPM_MODEL_DIR"

_POLL_S = 0.2
_TAKEN = (errno.EAGAIN, errno.EACCES, errno.EDEADLK)


@dataclass(frozen=True)
class ModelFile:
    """A model file. smallest, largest: bytes it may have. sha256: of its known contents, any of which will do (none:
    size and structure decide). by_hand: how a person gets it without this program, as a clause: download ..."""

    name: str
    file_name: str
    label: str
    licence: str
    smallest: int
    largest: int
    sha256: tuple[str, ...]
    sources: tuple[Source, ...]
    by_hand: str


@dataclass(frozen=True)
class ModelRecord:
    """A model file as a list shows it: where it lies and its size in bytes, both None when it is not here."""

    name: str
    label: str
    licence: str
    path: Path | None
    size: int | None


def _pose_landmarker(variant: str, size: int, sha256: tuple[str, ...], *further: Source) -> ModelFile:
    file_name = f"pose_landmarker_{variant}.task"
    folder = f"https://storage.googleapis.com/mediapipe-models/pose_landmarker/pose_landmarker_{variant}/float16"
    return ModelFile(
        name=f"mediapipe-pose-{variant}",
        file_name=file_name,
        label=f"MediaPipe pose landmarker, {variant}",
        licence="Apache-2.0, Google",
        smallest=size * 9 // 10,
        largest=size * 11 // 10,
        sha256=sha256,
        # The first published version stays where it is, should the latest one become another.
        sources=(WebFile(f"{folder}/latest/{file_name}"), WebFile(f"{folder}/1/{file_name}"), *further),
        by_hand=f"download {folder}/latest/{file_name}",
    )


def _openmmlab(name: str, archive: str, label: str, size: int, sha256: str) -> ModelFile:
    """An ONNX model in a zip, at the addresses that rtmlib 0.0.16 has for it: the official one and its author's copy."""
    url = f"https://download.openmmlab.com/mmpose/v1/projects/rtmposev1/onnx_sdk/{archive}.zip"
    copy = f"https://huggingface.co/Tau-J/RTMPose/resolve/main/rtmposev1/onnx_sdk/{archive}.zip"
    return ModelFile(
        name=name,
        file_name=f"{archive}.onnx",
        label=label,
        licence="Apache-2.0, OpenMMLab",
        smallest=size * 9 // 10,
        largest=size * 11 // 10,
        sha256=(sha256,),
        sources=(WebArchive(url, "end2end.onnx"), WebArchive(copy, "end2end.onnx")),
        by_hand=f"download {url} and rename the end2end.onnx in it to {archive}.onnx",
    )


_FULL_FROM_WHEEL = Wheel(
    requirement="mediapipe==0.10.21",  # the last release that brings the networks along
    python="3.11",
    platform="manylinux_2_28_x86_64",
    size=35_622_638,
    networks=(
        WheelNetwork(
            "pose_detector.tflite",
            "mediapipe/modules/pose_detection/pose_detection.tflite",
            "9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
            mean=127.5,
            std=127.5,
        ),
        WheelNetwork(
            "pose_landmarks_detector.tflite",
            "mediapipe/modules/pose_landmark/pose_landmark_full.tflite",
            "e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
            mean=0.0,
            std=255.0,
        ),
    ),
)

_MODEL_FILES = (
    _pose_landmarker(
        "full",
        9_398_198,
        (
            "4eaa5eb7a98365221087693fcc286334cf0858e2eb6e15b506aa4a7ecdcec4ad",  # latest
            "5134a3aad27a58b93da0088d431f366da362b44e3ccfbe3462b3827a839011b1",  # 1
            "22f0793ecb833317b79d7b0b686fac8b1a162a02bf97c351880baff22128e367",  # made from the wheel
        ),
        _FULL_FROM_WHEEL,
    ),
    _pose_landmarker("lite", 5_777_746, ("59929e1d1ee95287735ddd833b19cf4ac46d29bc7afddbbf6753c459690d574a",)),
    _pose_landmarker("heavy", 30_664_242, ("64437af838a65d18e5ba7a0d39b465540069bc8aae8308de3e318aad31fcbc7b",)),
    _openmmlab(
        "rtmpose-m-halpe26",
        "rtmpose-m_simcc-body7_pt-body7-halpe26_700e-256x192-4d3e73dd_20230605",
        "RTMPose-m, Halpe-26 keypoints",
        55_685_444,
        "26f3a19e61304a600dfb82d1001d41d24343b89fc70a33ffc84657e0b0bf2ecf",
    ),
    _openmmlab(
        "yolox-m-humanart",
        "yolox_m_8xb8-300e_humanart-c2c7a14a",
        "YOLOX-m, finds people for RTMPose",
        101_400_344,
        "3dea6513388889f0fff4b77bf7a26013600321b9eb9ceb0e9a400a82572f5f23",
    ),
)

MODELS: Mapping[str, ModelFile] = {model.name: model for model in _MODEL_FILES}


def model_folder() -> Path:
    """The folder that fetched models go to, in the user's cache; it need not exist yet."""
    from platformdirs import user_cache_path  # training needs none

    return user_cache_path("mpm-viewer") / "models"


def find_model(name: str) -> Path | None:
    """Where a model file lies, in the folder that MPM_MODEL_DIR names or else in the cache; None when in neither.

    Uses no network and does not look into the file. UserError for an unknown name.
    """
    file_name = _model(name).file_name
    return next((folder / file_name for folder in _folders() if (folder / file_name).is_file()), None)


def fetch_model(name: str) -> Generator[Progress | Path, None, None]:
    """Yields Progress in bytes and at last the path of a model file, which is downloaded when it is not here yet.

    Closing it cancels: the file appears whole or not at all, and a later call goes on where this one stopped. UserError
    for an unknown name, when a file that is here is broken, when no source has it (which says what to put where), or when
    it cannot be written.
    """
    model = _model(name)
    found = find_model(name)
    if found is None:
        found = model_folder() / model.file_name
        yield from _fetch(model, found)
    else:
        try:
            check_structure(found, found.suffix, model.smallest, model.largest)
        except UnusableError as error:
            raise UserError(f"{found}: not the expected model file ({error}): delete it, so that it is fetched anew") from error
        if model.sha256 and digest_of(found) not in model.sha256:
            _log.warning("%s: not a file that was published as %s, as far as is known; it is used as it is", found, model.label)
    yield found


def describe_models() -> list[ModelRecord]:
    """All model files, those that are here and those that are not."""
    records = []
    for model in MODELS.values():
        path = find_model(model.name)
        size = None if path is None else path.stat().st_size
        records.append(ModelRecord(model.name, model.label, model.licence, path, size))
    return records


def _model(name: str) -> ModelFile:
    if name not in MODELS:
        raise UserError(f"unknown model '{name}' (known: {', '.join(MODELS)})")
    return MODELS[name]


def _folders() -> tuple[Path, ...]:
    named = os.environ.get(FOLDER_VARIABLE, "")
    return (Path(named).expanduser(), model_folder()) if named else (model_folder(),)


def _fetch(model: ModelFile, target: Path) -> Iterator[Progress]:
    """Fetch a model file, or wait for another program that is at it: both would write to the same part."""
    lock = target.with_name(target.name + ".lock")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        file = lock.open("ab")
    except OSError as error:
        raise UserError(f"{lock}: cannot be written ({error.strerror})") from error
    with file:
        while not _take(file):
            yield Progress(0, model.smallest, "another program is fetching it")
            time.sleep(_POLL_S)
        if not target.is_file():
            yield from _fetch_from_any(model, target)


def _take(lock: IO[bytes]) -> bool:
    """Take the lock until the file is closed; False when another has it. True, too, where a folder knows no locks."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(lock.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _TAKEN
    return True


def _fetch_from_any(model: ModelFile, target: Path) -> Iterator[Progress]:
    """Try the sources one after the other until one gives a genuine file."""
    failures: dict[str, str] = {}
    unreachable: set[str] = set()
    for source in model.sources:
        if source.host in unreachable:
            continue
        try:
            yield from _fetch_from(source, model, target)
            return
        except UnusableError as error:
            if isinstance(error, UnreachableError):
                unreachable.add(source.host)
            failures[source.host] = f"{source.host}: {error}"
    raise UserError(
        f"{model.file_name} could not be fetched ({'; '.join(failures.values())}): {model.by_hand}, and put it into"
        f" {target.parent} or into a folder that the environment variable {FOLDER_VARIABLE} names"
    )


def _fetch_from(source: Source, model: ModelFile, target: Path) -> Iterator[Progress]:
    part = target.with_name(target.name + ".part")
    with written_whole(target) as whole:
        yield from source.fetch(whole, part, model.smallest, model.largest)
        check_content(whole, target.suffix, model.sha256, model.smallest, model.largest)
