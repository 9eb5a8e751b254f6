"""Owns how long a dialog lives that is asked for once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

from PySide6.QtWidgets import QWidget

_Widget = TypeVar("_Widget", bound=QWidget)


@contextmanager
def passing(widget: _Widget) -> Iterator[_Widget]:
    """A dialog or a menu that goes once it has been answered. As the child of a window it would stay as long as that does, up
    to a megabyte each time somebody opens it, and would go on listening to the document."""
    try:
        yield widget
    finally:
        widget.deleteLater()
