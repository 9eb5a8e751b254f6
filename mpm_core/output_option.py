"""Owns the option -o of the commands: one place to write to, which is said once."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def add_output(parser: argparse.ArgumentParser, **more: Any) -> None:
    """-o, --output. more: as of argparse's add_argument."""
    parser.add_argument("-o", "--output", type=Path, action=SaidOnce, **more)


class SaidOnce(argparse.Action):
    """Keeps a value, and refuses a second one, which argparse would take in place of the first without a word."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | Sequence[Any] | None,
        option_string: str | None = None,
    ) -> None:
        before = getattr(namespace, self.dest, None)
        if before is not None:
            raise argparse.ArgumentError(self, f"given twice, as {before} and as {values}, but there is one place to write to")
        setattr(namespace, self.dest, values)
