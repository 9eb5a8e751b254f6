"""Owns how files are damaged: by bytes, by words of text, by the parts of a JSON tree, by arrays, and by the files in a zip."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from random import Random
from typing import Any

import numpy as np

from mpm_core.formats.pickled_npz import read_array

Mutation = Callable[[Random, bytes], bytes]

_WORDS = (
    "", "nan", "inf", "-inf", "1e400", "-1", "0", "1e-9", "1e9", "99999999999", "x", "é", "\0", '"', ",", "1,5", "0x10",
    "9" * 5000, "{", "}", "[1]", "²", "null", "True", "../../etc/passwd",
)  # fmt: skip
_VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, 1e-30, 1e30, 10**400, float("nan"), float("inf"), 999_999, 10**12, "", "nan",
    "12", "x" * 300, "é\n",
    [], {}, [[]], [None], {"a": 1}, [1, [2, 3]], [1.0] * 100,
)  # fmt: skip
_BYTES = (b"\0", b"\xff", b"\x80", b"\n", b"9", b"-", b'"', b"\x7f\xff\xff\xff", b"\xff\xff\xff\xff\xff\xff\xff\x7f")
_WORD = re.compile(r"[^\s,{}\[\]:]+")


def mutate(rng: Random, name: str, content: bytes) -> bytes:
    """The content of a file of this name, damaged in one to three ways."""
    mutations = _BY_SUFFIX.get(name[name.rfind(".") :], ()) or (_bytes,)
    for _ in range(rng.choice((1, 1, 1, 2))):
        content = (rng.choice(mutations) if rng.random() < 0.93 else _bytes)(rng, content)
    return content


def _bytes(rng: Random, content: bytes) -> bytes:
    """Bits turned, or pieces taken out, put in, doubled or cut off."""
    place = rng.randrange(len(content) + 1)
    length = rng.choice((1, 1, 2, 8, 100))
    match rng.randrange(6):
        case 0:
            return content[:place]
        case 1:
            return content[:place] + content[place + length :]
        case 2:
            return content[:place] + rng.choice(_BYTES) + content[place:]
        case 3:
            return content[:place] + content[place : place + length] * 2 + content[place + length :]
        case 4:
            new = rng.choice(_BYTES)
            return content[:place] + new + content[place + len(new) :]
    if place == len(content):
        return content
    return content[:place] + bytes((content[place] ^ 1 << rng.randrange(8),)) + content[place + 1 :]


def _words(rng: Random, content: bytes) -> bytes:
    """A word of a text replaced, or its lines taken out, doubled or exchanged."""
    text = content.decode("utf-8", "surrogateescape")
    if rng.random() < 0.7:
        found = list(_WORD.finditer(text))
        if found:
            # The first words are those that tell what the others are.
            word = found[rng.randrange(len(found))] if rng.random() < 0.6 else found[rng.randrange(min(len(found), 80))]
            text = text[: word.start()] + rng.choice(_WORDS) + text[word.end() :]
    else:
        lines = text.splitlines(keepends=True) or [""]
        one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
        match rng.randrange(3):
            case 0:
                del lines[one]
            case 1:
                lines.insert(other, lines[one])
            case _:
                lines[one], lines[other] = lines[other], lines[one]
        text = "".join(lines)
    return text.encode("utf-8", "surrogateescape")


def _tree(rng: Random, content: bytes) -> bytes:
    """A value anywhere in a JSON file replaced, taken out or doubled."""
    try:
        tree = json.loads(content)
    except (ValueError, RecursionError):
        return _bytes(rng, content)
    return json.dumps(_change(rng, tree)).encode()


def _change(rng: Random, tree: Any) -> Any:
    if not isinstance(tree, (dict, list)) or not tree or rng.random() < 0.1:
        return rng.choice(_VALUES)
    place = rng.choice(list(tree)) if isinstance(tree, dict) else rng.randrange(len(tree))
    how = rng.random()
    if how < 0.1:
        del tree[place]
    elif how < 0.15 and isinstance(tree, list):
        tree.insert(place, tree[rng.randrange(len(tree))])
    elif how < 0.2 and isinstance(tree, dict):
        tree[str(rng.choice(_VALUES))] = tree.pop(place)
    else:
        tree[place] = _change(rng, tree[place])
    return tree


def _arrays(rng: Random, content: bytes) -> bytes:
    """An array of an npz replaced, reshaped, taken out, or its bytes damaged under a checksum that fits."""
    members = _unpacked(content)
    if not members:
        return _bytes(rng, content)
    name = rng.choice(sorted(members))
    how = rng.random()
    if how < 0.1:
        del members[name]
    elif how < 0.25:
        # Most of the beginning is the header; a pickle is short enough to be hit anywhere.
        head = min(len(members[name]), 400)
        members[name] = _bytes(rng, members[name][:head]) + members[name][head:]
    else:
        members[name] = _array_bytes(_odd_array(rng, members[name]))
    return _packed(members)


def _array(rng: Random, content: bytes) -> bytes:
    """The array of an npy, or its header."""
    head = min(len(content), 400)
    return _array_bytes(_odd_array(rng, content)) if rng.random() < 0.6 else _bytes(rng, content[:head]) + content[head:]


def _members(rng: Random, content: bytes) -> bytes:
    """A file in a zip damaged as files of its name are, under a checksum that fits, taken out, or put in under another name."""
    members = _unpacked(content)
    if not members:
        return _bytes(rng, content)
    name = rng.choice(sorted(members))
    how = rng.random()
    if how < 0.05:
        del members[name]
    elif how < 0.1:
        members[rng.choice(sorted(members))] = members[name]
    else:
        members[name] = mutate(rng, name, members[name])
    return _packed(members)


def _unpacked(content: bytes) -> dict[str, bytes]:
    """What a zip holds, by name; nothing of what is none."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except Exception:
        return {}


