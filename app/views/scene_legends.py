"""The legends that lie over the scene."""

from __future__ import annotations

import numpy as np
from PySide6.QtCore import QEvent, QRectF, Qt
from PySide6.QtGui import QColor, QFontMetrics, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.look import theme as look
from app.look.text_size import line_scale
from app.look.theme import Theme

_KEY_WIDTH, _KEY_ROW = 310, 22
_THIN_PX = 2.0
_TEXT_LEFT, _AFTER_TEXT = 28, 6
_BEHIND_ALPHA = 0.75
_TRUTH, _OTHERS = "ground truth", "other people"
_SECOND_COLUMN = 132
"""Beside the longest text of the first column, "old, lifting …"."""


class ErrorLegend(QWidget):
    """The scale of the error colours."""

    def __init__(self, parent: QWidget, theme: Theme) -> None:
        super().__init__(parent)
        self.theme = theme
        self.setFixedSize(190, 40)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        bar = QRectF(8, 6, self.width() - 16, 9)
        colours = look.error_colours(np.linspace(0, look.LARGEST_ERROR_MM, 64), self.theme)
        step = bar.width() / len(colours)
        for n, colour in enumerate(colours):
            painter.fillRect(
                QRectF(bar.x() + n * step, bar.y(), step + 1, bar.height()), QColor.fromRgbF(*(float(c) for c in colour))
            )
        painter.setPen(QColor(self.theme.text))
        below = QRectF(bar.x(), bar.bottom() + 2, bar.width(), 18)
        painter.drawText(below, Qt.AlignmentFlag.AlignLeft, "0")
        painter.drawText(below, Qt.AlignmentFlag.AlignHCenter, f"{look.LARGEST_ERROR_MM / 2:.0f}")
        painter.drawText(below, Qt.AlignmentFlag.AlignRight, f"≥ {look.LARGEST_ERROR_MM:.0f} mm")


class SolidityKey(QWidget):
    """Says which skeleton is which: a row for each."""

    def __init__(self, parent: QWidget, theme: Theme) -> None:
        super().__init__(parent)
        self.theme = theme
        self._has_truth = self._is_outdated = False
        self._kept: tuple[tuple[int, str], ...] = ()
        self._alternatives = self._taken = self._lifter = ""
        self._has_others = False
        self._shown: tuple[object, ...] = ()
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.show_rows(False, False, ())

    def show_rows(
        self, has_truth: bool, is_outdated: bool, kept: tuple[tuple[int, str], ...], alternatives: str = "", taken: str = "",
        lifter: str = "", has_others: bool = False,
    ) -> None:  # fmt: skip
        """What is in the scene beside the prediction: ground truth, kept answers by their place on the list and name, what
        there is of alternatives, what of the prediction follows one, and other people. lifter: whose prediction it is, where
        that is not the usual one."""
        shown = (has_truth, is_outdated, kept, alternatives, taken, lifter, has_others, self.theme.name)
        if shown == self._shown:  # as in most frames
            return
        self._shown = shown
        self._has_truth, self._is_outdated, self._kept = has_truth, is_outdated, kept
        self._alternatives, self._taken, self._lifter, self._has_others = alternatives, taken, lifter, has_others
        self._fit()
        self.setVisible(has_truth or is_outdated or bool(kept or alternatives or taken or lifter) or has_others)
        self.update()

    def _fit(self) -> None:
        scale = line_scale(self)
        self.setFixedSize(round(_KEY_WIDTH * scale), round(len(self.rows) * _KEY_ROW * scale))

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._fit()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._clear_behind(painter)
        solid = QColor(self.theme.muted if self._is_outdated else self.theme.text)
        self._row(painter, 0, 0, self._first_words(), solid, None)
        if self._has_truth:
            see_through = QColor(self.theme.text)
            see_through.setAlphaF(look.TRUTH_ALPHA)
            self._row(painter, self._second_column(painter.fontMetrics()), 0, _TRUTH, see_through, None)
        for row, (place, name) in enumerate(self._kept, 1):
            rim = look.outline_of(place, self.theme)
            self._row(painter, 0, row, f"{look.letter_of(place)}  {name}", QColor(self.theme.scene), rim)
        if self._alternatives:
            thin = QColor(self.theme.text)
            thin.setAlphaF(look.STRONGEST_ALTERNATIVE)
            self._row(painter, 0, 1 + len(self._kept), self._alternatives, thin, None, _THIN_PX)
        if self._taken:  # as the timeline marks it
            row = 1 + len(self._kept) + bool(self._alternatives)
            self._row(painter, 0, row, self._taken, QColor(self.theme.done), None, _THIN_PX)
        if self._has_others:
            faint = QColor(self.theme.text)
            faint.setAlphaF(look.OTHERS_ALPHA)
            self._row(painter, 0, len(self.rows) - 1, _OTHERS, faint, None)

    def _clear_behind(self, painter: QPainter) -> None:
        """Rows are to be read over whoever stands behind, who is covered no farther than each of them is written."""
        behind = QColor(self.theme.scene)
        behind.setAlphaF(_BEHIND_ALPHA)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(behind)
        height = _KEY_ROW * line_scale(self)
        for row, wide in enumerate(self.written_widths(painter.fontMetrics())):
            painter.drawRect(QRectF(0, row * height, wide, height))

    def covered(self, larger: float = 1.0) -> list[QRectF]:
        """Where its rows are written on what it lies over, drawn so many times their size."""
        height, left, top = _KEY_ROW * line_scale(self) * larger, self.x() * larger, self.y() * larger
        wide = self.written_widths(self.fontMetrics())
        return [QRectF(left, top + row * height, each * larger, height) for row, each in enumerate(wide)]

    def written_widths(self, metrics: QFontMetrics) -> list[float]:
        """How far to the right each row is written on."""
        wide = [float(metrics.horizontalAdvance(text)) for text in self.rows]
        if self._has_truth:
            wide[0] = self._second_column(metrics) + metrics.horizontalAdvance(_TRUTH)
        return [min(each + _TEXT_LEFT + _AFTER_TEXT, self.width()) for each in wide]

    @property
    def rows(self) -> list[str]:
        """What is written, without the second column of the first row."""
        kept = [f"{look.letter_of(place)}  {name}" for place, name in self._kept]
        others = _OTHERS if self._has_others else ""
        return [self._first_words(), *kept, *filter(None, (self._alternatives, self._taken, others))]

    def _second_column(self, metrics: QFontMetrics) -> float:
        written = _TEXT_LEFT + metrics.horizontalAdvance(self._first_words()) + _AFTER_TEXT
        return max(_SECOND_COLUMN * line_scale(self), written)

    def _first_words(self) -> str:
        if self._is_outdated:
            return "old, lifting …"
        return f"prediction ({self._lifter})" if self._lifter else "prediction"

    def _row(
        self, painter: QPainter, x: float, row: int, text: str, fill: QColor, outline: QColor | None, thick: float = 6.0
    ) -> None:
        height = _KEY_ROW * line_scale(self)
        top = row * height
        painter.setPen(Qt.PenStyle.NoPen if outline is None else QPen(outline, 2.5))
        painter.setBrush(fill)
        painter.drawRoundedRect(QRectF(x + 4, top + (height - thick) / 2, 18, thick), thick / 2, thick / 2)
        painter.setPen(QColor(self.theme.muted))
        room = self.width() - x - _TEXT_LEFT - 2
        elided = painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, int(room))
        painter.drawText(QRectF(x + _TEXT_LEFT, top, room, height), Qt.AlignmentFlag.AlignVCenter, elided)
