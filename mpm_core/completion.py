"""Owns the command completion, which prints what a shell needs to complete mpm's commands and options."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mpm_core.errors import UserError
from mpm_core.terminal import say

SHELLS = ("bash", "zsh", "fish", "tcsh")

_HOW = """bash: mpm completion bash > ~/.local/share/bash-completion/completions/mpm; zsh: mpm completion zsh > _mpm, in a
folder of $fpath; fish: mpm completion fish > ~/.config/fish/completions/mpm.fish; then open a new shell"""


def add_completion(commands: Any, build_parser: Callable[[], argparse.ArgumentParser]) -> None:
    """The command completion."""
    parser = commands.add_parser("completion", help="completion for a shell, to be saved where it looks for it", epilog=_HOW)
    parser.add_argument("shell", choices=SHELLS, help="which shell")
    parser.set_defaults(run=lambda options: say(completion_script(build_parser(), options.shell)))


def completion_script(parser: argparse.ArgumentParser, shell: str) -> str:
    """The script for a shell, with files where an option takes one; made by shtab from the parser itself."""
    import shtab

    if shell not in shtab.SUPPORTED_SHELLS:
        raise UserError(f"mpm completion {shell}: shtab is too old for this shell (pip install --upgrade shtab)")
    _complete_files(parser, shtab.FILE)
    return str(shtab.complete(parser, shell))


def _complete_files(parser: argparse.ArgumentParser, by_file: Any) -> None:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for one in action.choices.values():
                _complete_files(one, by_file)
        elif action.type is Path:
            action.complete = by_file  # type: ignore[attr-defined]
