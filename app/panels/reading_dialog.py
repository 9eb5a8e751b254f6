"""The dialog that shows how far reading a folder of many files is, and cancels it."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QProgressDialog, QWidget

from app.workers.opening import Opener

# What is read sooner needs no dialog.
_SHOWN_AFTER_MS = 700


class ReadingDialog(QProgressDialog):
    """Comes up by itself when reading takes long, and goes when it is done."""

    def __init__(self, opener: Opener, parent: QWidget | None = None) -> None:
        super().__init__("", "Cancel", 0, 1, parent)
        self.setWindowTitle("Reading")
        self.setWindowModality(Qt.WindowModality.WindowModal)
        self.setMinimumDuration(_SHOWN_AFTER_MS)
        self.reset()
        self.canceled.connect(opener.cancel)
        opener.progress.connect(self._on_progress)

    def _on_progress(self, name: str, done: int, total: int) -> None:
        if done >= total:
            self.reset()
            return
        self.setLabelText(f"{name}: {done} of {total} files")
        self.setMaximum(total)
        self.setValue(done)
