"""Owns the parser of every command: mistakes in one sentence, and no word of what was typed lost in silence."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence
from typing import Any, NoReturn

_log = logging.getLogger("mpm")


class OptionParser(argparse.ArgumentParser):
    """Says what is wrong in one sentence; the usage is in --help. An option of one value that is given two is said to have the
    last, as shells' aliases want it; one of several values has those of all times that it is given."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.register("action", None, _Store)
        self.register("action", "store", _Store)
        self.register("action", "store_const", _StoreConst)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} ({self.prog} --help lists what can be given)\n")

    def say_replaced(self, option: str, before: Any, value: Any) -> None:
        """Tell that a value was typed in place of another one."""
        _log.warning("%s is given twice: %s counts, and not %s", option, _shown(value), _shown(before))


class Joined(argparse.Action):
    """Keeps a list that is typed with commas, as a text, and adds to it when it is given again."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        before = getattr(namespace, self.dest, None)
        setattr(namespace, self.dest, values if before is None else f"{before},{values}")


class _NotesSecond(argparse.Action):
    """What both kinds below have in common."""

    _given: tuple[argparse.Namespace, Any] | None = None

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        value = self.const if self.nargs == 0 else values
        is_again = self._given is not None and self._given[0] is namespace
        if is_again and self._given[1] != value and option_string and isinstance(parser, OptionParser):  # type: ignore[index]
            parser.say_replaced(option_string, self._given[1], value)  # type: ignore[index]
        self._given = namespace, value
        setattr(namespace, self.dest, value)


class _Store(_NotesSecond, argparse._StoreAction):
    pass


class _StoreConst(_NotesSecond, argparse._StoreConstAction):
    pass


def _shown(value: Any) -> str:
    return " ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)
