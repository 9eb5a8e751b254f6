"""Lines of the panels that come and go without moving what stands below them."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QLabel, QSizePolicy

_HIGHEST_PX = 10_000


class NoteLabel(QLabel):
    """A muted text that has the room of the longest one it will have, also while it is empty."""

    def __init__(self, longest: str) -> None:
        super().__init__()
        self._longest = longest
        self.setProperty("role", "muted")
        self.setWordWrap(True)
        policy = QSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def heightForWidth(self, width: int) -> int:
        room = self.fontMetrics().boundingRect(0, 0, width, _HIGHEST_PX, Qt.TextFlag.TextWordWrap, self._longest)
        return max(room.height(), super().heightForWidth(width))

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self.heightForWidth(self.width()))

    def minimumSizeHint(self) -> QSize:
        return QSize(0, self.fontMetrics().height())
