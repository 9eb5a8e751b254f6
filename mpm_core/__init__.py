"""Masked pose modelling: read 2D keypoints, lift them to 3D with any joints hidden, complete 3D, write files.

The names below are the public interface for other programs. The command line and the viewer, which come with this package,
also use the modules beneath it. Each name is imported when it is first used: the window does not wait for the formats.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mpm_core.clip import Clip
    from mpm_core.errors import UserError
    from mpm_core.formats import read_clip, write
    from mpm_core.lifters import load_lifter
    from mpm_core.lifters.aids import Aids
    from mpm_core.prediction import Prediction
    from mpm_core.truth.attaching import attach_truth

__all__ = ["Aids", "Clip", "Prediction", "UserError", "attach_truth", "load_lifter", "read_clip", "write"]

_MODULES = {
    "Aids": "lifters.aids",
    "Clip": "clip",
    "Prediction": "prediction",
    "UserError": "errors",
    "attach_truth": "truth.attaching",
    "load_lifter": "lifters",
    "read_clip": "formats",
    "write": "formats",
}


def __getattr__(name: str) -> Any:
    if name in _MODULES:
        value = globals()[name] = getattr(import_module(f"mpm_core.{_MODULES[name]}"), name)
        return value
    if name in {module.partition(".")[0] for module in _MODULES.values()}:
        return import_module(f"mpm_core.{name}")
    raise AttributeError(f"module 'mpm_core' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
