"""Options that are typed twice: none of what was typed is lost without a word."""

import argparse
import logging

import pytest

from mpm_core.cli import build_parser, main


def parsers(parser=None):
    for action in (parser or build_parser())._actions:
        if isinstance(action, argparse._SubParsersAction):
            for one in action.choices.values():
                yield one
                yield from parsers(one)


OF_SEVERAL = {(one.prog, action.dest): action for one in parsers() for action in one._actions if action.option_strings}


def test_no_option_of_several_values_drops_those_of_before():
    """Neither by taking the last list that was typed, nor by adding to what is usual."""
    several = [action for action in OF_SEVERAL.values() if action.nargs in ("+", "*") or "repeatable" in (action.help or "")]
    assert len(several) >= 15
    for action in several:
        taken = argparse.Namespace(**{action.dest: action.default})
        made = [action.type(one) if action.type not in (None, float) else one for one in ("1", "2", "3")]
        for values in (made[:2], made[2:]) if action.nargs else made:
            action(build_parser(), taken, values, action.option_strings[0])
        found = getattr(taken, action.dest)
        assert (found if isinstance(found, str) else ",".join(map(str, found))) == "1,2,3", action.option_strings


def test_packs_steps_and_ways_of_all_times(tmp_path):
    line = "eval f --pack a b --pack c --steps 1 --steps 5 7 --ways d3dp --ways uncertain"
    taken = build_parser().parse_args(line.split())
    assert [str(pack) for pack in taken.pack] == ["a", "b", "c"]
    assert taken.steps == [1, 5, 7] and taken.ways == ["d3dp", "uncertain"]
    assert build_parser().parse_args(["eval", "f"]).steps is None


def test_formats_of_all_times(tmp_path, demo, caplog):
    from mpm_core import write

    write(demo.cut(0, 9), tmp_path / "a.npz")
    arguments = ["convert", str(tmp_path / "a.npz"), "-o", str(tmp_path / "out"), "--to", "csv", "--to", "trc,c3d"]
    assert main(arguments) == 0
    assert {path.suffix for path in (tmp_path / "out").rglob("a.*")} == {".csv", ".trc", ".c3d"}


@pytest.mark.parametrize(("words", "said"), [
    ("--fps 25 --fps 50", "--fps is given twice: 50.0 counts, and not 25.0"),
    ("--fps 25 --fps=50", "--fps is given twice: 50.0 counts, and not 25.0"),
    ("--image-size 10x20 --image-size 30x40", "--image-size is given twice: 30 40 counts, and not 10 20"),
    ("--truth a.bvh --truth b.bvh", "--truth is given twice: b.bvh counts, and not a.bvh"),
    ("--fps 25 --fps 25", ""), ("--fps 25", ""),
])  # fmt: skip
@pytest.mark.parametrize("config", ["", "fps = 12"])
def test_a_second_value_is_said_once(tmp_path, demo, caplog, words, said, config):
    (tmp_path / "o.toml").write_text(config)
    with caplog.at_level(logging.WARNING, "mpm"):
        arguments = [
            "convert",
            "a.npz",
            "-o",
            "b.csv",
            *words.split(),
            *(["--config", str(tmp_path / "o.toml")] if config else []),
        ]
        assert main(arguments) == 2  # there is no such file
    told = [record.message for record in caplog.records if "given twice" in record.message]
    assert told == ([said] if said else [])
