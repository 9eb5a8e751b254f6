"""The range in the status line: it is read there, and typed."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QLineEdit, QSizePolicy

from app.document.session import Session
from app.document.typed_times import range_typed
from app.document.words import COUNTED_FROM_ONE
from mpm_core.errors import UserError

_NONE = "no range"
_AROUND_PX = 14


class RangeField(QLineEdit):
    """Shows the session's range as long as nobody types. Return takes what was typed, Esc and leaving it do not; nothing typed
    means no range."""

    def __init__(self, session: Session, counts_seconds: Callable[[], bool]) -> None:
        """counts_seconds: whether a range is typed in seconds first, as the ruler counts."""
        super().__init__()
        self._session, self._counts_seconds = session, counts_seconds
        self.setFrame(False)
        self.setProperty("role", "inline")
        self.setPlaceholderText(_NONE)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)
        self.returnPressed.connect(self._take)
        for signal in (session.range_changed, session.clip_changed, session.rate_changed):
            signal.connect(self._show)
        self._show()

    def sizeHint(self) -> QSize:
        return QSize(self._width_of(self._texts()[0] or _NONE), super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(self._width_of(_NONE), super().minimumSizeHint().height())

    def _width_of(self, text: str) -> int:
        return self.fontMetrics().horizontalAdvance(text) + _AROUND_PX

    def _texts(self) -> tuple[str, ...]:
        """The range in words, from the longest to the shortest."""
        clip, chosen = self._session.clip, self._session.range
        if clip is None or chosen is None:
            return ("",)
        begin, end = (float(clip.times[frame]) for frame in chosen)
        frames = f"{chosen[0] + 1}–{chosen[1] + 1}"
        return f"range {frames} ({begin:.2f}–{end:.2f} s)", f"range {frames}", frames

    def _show(self, *_: object) -> None:
        """Unless somebody is typing."""
        texts = self._texts()
        self.setVisible(self._session.clip is not None)
        self.updateGeometry()
        if self.hasFocus():
            return
        self.setText(next((text for text in texts if self._width_of(text) <= self.width()), texts[-1]))
        self.setCursorPosition(0)
        how = "Type a range: frames (10–60) or seconds (1–2.5 s), then Return. Or Shift+drag on the ruler."
        self.setToolTip("\n".join(part for part in (texts[0], how, COUNTED_FROM_ONE) if part))

    def _take(self) -> None:
        clip = self._session.clip
        try:
            chosen = range_typed(self.text(), clip.times) if clip is not None and self.text().strip() else (None, None)
        except UserError as error:
            self._session.warning.emit(str(error))
            return
        self._session.set_range(*chosen)
        self.clearFocus()

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        clip, chosen = self._session.clip, self._session.range
        if clip is None or chosen is None:
            self.setText("")
        elif self._counts_seconds():
            self.setText("{:.2f}–{:.2f} s".format(*(float(clip.times[frame]) for frame in chosen)))
        else:
            self.setText(f"{chosen[0] + 1}–{chosen[1] + 1}")
        self.selectAll()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._show()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._show()

    def event(self, event: QEvent) -> bool:
        """Take Esc before the window's own meaning of it does."""
        is_esc = isinstance(event, QKeyEvent) and event.key() == Qt.Key.Key_Escape
        if is_esc and event.type() == QEvent.Type.ShortcutOverride:
            event.accept()
            return True
        if is_esc and event.type() == QEvent.Type.KeyPress:
            self.clearFocus()
            return True
        return super().event(event)
