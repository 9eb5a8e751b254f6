"""Owns reading Acclaim ASF skeletons with their AMC motion, as the CMU data base publishes them."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mpm_core.errors import UserError
from mpm_core.formats.base import CERTAIN, Probe, ReadOptions, Recognition
from mpm_core.formats.motion.reading import motion_format
from mpm_core.formats.motion.track import Track, rotate_in_order

_INCH_M = 0.0254
_AXES = {"X": 0, "Y": 1, "Z": 2}
_FARTHEST = 1e6  # of any number in these files, which are degrees and inches
_ROOT_ORDER = ("TX", "TY", "TZ", "RX", "RY", "RZ")


@dataclass
class _Bone:
    name: str
    direction: NDArray[np.float64] = field(default_factory=lambda: np.zeros(3))
    length: float = 0.0
    axis: NDArray[np.float64] = field(default_factory=lambda: np.eye(3))
    channels: tuple[str, ...] = ()


@dataclass(frozen=True)
class AsfSkeleton:
    """Bones by name, parents before children in `parents`, and metres per unit."""

    bones: dict[str, _Bone]
    parents: dict[str, str]
    unit_m: float


def read_asf(path: Path) -> AsfSkeleton:
    """The skeleton of an ASF file; UserError with the line for a damaged one."""
    lines = _read_lines(path)
    bones: dict[str, _Bone] = {"root": _Bone("root", channels=_ROOT_ORDER)}
    parents: dict[str, str] = {}
    unit_m, section, bone = _INCH_M / 0.45, "", _Bone("")
    for number, line in enumerate(lines, 1):
        words = line.split("#")[0].split()
        if not words:
            continue
        try:
            if words[0].startswith(":"):
                section = words[0][1:].lower()
            elif section == "units" and words[0] == "length":
                unit_m = _INCH_M / float(_numbers(words[1:2], 1)[0])
            elif section == "units" and words[0] == "angle" and words[1].lower() != "deg":
                raise UserError(f"{path}, line {number}: angles in {words[1]} are not supported, only degrees")
            elif section == "root" and words[0] == "order":
                bones["root"].channels = _channels(words[1:])
            elif section == "bonedata":
                bone = _take_bone_line(bones, bone, words)
            elif section == "hierarchy" and words[0] not in ("begin", "end"):
                parents.update(dict.fromkeys(words[1:], words[0]))
        except (ValueError, IndexError, KeyError, ZeroDivisionError):
            raise UserError(f"{path}, line {number}: not understood as ASF: {line.strip()[:60]}") from None
    lost = [name for pair in parents.items() for name in pair if name not in bones]
    if not parents or lost:
        raise UserError(f"{path}: " + (f"the bone '{lost[0]}' is not described" if lost else "there is no hierarchy of bones"))
    return AsfSkeleton(bones, parents, unit_m)


def _take_bone_line(bones: dict[str, _Bone], bone: _Bone, words: list[str]) -> _Bone:
    """The bone that this line is about, with what it says."""
    match words[0]:
        case "begin":
            return _Bone("")
        case "name":
            bone.name = words[1]
        case "direction":
            bone.direction = _numbers(words[1:], 3)
        case "length":
            bone.length = float(_numbers(words[1:], 1)[0])
        case "axis":
            order = [_AXES[letter] for letter in words[4].upper()]
            # Turned about x first for XYZ, which stands rightmost.
            bone.axis = rotate_in_order(order[::-1], _numbers(words[1:4], 3)[None, ::-1])[0]
        case "dof":
            bone.channels = _channels(words[1:])
        case "end":
            bones[bone.name] = bone
    return bone


def _numbers(words: list[str], count: int) -> NDArray[np.float64]:
    """So many finite numbers; ValueError for anything else."""
    numbers = np.array(words, float)
    if len(numbers) != count or not (np.abs(numbers) <= _FARTHEST).all():
        raise ValueError
    return numbers


def _channels(words: list[str]) -> tuple[str, ...]:
    """Names of channels in capitals; ValueError for one that ASF does not know, or that is there twice."""
    channels = tuple(word.upper() for word in words)
    if not set(channels) <= {*_ROOT_ORDER, "L"} or len(set(channels)) < len(channels):
        raise ValueError
    return channels


def read_amc(path: Path, skeleton: AsfSkeleton) -> Track:
    """The motion of an AMC file; a node is the far end of its bone. AMC holds no frame rate."""
    lines = _read_lines(path)
    frames: list[dict[str, list[float]]] = []
    for number, line in enumerate(lines, 1):
        words = line.split("#")[0].split()
        if not words or words[0].startswith(":"):
            continue
        if len(words) == 1 and words[0].isdigit():
            frames.append({})
            continue
        try:
            values = [float(word) for word in words[1:]]
            if len(values) != len(skeleton.bones[words[0]].channels):
                raise ValueError
            _numbers(words[1:], len(values))
            frames[-1][words[0]] = values
        except (ValueError, KeyError, IndexError):
            raise UserError(f"{path}, line {number}: not understood as AMC of this skeleton: {line.strip()[:60]}") from None
    if not frames:
        raise UserError(f"{path}: no frame in it")
    for name in frames[0]:
        lacking = next((n for n, frame in enumerate(frames) if name not in frame), None)
        if lacking is not None:
            raise UserError(f"{path}: frame {lacking + 1} lacks the bone '{name}'")
    motion = {name: np.array([frame[name] for frame in frames]) for name in frames[0]}
    return _place(path, skeleton, motion, len(frames))


def _place(path: Path, skeleton: AsfSkeleton, motion: dict[str, NDArray[np.float64]], frames: int) -> Track:
    """Forward kinematics over all frames at once."""
    if "root" not in motion:
        raise UserError(f"{path}: the root has no motion")
    places: dict[str, NDArray[np.float64]] = {}
    turns: dict[str, NDArray[np.float64]] = {}
    for name in ("root", *skeleton.parents):
        bone = skeleton.bones[name]
        values = motion.get(name, np.zeros((frames, len(bone.channels))))
        spins = [n for n, channel in enumerate(bone.channels) if channel.startswith("R")]
        order = [_AXES[bone.channels[n][1]] for n in spins]
        own = bone.axis @ rotate_in_order(order[::-1], values[:, spins][:, ::-1]) @ bone.axis.T
        if name == "root":
            shift = np.zeros((frames, 3))
            for n, channel in enumerate(bone.channels):
                if channel.startswith("T"):
                    shift[:, _AXES[channel[1]]] = values[:, n]
            places[name], turns[name] = shift, own
        else:
            parent = skeleton.parents[name]
            if parent not in turns:
                raise UserError(f"{path}: the bone '{name}' stands before its parent in the skeleton")
            turns[name] = turns[parent] @ own
            places[name] = places[parent] + np.einsum("fij,j->fi", turns[name], bone.direction * bone.length)
    names = tuple(places)
    return Track(names, np.stack([places[n] for n in names], 1), np.stack([turns[n] for n in names], 1), None, skeleton.unit_m)


def _read_lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error


def asf_beside(path: Path) -> Path:
    """The ASF beside an AMC: the longest name that the AMC's begins with, or the only one there; UserError for neither."""
    beside = [p for p in path.parent.iterdir() if p.suffix.lower() == ".asf"]
    fitting = sorted((p for p in beside if path.stem.startswith(p.stem)), key=lambda p: len(p.stem)) or beside
    if not fitting or (len(fitting) > 1 and fitting == beside):
        raise UserError(f"{path}: no .asf skeleton beside it that its name belongs to")
    return fitting[-1]


