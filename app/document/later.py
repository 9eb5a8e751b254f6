"""Owns parts that are made after the window has shown, or before that when somebody needs one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

Part = TypeVar("Part")


class Later(Generic[Part]):
    """A part, which `make` makes once."""

    def __init__(self, make: Callable[[], Part]) -> None:
        self._make: Callable[[], Part] | None = make
        self._made: list[Part] = []
        self._waiting: list[Callable[[Part], object]] = []

    @property
    def is_made(self) -> bool:
        return bool(self._made)

    def now(self) -> Part:
        """The part, made now unless it is there."""
        if self._make is not None:
            make, self._make = self._make, None
            self._made.append(make())
            waiting, self._waiting = self._waiting, []
            for do in waiting:
                do(self._made[0])
        return self._made[0]

    def then(self, do: Callable[[Part], object]) -> None:
        """Do something with the part: at once if it is there, else when it is made, in the order in which this was asked."""
        if self._made:
            do(self._made[0])
        else:
            self._waiting.append(do)
