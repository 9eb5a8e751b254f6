"""The list of bad frames: what looks wrong, where, and how bad; a click goes there, a button hides the joints."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QSortFilterProxyModel, Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.document.session import Session
from app.document.suspicions import ADVICE, joints_text, sentence_of
from app.document.words import COUNTED_FROM_ONE, frames_in_words
from mpm_core.suspicions import CHECKS, Suspicion

_HEADING = ("What", "Joints", "Frames", "× usual")
_TIPS = ("", "", COUNTED_FROM_ONE, "How many times as much as still counts as usual, where it is worst: 2 is twice that")
_HIDES = "So that the lifter fills them in instead (Ctrl+Z takes it back)"
_SORT_ROLE = Qt.ItemDataRole.UserRole
_ROW_HEIGHT = 22
_Index = QModelIndex | QPersistentModelIndex


class _Model(QAbstractTableModel):
    """Rows of suspicions: a clip with noisy keypoints has thousands."""

    def __init__(self, worded: Callable[[str], str]) -> None:
        """worded: what becomes of a sentence before it is shown."""
        super().__init__()
        self.items: tuple[Suspicion, ...] = ()
        self._worded = worded

    def take(self, items: tuple[Suspicion, ...]) -> None:
        """Show others."""
        self.beginResetModel()
        self.items = items
        self.endResetModel()

    def rowCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.items)

    def columnCount(self, parent: _Index = QModelIndex()) -> int:  # noqa: B008
        return len(_HEADING)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return _HEADING[section]
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.ToolTipRole:
            return _TIPS[section]
        return None

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        item, column = self.items[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            frames = frames_in_words(item.first, item.last).split()[-1]
            joints = joints_text(item.joints)
            return (CHECKS[item.kind].label, joints[:1].upper() + joints[1:], frames, f"{item.badness:.1f}")[column]
        if role == _SORT_ROLE:
            return (CHECKS[item.kind].label, joints_text(item.joints), item.first, item.badness)[column]
        if role == Qt.ItemDataRole.ToolTipRole:
            return self._worded(f"{CHECKS[item.kind].tip}. {sentence_of(item)}.\n{ADVICE[item.kind]}")
        if role == Qt.ItemDataRole.TextAlignmentRole and column == len(_HEADING) - 1:
            return int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        return None


class SuspicionsPanel(QWidget):
    """Signals ask to go to a suspicion, and to hide the joints of some."""

    chosen = Signal(object)  # a Suspicion
    worst_chosen = Signal()
    hide_chosen = Signal(list)  # Suspicions

    def __init__(self, session: Session, worded: Callable[[str], str] = str) -> None:
        """worded: see _Model."""
        super().__init__()
        self._session = session
        column = QVBoxLayout(self)
        column.setContentsMargins(10, 8, 10, 10)
        self._words = QLabel()
        self._words.setProperty("role", "muted")
        self._words.setWordWrap(True)
        self.kinds = QComboBox()
        self.kinds.activated.connect(lambda _: session.suspicions.set_only(self.kinds.currentData()))
        self.order = QComboBox()
        self.order.addItems(list(_ORDERS))
        self.order.setToolTip("A click on a column's heading sorts by that; Alt and arrows go by time in any case")
        self.order.textActivated.connect(self._sort)
        self.worst_button = QPushButton("Go to the most suspicious")
        self.worst_button.setToolTip(
            "Of the kinds on show, in the clip or the range; W goes to the largest error instead, where errors are known"
        )
        self.worst_button.clicked.connect(lambda _=False: self.worst_chosen.emit())
        self._model, self._sorted = _Model(worded), QSortFilterProxyModel()
        self._sorted.setSourceModel(self._model)
        self._sorted.setSortRole(_SORT_ROLE)
        self.table = QTableView()
        self.table.setModel(self._sorted)
        self.table.setSortingEnabled(True)
        self.table.sortByColumn(2, Qt.SortOrder.AscendingOrder)
        self.table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.table.setShowGrid(False)
        self.table.setWordWrap(False)
        self.table.verticalHeader().setVisible(False)
        self.table.verticalHeader().setDefaultSectionSize(_ROW_HEIGHT)
        header = self.table.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        for place, (mode, width) in enumerate(_WIDTHS):
            header.setSectionResizeMode(place, mode)
            header.resizeSection(place, width)
        self.hide_button = QPushButton("Hide these joints there")
        self.hide_button.clicked.connect(lambda _=False: self.hide_chosen.emit(self.hideable()))
        column.addWidget(self._words)
        column.addLayout(_beside(self.kinds, self.order))
        column.addWidget(self.table, 1)
        column.addWidget(self.worst_button)
        column.addWidget(self.hide_button)
        self.table.horizontalHeader().sortIndicatorChanged.connect(self._show_order)
        self.table.clicked.connect(lambda index: self.chosen.emit(self._item(index)))
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._show_button())
        session.suspicions.changed.connect(self.refresh)
        session.clip_changed.connect(self.refresh)
        self.refresh()

    def selected(self) -> list[Suspicion]:
        """The chosen rows."""
        return [self._item(index) for index in self.table.selectionModel().selectedRows()]

    def hideable(self) -> list[Suspicion]:
        """Those of them whose joints can be hidden with profit."""
        return [item for item in self.selected() if CHECKS[item.kind].can_hide]

    def _item(self, index: QModelIndex) -> Suspicion:
        return self._model.items[self._sorted.mapToSource(index).row()]

    def select(self, item: Suspicion) -> None:
        """Choose a row, as going through them does."""
        if item in self._model.items:
            index = self._sorted.mapFromSource(self._model.index(self._model.items.index(item), 0))
            self.table.selectRow(index.row())
            self.table.scrollTo(index)

    def refresh(self) -> None:
        """Show what was found; grey while somebody looks again."""
        suspicions = self._session.suspicions
        if suspicions.shown != self._model.items:
            chosen = self.selected()
            self._model.take(suspicions.shown)
            for item in chosen[:1]:
                self.select(item)
        self._show_kinds()
        is_known = suspicions.items is not None
        self.table.setEnabled(is_known and not suspicions.is_outdated)
        if self._session.clip is None:
            text = ""
        elif not is_known or suspicions.is_outdated:
            text = "Looking for bad frames …" + (" Grey are those from before." if is_known else "")
        elif not suspicions.items:
            is_lifted = self._session.prediction is not None
            text = "Nothing looks wrong." if is_lifted else "Nothing looks wrong in the keypoints. The 3D is still to come."
        else:
            text = "Alt+→ and Alt+← go through them. These are hints: check them yourself."
        self._words.setText(text)
        self._show_button()

    def _show_kinds(self) -> None:
        items, only = self._session.suspicions.items or (), self._session.suspicions.only
        counts = {kind: sum(item.kind == kind for item in items) for kind in CHECKS}
        self.kinds.clear()
        self.kinds.addItem(f"All ({len(items)})", "")
        for kind, count in counts.items():
            if count or kind == only:
                self.kinds.addItem(f"{CHECKS[kind].label} ({count})", kind)
        self.kinds.setCurrentIndex(max(self.kinds.findData(only), 0))

    def _sort(self, order: str) -> None:
        self.table.sortByColumn(*_ORDERS[order])

    def _show_order(self, column: int, direction: Qt.SortOrder) -> None:
        """The order that a click on the heading has chosen, if it is one of those that have words."""
        orders = list(_ORDERS.values())
        self.order.setCurrentIndex(orders.index((column, direction)) if (column, direction) in orders else -1)

    def _show_button(self) -> None:
        chosen = self.selected()
        self.hide_button.setEnabled(bool(self.hideable()) and self.table.isEnabled())
        if not chosen:
            self.hide_button.setToolTip("Choose rows first")
        elif not self.hideable():
            kind = chosen[0].kind
            self.hide_button.setToolTip(f"Hiding does not help where it says “{CHECKS[kind].label}”. {ADVICE[kind]}")
        else:
            self.hide_button.setToolTip(_HIDES)


def _beside(one: QWidget, other: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.addWidget(one, 1)
    row.addWidget(other, 1)
    return row


_ORDERS = {"In order of time": (2, Qt.SortOrder.AscendingOrder), "Worst first": (3, Qt.SortOrder.DescendingOrder)}
_WIDTHS = (
    (QHeaderView.ResizeMode.Interactive, 104),
    (QHeaderView.ResizeMode.Stretch, 90),
    (QHeaderView.ResizeMode.Interactive, 64),
    (QHeaderView.ResizeMode.Interactive, 54),
)
