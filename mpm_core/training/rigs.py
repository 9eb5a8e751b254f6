"""Owns the cross-rig protocol: networks that have never seen one family of files, tested on that family.

Within a family all skeletons put their joints alike, so what a network gains by knowing them is no use elsewhere.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpm_core.data.pack import MotionPack
from mpm_core.errors import UserError
from mpm_core.lifters import load_lifter
from mpm_core.lifters.aids import Aids
from mpm_core.metrics import joint_errors, p_mpjpe
from mpm_core.progress import Progress
from mpm_core.training.studies import Cell, Plan, Study, StudySize
from mpm_core.training.views import Viewpoint, see

_CAMERAS = (Viewpoint(40.0, 4.0), Viewpoint(215.0, 20.0, 5.0))
_LONGEST_S = 20.0  # of a clip that is tested
_FAMILY_FRAMES = 4000  # that are tested, about; by every camera

BEFORE: Mapping[str, Any] = {
    "model.positions": "absolute",
    "model.convolution": 0,
    "model.has_ground": False,
    "augment.moved_joints": 0.0,
    "augment.exchanged_trunk_share": 0.0,
    "augment.swung_share": 0.7,
    "augment.swung_legs_share": 0.7,
    "augment.varied_masked": 1.0,
    "augment.child_share": 0.0,
    "augment.swapped_share": 0.06,
    "augment.lost_share": 0.0,
    "cameras.steep_share": 0.0,
}
"""The recipe of version 0.1.0, as far as its parts are still there."""

RECIPES: Mapping[str, Mapping[str, Any]] = {"recipe of 0.1.0": BEFORE, "this recipe": {}}
SIZE = StudySize(60_000, 240_000, 384)


@dataclass(frozen=True)
class RigResult:
    """mm over all frames of the held-out family's views, with the fit and without."""

    family: str
    recipe: str
    mpjpe: float
    p_mpjpe: float
    unfitted: float
    frames: int


def families_of(pack: MotionPack) -> tuple[str, ...]:
    """The families that the pack's clips come from, in alphabetical order."""
    return tuple(sorted({name.partition("/")[0] for name in pack.names}))


def run_rigs(
    packs: Mapping[str, MotionPack],
    folder: Path,
    size: StudySize | None = None,
    device: str = "auto",
    only: Sequence[str] = (),
    mirror: bool = True,
) -> Iterator[Progress | RigResult]:
    """For every family and recipe: train without the family, test on it; yields Progress and each RigResult.

    packs: what each of RECIPES trains on; the families and the tests are those of the last one. only: families, or all.
    What is in the folder already is not trained again. UserError for a family that there is not.
    """
    tested = list(packs.values())[-1]
    families = families_of(tested)
    unknown = [family for family in only if family not in families]
    if unknown:
        raise UserError(f"unknown family '{unknown[0]}' (known: {', '.join(families)})")
    for family in only or families:
        for recipe, settings in RECIPES.items():
            study = Study("", (), ())
            seen = packs[recipe].where([not name.startswith(f"{family}/") for name in packs[recipe].names])
            plan = Plan.of(Cell(recipe, settings), study, size or SIZE, seen)
            for progress in plan.train(seen, folder, device):
                yield replace(progress, note=f"without {family}, {recipe}: {progress.note}")
            yield _test(tested, family, recipe, plan.weights(folder), device, mirror)


def _test(pack: MotionPack, family: str, recipe: str, weights: Path, device: str, mirror: bool) -> RigResult:
    lifter = load_lifter(device=device, weights=weights)
    rows: list[tuple[float, ...]] = []
    for world in _clips(pack, family):
        for camera in _CAMERAS:
            clip = see(world, pack.fps, camera)
            truth = clip.ground_truth
            assert truth is not None
            fitted = lifter.lift(clip, aids=Aids(mirror=mirror)).positions
            plain = lifter.lift(clip, aids=Aids(mirror=mirror, fit=False)).positions
            errors = (joint_errors(fitted, truth).mean(), p_mpjpe(fitted, truth), joint_errors(plain, truth).mean())
            rows.append((*(float(error) for error in errors), len(clip)))
    table = np.array(rows)
    mean = np.average(table[:, :3], axis=0, weights=table[:, 3])
    fitted_mm, aligned_mm, plain_mm = (float(value) for value in mean)
    return RigResult(family, recipe, fitted_mm, aligned_mm, plain_mm, int(table[:, 3].sum()))


def _clips(pack: MotionPack, family: str) -> list[NDArray[np.float32]]:
    """World motion of clips of a family, evenly chosen, until there are enough frames."""
    chosen = [n for n, name in enumerate(pack.names) if name.startswith(f"{family}/")]
    longest = round(_LONGEST_S * pack.fps)
    lengths = np.minimum(np.diff(pack.starts)[chosen], longest)
    count = min(max(round(_FAMILY_FRAMES / float(lengths.mean())), 1), len(chosen))
    picked = [chosen[n] for n in np.linspace(0, len(chosen) - 1, count).round().astype(int)]
    return [pack.positions[pack.starts[n] : min(pack.starts[n + 1], pack.starts[n] + longest)] for n in picked]


def as_markdown(results: Sequence[RigResult], size: StudySize | None = None) -> str:
    """A row for each family, with every recipe's figures, and their mean."""
    size = size or SIZE
    recipes = list(dict.fromkeys(result.recipe for result in results))
    families = list(dict.fromkeys(result.family for result in results))
    head = ["never seen", *(f"{recipe}: {what}" for recipe in recipes for what in ("MPJPE", "P-MPJPE", "unfitted"))]
    rows: list[list[str]] = []
    table: dict[tuple[str, str], RigResult] = {(r.family, r.recipe): r for r in results}
    for family in families:
        found = [table.get((family, recipe)) for recipe in recipes]
        rows.append([family, *(f"{v:.1f}" for r in found if r for v in (r.mpjpe, r.p_mpjpe, r.unfitted))])
    means = ["mean"]
    for recipe in recipes:
        mine = [r for r in results if r.recipe == recipe]
        means += [f"{np.mean([getattr(r, what) for r in mine]):.1f}" for what in ("mpjpe", "p_mpjpe", "unfitted")]
    lines = ["| " + " | ".join(row) + " |" for row in (head, ["---"] * len(head), *rows, means)]
    windows = f"{size.stage_one:,} + {size.stage_two:,} windows of 27 frames (stages I + II)"
    return "\n".join(
        [f"Trained without one family of files, tested on it: mm, exact 2D; {windows}, batches of {size.batch}.", "", *lines]
    )