_AMC_MARKS = (":fully-specified", ":degrees")
_ASF_MARKS = (":units", ":bonedata", ":hierarchy")
_LOOKED_AT = 20_000


def _recognise(probe: Probe) -> Recognition | None:
    if probe.kind not in ("motion", "text"):
        return None
    start = probe.text[:_LOOKED_AT].lower()
    if any(mark in start for mark in _AMC_MARKS):
        return Recognition(CERTAIN, "a line ':FULLY-SPECIFIED' or ':DEGREES'")
    if _ASF_MARKS[0] in start and _is_skeleton(probe.text):
        return Recognition(CERTAIN, "sections ':units', ':bonedata' and ':hierarchy'")
    return None


def _is_skeleton(text: str) -> bool:
    lower = text.lower()
    return all(mark in lower for mark in _ASF_MARKS)


def _parse(probe: Probe, options: ReadOptions) -> Track:
    path = probe.path
    if _is_skeleton(probe.text):
        moved = sorted(p.name for p in path.parent.iterdir() if p.suffix.lower() == ".amc")
        which = f"such as {moved[0]}" if moved else "which is not here"
        raise UserError(f"{path}: is the skeleton alone; open the .amc with its motion, {which}")
    return read_amc(path, read_asf(asf_beside(path)))


# Nearly all of the CMU data base was recorded so.
_USUAL_FPS = 120.0

FORMAT = motion_format("amc", "Acclaim ASF/AMC motion", (".amc", ".asf"), _recognise, _parse, _USUAL_FPS)
