"""Makes the pages of the site that nobody writes: the command line, of its parsers, and the model card. MkDocs calls it."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

from mpm_core.cli import build_parser

_ROOT = Path(__file__).parents[1]
_WIDTH = 80  # characters of usage that fit beside the contents
_CARD, _CARD_PAGE = "assets/weights/README.md", "model-card.md"


def on_files(files: Files, config: Any) -> Files:
    files.append(File.generated(config, "command-line.md", content="\n".join(_command_line())))
    card = (_ROOT / _CARD).read_text(encoding="utf-8").replace("](../../docs/", "](")
    files.append(File.generated(config, _CARD_PAGE, content=card))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Links to what lies elsewhere in the repository lead to its page."""
    return markdown.replace(f"](../{_CARD})", f"]({_CARD_PAGE})")


def _command_line() -> Iterator[str]:
    yield "# Command line\n\nThis page is made of the program's own `--help`. Frames are counted from 0."
    yield "A mistake gives one sentence and exit status 2.\n"
    for name, parser, about in _commands(build_parser()):
        yield f"## {name}\n\n{_escaped(about[:1].upper() + about[1:])}.\n"
        yield f"```text\n{_usage(parser)}\n```\n"
        for group in parser._action_groups:
            rows = [_row(action) for action in group._group_actions if not isinstance(action, argparse._HelpAction)]
            if rows:
                yield "| | |\n| --- | --- |\n" + "\n".join(rows) + "\n"


def _commands(parser: argparse.ArgumentParser) -> Iterator[tuple[str, argparse.ArgumentParser, str]]:
    """Each command that can be typed, with its parser and what it is for."""
    for action in parser._actions:
        if not isinstance(action, argparse._SubParsersAction):
            continue
        about = {choice.dest: choice.help or "" for choice in action._choices_actions}
        for name, command in action.choices.items():
            deeper = list(_commands(command))
            yield from deeper or [(command.prog, command, about.get(name, ""))]


def _usage(parser: argparse.ArgumentParser) -> str:
    """As --help has it, whatever the width of the terminal."""
    formatter = argparse.HelpFormatter(parser.prog, width=_WIDTH)
    formatter.add_usage(parser.usage, parser._actions, parser._mutually_exclusive_groups, prefix="")
    return formatter.format_help().strip()


def _row(action: argparse.Action) -> str:
    value = action.metavar or ("" if action.nargs == 0 else action.dest.upper())
    value = " ".join(value) if isinstance(value, tuple) else value
    names = ", ".join(action.option_strings) or str(value)
    shown = f"`{names} {value}`" if action.option_strings and value else f"`{names}`"
    one_of = f" One of {', '.join(map(str, action.choices))}." if action.choices else ""
    return f"| {shown} | {_escaped(action.help or '')}.{one_of} |"


def _escaped(text: str) -> str:
    for mark in "<>[]*|":
        text = text.replace(mark, f"\\{mark}")
    return text.replace("%%", "%")
