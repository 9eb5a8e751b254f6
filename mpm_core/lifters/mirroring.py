"""Owns what a limb that is seen tells about the one on the other side: Gaussian process regression of the error there.

Where an arm is hidden, the other one mostly moves as this one does at another time, or did in another place of the clip. So the
error that is known of the visible limb, in the axes of the chest or the pelvis and mirrored, is taken for a function of what
the rest of the body does, and read off where the rest does so on the hidden side. (C. E. Rasmussen, C. K. I. Williams: Gaussian
processes for machine learning, MIT Press 2006, chapter 2; with the exponential kernel and a mean in proportion to the answer.)
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from mpm_core.masking import Mask
from mpm_core.prediction import Prediction
from mpm_core.rig.turns import unit
from mpm_core.skeleton import MPM16

MIRROR = np.array(MPM16.mirror)
_FLIP = np.array([-1.0, 1.0, 1.0])  # left, front, up

_MOST_EXAMPLES = 160
"""Frames that are learnt from: a clip's answer costs as many distances a frame, and theirs a system of as many unknowns."""

_BLOCK = 4096
"""Frames that are answered at once."""

_STEP_S = 0.06
"""On either side of a frame, between which the velocity of the hip is measured."""

_OTHER_NOISE = 0.05
"""Share of the noise's variance that is left right beside a visible frame, where there is hardly any error."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class _Habits:
    """What is believed before anything is seen; amplitudes in units of the kernel's.

    scales: how far apart two frames are that differ by a unit: in the answer's own limb, the other joints, their heights above
    the hip, the height of the hip (metres), its velocity (m/s). constant, passing: amplitudes of an error that stays, and of
    one that the other side has at the same time, which lasts for passing_s. noise, frame_noise: amplitudes of what is
    different on the other side, and of what differs from one second to the next (times the square root of a second).
    exaggeration: share of the answer's movement that is too much; it is found again with every example, and believed as if
    seen in a movement of exaggeration_m2 square metres. half_trust_s: time in view after which half of all is taken over.
    near_s: how soon errors grow, going away from a frame in which the joint is visible: to two thirds of their size.
    """

    scales: Mapping[str, float]
    constant: float
    passing: float
    passing_s: float
    noise: float
    frame_noise: float
    exaggeration: float
    exaggeration_m2: float
    half_trust_s: float
    near_s: float


_LEGS = _Habits(
    {"limb": 0.59, "rest": 1.15, "heights": 1.0, "hip height": 0.83, "hip velocity": 0.67},
    constant=0.0,
    passing=0.0,
    passing_s=1.0,
    noise=0.033,
    frame_noise=0.044,
    exaggeration=0.87,
    exaggeration_m2=0.006,
    half_trust_s=6.2,
    near_s=0.32,
)
_ARMS = _Habits(
    {"limb": 0.19, "rest": 0.45, "heights": 0.87, "hip height": 0.28, "hip velocity": 0.35},
    constant=0.14,
    passing=0.35,
    passing_s=0.21,
    noise=0.34,
    frame_noise=0.05,
    exaggeration=0.88,
    exaggeration_m2=0.068,
    half_trust_s=2.4,
    near_s=0.37,
)


@dataclass(frozen=True)
class Pair:
    """Two limbs that mirror each other. spans: what spans the axes of the part of the body that they hang on: left, right,
    lower, upper; hangs_on: the joint that places are measured from."""

    left: tuple[int, ...]
    right: tuple[int, ...]
    spans: tuple[int, ...]
    hangs_on: int
    habits: _Habits

    @property
    def joints(self) -> tuple[int, ...]:
        """Those of both limbs."""
        return self.left + self.right

    @property
    def rest(self) -> tuple[int, ...]:
        """All joints of neither."""
        return tuple(joint for joint in range(len(MPM16)) if joint not in self.joints)


PAIRS = (
    Pair(MPM16.limb("left leg"), MPM16.limb("right leg"), MPM16.indices(("LHip", "RHip", "Hip", "Spine")), MPM16.root, _LEGS),
    Pair(
        MPM16.limb("left arm"),
        MPM16.limb("right arm"),
        MPM16.indices(("LShoulder", "RShoulder", "Spine", "Thorax")),
        MPM16.index("Thorax"),
        _ARMS,
    ),
)


@dataclass(frozen=True, eq=False)
class World:
    """What is known of the clip beside its poses. up: (3,) in camera axes; height: (frames,) metres of the hip above its
    median; velocity: (frames, 3) m/s of the hip in camera axes; times: (frames,) seconds."""

    up: Array
    height: Array
    velocity: Array
    times: Array

    @classmethod
    def of(cls, answer: Prediction, up: Sequence[float], answered: NDArray[np.bool_]) -> World:
        """up: of any length. answered: (frames,) where the hip's place counts; elsewhere it neither rises nor moves."""
        towards = unit(np.array(up, float))
        path = np.where(answered[:, None], answer.root.astype(float), 0.0)
        height = path @ towards
        height = np.where(answered, height - (np.median(height[answered]) if answered.any() else 0.0), 0.0)
        at, step = np.arange(len(path)), steps_of(answer.fps)
        # From the first to the last frame that counts, among those that are no farther away than the step.
        until = np.maximum.accumulate(np.where(answered, at, -1))[np.minimum(at + step, len(path) - 1)]
        since = np.minimum.accumulate(np.where(answered, at, len(path))[::-1])[::-1][np.maximum(at - step, 0)]
        known = answered & (since < until)
        since, until = np.where(known, since, at), np.where(known, until, at)
        seconds = np.maximum(answer.times[until] - answer.times[since], 1e-3)
        return cls(towards, height, (path[until] - path[since]) / seconds[:, None], np.asarray(answer.times, float))

    def differs(self, other: World) -> NDArray[np.bool_]:
        """(frames,) where the hip is elsewhere, or moves otherwise."""
        return np.asarray((self.height != other.height) | (self.velocity != other.velocity).any(1))


