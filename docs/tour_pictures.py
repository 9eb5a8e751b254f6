"""Takes the pictures of docs/tour.md and of the README from the real window, on the bundled demo.

make screenshots (or: xvfb-run -a -s '-screen 0 1600x1000x24' python docs/tour_pictures.py)
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from window_pictures import save, settle, shot, shown_window, until

from app.window.main_window import MainWindow
from mpm_core.lifters import LIFTERS
from mpm_core.skeleton import MPM16

_SECOND = 50  # frames of the demo

Picture = Callable[[MainWindow], None]


def show_panel(window: MainWindow, name: str) -> None:
    """Bring the panel of a name to the front."""
    panels = window.panels
    panels.setCurrentIndex(next(n for n in range(panels.count()) if panels.tabText(n) == name))


def hidden_arm(window: MainWindow) -> None:
    """The left arm hidden from second 2 to 5, errors on the timeline."""
    window.session.set_range(2 * _SECOND, 5 * _SECOND)
    window.editor.apply_preset("left arm")
    window.session.set_frame(190)


def coloured(window: MainWindow) -> None:
    """The same in the colours of the error, with the ground truth beside it."""
    window.actions_by_name["errors"].setChecked(True)
    window.actions_by_name["beside"].setChecked(True)
    show_panel(window, "Metrics")


def compared(window: MainWindow) -> None:
    """MPM and its peers on the same mask, with their curves."""
    for name in ("errors", "beside"):
        window.actions_by_name[name].setChecked(False)
    show_panel(window, "Answers")
    window.actions_by_name["compare_lifters"].trigger()
    until(lambda: len(window.session.kept.answers) == len(LIFTERS))
    for answer in window.session.kept.answers:
        window.session.kept.set_shown(answer.number, True)
    window.actions_by_name["curves"].setChecked(True)


def corrected(window: MainWindow) -> None:
    """A wrist put elsewhere in two frames: those between follow."""
    window.actions_by_name["curves"].setChecked(False)
    for answer in window.session.kept.answers:
        window.session.kept.set_shown(answer.number, False)
    window.session.set_range(None, None)
    clip, wrist = window.session.clip, MPM16.index("RWrist")
    assert clip is not None and clip.keypoints is not None
    for frame, off in ((400, (30.0, -25.0)), (420, (25.0, -40.0))):
        x, y = (float(value) for value in clip.keypoints[frame, wrist] + off)
        window.editor.move_joint(wrist, frame, x, y, window.editor.begin_gesture())
    window.session.set_selection(frozenset({wrist}))
    window.session.set_frame(410)
    show_panel(window, "Corrections")


def motion(window: MainWindow) -> None:
    """Trails of both wrists, and ghosts half a second before and after."""
    window.actions_by_name["truth"].setChecked(False)
    window.session.set_selection(frozenset(MPM16.indices(("LWrist", "RWrist"))))
    window.actions_by_name["trails"].setChecked(True)
    if window.scene_view is not None:
        window.scene_view.ghosts.reach = _SECOND // 2
    show_panel(window, "Joints")
    window.session.set_frame(420)


PICTURES: dict[str, Picture] = {
    "screenshot": hidden_arm, "tour-errors": coloured, "tour-answers": compared, "tour-corrections": corrected,
    "tour-motion": motion,
}  # fmt: skip
"""In the order of the tour: each goes on from where the one before ended."""


def main() -> int:
    """Write docs/NAME.png for every picture, or for those that are named."""
    wanted = sys.argv[1:] or list(PICTURES)
    with shown_window() as window:
        window.file_handlers.open_demo()
        settle(window)
        for name, arrange in PICTURES.items():
            arrange(window)
            settle(window)
            if name in wanted:
                save(name, shot(window))
    return 0


if __name__ == "__main__":
    sys.exit(main())
