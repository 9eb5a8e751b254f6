"""Owns making a MediaPipe .task bundle out of bare TensorFlow Lite networks: their tensor metadata and the zip.

A network is a FlatBuffers file. In such a file an object is found through the distance from the place that refers to it,
and always lies behind that place, so new objects in front of the old file can refer into it: the old bytes stay as they
are, and neither the flatbuffers package nor a generated schema is needed. The same input always gives the same bytes.
Sources: flatbuffers.dev/internals, tensorflow/lite/schema/schema.fbs, mediapipe/tasks/metadata/metadata_schema.fbs.
"""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from mpm_core.detectors.model_checks import UnusableError, is_tflite

_ALIGNMENT = 16  # bytes; what TensorFlow Lite asks of the data of its buffers
_MODEL_MARK = b"TFL3"
_METADATA_MARK = b"M001"
_METADATA_NAME = "TFLITE_METADATA"

# Places of the fields in their tables.
_MODEL_VERSION, _MODEL_BUFFERS, _MODEL_METADATA = 0, 4, 6
_BUFFER_DATA = 0
_ENTRY_NAME, _ENTRY_BUFFER = 0, 1
_SUBGRAPHS, _INPUTS = 3, 2
_CONTENT, _PROCESS_UNITS = 3, 4
_CONTENT_TYPE, _CONTENT_PROPERTIES = 0, 1
_COLOUR_SPACE = 0
_OPTIONS_TYPE, _OPTIONS = 0, 1
_MEAN, _STD = 0, 1
# Values of the schema's enumerations.
_IMAGE_PROPERTIES, _RGB, _NORMALISATION = 2, 1, 1

# The earliest time a zip can hold: bundles made at different times are the same to the byte.
_ZIP_TIME = (1980, 1, 1, 0, 0, 0)
_UNIX = 3
_READABLE = 0o100644 << 16


@dataclass(frozen=True)
class Network:
    """A TensorFlow Lite network that takes an RGB image as (value - mean) / std, with values from 0 to 255."""

    name: str
    content: bytes
    mean: float
    std: float


def write_bundle(path: Path, networks: tuple[Network, ...]) -> None:
    """Zip the networks, with the metadata that MediaPipe's Tasks API asks for; UnusableError when one is no network."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as bundle:
        for network in networks:
            entry = zipfile.ZipInfo(network.name, _ZIP_TIME)
            entry.create_system, entry.external_attr = _UNIX, _READABLE
            bundle.writestr(entry, add_metadata(network))


def add_metadata(network: Network) -> bytes:
    """The network's file with a description of its input image; UnusableError when it is not such a file."""
    try:
        if not is_tflite(network.content):
            raise UnusableError(f"'{network.name}' is not a TensorFlow Lite network")
        return _extend_model(network.content, _describe_input(network.mean, network.std))
    except struct.error as error:
        raise UnusableError(f"'{network.name}' is a damaged TensorFlow Lite network") from error


def _describe_input(mean: float, std: float) -> bytes:
    """A ModelMetadata file: the one input is an RGB image, normalised by mean and std."""
    content = _Table({_CONTENT_TYPE: _IMAGE_PROPERTIES, _CONTENT_PROPERTIES: _Table({_COLOUR_SPACE: _RGB})})
    normalisation = _Table({_OPTIONS_TYPE: _NORMALISATION, _OPTIONS: _Table({_MEAN: (mean,), _STD: (std,)})})
    image = _Table({_CONTENT: content, _PROCESS_UNITS: (normalisation,)})
    return _Writer(_METADATA_MARK).write_file(_Table({_SUBGRAPHS: (_Table({_INPUTS: (image,)}),)}))


def _extend_model(old: bytes, metadata: bytes) -> bytes:
    """The model `old` with one more buffer and one more entry in its list of metadata, which names that buffer."""
    slots = _slots(old, _follow(old, 0))
    fields: dict[int, _Value] = {i: _Old(_follow(old, slot)) for i, slot in slots.items() if i != _MODEL_VERSION}
    fields[_MODEL_VERSION] = _number(old, slots[_MODEL_VERSION])
    buffers = _elements(old, slots, _MODEL_BUFFERS)
    fields[_MODEL_BUFFERS] = (*buffers, _Table({_BUFFER_DATA: metadata}))
    entry = _Table({_ENTRY_NAME: _METADATA_NAME, _ENTRY_BUFFER: len(buffers)})
    fields[_MODEL_METADATA] = (*_elements(old, slots, _MODEL_METADATA), entry)
    return _Writer(_MODEL_MARK).write_file(_Table(fields), old)


