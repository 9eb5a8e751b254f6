"""Owns the table of the detectors' model files: their licences, digests and sources."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mpm_core.detectors.model_sources import BundleNetworks, FetchByPip, Source, TakeMember, WheelNetwork


@dataclass(frozen=True)
class ModelFile:
    """A model file. smallest, largest: bytes it may have. sha256: of its known contents, any of which will do. by_hand: how a
    person gets it without this program, as a clause: download ..."""

    name: str
    file_name: str
    label: str
    licence: str
    smallest: int
    largest: int
    sha256: tuple[str, ...]
    sources: tuple[Source, ...]
    by_hand: str


def _pose_landmarker(variant: str, size: int, latest: str, first: str, bundled: str = "", *further: Source) -> ModelFile:
    """latest, first: SHA-256 of the last and the first published version; bundled: of what the further sources give."""
    file_name = f"pose_landmarker_{variant}.task"
    folder = f"https://storage.googleapis.com/mediapipe-models/pose_landmarker/pose_landmarker_{variant}/float16"
    return ModelFile(
        name=f"mediapipe-pose-{variant}",
        file_name=file_name,
        label=f"MediaPipe pose landmarker, {variant}",
        licence="Apache-2.0, Google",
        smallest=size * 9 // 10,
        largest=size * 11 // 10,
        sha256=tuple(dict.fromkeys(digest for digest in (latest, first, bundled) if digest)),
        # The first published version stays where it is, should the latest one become another.
        sources=(Source(f"{folder}/latest/{file_name}", latest), Source(f"{folder}/1/{file_name}", first), *further),
        by_hand=f"download {folder}/latest/{file_name}",
    )


def _openmmlab(name: str, archive: str, label: str, size: int, sha256: str) -> ModelFile:
    """An ONNX model in a zip, at the addresses that rtmlib 0.0.16 has for it: the official one and its author's copy."""
    url = f"https://download.openmmlab.com/mmpose/v1/projects/rtmposev1/onnx_sdk/{archive}.zip"
    copy = f"https://huggingface.co/Tau-J/RTMPose/resolve/main/rtmposev1/onnx_sdk/{archive}.zip"
    largest = size * 11 // 10
    unpack = TakeMember("end2end.onnx", largest)
    return ModelFile(
        name=name,
        file_name=f"{archive}.onnx",
        label=label,
        licence="Apache-2.0, OpenMMLab",
        smallest=size * 9 // 10,
        largest=largest,
        sha256=(sha256,),
        sources=(Source(url, unpack=unpack), Source(copy, unpack=unpack)),
        by_hand=f"download {url} and rename the end2end.onnx in it to {archive}.onnx",
    )


_FULL_FROM_WHEEL = Source(
    "mediapipe==0.10.21",  # the last release that brings the networks along
    "05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3",
    BundleNetworks(
        (
            WheelNetwork("pose_detector.tflite", "mediapipe/modules/pose_detection/pose_detection.tflite", 127.5, 127.5),
            WheelNetwork(
                "pose_landmarks_detector.tflite", "mediapipe/modules/pose_landmark/pose_landmark_full.tflite", 0.0, 255.0
            ),
        )
    ),
    FetchByPip(python="3.11", platform="manylinux_2_28_x86_64", size=35_622_638),
)
_LITE = "59929e1d1ee95287735ddd833b19cf4ac46d29bc7afddbbf6753c459690d574a"
_HEAVY = "64437af838a65d18e5ba7a0d39b465540069bc8aae8308de3e318aad31fcbc7b"

_MODEL_FILES = (
    _pose_landmarker(
        "full",
        9_398_198,
        "4eaa5eb7a98365221087693fcc286334cf0858e2eb6e15b506aa4a7ecdcec4ad",
        "5134a3aad27a58b93da0088d431f366da362b44e3ccfbe3462b3827a839011b1",
        "22f0793ecb833317b79d7b0b686fac8b1a162a02bf97c351880baff22128e367",
        _FULL_FROM_WHEEL,
    ),
    _pose_landmarker("lite", 5_777_746, _LITE, _LITE),
    _pose_landmarker("heavy", 30_664_242, _HEAVY, _HEAVY),
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
