"""Owns the studies: sets of networks trained alike but for one thing, and evaluated on the same benchmark.

They show in hours on two cores what a choice brings; they are smaller than the paper's runs, and say by how much.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from mpm_core.data.pack import MotionPack
from mpm_core.errors import UserError
from mpm_core.lifters import find_device, load_lifter
from mpm_core.lifters.aids import Aids
from mpm_core.networks import NETWORKS
from mpm_core.progress import Progress
from mpm_core.training.benchmarks import find_benchmark
from mpm_core.training.checkpoint import load_weights
from mpm_core.training.config import StageConfig, TrainConfig, with_changes
from mpm_core.training.cost import COST_HEAD, Cost, measure_cost
from mpm_core.training.evaluation import Evaluation, evaluate
from mpm_core.training.processes import ProcessGroup
from mpm_core.training.protocols import GROUPS, Protocol
from mpm_core.training.runs import RunFiles, run_stages


@dataclass(frozen=True)
class Cell:
    """One network of a study. settings: see with_changes. stages: 'I', 'II'. share: of the clips that stage II sees."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    network: str = "mpm"
    stages: tuple[str, ...] = ("I", "II")
    share: float = 1.0


@dataclass(frozen=True)
class StudySize:
    """Windows of each cell's stages, and of a batch, that make a study take hours instead of days."""

    stage_one: int = 15_000
    stage_two: int = 30_000
    batch: int = 192
    rate: float = 8e-4

    def settings(self) -> dict[str, Any]:
        """What they are called in a TrainConfig."""
        found: dict[str, Any] = {"stage_two.rate.cool_down_share": 0.5}
        for stage, windows in (("stage_one", self.stage_one), ("stage_two", self.stage_two)):
            found |= {f"{stage}.windows": windows, f"{stage}.batch": self.batch, f"{stage}.rate.peak": self.rate}
        return found


@dataclass(frozen=True)
class Study:
    """What is compared, and by which protocols. frames: of the windows. settings: of all cells. weighs: whether the networks
    differ in size and speed, so that these are measured too."""

    title: str
    cells: tuple[Cell, ...]
    protocols: tuple[Protocol, ...]
    frames: int = 27
    size: StudySize = StudySize()
    settings: Mapping[str, Any] = field(default_factory=dict)
    weighs: bool = False


_OFF: Mapping[str, Mapping[str, float]] = {
    "everything": {},
    "no other speeds and directions of time": {"speed": 0, "reversed_share": 0},
    "no mirror images": {"mirrored_share": 0},
    "no other bodies": {"height": 0, "child_share": 0, "bones": 0, "moved_joints": 0},
    "no exchanged arms and trunks, no turned limbs": {
        "exchanged_share": 0,
        "exchanged_trunk_share": 0,
        "swung_share": 0,
        "swung_legs_share": 0,
    },
    "no invented limbs and trunks": {"invented_arms_share": 0, "invented_legs_share": 0, "invented_trunk_share": 0},
    "no tilt of the whole body": {"tilted_share": 0},
    "no errors of detectors and of motion capture": {"noisy_share": 0, "solid_noisy_share": 0},
}
_NOTHING = {name: value for changes in _OFF.values() for name, value in changes.items()}

_UNMASKED = tuple(p for p in GROUPS["lifting"] if p.source == "ground-truth 2D")
_HIDDEN_LIMBS = tuple(p for p in GROUPS["occlusion"] if p.preset in ("2 legs", "2 arms") and p.source == "ground-truth 2D")

_NEITHER = {"model.positions": "absolute", "model.convolution": 0, "model.has_ground": False}
_BOTH = {"model.has_ground": False}
_LEADS: Mapping[str, Mapping[str, Any]] = {
    "absolute positions, no convolution (the paper)": _NEITHER,
    "relative positions": _NEITHER | {"model.positions": "relative"},
    "convolution": _NEITHER | {"model.convolution": 5},
    "both": _BOTH,
    "both, ground heads": {},
    "both, bone directions": _BOTH | {"stage_two.weight_directions": 0.05},
    "both, accelerations": _BOTH | {"stage_two.weight_accelerations": 2.0},
    "both, ground heads, limbs bent within limits": {"augment.bent_share": 0.4},
    "both, more lifting": _BOTH | {"stage_two.lift_share": 0.8, "stage_two.complete_share": 0.15},
}
_SEEDS = (0, 7)

