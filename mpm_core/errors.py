"""Owns the one exception that a person is meant to read."""

from __future__ import annotations


class UserError(Exception):
    """Something the user gave cannot be used; the text is one sentence with file, place and reason."""