def _packed(members: dict[str, bytes]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for each, data in members.items():
            archive.writestr(each, data)
    return packed.getvalue()


def _odd_array(rng: Random, member: bytes) -> Any:
    try:
        value = read_array(io.BytesIO(member), len(member))
    except Exception:
        value = np.zeros(3)
    array = value if isinstance(value, np.ndarray) else np.array(value, dtype=object)
    if array.dtype == object and rng.random() < 0.8:
        return np.array(_change(rng, array.item() if array.shape == () else list(array)), dtype=object)
    flat = array.ravel()
    match rng.randrange(9):
        case 0:
            return flat
        case 1:
            return flat[: rng.randrange(flat.size + 1)]
        case 2:
            return array[None]
        case 3 if array.dtype.kind in "fiu?":
            return array.astype(rng.choice(("f2", "f4", ">f8", "i8", "u1", "c16", "U3", "?")))
        case 4:
            return np.zeros(rng.choice(((), (0,), (1,), (0, 16, 2), (2, 16, 2), (3, 17, 3))))
        case 5:
            return np.array(rng.choice(("", "mpm16", "coco17", "train", "x" * 100)))
        case 6:
            return np.array(rng.choice(_VALUES), dtype=object)
        case 7:
            return np.zeros(3, [("a", "f4"), ("b", "i4")])
    if array.dtype.kind not in "fiu" or not flat.size:
        return np.full(3, np.nan)
    changed = array.copy()
    value = rng.choice((np.nan, np.inf, -np.inf, 0, -1, 1e30, 1e-30, 3e9))
    with np.errstate(all="ignore"):
        changed.ravel()[rng.randrange(flat.size) if rng.random() < 0.7 else slice(None)] = np.array(value).astype(array.dtype)
    return changed


def _array_bytes(array: Any) -> bytes:
    member = io.BytesIO()
    np.lib.format.write_array(member, np.asarray(array), allow_pickle=True)
    return member.getvalue()


def _tensor_header(rng: Random, content: bytes) -> bytes:
    """The JSON that begins a safetensors file, and the JSON of ours within it."""
    length = int.from_bytes(content[:8], "little")
    try:
        header = json.loads(content[8 : 8 + length])
        if rng.random() < 0.8:
            own = header["__metadata__"]
            own["json"] = json.dumps(_change(rng, json.loads(own["json"])))
        else:
            header = _change(rng, header)
    except (ValueError, LookupError, TypeError):
        return _bytes(rng, content)
    new = json.dumps(header).encode()
    return len(new).to_bytes(8, "little") + new + content[8 + length :]


def _tensor_values(rng: Random, content: bytes) -> bytes:
    place = rng.randrange(min(8 + int.from_bytes(content[:8], "little"), len(content)), len(content) + 1)
    return content[:place] + rng.choice((b"\xff\x7f", b"\x00\x7e", b"\xff\xfb", b"\x00\x00")) + content[place + 2 :]


_TEXT = (_words, _words, _bytes)
_BY_SUFFIX: dict[str, tuple[Mutation, ...]] = {
    ".json": (_tree, _tree, _tree, _tree, _words),
    ".npz": (_arrays,),
    ".npy": (_array,),
    ".mpmproj": (_members,),
    ".task": (_members, _bytes),
    ".safetensors": (_tensor_header, _tensor_header, _tensor_values),
    **dict.fromkeys((".csv", ".bvh", ".asf", ".amc", ".txt", ".trc"), _TEXT),
}
