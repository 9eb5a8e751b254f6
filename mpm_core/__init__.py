"""Masked pose modelling: read 2D keypoints, lift them to 3D with any joints hidden, complete 3D, write files.

The names below are the public interface for other programs. The command line and the viewer, which come with this package,
also use the modules beneath it.
"""

from mpm_core.clip import Clip
from mpm_core.errors import UserError
from mpm_core.formats import read_clip, write
from mpm_core.lifters import load_lifter
from mpm_core.lifters.aids import Aids
from mpm_core.prediction import Prediction
from mpm_core.truth.attaching import attach_truth

__all__ = ["Aids", "Clip", "Prediction", "UserError", "attach_truth", "load_lifter", "read_clip", "write"]
