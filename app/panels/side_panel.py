"""The panels on the side: tabs, and in a tall window the list of joints below them, so that no room stands empty."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QComboBox, QPushButton, QScrollArea, QSizePolicy, QSplitter, QTabWidget, QVBoxLayout, QWidget

from app.look import theme as look
from app.panels.fields import Fields
from app.panels.tab_rows import TabRows

_TALL_PX = 1000
_BACK_PX = 940
"""From the first height on there are two parts, below the second one again: not to and fro at one pixel."""

_UPPER_SHARE = 0.6
_NARROWEST_BUTTON_PX = 84


class _Area(QScrollArea):
    """Takes its panel in when it is looked at: until then the panel is not laid out, which would hold up the window's start."""

    def __init__(self, panel: QWidget) -> None:
        super().__init__()
        self.panel = panel
        self.setWidgetResizable(True)
        panel.setParent(self)
        panel.hide()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.widget() is None:
            self.setWidget(self.panel)
            self.panel.show()


class SidePanel(QSplitter):
    """tabs: all panels, but for the one that has moved below in a tall window."""

    def __init__(self) -> None:
        super().__init__(Qt.Orientation.Vertical)
        self.tabs = QTabWidget()
        self.tabs.setDocumentMode(True)
        self.names = TabRows(self.tabs)
        upper = QWidget()
        column = QVBoxLayout(upper)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.names)
        column.addWidget(self.tabs, 1)
        self._below = QWidget()
        self._column = QVBoxLayout(self._below)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._below.hide()
        self._movable: tuple[int, str, QWidget] | None = None
        self._fields = Fields(self)
        self.addWidget(upper)
        self.addWidget(self._below)
        self.setCollapsible(0, False)
        self.setMinimumWidth(look.NARROWEST_PANEL)

    def add(self, label: str, widget: QWidget, moves_below: bool = False) -> None:
        """A panel as a tab. moves_below: it is the one that a tall window shows below the others."""
        for row in (*widget.findChildren(QPushButton), *widget.findChildren(QComboBox)):
            # Else the longest word of all panels would say how narrow they can be. Ignored would be none beside a stretch.
            row.setMinimumWidth(_NARROWEST_BUTTON_PX)
            row.setSizePolicy(QSizePolicy.Policy.Preferred, row.sizePolicy().verticalPolicy())
        self._fields.guard(widget)
        area = _Area(widget)
        number = self.tabs.addTab(area, label)
        self.names.refresh()
        if moves_below:
            self._movable = (number, label, area)

    def bring_up(self, panel: QWidget) -> None:
        """Show a panel in front of the others."""
        for number in range(self.tabs.count()):
            area = self.tabs.widget(number)
            if isinstance(area, _Area) and area.panel is panel:
                self.tabs.setCurrentIndex(number)

    @property
    def is_split(self) -> bool:
        """Whether a panel is on show below the tabs."""
        return not self._below.isHidden()

    def minimumSizeHint(self) -> QSize:
        """Narrower than what the panels hold: they scroll."""
        return QSize(look.NARROWEST_PANEL, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._movable is None:
            return
        number, label, area = self._movable
        if self.height() >= _TALL_PX and not self.is_split:
            self.tabs.removeTab(number)
            self.names.refresh()
            self._column.addWidget(area)
            area.show()
            self._below.show()
            self.setSizes([round(self.height() * _UPPER_SHARE), round(self.height() * (1 - _UPPER_SHARE))])
        elif self.height() < _BACK_PX and self.is_split:
            self._column.removeWidget(area)
            self._below.hide()
            self.tabs.insertTab(number, area, label)
            self.names.refresh()
