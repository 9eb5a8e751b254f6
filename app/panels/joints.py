"""The joints panel: limbs and joints with a switch each, their state at this frame and their error."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QPoint, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTreeWidget, QTreeWidgetItem

from app.document.session import Session
from app.document.words import joint_in_words
from app.look.theme import Theme
from mpm_core.skeleton import LIMBS, MPM16

_NAME, _STATE, _ERROR = range(3)
_LEAST_STATE_PX, _AROUND_HEADING_PX = 20, 28
_ERROR_HEADING, _SHORT_HEADING = "Error mm", "mm"
_JOINT_ROLE = Qt.ItemDataRole.UserRole
_HEADER_TIPS = {
    _NAME: "Ticked: the lifter is shown it",
    _STATE: "What the joint is in the frame at hand, unless it is simply measured",
    _ERROR: "How far it is from the ground truth in the frame at hand, Hip at zero",
}
_STATE_TIPS = {
    "unsure": "Measured with less confidence than the threshold, and so hidden from the lifter",
    "not measured": "The file has no place for it here: the lifter fills it in",
    "hidden": "You have hidden it from the lifter, which fills it in",
    "edited": "You have put it elsewhere",
    "filled in": "It was lacking in the 3D that was opened, and was filled in before",
    "derived": "Not measured itself, but put where joints that were measured say it must be",
}


class JointsPanel(QTreeWidget):
    """A ticked box means that the lifter is shown the joint. Signals tell what was clicked."""

    toggled = Signal(tuple)  # joints
    selected = Signal(tuple)  # joints

    def __init__(self, session: Session, theme: Theme) -> None:
        super().__init__()
        self._session = session
        self._is_filling = False
        self.setColumnCount(3)
        self.setHeaderLabels(["Joint", "This frame", _ERROR_HEADING])
        for column, tip in _HEADER_TIPS.items():
            self.headerItem().setToolTip(column, tip)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setUniformRowHeights(True)
        self.setIndentation(14)
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(_NAME, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(_STATE, QHeaderView.ResizeMode.Fixed)
        header.setSectionResizeMode(_ERROR, QHeaderView.ResizeMode.ResizeToContents)
        self.headerItem().setTextAlignment(_ERROR, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self._rows: list[tuple[QTreeWidgetItem, tuple[int, ...]]] = []
        self._build()
        self.set_colours(theme, "field")
        self.itemChanged.connect(self._on_item_changed)
        self.itemSelectionChanged.connect(self._on_selection_changed)
        for signal in (
            session.clip_changed, session.frame_changed, session.mask_changed, session.prediction_changed,
            session.options_changed, session.truth_changed, session.keypoints_changed, session.threshold_changed,
            session.renewal.changed,
        ):  # fmt: skip
            signal.connect(self._refresh)
        for signal in (session.clip_changed, session.truth_changed):
            signal.connect(self._show_columns)
        session.selection_changed.connect(self._show_selection)
        self._show_columns()

    def _build(self) -> None:
        for limb in LIMBS:
            row = self._add(None, limb.capitalize(), MPM16.limb(limb))
            for joint in MPM16.limb(limb):
                self._add(row, joint_in_words(joint), (joint,))
        self.expandAll()

    def _add(self, parent: QTreeWidgetItem | None, text: str, joints: tuple[int, ...]) -> QTreeWidgetItem:
        item = QTreeWidgetItem([text, "", ""])
        item.setData(_NAME, _JOINT_ROLE, joints)
        item.setFlags(item.flags() | Qt.ItemFlag.ItemIsUserCheckable)
        item.setTextAlignment(_ERROR, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.addTopLevelItem(item) if parent is None else parent.addChild(item)
        self._rows.append((item, joints))
        return item

    def joints_at(self, place: QPoint) -> tuple[int, ...]:
        """Those of the row at a place."""
        item = self.itemAt(place)
        return () if item is None else tuple(item.data(_NAME, _JOINT_ROLE))

    def set_colours(self, theme: Theme, palette_name: str) -> None:
        """Dots in the colours of the sides, of joints alone: a limb may be of one joint too."""
        self._is_filling = True
        for item, joints in self._rows:
            if item.parent() is not None:
                item.setIcon(_NAME, _dot(theme.palettes[palette_name].side(MPM16.side(joints[0])), QColor(theme.base)))
        self._is_filling = False

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_states()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._fit_states()

    def _fit_states(self) -> None:
        """In a narrow panel states are cut, whose tips say them too, and the errors' heading is short, rather than names."""
        names, room = self.sizeHintForColumn(_NAME), self.viewport().width()
        spare = room - names - _LEAST_STATE_PX - _AROUND_HEADING_PX - self.fontMetrics().horizontalAdvance(_ERROR_HEADING)
        self.headerItem().setText(_ERROR, _ERROR_HEADING if spare >= 0 else _SHORT_HEADING)
        others = names + (0 if self.isColumnHidden(_ERROR) else self.header().sectionSizeHint(_ERROR))
        wanted = max(self.sizeHintForColumn(_STATE), self.header().sectionSizeHint(_STATE))
        self.setColumnWidth(_STATE, max(min(wanted, room - others), _LEAST_STATE_PX))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._refresh()

    def _show_columns(self) -> None:
        clip = self._session.clip
        self.setEnabled(clip is not None)
        self.setColumnHidden(_ERROR, clip is None or clip.ground_truth is None)

    def _refresh(self, *_: object) -> None:
        """Ticks, states and errors of the frame at hand, while somebody can see them."""
        session = self._session
        if not len(session) or not self.isVisible():
            return
        frame = session.frame
        mask, missing, errors = session.mask[frame], session.missing[frame], session.errors_at(frame)
        self._is_filling = True
        for item, joints in self._rows:
            columns = list(joints)
            hidden = mask[columns] | missing[columns]
            states = {True: Qt.CheckState.Unchecked, False: Qt.CheckState.Checked}
            item.setCheckState(
                _NAME, Qt.CheckState.PartiallyChecked if hidden.any() and not hidden.all() else states[bool(hidden.all())]
            )
            is_joint = item.parent() is not None
            state = self._state_text(joints[0], bool(mask[joints[0]])) if is_joint else ""
            item.setText(_STATE, state)
            item.setToolTip(_STATE, _STATE_TIPS.get(state, ""))
            known = errors is not None and np.isfinite(errors[columns]).any()
            text = f"{np.nanmean(errors[columns]):.0f}" if known and errors is not None else ""
            item.setText(_ERROR, "…" if text and session.renewal.is_outdated(frame) else text)
        self._is_filling = False
        self._fit_states()

    def _state_text(self, joint: int, is_masked: bool) -> str:
        session, frame = self._session, self._session.frame
        clip = session.clip
        assert clip is not None
        if session.unsure[frame, joint]:
            return "unsure"
        if session.missing[frame, joint]:
            return "not measured"
        if is_masked:
            return "hidden"
        if clip.edited[frame, joint]:
            return "edited"
        if clip.keypoints is None and clip.completed is not None and clip.completed[frame, joint]:
            return "filled in"
        return "derived" if clip.derived[frame, joint] else ""

    def _on_item_changed(self, item: QTreeWidgetItem, column: int) -> None:
        if not self._is_filling and column == _NAME:
            self.toggled.emit(tuple(item.data(_NAME, _JOINT_ROLE)))
            self._refresh()

    def _on_selection_changed(self) -> None:
        """Add what rows were newly chosen, then take away what rows were given up.

        A limb's row follows its joints; only when it alone was given up does it take them along. The row that was clicked
        counts most: a limb's row stands for all its joints although the click gave up theirs.
        """
        if self._is_filling:
            return
        old, chosen = self._session.selection, set(self._session.selection)
        for item, joints in self._rows:
            if item.isSelected() and not set(joints) <= old:
                chosen |= set(joints)
        for item, joints in self._rows:
            alone = all(child.isSelected() for n in range(item.childCount()) if (child := item.child(n)) is not None)
            if not item.isSelected() and set(joints) <= old and alone:
                chosen -= set(joints)
        clicked = self.currentItem()
        if clicked is not None and clicked.isSelected():
            chosen |= set(clicked.data(_NAME, _JOINT_ROLE))
        self.selected.emit(tuple(sorted(chosen)))
        self._show_selection()

    def _show_selection(self) -> None:
        self._is_filling = True
        for item, joints in self._rows:
            item.setSelected(set(joints) <= self._session.selection)
        self._is_filling = False


def _dot(colour: QColor, rim: QColor) -> QIcon:
    """A rim in the list's colour: it is seen where the row is selected, which may have the dot's own."""
    picture = QPixmap(24, 24)
    picture.fill(Qt.GlobalColor.transparent)
    painter = QPainter(picture)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(QPen(rim, 3))
    painter.setBrush(colour)
    painter.drawEllipse(4, 4, 16, 16)
    painter.end()
    return QIcon(picture)
