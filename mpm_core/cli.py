"""Owns the command mpm: what can be typed, and how results and mistakes are shown."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mpm_core.aids_command import add_aids
from mpm_core.bulk.ending import STATUS_INTERRUPTED, STATUS_TERMINATED, TerminatedError
from mpm_core.bulk.options import add_bulk
from mpm_core.commands import run_complete, run_convert, run_lift
from mpm_core.completion import add_completion
from mpm_core.config_files import add_config, with_config
from mpm_core.detectors.command import add_cleaning, add_detect, add_detector
from mpm_core.errors import UserError, as_sentence, why_no_working_folder
from mpm_core.figures_command import add_metrics
from mpm_core.films.command import add_render
from mpm_core.option_parser import OptionParser
from mpm_core.output_option import add_output
from mpm_core.reading import add_meaning, typed_size
from mpm_core.sampling_command import add_sampling
from mpm_core.terminal import follow, say
from mpm_core.together_command import add_together
from mpm_core.truth.command import add_truth
from mpm_core.writing import add_writing

_log = logging.getLogger("mpm")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, 2 after a mistake of the user's or where an input could not be used,
    130 when interrupted, 143 after SIGTERM."""
    logging.basicConfig(format="%(message)s", stream=sys.stderr)
    _log.setLevel(logging.INFO)
    problem = why_no_working_folder()
    if problem:
        _log.error("mpm: %s", problem)
        return 2
    parser = build_parser()
    try:
        options = parser.parse_args(with_config(_commands_of(parser), sys.argv[1:] if arguments is None else arguments))
        options.run(options)
    except UserError as error:
        _log.error("mpm: %s", error)
        return 2
    except KeyboardInterrupt:
        _log.error("mpm: interrupted")
        return _leave(STATUS_INTERRUPTED, is_command=arguments is None)
    except TerminatedError:
        _log.error("mpm: ended by SIGTERM")
        return _leave(STATUS_TERMINATED, is_command=arguments is None)
    except BrokenPipeError:
        return 0
    except (OSError, MemoryError) as error:
        _log.debug("the command failed", exc_info=True)
        _log.error("mpm: %s", as_sentence(error))
        return 2
    return 0


def _leave(status: int, is_command: bool) -> int:
    """Somebody waits for the end: a command goes without taking torch apart first, which can take a second."""
    if is_command:
        logging.shutdown()
        sys.stdout.flush()
        os._exit(status)
    return status


def build_parser() -> argparse.ArgumentParser:
    """The whole command line."""
    parser = OptionParser(prog="mpm", description="Masked pose modelling: 2D keypoints to 3D, with any joint hidden.")
    commands = parser.add_subparsers(required=True, metavar="command")
    _add_lift(commands)
    add_together(commands)
    add_detect(commands)
    _add_complete(commands)
    _add_convert(commands)
    add_metrics(commands)
    add_render(commands, _add_all_of_lifting, typed_size)
    _add_training(commands)
    _add_import(commands)
    _add_eval(commands)
    add_completion(commands, build_parser)
    for one in ("lift", "detect", "complete", "convert", "render", "metrics"):
        add_config(commands.choices[one])
    info = commands.add_parser("info", help="version, devices, formats and the shipped weights")
    info.add_argument("--json", action="store_true", help="as a JSON document")
    info.set_defaults(run=_run_info)
    bench = commands.add_parser("bench", help="speed figures of this machine")
    bench.add_argument("--device", default="auto", help="auto, cpu or cuda")
    bench.add_argument("--video", type=Path, help="measure detection in this video instead")
    bench.add_argument("--json", action="store_true", help="as a JSON document")
    bench.set_defaults(run=_run_bench)
    return parser


