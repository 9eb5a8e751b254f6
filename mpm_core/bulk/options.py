"""Owns what can be typed of many inputs: which, where to, how many at once, and what is told."""

from __future__ import annotations

import argparse
from pathlib import Path

from mpm_core.bulk.inputs import LIST_SIGN
from mpm_core.option_parser import Joined
from mpm_core.output_option import add_output

_INPUTS_HELP = """Inputs are files, folders with all that lies in them, patterns in quotes with *, ** and ?, and @FILE, a text
file with a path in each line (from the folder that you are in). For several the output is a folder, in which the folders of
the input are kept, beside mpm.log and what --resume needs. Status: 0; 2 when something failed; 130 after Ctrl+C; 143 after
SIGTERM."""


def add_bulk(parser: argparse.ArgumentParser, what: str, usual: str) -> None:
    """For commands that take several inputs, which is what run_each wants. what: the inputs; usual: the format of outputs."""
    parser.epilog = _INPUTS_HELP
    parser.set_defaults(usual_format=usual)
    parser.add_argument("inputs", type=_input, nargs="+", metavar="input", help=f"{what}; also patterns and @LIST")
    add_output(parser, required=True, help="file to write, in the format of its ending; for several inputs or formats a folder")
    group = parser.add_argument_group("many inputs")
    group.add_argument(
        "--to",
        action=Joined,
        metavar="FORMATS",
        help=f"formats in such a folder, as bvh,csv,trc; repeatable (default: {usual})",
    )
    group.add_argument("--jobs", type=int, default=1, metavar="N", help="how many inputs to work on at once (default: 1)")
    group.add_argument("--base", type=Path, metavar="FOLDER", help="folders below this one are kept in the output")
    group.add_argument("--resume", action="store_true", help="leave out what was done before, as it is asked now")
    group.add_argument("--dry-run", action="store_true", help="only say what would be written")
    group.add_argument("--json", action="store_true", help="the summary as a JSON document on standard output")
    group.add_argument("--dask", metavar="ADDRESS", help="work on a Dask cluster, as tcp://host:8786 (extra: cluster)")


def _input(text: str) -> Path:
    """What was typed; ./@name is the file of that name, from which Path would make @name, a list."""
    path = Path(text)
    return path.absolute() if str(path).startswith(LIST_SIGN) and not text.startswith(LIST_SIGN) else path
