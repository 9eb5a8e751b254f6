"""Owns every colour, size and radius of the window, and puts a theme on the application."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication

from mpm_core.assets import find_asset
from mpm_core.skeleton import MPM16

# Sizes in device-independent pixels.
JOINT_RADIUS = 5.0
HIDDEN_JOINT_RADIUS = 5.5
RING_RADIUS = 7.0
PICK_RADIUS = 16.0
FULL_SIZE_PERSON = 220.0  # a person so tall on the screen has joints of the sizes here, a smaller one smaller ones
SMALLEST_SCALE = 0.45
BONE_WIDTH = 3.0
THIN_LINE = 1.4
LANE_HEIGHT = 20
JOINT_LANE_HEIGHT = 16
CURVE_HEIGHT = 54
RULER_HEIGHT = 20
OVERVIEW_HEIGHT = 12
FLAGS_HEIGHT = 8
FEET_HEIGHT = 18
LEGEND_HEIGHT = 18
LANE_LABEL_WIDTH = 104
MARGIN = 8
NARROWEST_PANEL, USUAL_PANEL, WIDEST_PANEL = 220, 335, 460
PANEL_SHARE = 0.26  # of the window's width, within the limits above, until a person says otherwise
ICON_SIZE = 18
SMALLEST_SCENE = (240, 200)

# Sizes in the scene, metres.
BONE_RADIUS_M = 0.019
JOINT_RADIUS_M = 0.030
HIDDEN_JOINT_RADIUS_M = 0.038
TRUTH_SHARE = 0.85  # of those radii, for the ground truth
TRUTH_ALPHA = 0.38
GHOST_SHARE = 0.7
GHOST_ALPHA = 0.16
OTHERS_ALPHA = 0.3
SHADOW_ALPHA = 0.45
CLOUD_ALPHA = 3.5  # of all alternatives together, within the limits of one
FAINTEST_ALTERNATIVE, STRONGEST_ALTERNATIVE = 0.3, 0.65
ELLIPSOID_ALPHA = 0.34
GRID_SIZE_M = 8.0
GRID_SPACING_M = 0.5

LARGEST_ERROR_MM = 150.0
"""Errors from here on have the last colour of the error scale."""


@dataclass(frozen=True)
class Palette:
    """Colours of the body's sides."""

    label: str
    left: str
    right: str
    centre: str

    @cached_property
    def joints(self) -> NDArray[np.float32]:
        """(16, 3) colours of the joints, 0 to 1."""
        return np.array([rgb(self.side(MPM16.side(joint))) for joint in range(len(MPM16))])

    def side(self, side: str) -> QColor:
        return QColor(getattr(self, side))


@dataclass(frozen=True)
class Theme:
    """Colours of one look. `palettes`: joint colours by name. `outlines`: of kept answers, in turn; none of them is a side's,
    and they stay apart for every kind of colour vision by how light they are, too."""

    name: str
    window: str
    panel: str
    base: str
    raised: str
    text: str
    muted: str
    border: str
    accent: str
    accent_text: str
    warning: str
    done: str
    error: str
    scene: str
    grid: str
    shadow: str
    cell: str
    hidden_cell: str
    missing_cell: str
    curve: str
    hidden_curve: str
    range_fill: str
    key_mark: str
    key_edge: str
    palettes: Mapping[str, Palette]
    outlines: tuple[str, ...]


DARK = Theme(
    name="dark",
    window="#1b1e23",
    panel="#22262c",
    base="#16181c",
    raised="#2d323a",
    text="#e6e9ee",
    muted="#98a1ad",
    border="#363c45",
    accent="#4f9dff",
    accent_text="#ffffff",
    warning="#f2b84b",
    done="#5fc98a",
    error="#ff7b72",
    scene="#1a1d22",
    grid="#3a414b",
    shadow="#000000",
    cell="#39424e",
    hidden_cell="#0c0e11",
    missing_cell="#6b4a1d",
    curve="#8fd3a8",
    hidden_curve="#f2b84b",
    range_fill="#4f9dff",
    key_mark="#ffffff",
    key_edge="#14161a",
    palettes={
        "field": Palette("Blue left, red right", "#5b9dff", "#ff6a5c", "#c3c9d2"),
        "colour-blind": Palette("Sky left, orange right", "#56b4e9", "#f0922e", "#c3c9d2"),
    },
    outlines=("#f0e442", "#1fa37c", "#d990d0", "#ffffff", "#a3703f"),
)

