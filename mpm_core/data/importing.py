"""Owns making a motion pack out of motion files: finding, reading, cutting, resampling, checking, reporting."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from mpm_core.data.manifest import FileFacts, find_manifest, manifest_for
from mpm_core.data.pack import PACK_RATE, write_pack
from mpm_core.data.published.amass import BodyModels, is_amass, read_amass
from mpm_core.data.published.h36m import read_h36m
from mpm_core.data.published.mpi_inf_3dhp import read_3dhp
from mpm_core.data.published.recording import Recording
from mpm_core.errors import UserError, as_sentence
from mpm_core.files import check_spares
from mpm_core.formats.motion.asf_amc import AsfSkeleton, asf_beside, read_amc, read_asf
from mpm_core.formats.motion.bvh import read_bvh
from mpm_core.formats.motion.dialects import to_h36m17
from mpm_core.formats.pickled_npz import list_arrays
from mpm_core.progress import Progress
from mpm_core.runs import runs_of
from mpm_core.skeleton import H36M17

_log = logging.getLogger("mpm")

_SUFFIXES = (".bvh", ".amc", ".npz")
_SHORTEST_S = 1.0
_RATES = (1.0, 1000.0)
_COMMON_UNITS = (1.0, 100.0, 1000.0, 39.37, 0.45 * 39.37)  # per metre: m, cm, mm, inches, CMU's
_PLAUSIBLE_HEIGHT_M = (1.3, 2.2)
_TYPICAL_HEIGHT_M = 1.7
_ANKLE_HEIGHT_M = 0.08
_FARTHEST_M = 10_000.0
_FASTEST_M_S = 12.0  # no joint of a person moves faster from Hip; what does is a fault of the recording
_BENT_M = 0.05  # of the knee from the line between hip and ankle, or of the nose from that between neck and crown
_STRETCHED = 0.15  # a thigh or shank whose length varies by more than this share is no bone


@dataclass(frozen=True)
class ImportOptions:
    """What the files and the manifest do not say. split: of files that neither the manifest nor the data set puts in one.
    body_models: folder with smplh/, for AMASS."""

    fps: float | None = None
    units_per_metre: float | None = None
    split: str = "train"
    body_models: Path | None = None


@dataclass(frozen=True)
class ImportedClip:
    """One stretch of motion. positions: (frames, 17, 3) float32, Human3.6M's joints, world metres, Z up, 50 Hz."""

    name: str
    subject: str
    split: str
    positions: NDArray[np.float32]
    height_m: float
    notes: tuple[str, ...]


@dataclass
class ImportReport:
    """What became of the files. dropped: (file, why), whole files and parts of them."""

    clips: list[ImportedClip] = field(default_factory=list)
    dropped: list[tuple[str, str]] = field(default_factory=list)

    def as_text(self) -> str:
        """Clips, minutes, subjects, heights, warnings and what was dropped, for a person to read."""
        lines = ["| family | clips | minutes | subjects | height in m |", "|---|---|---|---|---|"]
        families: dict[str, list[ImportedClip]] = {}
        for clip in self.clips:
            families.setdefault(clip.name.partition("/")[0], []).append(clip)
        for name, clips in sorted(families.items()):
            heights = [clip.height_m for clip in clips]
            lines.append(
                f"| {name} | {len(clips)} | {_minutes(clips):.1f} | {len({c.subject for c in clips})} |"
                f" {min(heights):.2f}-{max(heights):.2f} |"
            )
        lines.append(f"| all | {len(self.clips)} | {_minutes(self.clips):.1f} | {len({c.subject for c in self.clips})} | |")
        noted = [f"{clip.name}: {note}" for clip in self.clips for note in clip.notes]
        for title, entries in (("Noted", noted), ("Dropped", [f"{file}: {why}" for file, why in self.dropped])):
            if entries:
                lines += ["", f"{title}:", *(f"- {entry}" for entry in entries)]
        return "\n".join(lines)


