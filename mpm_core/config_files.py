"""Owns options that stand in a TOML file (--config walk.toml): they are put before those that were typed, which win."""

from __future__ import annotations

import argparse
import copy
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

from mpm_core.errors import UserError
from mpm_core.output_option import SaidOnce

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

_OPTION = "--config"
_NEVER = ("help", "config")


def add_config(parser: argparse.ArgumentParser) -> None:
    """The option that names such a file; with_config reads it."""
    parser.add_argument(
        _OPTION, type=Path, metavar="FILE", help="TOML file with options, as fps = 25, or under [command]; what is typed wins"
    )


def with_config(commands: Mapping[str, argparse.ArgumentParser], arguments: Sequence[str]) -> list[str]:
    """The arguments with those of the file that --config names, if it is given.

    Keys are the long names of options, with _ or -, for any command that has them, or in a table with the command's name for
    that one alone. true and false say an option with or without no- before it, a list says an option several times. UserError,
    with file and line, for a key that no command has or a value that cannot be.
    """
    name = next((word for word in arguments if word in commands), None)
    if name is None or not any(map(_may_be_config, arguments)):
        return list(arguments)
    command: argparse.ArgumentParser = commands[name]
    if not _options(command).keys() >= {"config"}:
        return list(arguments)  # which the parser refuses, as it knows no such option
    place = arguments.index(name)
    typed = _Loose(command).parse(arguments[place + 1 :])
    if typed is None or "config" not in typed:
        return list(arguments)  # a mistake, which the parser itself tells best
    path = typed["config"]
    words: list[str] = []
    for key, value, where in _settings(path, name, commands):
        action = _options(command).get(_plain(key))
        if action is None or action.dest in typed:
            continue
        said = _words(action, value, where)
        if _Loose(command).parse(said) is None:
            raise UserError(f"{where}: {key} cannot be {value!r} ({_Loose(command).why(said)})")
        words += said
    return [*arguments[: place + 1], *words, *arguments[place + 1 :]]


def _may_be_config(word: str) -> bool:
    """Whether a word is the option, or the beginning of it, which parsers take as well."""
    option = word.partition("=")[0]
    return len(option) > len("--") and _OPTION.startswith(option)


def _settings(path: Path, name: str, commands: Mapping[str, argparse.ArgumentParser]) -> list[tuple[str, Any, str]]:
    """(key, value, place) of what the file says to a command, its own table last."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
        content = tomllib.loads(text)
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror})") from error
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise UserError(f"{path}: not valid TOML ({error})") from None
    shared, own = [], []
    for key, value in content.items():
        where = _where(path, text, key)
        if isinstance(value, dict):
            if key not in commands or "config" not in _options(commands[key]):
                raise UserError(f"{where}: there is no command '{key}' that takes options from a file")
            for inner, one in value.items():
                if _plain(inner) not in _options(commands[key]) or _plain(inner) in _NEVER:
                    raise UserError(f"{_where(path, text, inner)}: mpm {key} has no option '{inner}'")
                if key == name:
                    own.append((inner, one, _where(path, text, inner)))
        elif _plain(key) in _NEVER or not any(_plain(key) in _options(c) for c in commands.values() if "config" in _options(c)):
            raise UserError(f"{where}: there is no option '{key}'")
        else:
            shared.append((key, value, where))
    told = {_plain(key) for key, *_ in own}
    return [setting for setting in shared if _plain(setting[0]) not in told] + own


def _where(path: Path, text: str, key: str) -> str:
    """The file, and the line in which a key seems to stand."""
    found = re.search(rf"^\s*\[?\s*[\"']?{re.escape(key)}[\"']?\s*[\].=]", text, re.MULTILINE)
    return f"{path}, line {text.count(chr(10), 0, found.end()) + 1}" if found else str(path)


def _plain(key: str) -> str:
    return key.replace("_", "-")


def _options(parser: argparse.ArgumentParser) -> dict[str, argparse.Action]:
    """A command's options by their long names, without dashes; their opposites are not among them."""
    found: dict[str, argparse.Action] = {}
    for action in parser._actions:
        for text in action.option_strings:
            if text.startswith("--") and not (isinstance(action, argparse.BooleanOptionalAction) and text.startswith("--no-")):
                found[text[2:]] = action
    return found


def _words(action: argparse.Action, value: Any, where: str) -> list[str]:
    """A setting as it would be typed."""
    option = next(text for text in action.option_strings if text.startswith("--"))
    if isinstance(value, bool):
        if isinstance(action, argparse.BooleanOptionalAction):
            return [option if value else f"--no-{option[2:]}"]
        if action.nargs != 0:
            raise UserError(f"{where}: {option[2:]} needs a value, not {str(value).lower()}")
        return [option] if value else []
    if action.nargs == 0:
        raise UserError(f"{where}: {option[2:]} is true or false, not {value!r}")
    if isinstance(value, list):
        if not isinstance(action, (argparse._AppendAction, SaidOnce)):
            value = ",".join(map(str, value))  # as --to bvh,csv and --up 0,-1,0
        else:
            return [f"{option}={one}" for one in value]
    if isinstance(value, dict):
        raise UserError(f"{where}: {option[2:]} is one value, not a table")
    return [f"{option}={value}"]


class _MistakeError(Exception):
    pass


class _Loose:
    """A command's parser that demands nothing and assumes nothing, so that it tells what was given alone."""

    def __init__(self, command: argparse.ArgumentParser) -> None:
        self._parser = _Silent(add_help=False, argument_default=argparse.SUPPRESS)
        for action in command._actions:
            if isinstance(action, argparse._HelpAction):
                continue
            self._parser._add_action(_copied(action))

    def parse(self, words: Sequence[str]) -> dict[str, Any] | None:
        """What was given, by name; None for a mistake."""
        try:
            return vars(self._parser.parse_args(words))
        except _MistakeError:
            return None

    def why(self, words: Sequence[str]) -> str:
        """What is wrong, as the parser says it."""
        try:
            self._parser.parse_args(words)
        except _MistakeError as error:
            return str(error)
        return ""


class _Silent(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _MistakeError(message)


def _copied(action: argparse.Action) -> argparse.Action:
    loose = copy.copy(action)
    loose.default, loose.required = argparse.SUPPRESS, False
    if not loose.option_strings:
        loose.nargs = "*"
    return loose
