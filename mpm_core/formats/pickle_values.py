"""Reads the values in a pickle without running it: opcodes are interpreted here, and nothing that they name is ever called.

Only numbers, text, NumPy arrays of those and plain containers can come into being, whatever a file says. (Unpickling with a
list of safe names is not enough: numpy.ndarray with a buffer of the file's choice reads pointers from it.)
"""

from __future__ import annotations

import math
import pickletools
import re
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Bounds on what a small file can make of itself.
_MOST_OPCODES = 20_000_000
_MOST_VALUES = 1_000_000_000  # with what is shared counted as often as it is used
_DEEPEST = 32

_NUMPY = ("numpy.core.multiarray", "numpy._core.multiarray")
_KEYS = (str, bytes, int, float, np.generic)


class PickleError(Exception):
    """Why a pickle is refused; a clause."""


class _Unbuilt:
    """What an opcode has named or begun, and another one has to complete before it is a value. `what`: a name of _MAKERS."""

    def __init__(self, what: str, dtype: np.dtype[Any] | None = None) -> None:
        self.what, self.dtype = what, dtype
        self.places: list[int] = []  # in the memo


def read_pickle(data: bytes) -> Any:
    """The value of a pickle of any protocol. PickleError for one that is damaged, or asks for more than data has need of."""
    reader = _Reader()
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(data)):
            if count > _MOST_OPCODES:
                raise PickleError("it has too many parts")
            reader.take(opcode.name, argument)
        (value,) = reader.stack
    except PickleError:
        raise
    except Exception as error:  # a damaged pickle may bring out anything
        raise PickleError("it is damaged") from error
    _check_size(value)
    return value


def is_plain(dtype: np.dtype[Any]) -> bool:
    """Whether an array of this type holds truth values, numbers or text, one in each place."""
    return dtype.kind in "biuSU" or (dtype.kind == "f" and dtype.itemsize <= 8)


def to_native(array: NDArray[Any]) -> NDArray[Any]:
    """A plain array in this machine's byte order, its truth values either 0 or 1."""
    if array.dtype.kind == "b":
        return array.view(np.uint8) != 0
    return array.astype(array.dtype.newbyteorder("="), copy=False)