def steps_of(fps: float) -> int:
    """Frames on either side of one that its velocity depends on."""
    return max(1, round(_STEP_S * fps))


@dataclass(frozen=True, eq=False)
class Lesson:
    """What to add to some joints of one limb, as learnt from their mirror joints.

    joints: indices. features: (examples, features) of the frames learnt from, mirrored; strengths, times: (examples,) of them;
    weights: (examples, 3 len(joints)) by which their likeness to a frame is summed. centre: (3 len(joints),) metres, the
    mirrored answer's mean; shrinking: share of the way to there that is too much; trust: share of the rest that is added.
    """

    joints: tuple[int, ...]
    pair: Pair
    is_left: bool
    features: Array
    strengths: Array
    times: Array
    centre: Array
    weights: Array
    shrinking: float
    trust: float

    def is_same(self, other: Lesson) -> bool:
        """Whether it adds the same."""
        return self.pair is other.pair and all(
            np.array_equal(getattr(self, f.name), getattr(other, f.name)) for f in fields(self) if f.name != "pair"
        )

    def added(self, positions: NDArray[np.float32], away: Array, world: World, rows: NDArray[np.intp]) -> NDArray[np.float32]:
        """(rows, len(joints), 3) metres in camera axes. positions: (frames, 16, 3) as answered; away: see away_of."""
        found = np.empty((len(rows), len(self.joints), 3), np.float32)
        for first in range(0, len(rows), _BLOCK):
            part = rows[first : first + _BLOCK]
            axes = _axes_of(positions[part], self.pair.spans)
            places, features = _features(positions[part], axes, world, part, self.pair, self.is_left)
            strength = _strength(away[part], self.pair.habits)
            alike = _likeness(features, self.features, world.times[part], self.times, self.pair.habits)
            alike *= strength[:, None] * self.strengths
            moved = places[:, _within(self.joints, self.pair)].reshape(len(part), -1) - self.centre
            told = self.trust * (alike @ self.weights) - self.shrinking * strength[:, None] * moved
            found[first : first + _BLOCK] = told.reshape(len(part), -1, 3) @ axes.transpose(0, 2, 1)
        return found


