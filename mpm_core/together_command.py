"""Owns the command together: one person, seen by several calibrated cameras at once."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path
from typing import Any

from mpm_core.calibrated import CalibratedCamera, camera_of, read_cameras
from mpm_core.clip import Clip
from mpm_core.diffusion.options import USUAL_SAMPLES, USUAL_STEPS_TOGETHER, Sampling
from mpm_core.errors import UserError
from mpm_core.formats.base import UNITS, ReadOptions
from mpm_core.lifters.aids import Aids
from mpm_core.masking import unsure_joints
from mpm_core.matching import View, match_views
from mpm_core.output_option import add_output
from mpm_core.reading import typed_size
from mpm_core.terminal import follow
from mpm_core.writing import add_writing, write_options

_log = logging.getLogger("mpm")

_SWITCHES = {
    "mirror": "average each camera's answer with the mirrored one, which takes twice as long",
    "fit": "what several cameras see lies where their rays meet; without it, the answer is the mean of hypotheses",
    "grounding": "move the person so that feet that stand do not slide",
}


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
    for name, what in _SWITCHES.items():
        parser.add_argument(f"--{name}", action=argparse.BooleanOptionalAction, default=True, help=f"{what} (default: on)")
    parser.add_argument(
        "--samples", type=int, metavar="N", help=f"hypotheses (default: none; {USUAL_SAMPLES} where the answer is made of them)"
    )
    parser.add_argument("--steps", type=int, metavar="N", help=f"of each (default: {USUAL_STEPS_TOGETHER})")
    parser.add_argument("--seed", type=int, help="of the noise (default: 0)")
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
    from mpm_core.lifters.several_cameras import Means, Together

    check_target(options.output)
    check_mask_names(options.hide)
    sampling, aids = _sampling_of(options), Aids(mirror=options.mirror, fit=options.fit, ground=options.grounding)
    views = views_of(options.views, read_cameras(options.cameras, options.unit))
    seen = [_view(path, camera, options) for path, camera in views]
    if any(view.clip.chosen is not None for view in seen):
        _log.warning("alternatives that were taken do not count: several cameras see for themselves")
    matched = match_views(seen)
    for note in (*matched.notes, *matched.doubts):
        _log.warning("%s", note)
    first = matched.clips[0]
    mask = parse_mask(options.hide, len(first))
    denoiser = None if options.weights is None else load_denoiser(find_device(options.device), options.weights)
    together = Together.of(matched, mask, sampling, Means(options.device, denoiser=denoiser), aids)
    list(follow(together.run(), "lift"))
    for note in together.notes:
        _log.warning("%s", note)
    prediction = together.prediction()
    options.outputs = [options.output]
    for note in write(prediction, options.output, write_options(options, first, options.output)):
        _log.warning("%s: %s", options.output, note)
    off = ", ".join(f"{camera.name} {px:.1f} px" for (_, camera), px in zip(views, together.off_px(), strict=True))
    _log.info("wrote %s, in the axes of %s; off the keypoints: %s", options.output, views[0][1].name, off)


def _sampling_of(options: argparse.Namespace) -> Sampling:
    """What was typed; UserError for what says something about hypotheses that nobody wants."""
    given = {name: getattr(options, name) for name in ("steps", "seed") if getattr(options, name) is not None}
    idle = next((name for name in (*given, "weights") if getattr(options, name) is not None), None)
    if options.samples == 0 and not options.fit:
        raise UserError("--samples must be 1 or more with --no-fit: the answer is made of them")
    if not options.samples and options.fit and idle is not None:
        raise UserError(f"--{idle} says something about hypotheses, but no --samples are asked for")
    sampling = Sampling(options.samples or 0, **{"steps": USUAL_STEPS_TOGETHER, **given}).checked()
    if getattr(options, "uncertainty", False) and ((options.fit and not sampling.samples) or not sampling.can_differ):
        raise UserError("--uncertainty needs --samples: two hypotheses or more, in two or more --steps")
    return sampling


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


def _view(path: Path, camera: CalibratedCamera, options: argparse.Namespace) -> View:
    """What was saved as hidden with a clip is hidden in its camera."""
    from mpm_core.formats.saved import read_saved

    clip = _read(path, options)
    saved, threshold = read_saved(path, len(clip))
    hidden = unsure_joints(clip, threshold)
    if saved is not None and saved.any():
        _log.info("%s: %d joints stay hidden, as they were saved", path, int(saved.sum()))
        hidden = hidden | saved
    return View(clip, camera, hidden)


def _read(path: Path, options: argparse.Namespace) -> Clip:
    import mpm_core
    from mpm_core.files import VIDEO_SUFFIXES

    if path.suffix.lower() in VIDEO_SUFFIXES:
        raise UserError(f"{path}: is a video; mpm detect makes a keypoint file of it")
    return mpm_core.read_clip(path, options=ReadOptions(fps=options.fps, image_size=options.image_size)).to_mpm16()
