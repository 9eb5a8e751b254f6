"""The dialog that asks for what a file lacks: frame rate, image size, which person, which clip."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QColor, QIcon, QPainter, QPixmap
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.look.theme import Theme
from app.panels.joint_names import JointNames
from app.views.skeleton_item import SkeletonState, draw_skeleton
from mpm_core.formats import FORMATS
from mpm_core.formats.base import Contents, ReadOptions
from mpm_core.formats.keypoints.layouts import LAYOUTS
from mpm_core.people import Person
from mpm_core.people_words import people_in_words

_PREVIEW = QSize(84, 96)


class OpenDialog(QDialog):
    """Asks only for what the file leaves open; `options()` holds the answers. was_answered: what stands there was said the last
    time, and is not assumed."""

    def __init__(
        self, path: Path, contents: Contents, theme: Theme, parent: QWidget | None = None, was_answered: bool = False
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Open {path.name}")
        self._contents = contents
        layout = QVBoxLayout(self)
        self._people = self._build_people(contents, theme) if len(contents.people) > 1 else None
        if self._people is not None:
            layout.addWidget(QLabel("Which person? The one seen longest and largest comes first."))
            layout.addWidget(self._people)
        self._clips = self._build_clips(layout, contents) if len(contents.selections) > 1 else None
        if contents.lacks:
            layout.addWidget(QLabel(_lacking(contents, was_answered)))
        form = QFormLayout()
        layout.addLayout(form)
        self._fps, self._width, self._height = QDoubleSpinBox(), QSpinBox(), QSpinBox()
        if "fps" in contents.lacks:
            self._fps.setRange(0.1, 1000)
            self._fps.setValue(contents.assumed_fps)
            self._fps.setSuffix(" frames/s")
            form.addRow("Frame rate", self._fps)
        if "image_size" in contents.lacks:
            for box, value in zip((self._width, self._height), contents.assumed_size, strict=True):
                box.setRange(16, 16384)
                box.setValue(value)
                box.setSuffix(" px")
            form.addRow("Image width", self._width)
            form.addRow("Image height", self._height)
        self._skeletons = QComboBox()
        for name in contents.skeletons:
            self._skeletons.addItem(LAYOUTS[name].skeleton.label, name)
        if contents.skeletons:
            form.addRow("Joints", self._skeletons)
        self._formats = QComboBox()
        for name in contents.formats:
            self._formats.addItem(FORMATS[name].label, name)
        if contents.formats:
            form.addRow("Read as", self._formats)
        unknown = contents.unknown_joints
        self._names = JointNames(unknown) if unknown is not None else None
        if self._names is not None:
            layout.addWidget(self._names)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Open | QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout.addWidget(buttons)
        first = next((box for name, box in (("fps", self._fps), ("image_size", self._width)) if name in contents.lacks), None)
        if first is not None:  # what is typed at once replaces the number that stands there, else 50 would make 5030 of 30
            first.setFocus()
            first.selectAll()

    def options(self) -> ReadOptions:
        """The answers."""
        lacks = self._contents.lacks
        selected = self._clips.currentItem() if self._clips is not None else None
        return ReadOptions(
            fps=self._fps.value() if "fps" in lacks else None,
            image_size=(self._width.value(), self._height.value()) if "image_size" in lacks else None,
            person=max(self._people.currentRow(), 0) if self._people is not None else None,
            select=selected.text() if selected is not None else None,
            skeleton=self._skeletons.currentData(),
            format=self._formats.currentData(),
            joint_map=self._names.joint_map() if self._names is not None else None,
        )

    def _build_people(self, contents: Contents, theme: Theme) -> QListWidget:
        people = QListWidget()
        people.setIconSize(_PREVIEW)
        people.setMinimumSize(360, 310)
        for person, words in zip(contents.people, people_in_words(contents.people), strict=True):
            text = "\n".join((f"Person {person.number}", *words))
            people.addItem(QListWidgetItem(_preview(person, theme), text))
        people.setCurrentRow(0)
        return people

    def _build_clips(self, layout: QVBoxLayout, contents: Contents) -> QListWidget:
        layout.addWidget(QLabel("Which clip? (subject/action/camera)"))
        search = QLineEdit()
        search.setPlaceholderText("Search")
        search.setClearButtonEnabled(True)
        clips = QListWidget()
        clips.addItems(contents.selections)
        clips.setCurrentRow(0)
        clips.setMinimumSize(360, 260)
        clips.itemDoubleClicked.connect(self.accept)

        def search_for(text: str) -> None:
            rows = [clips.item(n) for n in range(clips.count())]
            for row in rows:
                row.setHidden(text.lower() not in row.text().lower())
            shown = [row for row in rows if not row.isHidden()]
            if shown and clips.currentItem() not in shown:
                clips.setCurrentItem(shown[0])

        search.textChanged.connect(search_for)
        layout.addWidget(search)
        layout.addWidget(clips)
        return clips


def _lacking(contents: Contents, was_answered: bool) -> str:
    """Why it is asked for, and where the values come from that stand there already."""
    words = {"fps": "its frame rate", "image_size": "the size of its images"}
    things = " or ".join(text for name, text in words.items() if name in contents.lacks)
    if was_answered:
        return f"The file does not say {things}: what stands here was said the last time."
    text = f"The file does not say {things}: please correct what stands here."
    return text + "\nThe size is a usual one; a wrong one tilts and moves the 3D." if "image_size" in contents.lacks else text


def _preview(person: Person, theme: Theme) -> QIcon:
    """The person's pose where most of it is seen; blank when nothing of the body is."""
    picture = QPixmap(_PREVIEW * 2)
    picture.setDevicePixelRatio(2)
    picture.fill(QColor(theme.window))
    box = QRectF(8, 8, _PREVIEW.width() - 16, _PREVIEW.height() - 16)
    points = person.pose.astype(float)
    seen = points[person.pose_visible]
    if not len(seen):
        return QIcon(picture)
    low, high = seen.min(0), seen.max(0)
    scale = min(box.width() / max(high[0] - low[0], 1), box.height() / max(high[1] - low[1], 1))
    points = (points - (low + high) / 2) * scale + (box.center().x(), box.center().y())
    points[~person.pose_visible] = float("nan")
    painter = QPainter(picture)
    nothing = ~person.pose_visible & False
    draw_skeleton(painter, SkeletonState(points, nothing, nothing, points), theme, theme.palettes["field"])
    painter.end()
    icon = QIcon(picture)
    icon.addPixmap(picture, QIcon.Mode.Selected)  # which would else be tinted, so that one side goes under
    return icon