_PEERS = (Cell("mpm"), Cell("stmo", network="stmo"), Cell("tcn", network="tcn", stages=("II",)))
_LENGTHS = {"9": 0.4, "27": 0.35, "81": 0.25}

STUDIES: Mapping[str, Study] = {
    "supervision": Study(
        "Little supervision (the paper's table 6): stage II sees 1/20 of the clips",
        (
            Cell("all clips"),
            Cell("1/20, stage I on all clips", share=0.05),
            Cell("1/20, no stage I", stages=("II",), share=0.05),
            Cell("1/20, TCN", network="tcn", stages=("II",), share=0.05),
        ),
        _UNMASKED,
    ),
    "samplers": Study(
        "Mask samplers of stage I (the paper's table 8)",
        tuple(
            Cell(label, {"stage_one.masker": masker})
            for label, masker in (("spatial", "tube"), ("temporal", "temporal"), ("spatio-temporal", "spatio-temporal"))
        ),
        _UNMASKED,
    ),
    "ratios": Study(
        "Mask ratios of stage I (the paper's table A)",
        tuple(
            Cell(f"r_s = {joints}, r_t = {frames}", {"stage_one.ratios.joints": joints, "stage_one.ratios.frames": frames})
            for joints in (2, 5, 9)
            for frames in (0.4, 0.6, 0.8)
        ),
        _UNMASKED,
    ),
    "tasks": Study(
        "Tasks of stage I: the paper's three, and the two of its later version",
        (Cell("2D, 3D, lifting"), Cell("2D, 3D", {"stage_one.tasks": ["2d", "3d"]})),
        _UNMASKED + _HIDDEN_LIMBS,
    ),
    "specialist": Study(
        "One network for every task, and one that learns unmasked lifting alone in stage II",
        (
            Cell("every task"),
            Cell(
                "lifting alone", {"stage_two.lift_share": 1.0, "stage_two.complete_share": 0.0, "stage_two.masks": {"none": 1}}
            ),
        ),
        GROUPS["lifting"] + _HIDDEN_LIMBS,
    ),
    "augmentation": Study(
        "What each variation of the training data brings",
        (
            *(Cell(name, {f"augment.{k}": v for k, v in changes.items()}) for name, changes in _OFF.items()),
            Cell("nothing varied", {f"augment.{k}": v for k, v in _NOTHING.items()}),
        ),
        GROUPS["lifting"] + _HIDDEN_LIMBS,
    ),
    "inputs": Study(
        "Input forms: turned and scaled rays, and the paper's screen coordinates",
        tuple(Cell(form, {"model.input_form": form}) for form in ("rays", "screen")),
        GROUPS["lifting"] + _HIDDEN_LIMBS,
    ),
    "leads": Study(
        "Leads for the network: one thing changed at a time, two seeds",
        tuple(Cell(f"{name}, seed {seed}", {**settings, "seed": seed}) for seed in _SEEDS for name, settings in _LEADS.items()),
        GROUPS["lifting"] + _HIDDEN_LIMBS,
    ),
    "long-peers": Study(
        "MPM and its peers after four times as many windows, shorter ones",
        _PEERS,
        GROUPS["lifting"] + GROUPS["occlusion"],
        weighs=True,
        size=StudySize(120_000, 480_000),
    ),
    "peers": Study(
        "MPM and its peers, trained on the same data, masks and number of windows",
        _PEERS,
        GROUPS["lifting"] + GROUPS["occlusion"],
        frames=81,
        weighs=True,
        size=StudySize(30_000, 120_000, 128),
        settings={
            "stage_one.lengths": _LENGTHS,
            "stage_two.lengths": _LENGTHS,
            "stage_two.lift_share": 0.52,
            "stage_two.complete_share": 0.4,
            "stage_two.weight_complete": 1.5,
        },
    ),
}


@dataclass(frozen=True)
class CellResult:
    """One line of a study's tables."""

    study: str
    cell: str
    evaluation: Evaluation
    cost: Cost | None = None


