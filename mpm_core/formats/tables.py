"""Owns tables in text: CSV as programs, Excel (semicolons, decimal commas, padded comments) and R (quotes, NA) write it."""

from __future__ import annotations

import csv
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mpm_core.errors import UserError

_DELIMITERS = ",;\t"
MISSING_WORDS = ("", "na", "n/a", "nan", "null", "none", "-", "#n/a", "#div/0!")
"""What programs write where there is nothing, in lower case."""

# Words stand in the table of numbers as these, counted down; no coordinate is as far out.
_FIRST_WORD, _WORD_STEP = -1e15, 1e12
_LARGEST = 1e19  # nanoseconds since 1970 are below
_DECIMAL_COMMA = re.compile(r"(?<![\d.])-?\d+,\d+(?![\d,])")
# Numbers as spreadsheets show them, 1,234.5 or, where commas are decimal, 1.234,5.
_THOUSANDS = re.compile(r"-?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")
_QUOTED_THOUSANDS = re.compile(rf'"{_THOUSANDS.pattern}"')
_POINTS_OF_THOUSANDS = re.compile(r"(?<![^;\t\n\"])-?[1-9]\d{0,2}(?:\.\d{3})+(?=[,;\t\n\"]|$)")
_DECIMAL_POINT = re.compile(r"(?<![^;\t\n\"])-?\d+\.\d+(?=[;\t\n\"]|$)")
_THOUSAND = 1000
_SAMPLE_CHARACTERS = 200_000
_PIECE_CHARACTERS, _LONG_PIECE_CHARACTERS = 250_000, 4_000_000
_TEXT = "S32"  # of a cell that may be a word
_NO_NUMBERS = '"[]{}tf'  # marks of what else JSON knows; where null is written it is meant


