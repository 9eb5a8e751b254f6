"""The names of tabs in as many rows as they need: all of them are in view, however narrow the panel and large the text."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QPushButton, QTabWidget, QWidget

_BESIDE_TEXT_PX, _AROUND_LINE_PX = 12, 10


class TabRows(QWidget):
    """Stands for the bar of a QTabWidget, which has one row, and arrows where that is too long."""

    def __init__(self, tabs: QTabWidget) -> None:
        super().__init__()
        self._tabs = tabs
        self._buttons: list[QPushButton] = []
        tabs.tabBar().hide()
        tabs.currentChanged.connect(self._show_current)

    def refresh(self) -> None:
        """Take over which tabs there are."""
        for button in self._buttons:
            button.hide()  # it goes when it can
            button.deleteLater()
        self._buttons = [self._button(place) for place in range(self._tabs.count())]
        self._arrange()
        self._show_current()

    def _button(self, place: int) -> QPushButton:
        button = QPushButton(self._tabs.tabText(place), self)
        button.setProperty("role", "tab")
        button.setCheckable(True)
        button.setAutoExclusive(True)  # arrow keys go from one to the next
        button.clicked.connect(lambda _=False: self._tabs.setCurrentIndex(place))
        button.show()
        return button

    def _show_current(self, *_: object) -> None:
        if 0 <= self._tabs.currentIndex() < len(self._buttons):
            current = self._buttons[self._tabs.currentIndex()]
            current.setChecked(True)
            if (
                self.window().focusWidget() in self._buttons
            ):  # also while a dialog is in front; else another one looks chosen too
                current.setFocus()

    def minimumSizeHint(self) -> QSize:
        return QSize(0, self.height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.size().width() != event.oldSize().width():
            self._arrange()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.StyleChange):
            self._arrange()

    def _arrange(self) -> None:
        """Each row fills the width; a name gets the more of it the longer it is."""
        needed = [self.fontMetrics().horizontalAdvance(button.text()) + _BESIDE_TEXT_PX for button in self._buttons]
        rows, height = rows_of(needed, self.width()), self.fontMetrics().height() + _AROUND_LINE_PX
        for number, row in enumerate(rows):
            spare, left = (self.width() - sum(needed[place] for place in row)) / len(row), 0.0
            for place in row:
                right = left + max(needed[place] + spare, 1.0)
                self._buttons[place].setGeometry(round(left), number * height, round(right) - round(left), height)
                left = right
        self.setFixedHeight(max(len(rows), 1) * height)


def rows_of(widths: list[int], room: int) -> list[list[int]]:
    """Places of what is so wide, in the fewest rows of so much room, filled as evenly as their order allows."""
    count = len(_filled(widths, room))
    narrowest = next((width for width in range(max(widths, default=0), room) if len(_filled(widths, width)) <= count), room)
    return _filled(widths, narrowest)


def _filled(widths: list[int], room: int) -> list[list[int]]:
    rows: list[list[int]] = []
    used = room
    for place, width in enumerate(widths):
        if not rows or used + width > room:
            rows.append([])
            used = 0
        rows[-1].append(place)
        used += width
    return rows
