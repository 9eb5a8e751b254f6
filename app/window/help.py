"""The list of keys and the command palette, both drawn from the table of actions."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QGridLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.window.actions import ACTIONS, MENUS

_KEYS_HIGH_PX = 620
_MOVING = (Qt.Key.Key_Up, Qt.Key.Key_Down)

_MOUSE = (
    ("Click a joint", "hide or show it: at this frame, or over the range"),
    ("Shift + click", "the same since the last click"),
    ("Ctrl + click", "select it"),
    ("Drag a joint in the image", "correct its place"),
    ("Click an alternative in the scene", "take it; with Shift this limb alone"),
    ("Drag a hidden joint in the scene", "among alternatives: to the nearest one"),
    ("Click or drag on a lane", "hide or show over frames"),
    ("Drag on the ruler", "scrub; with Shift choose a range"),
    ("Wheel", "zoom"),
    ("Drag beside the joints", "orbit the scene, pan the image"),
    ("Right-drag in the scene", "pan"),
)


class KeysDialog(QDialog):
    """Every key and what it does."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys")
        body = QWidget()
        grid = QGridLayout(body)
        grid.setHorizontalSpacing(24)
        row = 0
        groups = {menu: [s for s in ACTIONS if s.menu == menu and s.keys] for menu in MENUS}
        groups["Play"] += [s for s in ACTIONS if not s.menu]
        rows = {menu: [(_keys(s.keys), s.text) for s in specs] for menu, specs in groups.items() if specs}
        for title, lines in {**rows, "Mouse": list(_MOUSE)}.items():
            grid.addWidget(QLabel(f"<b>{title}</b>"), row, 0, 1, 2)
            row += 1
            for keys, text in lines:
                label = QLabel(keys)
                label.setProperty("role", "muted")
                grid.addWidget(label, row, 0)
                grid.addWidget(QLabel(text), row, 1)
                row += 1
        area = QScrollArea()
        area.setWidget(body)
        area.setWidgetResizable(True)
        layout = QVBoxLayout(self)
        layout.addWidget(area)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout.addWidget(buttons)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setMinimumWidth(body.sizeHint().width() + area.verticalScrollBar().sizeHint().width() + 2 * area.frameWidth())
        self.resize(self.sizeHint().width(), _KEYS_HIGH_PX)


def _keys(keys: tuple[str, ...]) -> str:
    return "  or  ".join(QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText) for key in keys)


class CommandPalette(QDialog):
    """Type a few letters, press Enter."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("Find a command")
        layout = QVBoxLayout(self)
        self._search, self._list = QLineEdit(), QListWidget()
        self._search.setPlaceholderText("Type a command")
        self._search.installEventFilter(self)
        layout.addWidget(self._search)
        layout.addWidget(self._list)
        for spec in ACTIONS:
            action = parent.findChild(QAction, spec.name)
            if action is None or not action.isEnabled() or spec.name == "commands":
                continue
            item = QListWidgetItem(f"{spec.text}    {_keys(spec.keys)}")
            item.setData(Qt.ItemDataRole.UserRole, action)
            self._list.addItem(item)
        self._search.textChanged.connect(self._filter)
        self._search.returnPressed.connect(self._run)
        self._list.itemActivated.connect(lambda _: self._run())
        self._filter("")
        self.resize(440, 380)

    def _filter(self, text: str) -> None:
        """Keep the commands that hold every word."""
        words = text.lower().split()
        first = None
        for row in range(self._list.count()):
            item = self._list.item(row)
            fits = all(word in item.text().lower() for word in words)
            item.setHidden(not fits)
            first = item if fits and first is None else first
        if first is not None:
            self._list.setCurrentItem(first)

    def _run(self) -> None:
        item = self._list.currentItem()
        if item is not None and not item.isHidden():
            self.accept()
            item.data(Qt.ItemDataRole.UserRole).trigger()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Up and Down in the search line move through the list."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key() in _MOVING:
            self._list.event(event)
            return True
        return super().eventFilter(watched, event)