def run_study(
    name: str,
    pack: MotionPack,
    benchmark: Path,
    folder: Path,
    size: StudySize | None = None,
    device: str = "auto",
    mode: str = "fast",
    stride: int = 1,
    mirror: bool = True,
    only: Sequence[int] = (),
) -> Iterator[Progress | CellResult]:
    """Train and evaluate every cell of a study; yields Progress and each CellResult.

    A network that is in the folder already, of this study or another, is not trained again, and an interrupted one goes on.
    mode, stride, mirror: see evaluate. only: numbers of the cells to run, or all. UserError for an unknown study or cell, or a
    folder without a benchmark.
    """
    if name not in STUDIES:
        raise UserError(f"unknown study '{name}' (known: {', '.join(STUDIES)})")
    study = STUDIES[name]
    find_benchmark(benchmark)  # before hours of training
    wrong = [number for number in only if not 0 <= number < len(study.cells)]
    if wrong:
        raise UserError(f"the study '{name}' has cells 0 to {len(study.cells) - 1}, not {wrong[0]}")
    for cell in [study.cells[number] for number in only] or study.cells:
        plan = Plan.of(cell, study, size or study.size, pack)
        for progress in plan.train(pack, folder, device):
            yield replace(progress, note=f"{cell.name}, {progress.note}")
        weights = plan.weights(folder)
        lifter = load_lifter(device=device, weights=weights)
        cost = measure_cost(load_weights(weights, torch.device("cpu"))[0], lifter, mirror) if study.weighs else None
        for step in evaluate(lifter, benchmark, study.protocols, mode, stride, Aids(mirror=mirror, fit=False)):
            yield CellResult(name, cell.name, step, cost) if isinstance(step, Evaluation) else step


@dataclass(frozen=True)
class Plan:
    """How a cell's network is trained. Equal plans of several studies share one folder, which is named by their digest."""

    network: str
    stages: tuple[str, ...]
    share: float
    config: TrainConfig
    pack: str

    @classmethod
    def of(cls, cell: Cell, study: Study, size: StudySize, pack: MotionPack) -> Plan:
        # A network without stage I gets its windows in stage II, so that all see equally many.
        if "I" not in cell.stages:
            size = replace(size, stage_one=0, stage_two=size.stage_one + size.stage_two)
        settings = size.settings() | {"model.frames": study.frames} | dict(study.settings) | dict(cell.settings)
        config = with_changes(TrainConfig(model=NETWORKS[cell.network].config_class()), settings)
        return cls(cell.network, cell.stages, cell.share, config, pack.fingerprint())

    def text(self) -> str:
        return json.dumps(asdict(self), sort_keys=True, indent=1)

    def place(self, folder: Path) -> Path:
        return folder / f"{self.network}-{hashlib.sha256(self.text().encode()).hexdigest()[:10]}"

    def weights(self, folder: Path) -> Path:
        """Where they lie once they are trained."""
        return self.place(folder) / f"stage-{self.stages[-1]}.safetensors"

    def train(self, pack: MotionPack, folder: Path, device: str) -> Iterator[Progress]:
        place = self.place(folder)
        done = place / "done.json"
        if done.exists():
            return
        config = self.config
        stages: dict[str, StageConfig] = {"I": config.stage_one, "II": config.stage_two}
        begin_with: Path | None = None
        for stage in self.stages:
            seen = pack.part(self.share, config.seed) if stage == "II" else pack
            files = RunFiles(place, f"pack {self.pack}", begin_with)
            yield from run_stages(config, (stages[stage],), seen, torch.device(find_device(device)), ProcessGroup(), files)
            begin_with = place / f"stage-{stage}.safetensors"
        done.write_text(self.text() + "\n", encoding="utf-8")


def as_markdown(results: Sequence[CellResult], size: StudySize | None = None) -> str:
    """One table of MPJPE in mm and of what the networks cost: cells by protocols, the longer of both downwards."""
    study = STUDIES[results[0].study]
    size = size or study.size
    protocols = list(results[0].evaluation.results)
    heads = [f"{p.source}, {p.preset} hidden" for p in protocols] + list(COST_HEAD if study.weighs else ())
    table = [["", *heads]]
    for result in results:
        figures = [f"{result.evaluation.results[p].mpjpe:.1f}" for p in protocols]
        table.append([result.cell, *figures, *(result.cost.cells() if result.cost else ())])
    if len(heads) > len(results):
        table = [list(row) for row in zip(*table, strict=True)]
    head, *rows = table
    lines = ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows)]
    windows = f"{size.stage_one:,} + {size.stage_two:,} windows of {study.frames} frames (stages I + II)"
    return "\n".join([f"{study.title}. MPJPE in mm; {windows}, batches of {size.batch}.", "", *lines])