def _minutes(clips: Sequence[ImportedClip]) -> float:
    return sum(len(clip.positions) for clip in clips) / PACK_RATE / 60


def import_motion(sources: Sequence[Path], target: Path, options: ImportOptions) -> Iterator[Progress | ImportReport]:
    """Make a motion pack of motion files, given as files or folders; yields Progress, then the report.

    Known are BVH, ASF/AMC pairs, AMASS, and the npz files of Human3.6M (VideoPose3D) and MPI-INF-3DHP (P-STMO).

    Facts of a manifest.csv in or above a folder are used (see manifest.py). A file that cannot be used is reported and
    left out. UserError when nothing remains, or a file would be written over that is read.
    """
    report = ImportReport()
    files = _find(sources, report)
    check_spares([target], [path for path, _ in files] + _read_beside(sources, files))
    reader = _Reader(options)
    for number, (path, name) in enumerate(files):
        yield Progress(number, len(files), name)
        with _leaving_out(path, name, report), np.errstate(all="ignore"):  # of numbers that are refused afterwards
            facts = reader.facts_of(path)
            for recording in reader.read(path, name, facts):
                with _leaving_out(path, recording.name, report):
                    _import_recording(recording, path, facts, options, report)
    if not report.clips:
        reasons = "; ".join(f"{file}: {why}" for file, why in report.dropped[:3])
        raise UserError(f"{', '.join(map(str, sources))}: no usable motion ({reasons})")
    clips = report.clips
    write_pack(
        target,
        [clip.positions for clip in clips],
        [clip.name for clip in clips],
        [clip.subject for clip in clips],
        [clip.split for clip in clips],
    )
    yield Progress(len(files), len(files))
    yield report


@contextmanager
def _leaving_out(path: Path, name: str, report: ImportReport) -> Iterator[None]:
    """Whatever is wrong with a file, or brings out a defect of ours, is reported and does not keep the others back."""
    try:
        yield
    except UserError as error:
        report.dropped.append((name, str(error).removeprefix(f"{path}: ")))
    except OSError as error:
        report.dropped.append((name, as_sentence(error).removeprefix(f"{path}: ")))
    except Exception:
        _log.debug("%s: the importer failed", path, exc_info=True)
        report.dropped.append((name, "is damaged in a way that nothing is known of"))


def _find(sources: Sequence[Path], report: ImportReport) -> list[tuple[Path, str]]:
    """Motion files with the names that their clips get: 'folder/file'. Sources without any are reported."""
    found: list[Path] = []
    for source in sources:
        with _leaving_out(source, str(source), report):
            if not source.exists():
                raise UserError(f"{source}: there is no such file or folder")
            inside = source.rglob("*") if source.is_dir() else [source]
            files = sorted(path for path in inside if path.suffix.lower() in _SUFFIXES and path.is_file())
            if not files:
                raise UserError(f"{source}: no motion files here (known: {', '.join(_SUFFIXES)})")
            found += files
    names = [f"{path.resolve().parent.name.removesuffix('_bvh')}/{path.stem}" for path in found]
    return list(zip(found, names, strict=True))


def _read_beside(sources: Sequence[Path], files: Sequence[tuple[Path, str]]) -> list[Path]:
    """What is read beside the motion files: manifests and the skeletons of AMC files."""
    folders = {path.parent for path, _ in files} | {source for source in sources if source.is_dir()}
    manifests = [manifest for folder in folders if (manifest := manifest_for(folder)) is not None]
    return manifests + [path for folder in folders for path in folder.iterdir() if path.suffix.lower() == ".asf"]