def _number(data: bytes, place: int) -> int:
    return int(struct.unpack_from("<I", data, place)[0])


def _follow(data: bytes, place: int) -> int:
    """Place of the object that the distance at `place` leads to."""
    return place + _number(data, place)


def _slots(data: bytes, table: int) -> dict[int, int]:
    """Where the fields of a table lie, by their place in the schema; absent ones are left out."""
    (distance,) = struct.unpack_from("<i", data, table)
    head = table - distance
    size, _ = struct.unpack_from("<2H", data, head)
    offsets = struct.unpack_from(f"<{size // 2 - 2}H", data, head + 4)
    return {i: table + offset for i, offset in enumerate(offsets) if offset}


def _elements(data: bytes, slots: Mapping[int, int], index: int) -> tuple[_Table | _Old, ...]:
    """The objects in a table's field that is a list of them; none when the field is absent."""
    if index not in slots:
        return ()
    start = _follow(data, slots[index])
    return tuple(_Old(_follow(data, start + 4 + 4 * i)) for i in range(_number(data, start)))


@dataclass(frozen=True)
class _Old:
    """An object that lies at `place` in the file to be extended."""

    place: int


@dataclass(frozen=True)
class _Table:
    """An object's fields by their place in the schema."""

    fields: Mapping[int, _Value]


# A number is stored in four bytes, little-endian, so that a field of one byte reads it from the first of them.
_Value: TypeAlias = "int | str | bytes | tuple[float, ...] | tuple[_Table | _Old, ...] | _Table | _Old"


@dataclass
class _Writer:
    """Writes tables in front of an old file, each object behind all that refer to it."""

    mark: bytes
    _out: bytearray = field(default_factory=bytearray)
    _into_old: list[tuple[int, int]] = field(default_factory=list)

    def write_file(self, root: _Table, old: bytes = b"") -> bytes:
        """The file whose root is this table, followed by the bytes of `old`."""
        self._out += bytes(4) + self.mark
        self._refer(0, root)
        self._pad(_ALIGNMENT)
        for slot, place in self._into_old:
            struct.pack_into("<I", self._out, slot, len(self._out) + place - slot)
        return bytes(self._out) + old

    def _refer(self, slot: int, value: _Value) -> None:
        """Write the object and, at `slot`, the distance to it."""
        if isinstance(value, _Old):
            self._into_old.append((slot, value.place))
            return
        place = self._write(value)
        struct.pack_into("<I", self._out, slot, place - slot)

    def _write(self, value: _Value) -> int:
        if isinstance(value, _Table):
            return self._write_table(value)
        if isinstance(value, str):
            return self._write_bytes(value.encode(), 4, b"\0")
        if isinstance(value, bytes):
            return self._write_bytes(value, _ALIGNMENT)
        assert isinstance(value, tuple)
        return self._write_list(value)

    def _write_table(self, table: _Table) -> int:
        count = max(table.fields) + 1
        self._pad(4, 2 * count)
        offsets = [0] * count
        for i, index in enumerate(sorted(table.fields)):
            offsets[index] = 4 + 4 * i
        head = struct.pack(f"<{count + 2}H", 4 + 2 * count, 4 + 4 * len(table.fields), *offsets)
        self._out += head
        place = len(self._out)
        self._out += struct.pack("<i", len(head)) + bytes(4 * len(table.fields))
        for index, value in table.fields.items():
            slot = place + offsets[index]
            if isinstance(value, int):
                struct.pack_into("<I", self._out, slot, value)
            else:
                self._refer(slot, value)
        return place

    def _write_list(self, items: tuple[float, ...] | tuple[_Table | _Old, ...]) -> int:
        self._pad(4)
        place = len(self._out)
        self._out += struct.pack("<I", len(items)) + bytes(4 * len(items))
        for i, item in enumerate(items):
            slot = place + 4 + 4 * i
            if isinstance(item, (_Table, _Old)):
                self._refer(slot, item)
            else:
                struct.pack_into("<f", self._out, slot, item)
        return place

    def _write_bytes(self, content: bytes, alignment: int, end: bytes = b"") -> int:
        self._pad(alignment, 4)
        place = len(self._out)
        self._out += struct.pack("<I", len(content)) + content + end
        return place

    def _pad(self, alignment: int, ahead: int = 0) -> None:
        """Add zeros, so that what comes after `ahead` more bytes starts at a multiple of `alignment`."""
        self._out += bytes(-(len(self._out) + ahead) % alignment)