class _Reader:
    """The stack machine that a pickle is written for."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}

    def take(self, name: str, argument: Any) -> None:
        """One opcode."""
        if name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name]() if argument is None else argument)
        elif name in _ACTIONS:
            _ACTIONS[name](self, argument)
        elif name not in _IGNORED:
            raise PickleError(f"it asks for {name}, which data has no need of")

    def mark(self, _: Any) -> None:
        self._marks.append(len(self.stack))

    def since_mark(self) -> list[Any]:
        place = self._marks.pop()
        items, self.stack[place:] = self.stack[place:], []
        return items

    def top(self, count: int) -> list[Any]:
        if len(self.stack) < count:
            raise PickleError("it is damaged")
        items, self.stack[-count:] = self.stack[-count:], []
        return items

    def put(self, place: int | None) -> None:
        place, value = len(self._memo) if place is None else place, self.stack[-1]
        self._memo[place] = value
        if isinstance(value, _Unbuilt):
            value.places.append(place)

    def get(self, place: int) -> None:
        self.stack.append(self._memo[place])

    def extend(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, (list, set)):
            raise PickleError("it is damaged")
        (target.extend if isinstance(target, list) else target.update)(_whole(items))

    def set_items(self, items: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, dict) or len(items) % 2:
            raise PickleError("it is damaged")
        target.update(_table(items))

    def name(self, text: str) -> None:
        module, _, name = text.partition(" ")
        what = name if module in _NUMPY else f"{module}.{name}"
        if what not in _MAKERS:
            raise PickleError(f"it asks for {module}.{name}, which data has no need of")
        self.stack.append(_Unbuilt(what))

    def make(self, _: Any) -> None:
        maker, arguments = self.top(2)
        if not isinstance(maker, _Unbuilt) or not isinstance(arguments, tuple):
            raise PickleError("it is damaged")
        self.stack.append(_MAKERS[maker.what](*arguments))

    def build(self, _: Any) -> None:
        begun, state = self.top(2)
        if not isinstance(begun, _Unbuilt) or begun.what not in _BUILDERS or not isinstance(state, tuple):
            raise PickleError("it is damaged")
        value = _BUILDERS[begun.what](begun, *state)
        self.stack.append(value)
        for place in begun.places:
            if self._memo[place] is begun:
                self._memo[place] = value


def _whole(items: Iterable[Any]) -> list[Any]:
    """The items, of which none may be half made."""
    items = list(items)
    if any(isinstance(item, _Unbuilt) for item in items):
        raise PickleError("it is damaged")
    return items


def _table(items: list[Any]) -> dict[Any, Any]:
    keys = items[::2]
    if not all(isinstance(key, _KEYS) for key in keys):
        raise PickleError("a key of a table in it is neither text nor a number")
    return dict(zip(keys, _whole(items[1::2]), strict=True))


def _as_bytes(text: Any, encoding: str = "latin1") -> bytes:
    """Text that stands for bytes, as pickles of Python 2 and protocol 2 have it."""
    if isinstance(text, (bytes, bytearray)):
        return bytes(text)
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise PickleError("it is damaged")
    return text.encode("latin1")


def _no_bytes(*arguments: Any) -> bytes:
    if arguments:
        raise PickleError("it is damaged")
    return b""


def _make_array(*_: Any) -> _Unbuilt:
    raise PickleError("it asks for an array of memory of its own choice")


def _begin_array(kind: Any, *_: Any) -> _Unbuilt:
    if not isinstance(kind, _Unbuilt) or kind.what != "numpy.ndarray":
        raise PickleError("it is damaged")
    return _Unbuilt("an array")


def _begin_dtype(text: Any, *_: Any) -> _Unbuilt:
    text = text.decode("ascii") if isinstance(text, bytes) else text
    if not isinstance(text, str) or not re.fullmatch(r"[?]|[biuf]\d|O\d?|[SU]\d{1,5}", text):
        raise PickleError("an array in it is of a type that data has no need of")
    return _Unbuilt("a dtype", np.dtype(text))


def _build_dtype(begun: _Unbuilt, version: Any, order: Any, parent: Any, names: Any, *_: Any) -> np.dtype[Any]:
    order = order.decode("ascii") if isinstance(order, bytes) else order
    if order not in ("<", ">", "|", "=") or parent is not None or names is not None or begun.dtype is None:
        raise PickleError("an array in it is of a type that data has no need of")
    return begun.dtype if order in "|=" else begun.dtype.newbyteorder(order)


def _build_array(begun: _Unbuilt, version: Any, shape: Any, dtype: Any, is_fortran: Any, data: Any) -> NDArray[Any]:
    return _array(data, dtype, shape, "F" if is_fortran else "C")


def _array_of_buffer(data: Any, dtype: Any, shape: Any, order: Any) -> NDArray[Any]:
    return _array(data, dtype, shape, "F" if order == "F" else "C")


def _array(data: Any, dtype: Any, shape: Any, order: Any) -> NDArray[Any]:
    """An array of its bytes or, where it holds objects, of a list of them."""
    if not isinstance(dtype, np.dtype) or not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
        raise PickleError("it is damaged")
    count = math.prod(shape)
    if dtype.kind == "O":
        if not isinstance(data, list) or len(data) != count:
            raise PickleError("an array in it has another size than it says")
        flat: NDArray[Any] = np.empty(count, object)
        for place, item in enumerate(_whole(data)):
            flat[place] = item
        return flat.reshape(shape, order=order)
    content = _as_bytes(data)
    if not is_plain(dtype) or len(content) != count * dtype.itemsize:
        raise PickleError("an array in it has another size than it says")
    flat = np.frombuffer(content, dtype) if count and dtype.itemsize else np.zeros(count, dtype)
    return to_native(flat.reshape(shape, order=order))


def _scalar(dtype: Any, data: Any) -> Any:
    return _array(data, dtype, (1,), "C")[0]


def _check_size(value: Any) -> None:
    """PickleError for a value that holds itself, or that is small only because its parts are shared."""
    sizes: dict[int, int] = {}

    def size_of(part: Any, depth: int) -> int:
        if isinstance(part, _Unbuilt) or depth > _DEEPEST:
            raise PickleError("it is nested too deeply to be data" if depth > _DEEPEST else "it is damaged")
        if isinstance(part, np.ndarray) and part.dtype != object:
            return int(part.size)
        if not isinstance(part, (list, tuple, set, frozenset, dict, np.ndarray)):
            return 1
        if id(part) not in sizes:
            parts = part.values() if isinstance(part, dict) else part.ravel() if isinstance(part, np.ndarray) else part
            sizes[id(part)] = 1 + sum(size_of(inner, depth + 1) for inner in parts)
        if sizes[id(part)] > _MOST_VALUES:
            raise PickleError("it has too many parts")
        return sizes[id(part)]

    size_of(value, 0)


_MAKERS: dict[str, Callable[..., Any]] = {
    "numpy.ndarray": _make_array,
    "numpy.dtype": _begin_dtype,
    "_reconstruct": _begin_array,
    "scalar": _scalar,
    "numpy.core.numeric._frombuffer": _array_of_buffer,
    "numpy._core.numeric._frombuffer": _array_of_buffer,
    "_codecs.encode": _as_bytes,
    "__builtin__.bytes": _no_bytes,
}
_BUILDERS: dict[str, Callable[..., Any]] = {"a dtype": _build_dtype, "an array": _build_array}

# Opcodes by what they push: their argument, or else an empty container or a constant.
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None, "NEWTRUE": lambda: True, "NEWFALSE": lambda: False, "EMPTY_LIST": list, "EMPTY_DICT": dict,
    "EMPTY_TUPLE": tuple, "EMPTY_SET": set,
    **dict.fromkeys(("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT"), int),
    **dict.fromkeys(("STRING", "BINSTRING", "SHORT_BINSTRING", "UNICODE", "BINUNICODE", "SHORT_BINUNICODE"), str),
    **dict.fromkeys(("BINUNICODE8", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"), str),
}  # fmt: skip
_ACTIONS: dict[str, Callable[[_Reader, Any], None]] = {
    "MARK": _Reader.mark,
    "POP": lambda r, _: r.top(1).clear(),
    "POP_MARK": lambda r, _: r.since_mark().clear(),
    "DUP": lambda r, _: r.stack.append(r.stack[-1]),
    "PUT": _Reader.put, "BINPUT": _Reader.put, "LONG_BINPUT": _Reader.put, "MEMOIZE": _Reader.put,
    "GET": _Reader.get, "BINGET": _Reader.get, "LONG_BINGET": _Reader.get,
    "APPEND": lambda r, _: r.extend(r.top(1)),
    "APPENDS": lambda r, _: r.extend(r.since_mark()),
    "ADDITEMS": lambda r, _: r.extend(r.since_mark()),
    "SETITEM": lambda r, _: r.set_items(r.top(2)),
    "SETITEMS": lambda r, _: r.set_items(r.since_mark()),
    "LIST": lambda r, _: r.stack.append(_whole(r.since_mark())),
    "DICT": lambda r, _: r.stack.append(_table(r.since_mark())),
    "FROZENSET": lambda r, _: r.stack.append(frozenset(_whole(r.since_mark()))),
    "TUPLE": lambda r, _: r.stack.append(tuple(r.since_mark())),
    "TUPLE1": lambda r, _: r.stack.append(tuple(r.top(1))),
    "TUPLE2": lambda r, _: r.stack.append(tuple(r.top(2))),
    "TUPLE3": lambda r, _: r.stack.append(tuple(r.top(3))),
    "GLOBAL": _Reader.name,
    "STACK_GLOBAL": lambda r, _: r.name(" ".join(map(str, r.top(2)))),
    "REDUCE": _Reader.make,
    "BUILD": _Reader.build,
}  # fmt: skip
_IGNORED = ("PROTO", "FRAME", "STOP")
