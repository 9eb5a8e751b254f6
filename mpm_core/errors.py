"""Owns the exception that a person is meant to read, the one by which a person ends something, and sentences for what the
system refuses."""

from __future__ import annotations

from pathlib import Path

_LONGEST = 2000


class UserError(Exception):
    """Something the user gave cannot be used; the text is one sentence with file, place and reason.

    What it repeats of a file may hold anything, so that ends of lines in it become blanks, and far too much is cut.

    >>> import mpm_core
    >>> try:
    ...     mpm_core.read_clip("nosuch.json")
    ... except mpm_core.UserError as error:
    ...     print(error)
    nosuch.json: there is no such file or folder
    """

    def __init__(self, text: str) -> None:
        text = " ".join(text.splitlines())
        super().__init__(text if len(text) <= _LONGEST else f"{text[: _LONGEST // 2]} … {text[-_LONGEST // 2 :]}")


class CancelledError(Exception):
    """Somebody does not want the result any more."""


def as_sentence(error: OSError | MemoryError) -> str:
    """What the system refused, for people: the file if it says which, and why."""
    if isinstance(error, MemoryError):
        return "there is too little memory for this"
    reason = error.strerror or " ".join(str(error).split()) or type(error).__name__
    return f"{error.filename}: {reason}" if error.filename else reason


def why_no_working_folder() -> str:
    """A sentence that says what to do when the folder that the program was started in is gone; nothing when it is there."""
    try:
        Path.cwd()
    except OSError:
        return "the folder that this was started in is no longer there: change to another one"
    return ""