LIGHT = Theme(
    name="light",
    window="#f3f4f6",
    panel="#ffffff",
    base="#ffffff",
    raised="#e9ecf0",
    text="#1c2128",
    muted="#5d6773",
    border="#cdd3da",
    accent="#1f6fd6",
    accent_text="#ffffff",
    warning="#9a6200",
    done="#1a7f43",
    error="#b3261e",
    scene="#eef0f3",
    grid="#c6ccd4",
    shadow="#4a5361",
    cell="#c4cdd8",
    hidden_cell="#333a44",
    missing_cell="#d99b3d",
    curve="#1f8a4c",
    hidden_curve="#b36b00",
    range_fill="#1f6fd6",
    key_mark="#ffffff",
    key_edge="#14181e",
    palettes={
        "field": Palette("Blue left, red right", "#1f62d0", "#d1352b", "#59626d"),
        "colour-blind": Palette("Sky left, orange right", "#0072b2", "#c65a00", "#59626d"),
    },
    outlines=("#b39b00", "#00664d", "#b765ac", "#000000", "#8a5a2b"),
)

THEMES: Mapping[str, Theme] = {theme.name: theme for theme in (DARK, LIGHT)}

# A scale from good to bad that keeps its order for every kind of colour vision (after matplotlib's viridis, reversed).
_ERROR_SCALE = ("#fde725", "#7ad151", "#22a884", "#2a788e", "#414487", "#440154")
_ERROR_SCALE_DARK = ("#fff7b0", "#fde725", "#f9a242", "#ed6925", "#c73e4c", "#8a226a")


