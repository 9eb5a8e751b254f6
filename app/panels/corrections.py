"""The corrections panel: how frames between keys are filled, and the list of all keys: a click goes there, Delete clears."""

from __future__ import annotations

import math

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.document.corrections import Corrections
from app.document.session import Session
from app.document.timers import single_shot
from app.document.words import COUNTED_FROM_ONE, frames_in_words, joint_in_words
from mpm_core.corrections import Key

_FILLS = {"smooth": "Smooth curve", "linear": "Straight line", "none": "As measured"}
_SHORT_FILLS = {"smooth": "smooth", "linear": "line", "none": ""}
_JOINT, _FRAME, _MOVED, _TO_NEXT = range(4)
_PLACE_ROLE = Qt.ItemDataRole.UserRole
_MOST_ROWS = 2000
_WAIT_MS = 80
_LONGEST_S = 60.0
_HINT = (
    "Nothing is corrected yet. Drag a joint in the image to where it really is: that is a key, and the 3D goes through it. "
    "A second key of the joint fills the frames between; with a range chosen, a drag moves the joint over all of it."
)


class CorrectionsPanel(QWidget):
    """Lists the keys of the clip. A signal tells what was clicked; edits go to the corrections."""

    key_chosen = Signal(int, int)  # joint, frame

    def __init__(self, session: Session, corrections: Corrections) -> None:
        super().__init__()
        self._session, self._corrections = session, corrections
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 8, 10, 10)
        layout.addLayout(self._build_fill())
        self._note = QLabel(_HINT)
        self._note.setProperty("role", "muted")
        self._note.setWordWrap(True)
        layout.addWidget(self._note)
        self.list = self._build_list()
        layout.addWidget(self.list, 1)
        layout.addLayout(self._build_buttons())
        layout.addStretch()
        self._due = single_shot(self, self.refresh, _WAIT_MS)
        for signal in (session.keypoints_changed, session.clip_changed):
            signal.connect(lambda *_: self._due.start())
        session.frame_changed.connect(self._show_here)
        corrections.settings_changed.connect(self._show_fill)
        self._show_fill()
        self.refresh()

    def _build_fill(self) -> QFormLayout:
        form = QFormLayout()
        form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)  # large text in a narrow panel
        self._fill, self._reach = QComboBox(), QDoubleSpinBox()
        for name, label in _FILLS.items():
            self._fill.addItem(label, name)
        self._fill.setToolTip("How the frames between a new key and its neighbours are filled")
        self._reach.setRange(0.04, _LONGEST_S)
        self._reach.setDecimals(2)
        self._reach.setSingleStep(0.5)
        self._reach.setSuffix(" s apart")
        self._reach.setToolTip("Keys of a joint that are farther apart are left alone: what was measured between them stays")
        self._fill.activated.connect(self._on_fill)
        self._reach.valueChanged.connect(self._on_fill)
        form.addRow("Between keys", self._fill)
        form.addRow("at most", self._reach)
        return form

    def _build_list(self) -> QTreeWidget:
        rows = QTreeWidget()
        rows.setColumnCount(4)
        rows.setHeaderLabels(["Joint", "Frame", "Moved", "To the next"])
        rows.setRootIsDecorated(False)
        rows.setUniformRowHeights(True)
        rows.setMinimumHeight(150)
        rows.headerItem().setToolTip(_FRAME, COUNTED_FROM_ONE)
        rows.headerItem().setToolTip(_MOVED, "From where it was measured")
        rows.headerItem().setToolTip(_TO_NEXT, "How the frames up to the next key are filled")
        header = rows.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(_JOINT, QHeaderView.ResizeMode.Stretch)
        for column in (_FRAME, _MOVED, _TO_NEXT):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)
        rows.itemClicked.connect(self._on_clicked)
        rows.currentItemChanged.connect(self._on_current)
        return rows

    def _build_buttons(self) -> QHBoxLayout:
        row = QHBoxLayout()
        self._clear, self._restore = QPushButton("Clear key"), QPushButton("Restore all")
        self._clear.setToolTip("Take the chosen key away (Delete); the frames that hang on it alone are as measured again")
        self._restore.setToolTip("Every joint of every frame as it was measured, in the range or the whole clip")
        self._clear.clicked.connect(self._on_clear)
        self._restore.clicked.connect(self._on_restore)
        row.addWidget(self._clear)
        row.addWidget(self._restore)
        return row

    def refresh(self) -> None:
        """The list anew, in the order of frames."""
        keys = sorted(self._corrections.keys(), key=lambda key: (key.frame, key.joint))
        chosen = self._chosen()
        self.list.blockSignals(True)
        self.list.clear()
        for key in keys[:_MOST_ROWS]:
            item = _row_of(key)
            self.list.addTopLevelItem(item)
            if (key.joint, key.frame) == chosen:
                self.list.setCurrentItem(item)
        self.list.blockSignals(False)
        self.list.setVisible(bool(keys))
        more = len(keys) - _MOST_ROWS
        self._note.setText(_HINT if not keys else f"… and {more} more keys after these" if more > 0 else "")
        self._note.setVisible(not keys or more > 0)
        for button in (self._clear, self._restore):
            button.setEnabled(bool(keys))

    def _chosen(self) -> tuple[int, int] | None:
        item = self.list.currentItem()
        return None if item is None else tuple(item.data(_JOINT, _PLACE_ROLE))

    def _show_here(self, frame: int) -> None:
        """Mark the key of the frame at hand, if there is one."""
        found = next(
            (item for n in range(self.list.topLevelItemCount()) if (item := self.list.topLevelItem(n)) is not None
             and item.data(_JOINT, _PLACE_ROLE)[1] == frame), None,
        )  # fmt: skip
        chosen = self._chosen()
        if found is not None and (chosen is None or chosen[1] != frame):
            self.list.blockSignals(True)
            self.list.setCurrentItem(found)
            self.list.blockSignals(False)

    def _show_fill(self) -> None:
        self._fill.setCurrentIndex(self._fill.findData(self._corrections.fill))
        self._reach.blockSignals(True)
        self._reach.setValue(self._corrections.reach_s)
        self._reach.blockSignals(False)
        self._reach.setEnabled(self._corrections.fill != "none")

    def _on_fill(self, *_: object) -> None:
        self._corrections.set_fill(self._fill.currentData(), self._reach.value())

    def _on_clicked(self, item: QTreeWidgetItem) -> None:
        self.key_chosen.emit(*item.data(_JOINT, _PLACE_ROLE))

    def _on_current(self, item: QTreeWidgetItem | None, _: QTreeWidgetItem | None) -> None:
        if item is not None:
            self.key_chosen.emit(*item.data(_JOINT, _PLACE_ROLE))

    def _on_clear(self) -> None:
        chosen = self._chosen()
        if chosen is None:
            self._session.warning.emit("Choose a key of the list first.")
        else:
            self._corrections.clear_keys((chosen[0],), chosen[1])

    def _on_restore(self) -> None:
        clip = self._session.clip
        if clip is not None:
            self._corrections.restore(range(clip.edited.shape[1]), *(self._session.range or (0, len(self._session) - 1)))


def _row_of(key: Key) -> QTreeWidgetItem:
    moved = "new" if math.isnan(key.moved_px) else f"{key.moved_px:.0f} px"
    item = QTreeWidgetItem([joint_in_words(key.joint), str(key.frame + 1), moved, _SHORT_FILLS[key.fill]])
    item.setData(_JOINT, _PLACE_ROLE, (key.joint, key.frame))
    for column in (_FRAME, _MOVED):
        item.setTextAlignment(column, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
    if key.first < key.last:
        item.setToolTip(_JOINT, f"{frames_in_words(key.first, key.last).capitalize()} follow")
    if math.isnan(key.moved_px):
        item.setToolTip(_MOVED, "It was not measured here, or nobody knows where")
    return item