def _commands_of(parser: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    """The parsers of all commands by their names."""
    return next(dict(action.choices) for action in parser._actions if isinstance(action, argparse._SubParsersAction))


def _add_reading(parser: argparse.ArgumentParser, writes_poses: bool = True) -> None:
    parser.add_argument("--fps", type=float, help="frames per second, when the file does not say, or of a video in slow motion")
    parser.add_argument("--image-size", type=typed_size, metavar="WxH", help="image size in pixels, when the file does not say")
    parser.add_argument("--person", type=int, help="which person of several (0 is seen longest and largest)")
    parser.add_argument("--select", help="subject/action/camera of a file with many clips")
    add_meaning(parser)
    parser.add_argument("--up", type=_direction, metavar="X,Y,Z", help="which way is up, in camera axes (x right, y down)")
    parser.add_argument("--pitch", type=float, metavar="DEG", help="or by how much the camera looks down")
    parser.add_argument("--roll", type=float, metavar="DEG", help="and by how much it is rolled, clockwise")
    parser.add_argument(
        "--height", type=float, metavar="M", help="how tall the person is, in metres: what is lifted is scaled to it"
    )
    if writes_poses:
        add_writing(parser)


def _add_lifter(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--lifter", default="mpm", help="mpm, a peer that only lifts (stmo, tcn), or by hypotheses: d3dp, platypose"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--weights", type=Path, help="weights of your own instead of the shipped ones")
    parser.add_argument(
        "--mode", default="fast", help="fast (whole windows) or per-frame (a window for every frame, as the paper has it)"
    )
    add_aids(parser)


def _add_hide(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--hide",
        action="append",
        default=[],
        metavar="WHAT[:FIRST-LAST]",
        help="a joint, limb (as 'left arm'), preset or 'all', in frames from 0, both ends hidden too; repeatable",
    )


def _add_lift(commands: Any) -> None:
    parser = commands.add_parser("lift", help="2D keypoints, or a video, to 3D")
    add_bulk(parser, "keypoint files, videos, folders of them or with a file per frame", "bvh")
    _add_all_of_lifting(parser, writes_poses=True)
    parser.set_defaults(run=run_lift)


def _add_all_of_lifting(parser: argparse.ArgumentParser, writes_poses: bool = False) -> None:
    """From a file or a video to an answer."""
    _add_reading(parser, writes_poses)
    add_detector(parser)
    add_cleaning(parser)
    add_truth(parser)
    _add_lifter(parser)
    add_sampling(parser)
    _add_hide(parser)


def _add_complete(commands: Any) -> None:
    parser = commands.add_parser("complete", help="fill in missing or hidden joints of 3D positions")
    add_bulk(parser, "files with 3D positions, or folders of them", "bvh")
    _add_reading(parser)
    _add_lifter(parser)
    add_sampling(parser)
    _add_hide(parser)
    parser.set_defaults(run=run_complete)


def _add_convert(commands: Any) -> None:
    parser = commands.add_parser("convert", help="one file format to another, without any network")
    add_bulk(parser, "keypoint files, folders of them or with a file per frame", "csv")
    _add_reading(parser)
    add_truth(parser)
    parser.set_defaults(run=run_convert)


def _add_training(commands: Any) -> None:
    train = commands.add_parser("train", help="train the network on a motion pack")
    train.add_argument("pack", type=Path, nargs="+", help="motion packs (npz); their 'train' splits are used")
    train.add_argument(
        "--mix", type=float, nargs="+", action="extend", help="share of each batch that comes from each pack (default: by size)"
    )
    add_output(train, required=True, help="folder for checkpoints and weights")
    train.add_argument("--network", default="mpm", help="mpm, a peer of it (stmo, tcn), or denoiser")
    train.add_argument("--share", type=float, default=1.0, help="train on this share of the clips, chosen at random")
    train.add_argument("--stage", choices=("1", "2", "both"), default="both", help="masked pre-training, fine-tuning or both")
    train.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a setting, such as stage_two.batch=128"
    )
    train.add_argument("--start-from", type=Path, help="weights to begin with")
    train.add_argument("--device", default="auto", help="auto, cpu or cuda")
    train.add_argument("--minutes", type=float, help="end after so long, with weights written")
    train.add_argument("--save-every", type=float, default=5.0, metavar="MINUTES", help="how often to save")
    train.set_defaults(run=_run_train)


def _add_import(commands: Any) -> None:
    data = commands.add_parser("data", help="training data").add_subparsers(metavar="what", required=True)
    imported = data.add_parser("import", help="motion files and data sets to one motion pack")
    imported.add_argument("sources", type=Path, nargs="+", metavar="PATH", help="files or folders")
    add_output(imported, required=True, help="the pack to write (npz)")
    imported.add_argument("--fps", type=float, help="frames per second, where neither file nor manifest.csv says")
    imported.add_argument("--units-per-metre", type=float, help="size, where the manifest.csv does not say (else guessed)")
    imported.add_argument("--split", default="train", help="split of what neither manifest.csv nor data set assigns")
    imported.add_argument("--body-models", type=Path, metavar="FOLDER", help="where smplh/SMPLH_MALE.npz lies, for AMASS")
    imported.set_defaults(run=_run_import)