@dataclass(frozen=True)
class Table:
    """header: the names of the columns. cells: (rows, columns) numbers, NaN where empty, below -1e15 for words. heads: further
    lines of the header, where a file has several. comments: the '# key: value' lines before it."""

    path: Path
    comments: dict[str, str]
    header: tuple[str, ...]
    cells: NDArray[np.float64]
    words: tuple[str, ...]
    heads: tuple[tuple[str, ...], ...] = ()

    def __len__(self) -> int:
        return len(self.cells)

    def numbers(self, names: Sequence[str]) -> NDArray[np.float64]:
        """(rows, names) numbers, NaN where missing; UserError, with row and column, for anything else."""
        missing = [name for name in names if name not in self.header]
        if missing:
            raise UserError(f"{self.path}: the column '{missing[0]}' is missing")
        check_once(names, self.header, self.path)
        return self.columns([self.header.index(name) for name in names])

    def columns(self, places: Sequence[int]) -> NDArray[np.float64]:
        """The same for columns by their places, from 0."""
        values = self.cells[:, list(places)]
        if self.words and (values <= _FIRST_WORD).any():
            is_word = self._are_words(values)
            numbers = np.array([word.lower() in MISSING_WORDS for word in self.words])
            ids = _word_ids(np.where(is_word, values, _FIRST_WORD))
            wrong = is_word & ~numbers[ids]
            if wrong.any():
                row, column = np.argwhere(wrong)[0]
                word = self.words[ids[row, column]]
                name = self.header[places[column]]
                raise UserError(f"{self.path}: row {row + 1}, column '{name}': '{word[:20]}' is not a number")
            values = np.where(is_word, np.nan, values)
        beyond = (values <= _FIRST_WORD) | (values >= _LARGEST)
        if beyond.any():
            row, column = np.argwhere(beyond)[0]
            raise UserError(f"{self.path}: row {row + 1}, column '{self.header[places[column]]}': too large a number")
        return values

    def _are_words(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        return np.asarray(np.isfinite(values) & (values <= _FIRST_WORD) & (_word_ids(values) < len(self.words)))

    def texts(self, name: str) -> list[str]:
        """A column as it was written, numbers in their shortest form."""
        labels, places = self.labels(name)
        return [labels[place] for place in places]

    def labels(self, name: str) -> tuple[list[str], NDArray[np.intp]]:
        """The different texts of a column, and which of them stands in each row."""
        found, places = np.unique(self.cells[:, self.header.index(name)], return_inverse=True, equal_nan=True)
        ids, are_words = _word_ids(found), self._are_words(found)
        return [self.words[n] if w else f"{v:.15g}" for v, n, w in zip(found, ids, are_words, strict=True)], places.ravel()


def check_once(names: Sequence[str], header: Sequence[str], path: Path) -> None:
    """UserError for names that stand over several columns, also as pandas then calls them (x, x.1): of two people, say."""
    counts = Counter(re.sub(r"\.\d+$", "", name) for name in header)
    twice = next((name for name in names if counts[name] > 1), None)
    if twice is not None:
        raise UserError(f"{path}: there are {counts[twice]} columns '{twice}', and nothing says which is meant")


def _word_ids(values: NDArray[np.float64]) -> NDArray[np.intp]:
    finite = np.where(np.isfinite(values), values, _FIRST_WORD)
    return np.rint((_FIRST_WORD - np.clip(finite, _FIRST_WORD * 1e3, 0)) / _WORD_STEP).astype(int)


def read_table(text: str, path: Path, heads: int = 1) -> Table:
    """A table from a file's whole text, of whose lines the first `heads` after the comments are its header; UserError, with
    the row, for rows of another length than the header."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    comments, lines, body = _split_head(text, heads)
    if len(lines) < heads:
        return Table(path, comments, (), np.empty((0, 0)), ())
    delimiter = max(_DELIMITERS, key=lines[-1].count)
    try:
        headers = [tuple(name.strip() for name in next(csv.reader([line], delimiter=delimiter))) for line in lines]
    except csv.Error as error:
        raise UserError(f"{path}: line 1 after the comments: {error}") from None
    width = len(headers[0])
    if delimiter != "," and _DECIMAL_COMMA.search(body[:100_000]):
        if "." in body:
            whole = _POINTS_OF_THOUSANDS.sub(lambda found: found[0].replace(".", ""), body)
            body = body if _DECIMAL_POINT.search(whole) else whole  # points are decimal, whatever commas are
        body = body.replace(",", ".")
    is_odd = "#" in body or ('"' in body and _QUOTED_THOUSANDS.search(body))
    read = None if is_odd else _read_fast(body, delimiter, width)
    cells, words = read or _read_slowly(body, delimiter, width, path)
    is_used = ~np.isnan(cells).all(1) if width else np.zeros(0, bool)
    return Table(path, comments, headers[0], cells[is_used], words, tuple(headers[1:]))


def _split_head(text: str, heads: int) -> tuple[dict[str, str], list[str], str]:
    """The comments, the header's lines and the rest. Excel pads comments with delimiters and quotes those that hold some."""
    comments: dict[str, str] = {}
    lines: list[str] = []
    place = 0
    while len(lines) < heads and place < len(text):
        end = text.find("\n", place)
        end = len(text) if end < 0 else end
        line = text[place:end]
        place = end + 1
        bare = line.strip().rstrip(_DELIMITERS).strip('" ')
        if bare.startswith("#"):
            key, _, value = bare[1:].partition(":")
            comments[key.strip()] = value.strip()
        elif line.strip(_DELIMITERS + " "):
            lines.append(line)
    return comments, lines, text[place:]


def _read_fast(body: str, delimiter: str, width: int) -> tuple[NDArray[np.float64], tuple[str, ...]] | None:
    """All rows by readers in C, in pieces that fit into the processor's cache; None when they cannot make sense of them."""
    first = body[:_SAMPLE_CHARACTERS].rpartition("\n")[0] or body
    try:
        sample = [row for row in csv.reader(first.split("\n"), delimiter=delimiter) if row]
    except csv.Error:
        return None
    if not sample or any(len(row) != width for row in sample):
        return None
    columns = [{cell.strip() for cell in column} for column in zip(*sample, strict=True)]
    words = [{cell for cell in column if cell and not _is_number(cell)} for column in columns]
    has_empty, has_words = any("" in column for column in columns), any(words)
    known = dict[str, int]()
    pieces = []
    for rows in _pieces(body, _LONG_PIECE_CHARACTERS if has_words else _PIECE_CHARACTERS):
        piece = _fill_empty(rows, delimiter) if has_empty else rows
        cells = None if has_words else _load_numbers(piece, delimiter, width)
        if cells is None:
            cells = _load_cells(piece, delimiter, words, known)
        if cells is None:
            return None
        pieces.append(cells)
    return np.concatenate(pieces), tuple(known)


def _pieces(body: str, length: int) -> Iterator[str]:
    """The rows, some at a time."""
    place = 0
    while place < len(body):
        end = body.find("\n", place + length)
        end = len(body) if end < 0 else end
        piece = body[place:end].strip("\n")
        place = end + 1
        if piece:
            yield piece


def _fill_empty(piece: str, delimiter: str) -> str:
    """The same rows with nan in empty cells."""
    data = np.frombuffer(f"\n{piece}\n".encode(), np.uint8)
    is_delimiter = data == ord(delimiter)
    ends = is_delimiter | (data == ord("\n"))
    empty = np.flatnonzero(ends[:-1] & ends[1:] & (is_delimiter[:-1] | is_delimiter[1:])) + 1
    word = np.frombuffer(b"nan", np.uint8)
    filled = np.insert(data, np.repeat(empty, len(word)), np.tile(word, len(empty)))
    return filled.tobytes().decode()[1:-1]


def _load_numbers(piece: str, delimiter: str, width: int) -> NDArray[np.float64] | None:
    """(rows, width) numbers by the reader of JSON, which is three times as fast as NumPy's; None for what is not written as
    JSON's numbers are, and for rows of another length."""
    import orjson  # training reads no CSV, and does without it

    if delimiter != ",":
        if "," in piece:
            return None
        piece = piece.replace(delimiter, ",")
    if any(mark in piece for mark in _NO_NUMBERS):
        return None
    rows = piece.replace("nan", "null").replace("\n", "],[")
    try:
        cells = np.array(orjson.loads(f"[[{rows}]]"), np.float64)
    except ValueError:
        return None
    return cells if cells.ndim == 2 and cells.shape[1] == width else None


def _load_cells(piece: str, delimiter: str, words: Sequence[set[str]], known: dict[str, int]) -> NDArray[np.float64] | None:
    """(rows, columns) by NumPy's reader. Columns in which the file's first rows hold words, of which `words` has those of each
    column, are read as text, the others as numbers; all as text when that fails."""
    has_words = [bool(column) for column in words]
    rows = _load(piece, delimiter, has_words)
    if rows is None:
        has_words = [True] * len(words)
        rows = _load(piece, delimiter, has_words)
    if rows is None:
        return None
    cells = np.empty((len(rows), len(words)))
    for place, name in enumerate(rows.dtype.names or ()):
        column = _as_numbers(rows[name], words[place], known) if has_words[place] else rows[name]
        if column is None:
            return None
        cells[:, place] = column
    return cells


def _load(piece: str, delimiter: str, are_text: list[bool]) -> NDArray[Any] | None:
    """(rows,) records of a field per column; None for rows of another length, and for what is no number."""
    kinds = np.dtype([(f"c{n}", _TEXT if is_text else "f8") for n, is_text in enumerate(are_text)])
    quote = '"' if '"' in piece else None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of no rows
            return np.loadtxt(piece.split("\n"), kinds, comments=None, delimiter=delimiter, quotechar=quote, ndmin=1)
    except (ValueError, OverflowError):
        return None


def _as_numbers(texts: NDArray[np.bytes_], expected: set[str], known: dict[str, int]) -> NDArray[np.float64] | None:
    """A column of text as numbers, words as those that stand for them; None where texts may be longer than what was kept."""
    texts = np.ascontiguousarray(texts)
    characters = texts.view(np.uint8).reshape(len(texts), -1)
    if characters[:, -1].any():
        return None
    numbers, left = np.full(len(texts), np.nan), texts != b""
    for word in sorted(expected):
        if word.isascii():
            is_word = texts == word.encode()
            numbers[is_word] = _number(word, known)
            left &= ~is_word
    if not left.any():
        return numbers
    if not (characters[left] == ord("_")).any():  # NumPy, as Python, reads 1_000
        with suppress(ValueError):
            numbers[left] = texts[left].astype(np.float64)
            return numbers
    others, places = np.unique(texts[left], return_inverse=True)
    numbers[left] = np.array([_number(other.decode("latin-1").strip(), known) for other in others.tolist()])[places]
    return numbers


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return cell.strip("+-").lower() not in ("nan", "inf", "infinity") and "_" not in cell  # Python reads 1_000


def _read_slowly(body: str, delimiter: str, width: int, path: Path) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Cell by cell, for quoted delimiters, odd numbers and to say what is wrong."""
    reader = csv.reader((line for line in body.split("\n") if _is_row(line)), delimiter=delimiter)
    texts, known = list[list[str]](), dict[str, int]()
    try:
        for number, cells in enumerate(reader):
            if len(cells) < width or any(cell.strip() for cell in cells[width:]):
                raise UserError(f"{path}: row {number + 1} has {len(cells)} columns, the header has {width}")
            texts.append([cell.strip() for cell in cells[:width]])
    except csv.Error as error:
        raise UserError(f"{path}: line {reader.line_num + 1} after the comments: {error}") from None
    if _has_thousands(texts):
        texts = [[cell.replace(",", "") if _THOUSANDS.fullmatch(cell) else cell for cell in cells] for cells in texts]
    rows = [[_number(cell, known) for cell in cells] for cells in texts]
    return np.array(rows, np.float64).reshape(len(rows), width), tuple(known)


def _has_thousands(rows: Sequence[Sequence[str]]) -> bool:
    """Whether commas in cells part thousands: each of them does, and points are decimal, or there are numbers below a thousand
    in the same columns that have none, as decimals with three places would."""
    parted = [cell for cells in rows for cell in cells if "," in cell]
    if not parted or not all(map(_THOUSANDS.fullmatch, parted)):
        return False
    if any("." in cell and ("," in cell or _is_number(cell)) for cells in rows for cell in cells):
        return True
    columns = [column for column in zip(*rows, strict=True) if any("," in cell for cell in column)]
    return any(_is_number(cell) and abs(float(cell)) < _THOUSAND for column in columns for cell in column)


def _is_row(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip('" ').startswith("#")


def _number(cell: str, known: dict[str, int]) -> float:
    if not cell:
        return float("nan")
    comma = cell.replace(",", ".") if _DECIMAL_COMMA.fullmatch(cell) else cell
    return float(comma) if _is_number(comma) else _FIRST_WORD - _WORD_STEP * known.setdefault(cell, len(known))
