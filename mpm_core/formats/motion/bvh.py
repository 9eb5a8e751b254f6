"""Owns reading BVH of any dialect: any names, any channel order, position channels on any joint, decimal commas.

(pybvh, which the tests use to read our own files, refuses position channels on inner joints, which Blender writes.)
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mpm_core.errors import UserError
from mpm_core.formats.base import CERTAIN, Probe, ReadOptions, Recognition
from mpm_core.formats.motion.reading import motion_format
from mpm_core.formats.motion.track import Track, rotate_in_order

_CHANNELS = {f"{axis}{kind}": (kind, number) for number, axis in enumerate("xyz") for kind in ("position", "rotation")}
_DECIMAL_COMMA = re.compile(r"(?<![\d.,])-?\d+,\d+(?:[eE][-+]?\d+)?(?![\d.,])")
_FRAME_TIMES_S = (1e-3, 1.0)
"""Slower than this nobody records motion: what lies between two frames would be made up."""


@dataclass
class _Node:
    name: str
    parent: int
    offset: list[float] = field(default_factory=lambda: [0.0, 0.0, 0.0])
    channels: list[str] = field(default_factory=list)


def read_bvh(path: Path) -> Track:
    """The motion of a BVH file; end sites are nodes named after their parent with '_end'.

    UserError with the line for a file that is damaged.
    """
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from error
    if "." not in text.partition("MOTION")[2] and _DECIMAL_COMMA.search(text):
        text = text.replace(",", ".")
    lines = text.lstrip().splitlines()
    nodes, motion_line = _read_hierarchy(path, lines)
    frame_s, values, rows = _read_motion(path, lines, motion_line, sum(len(node.channels) for node in nodes))
    positions, turns = _place(nodes, values)
    more = f"the file announces {len(values)} frames and holds {rows}: the others are left out"
    notes = (more,) if rows > len(values) else ()
    return Track(tuple(node.name for node in nodes), positions, turns, 1.0 / frame_s, notes=notes)


def _read_hierarchy(path: Path, lines: list[str]) -> tuple[list[_Node], int]:
    """The nodes, parents first, and the number of the line MOTION."""
    if not lines or lines[0].strip().upper() != "HIERARCHY":
        raise UserError(f"{path}: not a BVH file, it does not begin with HIERARCHY")
    nodes: list[_Node] = []
    open_nodes: list[int] = []
    for number, line in enumerate(lines[1:], 1):
        words = line.split()
        if not words:
            continue
        opens = len(words) > 1 and words[-1] == "{"
        try:
            match words[0].upper():
                case "ROOT" | "JOINT":
                    words = words[:-1] if opens else words
                    nodes.append(_Node(" ".join(words[1:]), open_nodes[-1] if open_nodes else -1))
                case "END":
                    nodes.append(_Node(f"{nodes[open_nodes[-1]].name}_end", open_nodes[-1]))
                case "{":
                    open_nodes.append(len(nodes) - 1)
                case "}":
                    open_nodes.pop()
                case "OFFSET":
                    offset = [float(word) for word in words[1:]]
                    if len(offset) != 3 or not np.isfinite(offset).all():
                        raise ValueError
                    nodes[open_nodes[-1]].offset = offset
                case "CHANNELS":
                    channels = [word.lower() for word in words[2:]]
                    if any(name not in _CHANNELS for name in channels) or int(words[1]) != len(channels):
                        raise ValueError
                    nodes[open_nodes[-1]].channels = channels
                case "MOTION":
                    if open_nodes or not nodes:
                        raise ValueError
                    return nodes, number
                case _:
                    raise ValueError
            if opens:
                open_nodes.append(len(nodes) - 1)
        except (ValueError, IndexError):
            raise UserError(f"{path}, line {number + 1}: not understood as BVH: {line.strip()[:60]}") from None
    raise UserError(f"{path}: the line MOTION is missing")


def _read_motion(path: Path, lines: list[str], first: int, channels: int) -> tuple[float, NDArray[np.float64], int]:
    """Seconds per frame, (frames, channels) of as many frames as are announced, and how many rows there are."""
    try:
        frames = int(lines[first + 1].partition(":")[2])
        frame_s = float(lines[first + 2].partition(":")[2])
    except (IndexError, ValueError):
        raise UserError(f"{path}, line {first + 2}: 'Frames:' and 'Frame Time:' are expected") from None
    if not _FRAME_TIMES_S[0] <= frame_s <= _FRAME_TIMES_S[1]:
        limits = f"from {_FRAME_TIMES_S[0]:g} to {_FRAME_TIMES_S[1]:g} s can"
        raise UserError(f"{path}, line {first + 3}: a frame time of {frame_s:g} s cannot be right ({limits})")
    rows = [line for line in lines[first + 3 :] if line.strip()]
    try:
        values = np.array([row.split() for row in rows], float).reshape(len(rows), -1)
    except ValueError:
        raise UserError(f"{path}: a row of the motion has another number of values, or one that is no number") from None
    if len(rows) < frames or values.shape[1] != channels or not frames:
        shape = f"{len(rows)} rows of {values.shape[1]} values"
        raise UserError(f"{path}: {frames} frames of {channels} channels are announced, but there are {shape}")
    if not np.isfinite(values).all():
        raise UserError(f"{path}: the motion holds values that are no numbers")
    return frame_s, values[:frames], len(rows)


def _place(nodes: list[_Node], values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Forward kinematics: (frames, nodes, 3) positions and (frames, nodes, 3, 3) turns."""
    positions = np.zeros((len(values), len(nodes), 3))
    turns = np.zeros((len(values), len(nodes), 3, 3))
    column = 0
    for number, node in enumerate(nodes):
        own = values[:, column : column + len(node.channels)]
        column += len(node.channels)
        kinds = [_CHANNELS[name] for name in node.channels]
        spins = [n for n, (kind, _) in enumerate(kinds) if kind == "rotation"]
        turn = rotate_in_order([kinds[n][1] for n in spins], own[:, spins])
        place = np.tile(np.array(node.offset, float), (len(values), 1))
        for n, (kind, axis) in enumerate(kinds):
            if kind == "position":
                place[:, axis] = own[:, n]
        if node.parent >= 0:
            place = positions[:, node.parent] + np.einsum("fij,fj->fi", turns[:, node.parent], place)
            turn = turns[:, node.parent] @ turn
        positions[:, number], turns[:, number] = place, turn
    return positions, turns


def _recognise(probe: Probe) -> Recognition | None:
    is_one = probe.kind == "motion" and probe.text.lstrip()[:9].upper() == "HIERARCHY"
    return Recognition(CERTAIN, "a first word 'HIERARCHY'") if is_one else None


def _parse(probe: Probe, options: ReadOptions) -> Track:
    return read_bvh(probe.path)


FORMAT = motion_format("bvh", "BVH motion", (".bvh",), _recognise, _parse)