class _Reader:
    """Reads motion files of every kind, keeping what several of them share."""

    def __init__(self, options: ImportOptions) -> None:
        self._options = options
        self._skeletons: dict[Path, AsfSkeleton] = {}
        self._bodies = BodyModels(options.body_models)
        self._manifests: dict[Path, dict[Path, FileFacts]] = {}

    def facts_of(self, path: Path) -> FileFacts:
        """What the manifest.csv of a file's folder says of it; UserError for a damaged one."""
        if path.parent not in self._manifests:
            self._manifests[path.parent] = find_manifest(path.parent)
        return self._manifests[path.parent].get(path.resolve(), FileFacts())

    def read(self, path: Path, name: str, facts: FileFacts) -> Iterator[Recording]:
        """The recordings of one file: one of BVH, AMC and AMASS, many of the other data sets."""
        if path.suffix.lower() == ".npz":
            yield from self._read_npz(path, name)
            return
        track = read_bvh(path) if path.suffix.lower() == ".bvh" else read_amc(path, self._skeleton_of(path))
        units = facts.units_per_metre or self._options.units_per_metre or (1.0 / track.unit_m if track.unit_m else None)
        joints, _ = to_h36m17(track, 1.0 if units is None else 1.0 / units, str(path))
        notes: tuple[str, ...] = ()
        if units is None:
            units = _guess_units(_height_of(joints))
            joints, _ = to_h36m17(track, 1.0 / units, str(path))  # the face lies so many metres from its node
            notes = (f"size guessed: {units:.4g} units in a metre",)
        joints = np.stack((joints[..., 0], -joints[..., 2], joints[..., 1]), axis=-1)  # Y up -> Z up
        yield Recording(name, path.stem, joints, track.fps, notes=notes)

    def _read_npz(self, path: Path, name: str) -> Iterator[Recording]:
        arrays = list_arrays(path)
        if is_amass(arrays):
            yield read_amass(path, name, self._bodies)
        elif "positions_3d" in arrays:
            yield from read_h36m(path)
        elif "data" in arrays:
            yield from read_3dhp(path)
        else:
            raise UserError(f"{path}: neither AMASS nor Human3.6M nor MPI-INF-3DHP (it holds {', '.join(arrays) or 'nothing'})")

    def _skeleton_of(self, path: Path) -> AsfSkeleton:
        asf = asf_beside(path)
        if asf not in self._skeletons:
            self._skeletons[asf] = read_asf(asf)
        return self._skeletons[asf]


def _import_recording(recording: Recording, path: Path, facts: FileFacts, options: ImportOptions, report: ImportReport) -> None:
    """Add the usable stretches of one recording to the report."""
    name, joints, notes = recording.name, recording.joints, list(recording.notes)
    fps = facts.fps or recording.fps or options.fps
    if fps is None:
        raise UserError(f"{path}: holds no frame rate; give one in a manifest.csv or with --fps")
    if not _RATES[0] <= fps <= _RATES[1]:
        raise UserError(f"{path}: {fps:g} frames/s cannot be right for motion (from {_RATES[0]:g} to {_RATES[1]:g} can)")
    if not (np.abs(joints) <= _FARTHEST_M).all():
        raise UserError(f"{path}: joints have places that are no numbers, or farther than {_FARTHEST_M:g} m away")
    height = _height_of(joints)
    if not _PLAUSIBLE_HEIGHT_M[0] <= height <= _PLAUSIBLE_HEIGHT_M[1]:
        raise UserError(f"{path}: the body is {height:.2f} m tall; is the unit right?")
    if _looks_swapped(joints):
        notes.append("left and right look swapped")
    is_good = np.ones(len(joints), bool)
    for first, last in facts.bad:
        is_good[first : last + 1] = False
    faults = _find_faults(joints, fps)
    if (faults & is_good).any():
        report.dropped.append((name, f"{int((faults & is_good).sum())} frames in which joints jump or bones stretch"))
    stretches = _stretches(is_good & ~faults)
    kept = [(a, b) for a, b in stretches if (b - a) >= _SHORTEST_S * fps]
    for number, (first, last) in enumerate(kept):
        label = f"{name}#{number}" if facts.bad or len(kept) > 1 else name
        positions = _resample(joints[first:last], fps)
        subject, split = facts.subject or recording.subject, facts.split or recording.split or options.split
        report.clips.append(ImportedClip(label, subject, split, positions, height, tuple(notes)))
    short = sum(b - a for a, b in stretches if (b - a) < _SHORTEST_S * fps)
    if short:
        report.dropped.append((name, f"{short} frames in stretches of less than {_SHORTEST_S:.0f} s"))