def letter_of(place: int) -> str:
    """The letter of a kept answer by its place on the list: A to Z, then AA."""
    return (letter_of(place // 26 - 1) if place >= 26 else "") + chr(ord("A") + place % 26)


def outline_of(place: int, theme: Theme) -> QColor:
    """The colour of a kept answer's outline by its place on the list."""
    return QColor(theme.outlines[place % len(theme.outlines)])


def rgb(colour: QColor) -> NDArray[np.float32]:
    """(3,) red, green and blue, 0 to 1."""
    return np.array([colour.redF(), colour.greenF(), colour.blueF()], np.float32)


def error_stops(theme: Theme) -> tuple[QColor, ...]:
    """Colours of the error scale from 0 to LARGEST_ERROR_MM, readable on the theme's scene."""
    return tuple(QColor(c) for c in (_ERROR_SCALE_DARK if theme is DARK else _ERROR_SCALE))


def error_colours(errors_mm: NDArray[np.floating], theme: Theme) -> NDArray[np.float32]:
    """(n,) errors -> (n, 3) colours, 0 to 1; unknown errors get the centre grey."""
    stops = np.array([rgb(c) for c in error_stops(theme)])
    place = np.clip(np.nan_to_num(errors_mm) / LARGEST_ERROR_MM, 0, 1) * (len(stops) - 1)
    colours = np.stack([np.interp(place, np.arange(len(stops)), stops[:, k]) for k in range(3)], axis=-1)
    grey = rgb(QColor(theme.palettes["field"].centre))
    return np.where(np.isfinite(errors_mm)[..., None], colours, grey).astype(np.float32)


def system_theme(app: QApplication) -> Theme:
    """The theme that the desktop asks for."""
    return LIGHT if app.styleHints().colorScheme() == Qt.ColorScheme.Light else DARK


def apply_theme(app: QApplication, theme: Theme) -> None:
    """Colours and style sheet of all widgets; nothing where they are on already, as in a second window."""
    sheet = _style_sheet(theme)
    if app.styleSheet() == sheet:
        return
    app.setStyle("Fusion")
    palette = QPalette()
    roles = {
        QPalette.ColorRole.Window: theme.window,
        QPalette.ColorRole.WindowText: theme.text,
        QPalette.ColorRole.Base: theme.base,
        QPalette.ColorRole.AlternateBase: theme.panel,
        QPalette.ColorRole.Text: theme.text,
        QPalette.ColorRole.Button: theme.raised,
        QPalette.ColorRole.ButtonText: theme.text,
        QPalette.ColorRole.ToolTipBase: theme.raised,
        QPalette.ColorRole.ToolTipText: theme.text,
        QPalette.ColorRole.PlaceholderText: theme.muted,
        QPalette.ColorRole.Highlight: theme.accent,
        QPalette.ColorRole.HighlightedText: theme.accent_text,
        QPalette.ColorRole.Link: theme.accent,
    }
    for role, colour in roles.items():
        palette.setColor(role, QColor(colour))
    for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(theme.muted))
    app.setPalette(palette)
    app.setStyleSheet(sheet)


def _tick_path() -> str:
    return find_asset("icons/tick.svg").as_posix()


def _arrow_path(theme: Theme) -> str:
    return find_asset(f"icons/arrow-{theme.name}.svg").as_posix()


def _handle_path(lies: str) -> str:
    return find_asset(f"icons/handle-{lies}.svg").as_posix()


def _style_sheet(t: Theme) -> str:
    return f"""
        QMainWindow, QDialog {{ background: {t.window}; }}
        QMainWindow::separator {{ background: {t.window}; width: 6px; height: 6px; }}
        QMainWindow::separator:vertical {{ image: url({_handle_path("upright")}); }}
        QMainWindow::separator:horizontal {{ image: url({_handle_path("level")}); }}
        QMainWindow::separator:hover {{ background: {t.border}; }}
        QToolBar {{ background: {t.panel}; border: none; border-bottom: 1px solid {t.border}; spacing: 2px; padding: 3px 6px; }}
        QToolBar::separator {{ background: {t.border}; width: 1px; margin: 5px 3px; }}
        QToolButton {{ border: 1px solid transparent; border-radius: 4px; padding: 4px 5px; color: {t.text}; }}
        QToolButton:hover {{ background: {t.raised}; }}
        QToolButton:checked {{ background: {t.accent}; color: {t.accent_text}; }}
        QToolButton:disabled {{ color: {t.muted}; }}
        QToolButton[popupMode="1"] {{ padding-right: 18px; }}
        QMenuBar {{ background: {t.panel}; }}
        QMenuBar::item:selected, QMenu::item:selected {{ background: {t.accent}; color: {t.accent_text}; }}
        QMenu {{ background: {t.panel}; border: 1px solid {t.border}; padding: 4px; }}
        QMenu::item {{ padding: 4px 22px; }}
        QMenu::item:disabled {{ color: {t.muted}; }}
        QMenu::separator {{ height: 1px; background: {t.border}; margin: 4px 8px; }}
        QStatusBar {{ background: {t.panel}; border-top: 1px solid {t.border}; }}
        QStatusBar::item {{ border: none; }}
        QStatusBar QLabel {{ padding: 2px 6px; }}
        QLineEdit[role="inline"] {{ background: transparent; border: 1px solid transparent; border-radius: 3px;
            padding: 2px 4px; }}
        QLineEdit[role="inline"]:hover {{ border-color: {t.border}; }}
        QLineEdit[role="inline"]:focus {{ background: {t.base}; border-color: {t.accent}; }}
        QDockWidget {{ color: {t.muted}; }}
        QDockWidget::title {{ background: {t.window}; padding: 5px 8px; }}
        QGroupBox {{ border: none; border-top: 1px solid {t.border}; margin-top: 24px; padding-top: 6px; }}
        QGroupBox::title {{ subcontrol-origin: margin; left: 0px; padding-top: 8px; color: {t.muted}; }}
        QTreeView, QTableView {{ background: {t.panel}; border: none; }}
        QTreeView::item {{ padding: 2px 0px; }}
        QHeaderView {{ background: {t.panel}; }}
        QHeaderView::section {{ background: {t.panel}; color: {t.muted}; border: none; border-bottom: 1px solid {t.border};
            padding: 3px 4px; }}
        QPushButton {{ background: {t.raised}; border: 1px solid {t.border}; border-radius: 4px; padding: 4px 10px; }}
        QPushButton[role="preset"] {{ padding: 4px 2px; }}
        QPushButton:hover {{ border-color: {t.accent}; }}
        QPushButton:checked {{ background: {t.accent}; color: {t.accent_text}; border-color: {t.accent}; }}
        QPushButton:disabled {{ color: {t.muted}; }}
        QScrollArea {{ border: none; }}
        QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
        QScrollBar {{ background: transparent; border: none; }}
        QScrollBar:vertical {{ width: 10px; }}
        QScrollBar:horizontal {{ height: 10px; }}
        QScrollBar::handle {{ background: {t.border}; border-radius: 4px; min-height: 24px; min-width: 24px; margin: 1px; }}
        QScrollBar::handle:hover {{ background: {t.muted}; }}
        QScrollBar::add-line, QScrollBar::sub-line {{ width: 0; height: 0; }}
        QScrollBar::add-page, QScrollBar::sub-page {{ background: transparent; }}
        QTabWidget::pane {{ border: none; border-top: 1px solid {t.border}; }}
        QPushButton[role="tab"] {{ background: transparent; color: {t.muted}; border: none; border-radius: 0px; padding: 0px;
            border-bottom: 2px solid transparent; }}
        QPushButton[role="tab"]:checked {{ color: {t.text}; border-bottom: 2px solid {t.accent}; }}
        QPushButton[role="tab"]:hover, QPushButton[role="tab"]:focus {{ color: {t.text}; background: {t.raised}; }}
        QCheckBox::indicator, QTreeView::indicator, QTableView::indicator {{
            width: 13px; height: 13px; border: 1px solid {t.muted}; border-radius: 3px; background: {t.base}; }}
        QCheckBox::indicator:checked, QTreeView::indicator:checked, QTableView::indicator:checked {{
            background: {t.accent}; border-color: {t.accent}; image: url({_tick_path()}); }}
        QTreeView::indicator:indeterminate {{ background: {t.muted}; }}
        QTreeView::indicator:selected, QTableView::indicator:selected {{ border-color: {t.accent_text}; }}
        QComboBox {{ background: {t.raised}; border: 1px solid {t.border}; border-radius: 4px; padding: 3px 8px; }}
        QComboBox:hover {{ border-color: {t.accent}; }}
        QComboBox::item {{ color: {t.text}; background: {t.panel}; }}
        QComboBox::item:selected {{ background: {t.accent}; color: {t.accent_text}; }}
        QComboBox::drop-down {{ border: none; width: 18px; }}
        QComboBox::down-arrow {{ image: url({_arrow_path(t)}); width: 9px; height: 9px; }}
        QLabel[role="muted"] {{ color: {t.muted}; }}
        QLabel[role="warning"] {{ color: {t.warning}; }}
        QFrame[role="note"] {{ background: {t.raised}; border: 1px solid {t.border}; border-radius: 4px; }}
        QFrame[kind="done"] {{ border-left: 4px solid {t.done}; }}
        QFrame[kind="begun"] {{ border-left: 4px solid {t.muted}; }}
        QFrame[kind="warning"] {{ border-left: 4px solid {t.warning}; }}
        QFrame[kind="error"] {{ border: 1px solid {t.error}; border-left: 4px solid {t.error}; }}
        QLabel[kind] {{ border: none; font-weight: bold; }}
        QLabel[kind="done"] {{ color: {t.done}; }}
        QLabel[kind="begun"] {{ color: {t.muted}; }}
        QLabel[kind="warning"] {{ color: {t.warning}; }}
        QLabel[kind="error"] {{ color: {t.error}; }}
        QToolTip {{ background: {t.raised}; color: {t.text}; border: 1px solid {t.border}; }}
    """