def _add_eval(commands: Any) -> None:
    evaluation = commands.add_parser("eval", help="accuracy on a benchmark folder")
    evaluation.add_argument("folder", type=Path, help="folder with data_2d_open_gt.npz and its companions")
    evaluation.add_argument("--stride", type=int, default=1, help="score one of so many frames")
    evaluation.add_argument(
        "--protocol",
        action="append",
        default=[],
        help="lifting, occlusion, completion, up, refine, hypotheses or calibration; or one that trains networks first (with"
        " --pack and --runs): supervision, samplers, ratios, tasks, specialist, augmentation, inputs, leads, peers, long-peers"
        " or rigs; repeatable (default: the paper's tables 1, 3, 4)",
    )
    evaluation.add_argument(
        "--pack", type=Path, nargs="+", action="extend", help="motion packs to train on, where a protocol trains"
    )
    evaluation.add_argument(
        "--cell", type=int, action="append", default=[], help="one network of a study, by its number; repeatable"
    )
    evaluation.add_argument("--family", action="append", default=[], help="rigs: a family of files; repeatable (default: all)")
    group = evaluation.add_argument_group("protocols refine, hypotheses and calibration")
    group.add_argument("--views", type=int, default=10, metavar="N", help="look at so many views, spread evenly (default: 10)")
    group.add_argument("--frames", type=int, default=400, metavar="N", help="and at so many frames of each (default: 400)")
    group.add_argument("--samples", type=int, default=20, metavar="H", help="hypotheses, at most (default: 20)")
    group.add_argument(
        "--steps", type=int, nargs="+", action="extend", metavar="K", help="in which they are denoised (default: 1 2 5 10)"
    )
    group.add_argument(
        "--ways", nargs="+", action="extend", metavar="WAY", help="of the denoiser: d3dp, uncertain, platypose (default: all)"
    )
    group.add_argument("--denoiser", type=Path, metavar="FILE", help="weights of a denoiser of your own")
    evaluation.add_argument("--runs", type=Path, metavar="FOLDER", help="where these trained networks are kept")
    evaluation.add_argument(
        "--windows", type=int, nargs=2, metavar=("I", "II"), help="how long each of them trains: windows of both stages"
    )
    evaluation.add_argument(
        "--threshold",
        type=float,
        default=0.0,
        help="hide 2D of less confidence, as the viewer does with detections",
    )
    evaluation.add_argument("--details", action="store_true", help="also tables by action and by joint")
    evaluation.add_argument("--json", type=Path, help="also write the figures as JSON")
    evaluation.add_argument(
        "--baselines", type=Path, metavar="PACK", help="also a mean pose and a single-frame network, made from this motion pack"
    )
    _add_lifter(evaluation)
    evaluation.set_defaults(run=_run_eval)


def _direction(text: str) -> tuple[float, float, float]:
    try:
        x, y, z = (float(part) for part in text.split(","))
        return x, y, z
    except ValueError:
        raise argparse.ArgumentTypeError(f"'{text}' is not a direction such as 0,-0.9,-0.4") from None


def _run_info(options: argparse.Namespace) -> None:
    from mpm_core.about import describe, facts

    say(json.dumps(facts(), indent=1) if options.json else describe())


def _run_bench(options: argparse.Namespace) -> None:
    from mpm_core.bench import Speed, describe_machine, run_bench
    from mpm_core.detectors.bench import bench_video

    steps = bench_video(options.video) if options.video else run_bench(options.device)
    found = []
    for speed in follow(steps, "measuring"):
        assert isinstance(speed, Speed)
        found.append({"what": speed.what, "value": speed.value, "unit": speed.unit})
        if not options.json:
            say(f"{speed.what:<64}{speed.value:>10.1f} {speed.unit}")
    machine = describe_machine(options.device)
    say(json.dumps({"speeds": found, "machine": machine}, indent=1) if options.json else machine)


def _run_train(options: argparse.Namespace) -> None:
    from mpm_core.training.command import train

    train(options, follow)


def _run_import(options: argparse.Namespace) -> None:
    from mpm_core.data.importing import ImportOptions, ImportReport, import_motion

    wanted = ImportOptions(options.fps, options.units_per_metre, options.split, options.body_models)
    for report in follow(import_motion(options.sources, options.output, wanted), "importing"):
        assert isinstance(report, ImportReport)
        say(report.as_text())


def _run_eval(options: argparse.Namespace) -> None:
    from mpm_core.training.command import evaluate_command

    evaluate_command(options, follow, say)


if __name__ == "__main__":  # torchrun -m mpm_core.cli
    sys.exit(main())
