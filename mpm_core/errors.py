"""Owns the exception that a person is meant to read, and the one by which a person ends something."""

from __future__ import annotations


class UserError(Exception):
    """Something the user gave cannot be used; the text is one sentence with file, place and reason."""


class CancelledError(Exception):
    """Somebody does not want the result any more."""
