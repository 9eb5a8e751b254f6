"""Takes the pictures of alternatives in docs/hypotheses.md from the real window: a hidden arm in a walk and in a dance.

make motion-pictures (or: xvfb-run -a -s '-screen 0 1280x800x24' python docs/alternative_pictures.py FOLDER_OF_SHARED_FILES)
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from window_pictures import save, settle, shot, shown_window, until

from app.look.theme import LIGHT
from app.window.main_window import MainWindow
from mpm_core import read_clip, write

_DISTANCE_M, _ELEVATION_DEG = 3.6, 8.0


@dataclass(frozen=True)
class Hidden:
    """A picture's name; frames first to last of a clip of the benchmark; the limb that is hidden in all of them; the frame
    that is shown, and from how far beside the front, degrees."""

    name: str
    select: str
    first: int
    last: int
    limb: str
    frame: int
    turned: float


HIDDEN = (
    Hidden("alternatives-walk", "CMU03/UnevenWalk 03/1", 600, 840, "left arm", 120, 40.0),
    Hidden("alternatives-dance", "CMU94/IndianDance 06/0", 300, 540, "left arm", 120, 40.0),
)


def arrange(window: MainWindow, shared: Path, hidden: Hidden) -> None:
    """Open a part of a clip, hide the limb in it and ask for twenty alternatives."""
    clip = read_clip(shared / "bench/open_val/data_2d_open_gt.npz", select=hidden.select).cut(hidden.first, hidden.last)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"{hidden.name}.npz"
        write(clip, path)
        session = window.session
        window.file_handlers.open_path(path)
        until(lambda: session.clip is not None and len(session) == len(clip) and path.name in session.clip.source)
        settle(window)
    session.set_frame(hidden.frame)
    window.editor.apply_preset(hidden.limb)
    for name in ("alternatives_many", "alternatives"):
        window.actions_by_name[name].setChecked(True)
    settle(window)
    until(lambda: (cloud := session.alternatives.cloud_here(session)) is not None and cloud.is_whole)
    scene = window.scene_view
    assert scene is not None, "the pictures need OpenGL"
    scene.look_from("front")
    scene.setCameraPosition(distance=_DISTANCE_M, elevation=_ELEVATION_DEG, azimuth=scene.opts["azimuth"] + hidden.turned)
    settle(window)


def main(shared: Path) -> None:
    """Write docs/alternatives-*.png: as limbs, and as ellipsoids."""
    for hidden in HIDDEN:
        with shown_window(LIGHT) as window:
            arrange(window, shared, hidden)
            limbs = shot(window, window.scene_view)
            window.actions_by_name["ellipsoids"].setChecked(True)
            settle(window)
            save(hidden.name, limbs, shot(window, window.scene_view))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
