"""Reads DeepLabCut's csv and h5, of one animal or several: joints by the names in the file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpm_core.errors import UserError
from mpm_core.formats.base import CERTAIN, Probe, ReadOptions, Recognition
from mpm_core.formats.keypoints.frames import number_frames
from mpm_core.formats.keypoints.hdf5 import opened_hdf5
from mpm_core.formats.keypoints.people import Sightings, detection_format
from mpm_core.formats.keypoints.values import SightingRows
from mpm_core.formats.pickle_values import PickleError, read_pickle
from mpm_core.formats.tables import Table, read_table

_LEVELS = ("scorer", "individuals", "bodyparts", "coords")
_SCORES = ("likelihood", "confidence", "score")
Column = tuple[str, str, str]
"""Individual, body part, and what is told of it: x, y or likelihood."""


def _recognise_csv(probe: Probe) -> Recognition | None:
    if probe.kind != "text" or not probe.text.lstrip('"').startswith("scorer"):
        return None
    return Recognition(CERTAIN, "a first line 'scorer'")


def _parse_csv(probe: Probe, options: ReadOptions) -> Sightings:
    first_lines = [line.lstrip('"') for line in probe.text[:1_000_000].splitlines()[:5]]
    levels = [name for name in _LEVELS if any(line.startswith(name) for line in first_lines)]
    if not {"bodyparts", "coords"} <= set(levels):
        raise UserError(f"{probe.path}: no lines 'bodyparts' and 'coords' below 'scorer'")
    table = read_table(probe.text, probe.path, len(levels))
    lines = [line[: len(table.header)] for line in (table.header, *table.heads)]
    rows = {line[0]: line for line in lines if len(line) == len(table.header)}
    if not set(levels) <= set(rows):
        raise UserError(f"{probe.path}: the lines 'scorer', 'bodyparts' and 'coords' are not of one length")
    # Labelled images have the folder, the video and the image's name before the values.
    begin = next((n for n, name in enumerate(rows["coords"]) if n and name), 1)
    individuals = rows.get("individuals", ("",) * len(table.header))
    columns = list(zip(individuals, rows["bodyparts"], rows["coords"], strict=True))[begin:]
    values = table.columns(list(range(begin, len(table.header))))
    return _sightings(columns, values, _frame_numbers(table, begin), str(probe.path))


def _frame_numbers(table: Table, begin: int) -> Sequence[int]:
    """The first column, which holds frame numbers, or the last before the values, which holds images' names."""
    name = table.header[begin - 1]
    texts = table.texts(name) if table.header.count(name) == 1 else [str(n) for n in range(len(table))]
    if all(text.isdecimal() for text in texts):
        return [int(text) for text in texts]
    return number_frames(texts, str(table.path)).numbers


def _sightings(columns: Sequence[Column], values: NDArray[np.float64], frames: Sequence[int], where: str) -> Sightings:
    """(frames, columns) values as sightings; UserError when x or y of a joint is missing."""
    individuals = list(dict.fromkeys(individual for individual, _, _ in columns))
    parts = list(dict.fromkeys(part for _, part, _ in columns))
    places = {column: n for n, column in enumerate(columns)}
    values = np.column_stack([values, np.full(len(values), np.nan), np.ones(len(values))])
    unknown, sure = values.shape[1] - 2, values.shape[1] - 1  # what stands for a joint or a score that is not there
    shown, frames_shown, names = [], [], list[str]()
    for who in individuals:
        own = [part for part in parts if (who, part, "x") in places]
        if not own:
            continue
        wanted = [(unknown, unknown, unknown)] * len(parts)
        for part in own:
            score = next((places[who, part, name] for name in _SCORES if (who, part, name) in places), sure)
            if (who, part, "y") not in places:
                raise UserError(f"{where}: '{part}' has x but no y")
            wanted[parts.index(part)] = places[who, part, "x"], places[who, part, "y"], score
        shown.append(values[:, np.ravel(wanted)].reshape(len(values), len(parts), 3))
        frames_shown.append(np.asarray(frames, np.int64))
        names += [who or "the only one"] * len(values)
    if not len(frames):
        raise UserError(f"{where}: the clip has no frames")
    if not shown:
        raise UserError(f"{where}: no body part has x and y")
    entries = SightingRows.of(np.concatenate(frames_shown), np.concatenate(shown), names, where)
    return Sightings(entries, (min(frames), max(frames)), joints=tuple(parts))


CSV_FORMAT = detection_format("deeplabcut-csv", "DeepLabCut CSV", (".csv",), _recognise_csv, _parse_csv)


def _table_group(file: Any) -> Any:
    """The group that holds pandas' table, whatever it is called; None when there is none."""
    groups = [group for group in file.values() if hasattr(group, "keys") and {"table", "block0_values"} & set(group)]
    return groups[0] if groups else None


def _recognise_h5(probe: Probe) -> Recognition | None:
    if probe.kind != "hdf5":
        return None
    with opened_hdf5(probe.path) as file:
        return Recognition(CERTAIN, "a table as pandas stores it") if _table_group(file) is not None else None


def _parse_h5(probe: Probe, options: ReadOptions) -> Sightings:
    with opened_hdf5(probe.path) as file:
        group = _table_group(file)
        if group is None:
            raise UserError(f"{probe.path}: holds no table of DeepLabCut's")
        if "table" in group:
            rows = group["table"][()]
            blocks = [name for name in rows.dtype.names if name.startswith("values_block")]
            values = np.concatenate([np.asarray(rows[name], np.float64) for name in blocks], axis=1)
            index, names = rows["index"], _pickled_columns(group, str(probe.path))
        else:
            values, index = np.asarray(group["block0_values"][()], np.float64), _axis(group, "axis1")
            names = _fixed_columns(group)
    columns = [(parts[1] if len(parts) == 4 else "", parts[-2], parts[-1]) for parts in names]
    if len(columns) != values.shape[1]:
        raise UserError(f"{probe.path}: {values.shape[1]} columns of values, but {len(columns)} names")
    is_numbered = index is not None and index.dtype.kind in "iu" and len(set(index.tolist())) == len(values)
    frames = [int(number) for number in index] if is_numbered else list(range(len(values)))
    return _sightings(columns, values, frames, str(probe.path))


def _pickled_columns(group: Any, where: str) -> list[tuple[str, ...]]:
    """Names of the columns, which pandas keeps as a pickled list of tuples."""
    try:
        raw = group.attrs["non_index_axes"]
        axes: Any = read_pickle(raw if isinstance(raw, bytes) else bytes(raw))
        return [tuple(str(part) for part in names) for names in axes[0][1]]
    except PickleError as error:
        raise UserError(f"{where}: the names of the columns cannot be read: {error}") from None
    except Exception:  # a damaged file may hold anything there
        raise UserError(f"{where}: the names of the columns are damaged") from None


def _fixed_columns(group: Any) -> list[tuple[str, ...]]:
    levels = []
    for level in range(len([key for key in group if key.startswith("block0_items_level")])):
        texts = [t.decode() if isinstance(t, bytes) else str(t) for t in group[f"block0_items_level{level}"][()]]
        levels.append([texts[code] for code in group[f"block0_items_label{level}"][()]])
    return list(zip(*levels, strict=True))


def _axis(group: Any, name: str) -> NDArray[Any] | None:
    return np.asarray(group[name][()]) if name in group else None


H5_FORMAT = detection_format("deeplabcut-h5", "DeepLabCut h5", (".h5", ".hdf5"), _recognise_h5, _parse_h5)