def learn(
    answer: Prediction,
    probe: Prediction,
    pair: Pair,
    joints: tuple[int, ...],
    rows: NDArray[np.intp],
    seconds: float,
    world: World,
) -> Lesson:
    """Learn of some joints of one limb in the frames `rows`, in which their mirror joints are given in `answer` but were hidden
    from `probe`. seconds: for how long, in all of the clip."""
    habits = pair.habits
    chosen = rows[np.unique(np.linspace(0, len(rows) - 1, min(len(rows), _MOST_EXAMPLES)).round().astype(int))]
    is_left, others = joints[0] in pair.left, MIRROR[list(joints)]
    guess = probe.positions[chosen]
    places, features = _features(guess, _axes_of(guess, pair.spans), world, chosen, pair, not is_left, mirrored=True)
    axes = _axes_of(answer.positions[chosen], pair.spans)
    missed = (answer.positions[chosen][:, others] - guess[:, others]).astype(float)
    error = ((missed @ axes) * _FLIP).reshape(len(chosen), -1)
    strength = _strength(away_of(np.asarray(probe.hidden[:, others].any(1)), world.times)[chosen], habits)
    own = places[:, _within(joints, pair)].reshape(len(chosen), -1)
    centre = own.mean(0)
    moved = (own - centre) * strength[:, None]  # as much of it as there may be an error in
    trust = seconds / (seconds + habits.half_trust_s)
    square = float((moved * moved).mean())
    surprise = float(((error + habits.exaggeration * moved) * moved).mean())
    shrinking = trust * (habits.exaggeration - surprise / (square + habits.exaggeration_m2))
    alike = _likeness(features, features, world.times[chosen], world.times[chosen], habits) * (strength[:, None] * strength)
    noise = habits.noise**2 + habits.frame_noise**2 * len(chosen) / seconds
    alike[np.diag_indices(len(chosen))] += noise * (strength**2 + _OTHER_NOISE)
    weights = np.linalg.solve(alike, error + shrinking * moved)
    return Lesson(joints, pair, is_left, features, strength, world.times[chosen], centre, weights, shrinking, trust)


def away_of(hidden: NDArray[np.bool_], times: Array) -> Array:
    """(frames,) seconds from each frame to the nearest in which a joint is not hidden; infinite where there is none."""
    before = np.maximum.accumulate(np.where(hidden, -np.inf, times))
    after = np.minimum.accumulate(np.where(hidden, np.inf, times)[::-1])[::-1]
    return np.asarray(np.minimum(times - before, after - times))


def hide_other_side(hidden: Mask, pair: Pair) -> Mask:
    """The mask, with the mirror joints of those hidden among a pair's hidden too."""
    probed = hidden.copy()
    for joint in pair.joints:
        probed[:, MIRROR[joint]] |= hidden[:, joint]
    return probed


def _axes_of(positions: NDArray[np.float32], spans: tuple[int, ...]) -> Array:
    """(frames, 3, 3) whose columns are left, front and up of a part of the body."""
    left, right, lower, upper = (positions[:, joint].astype(float) for joint in spans)
    up = unit(upper - lower)
    front = unit(np.cross(left - right, up))
    return np.stack((np.cross(up, front), front, up), axis=-1)


def _features(
    positions: NDArray[np.float32],
    axes: Array,
    world: World,
    rows: NDArray[np.intp],
    pair: Pair,
    is_left: bool,
    mirrored: bool = False,
) -> tuple[Array, Array]:
    """(frames, 3, 3) places of one limb's joints, and (frames, features) of what the body does; both as of the other side
    where they are mirrored."""
    scales = pair.habits.scales
    limb, rest = list(pair.left if is_left else pair.right), np.array(pair.rest)
    if mirrored:
        rest = MIRROR[rest]
    flip = _FLIP if mirrored else np.ones(3)
    apart = (positions - positions[:, pair.hangs_on, None]).astype(float)
    places = (apart @ axes) * flip
    heights = (positions[:, rest] - positions[:, MPM16.root, None]).astype(float) @ world.up
    velocity = np.einsum("fia,fi->fa", axes, world.velocity[rows]) * flip
    parts = {
        "limb": places[:, limb].reshape(len(rows), -1),
        "rest": places[:, rest].reshape(len(rows), -1),
        "heights": heights,
        "hip height": world.height[rows, None],
        "hip velocity": velocity,
    }
    return places[:, limb], np.concatenate([scales[name] * part for name, part in parts.items()], axis=1)


def _likeness(one: Array, other: Array, times: Array, other_times: Array, habits: _Habits) -> Array:
    """(frames, examples) the kernel."""
    middle = other.mean(0)
    one, other = one - middle, other - middle
    squares = (one * one).sum(1)[:, None] + (other * other).sum(1) - 2 * one @ other.T
    alike = np.exp(-np.sqrt(np.maximum(squares, 0.0))) + habits.constant**2
    if habits.passing:
        alike += habits.passing**2 * np.exp(-np.abs(times[:, None] - other_times) / habits.passing_s)
    return np.asarray(alike)


def _strength(away: Array, habits: _Habits) -> Array:
    return np.asarray(1 - np.exp(-away / habits.near_s))


def _within(joints: tuple[int, ...], pair: Pair) -> list[int]:
    """Where joints are in their limb."""
    limb = pair.left if joints[0] in pair.left else pair.right
    return [limb.index(joint) for joint in joints]
