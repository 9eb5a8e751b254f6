"""Owns tables in text: CSV as programs, Excel (semicolons, decimal commas, padded comments) and R (quotes, NA) write it."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mpm_core.errors import UserError

_DELIMITERS = ",;\t"
MISSING_WORDS = ("", "na", "n/a", "nan", "null", "none", "-", "#n/a", "#div/0!")
"""What programs write where there is nothing, in lower case."""

# Words stand in the table of numbers as these, counted down; no coordinate is as far out.
_FIRST_WORD, _WORD_STEP = -1e15, 1e12
_END_OF_ROW = "-9e18"
_DECIMAL_COMMA = re.compile(r"(?<![\d.])-?\d+,\d+(?![\d,])")
_SAMPLE_CHARACTERS = 200_000


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
        return self.columns([self.header.index(name) for name in names])

    def columns(self, places: Sequence[int]) -> NDArray[np.float64]:
        """The same for columns by their places, from 0."""
        values = self.cells[:, list(places)]
        is_word = self._are_words(values)
        if is_word.any():
            numbers = np.array([word.lower() in MISSING_WORDS for word in self.words])
            ids = _word_ids(np.where(is_word, values, _FIRST_WORD))
            wrong = is_word & ~numbers[ids]
            if wrong.any():
                row, column = np.argwhere(wrong)[0]
                word = self.words[ids[row, column]]
                name = self.header[places[column]]
                raise UserError(f"{self.path}: row {row + 1}, column '{name}': '{word[:20]}' is not a number")
            values = np.where(is_word, np.nan, values)
        beyond = np.abs(values) >= -_FIRST_WORD
        if beyond.any():
            row, column = np.argwhere(beyond)[0]
            raise UserError(f"{self.path}: row {row + 1}, column '{self.header[places[column]]}': too large a number")
        return values

    def _are_words(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        return np.asarray(np.isfinite(values) & (values <= _FIRST_WORD) & (_word_ids(values) < len(self.words)))

    def texts(self, name: str) -> list[str]:
        """A column as it was written, numbers in their shortest form."""
        column = self.cells[:, self.header.index(name)]
        ids = _word_ids(column)
        is_word = self._are_words(column)
        return [self.words[n] if w else f"{v:.15g}" for v, n, w in zip(column, ids, is_word, strict=True)]


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
        body = body.replace(",", ".")
    read = _read_fast(body, delimiter, width, True) or _read_fast(body, delimiter, width, False)
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


def _read_fast(body: str, delimiter: str, width: int, is_sampled: bool) -> tuple[NDArray[np.float64], tuple[str, ...]] | None:
    """All cells at once: words become numbers, empty cells null, and the whole is parsed as one list; None when that fails.

    is_sampled: look only for what the first rows hold, as each look at a large file takes as long as parsing a third of it.
    """
    if '"' in body:
        if re.search(rf'(?:^|[{delimiter}])"[^"\n]*{delimiter}[^"\n]*"', body, re.MULTILINE):
            return None
        body = body.replace('"', "")
    body = "\n" + body.strip("\n") + "\n"
    start = body[:_SAMPLE_CHARACTERS]
    cells = {cell.strip() for row in start.split("\n")[:-1] for cell in row.split(delimiter)}
    if not is_sampled:
        cells |= set(re.findall(rf"[{delimiter}\n] ?([^\d\s.+\-{delimiter}][^{delimiter}\n]*)", body))
    words = sorted((cell for cell in cells if cell and not _is_number(cell)), key=lambda word: (-len(word), word))
    # The space after a word's number makes what may be left of a longer word invalid.
    changes = [("\n\n", "\n"), (f"{delimiter} ", delimiter)]
    changes += [(f"{delimiter}{word}", f"{delimiter}-{1000 + n}e12 ") for n, word in enumerate(words)]
    changes += [(f"\n{word}", f"\n-{1000 + n}e12 ") for n, word in enumerate(words)]
    changes += [(delimiter * 2, f"{delimiter}null{delimiter}")] * 2
    changes += [(f"{delimiter}\n", f"{delimiter}null\n"), (f"\n{delimiter}", f"\nnull{delimiter}")]
    for old, new in changes:
        if not is_sampled or old in start:
            body, start = body.replace(old, new), start.replace(old, new)
    body = body.replace("\n", f"{delimiter}{_END_OF_ROW}{delimiter}")
    flat = _parse_list(body if delimiter == "," else body.replace(delimiter, ","))
    if flat is None or len(flat) % (width + 1) != 1 or not (flat[:: width + 1] == float(_END_OF_ROW)).all():
        return None
    return flat[1:].reshape(-1, width + 1)[:, :width], tuple(words)


def _parse_list(numbers: str) -> NDArray[np.float64] | None:
    """What stands between a first and a last delimiter."""
    import orjson  # training reads no tables, and does without it

    try:
        return np.array(orjson.loads(f"[{numbers[1:-1]}]"), np.float64)
    except (orjson.JSONDecodeError, ValueError, TypeError):
        return None


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return cell.strip("+-").lower() not in ("nan", "inf", "infinity")


def _read_slowly(body: str, delimiter: str, width: int, path: Path) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Cell by cell, for quoted delimiters, odd numbers and to say what is wrong."""
    reader = csv.reader((line for line in body.split("\n") if _is_row(line)), delimiter=delimiter)
    rows, known = [], dict[str, int]()
    try:
        for number, cells in enumerate(reader):
            if len(cells) < width or any(cell.strip() for cell in cells[width:]):
                raise UserError(f"{path}: row {number + 1} has {len(cells)} columns, the header has {width}")
            rows.append([_number(cell.strip(), known) for cell in cells[:width]])
    except csv.Error as error:
        raise UserError(f"{path}: line {reader.line_num + 1} after the comments: {error}") from None
    return np.array(rows, np.float64).reshape(len(rows), width), tuple(known)


def _is_row(line: str) -> bool:
    return bool(line.strip()) and not line.lstrip('" ').startswith("#")


def _number(cell: str, known: dict[str, int]) -> float:
    if not cell:
        return float("nan")
    comma = cell.replace(",", ".") if _DECIMAL_COMMA.fullmatch(cell) else cell
    return float(comma) if _is_number(comma) else _FIRST_WORD - _WORD_STEP * known.setdefault(cell, len(known))
