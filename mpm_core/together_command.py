"""Owns the command together: one person, seen by several calibrated cameras at once."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import Any

from mpm_core.calibrated import CalibratedCamera, camera_of, read_cameras
from mpm_core.clip import Clip
from mpm_core.diffusion.options import USUAL_SAMPLES, Sampling
from mpm_core.errors import UserError
from mpm_core.formats.base import UNITS, ReadOptions
from mpm_core.matching import View, match_views
from mpm_core.output_option import add_output
from mpm_core.reading import typed_size
from mpm_core.terminal import follow
from mpm_core.writing import add_writing, write_options

_log = logging.getLogger("mpm")


def add_together(commands: Any) -> None:
    """The command's options."""
    parser = commands.add_parser("together", help="2D keypoints of several calibrated cameras to one 3D motion")
    parser.add_argument(
        "views", nargs="+", metavar="[CAMERA=]FILE",
        help="keypoint files of one person at one time; the answer is in the frames and axes of the first one's camera",
    )  # fmt: skip
    parser.add_argument(
        "--cameras", type=Path, required=True, metavar="FILE",
        help="their calibration, TOML as of Anipose or Pose2Sim: matrix, distortions, rotation, translation",
    )  # fmt: skip
    parser.add_argument("--unit", choices=tuple(UNITS), default="m", help="unit of its translations (default: %(default)s)")
    add_output(parser, required=True, help="file to write, in the format of its ending")
    parser.add_argument("--fps", type=float, help="frames per second, when the files do not say")
    parser.add_argument("--image-size", type=typed_size, metavar="WxH", help="image size in pixels, when the files do not say")
    parser.add_argument("--samples", type=int, default=USUAL_SAMPLES, metavar="N", help="hypotheses (default: %(default)s)")
    parser.add_argument("--steps", type=int, default=10, metavar="N", help="of each (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=0, help="of the noise (default: 0)")
    parser.add_argument(
        "--hide", action="append", default=[], metavar="WHAT[:FIRST-LAST]", help="hidden from all cameras, see mpm lift"
    )
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--weights", type=Path, help="of a denoiser of your own instead of the shipped one")
    add_writing(parser)
    parser.set_defaults(run=run_together)


def run_together(options: argparse.Namespace) -> None:
    """Lift what all cameras see, and write it."""
    from mpm_core.formats import check_target, write
    from mpm_core.hiding import check_mask_names, parse_mask
    from mpm_core.lifters import find_device
    from mpm_core.lifters.denoisers import load_denoiser
    from mpm_core.lifters.several_cameras import Together

    check_target(options.output)
    check_mask_names(options.hide)
    sampling = Sampling(options.samples, options.steps, seed=options.seed).checked()
    if not sampling.samples:
        raise UserError("--samples must be 1 or more: the answer is made of them")
    views = views_of(options.views, read_cameras(options.cameras, options.unit))
    matched = match_views([View(_read(path, options), camera) for path, camera in views])
    for note in (*matched.notes, *matched.doubts):
        _log.warning("%s", note)
    first = matched.clips[0]
    mask = parse_mask(options.hide, len(first))
    denoiser = load_denoiser(find_device(options.device), options.weights)
    together = Together.of(matched, mask, sampling, denoiser)
    list(follow(together.run(), "lift"))
    prediction = together.prediction()
    options.outputs = [options.output]
    for note in write(prediction, options.output, write_options(options, first, options.output)):
        _log.warning("%s: %s", options.output, note)
    off = ", ".join(f"{camera.name} {px:.1f} px" for (_, camera), px in zip(views, together.off_px(), strict=True))
    _log.info("wrote %s, in the axes of %s; off the keypoints: %s", options.output, views[0][1].name, off)


def views_of(words: list[str], cameras: tuple[CalibratedCamera, ...]) -> list[tuple[Path, CalibratedCamera]]:
    """Files and their cameras. UserError where a camera is not told, or told twice."""
    views: list[tuple[Path, CalibratedCamera]] = []
    for word in words:
        name, equals, rest = word.partition("=")
        is_named = bool(equals) and not Path(word).exists()
        path = Path(rest if is_named else word)
        camera = camera_of(cameras, path, name if is_named else "")
        if any(other is camera for _, other in views):
            raise UserError(f"{path}: the camera '{camera.name}' has a file already")
        views.append((path, camera))
    return views


def _read(path: Path, options: argparse.Namespace) -> Clip:
    import mpm_core
    from mpm_core.files import VIDEO_SUFFIXES

    if path.suffix.lower() in VIDEO_SUFFIXES:
        raise UserError(f"{path}: is a video; mpm detect makes a keypoint file of it")
    return mpm_core.read_clip(path, options=ReadOptions(fps=options.fps, image_size=options.image_size)).to_mpm16()