def _bone(joints: NDArray[np.float64], first: str, second: str) -> NDArray[np.float64]:
    """(frames,) lengths."""
    return np.linalg.norm(joints[:, H36M17.index(first)] - joints[:, H36M17.index(second)], axis=-1)


def _height_of(joints: NDArray[np.float64]) -> float:
    """Metres from sole to crown, from bone lengths."""
    legs = [_bone(joints, f"{s}Hip", f"{s}Knee") + _bone(joints, f"{s}Knee", f"{s}Ankle") for s in "LR"]
    body = _bone(joints, "Hip", "Spine") + _bone(joints, "Spine", "Thorax") + _bone(joints, "Thorax", "Head")
    tall = np.median(sum(legs) / 2 + body)
    return float(tall * _TYPICAL_HEIGHT_M / (_TYPICAL_HEIGHT_M - _ANKLE_HEIGHT_M))


def _guess_units(height: float) -> float:
    """Units in a metre for a body of that many units: a common one if that makes a person of it, else by its height."""
    low, high = _PLAUSIBLE_HEIGHT_M
    fitting = [unit for unit in _COMMON_UNITS if low <= height / unit <= high]
    return min(fitting, key=lambda unit: abs(height / unit - _TYPICAL_HEIGHT_M)) if fitting else height / _TYPICAL_HEIGHT_M


def _looks_swapped(joints: NDArray[np.float64]) -> bool:
    """Whether the face and the knees point backwards, judged by which hip and shoulder are called left."""
    up = joints[:, H36M17.index("Thorax")] - joints[:, H36M17.index("Hip")]
    votes = []
    for joint, anchors in (("Nose", ("Thorax", "Head")), ("LKnee", ("LHip", "LAnkle")), ("RKnee", ("RHip", "RAnkle"))):
        part = "Shoulder" if joint == "Nose" else "Hip"
        left = joints[:, H36M17.index(f"L{part}")] - joints[:, H36M17.index(f"R{part}")]
        front = np.cross(left, up)
        ahead = joints[:, H36M17.index(joint)] - joints[:, list(H36M17.indices(anchors))].mean(1)
        # A straight leg points nowhere.
        telling = np.linalg.norm(ahead, axis=-1) > _BENT_M
        votes.append(((ahead * front).sum(-1) > 0)[telling])
    cast = np.concatenate(votes)
    return len(cast) > 0 and float(cast.mean()) < 0.5


def _find_faults(joints: NDArray[np.float64], fps: float) -> NDArray[np.bool_]:
    """(frames,) where a joint jumps, or a leg bone is far from its usual length."""
    relative = joints - joints[:, :1]
    speed = np.linalg.norm(np.diff(relative, axis=0), axis=-1).max(-1) * fps
    jumps = speed > _FASTEST_M_S
    faults = np.zeros(len(joints), bool)
    faults[1:] |= jumps
    faults[:-1] |= jumps
    for side in "LR":
        for first, second in (("Hip", "Knee"), ("Knee", "Ankle")):
            length = _bone(joints, side + first, side + second)
            faults |= np.abs(length / np.median(length) - 1) > _STRETCHED
    return faults


def _stretches(is_good: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """(first, past the last) of each run of good frames."""
    return [(run.start, run.stop) for run in runs_of(is_good)]


def _resample(joints: NDArray[np.float64], fps: float) -> NDArray[np.float32]:
    times = np.arange(len(joints)) / fps
    wanted = np.arange(int(times[-1] * PACK_RATE + 1e-6) + 1) / PACK_RATE
    return CubicSpline(times, joints)(wanted).astype(np.float32)
