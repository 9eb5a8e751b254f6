"""Owns what the actions that change no clip do: going through frames, what is lifted how, how it is looked at, help."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QInputDialog, QMessageBox, QWidget

from app.document.playback import SPEEDS, Playback
from app.document.session import Session
from app.document.typed_times import frame_typed
from app.document.words import COUNTED_FROM_ONE
from app.panels.passing import passing
from app.window.help import CommandPalette, KeysDialog
from mpm_core.errors import UserError


class ViewHandlers(QObject):
    """Binds the table of actions to the playback, the views and the dialogs of help."""

    def __init__(
        self, window: QWidget, session: Session, playback: Playback,
        restyle: Callable[[str | None, str | None], None], counts_seconds: Callable[[], bool],
    ) -> None:  # fmt: skip
        super().__init__()
        self._window, self._session, self._playback = window, session, playback
        self._restyle, self._counts_seconds = restyle, counts_seconds
        self._anchor = 0

    # Going through frames

    def play(self) -> None:
        self._playback.toggle()

    def step(self, count: int) -> None:
        self._playback.pause()
        self._session.set_frame(self._session.frame + count)

    def select_step(self, count: int) -> None:
        self._select_to(self._session.frame + count)

    def go_first(self) -> None:
        self._session.set_frame(self._playback_ends()[0])

    def go_last(self) -> None:
        self._session.set_frame(self._playback_ends()[1])

    def select_first(self) -> None:
        self._select_to(0)

    def select_last(self) -> None:
        self._select_to(len(self._session) - 1)

    def go_to(self) -> None:
        """To a frame or a time that is typed; the one at hand stands there as the ruler counts."""
        clip, here = self._session.clip, self._session.frame
        if clip is None:
            return
        begin, end = float(clip.times[0]), float(clip.times[-1])
        label = (
            f"A frame, from 1 to {len(clip)}, or a time (2.5 s, 1:05), from {begin:.2f} to {end:.2f} s.\n{COUNTED_FROM_ONE}."
        )
        at_hand = f"{clip.times[here]:.2f} s" if self._counts_seconds() else str(here + 1)
        text, is_chosen = QInputDialog.getText(self._window, "Go to", label, text=at_hand)
        if is_chosen:
            try:
                self._session.set_frame(frame_typed(text, clip.times))
            except UserError as error:
                self._session.warning.emit(str(error))

    def set_loops(self, loops: bool) -> None:
        self._playback.set_loops(loops)

    def change_speed(self, direction: int) -> None:
        place = SPEEDS.index(self._playback.speed) + direction
        self._playback.set_speed(SPEEDS[max(0, min(place, len(SPEEDS) - 1))])

    def _select_to(self, frame: int) -> None:
        """Move and choose all frames passed, from where choosing began."""
        chosen, here = self._session.range, self._session.frame
        if chosen is None or here not in chosen:
            self._anchor = here
        else:
            self._anchor = chosen[0] if here == chosen[1] else chosen[1]
        self._session.set_frame(frame)
        self._session.set_range(self._anchor, self._session.frame)

    def select_frames(self, first: int, last: int) -> None:
        """As a drag over the ruler does: the frame goes along, since what is done in the range is to be seen."""
        self._session.set_range(first, last)
        self._session.set_frame(last)

    def _playback_ends(self) -> tuple[int, int]:
        return self._session.range or (0, len(self._session) - 1)

    # Lifting and looking

    def set_task(self, task: str) -> None:
        self._session.set_options(self._session.options.with_task(task))

    def set_theme(self, name: str) -> None:
        self._restyle(name, None)

    def set_palette(self, name: str) -> None:
        self._restyle(None, name)

    # Help

    def show_palette(self) -> None:
        with passing(CommandPalette(self._window)) as dialog:
            dialog.exec()

    def show_keys(self) -> None:
        with passing(KeysDialog(self._window)) as dialog:
            dialog.exec()

    def show_about(self) -> None:
        from mpm_core.about import version_text  # not needed to open a window

        text = (
            f"<b>mpm-viewer {version_text()}</b><p>Masked pose modelling, after Zhang et al., arXiv 2306.17201.</p>"
            "<p>Trained on motion from mocap.cs.cmu.edu, created with funding from NSF EIA-0196217, and on ReActIdle.</p>"
        )
        QMessageBox.about(self._window, "About mpm-viewer", text)
